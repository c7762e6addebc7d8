"""The SyncHub when it, its Checkpointer or the disk fails."""

from __future__ import annotations

import random

import pytest
import trio
import trio.testing

from actors.mailbox import ActorDied, open_subscription
from protocol.document import Document
from protocol.messages.changes import SetCell, SetKernel, WriteOutputs
from protocol.messages.hub import Edit, HasHeard, WatchDocument
from protocol.messages.shared import Entry, Notice, Saving
from tests.actors.fakes import MemoryDisk
from tests.actors.hub_stage import NOTEBOOK, SEED, STREAM, hub_over, on_disk, settled

pytestmark = pytest.mark.actor


# ------------------------------------------------------------------------------------------------------------- deaths


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


@pytest.mark.parametrize("steps", range(30))
async def test_a_hub_says_that_it_has_heard_somebody_only_if_no_earlier_one_died_with_what_they_sent(
    disk: MemoryDisk, steps: int
) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await hub.settle()
        assert await hub.address.ask(HasHeard, "s1")
        await one.send(one.browser.type("a", "2"))
        asked = await hub.address.request(HasHeard, "s1")
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        await hub.stage.kill("hub")
        try:
            heard = await asked()
        except ActorDied:
            heard = False
        assert not heard or on_disk(disk)["cell a"]["source"] == "12"
        assert not await hub.address.ask(HasHeard, "s1")
        await one.keep()  # subscribes again and answers the sync request
        assert await hub.address.ask(HasHeard, "s1")
        assert on_disk(disk)["cell a"]["source"] == "12"


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


# ------------------------------------------------------------------------------------------------------ degraded mode


async def test_a_disk_that_fails_stops_no_edit_and_everyone_is_told(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        outlet, heard = open_subscription(100)
        await hub.address.ask(WatchDocument, outlet)
        assert (await heard.receive()).status == "saved"
        disk.failing = "the disk is full"
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        await two.hear()
        assert two.browser.read("a")["source"] == "12"
        assert await hub.saving() == Saving("not saved", "Edits are kept in memory only: the disk is full.")
        assert await heard.receive() == await hub.saving()
        assert isinstance(await hub.enqueue("e", "a"), Entry)
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
        await hub.enqueue("e", "b")
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


async def test_a_hub_that_dies_while_the_disk_fails_keeps_what_it_had_let_out(disk: MemoryDisk) -> None:
    """Found by simulation: the queue of the journal came back, and a cell that had ended ran for ever."""
    entry = Entry("e", "b", "2", "me", True)
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await hub.edit(SetCell("b", {"state": "running"}), queue=(entry,))
        disk.failing = "the disk is full"
        await hub.edit(SetCell("b", {"state": "idle", "execution_count": 7}), queue=())
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        assert disk.queue == (entry,)
        await hub.stage.kill("hub")
        assert (await hub.queue()).entries == ()
        cell_a, cell_b = (await hub.notebook()).cells
        assert (cell_a.source, cell_b.execution_count) == ("12", 7)
        assert await hub.saving() == Saving("not saved", "Edits are kept in memory only: the disk is full.")
        disk.failing = ""
        await trio.sleep(10)
        assert (await hub.saving()).status == "saved"
        assert disk.queue == ()
        await hub.stage.kill("hub")
        fresh = await hub.connect("s2", 8)
        await fresh.hear()
        assert (fresh.browser.read("b")["state"], fresh.browser.read("a")["source"]) == ("idle", "12")
        assert on_disk(disk)["cell b"]["execution_count"] == 7
