"""The NotebookActor on a stage, under a mock clock: a real hub over a disk in memory, a kernel that does as it is
told."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from actors.mailbox import Address, again
from actors.notebook import notebook_actor
from actors.runs import RunSettings
from actors.supervisor import Child
from actors.sync_hub import HubSettings, sync_hub
from protocol.guard import Limits
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.hub import HubMessage
from protocol.messages.kernel import KernelMessage
from protocol.messages.notebook import DescribeRuns, NotebookMessage, QueueCell, RunsSummary
from protocol.messages.shared import Done, Refused
from protocol.seed import seed
from protocol.values import CellValue, NotebookValue
from tests.actors.fakes import FakeKernel, MemoryDisk, fake_kernel_actor, memory_checkpointer
from tests.actors.stage import Stage, stage
from tests.protocol.clients import Browser

CELLS = "abcdef"
BEGINNING = 1_700_000_000.0  # of the stage's time, in seconds since 1970
NOTEBOOK = NotebookValue(
    cells=(
        *(CellValue(id=name, type="code", source=f"source {name}", top=0, left=0) for name in CELLS),
        CellValue(id="m", type="markdown", top=0, left=0),
    ),
    metadata={"kernelspec": {"name": "julia"}},
)
SEED = seed(NOTEBOOK, bytes(32))


class Scene:
    def __init__(
        self,
        disk: MemoryDisk,
        kernel: FakeKernel,
        address: Address[NotebookMessage],
        hub: Address[HubMessage],
        made: Stage,
    ) -> None:
        self.disk = disk
        self.kernel = kernel
        self.address = address
        self.hub = hub
        self.stage = made

    async def queue(self, *cells: str) -> list[Done | Refused]:
        return [await self.address.ask(QueueCell, cell, "me") for cell in cells]

    async def settle(self) -> None:
        """Every actor has done what there was to do."""
        await trio.sleep(1.5)

    async def summary(self) -> RunsSummary:
        return await again(lambda: self.address.ask(DescribeRuns))

    def cell(self, cell_id: str) -> dict[str, Any]:
        """As the journal has it, which is what every browser sees."""
        return self.browser().read(cell_id)

    def browser(self) -> Browser:
        browser = Browser(99)
        for update in self.disk.updates:
            browser.hear(update)
        return browser

    def states(self) -> dict[str, str]:
        browser = self.browser()
        return {cell: state for cell in CELLS if (state := browser.read(cell)["state"]) != "idle"}

    def texts(self, cell_id: str) -> list[str]:
        return [output.get("text") or output.get("evalue") for output in self.cell(cell_id)["outputs"]]


@asynccontextmanager
async def scene(disk: MemoryDisk | None = None, kernel_name: str = "") -> AsyncIterator[Scene]:
    disk, kernel = disk or MemoryDisk(SEED), FakeKernel()
    clients, entries = itertools.count(1000), itertools.count(1)
    checkpointer: Child[CheckpointerMessage] = Child("disk", memory_checkpointer(disk), capacity=16)
    hub: Child[HubMessage] = Child(
        "hub",
        sync_hub(checkpointer.address, HubSettings("/x.ipynb", Limits()), lambda: next(clients)),
        capacity=256,
    )
    kernels: Child[KernelMessage] = Child("kernel", fake_kernel_actor(kernel), capacity=16)
    runs: Child[NotebookMessage] = Child(
        "runs",
        notebook_actor(
            hub.address,
            kernels.address,
            RunSettings(kernel_name, lambda: f"run{next(entries)}", date=lambda: BEGINNING + trio.current_time()),
        ),
    )
    async with stage(checkpointer, hub, kernels, runs) as made:
        yield Scene(disk, kernel, runs.address, hub.address, made)
