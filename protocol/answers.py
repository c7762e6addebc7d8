"""What the server says on the control socket: the answers of methods and the pushes, as types.

The tables :data:`ANSWERS` and :data:`PUSHES` say what belongs to what; typescript.py writes them for the page.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from protocol import comms
from protocol.kernel_requests import AboutKernel, Completeness, Completions, Inspection, Past
from protocol.messages.notebook import InputAsked, InstalledKernel, KernelChanged, OfferedCell, QueueOffered
from protocol.messages.shared import Notice, Saving
from protocol.values import Version
from protocol.wire import Nothing

Size = Annotated[int, msgspec.Meta(gt=0, le=1000)] | Annotated[float, msgspec.Meta(gt=0, le=1000)]


class Monaco(msgspec.Struct, frozen=True, rename="camel"):
    """The text editor. The key keeps the name that clients know."""

    font_size: Size = 13
    line_numbers: Literal["on", "off", "relative"] = "on"


class Outputs(msgspec.Struct, frozen=True, rename="camel"):
    font_size: Size = 14


class Snap(msgspec.Struct, frozen=True):
    x: Size = 20
    y: Size = 20


class Grid(msgspec.Struct, frozen=True):
    snap: Snap = Snap()


class ConfigDocument(msgspec.Struct, frozen=True):
    """Encoded by msgspec it is the document of the contract, key by key; also what ``GET /config`` answers."""

    monaco: Monaco = Monaco()
    outputs: Outputs = Outputs()
    grid: Grid = Grid()


class AskedInput(msgspec.Struct, frozen=True):
    """The ``input()`` that waits now. ``cell_id``: the running cell, if it still runs."""

    cell_id: str | None
    id: str
    prompt: str
    password: bool


class Summary(msgspec.Struct, frozen=True):
    """The notebook (SPEC.md, W-7). ``kernel``: what the document's ``kernel`` Map holds, nothing before the first
    report."""

    path: str
    epoch: str
    cells: int
    clients: int
    saving: Saving
    kernel: dict[str, Any]
    running: str | None
    queued: tuple[str, ...]
    offered: tuple[OfferedCell, ...]
    input: AskedInput | None


class Saved(msgspec.Struct, frozen=True):
    status: Literal["saved"] = "saved"


class Versions(msgspec.Struct, frozen=True):
    """What ``restore_version`` takes, the newest first."""

    versions: tuple[Version, ...]


class ClearedOutputs(msgspec.Struct, frozen=True):
    """``cells``: which had something to clear. ``running``: which keep it, since their run still writes there."""

    cells: tuple[str, ...]
    running: tuple[str, ...]


class KernelSpecs(msgspec.Struct, frozen=True):
    """Names that ``start_kernel`` and ``change_kernel`` take; ``kernels``: with what people call them."""

    kernelspecs: tuple[str, ...]
    kernels: tuple[InstalledKernel, ...]


class QueuedCells(msgspec.Struct, frozen=True):
    """The cells that wait because of it, in order; those that waited or ran already are not among them."""

    cells: tuple[str, ...]


class ActorState(msgspec.Struct, frozen=True):
    """``incarnation`` counts from 1, so one more than its restarts; ``reason``: its last crash, in words."""

    name: str
    state: Literal["starting", "up", "restarting", "failed", "stopped"]
    incarnation: int
    reason: str


class Actors(msgspec.Struct, frozen=True):
    """What runs, in the order of the tree. ``journal``: its size in bytes; ``killable``: by ``chaos.kill``."""

    actors: tuple[ActorState, ...]
    journal: int
    killable: bool


class Pong(msgspec.Struct, frozen=True):
    pong: Literal[True] = True


class Failed(msgspec.Struct, frozen=True):
    """The notebook's actors gave up; an empty reason: they run again."""

    reason: str


class Refusal(msgspec.Struct, frozen=True):
    """The ``error`` of an answer. ``code`` is for programs, ``message`` a sentence for people."""

    code: str
    message: str


Answer: TypeAlias = type[msgspec.Struct]

# Methods that are not here answer {}; chaos.tree answers whatever actors there are.
ANSWERS: dict[tuple[str, str], Answer] = {
    ("notebook", "get"): Summary,
    ("notebook", "checkpoint"): Saved,
    ("notebook", "run"): QueuedCells,
    ("notebook", "versions"): Versions,
    ("notebook", "clear_outputs"): ClearedOutputs,
    ("notebook", "actors"): Actors,
    ("kernel", "specs"): KernelSpecs,
    ("kernel", "complete"): Completions,
    ("kernel", "inspect"): Inspection,
    ("kernel", "is_complete"): Completeness,
    ("kernel", "history"): Past,
    ("kernel", "info"): AboutKernel,
    ("config", "get"): ConfigDocument,
    ("comms", "ping"): Pong,
}
PUSHES: dict[tuple[str, str], Answer] = {
    ("notebook", "saving"): Saving,
    ("notebook", "notice"): Notice,
    ("notebook", "failed"): Failed,
    ("notebook", "queue_offered"): QueueOffered,
    ("kernel", "status"): KernelChanged,
    ("kernel", "input_request"): InputAsked,
    **{("comms", method): push for push, method in comms.PUSHES.items()},
}


def answer_of(channel: str, method: str) -> Answer:
    return ANSWERS.get((channel, method), Nothing)
