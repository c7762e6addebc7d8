"""When the notebook's file is written, and the truth about it.

Owned by the SyncHub. Debounced after the last change, and on request; one save at a time; a save never holds up
the hub. The document holds more than the file says (kernel state, queue), so what counts as unsaved is the
notebook's value, compared with the one that was saved last.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from math import inf

import msgspec
import trio

from actors.mailbox import Address, again
from protocol.messages import Checkpoint, CheckpointerMessage, Notice, Outlet, Save, Saving
from protocol.values import NotebookValue

log = logging.getLogger("ganimede.hub")

# Seconds before a save that failed is tried again.
AGAIN = 5.0


class Frozen(msgspec.Struct, frozen=True):
    """The notebook as plain values, with the last append (``content``) and the last of the hub's batches that it
    contains for certain."""

    value: NotebookValue
    content: int
    batch: int


class Saver:
    """``freeze`` gives the notebook as it is; ``filed`` hears up to which batch the file says it; ``autosave``:
    seconds of quiet, and at most."""

    def __init__(
        self,
        checkpointer: Address[CheckpointerMessage],
        freeze: Callable[[], Awaitable[Frozen]],
        filed: Callable[[int], None],
        autosave: tuple[float, float],
    ) -> None:
        self._checkpointer = checkpointer
        self._freeze = freeze
        self._filed = filed
        self._quiet, self._at_most = autosave
        self._watchers: list[Outlet[Saving | Notice]] = []
        self._notices: list[Notice] = []
        self._saved: NotebookValue | None = None
        self._due = inf
        self._first_change = inf
        self._writing = False
        self._failure = ""
        self._degraded = ""
        self._asked: list[Checkpoint] = []
        self._wake = trio.Event()
        self._turn = trio.Lock()  # one save at a time
        self.state = Saving("saved")

    # ------------------------------------------------------------------------------------------------- telling

    def watch(self, outlet: Outlet[Saving | Notice]) -> None:
        """Subscribe; the present state and the notices of boot are offered at once."""
        self._watchers.append(outlet)
        outlet.offer(self.state)
        for notice in self._notices:
            outlet.offer(notice)

    def tell(self, notice: Notice) -> None:
        """A notice of boot: whoever subscribes hears it."""
        self._notices.append(notice)
        self._publish(notice)

    def _publish(self, item: Saving | Notice) -> None:
        for outlet in self._watchers[:]:
            if not outlet.offer(item):
                outlet.close()
                self._watchers.remove(outlet)

    def _refresh(self) -> None:
        reason = self._degraded or self._failure
        if reason:
            state = Saving("not saved", reason)
        elif self._writing or self._due < inf:
            state = Saving("saving")
        else:
            state = Saving("saved")
        if state != self.state:
            self.state = state
            self._publish(state)

    def close(self) -> None:
        for outlet in self._watchers:
            outlet.close()
        self._watchers.clear()

    # ------------------------------------------------------------------------------------------------ deciding

    async def begin(self, saved: bool) -> None:
        """The document was recovered; ``saved``: the file says all of it."""
        if saved:
            self._saved = (await self._freeze()).value
        else:
            self.changed(trio.current_time())

    def changed(self, now: float) -> None:
        waited_for = self._due
        self._first_change = min(self._first_change, now)
        self._due = min(now + self._quiet, self._first_change + self._at_most)
        if self._due < waited_for:  # else the saver wakes at that time and sees the later one
            self._refresh()
            self._wake.set()

    @property
    def says_all(self) -> bool:
        """Nothing has changed since the file was written."""
        return self._due == inf and not self._writing and not self._failure

    def degraded(self, reason: str) -> None:
        self._degraded = reason
        self._refresh()

    def save_now(self, request: Checkpoint) -> None:
        """A person asks: write the file and answer when the bytes are on disk."""
        self._asked.append(request)
        self._wake.set()

    def start(self, nursery: trio.Nursery) -> None:
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        while True:
            self._wake = trio.Event()
            if not self._asked:
                with trio.move_on_at(self._due):
                    await self._wake.wait()
            if self._asked or trio.current_time() >= self._due:
                await self._save_once()

    async def _save_once(self) -> None:
        async with self._turn:
            await self._save()

    async def _save(self) -> None:
        frozen = await self._freeze()
        value = frozen.value
        asked, self._asked = self._asked, []
        force = any(request.force for request in asked)
        self._due = self._first_change = inf
        if value == self._saved and not asked and not self._failure:
            self._refresh()
            self._filed(frozen.batch)
            return
        self._writing = True
        self._refresh()
        answer = await again(lambda: self._checkpointer.ask(Save, value, force, frozen.content))
        self._writing = False
        self._failure = answer.reason
        if answer.status == "saved":
            self._saved = value
            self._filed(frozen.batch)
        elif self._due == inf:  # no change came meanwhile
            self._due = trio.current_time() + AGAIN
        self._refresh()
        for request in asked:
            request.reply(answer)

    async def finish(self) -> None:
        """The last save of a clean stop, after the one under way. Raises ActorStopped when the Checkpointer has
        gone."""
        async with self._turn:
            value = (await self._freeze()).value
            if value != self._saved or self._asked:
                await self._save()
            if self._failure:  # nobody is connected any more: whoever stopped the server reads this
                kept = "" if self._degraded else " The edits are kept in the journal, for the next start."
                log.warning("Not saved: %s%s", self._failure, kept)
