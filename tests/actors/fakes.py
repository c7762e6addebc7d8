"""Fakes that are actors: they speak the same messages as the real ones, in memory, and do as they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import msgspec
import trio

from actors.mailbox import Actor, Mailbox
from protocol.blobs import Blob
from protocol.messages.checkpointer import (
    Append,
    Appended,
    AppendFailed,
    CheckpointerMessage,
    FoundChange,
    KeepBlobs,
    KeepVersion,
    Load,
    Look,
    LookAtFile,
    Quarantine,
    ReadVersion,
    Recovered,
    Save,
    ShowVersions,
    StoreSnapshot,
    TidyBlobs,
)
from protocol.messages.hub import Frame, HangUp, ToClient
from protocol.messages.kernel import (
    AnswerInput,
    Execute,
    InputRequest,
    InterruptKernel,
    KernelMessage,
    KernelReport,
    KernelStatus,
    Pull,
    RestartKernel,
    RunEnded,
    RunReport,
    ShutDownKernel,
    StartKernel,
)
from protocol.messages.shared import Done, Entry, Notice, Refused, Saving
from protocol.values import JsonObject, NotebookValue, Version


class MemoryDisk:
    """What a Checkpointer owns, in memory; it outlives the incarnations of :func:`memory_checkpointer`.

    ``gate``: nothing is answered while it is unset. ``failing``: the reason why nothing can be appended. ``saving``:
    the answer to a save other than "saved". ``look``: what a look at the file says until it is saved; ``changes``:
    answers of the next saves to what was to be saved. ``refused``: the answer to values that are to be kept;
    ``named``: those that the document refers to, as it was told last. ``log``: what was asked, in order, but for
    looks and tidying.
    """

    def __init__(self, *updates: bytes, queue: tuple[Entry, ...] = (), old_queue: bool = False) -> None:
        self.updates = list(updates)
        self.queue = queue
        self.old_queue = queue if old_queue else ()
        self.content = self.saved_content = 0
        self.file: NotebookValue | None = None
        self.loads = 0
        self.notices: tuple[Notice, ...] = ()
        self.log: list[str] = []
        self.gate = trio.Event()
        self.gate.set()
        self.failing = ""
        self.saving = ""
        self.save_takes = 0.0
        self.saves: list[tuple[float, Save]] = []
        self.wants_snapshot = False
        self.seed = 0
        self.quarantined: list[tuple[bytes, str]] = []
        self.on_append: Callable[[], None] = lambda: None
        self.look: Look = "same"
        self.looks = 0
        self.look_hangs = False
        self.changes: list[Callable[[NotebookValue], FoundChange]] = []
        self.versions: list[NotebookValue] = []
        self.on_keep: Callable[[], None] = lambda: None
        self.blobs: dict[str, Blob] = {}
        self.refused: Refused | None = None
        self.named: frozenset[str] | None = None

    def hold(self) -> None:
        """Take questions and answer none."""
        self.gate = trio.Event()


def memory_checkpointer(disk: MemoryDisk) -> Actor[CheckpointerMessage]:
    async def run(mailbox: Mailbox[CheckpointerMessage]) -> None:
        async with trio.open_nursery() as nursery:
            async for message in mailbox:
                if isinstance(message, LookAtFile):
                    disk.looks += 1
                    if not disk.look_hangs:
                        message.reply(disk.look)
                    continue
                if isinstance(message, TidyBlobs):
                    disk.named = message.named
                    message.reply(Done())
                    continue
                disk.log.append(type(message).__name__)
                if isinstance(message, Quarantine):
                    disk.quarantined.append((message.update, message.reason))
                    continue
                if isinstance(message, Save):
                    nursery.start_soon(save, message)
                    continue
                await disk.gate.wait()
                await trio.lowlevel.checkpoint()
                match message:
                    case Load(reply):
                        reply(load())
                    case Append(reply, updates, queue, content):
                        reply(record(disk.updates + list(updates), queue, content))
                    case StoreSnapshot(reply, state, queue, content):
                        reply(record([state], queue, content))
                    case ShowVersions(reply):
                        reply(
                            tuple(Version(n, 0.0, "save", len(v.cells), 0) for n, v in enumerate(disk.versions, 1))
                        )
                    case ReadVersion(reply, id_):
                        known = 0 < id_ <= len(disk.versions)
                        reply(disk.versions[id_ - 1] if known else Refused("no_such_version", "No such version."))
                    case KeepVersion(reply, notebook, _):
                        disk.versions.append(notebook)
                        disk.on_keep()
                        reply(Done())
                    case KeepBlobs(reply, blobs):
                        reply(keep_blobs(blobs))
                    case _:
                        assert_never(message)

    def keep_blobs(blobs: tuple[Blob, ...]) -> Done | Refused:
        if disk.refused is not None:
            return disk.refused
        disk.blobs |= {blob.name: blob for blob in blobs}
        return Done()

    def load() -> Recovered:
        disk.loads += 1
        return Recovered(
            tuple(disk.updates),
            disk.queue,
            "epoch",
            saved=disk.content == disk.saved_content,
            content=disk.content,
            first=disk.loads == 1,
            old_queue=bool(disk.queue) and disk.queue == disk.old_queue,
            notices=disk.notices if disk.loads == 1 else (),
            seed=disk.seed,
        )

    def record(updates: list[bytes], queue: tuple[Entry, ...] | None, content: bool) -> Appended | AppendFailed:
        if disk.failing:
            return AppendFailed(disk.failing)
        disk.updates = updates
        disk.queue = disk.queue if queue is None else queue
        disk.content += content
        disk.on_append()
        return Appended(disk.wants_snapshot, disk.content)

    async def save(message: Save) -> None:
        await trio.sleep(disk.save_takes)
        disk.saves.append((trio.current_time(), message))
        if disk.changes:
            message.reply(disk.changes.pop(0)(message.notebook))
            return
        if disk.saving:
            message.reply(Saving("not saved", disk.saving))
            return
        disk.look = "same"
        disk.file, disk.saved_content = message.notebook, message.content
        message.reply(Saving("saved"))

    return run


class Inbox:
    """A connection's outlet: keeps what the hub offers, and may be told to be full."""

    def __init__(self, capacity: int = 10**6) -> None:
        self.items: list[ToClient] = []
        self.capacity = capacity
        self.closed = False

    def offer(self, item: ToClient, /) -> bool:
        if self.closed or len(self.items) >= self.capacity:
            return False
        self.items.append(item)
        return True

    def close(self) -> None:
        self.closed = True

    @property
    def frames(self) -> list[bytes]:
        return [item.payload for item in self.items if isinstance(item, Frame)]

    @property
    def hung_up(self) -> list[HangUp]:
        return [item for item in self.items if isinstance(item, HangUp)]


class RunInKernel(msgspec.Struct):
    """A run as the fake kernel holds it."""

    entry: Execute
    outputs: list[JsonObject] = msgspec.field(default_factory=list)
    count: int | None = None
    input: InputRequest | None = None
    ended: RunEnded | None = None


class FakeKernel:
    """A kernel process with its conversation; it outlives the incarnations of :func:`fake_kernel_actor`.

    Runs end when a test says so. ``executed``: every run that was begun, once each. ``obeys``: an interrupt ends the
    run. ``refuse``: the answer to the next Execute.
    """

    def __init__(self) -> None:
        self.status = KernelStatus.NONE
        self.reason = ""
        self.name = ""
        self.incarnation = 0
        self.number = 0
        self.actors = 0
        self.run: RunInKernel | None = None
        self.held = False  # the present incarnation of the actor holds the run
        self.executed: list[str] = []
        self.written: list[tuple[JsonObject, ...]] = []
        self.interrupts = 0
        self.obeys = True
        self.refuse: Refused | None = None
        self.puller: Pull | None = None
        self.language_info: JsonObject = {}
        self.restart_takes = 0.0
        self.told: dict[int, tuple[str, int]] = {}  # report number → run, outputs that it told of

    # ------------------------------------------------------------------------------------ what a test makes happen

    def print(self, text: str) -> None:
        assert self.run is not None
        self.run.outputs.append({"output_type": "stream", "name": "stdout", "text": text})
        self.changed()

    def asks(self, prompt: str) -> None:
        assert self.run is not None
        self.run.input = InputRequest(f"q-{prompt}", prompt, False)
        self.changed()

    def end(self, status: str = "ok", reason: str = "") -> None:
        assert self.run is not None
        self.run.ended = RunEnded(status, reason)  # type: ignore[arg-type]
        self.run.input = None
        self.status = KernelStatus.IDLE
        self.changed()

    def die(self, reason: str = "killed (SIGKILL)") -> None:
        if self.run is not None and self.run.ended is None:
            self.run.ended = RunEnded("died", reason)
        self.status, self.reason = KernelStatus.DEAD, reason
        self.changed()

    def changed(self) -> None:
        self.number += 1
        self.answer()

    @property
    def busy(self) -> bool:
        return self.run is not None and self.run.ended is None

    # --------------------------------------------------------------------------------------- what the actor makes of it

    def answer(self) -> None:
        pull, self.puller = self.puller, None
        if pull is not None:
            pull.reply(self.report(pull.seen))

    def report(self, seen: int) -> KernelReport:
        run = self.run
        told = None
        if run is not None and self.held:
            name, start = self.told.get(seen, ("", 0))
            start = start if name == run.entry.run else 0
            self.told[self.number] = (run.entry.run, len(run.outputs))
            news = tuple(run.outputs[start:])
            told = RunReport(run.entry.run, run.entry.cell_id, start, news, run.count, True, run.input, run.ended)
        return KernelReport(
            f"actor{self.actors}", self.number, self.status, self.reason, self.name, self.incarnation,
            self.language_info, told,
        )  # fmt: skip

    def start(self, kernel: str) -> None:
        self.status, self.reason, self.name = KernelStatus.IDLE, "", kernel
        self.incarnation += 1

    def execute(self, message: Execute) -> Done | Refused:
        refused, self.refuse = self.refuse, None
        if refused is not None:
            return refused
        if self.run is not None and self.run.entry.run == message.run:
            self.held = True
            return Done()
        if self.busy:
            return Refused("busy", "The kernel runs another cell.")
        if self.status in (KernelStatus.NONE, KernelStatus.DEAD):
            self.start(message.kernel)
        assert message.run not in self.executed, "run twice"
        self.executed.append(message.run)
        self.written.append(message.written)
        self.run = RunInKernel(message, list(message.written), len(self.executed))
        self.held = True
        self.status = KernelStatus.BUSY
        return Done()

    def interrupt(self) -> None:
        self.interrupts += 1
        if self.busy and self.obeys:
            self.end("interrupted")


def fake_kernel_actor(kernel: FakeKernel) -> Actor[KernelMessage]:
    async def run(mailbox: Mailbox[KernelMessage]) -> None:
        kernel.actors += 1
        kernel.number += 1
        kernel.held = False
        kernel.puller = None
        kernel.told.clear()
        async with trio.open_nursery() as nursery:
            async for message in mailbox:
                await trio.lowlevel.checkpoint()
                match message:
                    case Pull(reply, seen):
                        kernel.puller = message
                        if seen != kernel.number:
                            kernel.answer()
                    case Execute(reply):
                        reply(kernel.execute(message))
                        kernel.changed()
                    case StartKernel(reply, name):
                        if kernel.status in (KernelStatus.NONE, KernelStatus.DEAD):
                            kernel.start(name)
                        reply(Done())
                        kernel.changed()
                    case RestartKernel():
                        nursery.start_soon(restart, message)
                    case InterruptKernel(reply):
                        kernel.interrupt()
                        reply(Done())
                    case AnswerInput(reply, id_, value):
                        reply(answer_input(id_, value))
                    case ShutDownKernel(reply):
                        kernel.die("")
                        reply(Done())
                    case _:
                        assert_never(message)
            nursery.cancel_scope.cancel()

    async def restart(message: RestartKernel) -> None:
        kernel.die("The kernel was restarted.")
        await trio.sleep(kernel.restart_takes)
        kernel.start(message.kernel)
        message.reply(Done())
        kernel.changed()

    def answer_input(id_: str, value: str) -> Done | Refused:
        if kernel.run is None or kernel.run.input is None or id_ not in ("", kernel.run.input.id):
            return Refused("no_input", "Nothing waits for this input any more.")
        kernel.run.input = None
        kernel.print(value)
        return Done()

    return run
