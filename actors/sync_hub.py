"""The SyncHub.

Owns: the document, one true copy (protocol/true_copy.py), in one thread; who subscribes to it.
Hears: HubMessage: updates and questions from connections, edits and the queue from the NotebookActor.
Tells: the Checkpointer (waiting); subscribers through their outlets (never waiting).
After a crash: the next incarnation rebuilds the document from the journal; connections subscribe again and each
replica resyncs by state vector. Nothing that left the hub is missing, because nothing leaves before it is durable.

All mail that waits is one batch: client updates pass the guard and are applied, the server's edits are made, then
ONE durable append of the raw bytes, and only then do broadcasts, answers and reads leave. Poison that kills on
apply never reaches the journal, and group commit comes by itself.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from math import inf
from typing import assert_never

import msgspec
import trio

from actors.errands import Errands
from actors.fanout import Fanout
from actors.history import History
from actors.mailbox import Actor, ActorDied, ActorStopped, Address, Mailbox, again
from actors.recorder import Recorder
from actors.saver import Saver
from protocol.guard import Gap, Limits, Rejected
from protocol.merge import Report, merge
from protocol.messages import (
    AnswerSync,
    Checkpoint,
    CheckpointerMessage,
    ClientUpdate,
    DescribeDocument,
    DocumentSummary,
    Done,
    Edit,
    Enqueue,
    Entry,
    FoundChange,
    Frame,
    HubMessage,
    ListVersions,
    Load,
    Notice,
    ReadNotebook,
    ReadQueue,
    RecordedQueue,
    Recovered,
    RestoreVersion,
    Subscribe,
    Unsubscribe,
    WatchDocument,
)
from protocol.sync import step1_message, step2_message
from protocol.true_copy import Broken, TrueCopy
from protocol.values import NotebookValue

log = logging.getLogger("ganimede.hub")

# Seconds of quiet before the graphs are repaired: a client's half-done change must not be undone.
QUIET = 1.0

# A connection whose updates keep depending on what the server lacks after this many resyncs is refused. What it
# had sent before it heard of a resync depends on the same gap, so for these seconds nothing more is asked.
MAX_GAPS = 3
RESYNC = 1.0


class HubSettings(msgspec.Struct, frozen=True):
    """``path``: written to ``nb_path``. ``autosave``: (seconds of quiet, seconds at most) before the file."""

    path: str
    limits: Limits
    autosave: tuple[float, float] = (2.0, 10.0)


def sync_hub(
    checkpointer: Address[CheckpointerMessage], settings: HubSettings, new_client_id: Callable[[], int]
) -> Actor[HubMessage]:
    """The actor. ``new_client_id``: a fresh random Yjs client id for each incarnation."""

    async def run(mailbox: Mailbox[HubMessage]) -> None:
        hub = _Hub(checkpointer, settings, new_client_id)
        try:
            await hub.boot()
            async with trio.open_nursery() as nursery:
                hub.recorder.start(nursery)
                hub.saver.start(nursery)
                hub.history.start(nursery)
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
    ) -> None:
        self._checkpointer = checkpointer
        self._settings = settings
        self._new_client_id = new_client_id
        self._copy = TrueCopy(settings.limits)
        self._whole = trio.Event()  # unset while the Doc is broken and nobody may look at it
        self.fanout = Fanout()
        name = os.path.basename(settings.path)
        self.saver = Saver(checkpointer, self._value, self._take, settings.autosave, name)
        self.history = History(checkpointer, self._value, self._become)
        self.recorder = Recorder(checkpointer, self._state, self._tell_degraded)
        self._gaps: dict[str, tuple[int, float]] = {}  # session → resyncs asked for, and when the last
        self._refused: dict[str, str] = {}  # sessions that were hung up on, and why: what they send is dropped
        self._let_out: list[Callable[[], None]] = []
        self._step2: tuple[bytes, Frame] | None = None  # the last sync answer: an update, and its message
        self._repair_at = inf
        self._errands = Errands(self._commit, lambda leave: self._let_out.append(leave))

    async def _value(self) -> tuple[NotebookValue, int]:
        await self._whole.wait()
        return self._copy.doc.value(), self.recorder.content

    async def _state(self) -> bytes:
        await self._whole.wait()
        return self._copy.doc.full_update()

    def _tell_degraded(self, reason: str) -> None:
        """Editing goes on, nothing is acknowledged as durable, everyone is told."""
        self.saver.degraded(f"Edits are kept in memory only: {reason}." if reason else "")

    # ------------------------------------------------------------------------------------------------- booting

    async def boot(self) -> None:
        recovered = await self._load()
        self._build(recovered.updates)
        self._epoch = recovered.epoch
        self._copy.recover(recovered, self._settings.path)
        self.recorder.queue, self.recorder.content = recovered.queue, recovered.content
        for notice in recovered.notices:
            self.saver.tell(notice)
        await self._commit()
        await self.saver.begin(recovered.saved)

    async def _load(self) -> Recovered:
        return await again(lambda: self._checkpointer.ask(Load))

    def _build(self, updates: tuple[bytes, ...]) -> None:
        left_out = self._copy.build(updates, self._new_client_id())
        if left_out:
            text = f"{left_out} edits in the journal could not be read and were left out."
            log.error("%s", text)
            self.saver.tell(Notice("journal_damaged", text, "warning"))
        self._whole.set()

    async def _rebuild(self) -> None:
        """A new Doc of what is known good: the journal, what it lacks, the batch up to what broke the old."""
        recovered = await self._load()
        self._build(recovered.updates + self.recorder.lacking)

    # ------------------------------------------------------------------------------------------------- serving

    async def serve(self, mailbox: Mailbox[HubMessage]) -> None:
        while True:
            batch: list[HubMessage] = []
            pause = self._errands.pause(min(self.fanout.due, self._repair_at))
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
        if now >= self._repair_at:
            self._repair_at = inf
            self._copy.repair()

    async def _commit(self) -> None:
        """One append for the whole batch; then everything that waited for it leaves."""
        let_out, self._let_out = self._let_out, []
        batch = self._copy.take_batch()
        if batch.updates or batch.queue is not None:
            await self.recorder.record(tuple(update for _, update in batch.updates), batch.queue, batch.content)
        if batch.content:
            self.saver.changed(trio.current_time())
        if batch.updates:
            self.fanout.broadcast(batch.updates, trio.current_time())
        for leave in let_out:
            leave()

    async def finish(self) -> None:
        """A clean stop: what waits goes out, then the file and one snapshot; the Checkpointer still lives."""
        await self._errands.close()
        self.fanout.flush(trio.current_time())
        try:
            await self.saver.finish()
            await self.recorder.finish()
        except (ActorDied, ActorStopped):
            log.warning("the checkpointer ended before the last save; the journal holds everything")

    # ------------------------------------------------------------------------ edits of the hub's own helpers

    async def _take(self, before: NotebookValue, found: FoundChange) -> Report:
        """Bring in what the file changed of ``before``; what people typed meanwhile is merged as well."""

        def take() -> Report:
            made = merge(before, self._copy.doc.value(), found.notebook)
            self._copy.become(made.notebook)
            conflicts = found.report.conflicts + made.report.conflicts
            return msgspec.structs.replace(found.report, conflicts=conflicts)

        return await self._errands.do(take)

    async def _become(self, before: NotebookValue, wanted: NotebookValue) -> bool:
        """Say what ``wanted`` says; False if the document is not what it was ``before``."""

        def become() -> bool:
            if self._copy.doc.value() != before:
                return False
            self._copy.become(wanted)
            return True

        return await self._errands.do(become)

    # ------------------------------------------------------------------------------------------------- hearing

    def _handle(self, message: HubMessage) -> None:
        match message:
            case ClientUpdate(session, update):
                self._client_update(session, update)
            case Edit(reply, changes, queue):
                self._copy.edit(changes, queue)
                self._let_out.append(lambda: reply(Done()))
            case Enqueue() as enqueue:
                entry = self._copy.enqueue(enqueue)
                if enqueue.early is not None and isinstance(entry, Entry):
                    enqueue.early(entry)
                self._let_out.append(lambda: enqueue.reply(entry))
            case Subscribe():
                self._subscribe(message)
            case Unsubscribe(session):
                self._gaps.pop(session, None)
                self._refused.pop(session, None)
                self._let_out.append(lambda: self.fanout.remove(session))  # behind a Subscribe in this batch
            case AnswerSync(session, state):
                self._let_out.append(lambda: self._answer_sync(session, state))
            case Checkpoint() as checkpoint:
                self._let_out.append(lambda: self.saver.save_now(checkpoint))
            case WatchDocument(outlet):
                self.saver.watch(outlet)
            case ListVersions() | RestoreVersion():
                self._let_out.append(lambda: self.history.obey(message))
            case _:
                self._read(message)

    def _read(self, message: ReadQueue | ReadNotebook | DescribeDocument) -> None:
        match message:
            case ReadQueue(reply):
                answer = RecordedQueue(self._copy.queue, self._copy.queue_is_old)
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
        def admit() -> None:
            self.fanout.add(message.session, message.outlet, message.merged)
            if message.session in self._refused:  # before this subscription there was nobody to hang up on
                self.fanout.hang_up(message.session, 4400, self._refused[message.session])
            self._ask_for_edits(message.session)
            if message.state is not None:
                self._answer_sync(message.session, message.state)
            message.reply(Done())

        self._let_out.append(admit)

    def _ask_for_edits(self, session: str) -> None:
        self.fanout.send(session, Frame(step1_message(self._copy.doc.state_vector())))

    def _answer_sync(self, session: str, state: bytes) -> None:
        try:
            update = self._copy.doc.diff(state)
        except ValueError:
            self.fanout.hang_up(session, 1007, "malformed state vector")
            return
        if self._step2 is None or self._step2[0] is not update:  # who has nothing gets the same bytes as others
            self._step2 = (update, Frame(step2_message(update)))
        self.fanout.send(session, self._step2[1])

    # --------------------------------------------------------------------------------------- what clients send

    def _client_update(self, session: str, update: bytes) -> None:
        if session in self._refused:
            return
        match self._copy.client_update(session, update):
            case Rejected(reason):
                log.warning("an update was refused: %s", reason)
                self._refuse(session, reason)
            case Gap():
                self._ask_again(session)
            case Broken(reason):
                log.error("an update broke the document and was not kept: %s", reason)
                self._refuse(session, "the update cannot be applied")
                self._whole = trio.Event()
            case changed:
                self._gaps.pop(session, None)
                if changed:
                    self._repair_at = trio.current_time() + QUIET

    def _ask_again(self, session: str) -> None:
        """The update depends on something unknown: ask for all that the client has, and drop this piece."""
        count, last = self._gaps.get(session, (0, -inf))
        now = trio.current_time()
        if now < last + RESYNC:
            return
        if count == MAX_GAPS:
            self._refuse(session, "updates depend on edits that were never sent")
            return
        self._gaps[session] = (count + 1, now)
        self._let_out.append(lambda: self._ask_for_edits(session))

    def _refuse(self, session: str, reason: str) -> None:
        self._refused[session] = reason
        self._let_out.append(lambda: self.fanout.hang_up(session, 4400, reason))
