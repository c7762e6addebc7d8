"""A kernel without a process or sockets: it speaks decoded kernel events over wires to the real KernelActor.

A cell's source begins with its id, and each line that it prints says which process and which execution printed it
for which cell, so that an output in a wrong place is seen.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import trio

from actors.kernel_connection import Channel, Connection, KernelHandle, KernelSettings
from actors.kernel_process import ConnectionInfo, KernelSpec
from protocol.blobs import LIMIT
from protocol.kernel_events import (
    DisplayData,
    ErrorRaised,
    ExecuteInput,
    ExecuteReply,
    InputRequested,
    KernelEvent,
    KernelInfoReply,
    StatusChanged,
    Stream,
    Welcome,
)
from protocol.kernel_requests import AboutKernel
from tests.simulation.ledger import PromiseBroken
from tests.simulation.transport import Wire

SPEC = KernelSpec("simulated", (), {}, "", "signal")


class Interrupted(Exception):
    pass


class Process:
    """A kernel process. ``printed``: lines per execution count, once it ended by itself."""

    def __init__(self, number: int, rng: random.Random, handle: Handle) -> None:
        self.spec = SPEC
        self.info = ConnectionInfo("/simulated/k", b"")
        self.number = number
        self.printed: dict[int, int] = {}
        self._rng = rng
        self._handle = handle
        self._requests: deque[tuple[str, str, Any]] = deque()
        self._news = trio.Event()
        self._dead = trio.Event()
        self._interrupts = 0
        self._answers: list[str] = []
        self._count = 0
        self.wires: dict[str, Wire[KernelEvent]] = {
            channel: Wire(lambda: rng.uniform(0, 0.002)) for channel in ("shell", "control", "stdin", "iopub")
        }

    # What the KernelActor sees of it.

    async def wait(self) -> None:
        await self._dead.wait()

    async def read_log(self) -> None:
        await trio.sleep_forever()

    def signal(self, number: int) -> None:
        if number == 2:
            self._interrupts += 1
            self._news.set()
        else:
            self.die()

    def exit_reason(self) -> str:
        return "killed (SIGKILL)"

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        pass

    def die(self) -> None:
        self._dead.set()

    # What it does.

    def hear(self, channel: Channel, type_: str, id_: str, content: Any) -> None:
        if type_ == "shutdown_request":
            self.die()
        elif type_ == "input_reply":
            self._answers.append(content["value"])
        elif type_ == "kernel_info_request" and channel == "control":
            self._inform(channel, id_)
        else:
            self._requests.append((type_, id_, content))
        self._news.set()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            await self._dead.wait()
            nursery.cancel_scope.cancel()

    async def _serve(self) -> None:
        await trio.sleep(self._rng.uniform(0.05, 0.5))
        self.wires["iopub"].put(Welcome(f"topic-{self.number}"))
        while True:
            while not self._requests:
                self._news = trio.Event()
                await self._news.wait()
            type_, id_, content = self._requests.popleft()
            if type_ == "execute_request":
                await self._execute(id_, content["code"])
            else:
                self._inform("shell", id_)

    def _inform(self, channel: str, id_: str) -> None:
        self.wires["iopub"].put(StatusChanged(id_, "busy"))
        self.wires[channel].put(KernelInfoReply(id_, AboutKernel(language_info={"name": "simulated"})))
        self.wires["iopub"].put(StatusChanged(id_, "idle"))

    async def _execute(self, id_: str, code: str) -> None:
        self._note_run()
        self._count += 1
        count, say = self._count, self.wires["iopub"].put
        self._interrupts = 0
        say(StatusChanged(id_, "busy"))
        say(ExecuteInput(id_, count))
        status = "ok"
        try:
            lines = await self._work(id_, count, code.split("\n")[0].removeprefix("#"))
            self.printed[count] = lines
            if self._rng.random() < 0.15:
                status = "error"
                say(ErrorRaised(id_, "ValueError", "no", ("ValueError: no",)))
        except Interrupted:
            status = "error"
            say(ErrorRaised(id_, "KeyboardInterrupt", "", ("KeyboardInterrupt",)))
        self.wires["shell"].put(ExecuteReply(id_, status, count, ""))
        say(StatusChanged(id_, "idle"))

    def _note_run(self) -> None:
        run = self._handle.run
        assert run is not None
        if run.run in self._handle.executed:
            raise PromiseBroken("I2", f"run {run.run} of {run.cell_id} was executed twice")
        self._handle.executed.add(run.run)

    async def _work(self, id_: str, count: int, cell: str) -> int:
        lines = self._rng.choice((0, 1, 3, 8))
        asks = self._rng.random() < 0.15
        for line in range(lines):
            text = f"{self.number}.{count} {cell} {line}\n"
            self.wires["iopub"].put(Stream(id_, msgspec.json.encode({"name": "stdout", "text": text})))
            if line == 1:
                self._show(id_, f"<p>{self.number}.{count} {cell}</p>\n" * 8000)
            await self._pause(self._rng.choice((0.0, 0.01, 0.1, 0.4)))
        if asks:
            self.wires["stdin"].put(InputRequested(id_, f"q-{id_}", b"{}", "?", False))
            self._answers.clear()
            await self._until(lambda: bool(self._answers))
        if self._rng.random() < 0.05:
            self.die()
            await trio.sleep_forever()
        return lines

    def _show(self, id_: str, html: str) -> None:
        """Something so large that it is kept beside the document."""
        assert len(html) > LIMIT
        self.wires["iopub"].put(DisplayData(id_, {"text/html": html}, {}, "", len(html)))

    async def _pause(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._until(lambda: False)

    async def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            if self._interrupts:
                raise Interrupted
            self._news = trio.Event()
            await self._news.wait()


class Socket:
    """The client's end of one channel."""

    def __init__(self, wire: Wire[KernelEvent]) -> None:
        self._wire = wire

    async def receive(self) -> list[KernelEvent]:
        return [await self._wire.get()]


class AsItIs:
    """Events travel decoded."""

    def decode(self, event: KernelEvent) -> KernelEvent:
        return event


class SimulatedConnection(Connection):
    """The same conversation, without ZMQ; like the real one it outlives the actor's incarnations."""

    def __init__(self, process: Process) -> None:
        self.process = self._kernel = process
        self.ready = False
        self.about = AboutKernel()
        self.subshell = ""
        self.topic = f"topic-{process.number}"
        self.decoder = AsItIs()  # type: ignore[assignment]
        self.shell, self.control, self.stdin, self.iopub = (  # type: ignore[assignment]
            Socket(process.wires[channel]) for channel in ("shell", "control", "stdin", "iopub")
        )
        self._sent = 0

    def send(self, channel: Channel, type_: str, content: Any, *, subshell: str = "", **more: Any) -> str:
        self._sent += 1
        id_ = f"{self._kernel.number}-{self._sent}"
        self._kernel.hear(channel, type_, id_, content)
        return id_

    def close(self) -> None:
        pass


class Handle(KernelHandle):
    """Kernels of this simulation; ``nursery`` is the server's: they end with it."""

    def __init__(self, nursery: trio.Nursery, rng: random.Random, processes: list[Process]) -> None:
        super().__init__(Path("/simulated"), KernelSettings(), find=lambda _: SPEC, launch=self._launch)
        self._context.term()  # no ZMQ here
        self.executed: set[str] = set()
        self._nursery = nursery
        self._rng = rng
        self._processes = processes

    def _launch(self, spec: KernelSpec, cwd: Path) -> Process:
        process = Process(len(self._processes) + 1, self._rng, self)
        self._processes.append(process)
        self._nursery.start_soon(process.run)
        return process

    def connect(self, process: Any) -> Connection:
        self.connection = SimulatedConnection(process)
        self.name = SPEC.name
        self.incarnation += 1
        self.death = ""
        self.displays.clear()
        return self.connection
