"""KernelActor: starts, ends and talks to the notebook's kernel; folds what a run says into outputs.

Owns: the Jupyter conversation of this incarnation and the outputs of the run in hand until they are pulled.
Hears: KernelMessage, from the NotebookActor.
Tells: the Checkpointer (KeepBlobs, waiting, for so long as a disk may take). Else nobody: it answers; reports are
pulled, so the reader of the ZMQ sockets waits for no one who shows them.
After a crash: the kernel process lives on, its sockets and the facts of the run are in the KernelHandle. The next
incarnation reads on where this one stopped, once the NotebookActor has handed it the run again; output that this
one had consumed and nobody had pulled is lost, and a line among the outputs says so.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias, assert_never

import trio

from actors.kernel_comms import KernelComms
from actors.kernel_connection import Connection, KernelHandle, RunInHand
from actors.kernel_conversation import Conversation, Takers, end_run
from actors.kernel_reports import Reports
from actors.kernel_spec import KernelSpec, StartFailed
from actors.kernel_values import KernelValues
from actors.mailbox import Actor, Address, Mailbox
from protocol.comm_requests import CommRequest
from protocol.kernel_requests import Answer, Question
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.kernel import (
    AnswerInput,
    AskKernel,
    DescribeKernel,
    Execute,
    InterruptKernel,
    KernelMessage,
    KernelStatus,
    Pull,
    RestartKernel,
    RunEnded,
    ShutDownKernel,
    StartKernel,
    TellComm,
    WatchComms,
)
from protocol.messages.shared import Done, Refused, Reply
from protocol.outputs import OutputFold, shape

_Step: TypeAlias = Callable[[], Awaitable[None]]  # a kernel is started, exchanged or ended

_LOST = "[some output was lost here: the kernel's reader had to be restarted]\n"
_ASIDE = Pull | AskKernel | DescribeKernel | WatchComms | TellComm  # change nothing that a report says


def kernel_actor(
    handle: KernelHandle, checkpointer: Address[CheckpointerMessage] | None = None
) -> Actor[KernelMessage]:
    """The actor for ``handle``: call it once per incarnation, one at a time."""

    async def run(mailbox: Mailbox[KernelMessage]) -> None:
        await _Incarnation(handle, KernelValues(checkpointer, handle.settings.limits)).run(mailbox)

    return run


class _Incarnation:
    def __init__(self, handle: KernelHandle, values: KernelValues) -> None:
        self._handle = handle
        self._phase: KernelStatus | None = None  # STARTING or RESTARTING while that is going on
        self._steps, self._next_steps = trio.open_memory_channel[_Step](math.inf)
        self._conversation: Conversation | None = None
        self._life = trio.CancelScope()
        self._life_over = trio.Event()
        self._life_over.set()
        self._patience = 0.0  # with the kernel process that is to be ended
        self._starters: list[Reply[Done | Refused]] = []
        self._reports = Reports(handle, self._wake_at)
        self._comms = KernelComms(handle)
        self._takers = Takers(self._comms, values)
        self._alarm: float | None = None

    @property
    def _fold(self) -> OutputFold | None:
        return self._reports.fold

    async def run(self, mailbox: Mailbox[KernelMessage]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._take_steps)
                if self._handle.connection is not None:
                    self._serve(self._handle.connection)
                async for message in mailbox:
                    await self._hear(message)
                    if not isinstance(message, _ASIDE):
                        self._changed()
                nursery.cancel_scope.cancel()
        finally:
            self._comms.close()
            self._steps.close()
            self._next_steps.close()

    async def _hear(self, message: KernelMessage) -> None:
        match message:
            case Pull():
                self._reports.pull(message, self._status)
            case Execute(reply):
                reply(await self._execute(message))
            case StartKernel(reply, kernel):
                await self._ask_for_start(reply, kernel)
            case RestartKernel(reply, kernel):
                await self._ask_for_restart(reply, kernel)
            case ShutDownKernel(reply):
                self._ask_for_end(reply)
            case InterruptKernel(reply):
                self._interrupt()
                reply(Done())
            case AnswerInput(reply, id_, value):
                reply(self._answer_input(id_, value))
            case AskKernel(reply, question):
                self._ask(reply, question)
            case DescribeKernel(reply):
                conversation = self._ready_conversation()
                reply(conversation if isinstance(conversation, Refused) else conversation.about)
            case WatchComms(reply, outlet):
                self._comms.watch(outlet)
                reply(Done())
            case TellComm(reply, request):
                reply(self._tell_comm(request))
            case _:
                assert_never(message)

    # ------------------------------------------------------------------------------------------------ questions

    def _ask(self, reply: Reply[Answer | Refused], question: Question) -> None:
        conversation = self._ready_conversation()
        if isinstance(conversation, Refused):
            reply(conversation)
        else:
            conversation.questions.ask(question, reply)

    def _tell_comm(self, request: CommRequest) -> Done | Refused:
        conversation, connection = self._ready_conversation(), self._handle.connection
        if isinstance(conversation, Refused) or connection is None:
            return conversation if isinstance(conversation, Refused) else Refused("no_kernel", "No kernel runs.")
        self._comms.send(connection, request)
        return Done()

    def _ready_conversation(self) -> Conversation | Refused:
        """Asking starts no kernel: opening a notebook and typing in it must not run anything."""
        if self._conversation is None:
            return Refused("no_kernel", "No kernel runs.")
        if not self._conversation.ready.is_set():
            return Refused("starting", "The kernel is starting.")
        return self._conversation

    # ----------------------------------------------------------------------------------------------------- runs

    async def _execute(self, message: Execute) -> Done | Refused:
        handle, run = self._handle, self._handle.run
        if run is not None and run.run != message.run and not run.ended:
            return Refused("busy", "The kernel runs another cell.")
        spec: KernelSpec | Refused | None = None
        over = run is not None and run.run == message.run and run.ended
        if self._conversation is None and not over:
            spec = await self._find(message.kernel)
            if not isinstance(spec, KernelSpec):
                return spec
        if run is None or run.run != message.run:
            handle.begin(RunInHand(message.run, message.cell_id, message.source))
            fold = OutputFold(handle.settings.limits, message.written)
        elif self._fold is None:
            fold = self._adopt(run, message)
        elif run.msg_id or run.ended:
            return Done()  # this incarnation has it in hand already
        else:
            fold = self._fold
        self._reports.fold = fold
        if self._conversation is not None:
            self._conversation.begin(fold)
        elif isinstance(spec, KernelSpec):
            self._start_soon(spec)
        return Done()

    def _adopt(self, run: RunInHand, message: Execute) -> OutputFold:
        """Go on with a run that an earlier incarnation had in hand."""
        fold = OutputFold(self._handle.settings.limits, message.written, run.displays)
        if run.unreported or shape(message.written) != run.told:
            fold.add_remark(_LOST)
            run.unreported = False
        if run.ended:
            fold.finish()
        return fold

    def _interrupt(self) -> None:
        if self._conversation is not None:
            self._conversation.interrupt()
        else:
            end_run(self._handle, self._fold, RunEnded("interrupted", "Interrupted before it began."))

    def _answer_input(self, id_: str, value: str) -> Done | Refused:
        run = self._handle.run
        if self._conversation is None or run is None or run.input is None or id_ not in ("", run.input.id):
            return Refused("no_input", "Nothing waits for this input any more.")
        self._conversation.answer_input(value)
        return Done()

    # ------------------------------------------------------------------------------------- a kernel comes and goes

    async def _take_steps(self) -> None:
        """One after the other as they were asked for: tasks of a nursery would begin in any order."""
        async for step in self._next_steps:
            await step()

    async def _find(self, name: str) -> KernelSpec | Refused:
        spec = await trio.to_thread.run_sync(self._handle.find, name or "python3")
        if isinstance(spec, KernelSpec):
            return spec
        if isinstance(spec, StartFailed):
            return Refused("start_failed", spec.reason)
        return Refused("unknown_kernel", str(spec))

    async def _ask_for_start(self, reply: Reply[Done | Refused], kernel: str) -> None:
        if self._conversation is not None:
            if self._conversation.ready.is_set():
                reply(Done())
            else:
                self._starters.append(reply)
            return
        spec = await self._find(kernel)
        if not isinstance(spec, KernelSpec):
            reply(spec)
            return
        self._starters.append(reply)
        self._start_soon(spec)

    def _start_soon(self, spec: KernelSpec) -> None:
        self._phase = self._phase or KernelStatus.STARTING
        self._steps.send_nowait(partial(self._start, spec))

    async def _start(self, spec: KernelSpec) -> None:
        if self._conversation is None:
            await self._launch(spec)

    async def _ask_for_restart(self, reply: Reply[Done | Refused], kernel: str) -> None:
        spec = await self._find(kernel)
        if not isinstance(spec, KernelSpec):
            reply(spec)
            return
        self._starters.append(reply)
        if self._phase is not KernelStatus.RESTARTING:  # else that one serves this asker too
            self._phase = KernelStatus.RESTARTING
            self._leave("The kernel was restarted.")
            self._steps.send_nowait(partial(self._restart, spec))

    async def _restart(self, spec: KernelSpec) -> None:
        # A run that came since the restart was asked for was not sent yet: it waits for the new kernel.
        self._leave("The kernel was restarted.", unsent=False)
        await self._end_process()
        await self._launch(spec)

    def _ask_for_end(self, reply: Reply[Done]) -> None:
        self._phase = None
        self._leave("The kernel was shut down.")
        self._refuse_starters("The kernel was shut down.")  # and not who asks for a new one after this
        self._steps.send_nowait(partial(self._shut_down, reply))

    async def _shut_down(self, reply: Reply[Done]) -> None:
        self._leave(
            "The kernel was shut down.", unsent=False
        )  # one that was being launched when this was asked for
        await self._end_process()
        self._handle.death = ""
        if not self._starters and not self._waits():
            self._phase = None
        reply(Done())
        self._changed()

    def _waits(self) -> bool:
        run = self._handle.run
        return run is not None and not run.ended and not run.msg_id

    def _leave(self, reason: str, *, unsent: bool = True) -> None:
        """Stop talking with the kernel; its process is still to be ended. ``unsent``: end a waiting run too."""
        conversation, run = self._conversation, self._handle.run
        if conversation is not None:
            self._conversation = None
            self._patience = self._handle.patience() if not conversation.stuck else 0.0
            self._life.cancel()
        if run is not None and (unsent or run.msg_id):
            end_run(self._handle, self._fold, RunEnded("died", reason))
        self._changed()

    async def _end_process(self) -> None:
        await self._life_over.wait()
        connection = self._handle.connection
        if connection is not None:
            await connection.end(self._handle.settings, self._patience)
            self._release()

    def _release(self) -> None:
        self._handle.disconnect()
        self._comms.clear()

    async def _launch(self, spec: KernelSpec) -> None:
        self._phase = KernelStatus.STARTING
        self._changed()
        process = await trio.to_thread.run_sync(self._handle.launch, spec, self._handle.cwd)
        if isinstance(process, StartFailed):
            self._gone(process.reason)
        else:
            self._serve(self._handle.connect(process))

    def _serve(self, connection: Connection) -> None:
        if not connection.ready:
            self._phase = self._phase or KernelStatus.STARTING
        self._life, self._life_over = trio.CancelScope(), trio.Event()
        self._conversation = Conversation(self._handle, connection, self._changed, self._takers)
        if self._fold is not None:
            self._conversation.begin(self._fold)
        self._nursery.start_soon(self._live, connection, self._conversation, self._life, self._life_over)

    async def _live(
        self, connection: Connection, conversation: Conversation, life: trio.CancelScope, over: trio.Event
    ) -> None:
        """As long as this process lives, or until :meth:`_leave`."""
        with life:
            await conversation.run()
            self._conversation = None
            reason = _why_it_ended(connection, conversation)
            self._release()
            self._gone(reason)
        conversation.questions.end()  # also what came since the process ended
        over.set()

    def _gone(self, reason: str) -> None:
        self._phase = None
        self._handle.death = reason
        end_run(self._handle, self._fold, RunEnded("died", reason))
        self._refuse_starters(reason)
        self._changed()

    def _refuse_starters(self, reason: str) -> None:
        for reply in self._starters:
            reply(Refused("kernel_died", reason))
        self._starters.clear()

    # ----------------------------------------------------------------------------------------------------- news

    def _changed(self) -> None:
        """Something may be new: whoever waits for it gets it now."""
        conversation = self._conversation
        if conversation is not None and conversation.ready.is_set():
            self._phase = None
            for started in self._starters:
                started(Done())
            self._starters.clear()
        now = trio.current_time()
        if self._fold is not None and (due := self._fold.refresh(now)) is not None:
            self._wake_at(due)
        if (due := self._comms.flush(now)) is not None:
            self._wake_at(due)
        self._reports.changed(self._status)

    def _wake_at(self, due: float) -> None:
        if self._alarm is None or due < self._alarm:
            self._alarm = due
            self._nursery.start_soon(self._wake, due)

    async def _wake(self, due: float) -> None:
        await trio.sleep_until(due)
        if self._alarm == due:  # else an earlier alarm took its place
            self._alarm = None
            self._changed()

    @property
    def _status(self) -> KernelStatus:
        conversation, run = self._conversation, self._handle.run
        if self._phase is not None:
            return self._phase
        if conversation is None:
            return KernelStatus.DEAD if self._handle.death else KernelStatus.NONE
        if run is None or run.ended:
            return KernelStatus.IDLE
        if conversation.stuck:
            return KernelStatus.NOT_RESPONDING
        return KernelStatus.INTERRUPTING if conversation.interrupting else KernelStatus.BUSY


def _why_it_ended(connection: Connection, conversation: Conversation) -> str:
    words = conversation.failure or connection.process.exit_reason()
    if conversation.ready.is_set():
        return f"The kernel died: {words}."
    last = connection.process.last_words()
    return f"The kernel did not start: {words}." + (f" Its last words: {last}" if last else "")
