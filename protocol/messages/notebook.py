"""What the NotebookActor is asked, and how it tells of runs."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from protocol.messages.kernel import InputRequest, KernelStatus
from protocol.messages.shared import Done, Entry, Notice, Outlet, Refused, Reply
from protocol.values import JsonObject


class QueueCell(msgspec.Struct, frozen=True):
    """Append a cell to the run queue. Queued already: done, no second entry; running: refused "running"."""

    reply: Reply[Done | Refused]
    cell_id: str
    who: str


class QueueCells(msgspec.Struct, frozen=True):
    """Append what the hub drafted to the run queue, but for cells that wait or run already. ``restart``: a fresh
    kernel first. Answered with the cells that were queued, in order."""

    reply: Reply[tuple[str, ...] | Refused]
    drafts: tuple[Entry, ...]
    restart: bool = False


class RunNext(msgspec.Struct, frozen=True):
    """As :class:`QueueCell`, and before all that wait."""

    reply: Reply[Done | Refused]
    cell_id: str
    who: str


class CancelCell(msgspec.Struct, frozen=True):
    """A waiting cell goes back to idle. Refused: "not_queued", "running"."""

    reply: Reply[Done | Refused]
    cell_id: str


class MoveCell(msgspec.Struct, frozen=True):
    """Let a waiting cell be the ``place``-th of those that wait, counted from 1. Refused as by
    :class:`CancelCell`."""

    reply: Reply[Done | Refused]
    cell_id: str
    place: int


class PauseQueue(msgspec.Struct, frozen=True):
    """Let no further cell begin, or (not ``paused``) let the queue go on. Nothing to change: done."""

    reply: Reply[Done]
    paused: bool


class ResumeQueue(msgspec.Struct, frozen=True):
    """Run what is offered, in its order and with the sources of now. ``interrupted``: also what had begun when the
    server stopped. Refused ("no_offer") when nothing of the kind is offered (any more)."""

    reply: Reply[Done | Refused]
    interrupted: bool
    who: str


class DismissQueue(msgspec.Struct, frozen=True):
    """Forget what is offered."""

    reply: Reply[Done]


class InterruptAll(msgspec.Struct, frozen=True):
    """Empty the queue (its cells go back to idle), then interrupt the running cell."""

    reply: Reply[Done]


class InterruptRun(msgspec.Struct, frozen=True):
    """Interrupt the running cell; the queue goes on."""

    reply: Reply[Done]


class Restart(msgspec.Struct, frozen=True):
    """Restart the kernel; the running cell ends, queued cells go back to idle."""

    reply: Reply[Done | Refused]


class Start(msgspec.Struct, frozen=True):
    """Start the kernel if none runs. ``kernel``: a spec's name, empty for the notebook's own."""

    reply: Reply[Done | Refused]
    kernel: str = ""


class InstalledKernel(msgspec.Struct, frozen=True):
    """A kernelspec that may be started. ``language`` as its kernel.json has it."""

    name: str
    display_name: str
    language: str


class ChangeKernel(msgspec.Struct, frozen=True):
    """End the kernel, start one of this kind, and let the notebook say so; queued cells go back to idle. Answered
    when it is ready. Refused: "kernel_fixed" (the settings name another), "start_failed", "kernel_died"."""

    reply: Reply[Done | Refused]
    kernel: InstalledKernel


class ShutDown(msgspec.Struct, frozen=True):
    """End the kernel; queued cells go back to idle. No kernel: done."""

    reply: Reply[Done]


class ReplyInput(msgspec.Struct, frozen=True):
    reply: Reply[Done | Refused]
    id: str
    value: str


class OfferedCell(msgspec.Struct, frozen=True):
    """A cell that waited, or (``interrupted``) ran, when the server stopped. ``source_crc``: the CRC-32 of what it
    said when it was queued, in UTF-8, which tells whether it has changed since."""

    cell_id: str
    who: str
    interrupted: bool
    source_crc: int


class DescribeRuns(msgspec.Struct, frozen=True):
    reply: Reply[RunsSummary]


class RunsSummary(msgspec.Struct, frozen=True):
    """``kernel``: keys of the document's ``kernel`` Map, and ``specs``: the names that may be started."""

    kernel: JsonObject
    running: str | None
    queued: tuple[str, ...]
    offered: tuple[OfferedCell, ...]
    input: InputRequest | None


class QueueOffered(msgspec.Struct, frozen=True):
    """Pushed to every client when it changes: what may be run again after a restart of the server, in order."""

    cells: tuple[OfferedCell, ...]


class InputAsked(msgspec.Struct, frozen=True):
    """Pushed to every client: the running cell waits for ``input()``; None: it does no longer."""

    cell_id: str
    request: InputRequest | None


class KernelChanged(msgspec.Struct, frozen=True):
    """Pushed to every client when the kernel's status changes."""

    status: KernelStatus
    reason: str
    name: str


class WatchRuns(msgspec.Struct, frozen=True):
    """Subscribe to what people should hear; the kernel's state, an open ``input()`` and what may be run again are
    told at once."""

    reply: Reply[Done]
    outlet: Outlet[RunNews]


RunNews: TypeAlias = InputAsked | KernelChanged | QueueOffered | Notice

NotebookMessage: TypeAlias = (
    QueueCell
    | QueueCells
    | RunNext
    | CancelCell
    | MoveCell
    | PauseQueue
    | ResumeQueue
    | DismissQueue
    | InterruptAll
    | InterruptRun
    | Restart
    | Start
    | ChangeKernel
    | ShutDown
    | ReplyInput
    | DescribeRuns
    | WatchRuns
)
