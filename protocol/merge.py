"""The three-way merge of notebooks by cell id.

``base`` is what both sides began with, ``ours`` the live document, ``theirs`` the file as it is now. What only one
side changed is taken from it. A cell that both changed so that they contradict each other is kept twice, one
behind the other, both whole and marked in ``metadata.gm.conflict``; a cell that one side deleted and the other
changed is kept and marked. SPEC.md, section M. The same three notebooks always give the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from protocol.graph import Graph, repair
from protocol.ids import encode_id, is_valid_cell_id
from protocol.three_way import merge_object, merge_order, merge_text, pick
from protocol.values import CellValue, JsonObject, NotebookValue

# Metadata of a cell that programs write by themselves: where both sides did, ours is as good as theirs.
VOLATILE = frozenset({"execution", "ExecuteTime", "collapsed", "scrolled", "jupyter"})


class Report(msgspec.Struct, frozen=True):
    """What a merge did to ours. ``taken``: cells that came from the file or were changed by it; ``removed``: cells
    that the file no longer had; ``conflicts``: cells that are now marked; ``clashes``: keys of the notebook's
    metadata that both changed, where ours stayed."""

    taken: int = 0
    removed: int = 0
    conflicts: int = 0
    clashes: tuple[str, ...] = ()


class Merge(msgspec.Struct, frozen=True):
    notebook: NotebookValue
    report: Report


def merge(base: NotebookValue, ours: NotebookValue, theirs: NotebookValue) -> Merge:
    """Ids are unique and graphs repaired in each of the three, and so they are in the answer."""
    olds, mine, yours = ({cell.id: cell for cell in side.cells} for side in (base, ours, theirs))
    chosen: dict[str, CellValue] = {}
    copies: dict[str, CellValue] = {}  # id of ours → the file's cell that contradicts it
    conflicts = 0
    for cell_id in dict.fromkeys([*mine, *yours]):
        cell, copy, marked = _merge_cell(olds.get(cell_id), mine.get(cell_id), yours.get(cell_id))
        if cell is not None:
            chosen[cell_id] = cell
        if copy is not None:
            copy = _renamed(copy, cell_id, mine, yours)
            marked = copy.id not in mine  # else the same conflict has been met before
            if not marked:
                chosen[cell_id] = mine[cell_id]
            else:
                copies[cell_id] = copy
                chosen[cell_id] = mark(mine[cell_id], {"side": "notebook", "with": copy.id})
        conflicts += marked
    order = merge_order(list(olds), list(mine), list(yours), chosen)
    merged, clashes = _assemble(base, ours, theirs, order, copies, chosen)
    shown = {cell.id for cell in merged.cells} - {copy.id for copy in copies.values()}
    report = Report(
        taken=sum(1 for cell_id in shown if _is_news(chosen[cell_id], mine.get(cell_id), yours.get(cell_id))),
        removed=sum(1 for cell_id in mine if cell_id not in shown),
        conflicts=conflicts,
        clashes=clashes,
    )
    return Merge(merged, report)


def _is_news(cell: CellValue, mine: CellValue | None, yours: CellValue | None) -> bool:
    """Whether something of the file is in it now; the marked half of a conflict holds nothing new."""
    return cell != mine and (mine is None or yours is not None) and "conflict" not in _gm(cell)


def _assemble(
    base: NotebookValue,
    ours: NotebookValue,
    theirs: NotebookValue,
    order: list[str],
    copies: Mapping[str, CellValue],
    chosen: Mapping[str, CellValue],
) -> tuple[NotebookValue, tuple[str, ...]]:
    cells: list[CellValue] = []
    for cell_id in order:
        cells.append(chosen[cell_id])
        if cell_id in copies:
            cells.append(copies[cell_id])
    clashes: list[str] = []
    metadata = merge_object(base.metadata, ours.metadata, theirs.metadata, clashes)
    tissues = _merge_graph(base.pc_graph, ours.pc_graph, theirs.pc_graph)
    beside = {cell_id: (cell_id, copy.id) for cell_id, copy in copies.items()}
    tissues = {
        parent: tuple(each for child in members for each in beside.get(child, (child,)))
        for parent, members in tissues.items()
    }
    edges = _merge_graph(base.np_graph, ours.np_graph, theirs.np_graph)
    graphs = repair([cell.id for cell in cells], edges, tissues)
    merged = NotebookValue(
        cells=tuple(cells),
        np_graph=graphs.np_graph,
        pc_graph=graphs.pc_graph,
        metadata=metadata,
        drawn=pick(base.drawn, ours.drawn, theirs.drawn),
    )
    return merged, tuple(clashes)


def _merge_graph(base: Graph, ours: Graph, theirs: Graph) -> Graph:
    """Edges that one side added or removed are added or removed. A key's presence means something as well."""
    merged: Graph = {}
    for key in dict.fromkeys([*ours, *theirs]):
        old, mine, yours = (side.get(key) for side in (base, ours, theirs))
        if mine == yours or yours == old:
            members = mine
        elif mine == old:
            members = yours
        else:
            was, left, right = set(old or ()), set(mine or ()), set(yours or ())
            alive = (left & right) | (left - was) | (right - was)
            members = tuple(merge_order(old or (), mine or (), yours or (), alive))
        if members is not None:
            merged[key] = members
    return merged


# --------------------------------------------------------------------------------------------------- one cell


def _merge_cell(
    base: CellValue | None, ours: CellValue | None, theirs: CellValue | None
) -> tuple[CellValue | None, CellValue | None, bool]:
    """The cell that stays (None: deleted), the file's cell that contradicts it, and whether to mark a deletion."""
    if ours is None or theirs is None:
        kept = ours or theirs
        if kept is None or base is None:
            return kept, None, False
        if _content(kept) == _content(base):
            return None, None, False
        side = "file" if ours is None else "notebook"
        return mark(kept, {"side": side, "deleted": True}), None, True
    if ours == theirs or theirs == base:
        return ours, None, False
    if ours == base:
        return theirs, None, False
    both = _with_both(base or CellValue(id=ours.id, type=""), ours, theirs)
    return (both, None, False) if both is not None else (ours, theirs, False)


def _content(cell: CellValue) -> CellValue:
    """The cell without its place on the canvas: to move a cell is not to change it."""
    return msgspec.structs.replace(cell, top=None, left=None, height=None, width=None, collapsed=None)


def _with_both(base: CellValue, ours: CellValue, theirs: CellValue) -> CellValue | None:
    """The cell with the changes of both sides; None if they contradict each other."""
    source = merge_text(base.source, ours.source, theirs.source)
    clashes: list[str] = []
    metadata = merge_object(base.metadata, ours.metadata, theirs.metadata, clashes)
    attachments = merge_object(base.attachments or {}, ours.attachments or {}, theirs.attachments or {}, clashes)
    unsettled = any(path.partition(".")[0] not in VOLATILE for path in clashes)
    kinds = ours.type != theirs.type and base.type not in (ours.type, theirs.type)
    ran = ours.type != theirs.type and _results(ours if ours.type == "code" else theirs) != _results(base)
    if source is None or unsettled or kinds or ran:
        return None
    told = _settled_outputs(base, ours, theirs, source)
    kind = pick(base.type, ours.type, theirs.type)
    held = pick(base.attachments, ours.attachments, theirs.attachments)
    top, left = pick((base.top, base.left), (ours.top, ours.left), (theirs.top, theirs.left))
    return CellValue(
        id=ours.id,
        type=kind,
        source=source,
        execution_count=told.execution_count if kind == "code" else None,
        outputs=told.outputs if kind == "code" else (),
        top=top,
        left=left,
        height=pick(base.height, ours.height, theirs.height),
        width=pick(base.width, ours.width, theirs.width),
        collapsed=pick(base.collapsed, ours.collapsed, theirs.collapsed),
        metadata=metadata,
        attachments=attachments if attachments or held is not None else None,
    )


def _results(cell: CellValue) -> object:
    return cell.outputs, cell.execution_count


def _settled_outputs(base: CellValue, ours: CellValue, theirs: CellValue, source: str) -> CellValue:
    """The side whose outputs stay. Where both ran the cell: those that belong to the text, else ours; they can be
    computed again, and are no reason to keep a cell twice."""
    if _results(ours) == _results(base):
        return theirs
    if _results(theirs) != _results(base) and source == theirs.source != ours.source:
        return theirs
    return ours


# --------------------------------------------------------------------------------------------------- conflicts


def mark(cell: CellValue, conflict: JsonObject) -> CellValue:
    """The cell with ``metadata.gm.conflict``."""
    metadata: JsonObject = {**cell.metadata, "gm": {**_gm(cell), "conflict": conflict}}
    return msgspec.structs.replace(cell, metadata=metadata)


def _gm(cell: CellValue) -> JsonObject:
    gm = cell.metadata.get("gm")
    return gm if isinstance(gm, dict) else {} if gm is None else {"extra": gm}


def _renamed(
    theirs: CellValue, cell_id: str, mine: Mapping[str, CellValue], yours: Mapping[str, CellValue]
) -> CellValue:
    """The file's side of a conflict as a cell of its own, without a place.

    Its id comes from what it says: the same conflict met again, after a crash between the merge and the save, is
    known by it and makes no second copy.
    """
    said = msgspec.json.encode([cell_id, theirs.type, theirs.source, theirs.metadata], order="deterministic")
    attempt = 0
    while True:
        copy_id = encode_id(sha256(b"%d:" % attempt + said).digest()[:6])
        known = mine.get(copy_id)
        again = known is not None and known.source == theirs.source and "conflict" in _gm(known)
        if is_valid_cell_id(copy_id) and (again or (known is None and copy_id not in yours)):
            break
        attempt += 1
    marked = mark(theirs, {"side": "file", "with": cell_id})
    return msgspec.structs.replace(marked, id=copy_id, top=None, left=None)


# ------------------------------------------------------------------------------------------------------- words


def in_words(name: str, report: Report) -> str:
    """What happened, for people. ``name``: of the file."""
    parts = []
    if report.taken:
        parts.append(f"{_counted(report.taken, 'cell')} came from the file")
    if report.removed:
        parts.append(f"{_counted(report.removed, 'cell')} went with it")
    text = f"{name} was changed by another program"
    text += f": {', '.join(parts)}." if parts else "."
    if report.conflicts:
        text += f" {_counted(report.conflicts, 'conflict')}: what both sides say there is kept, and marked."
    if report.clashes:
        text += f" Of the notebook's metadata, what was open here stayed: {', '.join(report.clashes)[:200]}."
    return text


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
