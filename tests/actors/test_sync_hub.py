"""The SyncHub under a mock clock, with a Checkpointer in memory that blocks, fails and dies on demand."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from actors.mailbox import ActorDied, Address, again, open_subscription
from actors.supervisor import Child
from actors.sync_hub import MAX_GAPS, HubSettings, sync_hub
from protocol.document import Document
from protocol.guard import Limits
from protocol.messages import (
    AnswerSync,
    Change,
    Checkpoint,
    CheckpointerMessage,
    ClientUpdate,
    DescribeDocument,
    DocumentSummary,
    Edit,
    Enqueue,
    Entry,
    Frame,
    HubMessage,
    Notice,
    Outlet,
    ReadNotebook,
    ReadQueue,
    RecordedQueue,
    Saving,
    SetCell,
    SetKernel,
    Subscribe,
    ToClient,
    Unsubscribe,
    WatchDocument,
    WriteOutputs,
)
from protocol.seed import seed
from protocol.sync import Step1, Update, decode
from protocol.values import CellValue, NotebookValue
from tests.actors.fakes import Inbox, MemoryDisk, memory_checkpointer
from tests.actors.stage import Stage, stage
from tests.protocol.clients import Browser

pytestmark = pytest.mark.actor

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
        self, session: str, outlet: Outlet[ToClient], state: bytes | None, merged: bool = False
    ) -> None:
        await again(lambda: self.address.ask(Subscribe, session, outlet, state, merged))

    async def connect(self, session: str, client_id: int) -> Client:
        """A browser that has the whole document."""
        client = Client(self, session, client_id)
        await client.connect()
        return client

    async def edit(self, *changes: Change, queue: tuple[Entry, ...] | None = None) -> None:
        await again(lambda: self.address.ask(Edit, changes, queue))

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

    async def connect(self) -> None:
        self.inbox, self._read = Inbox(), 0
        await self.hub.join(self.session, self.inbox, self.browser.doc.get_state())
        await self.hear()

    async def send(self, update: bytes) -> None:
        await self.hub.address.tell(ClientUpdate(self.session, update))

    async def hear(self) -> None:
        """Take what is there, and answer as y-protocols does."""
        while self._read < len(self.inbox.items):
            item = self.inbox.items[self._read]
            self._read += 1
            if isinstance(item, Frame):
                match decode(item.payload):
                    case Step1(state):
                        await self.send(self.browser.doc.get_update(state))
                    case Update(update):
                        self.browser.hear(update)

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


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk(SEED)


def on_disk(disk: MemoryDisk) -> dict[str, Any]:
    """The journal's content as a browser would read it."""
    browser = Browser(99)
    for update in disk.updates:
        browser.hear(update)
    return browser.content()


async def settled() -> None:
    await trio.testing.wait_all_tasks_blocked()


# ------------------------------------------------------------------------------------------------------ batches


async def test_mail_that_waits_becomes_one_append_and_then_leaves(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        disk.log.clear()
        for letter in "xyz":
            assert hub.address.offer(ClientUpdate("s1", one.browser.type("a", letter)))
        await hub.edit(SetCell("b", {"top": 40}))
        assert disk.log == ["Append"]
        await two.hear()
        assert two.browser.content() == on_disk(disk)
        assert two.browser.read("a")["source"] == "1xyz"
        await one.hear()
        assert one.browser.content() == two.browser.content()


async def test_nothing_leaves_before_it_is_durable(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        heard = len(two.inbox.items)
        disk.hold()
        answers: list[str] = []

        async def ask(name: str, question: Callable[[], Any]) -> None:
            await question()
            answers.append(name)

        await one.send(one.browser.type("a", "2"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "edit", lambda: hub.edit(SetCell("a", {"top": 1})))
            nursery.start_soon(ask, "read", hub.notebook)
            nursery.start_soon(ask, "queue", lambda: hub.address.ask(Enqueue, "e", "a", "me"))
            nursery.start_soon(ask, "subscribe", lambda: hub.subscribe("s3", b"\x00"))
            nursery.start_soon(ask, "refused", lambda: hub.address.ask(Enqueue, "f", "nobody", "me"))
            await hub.address.tell(AnswerSync("s2", b"\x00"))
            await trio.sleep(0.9)
            assert len(two.inbox.items) == heard
            assert answers == []
            disk.gate.set()
        assert set(answers) == {"edit", "read", "queue", "subscribe", "refused"}
        await two.hear()
        assert two.browser.read("a")["source"] == "12"


async def test_the_author_does_not_hear_its_own_update(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        heard = len(one.inbox.frames), len(two.inbox.frames)
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        assert (len(one.inbox.frames), len(two.inbox.frames)) == (heard[0], heard[1] + 1)


async def test_merging_subscribers_get_fewer_frames_while_the_hub_is_busy(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        merging = await hub.subscribe("s2", b"\x00", merged=True)
        direct = await hub.subscribe("s3", b"\x00")
        await hub.settle()
        before = len(merging.frames), len(direct.frames)
        for letter in "abcdefghij":
            await one.send(one.browser.type("a", letter))
            await hub.settle()
        assert len(direct.frames) - before[1] == 10
        await trio.sleep(0.01)
        assert len(merging.frames) - before[0] == 2  # the first at once, the others together
        copy = Browser(50)
        for frame in merging.frames:
            match decode(frame):
                case Update(update):
                    copy.hear(update)
        assert copy.read("a")["source"] == "1abcdefghij"


async def test_what_waits_to_be_merged_leaves_at_a_clean_stop(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        merging = await hub.subscribe("s2", b"\x00", merged=True)
        for letter in "xy":
            await one.send(one.browser.type("a", letter))
            await hub.settle()
        before = len(merging.frames)
    assert len(merging.frames) == before + 1
    assert merging.closed


async def test_a_subscription_and_its_end_in_one_batch_leave_nobody(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        inbox = Inbox()
        disk.hold()
        await hub.address.tell(Edit(lambda _: None, (SetCell("a", {"top": 9}),)))
        await settled()
        asked = await hub.address.request(Subscribe, "s", inbox, None, False)
        await hub.address.tell(Unsubscribe("s"))
        disk.gate.set()
        await asked()
        assert (await hub.summary()).subscribers == 0
        assert inbox.closed


async def test_a_session_that_subscribes_again_has_one_subscription(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        first, second = await hub.subscribe("s"), await hub.subscribe("s")
        assert (first.closed, second.closed) == (True, False)
        assert (await hub.summary()).subscribers == 1


async def test_a_full_subscriber_is_closed_and_the_others_go_on(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        slow = await hub.subscribe("slow", b"\x00", capacity=3)
        for letter in "uvwxyz":
            await one.send(one.browser.type("a", letter))
        await hub.settle()
        await two.hear()
        assert slow.closed
        assert len(slow.items) == 3
        assert two.browser.read("a")["source"] == "1uvwxyz"
        assert (await hub.summary()).subscribers == 2


# ------------------------------------------------------------------------------------------- what clients may do


async def test_server_owned_keys_are_reverted_for_everyone(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.edit(SetCell("a", {"execution_count": 4}), WriteOutputs("a", 0, (STREAM,)))
        await one.hear()

        def cheat() -> None:
            one.browser.cell("a")["state"] = "running"
            one.browser.cell("a")["outputs"] = []
            one.browser.queue.append("a")
            one.browser.kernel["busy"] = True

        await one.send(one.browser.edit(cheat))
        await hub.settle()
        for client in (one, two):
            await client.hear()
            read = client.browser.read("a")
            assert (read["state"], read["outputs"], read["execution_count"]) == ("idle", [STREAM], 4)
            assert client.browser.queue.to_py() == []
            assert "busy" not in client.browser.kernel
        assert on_disk(disk) == one.browser.content()


async def test_graphs_are_repaired_after_a_second_of_quiet(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await one.send(one.browser.edit(lambda: one.browser.np.update({"ghost": ["a"]})))
        for _ in range(4):  # as long as somebody works, nothing is undone
            await trio.sleep(0.9)
            await one.hear()
            assert "ghost" in one.browser.np
            await one.send(one.browser.type("a", "x"))
            await hub.settle()
        await trio.sleep(0.99)
        await one.hear()
        assert "ghost" in one.browser.np
        await trio.sleep(0.02)
        await one.hear()
        assert "ghost" not in one.browser.np
        assert on_disk(disk) == one.browser.content()


@pytest.mark.parametrize("update", [b"\xff\xff\xff", b"\x01"], ids=bytes.hex)
async def test_malformed_updates_cut_their_sender_alone_and_are_never_journaled(
    disk: MemoryDisk, update: bytes
) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        before = list(disk.updates)
        await one.send(update)
        await one.send(one.browser.type("a", "sent before it heard of it"))
        await hub.settle()
        assert [item.code for item in one.inbox.hung_up] == [4400]
        assert one.inbox.closed
        assert disk.updates == before
        assert not two.inbox.closed
        await two.send(two.browser.type("a", "2"))
        assert (await hub.notebook()).cells[0].source == "12"


async def test_an_update_that_breaks_the_document_in_spite_of_the_guard_costs_nobody_anything(
    disk: MemoryDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such update is known, so the guard is made blind and the bytes are truncated ones."""
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        apply = Document.apply

        def breaks(document: Document, update: bytes) -> bool:
            if b"poison" in update:
                apply(document, update)
                return apply(document, b"\xff")
            return apply(document, update)

        monkeypatch.setattr(Document, "apply", breaks)
        disk.hold()
        await hub.address.tell(Edit(lambda _: None, (SetKernel({"x": 1}),)))
        await settled()
        await two.send(two.browser.type("a", "before"))
        await one.send(one.browser.type("b", "poison"))
        await two.send(two.browser.type("a", " after"))
        await hub.address.tell(Checkpoint(lambda _: None))
        disk.gate.set()
        assert (await hub.notebook()).cells[0].source == "1before after"
        assert (await hub.notebook()).cells[1].source == ""
        assert [item.code for item in one.inbox.hung_up] == [4400]
        assert not two.inbox.closed
        assert not any(b"poison" in update for update in disk.updates)
        await trio.sleep(5)
        assert disk.file is not None
        assert disk.file.cells[0].source == "1before after"


async def test_nobody_looks_at_a_broken_document_while_it_is_remade(
    disk: MemoryDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await two.send(two.browser.type("a", "2"))
        await hub.settle()
        apply = Document.apply

        def breaks(document: Document, update: bytes) -> bool:
            changed = apply(document, update)
            return apply(document, b"\xff") if b"poison" in update else changed

        monkeypatch.setattr(Document, "apply", breaks)
        await trio.sleep(1.9)
        disk.hold()
        await one.send(one.browser.type("b", "poison"))
        await trio.sleep(1)  # the journal is slow, and the file is due
        assert disk.saves == []
        disk.gate.set()
        await hub.settle()
        await trio.sleep(0.1)
        [(_, save)] = disk.saves
        assert [cell.source for cell in save.notebook.cells] == ["12", ""]


async def test_a_gap_is_answered_with_a_question_for_everything(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await hub.settle()
        one.browser.type("a", "lost ")
        asked = len(one.inbox.frames)
        for letter in "xyz":  # all under way before the question is heard
            await one.send(one.browser.type("a", letter))
            await hub.settle()
        assert len(one.inbox.frames) == asked + 1
        await one.hear()
        assert (await hub.notebook()).cells[0].source == "1lost xyz"
        assert on_disk(disk)["cell a"]["source"] == "1lost xyz"


async def test_a_client_that_never_fills_its_gap_is_refused(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        one.browser.type("a", "lost")
        orphan = one.browser.type("a", "x")
        for round_ in range(MAX_GAPS + 1):
            assert one.inbox.hung_up == [], round_
            await one.send(orphan)
            await hub.settle()
            await trio.sleep(1.5)
        assert [item.code for item in one.inbox.hung_up] == [4400]


async def test_a_malformed_state_vector_closes_its_connection(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        inbox = await hub.subscribe("s", b"\x00")
        await hub.address.tell(AnswerSync("s", b"\xff"))
        await hub.settle()
        assert [item.code for item in inbox.hung_up] == [1007]


async def test_a_subscriber_is_asked_for_its_edits_and_given_what_it_lacks(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        inbox = await hub.subscribe("s", b"\x00")
        kinds = [type(decode(frame)) for frame in inbox.frames]
        assert kinds == [Step1, Update]
        assert [type(decode(frame)) for frame in (await hub.subscribe("t")).frames] == [Step1]


# -------------------------------------------------------------------------------------------------------- deaths


async def test_after_a_crash_of_the_hub_its_clients_resync_and_nothing_is_lost(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        lost = one.browser.type("a", "3")  # typed while the hub was away
        await hub.stage.kill("hub")
        assert one.inbox.closed
        assert lost
        for _ in range(2):
            for client in (one, two):
                await client.keep()
            await hub.settle()
        await two.keep()
        assert two.browser.read("a")["source"] == "123"
        assert on_disk(disk) == two.browser.content()


@pytest.mark.parametrize("steps", range(30))
async def test_a_death_of_the_hub_at_any_step_loses_nothing_that_left_it(disk: MemoryDisk, steps: int) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        for letter in "xyz":
            await one.send(one.browser.type("a", letter))
        asked = await hub.address.request(Edit, (WriteOutputs("b", 0, (STREAM,)),), (Entry("e", "b", ""),))
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        await hub.stage.kill("hub")
        answered = True
        try:
            await asked()
        except ActorDied:
            answered = False
        await two.hear()
        seen, journal = two.browser.content(), on_disk(disk)
        assert journal["cell a"]["source"].startswith(seen["cell a"]["source"])
        assert seen["cell b"]["outputs"] in ([], journal["cell b"]["outputs"])
        if answered:
            assert journal["cell b"]["outputs"] == [STREAM]
            assert disk.queue == (Entry("e", "b", ""),)
        for _ in range(3):
            for client in (one, two):
                await client.keep()
            await hub.settle()
        assert two.browser.content()["cell a"] == one.browser.content()["cell a"] == on_disk(disk)["cell a"]
        assert two.browser.read("a")["source"] == "1xyz"


async def test_a_death_of_the_checkpointer_is_not_noticed(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        for number in range(20):
            await one.send(one.browser.type("a", "x"))
            for _ in range(number % 5):
                await trio.lowlevel.checkpoint()
            await hub.stage.kill("disk")
        await hub.settle()
        await two.hear()
        assert two.browser.read("a")["source"] == "1" + 20 * "x"
        assert on_disk(disk)["cell a"] == two.browser.content()["cell a"]
        assert not one.inbox.closed
        assert (await hub.saving()).status != "not saved"


async def test_a_hub_that_dies_while_it_boots_boots_again(disk: MemoryDisk) -> None:
    disk.notices = (Notice("x", "y"),)
    async with hub_over(disk) as hub:
        disk.hold()
        await hub.address.tell(Edit(lambda _: None, (SetKernel({"x": 1}),)))
        await settled()
        hub.stage.crash("hub")
        await settled()
        disk.gate.set()
        assert (await hub.notebook()) == NOTEBOOK


@pytest.mark.parametrize("number", range(6))
async def test_in_a_storm_of_deaths_every_replica_ends_up_with_every_edit(disk: MemoryDisk, number: int) -> None:
    print("seed", number)
    rng = random.Random(number)
    async with hub_over(disk) as hub:
        clients = [await hub.connect(f"s{n}", 7 + n) for n in range(3)]
        marks: list[str] = []
        for step in range(60):
            client = rng.choice(clients)
            match rng.randrange(6):
                case 0:
                    await hub.stage.kill("hub")
                case 1:
                    await hub.stage.kill("disk")
                case 2:
                    await hub.edit(SetCell("b", {"execution_count": step}))
                case _:
                    mark = f"<{step}>"
                    marks.append(mark)
                    await client.send(client.browser.type("a", mark))
            if rng.random() < 0.5:
                await rng.choice(clients).keep()
            for _ in range(rng.randrange(6)):
                await trio.lowlevel.checkpoint()
        for _ in range(4):
            for client in clients:
                await client.keep()
            await hub.settle()
            await trio.sleep(1.1)
        contents = [client.browser.content() for client in clients]
        assert contents[0] == contents[1] == contents[2] == on_disk(disk)
        source = contents[0]["cell a"]["source"]
        for mark in marks:
            assert source.count(mark) == 1, mark


# ------------------------------------------------------------------------------------------------- degraded mode


async def test_a_disk_that_fails_stops_no_edit_and_everyone_is_told(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        outlet, heard = open_subscription(100)
        await hub.address.tell(WatchDocument(outlet))
        assert (await heard.receive()).status == "saved"
        disk.failing = "the disk is full"
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        await two.hear()
        assert two.browser.read("a")["source"] == "12"
        assert await hub.saving() == Saving("not saved", "Edits are kept in memory only: the disk is full.")
        assert await heard.receive() == await hub.saving()
        assert isinstance(await hub.address.ask(Enqueue, "e", "a", "me"), Entry)
        assert on_disk(disk)["cell a"]["source"] == "1"
        await trio.sleep(10)
        assert (await hub.saving()).status == "not saved"
        disk.failing = ""
        await trio.sleep(1.1)
        assert (await hub.saving()).status != "not saved"
        assert disk.updates[0] != SEED  # a whole snapshot
        assert on_disk(disk)["cell a"]["source"] == "12"
        assert [entry.id for entry in disk.queue] == ["e"]


async def test_a_disk_that_hangs_holds_up_one_batch_for_a_second_and_no_later_one(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        disk.hold()
        await one.send(one.browser.type("a", "2"))
        began = trio.current_time()
        await hub.settle()
        assert trio.current_time() - began == pytest.approx(1.0)
        for _ in range(50):
            began = trio.current_time()
            await one.send(one.browser.type("a", "x"))
            await hub.settle()
            await trio.sleep(0.1)
            assert trio.current_time() - began < 0.11
        await two.hear()
        assert two.browser.read("a")["source"] == "12" + 50 * "x"
        assert (await hub.saving()).status == "not saved"
        disk.gate.set()
        await trio.sleep(3)
        assert (await hub.saving()).status != "not saved"
        assert on_disk(disk)["cell a"] == two.browser.content()["cell a"]


async def test_edits_made_while_the_snapshot_is_written_are_in_the_journal_before_anyone_is_told_so(
    disk: MemoryDisk,
) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await hub.settle()
        disk.failing = "EIO"
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        disk.hold()
        disk.failing = ""
        await trio.sleep(1.5)  # the snapshot is on its way
        await one.send(one.browser.type("a", "3"))
        await hub.address.ask(Enqueue, "e", "b", "me")
        assert (await hub.saving()).status == "not saved"
        disk.log.clear()
        disk.gate.set()
        while (await hub.saving()).status == "not saved":
            await trio.sleep(0.01)
        assert disk.log[0] == "Append"
        assert on_disk(disk)["cell a"]["source"] == "123"
        assert [entry.id for entry in disk.queue] == ["e"]
        await one.send(one.browser.type("a", "4"))
        await hub.settle()
        assert on_disk(disk)["cell a"]["source"] == "1234"


async def test_a_poisoned_document_in_degraded_mode_is_remade_with_what_the_journal_lacks(
    disk: MemoryDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        disk.failing = "EIO"
        await two.send(two.browser.type("a", "2"))
        await hub.settle()
        apply = Document.apply
        monkeypatch.setattr(
            Document, "apply", lambda doc, update: apply(doc, b"\xff" if b"poison" in update else update)
        )
        await one.send(one.browser.type("b", "poison"))
        assert (await hub.notebook()).cells[0].source == "12"


async def test_a_long_history_is_replaced_by_a_snapshot_without_holding_up_anyone(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        disk.wants_snapshot = True
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        await settled()
        assert "StoreSnapshot" in disk.log
        assert len(disk.updates) == 1
        disk.wants_snapshot = False
        await one.send(one.browser.type("a", "3"))
        await hub.settle()
        await two.hear()
        assert on_disk(disk) == two.browser.content()


# --------------------------------------------------------------------------------------------------------- saving


async def test_the_file_is_written_two_seconds_after_the_last_change(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        for _ in range(3):
            await one.send(one.browser.type("a", "x"))
            await hub.settle()
            last = trio.current_time()
            await trio.sleep(1.9)
        assert disk.saves == []
        assert (await hub.saving()).status == "saving"
        await trio.sleep(0.2)
        assert await hub.saving() == Saving("saved")
        [(when, save)] = disk.saves
        assert when == pytest.approx(last + 2)
        assert (save.notebook.cells[0].source, save.force, save.content) == ("1xxx", False, disk.content)
        await trio.sleep(100)
        assert len(disk.saves) == 1


async def test_someone_who_never_pauses_has_the_file_written_every_ten_seconds(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        began = trio.current_time()
        for _ in range(36):
            await one.send(one.browser.type("a", "x"))
            await hub.settle()
            await trio.sleep(0.7)
        assert [round(when - began, 3) for when, _ in disk.saves] == [10, 20.5]


async def test_opening_looking_and_kernel_state_never_write_the_file(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await hub.edit(SetKernel({"busy": True}), SetCell("a", {"state": "queued"}), queue=(Entry("e", "a", ""),))
        await hub.edit(SetCell("a", {"state": "idle"}), queue=())
        await hub.stage.kill("hub")
        await one.keep()
        await trio.sleep(60)
        assert await hub.saving() == Saving("saved")
    assert disk.saves == []


async def test_a_notebook_without_positions_is_laid_out_and_not_written() -> None:
    bare = NotebookValue(cells=(CellValue(id="a", type="code"), CellValue(id="b", type="code")))
    disk = MemoryDisk(seed(bare, bytes(32)))
    async with hub_over(disk) as hub:
        assert all(cell.top is not None for cell in (await hub.notebook()).cells)
        await trio.sleep(60)
    assert disk.saves == []
    assert disk.content == 0


async def test_an_edit_that_is_taken_back_is_not_written(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        await hub.edit(SetCell("a", {"top": 9}))
        await hub.edit(SetCell("a", {"top": 0}))
        await trio.sleep(60)
        assert await hub.saving() == Saving("saved")
    assert disk.saves == []


async def test_a_save_that_fails_says_so_and_is_tried_again(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        disk.saving = "x.ipynb could not be written: no space left on device."
        await hub.edit(SetCell("a", {"top": 9}))
        await trio.sleep(3)
        assert await hub.saving() == Saving("not saved", disk.saving)
        await trio.sleep(20)
        assert await hub.saving() == Saving("not saved", disk.saving)
        assert len(disk.saves) >= 4
        disk.saving = ""
        await trio.sleep(5.1)
        assert await hub.saving() == Saving("saved")
        assert disk.file == await hub.notebook()


async def test_a_checkpoint_is_answered_when_the_file_is_written(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        disk.save_takes = 3
        one = await hub.connect("s1", 7)
        await one.send(one.browser.type("a", "2"))
        began = trio.current_time()
        assert await hub.address.ask(Checkpoint) == Saving("saved")
        assert trio.current_time() - began == pytest.approx(3)
        assert disk.file is not None
        assert disk.file.cells[0].source == "12"
        assert disk.saves[0][1].force
        disk.saving = "no"
        assert await hub.address.ask(Checkpoint) == Saving("not saved", "no")


async def test_a_change_during_a_save_is_not_taken_for_saved(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        disk.save_takes = 1
        await hub.edit(SetCell("a", {"top": 9}))
        await trio.sleep(2.5)
        content = disk.content
        await hub.edit(SetCell("a", {"top": 10}))
        await trio.sleep(1)
        assert (await hub.saving()).status == "saving"
        assert disk.saved_content == content < disk.content
        await trio.sleep(3)
        assert await hub.saving() == Saving("saved")
        assert disk.saved_content == disk.content
        assert disk.file == await hub.notebook()


async def test_a_death_of_the_checkpointer_during_a_save_repeats_it(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        disk.save_takes = 1
        asked = await hub.address.request(Checkpoint)
        await trio.sleep(0.5)
        await hub.stage.kill("disk")
        assert await asked() == Saving("saved")


async def test_a_hub_that_died_saves_what_its_predecessor_had_not(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        await hub.edit(SetCell("a", {"top": 9}))
        await hub.stage.kill("hub")
        assert (await hub.saving()).status == "saving"
        await trio.sleep(3)
        assert disk.file == await hub.notebook()
        assert await hub.saving() == Saving("saved")


async def test_a_clean_stop_saves_answers_and_leaves_one_snapshot(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        disk.save_takes = 0.5
        one = await hub.connect("s1", 7)
        await one.send(one.browser.type("a", "2"))
        asked = await hub.address.request(Checkpoint)
        await hub.stage.stop()
        assert await asked() == Saving("saved")
    assert disk.file is not None
    assert disk.file.cells[0].source == "12"
    assert len(disk.updates) == 1
    assert one.inbox.closed


async def test_a_stop_in_the_midst_of_a_save_waits_for_it(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        disk.save_takes = 1
        asked = await hub.address.request(Checkpoint)
        await trio.sleep(0.5)
        await hub.stage.stop()
        assert await asked() == Saving("saved")
    assert len(disk.saves) == 1


async def test_watchers_hear_each_change_of_the_saving_state_once(disk: MemoryDisk) -> None:
    disk.notices = (Notice("journal_set_aside", "kept"),)
    async with hub_over(disk) as hub:
        outlet, heard = open_subscription(100)
        await hub.address.tell(WatchDocument(outlet))
        for _ in range(3):
            await hub.edit(SetCell("a", {"top": random.randrange(10**6)}))
        await trio.sleep(3)
        items = [heard.receive_nowait() for _ in range(heard.statistics().current_buffer_used)]
        assert items == [Saving("saved"), disk.notices[0], Saving("saving"), Saving("saved")]
        await hub.stage.kill("hub")
        with pytest.raises(trio.EndOfChannel):
            await heard.receive()


# ---------------------------------------------------------------------------------------------------- the run queue


async def test_an_entry_is_recorded_before_it_is_answered(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await one.send(one.browser.type("a", "+1"))
        entry = await hub.address.ask(Enqueue, "e1", "a", "me")
        assert entry == Entry("e1", "a", "1+1", "me")
        assert disk.queue == (entry,)
        assert await hub.address.ask(Enqueue, "e1", "a", "me") == entry
        assert disk.queue == (entry,)
        await one.hear()
        assert (one.browser.read("a")["state"], one.browser.queue.to_py()) == ("queued", ["a"])
        await hub.stage.kill("hub")
        assert await hub.queue() == RecordedQueue((entry,), recovered=False)


async def test_a_queue_of_the_last_server_stays_recovered_until_it_is_replaced() -> None:
    queue = (Entry("e", "a", "1", begun=True),)
    disk = MemoryDisk(SEED, queue=queue, old_queue=True)
    async with hub_over(disk) as hub:
        for _ in range(2):
            assert await hub.queue() == RecordedQueue(queue, recovered=True)
            await hub.stage.kill("hub")
        await hub.edit(SetCell("a", {"state": "idle"}), queue=())
        assert await hub.queue() == RecordedQueue((), recovered=False)


async def test_the_summary_says_what_there_is(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        await hub.subscribe("s")
        assert await hub.summary() == DocumentSummary("/n/x.ipynb", "epoch", 2, 1, Saving("saved"), "")
