"""What the document says of a cell that waits, runs or ran (SPEC.md, D-7), and of runs without a proper end."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from protocol.messages.changes import Change, SetCell, WriteOutputs
from protocol.messages.kernel import RunEnded
from protocol.messages.shared import Entry
from protocol.values import JsonObject


def source_crc(source: str) -> int:
    """By which it is known that a source has changed: CRC-32 of its UTF-8."""
    return zlib.crc32(source.encode(errors="replace"))


def idle(entry: Entry) -> SetCell:
    return SetCell(entry.cell_id, {"state": "idle", "queued": None})


def waiting(entry: Entry) -> SetCell:
    return SetCell(entry.cell_id, {"state": "queued", "queued": {"who": entry.who, "at": entry.queued}})


def beginning(entry: Entry) -> tuple[Change, ...]:
    """What the document says when a run begins."""
    return (
        SetCell(entry.cell_id, {"state": "running", "queued": None, "execution_count": None, "run": _run(entry)}),
        WriteOutputs(entry.cell_id, 0, ()),
    )


def cleared(cell_id: str) -> tuple[Change, ...]:
    """What the document says of a cell that was never run, as far as anybody can see."""
    return (SetCell(cell_id, {"execution_count": None, "run": None}), WriteOutputs(cell_id, 0, ()))


def going_on(entry: Entry) -> SetCell:
    return SetCell(entry.cell_id, {"state": "running", "queued": None, "run": _run(entry)})


def ending(entry: Entry, ended: RunEnded, at: float, times: Mapping[str, str]) -> SetCell:
    status = "time limit" if entry.overdue and ended.status != "ok" else ended.status
    values: JsonObject = {**_run(entry), "ended": at, "status": status}
    if times:
        values["execution"] = dict(times)
    return SetCell(entry.cell_id, {"state": "idle", "queued": None, "run": values})


def _run(entry: Entry) -> JsonObject:
    return {
        "who": entry.who,
        "queued": entry.queued,
        "began": entry.began,
        "source_crc": source_crc(entry.source),
    }


def explained(entry: Entry, ended: RunEnded, outputs: int) -> tuple[Change, ...]:
    """An output that says in words why a run has no proper end, after the ``outputs`` that it has."""
    if ended.status == "died":
        name, reason = "KernelDied", ended.reason
    elif entry.overdue and ended.status != "ok":
        name, reason = "TimeLimit", entry.overdue
    elif ended.status == "aborted":
        name, reason = "RunAborted", ended.reason
    else:
        return ()
    reason = reason or "The kernel did not run this cell."
    output: JsonObject = {
        "output_type": "error",
        "ename": name,
        "evalue": reason,
        "traceback": [f"{name}: {reason}"],
    }
    # At a place of its own and not "at the end": written twice, it is there once.
    return (WriteOutputs(entry.cell_id, outputs, (output,)),)
