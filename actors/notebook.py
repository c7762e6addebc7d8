"""The NotebookActor.

Owns: the run queue (a pure state machine, protocol/run_queue.py) and what people are told about runs.
Hears: NotebookMessage, from the gateway; the kernel's reports, which it pulls.
Tells: the hub (edits, the recorded queue), the KernelActor (Execute, Pull, interrupts), both waiting.
After a crash: the hub holds the recorded queue. The next incarnation reads it and hands its head to the kernel
again: the KernelActor knows the run by its id and it goes on, with the outputs the document has already.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

import trio
from msgspec.structs import replace

from actors.mailbox import Actor, Address, Mailbox, again
from actors.runs import Runs, RunSettings
from protocol import run_queue
from protocol.messages.changes import SetNotebookMetadata
from protocol.messages.hub import DraftEntry, Enqueue, EnqueueRun, HubMessage, TakeUp
from protocol.messages.kernel import AnswerInput, KernelMessage, RestartKernel, ShutDownKernel, StartKernel
from protocol.messages.notebook import (
    CancelCell,
    ChangeKernel,
    DescribeRuns,
    DismissQueue,
    InstalledKernel,
    InterruptAll,
    InterruptRun,
    MoveCell,
    NotebookMessage,
    PauseQueue,
    QueueCell,
    QueueCells,
    ReplyInput,
    Restart,
    ResumeQueue,
    RunNext,
    RunsSummary,
    ShutDown,
    Start,
    WatchRuns,
)
from protocol.messages.shared import Done, Entry, Notice, Refused
from protocol.run_events import Added, Cancelled, Dismissed, Emptied, Moved, Paused, Queued, TakenUp
from protocol.run_words import beginning
from protocol.values import JsonObject

OfKernel: TypeAlias = Start | Restart | ChangeKernel | ShutDown


def notebook_actor(
    hub: Address[HubMessage], kernel: Address[KernelMessage], settings: RunSettings
) -> Actor[NotebookMessage]:
    async def run(mailbox: Mailbox[NotebookMessage]) -> None:
        runs = Runs(hub, kernel, settings)
        try:
            async with trio.open_nursery() as nursery:
                actor = _Notebook(hub, kernel, settings, runs, nursery)
                await runs.reconcile()
                nursery.start_soon(runs.follow_kernel)
                nursery.start_soon(runs.watch_limits)
                async for message in mailbox:
                    if isinstance(message, OfKernel):  # these take seconds; other mail goes on
                        nursery.start_soon(actor.manage_kernel, message)
                    else:
                        async with runs.turn:
                            await actor.handle(message)
                nursery.cancel_scope.cancel()
        finally:
            runs.news.close()

    return run


class _Notebook:
    def __init__(
        self,
        hub: Address[HubMessage],
        kernel: Address[KernelMessage],
        settings: RunSettings,
        runs: Runs,
        nursery: trio.Nursery,
    ) -> None:
        self._hub = hub
        self._kernel = kernel
        self._settings = settings
        self._runs = runs
        self._nursery = nursery

    async def handle(self, message: NotebookMessage) -> None:
        runs = self._runs
        match message:
            case QueueCell(reply, cell_id, who):
                reply(await self._queue_cell(cell_id, who))
            case QueueCells():
                await self._queue_cells(message)
            case RunNext() | CancelCell() | MoveCell() | PauseQueue():
                await self._order(message)
            case ResumeQueue():
                await self._resume(message)
            case DismissQueue(reply):
                await runs.step(Dismissed())
                reply(Done())
            case InterruptAll(reply):
                await runs.step(Emptied())
                await runs.interrupt()
                reply(Done())
            case InterruptRun(reply):
                await runs.interrupt()
                reply(Done())
            case ReplyInput(reply, request_id, value):
                reply(await again(lambda: self._kernel.ask(AnswerInput, request_id, value)))
            case DescribeRuns(reply):
                reply(self._summary())
            case WatchRuns(reply, outlet):
                runs.news.watch(outlet)
                reply(Done())
            case Start() | Restart() | ChangeKernel() | ShutDown():
                await self.manage_kernel(message)
            case _:
                assert_never(message)

    # -------------------------------------------------------------------------------------------------- queueing

    async def _queue_cell(self, cell_id: str, who: str) -> Done | Refused:
        runs = self._runs
        refused = run_queue.refusal(runs.state, cell_id)
        if refused is not None or run_queue.is_queued(runs.state, cell_id):
            return refused or Done()
        entry_id = self._settings.new_id()
        draft = await again(lambda: self._hub.ask(DraftEntry, entry_id, cell_id, who))
        if isinstance(draft, Refused):
            return draft
        now = runs.now().date
        draft = replace(draft, command=entry_id, queued=now, began=now if runs.state.free else 0.0)
        idle = runs.kernel_is_idle
        begins = beginning(draft) if runs.state.free else ()
        if begins and idle:
            begins = (*begins, runs.shown.busy())
            await runs.hand_over(draft)
        entry = await again(lambda: self._hub.ask(Enqueue, draft, begins))
        if entry.begun and idle:
            runs.shown.was_busy()
        await runs.step(Queued(entry))
        return Done()

    async def _queue_cells(self, message: QueueCells) -> None:
        """A restart takes seconds; what is to run behind it is drafted already, and other mail goes on."""
        if message.restart:
            self._nursery.start_soon(self._restart_and_queue, message)
        else:
            message.reply(await self._record(message.drafts))

    async def _restart_and_queue(self, message: QueueCells) -> None:
        answer = await self._renew(await self._runs.spec())
        if isinstance(answer, Refused):
            message.reply(answer)
            return
        async with self._runs.turn:
            message.reply(await self._record(message.drafts))

    async def _record(self, drafts: tuple[Entry, ...]) -> tuple[str, ...]:
        """Let these wait, but for cells that wait or run; the cells that are new."""
        runs, command = self._runs, self._settings.new_id()
        now = runs.now().date
        entries = tuple(
            replace(draft, id=self._settings.new_id(), command=command, queued=now)
            for draft in run_queue.fresh(runs.state, drafts)
        )
        if entries:
            await again(lambda: self._hub.ask(EnqueueRun, entries))
            await runs.step(Added(entries))
        return tuple(entry.cell_id for entry in entries)

    async def _order(self, message: RunNext | CancelCell | MoveCell | PauseQueue) -> None:
        runs = self._runs
        match message:
            case PauseQueue(reply, paused):
                await runs.step(Paused(paused))
                reply(Done())
            case RunNext(reply, cell_id, who):
                queued = await self._queue_cell(cell_id, who)
                await runs.step(Moved(cell_id, 1))
                reply(queued)
            case CancelCell(reply, cell_id):
                refused = run_queue.not_waiting(runs.state, cell_id)
                await runs.step(Cancelled(cell_id))
                reply(refused or Done())
            case MoveCell(reply, cell_id, place):
                refused = run_queue.not_waiting(runs.state, cell_id)
                await runs.step(Moved(cell_id, place))
                reply(refused or Done())
            case _:
                assert_never(message)

    async def _resume(self, message: ResumeQueue) -> None:
        # New ids: the old ones belong to what a former server ran, and the hub can be asked twice.
        runs, new_id = self._runs, self._settings.new_id
        chosen = tuple((entry.id, new_id()) for entry in run_queue.chosen(runs.state, message.interrupted))
        now = runs.now().date
        taken = await again(lambda: self._hub.ask(TakeUp, chosen, message.who, now)) if chosen else ()
        if taken:
            message.reply(Done())
        else:
            message.reply(Refused("no_offer", "There is nothing left of what was offered to run again."))
        if chosen:
            await runs.step(TakenUp(taken))

    # ------------------------------------------------------------------------------------------------ the kernel

    async def manage_kernel(self, message: OfKernel) -> None:
        runs = self._runs
        match message:
            case Start(reply, name):
                spec = await runs.spec(name)
                reply(self._told(await again(lambda: self._kernel.ask(StartKernel, spec))))
            case Restart(reply):
                reply(await self._renew(await runs.spec()))
            case ChangeKernel(reply, kernel):
                reply(await self._change(kernel))
            case ShutDown(reply):
                await self._empty()
                reply(await again(lambda: self._kernel.ask(ShutDownKernel)))
            case _:
                assert_never(message)

    async def _empty(self) -> None:
        async with self._runs.turn:
            await self._runs.step(Emptied())

    async def _renew(self, spec: str) -> Done | Refused:
        await self._empty()
        return self._told(await again(lambda: self._kernel.ask(RestartKernel, spec)))

    async def _change(self, kernel: InstalledKernel) -> Done | Refused:
        fixed = self._settings.kernel
        if fixed and fixed != kernel.name:
            return Refused("kernel_fixed", f"This server was told to run every notebook with {fixed!r}.")
        answer = await self._renew(kernel.name)
        if isinstance(answer, Done):
            spec: JsonObject = {"name": kernel.name, "display_name": kernel.display_name}
            if kernel.language:
                spec["language"] = kernel.language
            await self._runs.edit((SetNotebookMetadata({"kernelspec": spec}),))
        return answer

    def _told(self, answer: Done | Refused) -> Done | Refused:
        if isinstance(answer, Refused):
            self._runs.news.tell(Notice(answer.code, answer.message, "error"))
        return answer

    def _summary(self) -> RunsSummary:
        state, news = self._runs.state, self._runs.news
        running = state.running
        shown = self._runs.shown.kernel
        return RunsSummary(
            {**shown, "paused": state.paused} if shown else {},
            running.cell_id if running else None,
            tuple(entry.cell_id for entry in state.waiting),
            news.offered,
            news.input,
        )
