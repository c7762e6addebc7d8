"""Which of a connection's updates are durable, and which are in the file: what its client is told (S-14, S-15).

A client that announced itself counts the sync updates it sends (steps 2 and updates alike, from 1), and so does
the server. "The first n are durable" then says it exactly, deletions included, which a state vector does not know.

It is true of n only if nothing before n was lost on the way, and a hub that died had something in hand. So nothing
is said between the server's question for what it lacks (sync step 1: with each subscription, and after a gap) and
the answer: a step 2 holds all that its client had when it was sent, whatever became of earlier frames.

Batches are the hub's: ``end`` closes one, and a number of the last one closed goes with what a save writes.
"""

from __future__ import annotations

from collections import deque

import msgspec


class Receipt(msgspec.Struct):
    """Of one session. ``handled``: the last update that is in the document; ``closed``: of a closed
    batch; ``durable`` and ``filed``: what was told; ``written``: into the file, maybe not told yet; ``waiting``:
    (batch, number) that the file may lack."""

    asked: bool = True
    handled: int = 0
    closed: int = 0
    durable: int = 0
    written: int = 0
    filed: int = 0
    waiting: deque[tuple[int, int]] = msgspec.field(default_factory=deque)


class Receipts:
    """Of all sessions that want them. ``batch``: the last one that was closed."""

    def __init__(self) -> None:
        self._sessions: dict[str, Receipt] = {}
        self._open: dict[str, Receipt] = {}  # handled in the batch that is open
        self._undurable: dict[str, Receipt] = {}
        self.batch = 0

    def follow(self, session: str) -> None:
        """A client announced itself, or its connection found a new hub: it is asked for what the hub lacks."""
        self.forget(session)
        self._sessions[session] = Receipt()

    def forget(self, session: str) -> None:
        for each in (self._sessions, self._open, self._undurable):
            each.pop(session, None)

    def ask(self, session: str) -> None:
        """The session's client is asked for what the server lacks."""
        if (receipt := self._sessions.get(session)) is not None:
            receipt.asked = True

    def handle(self, session: str, number: int, answer: bool) -> None:
        """Update ``number`` is in the document, whole. ``answer``: it was a sync step 2."""
        receipt = self._sessions.get(session)
        if receipt is None:
            return
        if answer:
            receipt.asked = False
        if not receipt.asked and number > receipt.handled:
            receipt.handled = number
            self._open[session] = receipt

    def end(self, durable: bool) -> list[tuple[str, int]]:
        """A batch is over. What to tell as durable: (session, number)."""
        self.batch += 1
        for session, receipt in self._open.items():
            receipt.closed = receipt.handled
            receipt.waiting.append((self.batch, receipt.closed))
            self._undurable[session] = receipt
        self._open.clear()
        return self.settle() if durable else []

    def settle(self) -> list[tuple[str, int]]:
        """All closed batches are durable: what to tell."""
        news = []
        for session, receipt in self._undurable.items():
            receipt.durable = receipt.closed
            news.append((session, receipt.durable))
        self._undurable.clear()
        return news

    def file(self, batch: int) -> list[tuple[str, int]]:
        """The file says everything up to this batch: what to tell. Of what the journal lacks nothing yet: after a
        crash the journal is believed, and the file written anew from it."""
        news = []
        for session, receipt in self._sessions.items():
            while receipt.waiting and receipt.waiting[0][0] <= batch:
                receipt.written = receipt.waiting.popleft()[1]
            number = min(receipt.written, receipt.durable)
            if number > receipt.filed:
                receipt.filed = number
                news.append((session, number))
        return news
