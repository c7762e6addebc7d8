"""The NotebookActor under a mock clock: a real hub over a disk in memory, and a kernel that does as it is told."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import trio

from actors.mailbox import ActorDied, open_subscription
from protocol.messages.hub import ClientUpdate
from protocol.messages.kernel import KernelStatus
from protocol.messages.notebook import (
    DismissQueue,
    InputAsked,
    InterruptAll,
    InterruptRun,
    KernelChanged,
    QueueCell,
    QueueOffered,
    ReplyInput,
    Restart,
    ResumeQueue,
    Start,
    WatchRuns,
)
from protocol.messages.shared import Done, Entry, Notice, Refused
from tests.actors.fakes import MemoryDisk
from tests.actors.notebook_stage import CELLS, SEED, scene
from tests.protocol.clients import Browser

pytestmark = pytest.mark.actor

# ------------------------------------------------------------------------------------------------------- running


async def test_a_cell_runs_to_its_end() -> None:
    async with scene() as it:
        assert await it.queue("a") == [Done()]
        await it.settle()
        assert it.states() == {"a": "running"}
        assert it.browser().queue.to_py() == ["a"]
        assert it.kernel.run is not None
        assert (it.kernel.run.entry.source, it.kernel.run.entry.cell_id) == ("source a", "a")
        it.kernel.print("one")
        it.kernel.print("two")
        await it.settle()
        assert it.texts("a") == ["one", "two"]
        assert it.cell("a")["execution_count"] == 1
        it.kernel.end()
        await it.settle()
        assert it.states() == {}
        assert it.browser().queue.to_py() == []
        assert it.disk.queue == ()
        assert it.texts("a") == ["one", "two"]


async def test_queueing_a_cell_while_nothing_runs_begins_it_in_the_same_append() -> None:
    async with scene() as it:
        await it.address.ask(Start)
        await it.settle()
        it.disk.log.clear()
        await it.queue("a")
        assert it.disk.log == ["Append"]
        assert it.states() == {"a": "running"}
        assert it.disk.queue[0].begun
        assert it.browser().kernel["busy"] is True


async def test_an_idle_kernel_begins_while_the_entry_is_written_and_its_asker_hears_afterwards() -> None:
    async with scene() as it, trio.open_nursery() as nursery:
        await it.address.ask(Start)
        await it.settle()
        it.disk.hold()
        answers: list[Done | Refused] = []

        async def queue() -> None:
            answers.extend(await it.queue("a"))

        nursery.start_soon(queue)
        await trio.sleep(0.5)  # below what the hub takes for a broken disk
        assert it.kernel.executed == ["run1"]
        assert answers == []
        assert it.states() == {}
        it.disk.gate.set()
        await it.settle()
        assert answers == [Done()]
        assert it.kernel.executed == ["run1"]
        assert it.states() == {"a": "running"}
        it.kernel.end()
        await it.settle()
        assert it.states() == {}


async def test_the_source_runs_as_it_was_when_the_cell_was_queued() -> None:
    async with scene() as it:
        await it.queue("a", "b")
        await it.settle()
        browser = it.browser()
        await it.hub.tell(ClientUpdate("s", browser.type("b", " and more")))
        it.kernel.end()
        await it.settle()
        assert it.kernel.run is not None
        assert it.kernel.run.entry.source == "source b"
        assert it.cell("b")["source"] == "source b and more"


async def test_cells_run_one_after_the_other_in_order() -> None:
    async with scene() as it:
        await it.queue(*"abc")
        await it.settle()
        assert it.states() == {"a": "running", "b": "queued", "c": "queued"}
        summary = await it.summary()
        assert (summary.running, summary.queued) == ("a", ("b", "c"))
        for expected in ({"b": "running", "c": "queued"}, {"c": "running"}, {}):
            it.kernel.end()
            await it.settle()
            assert it.states() == expected
        assert it.kernel.executed == ["run1", "run2", "run3"]


async def test_an_error_sends_the_queue_back_to_idle_and_cells_run_again_afterwards() -> None:
    async with scene() as it:
        await it.queue(*"ab")
        await it.settle()
        it.kernel.end("error")
        await it.settle()
        assert it.states() == {}
        assert it.kernel.executed == ["run1"]
        await it.queue("b")
        await it.settle()
        assert it.states() == {"b": "running"}


async def test_running_a_cell_again_begins_with_no_output() -> None:
    async with scene() as it:
        await it.queue("a")
        await it.settle()
        it.kernel.print("old")
        it.kernel.end()
        await it.settle()
        await it.queue("a")
        await it.settle()
        assert it.texts("a") == []
        assert it.kernel.written == [(), ()]


async def test_a_cell_cannot_be_queued_twice_and_not_while_it_runs() -> None:
    async with scene() as it:
        [first, second, third] = await it.queue("a", "b", "b")
        assert [first, second, third] == [Done()] * 3
        await it.settle()
        [refused] = await it.queue("a")
        assert isinstance(refused, Refused)
        assert refused.code == "running"
        assert (await it.summary()).queued == ("b",)


@pytest.mark.parametrize(("cell", "code"), [("nobody", "no_such_cell"), ("m", "not_code")])
async def test_what_cannot_run_is_refused(cell: str, code: str) -> None:
    async with scene() as it:
        [refused] = await it.queue(cell)
        assert isinstance(refused, Refused)
        assert refused.code == code
        await it.queue("a")
        await it.settle()
        assert it.states() == {"a": "running"}


async def test_a_run_that_the_kernel_refuses_ends_with_the_reason_and_empties_the_queue() -> None:
    async with scene() as it:
        it.kernel.refuse = Refused("unknown_kernel", "There is no kernel named julia.")
        await it.queue("a", "b")
        await it.settle()
        assert it.texts("a") == ["There is no kernel named julia."]
        assert it.states() in ({}, {"b": "running"})  # b may have come after the refusal


# ------------------------------------------------------------------------------------------- interrupt and restart


async def test_interrupting_one_run_lets_the_queue_go_on() -> None:
    async with scene() as it:
        await it.queue(*"ab")
        await it.settle()
        await it.address.ask(InterruptRun)
        await it.settle()
        assert it.states() == {"b": "running"}
        assert it.kernel.interrupts == 1


async def test_interrupting_all_empties_the_queue_first() -> None:
    async with scene() as it:
        await it.queue(*"abc")
        await it.settle()
        await it.address.ask(InterruptAll)
        await it.settle()
        assert it.states() == {}
        assert it.kernel.executed == ["run1"]


async def test_a_kernel_that_ignores_an_interrupt_keeps_its_cell_and_loses_its_queue() -> None:
    async with scene() as it:
        it.kernel.obeys = False
        await it.queue(*"ab")
        await it.settle()
        await it.address.ask(InterruptAll)
        await it.settle()
        assert it.states() == {"a": "running"}
        it.kernel.end("interrupted")
        await it.settle()
        assert it.states() == {}


@pytest.mark.parametrize("question", [InterruptRun, InterruptAll])
async def test_an_interrupt_without_a_run_is_nothing(question: type[InterruptRun | InterruptAll]) -> None:
    async with scene() as it:
        assert await it.address.ask(question) == Done()
        assert it.kernel.interrupts == 0


async def test_a_restart_ends_the_run_says_so_and_empties_the_queue() -> None:
    async with scene() as it:
        await it.queue(*"ab")
        await it.settle()
        it.kernel.print("before")
        await it.settle()
        assert await it.address.ask(Restart) == Done()
        await it.settle()
        assert it.states() == {}
        assert it.texts("a") == ["before", "The kernel was restarted."]
        await it.queue("b")
        await it.settle()
        assert it.states() == {"b": "running"}


async def test_other_mail_is_answered_while_the_kernel_restarts() -> None:
    async with scene() as it:
        it.kernel.restart_takes = 30
        asked = await it.address.request(Restart)
        await it.settle()
        began = trio.current_time()
        await it.summary()
        await it.queue("nobody")
        assert trio.current_time() == began
        assert await asked() == Done()


async def test_the_kernel_is_the_settings_one_or_the_notebooks_own_or_the_one_asked_for() -> None:
    async with scene() as it:
        await it.address.ask(Start)
        assert it.kernel.name == "julia"
    async with scene() as it:
        await it.address.ask(Start, "ruby")
        assert it.kernel.name == "ruby"
    async with scene(kernel_name="forced") as it:
        await it.queue("a")
        await it.settle()
        assert it.kernel.name == "forced"
        assert it.browser().kernel.to_py() == {
            "busy": True, "status": "busy", "name": "forced", "reason": "", "incarnation": 1,
        }  # fmt: skip


# -------------------------------------------------------------------------------------------------------- deaths


async def test_a_dead_kernel_ends_the_run_in_words_and_the_next_run_starts_another() -> None:
    async with scene() as it:
        await it.queue(*"ab")
        await it.settle()
        it.kernel.print("before")
        it.kernel.die("killed (SIGKILL)")
        await it.settle()
        assert it.states() == {}
        assert it.texts("a") == ["before", "killed (SIGKILL)"]
        assert it.browser().kernel["status"] == "dead"
        assert it.browser().kernel["reason"] == "killed (SIGKILL)"
        await it.queue("b")
        await it.settle()
        assert it.states() == {"b": "running"}
        assert it.kernel.incarnation == 2


async def test_after_a_crash_of_the_kernel_actor_the_run_is_handed_over_again() -> None:
    async with scene() as it:
        await it.queue(*"ab")
        await it.settle()
        it.kernel.print("one")
        await it.settle()
        await it.stage.kill("kernel")
        await it.settle()
        assert it.kernel.held
        it.kernel.print("two")
        it.kernel.end()
        await it.settle()
        assert it.texts("a") == ["one", "two"]
        assert it.states() == {"b": "running"}
        assert it.kernel.executed == ["run1", "run2"]


async def test_after_a_crash_of_the_notebook_actor_the_run_and_its_outputs_go_on() -> None:
    async with scene() as it:
        await it.queue(*"abc")
        await it.settle()
        it.kernel.print("one")
        await it.settle()
        await it.stage.kill("runs")
        await it.settle()
        it.kernel.print("two")
        await it.settle()
        assert it.texts("a") == ["one", "two"]
        assert it.states() == {"a": "running", "b": "queued", "c": "queued"}
        it.kernel.end()
        await it.settle()
        assert it.states() == {"b": "running", "c": "queued"}
        assert it.kernel.executed == ["run1", "run2"]


async def test_a_run_that_ended_while_the_notebook_actor_was_down_is_ended() -> None:
    async with scene() as it:
        await it.queue(*"ab")
        await it.settle()
        it.stage.crash("runs")
        it.kernel.end()
        await it.settle()
        assert it.states() == {"b": "running"}


async def test_when_both_actors_die_at_once_the_run_is_still_adopted() -> None:
    async with scene() as it:
        await it.queue("a")
        await it.settle()
        for _ in range(5):
            it.stage.crash("runs")
            it.stage.crash("kernel")
            await it.settle()
            assert it.kernel.held
        it.kernel.end()
        await it.settle()
        assert it.states() == {}


@pytest.mark.parametrize("steps", range(40))
@pytest.mark.parametrize("victim", ["runs", "hub", "kernel", "disk"])
async def test_a_death_at_any_step_of_a_run_leaves_no_cell_behind(victim: str, steps: int) -> None:
    async with scene() as it:
        for cell in "ab":
            await it.queue(cell)
            await it.settle()
            it.kernel.print("of an earlier run")
            it.kernel.end()
            await it.settle()
        asked = [await it.address.request(QueueCell, cell, "me") for cell in "ab"]
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        it.stage.crash(victim)
        for answer in asked:
            try:
                assert await answer() == Done()
            except ActorDied:
                assert victim == "runs"
        await it.settle()
        queued = it.states()
        assert set(queued) <= set("ab")
        assert it.browser().queue.to_py() == [entry.cell_id for entry in it.disk.queue]
        while it.kernel.busy:
            it.kernel.print("x")
            it.kernel.end()
            await it.settle()
        assert it.states() == {}
        assert it.disk.queue == ()
        for cell in queued:
            assert it.texts(cell) == ["x"]


@pytest.mark.parametrize("steps", range(25))
@pytest.mark.parametrize("victim", ["runs", "hub"])
async def test_the_words_about_a_dead_kernel_are_there_once_whoever_dies_while_they_are_written(
    victim: str, steps: int
) -> None:
    async with scene() as it:
        await it.queue("a", "b")
        await it.settle()
        it.kernel.print("out")
        await it.settle()
        it.kernel.die("killed")
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        it.stage.crash(victim)
        await it.settle()
        assert it.texts("a") == ["out", "killed"]
        assert it.states() == {}


async def test_a_queue_of_the_last_server_is_marked_interrupted_and_nothing_runs() -> None:
    queue = (Entry("old1", "a", "x", begun=True), Entry("old2", "b", "y"))
    browser = Browser(7, SEED)

    def left_behind() -> None:
        for cell, state in (("a", "running"), ("b", "queued"), ("c", "running")):
            browser.cell(cell)["state"] = state
        browser.cell("a")["outputs"].append({"output_type": "stream", "name": "stdout", "text": "half"})

    disk = MemoryDisk(SEED, browser.edit(left_behind), queue=queue, old_queue=True)
    async with scene(disk) as it:
        await it.settle()
        assert it.states() == {}
        assert it.kernel.executed == []
        assert it.texts("a") == ["half", "The kernel ended with the server."]
        assert it.texts("b") == []
        assert [entry.offered for entry in it.disk.queue] == [True, True]
        assert it.browser().queue.to_py() == []
        await it.queue("a")
        await it.settle()
        assert it.states() == {"a": "running"}


@pytest.mark.parametrize("steps", range(30))
@pytest.mark.parametrize("victim", ["runs", "hub"])
async def test_a_queue_of_the_last_server_never_runs_whoever_dies_during_the_start(
    victim: str, steps: int
) -> None:
    disk = MemoryDisk(
        SEED, queue=(Entry("old1", "a", "rm -r", begun=True), Entry("old2", "b", "y")), old_queue=True
    )
    disk.hold()
    async with trio.open_nursery() as nursery:

        async def open_up() -> None:
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            disk.gate.set()

        nursery.start_soon(open_up)
        async with scene(disk) as it:
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            it.stage.crash(victim)
            await it.settle()
            assert it.kernel.executed == []
            assert it.texts("a") == ["The kernel ended with the server."]
            assert it.states() == {}


# ----------------------------------------------------------------------------------------------------- what is told


async def test_input_is_asked_of_everyone_answered_once_and_taken_back() -> None:
    async with scene() as it:
        outlet, heard = open_subscription(100)
        await it.queue("a")
        await it.settle()
        await it.address.ask(WatchRuns, outlet)
        it.kernel.asks("name?")
        await it.settle()
        late, heard_late = open_subscription(100)
        await it.address.ask(WatchRuns, late)
        assert (await it.summary()).input == it.kernel.run.input  # type: ignore[union-attr]
        refused = await it.address.ask(ReplyInput, "another", "x")
        assert isinstance(refused, Refused)
        assert refused.code == "no_input"
        assert await it.address.ask(ReplyInput, "", "Ada") == Done()
        await it.settle()
        assert it.texts("a") == ["Ada"]
        for channel in (heard, heard_late):
            items = [channel.receive_nowait() for _ in range(channel.statistics().current_buffer_used)]
            asked = [item for item in items if isinstance(item, InputAsked)]
            assert [(item.cell_id, item.request is not None) for item in asked] == [("a", True), ("a", False)]


async def test_a_death_during_input_takes_the_question_back() -> None:
    async with scene() as it:
        outlet, heard = open_subscription(100)
        await it.address.ask(WatchRuns, outlet)
        await it.queue("a")
        await it.settle()
        it.kernel.asks("name?")
        await it.settle()
        it.kernel.die()
        await it.settle()
        items = [heard.receive_nowait() for _ in range(heard.statistics().current_buffer_used)]
        assert items[-1] != InputAsked("a", it.kernel.run.input)  # type: ignore[union-attr]
        assert [item for item in items if isinstance(item, InputAsked)][-1] == InputAsked("a", None)
        statuses = [item.status for item in items if isinstance(item, KernelChanged)]
        assert statuses == [KernelStatus.NONE, KernelStatus.BUSY, KernelStatus.DEAD] or statuses[-1] == "dead"


async def test_a_refusal_of_the_kernel_is_told_to_everyone() -> None:
    async with scene() as it:
        outlet, heard = open_subscription(100)
        await it.address.ask(WatchRuns, outlet)
        it.kernel.refuse = Refused("unknown_kernel", "There is none.")
        await it.queue("a")
        await it.settle()
        items = [heard.receive_nowait() for _ in range(heard.statistics().current_buffer_used)]
        assert Notice("unknown_kernel", "There is none.", "error") in items


async def test_a_watcher_that_does_not_read_is_closed() -> None:
    async with scene() as it:
        outlet, heard = open_subscription(2)
        await it.address.ask(WatchRuns, outlet)
        for _ in range(3):
            await it.queue("a")
            await it.settle()
            it.kernel.end()
            await it.settle()
        assert isinstance(await heard.receive(), KernelChanged | QueueOffered)
        assert isinstance(await heard.receive(), KernelChanged)
        with pytest.raises(trio.EndOfChannel):
            await heard.receive()


# ---------------------------------------------------------------------------------------------------------- storms


@pytest.mark.parametrize("disk_fails", [False, True], ids=["disk-whole", "disk-fails"])
@pytest.mark.parametrize("number", range(10))
async def test_in_a_storm_of_commands_and_deaths_no_cell_stays_queued_or_running(
    number: int, disk_fails: bool
) -> None:
    """Promise I4; and nothing runs twice, which the kernel asserts.

    While nothing is durable a death of the hub takes the queue's last changes with it: then the NotebookActor, which
    remembers them, is left alive.
    """
    print("seed", number)
    victims = ("hub", "kernel", "disk") if disk_fails else ("runs", "hub", "kernel", "disk")
    rng = random.Random(number)
    left = tuple(Entry(f"old-{cell}", cell, "", begun=cell == "a") for cell in "abc")
    async with scene(MemoryDisk(SEED, queue=left, old_queue=True)) as it:
        kernel = it.kernel

        async def ask(question: Callable[..., Any], *arguments: Any) -> None:
            try:
                await it.address.ask(question, *arguments)
            except ActorDied:
                pass

        async with trio.open_nursery() as nursery:
            for _ in range(120):
                match rng.randrange(17):
                    case 0 | 1 | 2 | 3 | 4:
                        nursery.start_soon(ask, QueueCell, rng.choice(CELLS), "me")
                    case 5:
                        nursery.start_soon(ask, rng.choice((InterruptAll, InterruptRun, Restart, Start)))
                    case 6 | 7 if kernel.busy:
                        kernel.print(str(rng.random()))
                    case 8 | 9 | 10 if kernel.busy:
                        kernel.end(rng.choice(("ok", "ok", "error", "aborted")))
                    case 11:
                        kernel.die()
                    case 12 | 13 | 14:
                        it.stage.crash(rng.choice(victims))
                    case 16:
                        nursery.start_soon(ask, ResumeQueue, rng.random() < 0.5, "me")
                    case 15 if disk_fails:
                        it.disk.failing = rng.choice(("", "EIO"))
                    case _:
                        kernel.obeys = rng.random() < 0.7
                for _ in range(rng.choice((0, 1, 3, 10, 40))):
                    await trio.lowlevel.checkpoint()
                if rng.random() < 0.1:
                    await trio.sleep(rng.random())
        kernel.obeys = True
        it.disk.failing = ""
        await it.settle()
        await it.settle()
        await it.address.ask(DismissQueue)
        if disk_fails:  # what went with the hub is not in the document until the queue is written again
            await it.queue(*"abcdef")
            await it.settle()
            while kernel.busy:
                kernel.end()
                await it.settle()
        assert set(it.states()) == {entry.cell_id for entry in it.disk.queue}
        while kernel.busy:
            kernel.end()
            await it.settle()
        assert it.states() == {}
        assert it.disk.queue == ()
        assert it.browser().queue.to_py() == []
        assert it.browser().kernel["busy"] is False
        await it.queue("a")
        await it.settle()
        assert it.states() == {"a": "running"}
