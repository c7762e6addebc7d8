"""A SyncHub under a mock clock, with a Checkpointer in memory that blocks, fails and dies on demand."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from actors.mailbox import Address, again
from actors.supervisor import Child
from actors.sync_hub import HubSettings, sync_hub
from protocol import sync
from protocol.guard import Limits
from protocol.lib0 import Reader
from protocol.messages.changes import Change
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.hub import (
    Announced,
    ClientUpdate,
    DescribeDocument,
    DocumentSummary,
    DraftEntry,
    Edit,
    Enqueue,
    Frame,
    HubMessage,
    ReadNotebook,
    ReadQueue,
    RecordedQueue,
    Subscribe,
    ToClient,
)
from protocol.messages.shared import Entry, Outlet, Refused, Saving
from protocol.seed import seed
from protocol.sync import Step1, Update, decode
from protocol.values import CellValue, NotebookValue
from tests.actors.fakes import Inbox, MemoryDisk, memory_checkpointer
from tests.actors.stage import Stage, stage
from tests.protocol.clients import Browser

NOTEBOOK = NotebookValue(
    cells=(
        CellValue(id="a", type="code", source="1", top=0, left=0),
        CellValue(id="b", type="code", top=200, left=0),
    )
)
SEED = seed(NOTEBOOK, bytes(32))
STREAM: dict[str, Any] = {"output_type": "stream", "name": "stdout", "text": "hi"}


class Hub:
    """A hub that runs over a disk in memory, and what tests ask of it."""

    def __init__(self, disk: MemoryDisk, address: Address[HubMessage], made: Stage) -> None:
        self.disk = disk
        self.address = address
        self.stage = made

    async def subscribe(
        self, session: str, state: bytes | None = None, *, merged: bool = False, capacity: int = 10**6
    ) -> Inbox:
        inbox = Inbox(capacity)
        await self.join(session, inbox, state, merged)
        return inbox

    async def join(
        self,
        session: str,
        outlet: Outlet[ToClient],
        state: bytes | None,
        merged: bool = False,
        announced: bool = False,
    ) -> None:
        await again(lambda: self.address.ask(Subscribe, session, outlet, state, merged, announced))

    async def connect(self, session: str, client_id: int) -> Client:
        """A browser that has the whole document."""
        client = Client(self, session, client_id)
        await client.connect()
        return client

    async def edit(self, *changes: Change, queue: tuple[Entry, ...] | None = None) -> None:
        await again(lambda: self.address.ask(Edit, changes, queue))

    async def draft(self, entry_id: str, cell_id: str) -> Entry | Refused:
        return await again(lambda: self.address.ask(DraftEntry, entry_id, cell_id, "me"))

    async def enqueue(self, entry_id: str, cell_id: str) -> Entry:
        draft = await self.draft(entry_id, cell_id)
        assert isinstance(draft, Entry)
        return await again(lambda: self.address.ask(Enqueue, draft))

    async def notebook(self) -> NotebookValue:
        return await again(lambda: self.address.ask(ReadNotebook))

    async def queue(self) -> RecordedQueue:
        return await again(lambda: self.address.ask(ReadQueue))

    async def summary(self) -> DocumentSummary:
        return await again(lambda: self.address.ask(DescribeDocument))

    async def saving(self) -> Saving:
        return (await self.summary()).saving

    async def settle(self) -> None:
        """Everything that was told has been handled."""
        await self.summary()


class Client:
    """A y-websocket client: hears frames, answers step 1, resyncs when its subscription ends."""

    def __init__(self, hub: Hub, session: str, client_id: int) -> None:
        self.hub = hub
        self.session = session
        self.browser = Browser(client_id)
        self.inbox = Inbox()
        self._read = 0
        self.announced = False
        self.sent = 0  # sync updates, as the client of an announced connection counts them
        self.durable = self.filed = 0
        self.epoch = ""

    async def connect(self) -> None:
        self.inbox, self._read = Inbox(), 0
        await self.hub.join(self.session, self.inbox, self.browser.doc.get_state(), announced=self.announced)
        await self.hear()

    async def announce(self) -> None:
        self.announced = True
        await self.hub.address.tell(Announced(self.session))
        await self.hub.settle()
        await self.hear()

    async def send(self, update: bytes, answer: bool = False) -> None:
        self.sent += self.announced
        await self.hub.address.tell(ClientUpdate(self.session, update, self.sent, answer))

    async def receipts(self) -> tuple[int, int]:
        """(durable, filed) as this client was told."""
        await self.hub.settle()
        await self.hear()
        return self.durable, self.filed

    async def answer(self, update: bytes) -> None:
        await self.send(update, answer=True)

    async def hear(self) -> None:
        """Take what is there, and answer as y-protocols does."""
        while self._read < len(self.inbox.items):
            item = self.inbox.items[self._read]
            self._read += 1
            if isinstance(item, Frame):
                self._take_own_type(item.payload)
                match decode(item.payload):
                    case Step1(state):
                        await self.answer(self.browser.doc.get_update(state))
                    case Update(update):
                        self.browser.hear(update)

    def _take_own_type(self, payload: bytes) -> None:
        reader = Reader(payload)
        match reader.uint():
            case sync.LINEAGE:
                self.epoch = reader.blob().decode()
            case sync.DURABLE:
                self.durable = reader.uint()
            case sync.FILED:
                self.filed = reader.uint()

    async def keep(self) -> None:
        """One round: resubscribe if the hub forgot us, and hear."""
        if self.inbox.closed:
            await self.connect()
        await self.hear()


@asynccontextmanager
async def hub_over(
    disk: MemoryDisk, *, limits: Limits | None = None, autosave: tuple[float, float] = (2.0, 10.0)
) -> AsyncIterator[Hub]:
    ids = itertools.count(1000)
    checkpointer: Child[CheckpointerMessage] = Child("disk", memory_checkpointer(disk), capacity=16)
    settings = HubSettings("/n/x.ipynb", limits or Limits(), autosave)
    hub: Child[HubMessage] = Child(
        "hub", sync_hub(checkpointer.address, settings, lambda: next(ids)), capacity=256, grace=2.0
    )
    async with stage(checkpointer, hub) as made:
        yield Hub(disk, hub.address, made)


def on_disk(disk: MemoryDisk) -> dict[str, Any]:
    """The journal's content as a browser would read it."""
    browser = Browser(99)
    for update in disk.updates:
        browser.hear(update)
    return browser.content()


async def settled() -> None:
    await trio.testing.wait_all_tasks_blocked()
