"""When the notebook's file is written, and the truth about it.

Owned by the SyncHub. Debounced after the last change, and on request; one save at a time; a save never holds up
the hub. The document holds more than the file says (kernel state, queue), so what counts as unsaved is the
notebook's value, compared with the one that was saved last. Every few seconds the file is looked at: what another
program wrote is merged into the document.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import Literal, NamedTuple

import msgspec
import trio

from actors.mailbox import Address, again
from protocol.merge import Report, in_words
from protocol.messages.checkpointer import CheckpointerMessage, FoundChange, Look, LookAtFile, Merged, Save
from protocol.messages.hub import Checkpoint
from protocol.messages.shared import Notice, Outlet, Saving
from protocol.values import NotebookValue

log = logging.getLogger("ganimede.hub")

# Seconds before a save that failed is tried again; between two looks at the file; before the second look at one
# that changed, which may still be written.
AGAIN = 5.0
LOOK = 2.0
LOOK_SOON = 0.5

# How often in one save a file that was changed again is merged again.
MERGES = 3


class Frozen(msgspec.Struct, frozen=True):
    """The notebook as plain values, with the last append (``content``) and the last of the hub's batches that it
    contains for certain."""

    value: NotebookValue
    content: int
    batch: int


class SaversHub(NamedTuple):
    """``freeze`` gives the notebook as it is; ``take`` brings what the file had changed of such a value into the
    document, durably; ``filed`` hears up to which batch the file says it."""

    freeze: Callable[[], Awaitable[Frozen]]
    take: Callable[[NotebookValue, FoundChange], Awaitable[Report]]
    filed: Callable[[int], None]


class Saver:
    """``autosave``: seconds of quiet, and at most; ``name``: of the file."""

    def __init__(
        self,
        checkpointer: Address[CheckpointerMessage],
        hub: SaversHub,
        autosave: tuple[float, float],
        name: str,
    ) -> None:
        self._checkpointer = checkpointer
        self._freeze, self._take, self._filed = hub
        self._name = name
        self._quiet, self._at_most = autosave
        self._watchers: list[Outlet[Saving | Notice]] = []
        self._notices: list[Notice] = []
        self._saved: NotebookValue | None = None
        self._merged: Merged | None = None  # the file that is in the document and not yet replaced
        self._seen: Look = "same"
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
        """Whoever subscribes later hears it as well: of each kind the last."""
        self._notices = [each for each in self._notices if each.code != notice.code]
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
        """The document was recovered; ``saved``: what was the file says all of it. What another program made of
        the file meanwhile is merged here, before anybody sees the document."""
        with trio.move_on_after(LOOK):  # a folder that hangs must not keep people from editing
            self._seen = await self._look(at_once=True)
        if self._seen == "changed":
            await self._ask_to_save(await self._freeze(), False)
        if saved and self._seen == "same":
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
        nursery.start_soon(self._watch)

    async def _run(self) -> None:
        while True:
            self._wake = trio.Event()
            if not self._asked:
                with trio.move_on_at(self._due):
                    await self._wake.wait()
            if self._asked or trio.current_time() >= self._due:
                await self._save_once()

    async def _look(self, at_once: bool) -> Look:
        return await again(lambda: self._checkpointer.ask(LookAtFile, at_once))

    async def _watch(self) -> None:
        """See what other programs do to the file, also while nobody edits."""
        while True:
            await trio.sleep(LOOK_SOON if self._seen == "moving" else LOOK)
            if self._writing or self._failure:  # a save looks by itself, and one that failed is tried again
                continue
            self._seen = await self._look(at_once=False)
            if self._seen in ("changed", "gone"):
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
        touched = self._seen in ("changed", "gone")
        if value == self._saved and not asked and not self._failure and not touched:
            self._refresh()
            self._filed(frozen.batch)
            return
        self._writing = True
        self._refresh()
        for _ in range(MERGES):
            answer = await self._ask_to_save(frozen, force)
            if answer is not None:
                break
            frozen = await self._freeze()
            self._due = self._first_change = inf  # what was merged is what is being saved
        else:
            answer = Saving("not saved", f"{self._name} is being changed by another program again and again.")
        self._writing = False
        self._failure = answer.reason
        if answer.status == "saved":
            self._saved = frozen.value
            self._filed(frozen.batch)
        elif self._due == inf:  # no change came meanwhile
            self._due = trio.current_time() + AGAIN
            self._wake.set()
        self._refresh()
        for request in asked:
            request.reply(answer)

    async def _ask_to_save(self, frozen: Frozen, force: bool) -> Saving | None:
        """None: another program had changed the file, and its changes are in the document now."""
        value, content, merged = frozen.value, frozen.content, self._merged
        edited = value != self._saved or force
        answer = await again(lambda: self._checkpointer.ask(Save, value, force, content, merged, edited))
        if isinstance(answer, FoundChange):
            report = await self._take(value, answer)
            self._merged = Merged(answer.hash, answer.theirs)
            if report != Report() or answer.notebook != value:
                level: Literal["info", "warning"] = "warning" if report.conflicts or report.clashes else "info"
                self.tell(Notice("file_merged", in_words(self._name, report), level))
            return None
        if answer.status == "saved":
            self._merged = None
            if self._seen == "gone":
                text = f"{self._name} was gone. It was written again from what is open here."
                self.tell(Notice("file_written_again", text, "warning"))
            self._seen = "same"
        return answer

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
