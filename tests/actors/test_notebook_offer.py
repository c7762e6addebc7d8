"""What waited or ran when a server stopped: offered by the next one, and run at most once, whoever dies meanwhile."""

from __future__ import annotations

import pytest
import trio

from actors.mailbox import ActorDied, open_subscription
from protocol.messages.hub import ClientUpdate
from protocol.messages.notebook import DismissQueue, QueueOffered, ResumeQueue, WatchRuns
from protocol.messages.shared import Done, Entry, Refused
from tests.actors.fakes import MemoryDisk
from tests.actors.notebook_stage import SEED, Scene, scene

pytestmark = pytest.mark.actor

LEFT = (Entry("old1", "a", "source a", "ann", begun=True), *(Entry(f"old-{name}", name, "then") for name in "bcd"))


def left_behind() -> MemoryDisk:
    return MemoryDisk(SEED, queue=LEFT, old_queue=True)


def next_server(disk: MemoryDisk) -> MemoryDisk:
    """What the next server finds."""
    return MemoryDisk(*disk.updates, queue=disk.queue, old_queue=True)


async def resume(it: Scene, interrupted: bool = True) -> Done | Refused:
    return await it.address.ask(ResumeQueue, interrupted, "bob")


async def offered(it: Scene) -> str:
    return "".join(cell.cell_id for cell in (await it.summary()).offered)


async def ran(it: Scene) -> list[tuple[str, str]]:
    """Let all that waits run to its end: each run's cell and source."""
    runs = []
    await it.settle()
    while it.kernel.busy:
        assert it.kernel.run is not None
        runs.append((it.kernel.run.entry.cell_id, it.kernel.run.entry.source))
        it.kernel.end()
        await it.settle()
    assert it.states() == {}
    return runs


async def test_the_queue_of_a_server_that_stopped_is_offered_and_does_not_run_by_itself() -> None:
    async with scene(left_behind()) as it:
        await it.settle()
        first, *others = (await it.summary()).offered
        assert (first.cell_id, first.who, first.interrupted) == ("a", "ann", True)
        assert [(each.cell_id, each.interrupted) for each in others] == [(name, False) for name in "bcd"]
        assert (it.kernel.executed, it.states(), it.browser().queue.to_py()) == ([], {}, [])


async def test_the_accepted_offer_runs_in_order_with_the_sources_of_now() -> None:
    async with scene(left_behind()) as it:
        await it.settle()
        await it.hub.tell(ClientUpdate("s", it.browser().type("b", " of now")))
        assert await resume(it) == Done()
        assert [entry.who for entry in it.disk.queue] == ["bob"] * 4
        assert await ran(it) == [("a", "source a"), ("b", "source b of now"), ("c", "source c"), ("d", "source d")]
        assert await offered(it) == ""
        assert it.texts("a") == []
        assert it.disk.queue == ()


async def test_what_had_begun_need_not_run_again() -> None:
    async with scene(left_behind()) as it:
        assert await resume(it, interrupted=False) == Done()
        assert [cell for cell, _ in await ran(it)] == ["b", "c", "d"]
        assert it.texts("a") == ["The kernel ended with the server."]
        assert await offered(it) == ""


async def test_where_nothing_waited_behind_it_only_the_interrupted_cell_is_offered() -> None:
    async with scene(MemoryDisk(SEED, queue=LEFT[:1], old_queue=True)) as it:
        refused = await resume(it, interrupted=False)
        assert isinstance(refused, Refused)
        assert (refused.code, await offered(it)) == ("no_offer", "a")
        assert await resume(it) == Done()
        assert [cell for cell, _ in await ran(it)] == ["a"]


async def test_two_people_who_accept_at_once_run_it_once() -> None:
    async with scene(left_behind()) as it:
        asked = [await it.address.request(ResumeQueue, True, who) for who in ("ann", "bob")]
        first, second = [await answer() for answer in asked]
        assert first == Done()
        assert isinstance(second, Refused)
        assert second.code == "no_offer"
        assert [cell for cell, _ in await ran(it)] == list("abcd")


async def test_a_dismissed_offer_is_gone_for_everyone_and_for_later_servers() -> None:
    async with scene(left_behind()) as it:
        assert await it.address.ask(DismissQueue) == Done()
        assert await it.address.ask(DismissQueue) == Done()
        assert (await offered(it), it.disk.queue) == ("", ())
        assert isinstance(await resume(it), Refused)
    async with scene(next_server(it.disk)) as it:
        await it.settle()
        assert await offered(it) == ""
        assert it.kernel.executed == []


async def test_an_offer_waits_through_further_servers_and_what_they_left_comes_behind_it() -> None:
    async with scene(left_behind()) as it:
        await it.settle()
    async with scene(next_server(it.disk)) as it:
        assert await offered(it) == "abcd"
        await it.queue("e", "f")
        await it.settle()
        assert await offered(it) == "abcd"
    async with scene(next_server(it.disk)) as it:
        assert await offered(it) == "abcdef"
        assert [cell.interrupted for cell in (await it.summary()).offered] == [True, *[False] * 3, True, False]
        assert [it.texts(cell) for cell in "ae"] == [["The kernel ended with the server."]] * 2
        assert await resume(it) == Done()
        assert [cell for cell, _ in await ran(it)] == list("abcdef")


async def test_a_server_that_stops_while_the_accepted_queue_runs_offers_what_is_left_of_it() -> None:
    async with scene(left_behind()) as it:
        await resume(it)
        await it.settle()
        it.kernel.end()
        await it.settle()
        assert it.states() == {"b": "running", "c": "queued", "d": "queued"}
    async with scene(next_server(it.disk)) as it:
        assert await offered(it) == "bcd"


async def test_queueing_by_hand_overtakes_the_offer_of_that_cell_only() -> None:
    async with scene(left_behind()) as it:
        await it.queue("c", "e")
        await it.settle()
        assert await offered(it) == "abd"
        assert it.browser().queue.to_py() == ["c", "e"]
        assert await resume(it) == Done()
        assert [cell for cell, _ in await ran(it)] == list("ceabd")


async def test_other_runs_their_failures_and_an_emptied_queue_leave_the_offer() -> None:
    async with scene(left_behind()) as it:
        await it.queue("e", "f")
        await it.settle()
        it.kernel.end("error")
        await it.settle()
        assert it.states() == {}
        assert await offered(it) == "abcd"


async def test_cells_that_were_deleted_meanwhile_are_left_out() -> None:
    async with scene(left_behind()) as it:
        await it.settle()
        browser = it.browser()

        def delete() -> None:
            for cell in "ac":
                del browser.cells[browser.cells.to_py().index(cell)]

        await it.hub.tell(ClientUpdate("s", browser.edit(delete)))
        assert await resume(it) == Done()
        assert [cell for cell, _ in await ran(it)] == ["b", "d"]


async def test_of_an_offer_whose_cells_were_all_deleted_nothing_runs_and_nothing_is_left() -> None:
    async with scene(MemoryDisk(SEED, queue=LEFT[:1], old_queue=True)) as it:
        await it.settle()
        browser = it.browser()
        await it.hub.tell(ClientUpdate("s", browser.edit(lambda: browser.cells.clear())))
        refused = await resume(it)
        assert isinstance(refused, Refused)
        assert (refused.code, await offered(it), it.disk.queue) == ("no_offer", "", ())


async def test_a_failure_of_the_accepted_queue_is_like_any_other() -> None:
    async with scene(left_behind()) as it:
        await resume(it)
        await it.settle()
        it.kernel.end("error")
        await it.settle()
        assert (it.states(), it.disk.queue, await offered(it)) == ({}, (), "")


async def test_watchers_hear_of_the_offer_when_they_come_and_when_it_changes() -> None:
    async with scene(left_behind()) as it:
        outlet, heard = open_subscription(100)
        await it.address.ask(WatchRuns, outlet)
        await it.queue("c", "e")
        await it.address.ask(DismissQueue)
        await it.settle()
        items = [heard.receive_nowait() for _ in range(heard.statistics().current_buffer_used)]
        told = ["".join(cell.cell_id for cell in item.cells) for item in items if isinstance(item, QueueOffered)]
        assert told == ["abcd", "abd", ""]


async def test_the_actor_that_was_killed_after_an_accepted_run_goes_on_with_it() -> None:
    """The queue looks as the last server left it, and is another one: what runs must not be taken for dead."""
    queue = tuple(Entry(f"old-{cell}", cell, f"source {cell}", "bob", begun=cell == "a") for cell in "ab")
    async with scene(MemoryDisk(SEED, queue=queue, old_queue=True)) as it:
        await resume(it)
        await it.settle()
        for victim in ("runs", "hub", "runs"):
            await it.stage.kill(victim)
        await it.settle()
        assert it.states() == {"a": "running", "b": "queued"}
        assert [cell for cell, _ in await ran(it)] == ["a", "b"]
        assert len(it.kernel.executed) == 2


@pytest.mark.parametrize("steps", range(0, 40, 3))
@pytest.mark.parametrize("victim", ["runs", "hub", "kernel", "disk"])
async def test_whoever_dies_while_an_offer_is_accepted_it_runs_once_or_is_still_offered(
    victim: str, steps: int
) -> None:
    async with scene(left_behind()) as it:
        await it.settle()
        answer = await it.address.request(ResumeQueue, True, "bob")
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        it.stage.crash(victim)
        try:
            assert await answer() == Done()
        except ActorDied:
            assert victim == "runs"
        await it.settle()
        runs = [cell for cell, _ in await ran(it)]
        assert (runs, await offered(it)) in ((list("abcd"), ""), ([], "abcd"))
        assert len(it.kernel.executed) == len(runs)
