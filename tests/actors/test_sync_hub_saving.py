"""When the SyncHub has the file written, and what it says of it."""

from __future__ import annotations

import random

import pytest
import trio
import trio.testing

from actors.mailbox import open_subscription
from protocol.messages.changes import SetCell, SetKernel
from protocol.messages.hub import Checkpoint, WatchDocument
from protocol.messages.shared import Entry, Notice, Saving
from protocol.seed import seed
from protocol.values import CellValue, NotebookValue
from tests.actors.fakes import MemoryDisk
from tests.actors.hub_stage import hub_over

pytestmark = pytest.mark.actor


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


async def test_a_change_after_a_failed_save_is_not_kept_waiting_for_the_next_attempt(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        disk.saving = "x.ipynb could not be written: no space left on device."
        await hub.edit(SetCell("a", {"top": 9}))
        await trio.sleep(2.1)
        assert len(disk.saves) == 1
        disk.saving = ""
        await hub.edit(SetCell("a", {"top": 10}))
        await trio.sleep(2.1)
        assert await hub.saving() == Saving("saved")


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
        await hub.address.ask(WatchDocument, outlet)
        for _ in range(3):
            await hub.edit(SetCell("a", {"top": random.randrange(10**6)}))
        await trio.sleep(3)
        items = [heard.receive_nowait() for _ in range(heard.statistics().current_buffer_used)]
        assert items == [Saving("saved"), disk.notices[0], Saving("saving"), Saving("saved")]
        await hub.stage.kill("hub")
        with pytest.raises(trio.EndOfChannel):
            await heard.receive()
