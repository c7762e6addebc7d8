"""Open comms and what widgets look like now, for whoever joins later.

Jupyter's messaging protocol ("Custom Messages": comm_open, comm_msg, comm_close) and, inside their data, the
Jupyter widgets protocol 2.x (``method`` "update", "echo_update" or "custom"; ``state``, ``buffer_paths``). A comm
whose open carries a ``state`` is a widget: updates are folded into it. Of any other comm only its open is kept.
Binary buffers are kept apart from the JSON, each at its path in the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from protocol.comm_events import CommClosed, CommEvent, CommMessage, CommOpened
from protocol.comm_requests import CloseComm, CommRequest, OpenComm, SendComm, client_id, kernel_id
from protocol.values import JsonObject

Path: TypeAlias = tuple[str | int, ...]

# Comms that may be open, and bytes that one of them may come to: a kernel in a loop must not fill the server.
MAX_COMMS = 10_000
MAX_BYTES = 64_000_000

OUTPUT_MODEL = "OutputModel"


class OpenedComm(msgspec.Struct, frozen=True):
    """``buffers``: binary values, base64 in JSON. ``parent``: the ``msg_id`` of the client's message that caused
    it, else empty."""

    comm_id: str
    target_name: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    buffers: tuple[bytes, ...]
    parent: str = ""


class OpenComms(msgspec.Struct, frozen=True):
    """All that are open: whatever a client knew before is void."""

    comms: tuple[OpenedComm, ...]


class SaidOnComm(msgspec.Struct, frozen=True):
    comm_id: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    buffers: tuple[bytes, ...]
    parent: str = ""


class ClosedComm(msgspec.Struct, frozen=True):
    comm_id: str
    data: dict[str, Any]
    parent: str = ""


class CommIdle(msgspec.Struct, frozen=True):
    """The kernel has handled the client's message ``parent``."""

    parent: str


class StrayOutput(msgspec.Struct, frozen=True):
    """What the client's message ``parent`` made the kernel put out and nothing shows (stray_outputs.py).

    ``kind``: "stdout", "stderr", "error" or "result". ``text``: at most 2,000 characters of it."""

    parent: str
    kind: str
    text: str


Push: TypeAlias = OpenedComm | OpenComms | SaidOnComm | ClosedComm | CommIdle | StrayOutput
# By which method of channel "comms" each travels.
PUSHES: dict[type[Push], str] = {
    OpenedComm: "open",
    OpenComms: "state",
    SaidOnComm: "msg",
    ClosedComm: "close",
    CommIdle: "idle",
    StrayOutput: "output",
}


class Comm:
    """One open comm. ``data`` and ``buffers``: what an open that says everything would carry now."""

    def __init__(self, opened: CommOpened) -> None:
        self.target_name = opened.target_name
        self.metadata = opened.metadata
        state = opened.data.get("state")
        self.state: JsonObject | None = dict(state) if isinstance(state, dict) else None
        self._rest = {key: value for key, value in opened.data.items() if key not in ("state", "buffer_paths")}
        self._buffers = _placed(opened.data, opened.buffers)
        self._bare = opened.buffers if self.state is None else ()
        self._weight = opened.size

    @property
    def is_output(self) -> bool:
        """It is ipywidgets' Output, which shows what would else be the cell's outputs."""
        return self.state is not None and self.state.get("_model_name") == OUTPUT_MODEL

    def update(self, data: JsonObject, buffers: Sequence[bytes], size: int) -> bool:
        """Take an update of the state. False: it would be too much."""
        state = data.get("state")
        if self.state is None or not isinstance(state, dict):
            return True
        self._weight += size
        if self._weight > MAX_BYTES:
            self._weight = self._weigh() + size
            if self._weight > MAX_BYTES:
                return False
        placed = _placed(data, buffers)
        changed = {*state, *(path[0] for path in placed)}
        self._buffers = {path: held for path, held in self._buffers.items() if path[0] not in changed}
        for key in changed:
            self.state.pop(str(key), None)
        self.state.update(state)
        self._buffers.update(placed)
        return True

    def _weigh(self) -> int:
        """Updates replace one another, so their sum is only a bound."""
        return len(msgspec.json.encode(self.state)) + sum(map(len, self._buffers.values()))

    def described(self, comm_id: str) -> OpenedComm:
        data, buffers = dict(self._rest), self._bare
        if self.state is not None:
            data |= {"state": self.state, "buffer_paths": [list(path) for path in self._buffers]}
            buffers = tuple(self._buffers.values())
        return OpenedComm(comm_id, self.target_name, data, self.metadata, buffers)


def _placed(data: JsonObject, buffers: Sequence[bytes]) -> dict[Path, bytes]:
    """Each buffer at its path in the state. What has no sound path is left out."""
    listed = data.get("buffer_paths")
    paths = [_path(each) for each in (listed if isinstance(listed, list) else [])]
    return {path: buffer for path, buffer in zip(paths, buffers, strict=False) if path}


def _path(listed: object) -> Path:
    steps = listed if isinstance(listed, list) else []
    sound = tuple(step for step in steps if isinstance(step, str | int))
    return sound if len(sound) == len(steps) else ()


class Comms:
    """The open comms of one kernel. Methods give the push that tells clients, None if there is nothing to tell."""

    def __init__(self) -> None:
        self._comms: dict[str, Comm] = {}
        self._echoes = False  # the kernel repeats what clients set: others hear of it from there

    def get(self, comm_id: str) -> Comm | None:
        return self._comms.get(comm_id)

    def hear(self, event: CommEvent) -> Push | None:
        """The kernel said it."""
        match event:
            case CommOpened():
                return self._open(event)
            case CommMessage():
                return self._message(event)
            case CommClosed(parent, comm_id, data):
                return self._close(comm_id, data, parent)

    def _open(self, event: CommOpened) -> Push | None:
        if len(self._comms) >= MAX_COMMS or event.size > MAX_BYTES:
            return None
        self._comms[event.comm_id] = Comm(event)
        parent = client_id(event.parent)
        return OpenedComm(event.comm_id, event.target_name, event.data, event.metadata, event.buffers, parent)

    def _message(self, event: CommMessage) -> Push | None:
        comm, data = self._comms.get(event.comm_id), event.data
        if comm is None:
            return None
        method = data.get("method")
        if method == "echo_update":
            self._echoes = True
            if comm.is_output:  # what it shows is the server's to say, which may have gone on since
                data = {**data, "state": _without(data.get("state"), "outputs")}
        if method in ("update", "echo_update") and not comm.update(data, event.buffers, event.size):
            return self._close(event.comm_id, {}, "")
        parent = client_id(event.parent)
        return SaidOnComm(event.comm_id, data, event.metadata, event.buffers, parent)

    def _close(self, comm_id: str, data: JsonObject, parent: str) -> Push | None:
        if self._comms.pop(comm_id, None) is None:
            return None
        return ClosedComm(comm_id, data, client_id(parent))

    def take(self, request: CommRequest) -> Push | None:
        """A client said it, and the kernel will hear it: whoever joins before it answers sees it already. Other
        clients hear of an update from here unless the kernel is known to repeat it."""
        parent, size = kernel_id(request.msg_id), len(msgspec.json.encode(request))
        match request:
            case OpenComm(comm_id, target, data, metadata, buffers):
                return self._open(CommOpened(parent, comm_id, target, data, metadata, buffers, size))
            case CloseComm(comm_id, data):
                return self._close(comm_id, data, parent)
            case SendComm(comm_id, data, metadata, buffers):
                if data.get("method") != "update":
                    return None
                push = self._message(CommMessage(parent, comm_id, data, metadata, buffers, size))
                return None if self._echoes and isinstance(push, SaidOnComm) else push

    def set_state(self, comm_id: str, state: JsonObject) -> Push | None:
        """The server itself changes a widget's state."""
        data: JsonObject = {"method": "update", "state": state, "buffer_paths": []}
        return self._message(CommMessage("", comm_id, data, {}, (), len(msgspec.json.encode(state))))

    def snapshot(self) -> OpenComms:
        """Everything that is open, for a client that joins."""
        return OpenComms(tuple(comm.described(comm_id) for comm_id, comm in self._comms.items()))

    def clear(self) -> Push | None:
        """The kernel is gone, and each comm with it."""
        self._echoes = False
        if not self._comms:
            return None
        self._comms.clear()
        return self.snapshot()


def _without(state: object, key: str) -> JsonObject:
    return {name: value for name, value in state.items() if name != key} if isinstance(state, dict) else {}
