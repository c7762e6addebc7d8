"""The run queue at work, for the NotebookActor: its state, and what each step makes the hub and the kernel do.

Mail, the kernel's reports and the clock bring events, which are handled one at a time: whoever calls in here holds
:attr:`Runs.turn`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import assert_never

import msgspec
import trio

from actors.mailbox import ActorDied, Address, again
from actors.run_news import Watchers
from protocol import run_queue
from protocol.kernel_report import Shown, of_displays, of_next_inputs
from protocol.messages.changes import Change
from protocol.messages.hub import DescribeDocument, Edit, HubMessage, ReadNotebook, ReadQueue
from protocol.messages.kernel import (
    Execute,
    InterruptKernel,
    KernelMessage,
    KernelReport,
    KernelStatus,
    Pull,
    RunEnded,
    RunReport,
)
from protocol.messages.shared import Done, Entry, Notice, Refused
from protocol.run_events import Ended, Event, Expired, Found, Interrupt, Moment, Run, Started, State, Write
from protocol.values import JsonObject

DEFAULT_KERNEL = "python3"


class RunSettings(msgspec.Struct, frozen=True):
    """``kernel``: forced, empty for the notebook's own. ``record_times``: into a cell's ``metadata.execution``.
    ``new_id``: for entries. ``date``: seconds since 1970."""

    kernel: str
    new_id: Callable[[], str]
    record_times: bool = True
    date: Callable[[], float] = time.time


class Runs:
    def __init__(self, hub: Address[HubMessage], kernel: Address[KernelMessage], settings: RunSettings) -> None:
        self._hub = hub
        self._kernel = kernel
        self._settings = settings
        self.turn = trio.Lock()
        self.news = Watchers()
        self.shown = Shown()
        self.state = State()
        self._report: KernelReport | None = None
        self._handed_over = ""  # the entry that the kernel had before it was durable
        self._limits_changed = trio.Event()

    def now(self) -> Moment:
        return Moment(trio.current_time(), round(self._settings.date(), 3))

    @property
    def kernel_is_idle(self) -> bool:
        return self._report is not None and self._report.status is KernelStatus.IDLE

    async def edit(self, changes: tuple[Change, ...], queue: tuple[Entry, ...] | None = None) -> None:
        # Asked and not told: an edit that a dying hub had in hand would leave a cell "running" for ever.
        await again(lambda: self._hub.ask(Edit, changes, queue))

    async def spec(self, wanted: str = "") -> str:
        """Which kernelspec a new kernel should have."""
        summary = await again(lambda: self._hub.ask(DescribeDocument))
        return wanted or self._settings.kernel or summary.kernelspec or DEFAULT_KERNEL

    # -------------------------------------------------------------------------------------------------- stepping

    async def reconcile(self) -> None:
        """What the last incarnation, or the last server, left in the queue."""
        recorded = await again(lambda: self._hub.ask(ReadQueue))
        found = Found(recorded.entries, alive=not recorded.recovered, paused=recorded.paused)
        if recorded.recovered:
            notebook = await again(lambda: self._hub.ask(ReadNotebook))
            found = run_queue.recovered(recorded.entries, notebook, recorded.paused)
        async with self.turn:
            await self.step(found)

    async def step(self, event: Event) -> None:
        due = self.state.due
        self.state, effects = run_queue.step(self.state, event, self.now())
        for effect in effects:
            match effect:
                case Write(changes, queue):
                    await self.edit(changes, queue)
                case Run(entry, _) if entry.id == self._handed_over:
                    pass
                case Run(entry, resumed):
                    self.shown.outputs = await self._outputs(entry.cell_id) if resumed else []
                    await self._execute(entry)
                case Interrupt():
                    await self.interrupt()
                case _:
                    assert_never(effect)
        if self.state.due != due:
            self._limits_changed.set()
        self.news.tell_offer(run_queue.offer(self.state))

    async def interrupt(self) -> None:
        if self.state.running is not None:
            await again(lambda: self._kernel.ask(InterruptKernel))

    async def _outputs(self, cell_id: str) -> list[JsonObject]:
        notebook = await again(lambda: self._hub.ask(ReadNotebook))
        return next((list(cell.outputs) for cell in notebook.cells if cell.id == cell_id), [])

    async def _execute(self, entry: Entry) -> None:
        """Hand the run to the kernel. Idempotent: a kernel that has it already goes on with it."""
        spec = await self.spec() if self._needs_kernel() else ""
        answer = await self._offer_run(entry, spec or DEFAULT_KERNEL)
        if isinstance(answer, Refused):
            self.news.tell(Notice(answer.code, answer.message, "error"))
            if self._report is not None and (changes := self.shown.of_kernel(self._report)):
                await self.edit(changes)  # it was said to be busy already
            ended = RunEnded("aborted", answer.message)
            await self.step(Ended(entry.id, ended, outputs=len(self.shown.outputs)))

    def _needs_kernel(self) -> bool:
        return self._report is None or self._report.status in (KernelStatus.NONE, KernelStatus.DEAD)

    async def _offer_run(self, entry: Entry, spec: str) -> Done | Refused:
        outputs = tuple(self.shown.outputs)
        return await again(lambda: self._kernel.ask(Execute, entry.id, entry.cell_id, entry.source, spec, outputs))

    async def hand_over(self, entry: Entry) -> None:
        """The kernel begins while the entry is being recorded; whoever asked for the run hears when it is."""
        self.shown.outputs = []
        if isinstance(await self._offer_run(entry, DEFAULT_KERNEL), Done):
            self._handed_over = entry.id

    # ------------------------------------------------------------------------------------------------- the clock

    async def watch_limits(self) -> None:
        """Let what ran or waited too long end."""
        while True:
            self._limits_changed = trio.Event()
            with trio.move_on_at(self.state.due):
                await self._limits_changed.wait()
                continue
            async with self.turn:
                await self.step(Expired())

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
        running = self.state.running
        if running is not None and (report.run is None or report.run.run != running.id):
            await self._execute(running)

    async def _hear(self, report: KernelReport) -> None:
        self._report = report
        # A change of another output counts in the outputs as of this report: it comes after the run's own.
        changes, displays = self.shown.of_kernel(report), of_displays(report)
        self.news.tell_kernel(report)
        run = report.run
        if run is None or self.state.running is None or run.run != self.state.running.id:
            self.news.tell_input(None)
            if changes or displays:
                await self.edit((*changes, *displays))
            return
        self.news.tell_input(run.input if run.ended is None else None, run.cell_id)
        await self._hear_run(run, (*changes, *self.shown.of_run(run), *displays))

    async def _hear_run(self, run: RunReport, changes: tuple[Change, ...]) -> None:
        running = self.state.running
        if run.ended is not None:
            times = run.times if self._settings.record_times else {}
            last = (*changes, *of_next_inputs(run))
            await self.step(Ended(run.run, run.ended, last, len(self.shown.outputs), times))
        elif run.started and running is not None and not running.started:
            await self.step(Started(run.run, changes))
        elif changes:
            await self.edit(changes)
