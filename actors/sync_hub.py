"""The SyncHub.

Owns: the document, one true copy (protocol/true_copy.py), in one thread; who subscribes to it.
Hears: HubMessage: updates and questions from connections, edits and the queue from the NotebookActor.
Tells: the Checkpointer (waiting); subscribers through their outlets (never waiting).
After a crash: the next incarnation rebuilds the document from the journal; connections subscribe again and each
replica resyncs by state vector. Nothing that left the hub is missing, because nothing leaves before it is durable.

All mail that waits is one batch: client updates pass the guard and are applied, the server's edits are made, then
ONE durable append of the raw bytes, and only then do broadcasts, answers and reads leave (the draft of an entry
excepted, which only the kernel sees). Poison that kills on apply never reaches the journal, and group commit comes
by itself.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from math import inf
from typing import assert_never

import msgspec
import trio

from actors.blob_care import BlobCare, move_out
from actors.errands import Errands
from actors.fanout import Fanout
from actors.history import History
from actors.hub_clients import HubClients
from actors.mailbox import Actor, ActorDied, ActorStopped, Address, Mailbox, again
from actors.recorder import Recorder, Unsaved
from actors.saver import Frozen, Saver, SaversHub
from protocol.blobs import LIMIT
from protocol.guard import Limits
from protocol.messages.checkpointer import CheckpointerMessage, Load, Quarantine, Recovered
from protocol.messages.hub import (
    Announced,
    AnswerSync,
    Checkpoint,
    ClearOutputs,
    ClientUpdate,
    DescribeDocument,
    DocumentSummary,
    DraftEntry,
    DraftRun,
    Edit,
    Enqueue,
    EnqueueRun,
    Frame,
    HasHeard,
    HubMessage,
    ListVersions,
    ReadNotebook,
    ReadQueue,
    RecordedQueue,
    RestoreVersion,
    Shows,
    Subscribe,
    TakeUp,
    Unsubscribe,
    WatchDocument,
)
from protocol.messages.shared import Done, Notice
from protocol.sync import DURABLE, FILED, receipt_message, step2_message
from protocol.true_copy import Broken, TrueCopy
from protocol.values import NotebookValue

log = logging.getLogger("ganimede.hub")

# Seconds of quiet before the graphs are repaired: a client's half-done change must not be undone.
QUIET = 1.0


class HubSettings(msgspec.Struct, frozen=True):
    """``path``: written to ``nb_path``. ``autosave``: (seconds of quiet, seconds at most) before the file.
    ``blob_limit``: bytes of an output's value beyond which it is kept beside the document."""

    path: str
    limits: Limits
    autosave: tuple[float, float] = (2.0, 10.0)
    blob_limit: int = LIMIT


def sync_hub(
    checkpointer: Address[CheckpointerMessage], settings: HubSettings, new_client_id: Callable[[], int]
) -> Actor[HubMessage]:
    """The actor. ``new_client_id``: a fresh random Yjs client id for each incarnation."""
    unsaved = Unsaved()  # of all incarnations

    async def run(mailbox: Mailbox[HubMessage]) -> None:
        hub = _Hub(checkpointer, settings, new_client_id, unsaved)
        try:
            await hub.boot()
            async with trio.open_nursery() as nursery:
                hub.recorder.start(nursery)
                hub.saver.start(nursery)
                hub.history.start(nursery)
                hub.blobs.start(nursery)
                await hub.serve(mailbox)
                await hub.finish()
                nursery.cancel_scope.cancel()
        finally:
            hub.fanout.close()
            hub.saver.close()

    return run


class _Hub:
    def __init__(
        self,
        checkpointer: Address[CheckpointerMessage],
        settings: HubSettings,
        new_client_id: Callable[[], int],
        unsaved: Unsaved,
    ) -> None:
        self._checkpointer = checkpointer
        self._settings = settings
        self._new_client_id = new_client_id
        self._copy = TrueCopy(settings.limits)
        self._whole = trio.Event()  # unset while the Doc is broken and nobody may look at it
        self.fanout = Fanout()
        self._errands = Errands(self._copy, self._commit, lambda leave: self._let_out.append(leave))
        hub = SaversHub(self._freeze, self._errands.take, self._filed)
        self.saver = Saver(checkpointer, hub, settings.autosave, os.path.basename(settings.path))
        self.history = History(checkpointer, self._value, self._errands.become)
        self.blobs = BlobCare(checkpointer, self._named_blobs)
        self.recorder = Recorder(checkpointer, self._state, self._tell_degraded, unsaved)
        self._let_out: list[Callable[[], None]] = []
        self._clients = HubClients(
            self._copy, self.fanout, lambda leave: self._let_out.append(leave), self._changed, self._broke
        )
        self._step2: tuple[bytes, Frame] | None = None  # the last sync answer: an update, and its message
        self._repair_at = inf

    async def _freeze(self) -> Frozen:
        await self._whole.wait()
        return Frozen(self._copy.doc.value(), self.recorder.content, self._clients.receipts.batch)

    async def _value(self) -> NotebookValue:
        return (await self._freeze()).value

    async def _state(self) -> bytes:
        await self._whole.wait()
        return self._copy.doc.full_update()

    async def _named_blobs(self) -> frozenset[str] | None:
        named = await self._errands.named_blobs()
        return named if self.recorder.durable else None

    def _tell_degraded(self, reason: str) -> None:
        """Editing goes on, nothing is acknowledged as durable, everyone is told."""
        self.saver.degraded(f"Edits are kept in memory only: {reason}." if reason else "")
        if not reason:
            self._hand_out(DURABLE, self._clients.receipts.settle())
            self._filed(0)  # what was written while the journal could not be

    def _filed(self, batch: int) -> None:
        self._hand_out(FILED, self._clients.receipts.file(batch))

    def _hand_out(self, kind: int, receipts: list[tuple[str, int]]) -> None:
        for session, number in receipts:
            self.fanout.send(session, Frame(receipt_message(kind, number)))

    # ------------------------------------------------------------------------------------------------- booting

    async def boot(self) -> None:
        recovered = self.recorder.resume(await self._load())
        self._clients.seed, self._clients.epoch = recovered.seed, recovered.epoch
        self._build(recovered.updates, recovered.gapless)
        self._epoch = recovered.epoch
        self._copy.recover(recovered, self._settings.path)
        for notice in recovered.notices:
            self.saver.tell(notice)
        if recovered.first:
            limit = self._settings.blob_limit
            self._copy.reword(await move_out(self._checkpointer, self._copy.doc.value(), limit))
        await self._commit()
        await self.saver.begin(recovered.saved)

    async def _load(self) -> Recovered:
        return await again(lambda: self._checkpointer.ask(Load))

    def _build(self, updates: tuple[bytes, ...], gapless: bool) -> None:
        left_out = self._copy.build(updates, self._new_client_id(), self._clients.seed, gapless)
        if left_out:
            text = f"{left_out} edits in the journal could not be read and were left out."
            log.error("%s", text)
            self.saver.tell(Notice("journal_damaged", text, "warning"))
        self._whole.set()

    async def _rebuild(self) -> None:
        """A new Doc of what is known good: the journal, what it lacks, the batch up to what broke the old."""
        recovered = await self._load()
        self._build(recovered.updates + self.recorder.lacking, recovered.gapless)

    # ------------------------------------------------------------------------------------------------- serving

    async def serve(self, mailbox: Mailbox[HubMessage]) -> None:
        while True:
            batch: list[HubMessage] = []
            pause = self._errands.pause(min(self.fanout.due, self._repair_at, self._clients.due))
            if trio.current_time() < pause.deadline:
                with pause:
                    try:
                        batch.append(await mailbox.receive())
                    except StopAsyncIteration:
                        return
            else:
                await trio.lowlevel.checkpoint()
            batch += mailbox.waiting()
            for message in batch:
                self._handle(message)
                if not self._whole.is_set():
                    await self._rebuild()
            self._timers()
            self._errands.run()
            await self._commit()

    def _timers(self) -> None:
        now = trio.current_time()
        if now >= self.fanout.due:
            self.fanout.flush(now)
        if now >= self._clients.due:
            self._clients.tick(now)
        if now >= self._repair_at:
            self._repair_at = inf
            self._copy.repair()

    async def _commit(self) -> None:
        """One append for the whole batch; then everything that waited for it leaves."""
        let_out, self._let_out = self._let_out, []
        batch = self._copy.take_batch()
        durable = self.recorder.durable
        if batch.updates or batch.queue is not None:
            updates = tuple(update for _, update in batch.updates)
            durable = await self.recorder.record(updates, batch.queue, batch.content)
        if batch.content:
            self.saver.changed(trio.current_time())
        if batch.updates:
            self.fanout.broadcast(batch.updates, trio.current_time())
        for leave in let_out:
            leave()
        self._hand_out(DURABLE, self._clients.receipts.end(durable))
        if self.saver.says_all and not batch.content:
            self._filed(self._clients.receipts.batch)

    async def finish(self) -> None:
        """A clean stop: what waits goes out, then the file and one snapshot; the Checkpointer still lives."""
        await self._errands.close()
        self.fanout.flush(trio.current_time())
        try:
            await self.saver.finish()
            await self.recorder.finish()
        except (ActorDied, ActorStopped):
            log.warning("the checkpointer ended before the last save; the journal holds everything")

    # ------------------------------------------------------------------------------------------------- hearing

    def _handle(self, message: HubMessage) -> None:
        match message:
            case ClientUpdate() | Announced() | Shows():
                self._clients.hear(message)
            case Edit() | DraftEntry() | DraftRun() | Enqueue() | EnqueueRun() | TakeUp() | ClearOutputs():
                self._write(message)
            case Subscribe():
                self._subscribe(message)
            case Unsubscribe(session):
                self._clients.left(session)
                self._let_out.append(lambda: self.fanout.remove(session))  # behind a Subscribe in this batch
            case AnswerSync(session, state):
                if self._clients.announced(session, state):
                    self._let_out.append(lambda: self._answer_sync(session, state))
            case Checkpoint() as checkpoint:
                self._let_out.append(lambda: self.saver.save_now(checkpoint))
            case WatchDocument(watched, outlet):
                self.saver.watch(outlet)
                watched(Done())
            case ListVersions() | RestoreVersion():
                self._let_out.append(lambda: self.history.obey(message))
            case _:
                self._read(message)

    def _write(self, message: Edit | DraftEntry | DraftRun | Enqueue | EnqueueRun | TakeUp | ClearOutputs) -> None:
        match message:
            case Edit(reply, changes, queue):
                self._copy.edit(changes, queue)
                self._let_out.append(lambda: reply(Done()))
            case DraftEntry(drafted):
                drafted(self._copy.draft(message))
            case DraftRun(planned):
                planned(self._copy.draft_run(message))
            case EnqueueRun(recorded):
                self._copy.enqueue_run(message)
                self._let_out.append(lambda: recorded(Done()))
            case Enqueue() as enqueue:
                entry = self._copy.enqueue(enqueue)
                self._let_out.append(lambda: enqueue.reply(entry))
            case TakeUp() as wanted:
                taken = self._copy.take_up(wanted)
                self._let_out.append(lambda: wanted.reply(taken))
            case ClearOutputs(tell, cells):
                cleared = self._copy.clear_outputs(cells)
                self._let_out.append(lambda: tell(cleared))
            case _:
                assert_never(message)

    def _read(self, message: HasHeard | ReadQueue | ReadNotebook | DescribeDocument) -> None:
        match message:
            case HasHeard(tell, session):
                self._let_out.append(lambda: tell(self._clients.has_heard(session)))
            case ReadQueue(reply):
                answer = RecordedQueue(self._copy.queue, self._copy.queue_is_old, self._copy.doc.paused)
                self._let_out.append(lambda: reply(answer))
            case ReadNotebook(read):
                self._let_out.append(lambda: read(self._copy.doc.value()))
            case DescribeDocument(describe):
                self._let_out.append(lambda: describe(self._summary()))
            case _:
                assert_never(message)

    def _summary(self) -> DocumentSummary:
        doc = self._copy.doc
        return DocumentSummary(
            self._settings.path,
            self._epoch,
            len(doc.cell_ids()),
            len(self.fanout),
            self.saver.state,
            doc.kernel_spec(),
        )

    def _subscribe(self, message: Subscribe) -> None:
        self._clients.joined(message.session, message.state)

        def admit() -> None:
            self.fanout.add(message.session, message.outlet, message.merged)
            if self._clients.subscribed(message.session, message.announced) and message.state is not None:
                self._answer_sync(message.session, message.state)
            message.reply(Done())

        self._let_out.append(admit)

    def _answer_sync(self, session: str, state: bytes) -> None:
        try:
            update = self._copy.doc.diff(state)
        except ValueError:
            self.fanout.hang_up(session, 1007, "malformed state vector")
            return
        if self._step2 is None or self._step2[0] is not update:  # who has nothing gets the same bytes as others
            self._step2 = (update, Frame(step2_message(update)))
        self.fanout.send(session, self._step2[1])

    # --------------------------------------------------------------------------------------- what clients did

    def _changed(self) -> None:
        self._repair_at = trio.current_time() + QUIET

    def _broke(self, broken: Broken) -> None:
        """Nobody may look at the Doc until it is built anew; what broke it is kept for a bug report."""
        self._whole = trio.Event()
        self._checkpointer.offer(Quarantine(broken.update, broken.reason))
        text = "An edit broke the document and was not taken. It is kept for a bug report; all the rest is there."
        self.saver.tell(Notice("edit_quarantined", text, "warning"))
