"""The conversation with one kernel process: is it ready, what does it say, when is a run over.

Everything here is one incarnation's; the facts that the next one needs are in the handle's :class:`RunInHand`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import trio

from actors.kernel_comms import KernelComms
from actors.kernel_connection import Connection, KernelHandle, RunInHand
from actors.kernel_introduction import INTRODUCTION
from actors.kernel_questions import Questions
from actors.kernel_values import KernelValues, Shown
from actors.zmq_socket import ZmqSocket
from protocol.comm_events import CommClosed, CommMessage, CommOpened
from protocol.kernel_events import (
    Answered,
    ClearOutput,
    DisplayData,
    ErrorRaised,
    ExecuteInput,
    ExecuteReply,
    ExecuteResult,
    InputRequested,
    KernelEvent,
    KernelInfoReply,
    OutputEvent,
    StatusChanged,
    Stream,
    UpdateDisplay,
    Welcome,
)
from protocol.kernel_requests import AboutKernel
from protocol.messages.kernel import DisplayChange, InputRequest, RunEnded
from protocol.output_form import document_output
from protocol.outputs import OutputFold
from protocol.payloads import pages
from protocol.values import JsonObject

_WAITING = 16  # messages of a Python kernel
_OUTPUTS = (Stream, DisplayData, ExecuteResult, UpdateDisplay, ClearOutput, ErrorRaised)


@dataclass(frozen=True)
class Takers:
    """Who takes a part of what the kernel says before it becomes the cell's output."""

    comms: KernelComms
    values: KernelValues


class Conversation:
    """Reads the sockets of ``connection`` and keeps the run in hand going. ``changed`` is called, never
    awaited, after each batch of news."""

    def __init__(
        self, handle: KernelHandle, connection: Connection, changed: Callable[[], None], takers: Takers
    ) -> None:
        self._handle = handle
        self._connection = connection
        self._changed = changed
        self._comms, self._values = takers.comms, takers.values
        self.fold: OutputFold | None = None
        self.stuck = False
        self.ready = trio.Event()
        self.failure = ""  # why we ended the process ourselves
        self._adopted = trio.Event()
        self._news = trio.Event()  # set and replaced whenever the run moved on
        self._informed = trio.Event()
        self._subscribed = trio.Event()
        self._nudges: set[str] = set()
        self._climbing: RunInHand | None = None
        self._nursery: trio.Nursery | None = None
        self.questions = Questions(connection, lambda: handle.run is not None and not handle.run.ended)

    @property
    def about(self) -> AboutKernel:
        return self._connection.about

    async def run(self) -> None:
        """Until the process is gone and what it said is heard."""
        connection = self._connection
        run = self._handle.run
        if run is None or run.ended or not run.msg_id:
            self._adopted.set()
        if connection.ready:
            self.ready.set()
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._pump_iopub)
            nursery.start_soon(self._pump, connection.shell)
            nursery.start_soon(self._pump, connection.control)
            nursery.start_soon(self._pump, connection.stdin)
            nursery.start_soon(connection.process.read_log)
            if not connection.ready:
                nursery.start_soon(self._become_ready)
            elif run is not None and not run.ended and (run.idle or run.status is not None):
                nursery.start_soon(self._send_fence, run)
            if run is not None and run.interrupted:  # the ladder ended with the incarnation that climbed it
                self.interrupt()
            await connection.process.wait()
            await trio.sleep(0.005)  # what it had sent is on its way to the readers
            while not self._values.settled.is_set():
                await self._values.settled.wait()
                await trio.sleep(0.005)
            nursery.cancel_scope.cancel()

    # ------------------------------------------------------------------------------------------------ readiness

    async def _become_ready(self) -> None:
        """The kernel answers, and its iopub reaches us: then no first output can be lost."""
        settings = self._handle.settings
        with trio.move_on_after(settings.start):
            self._nudges.add(self._connection.send("shell", "kernel_info_request", {}))
            await self._informed.wait()
            with trio.move_on_after(settings.welcome):
                await self._subscribed.wait()
            while not self._subscribed.is_set():
                self._nudges.add(self._connection.send("control", "kernel_info_request", {}))
                with trio.move_on_after(0.5):
                    await self._subscribed.wait()
            if self._connection.about.language_info.get("name") == "python":
                content: JsonObject = {"code": INTRODUCTION, "silent": True, "store_history": False}
                self._connection.send("shell", "execute_request", content)
                self._connection.iopub.let_wait(_WAITING)  # from then on the kernel keeps what is beyond
            self._connection.ready = True
            self.ready.set()
            self._start_run()
            self._changed()
            return
        self.failure = f"The kernel did not get ready within {settings.start:g} s"
        self._connection.process.signal(9)

    # ------------------------------------------------------------------------------------------------- the run

    def begin(self, fold: OutputFold) -> None:
        """The handle has a new run (or this incarnation adopts the one in hand): its outputs go to ``fold``."""
        self.fold = fold
        self._adopted.set()
        self._start_run()

    def _start_run(self) -> None:
        run = self._handle.run
        ready = self._connection.ready and self.fold is not None
        if ready and run is not None and not run.ended and not run.msg_id:
            self._send_run(run)

    def _send_run(self, run: RunInHand) -> None:
        content: JsonObject = {
            "code": run.source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": self._handle.settings.stdin,
            "stop_on_error": False,  # nothing queues behind it
        }
        run.msg_id = self._connection.send("shell", "execute_request", content, metadata={"cellId": run.cell_id})

    def _end(self, run: RunInHand, ended: RunEnded) -> None:
        end_run(self._handle, self.fold, ended)
        self.stuck = False
        self._moved_on()

    def _settle(self, run: RunInHand) -> None:
        """One half of the run's end came. Both: it is over. Else make sure that the other half is not awaited
        for ever: a kernel interrupted between cell and reply never replies."""
        if run.ended:
            return
        if run.status is None or not run.idle:
            if not run.fence and self._nursery is not None:
                self._nursery.start_soon(self._send_fence, run)
            return
        if run.status == "aborted" and not run.began and not run.resent and not run.interrupted:
            run.resent, run.status, run.idle, run.fence = True, None, False, ""
            self._send_run(run)
            return
        if self.fold is not None:  # at the end, as output may come behind the reply
            for page in pages(run.msg_id, run.payload):
                self.fold.add(page, trio.current_time())
        self._end(run, _how_it_ended(run))

    async def _send_fence(self, run: RunInHand) -> None:
        await trio.sleep(self._handle.settings.fence)
        if not run.ended and not run.fence and (run.idle or run.status is not None):
            run.fence = self._connection.send("shell", "kernel_info_request", {})

    # ---------------------------------------------------------------------------------------------- interrupts

    def interrupt(self) -> None:
        """Begin, or begin again, to climb the ladder for the run in hand."""
        run = self._handle.run
        if run is None or run.ended:
            return
        run.interrupted = True
        if not run.msg_id:  # the kernel is still starting, and an interrupt would kill it
            self._end(run, RunEnded("interrupted", "Interrupted before it began."))
            return
        if self._nursery is None or (self._climbing is run and not self.stuck):
            return
        self.stuck = False
        self._climbing = run
        self._nursery.start_soon(self._climb, run)

    @property
    def interrupting(self) -> bool:
        return self._climbing is not None and self._climbing is self._handle.run

    async def _climb(self, run: RunInHand) -> None:
        await self._until(lambda: run.began or bool(run.ended), 0.5)
        for _ in range(2):
            if run.ended:
                return
            self._connection.interrupt()
            await self._until(lambda: bool(run.ended), self._handle.settings.interrupt)
        if not run.ended:
            self.stuck = True
            self._changed()

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        with trio.move_on_after(seconds):
            while not done():
                await self._news.wait()

    def _moved_on(self) -> None:
        self._news.set()
        self._news = trio.Event()

    def answer_input(self, value: str) -> None:
        run = self._handle.run
        assert run is not None
        run.input = None
        parent = {"header": msgspec.json.decode(run.input_header)}
        self._connection.send("stdin", "input_reply", {"value": value, "status": "ok"}, parent=parent)

    # ------------------------------------------------------------------------------------------------- hearing

    async def _pump_iopub(self) -> None:
        """Read iopub. Output of a run from before this incarnation waits in the socket until it is adopted."""
        with trio.move_on_after(self._handle.settings.adoption):
            await self._adopted.wait()
        await self._pump(self._connection.iopub)

    async def _pump(self, socket: ZmqSocket) -> None:
        while True:
            batch = await socket.receive()
            now = trio.current_time()
            for frames in batch:
                event: KernelEvent = self._connection.decoder.decode(frames)
                # What a widget shows stays whole: the kernel gets it back from there.
                if self._values.concern(event) and not self._comms.takes(event):
                    event = await self._without_values(event)
                self._hear(event, now)
            self._changed()

    async def _without_values(self, event: Shown) -> Shown:
        """What is to be shown, once its large values are on the disk; what came before is shown meanwhile."""
        run = self._handle.run
        mine = run is not None and event.parent == run.msg_id and not run.ended
        if run is not None and mine:
            run.unreported = True
        self._changed()
        return await self._values.kept(event, self.fold if mine else None)

    def _hear(self, event: KernelEvent, now: float) -> None:
        run = self._handle.run
        match event:
            case Welcome(topic):
                if topic == self._connection.topic:
                    self._subscribed.set()
            case KernelInfoReply(parent, about):
                self._connection.about = about
                self._handle.language_info = about.language_info
                self._informed.set()
                if run is not None and parent == run.fence and run.status is None:
                    run.status = "lost"
                    self._settle(run)
            case StatusChanged(parent, state, date):
                if parent in self._nudges:
                    self._subscribed.set()
                if run is not None:
                    self._hear_status(run, parent, state, date)
                self._comms.hear_status(parent, state)
            case _ if isinstance(event, _OUTPUTS):
                self._hear_output(run, event, now)
            case ExecuteInput() | ExecuteReply() | InputRequested():
                if run is not None and event.parent == run.msg_id:
                    self._hear_run(run, event)
            case _:
                self._hear_aside(event)

    def _hear_aside(self, event: KernelEvent) -> None:
        match event:
            case Answered(parent, content):
                self.questions.hear(parent, content)
            case CommOpened() | CommMessage() | CommClosed():
                self._comms.hear(event)
            case _:
                pass  # what nobody acts on or can read

    def _hear_status(self, run: RunInHand, parent: str, state: str, date: str) -> None:
        if parent == run.msg_id != "":
            _note(run, f"iopub.status.{state}", date)
            if state == "busy":
                run.started = run.status is None or run.started
            elif state == "idle":
                run.idle = True
                self._settle(run)
        elif parent == run.fence and state == "idle" and not run.idle:
            run.idle = True
            self._settle(run)

    def _hear_run(self, run: RunInHand, event: ExecuteInput | ExecuteReply | InputRequested) -> None:
        match event:
            case ExecuteInput(_, count, date):
                _note(run, "iopub.execute_input", date)
                run.started = run.began = True
                run.execution_count = count
            case ExecuteReply(_, status, count, _, payload, date):
                _note(run, "shell.execute_reply", date)
                run.payload = payload
                run.status = status
                run.execution_count = run.execution_count if count is None else count
                self._settle(run)
            case InputRequested(_, id_, header, prompt, password):
                run.input = InputRequest(id_, prompt, password)
                run.input_header = header
        self._moved_on()

    def _hear_output(self, run: RunInHand | None, event: OutputEvent, now: float) -> None:
        if isinstance(event, DisplayData | ExecuteResult | UpdateDisplay) and event.display_id:
            self._update_elsewhere(event)
        ours = run is not None and event.parent == run.msg_id
        if run is not None and ours and not run.began:
            run.began = run.started = True
            self._moved_on()
        if self._comms.take_output(event, now) or run is None or not ours:
            return
        run.unreported = True
        if self.fold is not None and not run.ended:
            self.fold.add(event, now)
            run.displays = self.fold.displays

    def _update_elsewhere(self, event: DisplayData | ExecuteResult | UpdateDisplay) -> None:
        """Outputs of cells that ran before show the new value too, as in JupyterLab."""
        for cell_id, index in self._handle.displays.get(event.display_id, ()):
            bundle = document_output(
                {"output_type": "display_data", "data": event.data, "metadata": event.metadata}
            )
            data, metadata = bundle["data"], bundle["metadata"]
            assert isinstance(data, dict)
            assert isinstance(metadata, dict)
            change = DisplayChange(cell_id, index, data, metadata)
            waiting = self._handle.changes
            waiting[:] = [each for each in waiting if (each[1].cell_id, each[1].index) != (cell_id, index)]
            waiting.append((self._handle.reports + 1, change))


def _note(run: RunInHand, what: str, date: str) -> None:
    if date and not run.ended:
        run.times[what] = date


def end_run(handle: KernelHandle, fold: OutputFold | None, ended: RunEnded) -> None:
    """The run in hand is over: its outputs get their final form. Over already: nothing."""
    run = handle.run
    if run is None or run.ended:
        return
    run.ended = ended
    run.input = None
    if fold is not None:
        fold.finish()
        run.displays = fold.displays
    for display, indexes in run.displays.items():
        handle.displays.setdefault(display, []).extend((run.cell_id, index) for index in indexes)


def _how_it_ended(run: RunInHand) -> RunEnded:
    if run.status == "ok":
        return RunEnded("ok")
    if run.status == "aborted":
        return RunEnded("interrupted" if run.interrupted else "aborted", "The kernel did not run it.")
    if run.interrupted:
        return RunEnded("interrupted")
    return RunEnded("error", "The kernel sent no reply." if run.status == "lost" else "")
