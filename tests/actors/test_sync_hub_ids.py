"""Whose client ids are whose, and what becomes of edits under somebody else's. SPEC.md S-10 to S-12."""

from __future__ import annotations

import pytest
import trio
from pycrdt import Map, Text

from protocol.guard import Guard
from protocol.messages.hub import Shows, Unsubscribe
from protocol.messages.shared import Notice
from protocol.sync_requests import PROOF
from tests.actors.fakes import MemoryDisk
from tests.actors.hub_stage import Client, Hub, hub_over, on_disk
from tests.protocol.test_guard import GONE, struct, wire

pytestmark = pytest.mark.actor


async def sources(hub: Hub) -> list[str]:
    return [cell.source for cell in (await hub.notebook()).cells]


def notices(client: Client) -> list[str]:
    return [item.code for item in client.inbox.items if isinstance(item, Notice)]


def value(word: bytes) -> bytes:
    """The content of a struct: one string as a plain value."""
    return b"\x08\x01\x77" + bytes((len(word),)) + word


async def comes_back(hub: Hub, client: Client, session: str) -> Client:
    """The same browser, with the same document, on a new connection; the old one is half-open."""
    again = Client(hub, session, 0)
    again.browser = client.browser
    await again.connect()
    return again


# ------------------------------------------------------------------------------------------------------- who may write


async def test_edits_of_an_id_that_another_live_session_holds_are_cut_and_their_sender_is_told_once(
    disk: MemoryDisk,
) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        await two.hear()
        forger = Client(hub, "s3", 7)
        await forger.connect()
        await forger.hear()
        for letter in "xy":
            await forger.send(forger.browser.type("a", letter))
            await forger.send(forger.browser.type("b", letter))
        await two.send(two.browser.type("b", "kept"))
        await hub.settle()
        assert await sources(hub) == ["12", "kept"]
        assert notices(forger) == ["client_id_taken"]
        assert notices(one) == notices(two) == []
        await one.hear()
        await one.send(one.browser.type("a", "3"))
        await hub.settle()
        assert await sources(hub) == ["123", "kept"]


async def test_only_the_edits_of_the_other_id_are_cut_from_a_frame(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.address.tell(Shows("s1", 7))
        await two.send(wire((7, 0, struct(value(b"forged"), "cells")), (8, 0, struct(value(b"kept"), "cells"))))
        await hub.settle()
        update = disk.updates[-1]
        assert b"kept" in update
        assert b"forged" not in update
        assert notices(two) == ["client_id_taken"]
        assert notices(one) == []


async def test_ids_that_nobody_live_holds_are_taken_from_whoever_brings_them(disk: MemoryDisk) -> None:
    """Another tab's edits, heard through the browser, and those that a storage brings back."""
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        two.browser.hear(one.browser.type("a", " of another tab"))
        await two.send(two.browser.doc.get_update())
        await hub.settle()
        assert await sources(hub) == ["1 of another tab", ""]
        # They are now those of the session that brought them, until it goes.
        await one.send(one.browser.type("a", "!"))
        await hub.settle()
        assert await sources(hub) == ["1 of another tab", ""]
        await hub.address.tell(Unsubscribe("s2"))
        await hub.settle()
        await one.hear()
        assert await sources(hub) == ["1 of another tab!", ""]


async def test_who_brings_edits_in_an_answer_keeps_nobody_else_from_going_on_with_them(disk: MemoryDisk) -> None:
    """After a crash, whoever is back first brings what the others wrote as well; some of them show no awareness."""
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        two.browser.hear(one.browser.type("a", "2"))
        await two.answer(two.browser.doc.get_update())
        await one.answer(one.browser.type("a", "3"))
        await one.send(one.browser.type("a", "4"))
        await hub.settle()
        assert await sources(hub) == ["1234", ""]
        assert notices(one) == notices(two) == []


async def test_who_shows_itself_under_an_id_takes_it_from_who_only_carried_its_edits(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        two.browser.hear(one.browser.type("a", "2"))
        await two.answer(two.browser.doc.get_update())
        await hub.address.tell(Shows("s1", 7))
        await one.send(one.browser.type("a", "3"))
        await hub.settle()
        assert await sources(hub) == ["123", ""]
        assert notices(one) == []


async def test_nobody_writes_under_the_seeds_id(disk: MemoryDisk) -> None:
    disk.seed = 1
    async with hub_over(disk) as hub:
        seed = Client(hub, "s", 1)
        await seed.connect()
        await seed.hear()
        await seed.send(seed.browser.type("a", "x"))
        await hub.settle()
        assert [item.code for item in seed.inbox.hung_up] == [4400]


# ------------------------------------------------------------------------------------------------ who comes back


@pytest.mark.parametrize("shows", [True, False], ids=["with awareness", "without"])
async def test_who_comes_back_while_the_old_connection_is_half_open_loses_nothing(
    disk: MemoryDisk, shows: bool
) -> None:
    async with hub_over(disk) as hub:
        old, other = await hub.connect("s1", 7), await hub.connect("s2", 8)
        if shows:
            await hub.address.tell(Shows("s1", 7))
        await old.send(old.browser.type("a", " sent"))
        await hub.settle()
        old.browser.type("a", " offline")  # the network is gone, and nobody noticed
        back = await comes_back(hub, old, "s3")
        if shows:
            await hub.address.tell(Shows("s3", 7))
        await back.send(back.browser.type("a", " typed at once"))
        await hub.settle()
        for _ in range(int(PROOF) + 2):
            await trio.sleep(1)
            for client in (back, other):
                await client.hear()
            await hub.settle()
        assert await sources(hub) == ["1 sent offline typed at once", ""]
        assert [item.code for item in old.inbox.hung_up] == [1013]
        assert back.inbox.hung_up == []
        await back.send(back.browser.type("a", "."))
        await hub.settle()
        await other.hear()
        assert other.browser.read("a")["source"] == "1 sent offline typed at once."
        assert on_disk(disk) == other.browser.content()


async def test_who_shows_itself_again_frees_its_id_before_it_edits(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        old = await hub.connect("s1", 7)
        await hub.address.tell(Shows("s1", 7))
        await old.send(old.browser.type("a", "2"))
        await hub.settle()
        back = await comes_back(hub, old, "s2")
        await hub.address.tell(Shows("s2", 7))
        await hub.settle()
        await trio.sleep(PROOF + 1)
        await hub.settle()
        await back.send(back.browser.type("a", "3"))
        await hub.settle()
        assert await sources(hub) == ["123", ""]
        assert notices(back) == []


async def test_a_live_session_keeps_its_id_whoever_else_shows_itself_under_it(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.address.tell(Shows("s1", 7))
        await one.send(one.browser.type("a", "2"))
        thief = Client(hub, "s3", 7)
        await thief.connect()
        for n in range(30):
            await hub.address.tell(Shows("s3", 7))
            await thief.send(wire((7, 9 + n, struct(value(b"x"), "cells"))))
            await hub.settle()
            await trio.sleep(0.5)
            await one.hear()  # answers what it is asked
        await one.send(one.browser.type("a", "3"))
        await hub.settle()
        assert await sources(hub) == ["123", ""]
        assert one.inbox.hung_up == []
        assert len(one.inbox.frames) < 40  # and is not asked all the time
        assert two.inbox.hung_up == []


# -------------------------------------------------------------------------------------- clocks whose content is gone


async def test_emptied_clocks_of_somebody_who_is_away_are_not_taken_from_an_update(disk: MemoryDisk) -> None:
    """They would make the server drop for good what their owner writes there."""
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        await hub.address.tell(Unsubscribe("s1"))
        asked = len(two.inbox.frames)
        await two.send(wire((7, 1, GONE)))
        await hub.settle()
        await two.hear()
        assert len(two.inbox.frames) > asked  # asked for what it has
        back = await comes_back(hub, one, "s3")
        await back.send(back.browser.type("a", "3"))
        await hub.settle()
        assert await sources(hub) == ["123", ""]


async def test_clocks_that_a_client_emptied_itself_are_taken(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)

        def add_and_remove() -> None:
            one.browser.notebook["x"] = Map({"t": Text("never seen")})
            del one.browser.notebook["x"]

        first = one.browser.edit(add_and_remove)
        for update in (first, one.browser.type("a", "2"), one.browser.edit(add_and_remove)):
            await one.send(update)
            await hub.settle()
            await one.hear()
        await one.send(one.browser.type("a", "3"))
        await hub.settle()
        assert await sources(hub) == ["123", ""]
        assert one.inbox.hung_up == []


# --------------------------------------------------------------------------------------------------------------- gaps


async def test_of_a_sync_answer_with_a_gap_the_complete_prefix_is_taken_and_the_sender_told(
    disk: MemoryDisk,
) -> None:
    """S-3."""
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        lost = two.browser.type("a", "lost")
        one.browser.type("a", "2")
        one.browser.hear(lost)
        one.browser.type("a", "3")
        whole = one.browser.doc.get_update()
        mine = Client(hub, "s3", 9)  # who never heard of the lost one, as after a cut
        await mine.connect()
        for _ in range(2):
            await mine.answer(Guard().without(whole, {8}))
            await hub.settle()
        assert await sources(hub) == ["12", ""]
        assert notices(mine) == ["edits_incomplete"]
        await two.send(lost)
        await hub.settle()
        assert await sources(hub) == ["12lost", ""]
        asked = len(mine.inbox.frames)
        await trio.sleep(3)
        assert len(mine.inbox.frames) > asked  # the rest is asked for again, by itself
        await mine.answer(Guard().without(whole, {8}))
        await hub.settle()
        assert await sources(hub) == ["12lost3", ""]
        assert notices(mine) == ["edits_incomplete"]
