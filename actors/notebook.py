"""The NotebookActor.

Owns: the run queue (a pure state machine, protocol/run_queue.py) and what people are told about runs.
Hears: NotebookMessage, from the gateway; the kernel's reports, which it pulls.
Tells: the hub (edits, the recorded queue), the KernelActor (Execute, Pull, interrupts), both waiting.
After a crash: the hub holds the recorded queue. The next incarnation reads it and hands its head to the kernel
again: the KernelActor knows the run by its id and it goes on, with the outputs the document has already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import trio

from actors.mailbox import Actor, ActorDied, Address, Mailbox, again
from actors.run_news import Watchers
from protocol import run_queue
from protocol.messages import (
    AnswerInput,
    Change,
    DescribeDocument,
    DescribeRuns,
    DismissQueue,
    Done,
    DraftEntry,
    Edit,
    Enqueue,
    Entry,
    Execute,
    HubMessage,
    InterruptAll,
    InterruptKernel,
    InterruptRun,
    KernelMessage,
    KernelReport,
    KernelStatus,
    NotebookMessage,
    Notice,
    Pull,
    QueueCell,
    ReadNotebook,
    ReadQueue,
    Refused,
    ReplaceOutput,
    Reply,
    ReplyInput,
    Restart,
    RestartKernel,
    ResumeQueue,
    RunEnded,
    RunReport,
    RunsSummary,
    SetCell,
    SetKernel,
    SetNotebookMetadata,
    Start,
    StartKernel,
    TakeUp,
    WatchRuns,
    WriteOutputs,
)
from protocol.values import JsonObject

DEFAULT_KERNEL = "python3"

_BUSY: JsonObject = {"busy": True, "status": str(KernelStatus.BUSY)}


def notebook_actor(
    hub: Address[HubMessage],
    kernel: Address[KernelMessage],
    *,
    kernel_name: str,
    new_id: Callable[[], str],
) -> Actor[NotebookMessage]:
    """The actor. ``kernel_name``: forced by the settings, empty for the notebook's own."""

    async def run(mailbox: Mailbox[NotebookMessage]) -> None:
        actor = _Notebook(hub, kernel, kernel_name, new_id)
        try:
            async with trio.open_nursery() as nursery:
                await actor.reconcile()
                nursery.start_soon(actor.follow_kernel)
                async for message in mailbox:
                    if isinstance(message, Start | Restart):  # these take seconds; other mail goes on
                        nursery.start_soon(actor.manage_kernel, message)
                    else:
                        async with actor.turn:
                            await actor.handle(message)
                nursery.cancel_scope.cancel()
        finally:
            actor.news.close()

    return run


class _Notebook:
    def __init__(
        self,
        hub: Address[HubMessage],
        kernel: Address[KernelMessage],
        kernel_name: str,
        new_id: Callable[[], str],
    ) -> None:
        self._hub = hub
        self._kernel = kernel
        self._kernel_name = kernel_name
        self._new_id = new_id
        # Two sources of events, mail and the kernel's reports, are handled one at a time.
        self.turn = trio.Lock()
        self.news = Watchers()
        self._state = run_queue.State()
        self._written: list[JsonObject] = []
        self._report: KernelReport | None = None
        self._handed_over = ""  # the entry that the kernel had before it was durable
        self._shown: JsonObject = {}
        self._language: JsonObject = {}

    # ------------------------------------------------------------------------------------------------- asking

    async def _edit(self, changes: tuple[Change, ...], queue: tuple[Entry, ...] | None = None) -> None:
        # Asked and not told: an edit that a dying hub had in hand would leave a cell "running" for ever.
        await again(lambda: self._hub.ask(Edit, changes, queue))

    async def _spec(self, wanted: str = "") -> str:
        """Which kernelspec a new kernel should have."""
        summary = await again(lambda: self._hub.ask(DescribeDocument))
        return wanted or self._kernel_name or summary.kernelspec or DEFAULT_KERNEL

    # -------------------------------------------------------------------------------------------------- queue

    async def reconcile(self) -> None:
        """What the last incarnation, or the last server, left in the queue."""
        recorded = await again(lambda: self._hub.ask(ReadQueue))
        found = run_queue.Found(recorded.entries, alive=not recorded.recovered)
        if recorded.recovered:
            notebook = await again(lambda: self._hub.ask(ReadNotebook))
            found = run_queue.recovered(recorded.entries, notebook)
        async with self.turn:
            await self._step(found)

    async def _step(self, event: run_queue.Event) -> None:
        self._state, effects = run_queue.step(self._state, event)
        for effect in effects:
            match effect:
                case run_queue.Write(changes, queue):
                    await self._edit(changes, queue)
                case run_queue.Run(entry, _) if entry.id == self._handed_over:
                    pass
                case run_queue.Run(entry, resumed):
                    self._written = await self._outputs(entry.cell_id) if resumed else []
                    await self._execute(entry)
                case _:
                    assert_never(effect)
        self.news.tell_offer(run_queue.offer(self._state))

    async def _outputs(self, cell_id: str) -> list[JsonObject]:
        notebook = await again(lambda: self._hub.ask(ReadNotebook))
        return next((list(cell.outputs) for cell in notebook.cells if cell.id == cell_id), [])

    async def _execute(self, entry: Entry) -> None:
        """Hand the run to the kernel. Idempotent: a kernel that has it already goes on with it."""
        spec = await self._spec() if self._needs_kernel() else ""
        answer = await again(
            lambda: self._kernel.ask(
                Execute, entry.id, entry.cell_id, entry.source, spec or DEFAULT_KERNEL, tuple(self._written)
            )
        )
        if isinstance(answer, Refused):
            self.news.tell(Notice(answer.code, answer.message, "error"))
            if self._report is not None and (changes := self._kernel_changes(self._report)):
                await self._edit(tuple(changes))  # it was said to be busy already
            ended = RunEnded("aborted", answer.message)
            await self._step(run_queue.Ended(entry.id, ended, outputs=len(self._written)))

    def _needs_kernel(self) -> bool:
        return self._report is None or self._report.status in (KernelStatus.NONE, KernelStatus.DEAD)

    async def handle(self, message: NotebookMessage) -> None:
        match message:
            case QueueCell(reply, cell_id, who):
                await self._queue_cell(reply, cell_id, who)
            case ResumeQueue():
                await self._resume(message)
            case DismissQueue(reply):
                await self._step(run_queue.Dismissed())
                reply(Done())
            case InterruptAll(reply):
                await self._step(run_queue.Emptied())
                await self._interrupt(reply)
            case InterruptRun(reply):
                await self._interrupt(reply)
            case ReplyInput(reply, request_id, value):
                reply(await again(lambda: self._kernel.ask(AnswerInput, request_id, value)))
            case DescribeRuns(reply):
                reply(self._summary())
            case WatchRuns(reply, outlet):
                self.news.watch(outlet)
                reply(Done())
            case Start() | Restart():
                await self.manage_kernel(message)
            case _:
                assert_never(message)

    async def _queue_cell(self, reply: Reply[Done | Refused], cell_id: str, who: str) -> None:
        refused = run_queue.refusal(self._state, cell_id)
        if refused is not None or run_queue.is_queued(self._state, cell_id):
            reply(refused or Done())
            return
        entry_id = self._new_id()
        draft = await again(lambda: self._hub.ask(DraftEntry, entry_id, cell_id, who))
        if isinstance(draft, Refused):
            reply(draft)
            return
        begins = self._beginning(cell_id) if self._state.free else ()
        if begins and self._kernel_is_idle:
            await self._hand_over(draft)
        entry = await again(lambda: self._hub.ask(Enqueue, draft, begins))
        reply(Done())
        if entry.begun and self._kernel_is_idle:
            self._shown = {**self._shown, **_BUSY}  # the old dict has travelled
        await self._step(run_queue.Queued(entry))

    async def _resume(self, message: ResumeQueue) -> None:
        # New ids: the old ones belong to what a former server ran, and the hub can be asked twice.
        chosen = tuple((entry.id, self._new_id()) for entry in run_queue.chosen(self._state, message.interrupted))
        taken = await again(lambda: self._hub.ask(TakeUp, chosen, message.who)) if chosen else ()
        if taken:
            message.reply(Done())
        else:
            message.reply(Refused("no_offer", "There is nothing left of what was offered to run again."))
        if chosen:
            await self._step(run_queue.TakenUp(taken))

    async def _hand_over(self, entry: Entry) -> None:
        """The kernel begins while the entry is being recorded; whoever asked for the run hears when it is."""
        self._written = []
        answer = await again(
            lambda: self._kernel.ask(Execute, entry.id, entry.cell_id, entry.source, DEFAULT_KERNEL, ())
        )
        if isinstance(answer, Done):
            self._handed_over = entry.id

    def _beginning(self, cell_id: str) -> tuple[Change, ...]:
        """What begins a run, and that an idle kernel is busy now: one append less than when it says so itself."""
        changes = run_queue.beginning(cell_id)
        return (*changes, SetKernel(_BUSY)) if self._kernel_is_idle else changes

    @property
    def _kernel_is_idle(self) -> bool:
        return self._report is not None and self._report.status is KernelStatus.IDLE

    async def _interrupt(self, reply: Reply[Done]) -> None:
        if self._state.running is not None:
            await again(lambda: self._kernel.ask(InterruptKernel))
        reply(Done())

    async def manage_kernel(self, message: Start | Restart) -> None:
        if isinstance(message, Restart):
            async with self.turn:
                await self._step(run_queue.Emptied())
        spec = await self._spec(message.kernel if isinstance(message, Start) else "")
        make = RestartKernel if isinstance(message, Restart) else StartKernel
        answer = await again(lambda: self._kernel.ask(make, spec))
        if isinstance(answer, Refused):
            self.news.tell(Notice(answer.code, answer.message, "error"))
        message.reply(answer)

    # ------------------------------------------------------------------------------------- the kernel's reports

    async def follow_kernel(self) -> None:
        """Pull the kernel's state for as long as this incarnation lives."""
        seen = 0
        while True:
            try:
                report = await self._kernel.ask(Pull, seen)
            except ActorDied:
                seen = 0
                continue
            async with self.turn:
                await self._readopt(report)
                await self._hear(report)
            seen = report.number

    async def _readopt(self, report: KernelReport) -> None:
        """Hand the KernelActor the run again if it does not hold it: it restarted, or the report is older than the
        run, and then asking twice is harmless."""
        running = self._state.running
        if running is not None and (report.run is None or report.run.run != running.id):
            await self._execute(running)

    async def _hear(self, report: KernelReport) -> None:
        self._report = report
        # A change of another output counts in the outputs as of this report: it comes after the run's own.
        changes, displays = self._kernel_changes(report), _display_changes(report)
        self.news.tell_kernel(report)
        run = report.run
        if run is None or self._state.running is None or run.run != self._state.running.id:
            self.news.tell_input(None)
            if changes or displays:
                await self._edit((*changes, *displays))
            return
        self.news.tell_input(run.input if run.ended is None else None, run.cell_id)
        changes += self._run_changes(run)
        changes += displays
        if run.ended is not None:
            await self._step(run_queue.Ended(run.run, run.ended, tuple(changes), len(self._written)))
        elif changes:
            await self._edit(tuple(changes))

    def _kernel_changes(self, report: KernelReport) -> list[Change]:
        shown: JsonObject = {
            "busy": report.status in (KernelStatus.BUSY, KernelStatus.INTERRUPTING, KernelStatus.NOT_RESPONDING),
            "status": str(report.status),
            "name": report.name,
            "reason": report.reason,
            "incarnation": report.incarnation,
        }
        changes: list[Change] = []
        if shown != self._shown:
            self._shown = shown
            changes.append(SetKernel(shown))
        if report.status is KernelStatus.IDLE and report.language_info not in ({}, self._language):
            self._language = report.language_info
            changes.append(SetNotebookMetadata({"language_info": report.language_info}))
        return changes

    def _run_changes(self, run: RunReport) -> list[Change]:
        changes: list[Change] = []
        if run.start < len(self._written) or run.outputs:
            self._written[run.start :] = run.outputs
            changes.append(WriteOutputs(run.cell_id, run.start, run.outputs))
        if run.execution_count is not None:
            changes.append(SetCell(run.cell_id, {"execution_count": run.execution_count}))
        return changes

    # -------------------------------------------------------------------------------------------- what is told

    def _summary(self) -> RunsSummary:
        running = self._state.running
        return RunsSummary(
            dict(self._shown),
            running.cell_id if running else None,
            tuple(entry.cell_id for entry in self._state.waiting),
            self.news.offered,
            self.news.input,
        )


def _display_changes(report: KernelReport) -> list[Change]:
    return [ReplaceOutput(each.cell_id, each.index, each.data, each.metadata) for each in report.displays]
