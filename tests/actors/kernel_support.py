"""A kernel actor and somebody who pulls from it, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from actors.kernel import kernel_actor
from actors.kernel_connection import KernelHandle
from actors.mailbox import Address, Channel
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.kernel import Execute, InputRequest, KernelMessage, KernelReport, Pull, RunReport


def run_trio(test: Callable[[], Awaitable[None]], *, limit: float = 60) -> None:
    """Run an async test with an absolute deadline."""

    async def main() -> None:
        with trio.fail_after(limit):
            await test()

    trio.run(main)


class Client:
    """What a NotebookActor does with a kernel, without the document: outputs are written to lists."""

    def __init__(self, address: Address[KernelMessage]) -> None:
        self.address = address
        self.seen = 0
        self.report: KernelReport | None = None
        self.outputs: dict[str, list[Any]] = {}
        self.pulled = 0
        self._runs = 0

    async def pull(self) -> KernelReport:
        report = await self.address.ask(Pull, self.seen)
        self.pulled += 1
        self.report, self.seen = report, report.number
        if report.run is not None:
            self.outputs.setdefault(report.run.cell_id, [])[report.run.start :] = report.run.outputs
        for change in report.displays:
            if change.index < len(self.outputs.get(change.cell_id, ())):
                self.outputs[change.cell_id][change.index] |= {"data": change.data, "metadata": change.metadata}
        return report

    async def until(self, done: Callable[[KernelReport], object]) -> KernelReport:
        while True:
            report = await self.pull()
            if done(report):
                return report

    async def question(self) -> InputRequest:
        """What the run in hand asks, maybe already in the last report."""
        report = self.report
        while report is None or report.run is None or report.run.input is None:
            report = await self.pull()
        return report.run.input

    async def begin(self, source: str, cell: str = "cell", run: str = "", kernel: str = "python3") -> str:
        self._runs += 1
        run = run or f"run{self._runs}-{id(self)}"
        self.outputs[cell] = []
        answer = await self.address.ask(Execute, run, cell, source, kernel)
        assert not hasattr(answer, "code"), answer
        return run

    async def end(self, run: str) -> RunReport:
        report = self.report
        while report is None or report.run is None or report.run.run != run or not report.run.ended:
            report = await self.pull()
        return report.run

    async def execute(self, source: str, cell: str = "cell") -> RunReport:
        return await self.end(await self.begin(source, cell))

    def text(self, cell: str = "cell", name: str = "stdout") -> str:
        return "".join(o["text"] for o in self.outputs[cell] if o.get("name") == name)


class Kernel:
    """A handle and its present incarnation, which :meth:`crash` replaces. ``disk``: takes large values."""

    def __init__(
        self, handle: KernelHandle, nursery: trio.Nursery, disk: Address[CheckpointerMessage] | None = None
    ) -> None:
        self.handle = handle
        self._disk = disk
        self.channel: Channel[KernelMessage] = Channel("kernel", 16)
        self.client = Client(self.channel.address)
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self._over = trio.Event()

    async def start(self) -> None:
        up = trio.Event()
        self._scope, self._over = trio.CancelScope(), trio.Event()
        self._nursery.start_soon(self._run, self.channel.open_mailbox(up.set), self._scope, self._over)
        await up.wait()

    async def _run(self, mailbox: Any, scope: trio.CancelScope, over: trio.Event) -> None:
        try:
            with scope:
                await kernel_actor(self.handle, self._disk)(mailbox)
        finally:
            mailbox.close()
            over.set()

    async def stop(self) -> None:
        self._scope.cancel()
        await self._over.wait()

    async def crash(self) -> None:
        await self.stop()
        await self.start()


@asynccontextmanager
async def open_kernel(
    shared: KernelHandle | None = None, disk: Address[CheckpointerMessage] | None = None
) -> AsyncIterator[Kernel]:
    """A kernel of its own, or the one of ``shared``, which stays open."""
    handle = shared or KernelHandle(Path.cwd())
    async with trio.open_nursery() as nursery:
        kernel = Kernel(handle, nursery, disk)
        await kernel.start()
        try:
            yield kernel
        finally:
            with trio.CancelScope(shield=True):
                await kernel.stop()
                if shared is None:
                    await handle.close()
                kernel.channel.close()
