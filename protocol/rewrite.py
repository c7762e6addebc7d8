"""Making shared types say something else by the smallest edits: what stays keeps its history and its cursors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycrdt import Array, Text

from protocol import cells
from protocol.messages.changes import SetCell, WriteOutputs
from protocol.three_way import hunks, shared_ends
from protocol.values import CellValue, Json, JsonObject, shareable

Shared = Any


def write_cell(shared: Shared, owned: cells.Owned, wanted: CellValue, finished: bool) -> None:
    """One cell's Map. ``finished``: nobody is writing its outputs."""
    plain: dict[str, Json] = {
        "id": wanted.id, "type": wanted.type, "top": wanted.top, "left": wanted.left, "height": wanted.height,
        "width": wanted.width, "collapsed": wanted.collapsed,
    }  # fmt: skip
    if finished and owned.run is not None and not _is_of_the_run(owned, wanted):
        cells.change(shared, owned, SetCell(wanted.id, {"run": None}))
    metadata = wanted.metadata if owned.run is None else _without_run(wanted.metadata)
    if metadata or "metadata" in shared:
        plain["metadata"] = metadata
    if wanted.attachments is not None or "attachments" in shared:
        plain["attachments"] = wanted.attachments
    for key, value in plain.items():
        clean = shareable(value)
        if key not in shared or shared.get(key) != clean:
            shared[key] = clean
    write_source(shared, str(shareable(wanted.source)))
    if finished:
        _write_results(shared, owned, wanted)


def _is_of_the_run(owned: cells.Owned, wanted: CellValue) -> bool:
    """Whether these are the outputs of the run that the document tells of."""
    assert owned.run is not None
    return (
        wanted.outputs == tuple(owned.outputs)
        and wanted.execution_count == owned.execution_count
        and wanted.metadata.get("execution") == owned.run.get("execution")
    )


def _without_run(metadata: JsonObject) -> JsonObject:
    """Without what the document knows of the run; see :func:`protocol.cells.with_run`."""
    left = {key: value for key, value in metadata.items() if key not in ("execution", "gm")}
    gm = metadata.get("gm")
    if isinstance(gm, dict) and (ours := {key: value for key, value in gm.items() if key != "source_crc"}):
        left["gm"] = ours
    return left


def _write_results(shared: Shared, owned: cells.Owned, wanted: CellValue) -> None:
    values: JsonObject = {"execution_count": wanted.execution_count}
    if "state" not in shared:
        values["state"] = "idle"
    cells.change(shared, owned, SetCell(wanted.id, values))
    outputs = shared.get("outputs")
    if not isinstance(outputs, Array):
        shared["outputs"] = Array([])
        owned.outputs = []
    same, _ = shared_ends(owned.outputs, wanted.outputs)
    if (len(owned.outputs), len(wanted.outputs)) != (same, same):
        cells.change(shared, owned, WriteOutputs(wanted.id, same, wanted.outputs[same:]))


def write_source(shared: Shared, wanted: str) -> None:
    source = shared.get("source")
    if isinstance(source, Text):
        write_text(source, wanted)
    else:
        shared["source"] = Text(wanted)


def write_text(shared: Shared, wanted: str) -> None:
    """Line by line, and of the lines that differ only the characters between what is the same."""
    old, new = _lines(str(shared)), _lines(wanted)
    changes = hunks(old, new)
    # Indexes are bytes of UTF-8. From the end, so that those before stay right.
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line.encode()))
    for start, end, fresh in reversed(changes):
        before, after = "".join(old[start:end]), "".join(fresh)
        head, tail = shared_ends(before, after)
        at = starts[start] + len(before[:head].encode())
        gone = len(before[head : len(before) - tail].encode())
        if gone:
            del shared[at : at + gone]
        if inserted := after[head : len(after) - tail]:
            shared.insert(at, inserted)


def _lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def write_ids(shared: Shared, wanted: Sequence[str]) -> None:
    """An Array of ids. Clients may have put anything else there; it goes where the order changes anyway."""
    held = shared.to_py() or []
    listed = [item for item in dict.fromkeys(filter(cells.may_name_a_cell, held))]
    if listed == list(wanted):
        return
    names = [item if isinstance(item, str) else "" for item in held]  # "" is nobody's id
    for start, end, fresh in reversed(hunks(names, list(wanted))):
        if end > start:
            del shared[start:end]
        if fresh and start == len(shared):
            shared.extend(fresh)
        elif fresh:
            shared[start:start] = fresh
