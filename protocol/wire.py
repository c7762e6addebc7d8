"""Control messages: the JSON text frames between a browser and the gateway (contract section 2).

``{"channel": C, "method": M, "message": {…}, "id": …}``. The table :data:`METHODS` is the allow-list: a method
that is not in it does not exist. Extra fields are ignored, missing and mistyped ones are errors that name them.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from protocol.comm_requests import CloseComm, CommRequest, OpenComm, SendComm
from protocol.kernel_requests import Complete, History, Inspect, IsComplete, Question
from protocol.selection import Which
from protocol.values import Json, JsonObject

RequestId: TypeAlias = str | int | None
MAX_CELLS = 10_000


class Nothing(msgspec.Struct, frozen=True):
    """A method without fields."""


class QueueCellFields(msgspec.Struct, frozen=True):
    cell_id: str


class RestoreVersionFields(msgspec.Struct, frozen=True):
    """``id``: of one that ``notebook.versions`` lists."""

    id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class ClearOutputsFields(msgspec.Struct, frozen=True):
    """``cells``: null means every cell."""

    cells: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_CELLS)] | None = None


class ResumeQueueFields(msgspec.Struct, frozen=True):
    """``interrupted``: also what had begun when the server stopped, not only what waited."""

    interrupted: bool = True


Seconds = Annotated[float, msgspec.Meta(gt=0, le=30 * 24 * 3600)]
Place = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class RunFields(msgspec.Struct, frozen=True):
    """``what`` runs, seen from ``cell_id``, or ``cells``: as in protocol/selection.py. ``restart``: in a fresh
    kernel. The rest: what an error does to what waits, and how long a cell, and all of them, may take.
    """

    what: Which
    cell_id: str = ""
    cells: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_CELLS)] = ()
    restart: bool = False
    stop_on_error: bool = True
    cell_seconds: Seconds | None = None
    run_seconds: Seconds | None = None


class CellFields(msgspec.Struct, frozen=True):
    cell_id: str


class MoveFields(msgspec.Struct, frozen=True):
    """``place`` among those that wait, from 1; beyond the end: the last."""

    cell_id: str
    place: Place


class ChangeKernelFields(msgspec.Struct, frozen=True):
    """``name``: an installed kernelspec."""

    name: str


class StartKernelFields(msgspec.Struct, frozen=True):
    """``name``: an installed kernelspec; without it the notebook's own."""

    name: str = ""


class InputReplyFields(msgspec.Struct, frozen=True):
    """``id``: of the question that is answered; without it whatever asks now."""

    value: str
    id: str = ""


class KillFields(msgspec.Struct, frozen=True):
    actor: str


Fields: TypeAlias = (
    Nothing
    | QueueCellFields
    | RunFields
    | CellFields
    | MoveFields
    | ChangeKernelFields
    | ResumeQueueFields
    | RestoreVersionFields
    | ClearOutputsFields
    | StartKernelFields
    | InputReplyFields
    | KillFields
    | Question
    | CommRequest
)


class Method(msgspec.Struct, frozen=True):
    """One row of the table. ``always``: answered also without an id."""

    fields: type[Fields]
    effect: str
    always: bool = False


METHODS: dict[tuple[str, str], Method] = {
    ("notebook", "get"): Method(Nothing, "the notebook's summary", always=True),
    ("notebook", "queue_cell"): Method(QueueCellFields, "append a cell to the run queue"),
    ("notebook", "run"): Method(RunFields, "queue many cells: all, above, below, a tissue, downstream, …"),
    ("notebook", "run_next"): Method(CellFields, "let a cell run before all that wait"),
    ("notebook", "cancel_cell"): Method(CellFields, "take a waiting cell out of the run queue"),
    ("notebook", "move_cell"): Method(MoveFields, "give a waiting cell another place in the run queue"),
    ("notebook", "pause"): Method(Nothing, "let no further cell begin"),
    ("notebook", "resume"): Method(Nothing, "let the run queue go on"),
    ("notebook", "resume_queue"): Method(ResumeQueueFields, "run what waited or ran when the server stopped"),
    ("notebook", "dismiss_queue"): Method(Nothing, "forget what waited or ran when the server stopped"),
    ("notebook", "clear_outputs"): Method(ClearOutputsFields, "take away what cells put out"),
    ("notebook", "interrupt_kernel"): Method(Nothing, "empty the queue, then interrupt the running cell"),
    ("notebook", "checkpoint"): Method(Nothing, "write the file; answered when the bytes are on disk"),
    ("notebook", "actors"): Method(Nothing, "every actor's state, and the journal's size", always=True),
    ("notebook", "retry"): Method(Nothing, "start a failed notebook's actors again"),
    ("notebook", "versions"): Method(Nothing, "the last saves and merges, the newest first"),
    ("notebook", "restore_version"): Method(RestoreVersionFields, "bring a version back, as edits"),
    ("kernel", "interrupt"): Method(Nothing, "interrupt the running cell; the queue goes on"),
    ("kernel", "restart_kernel"): Method(Nothing, "restart; the running cell ends, queued cells go idle"),
    ("kernel", "start_kernel"): Method(StartKernelFields, "start a kernel if none runs"),
    ("kernel", "change_kernel"): Method(ChangeKernelFields, "another kind of kernel, from now on"),
    ("kernel", "shut_down"): Method(Nothing, "end the kernel; queued cells go idle"),
    ("kernel", "input_reply"): Method(InputReplyFields, "answer the running cell's input()"),
    ("kernel", "complete"): Method(Complete, "what could stand at a place in code"),
    ("kernel", "inspect"): Method(Inspect, "what the name at a place in code is"),
    ("kernel", "is_complete"): Method(IsComplete, "whether code could be run as it is"),
    ("kernel", "history"): Method(History, "inputs of this and earlier kernels"),
    ("kernel", "info"): Method(Nothing, "what the kernel said of itself when it started"),
    ("kernel", "specs"): Method(Nothing, "the installed kernelspecs that may be started", always=True),
    ("config", "get"): Method(Nothing, "the configuration, as GET /config", always=True),
    ("comms", "ping"): Method(Nothing, "pong", always=True),
    ("comms", "subscribe"): Method(Nothing, "hear of the kernel's comms: what is open now, then each change"),
    ("comms", "open"): Method(OpenComm, "open a comm to the kernel"),
    ("comms", "msg"): Method(SendComm, "say something on a comm"),
    ("comms", "close"): Method(CloseComm, "close a comm"),
    ("chaos", "kill"): Method(KillFields, "kill a named actor (only with --chaos)"),
    ("chaos", "tree"): Method(Nothing, "every actor's state (only with --chaos)", always=True),
}
CHANNELS = frozenset(channel for channel, _ in METHODS)


class Request(msgspec.Struct, frozen=True):
    channel: str
    method: str
    id: RequestId
    fields: Fields


class WireError(msgspec.Struct, frozen=True):
    """What goes back to whoever sent something that is not a request."""

    channel: str
    method: str
    id: RequestId
    code: str
    message: str


def _salvaged(value: object) -> RequestId:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def decode(text: str) -> Request | WireError:
    """A text frame as a typed request, or the error to answer with. Never raises."""
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return WireError("", "", None, "bad_json", "The message is not JSON.")
    if not isinstance(frame, dict):
        return WireError("", "", None, "bad_message", "A message is a JSON object.")
    channel, method, request_id = frame.get("channel"), frame.get("method"), _salvaged(frame.get("id"))
    if not isinstance(channel, str) or not isinstance(method, str):
        return WireError("", "", request_id, "bad_message", "A message has a channel and a method.")
    if "id" in frame and frame["id"] is not None and request_id is None:
        return WireError(channel[:80], method[:80], None, "bad_field", "An id is a string or an integer.")

    def error(code: str, sentence: str) -> WireError:
        return WireError(channel[:80], method[:80], request_id, code, sentence)

    if channel not in CHANNELS:
        return error("unknown_channel", f"There is no channel {channel[:80]!r}.")
    row = METHODS.get((channel, method))
    if row is None:
        return error("unknown_method", f"Channel {channel} has no method {method[:80]!r}.")
    try:
        fields = msgspec.convert({} if frame.get("message") is None else frame["message"], row.fields)
    except msgspec.ValidationError as problem:
        return error("bad_field", f"{problem}.")
    return Request(channel, method, request_id, fields)


def answer(request: Request, message: Json) -> str | None:
    """The text frame of a success, or None where the contract wants none."""
    if request.id is None and not METHODS[request.channel, request.method].always:
        return None
    body: JsonObject = {"channel": request.channel, "method": request.method, "id": request.id, "message": message}
    return encode(body)


def refuse(problem: WireError) -> str:
    """The text frame of an error: always sent, ``"id": null`` if there was none."""
    error: JsonObject = {"code": problem.code, "message": problem.message}
    body: JsonObject = {"channel": problem.channel, "method": problem.method, "id": problem.id, "error": error}
    return encode(body)


def refuse_request(request: Request, code: str, message: str) -> str:
    return refuse(WireError(request.channel, request.method, request.id, code, message))


def push(channel: str, method: str, message: Json | msgspec.Struct) -> str:
    """Something the server says by itself."""
    return msgspec.json.encode({"channel": channel, "method": method, "message": message}).decode()


def encode(body: JsonObject) -> str:
    return msgspec.json.encode(body).decode()
