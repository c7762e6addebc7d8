"""What a kernel says: received ZMQ frames in, typed events out.

The header is decoded first. The content of a stream message is left as bytes (:class:`Stream`), so that a flood
of output beyond the budget costs neither decoding nor copies. Nothing a kernel sends raises here: whatever is
malformed, unsigned or forged comes out as :class:`Undecodable`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from protocol.comm_events import COMM_TYPES, CommEvent, read_comm
from protocol.kernel_requests import AboutKernel, about
from protocol.loose_json import read_json, read_object
from protocol.values import JsonObject

DELIMITER = b"<IDS|MSG>"


class _StreamContent(msgspec.Struct, frozen=True):
    name: str
    text: str


class Stream(msgspec.Struct, frozen=True):
    """Text on stdout or stderr. ``content`` is the undecoded JSON; :meth:`read` gives the name and the text."""

    parent: str
    content: bytes

    def read(self) -> tuple[str, str] | None:
        return read_stream(self.content)


class DisplayData(msgspec.Struct, frozen=True):
    """``size``: bytes of the JSON content, for limits. ``display_id``: empty when the display has none."""

    parent: str
    data: JsonObject
    metadata: JsonObject
    display_id: str
    size: int


class ExecuteResult(msgspec.Struct, frozen=True):
    parent: str
    data: JsonObject
    metadata: JsonObject
    execution_count: int | None
    display_id: str
    size: int


class UpdateDisplay(msgspec.Struct, frozen=True):
    parent: str
    data: JsonObject
    metadata: JsonObject
    display_id: str
    size: int


class ClearOutput(msgspec.Struct, frozen=True):
    """``wait``: clear only when the next output comes."""

    parent: str
    wait: bool


class ErrorRaised(msgspec.Struct, frozen=True):
    parent: str
    ename: str
    evalue: str
    traceback: tuple[str, ...]


class StatusChanged(msgspec.Struct, frozen=True):
    """``state``: "busy", "idle" or "starting"."""

    parent: str
    state: str
    date: str = ""


class ExecuteInput(msgspec.Struct, frozen=True):
    """The kernel begins with the cell."""

    parent: str
    execution_count: int | None
    date: str = ""


class ExecuteReply(msgspec.Struct, frozen=True):
    """``status``: "ok", "error", or "aborted" (the cell was not run). ``payload``: what the code asks of whoever
    shows it (Jupyter's messaging protocol, "Payloads")."""

    parent: str
    status: str
    execution_count: int | None
    ename: str
    payload: tuple[JsonObject, ...] = ()
    date: str = ""


class KernelInfoReply(msgspec.Struct, frozen=True):
    parent: str
    about: AboutKernel


class InputRequested(msgspec.Struct, frozen=True):
    """``input()`` waits. ``header``: this request's header as JSON, the parent of the answer."""

    parent: str
    id: str
    header: bytes
    prompt: str
    password: bool


class Welcome(msgspec.Struct, frozen=True):
    """The subscription to ``topic`` is in force."""

    topic: str


class Answered(msgspec.Struct, frozen=True):
    """The reply to a question of kernel_requests.py, or to one about subshells."""

    parent: str
    content: JsonObject


class Other(msgspec.Struct, frozen=True):
    """A message of a type that nothing here acts on (replies to shutdown, …)."""

    parent: str
    type: str


class Undecodable(msgspec.Struct, frozen=True):
    reason: str


OutputEvent: TypeAlias = Stream | DisplayData | ExecuteResult | UpdateDisplay | ClearOutput | ErrorRaised
KernelEvent: TypeAlias = (
    OutputEvent
    | StatusChanged
    | ExecuteInput
    | ExecuteReply
    | KernelInfoReply
    | Answered
    | CommEvent
    | InputRequested
    | Welcome
    | Other
    | Undecodable
)


class _Header(msgspec.Struct, frozen=True):
    msg_id: str
    msg_type: str
    date: Any = ""


class _Parent(msgspec.Struct, frozen=True):
    msg_id: str | None = None


class _Transient(msgspec.Struct, frozen=True):
    display_id: str | int | None = None


class _Bundle(msgspec.Struct, frozen=True):
    data: dict[str, Any]
    metadata: dict[str, Any] | None = None
    transient: _Transient | None = None
    execution_count: int | None = None

    @property
    def display_id(self) -> str:
        given = self.transient.display_id if self.transient else None
        return "" if given is None else str(given)


class _Clear(msgspec.Struct, frozen=True):
    wait: bool = False


class _Error(msgspec.Struct, frozen=True):
    ename: Any = ""
    evalue: Any = ""
    traceback: list[Any] | None = None


class _Status(msgspec.Struct, frozen=True):
    execution_state: str


class _Count(msgspec.Struct, frozen=True):
    execution_count: Any = None


class _Reply(msgspec.Struct, frozen=True):
    status: str = "ok"
    execution_count: Any = None
    ename: Any = ""
    payload: Any = ()


class _Input(msgspec.Struct, frozen=True):
    prompt: Any = ""
    password: bool = False


class _Welcome(msgspec.Struct, frozen=True):
    subscription: str = ""


def read_stream(content: bytes) -> tuple[str, str] | None:
    """Name and text of a stream message's content; None when it is malformed."""
    try:
        read = read_json(content, _StreamContent)
    except (ValueError, RecursionError):
        return None
    return read.name, read.text


_HEAD = re.compile(rb'\s*\{\s*"name"\s*:\s*"(stdout|stderr)"\s*,\s*"text"\s*:\s*"')
_LONGEST = 12  # bytes of one character in JSON


def read_stream_end(content: bytes, most: int) -> tuple[str, str] | None:
    """As :func:`read_stream`, but of the text only the last ``most`` characters. Of a message in the form that
    kernels send little more than that is decoded: of a flood the rest is megabytes."""
    if head := _HEAD.match(content):
        begin = b'{"name":"%s","text":"' % head[1]
        start = max(head.end(), len(content) - 2 * most - 64)
        for at in range(start, start + _LONGEST):  # the cut may be within a character
            try:
                end = msgspec.json.decode(begin + content[at:], type=_StreamContent)
            except ValueError:
                continue
            if len(end.text) >= most + _LONGEST:  # what the cut made of the first ones is not among the last
                return end.name, end.text[-most:]
            break
    whole = read_stream(content)
    return whole and (whole[0], whole[1][-most:])


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _display(parent: str, raw: bytes) -> KernelEvent:
    bundle = read_json(raw, _Bundle)
    return DisplayData(parent, bundle.data, bundle.metadata or {}, bundle.display_id, len(raw))


def _result(parent: str, raw: bytes) -> KernelEvent:
    bundle = read_json(raw, _Bundle)
    return ExecuteResult(
        parent, bundle.data, bundle.metadata or {}, bundle.execution_count, bundle.display_id, len(raw)
    )


def _update(parent: str, raw: bytes) -> KernelEvent:
    bundle = read_json(raw, _Bundle)
    return UpdateDisplay(parent, bundle.data, bundle.metadata or {}, bundle.display_id, len(raw))


def _error(parent: str, raw: bytes) -> KernelEvent:
    error = read_json(raw, _Error)
    return ErrorRaised(parent, str(error.ename), str(error.evalue), tuple(map(str, error.traceback or ())))


def _reply(parent: str, raw: bytes) -> KernelEvent:
    reply = read_json(raw, _Reply)
    payload = reply.payload if isinstance(reply.payload, list) else ()
    asked = tuple(each for each in payload if isinstance(each, dict))
    return ExecuteReply(parent, reply.status, _count(reply.execution_count), str(reply.ename), asked)


_READERS: dict[str, Callable[[str, bytes], KernelEvent]] = {
    "stream": Stream,
    "display_data": _display,
    "execute_result": _result,
    "update_display_data": _update,
    "clear_output": lambda parent, raw: ClearOutput(parent, read_json(raw, _Clear).wait),
    "error": _error,
    "status": lambda parent, raw: StatusChanged(parent, read_json(raw, _Status).execution_state),
    "execute_input": lambda parent, raw: ExecuteInput(parent, _count(read_json(raw, _Count).execution_count)),
    "execute_reply": _reply,
    "kernel_info_reply": lambda parent, raw: KernelInfoReply(parent, about(read_object(raw))),
    **{
        f"{name}_reply": lambda parent, raw: Answered(parent, read_object(raw))
        for name in ("complete", "inspect", "is_complete", "history", "create_subshell")
    },
    "iopub_welcome": lambda _, raw: Welcome(read_json(raw, _Welcome).subscription),
}


class Decoder:
    """Verifies and decodes the messages of one kernel. ``key``: its signing key; empty means unsigned."""

    def __init__(self, key: bytes) -> None:
        self._hmac = hmac.new(key, digestmod=hashlib.sha256) if key else None

    def decode(self, frames: Sequence[bytes]) -> KernelEvent:
        try:
            at = frames.index(DELIMITER)
        except ValueError:
            return Undecodable("no delimiter")
        if len(frames) < at + 6:
            return Undecodable("too few frames")
        signature, header, parent, metadata, content = frames[at + 1 : at + 6]
        if self._hmac is not None:
            check = self._hmac.copy()
            for part in (header, parent, metadata, content):
                check.update(part)
            if not hmac.compare_digest(check.hexdigest().encode(), signature):
                return Undecodable("wrong signature")
        try:
            return _event(header, parent, frames[at + 4 :])
        except (ValueError, RecursionError) as error:
            return Undecodable(str(error))


def _event(header: bytes, parent: bytes, rest: Sequence[bytes]) -> KernelEvent:
    about = read_json(header, _Header)
    cause = read_json(parent, _Parent).msg_id or ""
    if about.msg_type in COMM_TYPES:
        return read_comm(about.msg_type, cause, rest)
    content = rest[1]
    if about.msg_type == "input_request":
        asked = read_json(content, _Input)
        return InputRequested(cause, about.msg_id, header, str(asked.prompt), asked.password)
    reader = _READERS.get(about.msg_type)
    event = Other(cause, about.msg_type) if reader is None else reader(cause, content)
    if isinstance(event, StatusChanged | ExecuteInput | ExecuteReply) and isinstance(about.date, str):
        return msgspec.structs.replace(event, date=about.date)
    return event
