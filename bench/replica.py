"""A second client: a copy of the document over a y-websocket socket."""

from __future__ import annotations

import time
from collections.abc import Callable

from pycrdt import Array, Doc, Map, Text

from bench.servers import Endpoint
from protocol import sync


class Replica:
    def __init__(self, endpoint: Endpoint) -> None:
        self.doc: Doc = Doc()
        self.socket = endpoint.connect()
        self.socket.send(sync.step1_message(self.doc.get_state()))
        self._until_synced()

    def _until_synced(self) -> None:
        until = time.monotonic() + 60
        while True:
            message = self.socket.receive(until - time.monotonic())
            if not isinstance(message, str) and self._hear(message) and message[1] == 1:
                return

    def _hear(self, message: bytes) -> bool:
        """Whether it brought an update."""
        match sync.decode(message):
            case sync.Update(update):
                self.doc.apply_update(update)
                return True
            case sync.Step1(state):
                self.socket.send(sync.step2_message(self.doc.get_update(state)))
        return False

    def follow(self, done: Callable[[], bool], within: float = 60) -> None:
        """Apply what comes until ``done``, which is asked after each update."""
        until = time.monotonic() + within
        while not done():
            message = self.socket.receive(until - time.monotonic())
            while isinstance(message, str) or not self._hear(message):
                message = self.socket.receive(until - time.monotonic())

    def cell(self, cell_id: str) -> Cell:
        return Cell(self.doc.get(cell_id, type=Map))

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Replica:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cell:
    """What the measurements read of a cell (the document's shape: SPEC.md, D-1 and D-2)."""

    def __init__(self, shared: Map) -> None:
        self._shared = shared

    @property
    def count(self) -> int:
        return int(self._shared["execution_count"] or 0)

    @property
    def idle(self) -> bool:
        return bool(self._shared["state"] == "idle")

    @property
    def source(self) -> Text:
        text: Text = self._shared["source"]
        return text

    def outputs(self) -> list[dict[str, object]]:
        outputs: Array = self._shared["outputs"]
        plain: list[dict[str, object]] = outputs.to_py() or []
        return plain

    def text(self) -> str:
        return "".join(str(output.get("text", "")) for output in self.outputs())

    def ran(self, before: int) -> Callable[[], bool]:
        """True once the run that began after ``before`` is over."""
        return lambda: self.count > before and self.idle
