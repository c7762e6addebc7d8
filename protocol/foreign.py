"""A file that another program wrote, made comparable with what this notebook was when it was saved last.

Other programs drop cell ids, positions and graphs: what a file does not say is no change. Cells without a known id
are recognised by their content.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import TypeAlias

import msgspec

from protocol.graph import Graph, repair
from protocol.ids import derive_id
from protocol.merge import Report, merge
from protocol.notebook_file import NotebookFileError, dump, load
from protocol.seed import arrange
from protocol.values import CellValue, NotebookValue

# Two cells are taken for one when at least this share of their words is the same.
ALIKE = 0.5
_MOST_COMPARISONS = 10_000
_WORD = re.compile(r"\w+|[^\w\s]")


class Outcome(msgspec.Struct, frozen=True):
    """``merged``: what the notebook should say. ``theirs``: what the file says, for whoever wants to know whether
    it says all of the notebook."""

    merged: NotebookValue
    theirs: NotebookValue
    report: Report


Slim: TypeAlias = Callable[[NotebookValue], NotebookValue]


def merge_file(saved: bytes | None, live: NotebookValue, data: bytes, slim: Slim = lambda whole: whole) -> Outcome:
    """Merge the file's bytes into ``live``. ``saved``: what this notebook was when it was saved last; None: nobody
    knows, so whatever differs is kept twice. ``slim``: makes references of what files hold whole, as in ``live``.
    Raises :class:`NotebookFileError`."""
    if not data.strip() and live.cells:
        raise NotebookFileError("This file is empty.")  # as it is while others are still writing it
    # As a file says it: what has no place in a file is no change of ours.
    ours = load(dump(live))
    names = {one.id: other.id for one, other in zip(ours.cells, live.cells, strict=True)}
    base = NotebookValue() if saved is None else slim(arrange(load(saved)))
    theirs = slim(as_known(data, base if saved is not None else ours))
    made = merge(base, ours, theirs)
    before = {one.id: (one, other) for one, other in zip(ours.cells, live.cells, strict=True)}
    cells = [_as_it_was(cell, *before.get(cell.id, (None, None))) for cell in made.notebook.cells]
    found = made.notebook
    merged = msgspec.structs.replace(
        found,
        cells=tuple(cells),
        np_graph=live.np_graph if found.np_graph == ours.np_graph else _with_names(found.np_graph, names),
        pc_graph=live.pc_graph if found.pc_graph == ours.pc_graph else _with_names(found.pc_graph, names),
        metadata=live.metadata if found.metadata == ours.metadata else found.metadata,
    )
    return Outcome(merged, theirs, made.report)


def _as_it_was(cell: CellValue, filed: CellValue | None, live: CellValue | None) -> CellValue:
    """The live cell where the merge did not change it, and under its live id where it did."""
    if filed is None or live is None:
        return cell
    return live if cell == filed else msgspec.structs.replace(cell, id=live.id)


def _with_names(graph: Graph, names: Mapping[str, str]) -> Graph:
    return {
        names.get(key, key): tuple(names.get(member, member) for member in members)
        for key, members in graph.items()
    }


# ------------------------------------------------------------------------------------------- reading their file


def as_known(data: bytes, base: NotebookValue) -> NotebookValue:
    """The file's notebook, with the ids, places and graphs of ``base`` where it does not say its own.

    Raises :class:`NotebookFileError`.
    """
    found = load(data)
    if not base.cells:
        return arrange(found)
    names, nameless = _recognised(found.cells, base.cells, sha256(data).digest())
    known = {cell.id: cell for cell in base.cells}
    cells = [_placed(msgspec.structs.replace(cell, id=names.get(cell.id, cell.id)), known) for cell in found.cells]
    # A file without ids has graphs whose names mean nothing any more.
    said = base if nameless or not found.drawn else found
    np_graph, pc_graph = (_with_names(graph, names) for graph in (said.np_graph, said.pc_graph))
    strangers = {cell.id for cell in cells if cell.id not in known and (cell.top is None or cell.left is None)}
    graphs = repair([cell.id for cell in cells], *_linked(cells, strangers, np_graph, pc_graph))
    return arrange(
        NotebookValue(
            cells=tuple(cells), np_graph=graphs.np_graph, pc_graph=graphs.pc_graph, metadata=found.metadata
        )
    )


def _placed(cell: CellValue, known: Mapping[str, CellValue]) -> CellValue:
    """With the place of the cell that it was, where it has none."""
    old = known.get(cell.id)
    if old is None:
        return cell
    lost = cell.top is None or cell.left is None
    return msgspec.structs.replace(
        cell,
        top=old.top if lost else cell.top,
        left=old.left if lost else cell.left,
        height=old.height if cell.height is None else cell.height,
        width=old.width if cell.width is None else cell.width,
        collapsed=old.collapsed if lost and cell.collapsed is None else cell.collapsed,
    )


def _linked(
    cells: Sequence[CellValue], strangers: set[str], np_graph: Graph, pc_graph: Graph
) -> tuple[Graph, Graph]:
    """The graphs with cells that a program without a canvas added: each follows the cell before it."""
    flow, tissues = dict(np_graph), dict(pc_graph)
    parents = {child: parent for parent, members in tissues.items() for child in members}
    before: str | None = None
    for cell in cells:
        if cell.id in strangers and before is not None:
            if before in tissues:
                tissues[before] = (cell.id, *tissues[before])
                parents[cell.id] = before
            elif (parent := parents.get(before)) is not None:
                members = list(tissues[parent])
                members.insert(members.index(before) + 1, cell.id)
                tissues[parent] = tuple(members)
                parents[cell.id] = parent
            else:
                flow[cell.id], flow[before] = flow.get(before, ()), (cell.id,)
        before = cell.id
    return flow, tissues


# ------------------------------------------------------------------------------------------ recognising cells


def _recognised(
    found: Sequence[CellValue], known: Sequence[CellValue], digest: bytes
) -> tuple[dict[str, str], bool]:
    """Ids of found cells → ids of the known cells that they are; and whether the file had dropped ids."""
    theirs = {cell.id for cell in found}
    olds = {cell.id for cell in known}
    missing = [cell for cell in known if cell.id not in theirs]
    new = [cell for cell in found if cell.id not in olds]
    dropped = {cell.id for at, cell in enumerate(found) if cell.id == derive_id(digest, at, 0)}
    names: dict[str, str] = {}
    waiting: dict[tuple[str, str], deque[str]] = {}
    for cell in missing:
        waiting.setdefault((cell.type, cell.source), deque()).append(cell.id)
    for cell in new:
        same = waiting.get((cell.type, cell.source))
        if same:
            names[cell.id] = same.popleft()
    taken = set(names.values())
    rest = deque(cell for cell in missing if cell.id not in taken)
    _recognise_changed([cell for cell in new if cell.id in dropped and cell.id not in names], rest, names)
    return names, any(cell.id in dropped for cell in new) and bool(missing)


def _recognise_changed(new: Sequence[CellValue], missing: deque[CellValue], names: dict[str, str]) -> None:
    """The first of ``missing`` that a new cell is like; in order, so that cells do not change places."""
    said = {cell.id: Counter(_WORD.findall(cell.source)) for cell in (*new, *missing)}
    comparisons = 0
    for cell in new:
        for at, old in enumerate(missing):
            comparisons += 1
            if comparisons > _MOST_COMPARISONS:
                return
            if cell.type == old.type and _likeness(said[cell.id], said[old.id]) >= ALIKE:
                names[cell.id] = old.id
                for _ in range(at + 1):
                    missing.popleft()
                break


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0
