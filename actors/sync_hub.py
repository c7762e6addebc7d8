"""The SyncHub.

Owns: the document, one true copy, in one thread; who subscribes to it; the recorded run queue's copy.
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
from collections.abc import Callable
from math import inf
from typing import assert_never

import msgspec
import trio

from actors.fanout import Fanout
from actors.mailbox import Actor, ActorDied, ActorStopped, Address, Mailbox, again
from actors.saver import Saver
from protocol.document import Document, DocumentBroken
from protocol.guard import Accepted, Gap, Guard, Limits, Rejected
from protocol.messages import (
    AnswerSync,
    Append,
    Appended,
    AppendFailed,
    Change,
    Checkpoint,
    CheckpointerMessage,
    ClientUpdate,
    DescribeDocument,
    DocumentSummary,
    Done,
    Edit,
    Enqueue,
    Entry,
    Frame,
    HubMessage,
    Load,
    ReadNotebook,
    ReadQueue,
    RecordedQueue,
    Recovered,
    Refused,
    SetCell,
    SetKernel,
    StoreSnapshot,
    Subscribe,
    Unsubscribe,
    WatchDocument,
)
from protocol.sync import step1_message, step2_message

log = logging.getLogger("ganimede.hub")

# Seconds: an append slower than this is degraded mode; the time between attempts to leave it; quiet before the
# graphs are repaired (a client's half-done change must not be undone).
SLOW_APPEND = 1.0
RETRY = 1.0
QUIET = 1.0

# A connection whose updates keep depending on what the server lacks after this many resyncs is refused.
MAX_GAPS = 3


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
        await hub.boot()
        try:
            async with trio.open_nursery() as nursery:
                hub.saver.start(nursery)
                await hub.serve(mailbox)
                nursery.cancel_scope.cancel()
            await hub.finish()
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
        self.fanout = Fanout()
        self.saver = Saver(checkpointer, lambda: self._doc.value(), settings.autosave)
        self._gaps: dict[str, int] = {}
        self._queue: tuple[Entry, ...] = ()
        self._recovered_queue = False
        self._degraded = ""
        self._retry_at = inf
        self._repair_at = inf
        self._broken = False
        self._new_batch()

    def _new_batch(self) -> None:
        self._updates: list[tuple[str, bytes]] = []
        self._let_out: list[Callable[[], None]] = []
        self._new_queue: tuple[Entry, ...] | None = None
        self._touches_content = False

    # ------------------------------------------------------------------------------------------------- booting

    async def boot(self) -> None:
        recovered = await self._load()
        self._build(recovered)
        self._queue, self._recovered_queue = recovered.queue, recovered.first and bool(recovered.queue)
        self.saver.begin(recovered.saved, recovered.content)
        for notice in recovered.notices:
            self.saver.tell(notice)
        self._epoch = recovered.epoch
        if recovered.first:
            self._record_own(self._doc.clear_deleted())
            self._record_own(self._doc.repair(), content=False)
        self._record_own(self._doc.set_path(self._settings.path), content=False)
        await self._commit()

    async def _load(self) -> Recovered:
        return await again(lambda: self._checkpointer.ask(Load))

    def _build(self, recovered: Recovered) -> None:
        client_id = self._new_client_id()
        self._doc = Document(recovered.updates, client_id)
        self._guard = Guard(self._settings.limits, frozenset({client_id}))
        self._guard.learn(self._doc.full_update())

    # ------------------------------------------------------------------------------------------------- serving

    async def serve(self, mailbox: Mailbox[HubMessage]) -> None:
        while True:
            batch: list[HubMessage] = []
            deadline = min(self.fanout.due, self._repair_at, self._retry_at)
            if trio.current_time() < deadline:
                with trio.move_on_at(deadline):
                    try:
                        batch.append(await mailbox.receive())
                    except StopAsyncIteration:
                        return
            else:
                await trio.lowlevel.checkpoint()
            batch += mailbox.waiting()
            for message in batch:
                self._handle(message)
                if self._broken:
                    await self._rebuild()
            await self._timers()
            await self._commit()

    async def _timers(self) -> None:
        now = trio.current_time()
        if now >= self.fanout.due:
            self.fanout.flush(now)
        if now >= self._repair_at:
            self._repair_at = inf
            self._record_own(self._doc.repair())
        if now >= self._retry_at:
            self._retry_at = inf
            await self._recover()

    def _handle(self, message: HubMessage) -> None:
        match message:
            case ClientUpdate():
                self._client_update(message)
            case Edit(reply, changes, queue):
                self._edit(changes, queue)
                self._let_out.append(lambda: reply(Done()))
            case Enqueue():
                self._enqueue(message)
            case Subscribe():
                self._subscribe(message)
            case Unsubscribe(session):
                self._gaps.pop(session, None)
                self.fanout.remove(session)
            case AnswerSync(session, state):
                self._let_out.append(lambda: self._answer_sync(session, state))
            case Checkpoint() as checkpoint:
                self._let_out.append(lambda: self.saver.save_now(checkpoint))
            case WatchDocument(outlet):
                self.saver.watch(outlet)
            case _:
                self._read(message)

    def _read(self, message: ReadQueue | ReadNotebook | DescribeDocument) -> None:
        match message:
            case ReadQueue(reply):
                answer = RecordedQueue(self._present_queue, self._recovered_queue)
                self._recovered_queue = False
                self._let_out.append(lambda: reply(answer))
            case ReadNotebook(read):
                self._let_out.append(lambda: read(self._doc.value()))
            case DescribeDocument(describe):
                self._let_out.append(lambda: describe(self._summary()))
            case _:
                assert_never(message)

    def _summary(self) -> DocumentSummary:
        return DocumentSummary(
            self._settings.path,
            self._epoch,
            len(self._doc.cell_ids()),
            len(self.fanout),
            self.saver.state,
            self._doc.kernel_spec(),
        )

    def _subscribe(self, message: Subscribe) -> None:
        def admit() -> None:
            self.fanout.add(message.session, message.outlet, message.merged)
            self.fanout.send(message.session, Frame(step1_message(self._doc.state_vector())))
            if message.state is not None:
                self._answer_sync(message.session, message.state)
            message.reply(Done())

        self._let_out.append(admit)

    def _answer_sync(self, session: str, state: bytes) -> None:
        try:
            update = self._doc.diff(state)
        except ValueError:
            self.fanout.hang_up(session, 1007, "malformed state vector")
            return
        self.fanout.send(session, Frame(step2_message(update)))

    # -------------------------------------------------------------------------------------------------- edits

    def _client_update(self, message: ClientUpdate) -> None:
        session, update = message.session, message.update
        match self._guard.check(update):
            case Rejected(reason):
                log.warning("an update was refused: %s", reason)
                self._let_out.append(lambda: self.fanout.hang_up(session, 4400, reason))
            case Gap():
                self._ask_again(session)
            case Accepted() as accepted:
                try:
                    changed = self._doc.apply(update)
                except DocumentBroken as error:
                    self._quarantine(session, error)
                    return
                self._guard.commit(accepted)
                self._gaps.pop(session, None)
                if changed:
                    self._updates.append((session, update))
                    self._touches_content = True
                    self._repair_at = trio.current_time() + QUIET
                    self._record_own(self._doc.enforce())

    def _ask_again(self, session: str) -> None:
        """The update depends on something unknown: ask for all that the client has, and drop this piece."""
        self._gaps[session] = self._gaps.get(session, 0) + 1
        if self._gaps[session] > MAX_GAPS:
            self._let_out.append(
                lambda: self.fanout.hang_up(session, 4400, "updates depend on edits that were never sent")
            )
            return
        self._let_out.append(lambda: self.fanout.send(session, Frame(step1_message(self._doc.state_vector()))))

    def _quarantine(self, session: str, error: DocumentBroken) -> None:
        """An update that passed the guard broke the Doc: cut its sender; the Doc must not be used again."""
        log.error("an update broke the document and was not kept: %s", error)
        self._let_out.append(lambda: self.fanout.hang_up(session, 4400, "the update cannot be applied"))
        self._broken = True

    async def _rebuild(self) -> None:
        """A new Doc from what is known good: the journal, and this batch up to the update that broke it."""
        recovered = await self._load()
        batch = tuple(update for _, update in self._updates)
        self._build(msgspec.structs.replace(recovered, updates=recovered.updates + batch))
        self._broken = False

    @property
    def _present_queue(self) -> tuple[Entry, ...]:
        return self._queue if self._new_queue is None else self._new_queue

    def _record_own(self, update: bytes, content: bool = True) -> None:
        if update:
            self._guard.learn(update)
            self._updates.append(("", update))
            self._touches_content |= content

    def _edit(self, changes: tuple[Change, ...], queue: tuple[Entry, ...] | None) -> None:
        ids = None if queue is None else [entry.cell_id for entry in queue]
        self._record_own(self._doc.edit(changes, ids), content=any(map(_is_content, changes)))
        if queue is not None:
            self._new_queue = queue

    def _enqueue(self, message: Enqueue) -> None:
        cell_id = message.cell_id
        if not self._doc.has_cell(cell_id):
            message.reply(Refused("no_such_cell", f"There is no cell {cell_id[:80]!r} in this notebook."))
            return
        if self._doc.cell_type(cell_id) != "code":
            message.reply(Refused("not_code", "Only code cells can be run."))
            return
        entry = Entry(message.entry_id, cell_id, self._doc.source(cell_id), message.who)
        queue = (*self._present_queue, entry)
        self._edit((SetCell(cell_id, {"state": "queued"}),), queue)
        self._let_out.append(lambda: message.reply(entry))

    # --------------------------------------------------------------------------------------- making it durable

    async def _commit(self) -> None:
        """One append for the whole batch; then everything that waited for it leaves."""
        updates, let_out, queue = self._updates, self._let_out, self._new_queue
        content = self._touches_content
        self._new_batch()
        if updates or queue is not None:
            self._queue = self._queue if queue is None else queue
            if not self._degraded:
                await self._append(tuple(update for _, update in updates), queue, content)
            if content:
                self.saver.changed(trio.current_time())
        if updates:
            self.fanout.broadcast(updates, trio.current_time())
        for leave in let_out:
            leave()

    async def _append(self, updates: tuple[bytes, ...], queue: tuple[Entry, ...] | None, content: bool) -> None:
        answer: Appended | AppendFailed = AppendFailed("the disk takes too long")
        with trio.move_on_after(SLOW_APPEND):
            # What was not acknowledged is sent again: applying it twice is harmless.
            answer = await again(lambda: self._checkpointer.ask(Append, updates, queue, content))
        match answer:
            case Appended(wants_snapshot, count):
                self.saver.content = count
                if wants_snapshot:
                    await self._snapshot(content=False)
            case AppendFailed(reason):
                self._degrade(reason)

    async def _snapshot(self, content: bool) -> bool:
        with trio.move_on_after(SLOW_APPEND):
            try:
                state = self._doc.full_update()
                answer = await self._checkpointer.ask(StoreSnapshot, state, self._queue, content)
            except ActorDied:
                return False
            if isinstance(answer, Appended):
                self.saver.content = answer.content
                return True
        return False

    def _degrade(self, reason: str) -> None:
        """Editing goes on, nothing is acknowledged as durable, everyone is told."""
        log.error("not saved: %s", reason)
        self._degraded = reason
        self._retry_at = trio.current_time() + RETRY
        self.saver.degraded(f"Edits are kept in memory only: {reason}.")

    async def _recover(self) -> None:
        """Leave degraded mode by writing everything, whole."""
        if await self._snapshot(content=True):
            self._degraded = ""
            self.saver.degraded("")
            self.saver.changed(trio.current_time())
        else:
            self._retry_at = trio.current_time() + RETRY

    async def finish(self) -> None:
        """A clean stop: the file and one snapshot, while the Checkpointer still lives."""
        try:
            await self.saver.finish()
            await self._snapshot(content=False)
        except (ActorDied, ActorStopped):
            log.warning("the checkpointer ended before the last save; the journal holds everything")


def _is_content(change: Change) -> bool:
    """Whether the file would say something else afterwards."""
    match change:
        case SetKernel():
            return False
        case SetCell(_, values):
            return bool(values.keys() - {"state"})
        case _:
            return True
