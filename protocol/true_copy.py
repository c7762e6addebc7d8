"""The one true copy: the document, the guard before it, the recorded run queue, and the batch in the making.

Everything that the SyncHub does with the document and that needs no waiting. Changes are made at once and collect
in a batch, which the hub takes, makes durable and only then lets out.
"""

from __future__ import annotations

from collections.abc import Container

import msgspec

from protocol.document import Document, DocumentBroken, merged, root_type
from protocol.guard import Accepted, Gap, Guard, Limits, Rejected
from protocol.lib0 import Malformed, Reader
from protocol.messages.changes import Change, InsertCell, SetCell, SetKernel
from protocol.messages.checkpointer import Recovered
from protocol.messages.hub import ClearedOutputs, DraftEntry, DraftRun, Enqueue, EnqueueRun, TakeUp
from protocol.messages.shared import Entry, Refused
from protocol.run_queue import live, with_entries
from protocol.run_words import cleared, waiting
from protocol.salvage import sound
from protocol.selection import RAISES, NoSelection, choose
from protocol.values import NotebookValue


class Batch(msgspec.Struct, frozen=True):
    """``updates``: (session that it came from, or "" for the server, update). ``queue``: the recorded queue, if it
    is a new one. ``content``: the file may say something else now."""

    updates: tuple[tuple[str, bytes], ...] = ()
    queue: tuple[Entry, ...] | None = None
    content: bool = False


class Taken(msgspec.Struct, frozen=True):
    """What became of a client's update. ``clients``: ids that it brought new edits of. ``cut``: ids whose edits
    were cut from it. ``missing``: what it depends on that is not here; of a sync step 2 the rest was taken."""

    changed: bool = False
    clients: tuple[int, ...] = ()
    cut: tuple[int, ...] = ()
    missing: Gap | None = None


class Broken(msgspec.Struct, frozen=True):
    """The update passed the guard and broke the Doc, which must not be used before :meth:`TrueCopy.build`."""

    reason: str
    update: bytes


class TrueCopy:
    """:meth:`build` comes first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._queue: tuple[Entry, ...] = ()
        self._old_queue: tuple[Entry, ...] = ()
        self._updates: list[tuple[str, bytes]] = []
        self._new_queue: tuple[Entry, ...] | None = None
        self._content = False

    def build(self, updates: tuple[bytes, ...], client_id: int, seed: int = 0, gapless: bool = False) -> int:
        """A new Doc of ``updates`` and of the batch in hand. How many had to be left out to make it possible.

        ``seed``: the client id of what the document began with, under which nobody writes any more. ``gapless``:
        what any update builds upon is certainly there.
        """
        self._ours = frozenset({client_id, seed})
        updates += tuple(update for _, update in self._updates)
        try:
            self._adopt(updates, client_id, gapless)
        except (DocumentBroken, Malformed):
            kept, left_out = sound(updates)
            self._adopt(kept, client_id, gapless=True)
            return left_out
        return 0

    def _adopt(self, updates: tuple[bytes, ...], client_id: int, gapless: bool) -> None:
        pieces = merged(updates)
        self.doc = Document(pieces, client_id)
        self._guard = Guard(self._limits, self._ours, root_type)
        # The whole document's update would not show a gap, but is far shorter: what was typed in one go is one.
        for piece in (self.doc.diff(b"\0"),) if gapless else pieces:
            if self._guard.learn(piece) is not None:
                raise Malformed("Something is missing that the rest depends on.")

    def recover(self, recovered: Recovered, path: str) -> None:
        """Settle what the journal leaves open, after the first :meth:`build`."""
        self._queue = recovered.queue
        self._old_queue = recovered.queue if recovered.old_queue else ()
        if recovered.first:  # nobody is connected
            self._record(self.doc.clear_deleted(), content=False)
            self._record(self.doc.repair(), content=False)
        self._record(self.doc.set_path(path), content=False)
        self._settle()

    @property
    def queue(self) -> tuple[Entry, ...]:
        """The recorded run queue, with what the batch in hand makes of it."""
        return self._queue if self._new_queue is None else self._new_queue

    @property
    def queue_is_old(self) -> bool:
        """It was recorded before this server started."""
        return bool(self.queue) and self.queue == self._old_queue

    def take_batch(self) -> Batch:
        """What changed since the last time."""
        batch = Batch(tuple(self._updates), self._new_queue, self._content)
        self._queue = self.queue
        self._updates, self._new_queue, self._content = [], None, False
        return batch

    def known(self) -> dict[int, int]:
        """The next clock per client id."""
        return self._guard.state

    def client_update(
        self,
        session: str,
        update: bytes,
        *,
        foreign: Container[int] = (),
        emptied: Container[int] | None = None,
        answer: bool = False,
    ) -> Taken | Rejected | Broken:
        """Judge and apply; revert what it does to the server's own keys.

        ``foreign``, ``emptied``: see :meth:`Guard.check`. ``answer``: a sync step 2, of which what holds together
        is taken; any other update is taken whole or not at all."""
        guard = self._guard
        cut: tuple[int, ...] = ()
        missing = None
        verdict = guard.check(update, foreign, emptied)
        if isinstance(verdict, Rejected) and verdict.code == "foreign":
            cut = verdict.clients
            update = guard.without(update, cut)
            verdict = guard.check(update, foreign, emptied)
        if isinstance(verdict, Gap) and answer:
            update, whole = guard.complete(update)
            missing = None if whole else verdict
            verdict = guard.check(update, foreign, emptied)
        if isinstance(verdict, Gap):
            return Taken(cut=cut, missing=verdict)
        if isinstance(verdict, Rejected):
            return verdict
        applied = self._apply(session, update, verdict)
        return applied if isinstance(applied, Broken) else Taken(applied, verdict.clients, cut, missing)

    def _apply(self, session: str, update: bytes, verdict: Accepted) -> bool | Broken:
        try:
            changed = self.doc.apply(update)
            if update != self.doc.applied and not self._arrived(verdict):
                return Broken("only a part of the update was applied", update)
            reverted = self.doc.enforce() if changed else b""
        except DocumentBroken as error:
            return Broken(str(error), update)
        self._guard.commit(verdict)
        if changed:
            self._updates.append((session, update))
            self._content = True
            self._record(reverted)
        return changed

    def _arrived(self, verdict: Accepted) -> bool:
        """Whether the Doc holds what the guard says that it should. (When it made of an update the very same
        bytes, as of nearly all that people type, nobody has to look.)"""
        if not verdict.clocks:
            return True
        reader = Reader(self.doc.state_vector())
        state = {reader.uint(): reader.uint() for _ in range(reader.uint())}
        return all(state.get(client, 0) == clocks.end for client, clocks in verdict.clocks.items())

    def edit(self, changes: tuple[Change, ...], queue: tuple[Entry, ...] | None) -> None:
        """The server's own changes, and the queue that belongs to them."""
        ids = None if queue is None else [entry.cell_id for entry in live(queue)]
        self._record(self.doc.edit(changes, ids), content=any(map(_is_content, changes)))
        if any(isinstance(change, InsertCell) for change in changes):
            self._record(self.doc.repair())  # which gives it a place
        if queue is not None:
            self._new_queue = queue
            self._settle()

    def reword(self, changes: tuple[Change, ...]) -> None:
        """Changes after which the file says what it said before."""
        self._record(self.doc.edit(changes), content=False)

    def _settle(self) -> None:
        """A cell without an entry neither waits nor runs, whatever became of the edit that said so."""
        ids = [entry.cell_id for entry in live(self.queue)]
        left = [cell_id for cell_id in self.doc.busy_cells() if cell_id not in ids]
        idle = [SetCell(cell_id, {"state": "idle", "queued": None}) for cell_id in left]
        self._record(self.doc.edit(idle, ids), content=False)

    def draft(self, wanted: DraftEntry) -> Entry | Refused:
        return self._draft(wanted.entry_id, wanted.cell_id, wanted.who)

    def _draft(self, entry_id: str, cell_id: str, who: str) -> Entry | Refused:
        """An entry with the source as it is now, or why there can be none."""
        if not self.doc.has_cell(cell_id):
            return Refused("no_such_cell", f"There is no cell {cell_id[:80]!r} in this notebook.")
        if self.doc.cell_type(cell_id) != "code":
            return Refused("not_code", "Only code cells can be run.")
        source, expects = self.doc.source(cell_id), RAISES in self.doc.tags(cell_id)
        return Entry(entry_id, cell_id, source, who, expects_error=expects)

    def draft_run(self, wanted: DraftRun) -> tuple[Entry, ...] | Refused:
        """Entries without ids for all that a selection means."""
        found = choose(self.doc.value(), wanted.selection)
        if isinstance(found, NoSelection):
            return Refused(found.code, found.message)
        drafts = (self._draft("", cell_id, wanted.who) for cell_id in found)
        return tuple(
            msgspec.structs.replace(draft, terms=wanted.terms) for draft in drafts if isinstance(draft, Entry)
        )

    def enqueue_run(self, wanted: EnqueueRun) -> None:
        """Put the entries at the end of the queue, but for those that are there."""
        known = frozenset(entry.id for entry in self.queue)
        new = tuple(entry for entry in wanted.entries if entry.id not in known)
        if new:
            self.edit(tuple(map(waiting, new)), with_entries(self.queue, *new))

    def enqueue(self, wanted: Enqueue) -> Entry:
        """Put the entry at the end of the queue. It, or the one with its id that is there already."""
        entry, before = wanted.entry, self.queue
        for recorded in before:
            if recorded.id == entry.id:
                return recorded
        self.edit((waiting(entry),), with_entries(before, entry))
        if wanted.begins:
            entry = msgspec.structs.replace(entry, begun=True)
            self.edit(wanted.begins, with_entries(before, entry))
        return entry

    def become(self, wanted: NotebookValue) -> None:
        """Say what ``wanted`` says. Cells that wait or run keep their outputs, which are the run's to write."""
        self._record(self.doc.become(wanted, [entry.cell_id for entry in live(self.queue)]))
        self._record(self.doc.repair())
        self._settle()

    def clear_outputs(self, wanted: tuple[str, ...] | None) -> ClearedOutputs:
        """Outputs, run counts and what is known of the last run. A run that goes on writes by place: not there."""
        found = self.doc.clearable(wanted)
        running = tuple(cell_id for cell_id in found if self.doc.state(cell_id) == "running")
        cells = tuple(cell_id for cell_id in found if cell_id not in running)
        self.edit(tuple(change for cell_id in cells for change in cleared(cell_id)), None)
        return ClearedOutputs(cells, running)

    def take_up(self, wanted: TakeUp) -> tuple[Entry, ...]:
        """The entries of the offer that wait now, and those that do already."""
        new_ids = dict(wanted.chosen)
        taken = tuple(
            msgspec.structs.replace(draft, queued=wanted.at)
            for each in self.queue
            if each.offered and each.id in new_ids
            if isinstance(draft := self._draft(new_ids[each.id], each.cell_id, wanted.who), Entry)
        )
        if any(each.offered for each in self.queue):
            self.edit(tuple(map(waiting, taken)), (*live(self.queue), *taken))
        return tuple(each for each in self.queue if each.id in new_ids.values())

    def repair(self) -> None:
        self._record(self.doc.repair())

    def _record(self, update: bytes, content: bool = True) -> None:
        if update:
            self._guard.learn(update)
            self._updates.append(("", update))
            self._content |= content


def _is_content(change: Change) -> bool:
    """Whether the file would say something else afterwards."""
    match change:
        case SetKernel():
            return False
        case SetCell(_, values):
            return bool(values.keys() - {"state", "queued"})
        case _:
            return True
