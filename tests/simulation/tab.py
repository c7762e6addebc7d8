"""The conformance client on a simulated line; it may understand receipts, which stock clients do not."""

from __future__ import annotations

from collections.abc import Callable

from pycrdt import Doc

from protocol.lib0 import Reader
from protocol.sync import ANNOUNCE, DURABLE, FILED
from tests.conformance.pycrdt_client import SYNC, PycrdtClient
from tests.simulation.line import Line

STEP_1, STEP_2, UPDATE = 0, 1, 2


class Tab(PycrdtClient):
    """``resent()``: the server asked for what it lacks, and the answer was put on its way. ``receipt(kind, n)``:
    what a client hears that announced itself; None: it does not. ``sent``: sync updates on this connection."""

    def __init__(
        self,
        client_id: int,
        line: Line,
        resent: Callable[[], None],
        receipt: Callable[[int, int], None] | None,
    ) -> None:
        super().__init__("ws://simulated", doc=Doc(client_id=client_id))
        self.connection = line  # type: ignore[assignment]
        self.sent = 0
        self._resent = resent
        self._receipt = receipt

    def _queue(self, message: bytes | str) -> None:
        if message[:2] == bytes((SYNC, STEP_1)):  # a connection begins
            self.sent = 0
            if self._receipt is not None:
                super()._queue(bytes((ANNOUNCE,)))
        elif message[:2] in (bytes((SYNC, STEP_2)), bytes((SYNC, UPDATE))):
            self.sent += 1
        super()._queue(message)  # type: ignore[arg-type]

    def _hear(self, message: str | bytes) -> None:
        assert isinstance(message, bytes)
        if message[0] in (DURABLE, FILED) and self._receipt is not None:
            self._receipt(message[0], Reader(message[1:]).uint())
        super()._hear(message)
        if message[:2] == bytes((SYNC, STEP_1)):
            self._resent()

    def close(self) -> None:
        self.doc.unobserve(self._subscription)
