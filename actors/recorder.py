"""What makes the hub's batches durable, and what happens while the disk does not take them.

Owned by the SyncHub. A batch is one append, and the hub lets nothing out before it is answered. An append that
fails or takes too long begins *degraded mode*: editing and broadcasting go on, what the journal lacks is kept in
memory, and everyone is told. A task of its own then tries to write everything as one snapshot, and what came
meanwhile after it; once nothing is lacking, degraded mode ends.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import assert_never

import msgspec
import trio

from actors.mailbox import ActorDied, Address, again
from protocol.messages.checkpointer import (
    Append,
    Appended,
    AppendFailed,
    CheckpointerMessage,
    Recovered,
    StoreSnapshot,
)
from protocol.messages.shared import Entry

log = logging.getLogger("ganimede.hub")

# Seconds: an append slower than this is degraded mode; the time between attempts to leave it; the last snapshot.
SLOW_APPEND = 1.0
RETRY = 1.0
LAST_SNAPSHOT = 1.0


class Unsaved:
    """What was let out and may not be in the journal: empty unless degraded.

    It outlives the hub. Replicas bring people's edits back, but nobody else has the server's own: without them a
    hub that died while degraded would come back with an older run queue than the NotebookActor's. ``known``: the
    entries of the last recorded queue.
    """

    def __init__(self) -> None:
        self.batches: list[tuple[bytes, ...]] = []
        self.queue: tuple[Entry, ...] = ()
        self.reason = ""
        self.known: dict[str, Entry] = {}

    def complete(self, queue: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Entries as this server knew them: what the journal does not hold of them ends with the server."""
        return tuple(
            msgspec.structs.replace(known, begun=entry.begun, offered=entry.offered)
            if (known := self.known.get(entry.id))
            else entry
            for entry in queue
        )


class Recorder:
    """``state`` gives the whole document as one update. ``tell`` hears why nothing is durable, or ""."""

    def __init__(
        self,
        checkpointer: Address[CheckpointerMessage],
        state: Callable[[], Awaitable[bytes]],
        tell: Callable[[str], None],
        unsaved: Unsaved,
    ) -> None:
        self._checkpointer = checkpointer
        self._state = state
        self._tell = tell
        self._unsaved = unsaved
        self._degraded = trio.Event()
        self._bulky = trio.Event()
        self.queue: tuple[Entry, ...] = ()
        self.content = 0  # the number of the last content-changing append

    def start(self, nursery: trio.Nursery) -> None:
        nursery.start_soon(self._recover)
        nursery.start_soon(self._compact)

    @property
    def lacking(self) -> tuple[bytes, ...]:
        """Updates that were let out and may not be in the journal."""
        return tuple(update for batch in self._unsaved.batches for update in batch)

    def resume(self, recovered: Recovered) -> Recovered:
        """Begin where the last incarnation ended. What was recovered, with what the journal lacks."""
        unsaved = self._unsaved
        if unsaved.batches:
            recovered = msgspec.structs.replace(
                recovered,
                updates=recovered.updates + self.lacking,
                queue=unsaved.queue,
                old_queue=recovered.old_queue and unsaved.queue == recovered.queue,
                saved=False,
            )
            self._degraded.set()
            self._tell(unsaved.reason)
        recovered = msgspec.structs.replace(recovered, queue=unsaved.complete(recovered.queue))
        self.queue, self.content = recovered.queue, recovered.content
        return recovered

    def _keep(self, updates: tuple[bytes, ...]) -> None:
        self._unsaved.batches.append(updates)
        self._unsaved.queue = self.queue

    async def record(self, updates: tuple[bytes, ...], queue: tuple[Entry, ...] | None, content: bool) -> bool:
        """True when the batch is durable; False once everyone was told that it is not."""
        if queue is not None:
            self.queue = queue
            self._unsaved.known = {entry.id: entry for entry in queue}
        if self._degraded.is_set():
            self._keep(updates)
            return False
        answer: Appended | AppendFailed = AppendFailed("the disk takes too long")
        with trio.move_on_after(SLOW_APPEND):
            # What was not acknowledged is sent again: applying it twice is harmless.
            answer = await again(lambda: self._checkpointer.ask(Append, updates, queue, content))
        match answer:
            case Appended(wants_snapshot, count):
                self.content = count
                if wants_snapshot:
                    self._bulky.set()
                return True
            case AppendFailed(reason):
                log.error("not saved: %s", reason)
                self._keep(updates)
                self._unsaved.reason = reason
                self._degraded.set()
                self._tell(reason)
                return False
            case _:
                assert_never(answer)

    @property
    def durable(self) -> bool:
        """Not in degraded mode."""
        return not self._degraded.is_set()

    async def _recover(self) -> None:
        """Leave degraded mode whenever that becomes possible."""
        while True:
            await self._degraded.wait()
            await trio.sleep(RETRY)
            if await self._catch_up():
                self._degraded = trio.Event()
                self._tell("")

    async def _catch_up(self) -> bool:
        """Write everything, whole, then what came meanwhile. True: nothing is lacking any more."""
        state = await self._state()
        lacking = self._unsaved.batches
        covered = len(lacking)
        if not await self._snapshot(state, content=True):
            return False
        del lacking[:covered]
        while lacking:
            covered = len(lacking)
            batch, queue = self.lacking, self.queue
            try:
                answer = await self._checkpointer.ask(Append, batch, queue, True)
            except ActorDied:
                return False
            if isinstance(answer, AppendFailed):
                return False
            self.content = answer.content
            del lacking[:covered]
        return True

    async def _compact(self) -> None:
        """Let one snapshot take the place of a long history. The hub goes on: later appends come after it."""
        while True:
            await self._bulky.wait()
            await self._snapshot(await self._state(), content=False)
            self._bulky = trio.Event()

    async def _snapshot(self, state: bytes, content: bool) -> bool:
        try:
            answer = await self._checkpointer.ask(StoreSnapshot, state, self.queue, content)
        except ActorDied:
            return False
        if isinstance(answer, AppendFailed):
            return False
        self.content = max(self.content, answer.content)  # an append behind it may have been heard of first
        return True

    async def finish(self) -> None:
        """The last snapshot of a clean stop."""
        with trio.move_on_after(LAST_SNAPSHOT):
            await self._snapshot(await self._state(), content=False)
