"""What the KernelActor is asked, and how it tells of runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from protocol.comm_requests import CommRequest
from protocol.kernel_requests import AboutKernel, Answer, Question
from protocol.messages.shared import Done, Outlet, Refused, Reply
from protocol.values import JsonObject


class KernelStatus(StrEnum):
    NONE = "none"  # never started, or shut down
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    INTERRUPTING = "interrupting"
    NOT_RESPONDING = "not responding"
    RESTARTING = "restarting"
    DEAD = "dead"


class Execute(msgspec.Struct, frozen=True):
    """Run ``source`` as run ``run``. Idempotent: the run in hand (also of an earlier incarnation) is adopted.

    Starts a kernel of spec ``kernel`` if none is alive. ``written``: the outputs the document already holds of
    this run, empty for a new run; an adopting incarnation continues after them. Refused: another run is in
    hand ("busy"), no such kernelspec ("unknown_kernel").
    """

    reply: Reply[Done | Refused]
    run: str
    cell_id: str
    source: str
    kernel: str
    written: tuple[JsonObject, ...] = ()


class Pull(msgspec.Struct, frozen=True):
    """What is new since report number ``seen`` (0: everything). Answered as soon as there is something."""

    reply: Reply[KernelReport]
    seen: int


class InputRequest(msgspec.Struct, frozen=True):
    """The kernel waits for ``input()``. ``id`` names this question."""

    id: str
    prompt: str
    password: bool


class RunEnded(msgspec.Struct, frozen=True):
    """``status``: "ok"; "error" (the cell raised); "interrupted" (it raised after an interrupt of ours);
    "aborted" (the kernel refused to run it); "died" (the kernel ended). ``reason``: words, for "died"."""

    status: Literal["ok", "error", "interrupted", "aborted", "died"]
    reason: str = ""


class NextInput(msgspec.Struct, frozen=True):
    """The code that ran asked for a text in the next cell, or (``replace``) in its own (``set_next_input``)."""

    text: str
    replace: bool


class RunReport(msgspec.Struct, frozen=True):
    """The run in hand or the one that ended last. ``outputs`` replace ``outputs[start:]`` of what was seen.

    ``times``: when the kernel said what, in its own words, under the names that JupyterLab has for it.
    """

    run: str
    cell_id: str
    start: int
    outputs: tuple[JsonObject, ...]
    execution_count: int | None = None
    started: bool = False  # the kernel said that it began (execute_input or busy)
    input: InputRequest | None = None
    ended: RunEnded | None = None
    times: dict[str, str] = {}
    next_inputs: tuple[NextInput, ...] = ()


class DisplayChange(msgspec.Struct, frozen=True):
    """``update_display_data`` for an output of another cell than the running one."""

    cell_id: str
    index: int
    data: JsonObject
    metadata: JsonObject


class KernelReport(msgspec.Struct, frozen=True):
    """State, not events: whoever missed a report loses nothing by reading the next.

    ``number`` rises within one incarnation of the actor, which ``actor`` identifies: a report number of another
    incarnation means "seen nothing". ``incarnation`` counts kernel processes. ``reason``: why it is dead.
    """

    actor: str
    number: int
    status: KernelStatus
    reason: str
    name: str
    incarnation: int
    language_info: JsonObject
    run: RunReport | None
    displays: tuple[DisplayChange, ...] = ()


class StartKernel(msgspec.Struct, frozen=True):
    """Start a kernel if none is alive. Answered when it is ready, or refused with the reason."""

    reply: Reply[Done | Refused]
    kernel: str


class InterruptKernel(msgspec.Struct, frozen=True):
    """Climb the ladder for the run in hand. Nothing running: nothing. While starting: remembered."""

    reply: Reply[Done]


class RestartKernel(msgspec.Struct, frozen=True):
    """A new kernel process. The run in hand ends as "died". Answered when the new one is ready."""

    reply: Reply[Done | Refused]
    kernel: str


class ShutDownKernel(msgspec.Struct, frozen=True):
    """End the kernel process, gently and then by force; answered when it is gone."""

    reply: Reply[Done]


class AnswerInput(msgspec.Struct, frozen=True):
    """The answer to ``input()``. Refused ("no_input") when nothing asks, or another question than ``id``
    (empty: whatever asks now)."""

    reply: Reply[Done | Refused]
    id: str
    value: str


class AskKernel(msgspec.Struct, frozen=True):
    """A question beside running cells, answered also while one runs, where the kernel can. Refused: "no_kernel",
    "starting", "busy" (too many wait), "kernel_died", "kernel_error"."""

    reply: Reply[Answer | Refused]
    question: Question


class DescribeKernel(msgspec.Struct, frozen=True):
    """What the kernel said of itself when it started."""

    reply: Reply[AboutKernel | Refused]


class WatchComms(msgspec.Struct, frozen=True):
    """Subscribe to the kernel's comms, as text frames for clients (SPEC.md, W-10): all that is open at once, then
    each change. ``outlet`` is closed when it has to be asked for again."""

    reply: Reply[Done]
    outlet: Outlet[str]


class TellComm(msgspec.Struct, frozen=True):
    """Pass a client's comm message on. Refused: "no_kernel", "starting"."""

    reply: Reply[Done | Refused]
    request: CommRequest


KernelMessage: TypeAlias = (
    Execute
    | Pull
    | StartKernel
    | InterruptKernel
    | RestartKernel
    | ShutDownKernel
    | AnswerInput
    | AskKernel
    | DescribeKernel
    | WatchComms
    | TellComm
)
