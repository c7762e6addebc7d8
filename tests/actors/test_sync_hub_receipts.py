"""S-14, S-15: what clients that announced themselves are told of the lineage and of their updates."""

from __future__ import annotations

import pytest
import trio

from protocol.sync_requests import PAUSE
from tests.actors.fakes import MemoryDisk
from tests.actors.hub_stage import Client, Hub, hub_over, settled

pytestmark = pytest.mark.actor


async def announced(hub: Hub, session: str = "s1", client_id: int = 7) -> Client:
    client = await hub.connect(session, client_id)
    await client.announce()
    return client


async def test_a_stock_client_hears_of_none_of_it(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await one.send(one.browser.type("a", "x"))
        await trio.sleep(5)
        assert (await one.receipts(), one.epoch) == ((0, 0), "")


async def test_an_announcement_is_answered_with_the_lineage(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await announced(hub)
        assert one.epoch == (await hub.summary()).epoch != ""


async def test_an_update_is_durable_when_its_append_is_and_filed_when_the_file_says_it(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await announced(hub)
        assert await one.receipts() == (one.sent, one.sent)  # its answer brought nothing new
        await one.send(one.browser.type("a", "x"))
        assert await one.receipts() == (one.sent, one.sent - 1)
        await trio.sleep(3)
        assert await one.receipts() == (one.sent, one.sent)


async def test_nothing_is_durable_while_the_disk_fails_and_all_of_it_when_it_works_again(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await announced(hub)
        before = (await one.receipts())[0]
        assert before == one.sent
        disk.failing = "the disk is full"
        await one.send(one.browser.type("a", "x"))
        await one.send(one.browser.type("a", "y"))
        assert (await one.receipts())[0] == before
        disk.failing = ""
        await trio.sleep(3)
        assert (await one.receipts())[0] == one.sent == before + 2


async def test_an_update_that_died_with_the_hub_is_not_acknowledged_by_a_later_one(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await announced(hub)
        await one.receipts()
        before = one.durable
        disk.on_append = lambda: hub.stage.crash("hub")
        await one.send(one.browser.type("a", "lost "))
        await settled()
        disk.on_append = lambda: None
        later = one.browser.type("b", "later")
        await one.send(later)  # before it knows that it has to resync
        await hub.settle()
        # The answer to the new hub's question is still to come.
        assert one.durable == before
        for _ in range(3):
            await one.keep()
            await hub.settle()
        assert (await one.receipts())[0] == one.sent
        notebook = await hub.notebook()
        assert [cell.source for cell in notebook.cells] == ["1lost ", "later"]


async def test_a_gap_stops_receipts_until_it_is_filled(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await announced(hub)
        await one.receipts()
        before = one.durable
        one.browser.type("a", "not sent ")
        await one.send(one.browser.type("a", "depends"))
        await hub.settle()
        assert one.durable == before
        await trio.sleep(PAUSE)  # it was just asked when it announced itself
        assert (await one.receipts())[0] == before  # hears the question and answers it
        assert (await one.receipts())[0] == one.sent
