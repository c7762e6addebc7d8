"""Supervision under a mock clock: every delay here is exact."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
import pytest
import trio
import trio.testing

from actors.mailbox import Actor, ActorDied, ActorStopped, Mailbox, again
from actors.supervisor import (
    Child,
    ChildStatus,
    Kill,
    RestartsExceeded,
    Retry,
    Status,
    Supervisor,
    SupervisorMessage,
)
from protocol.messages.shared import Done, Refused, Reply

pytestmark = pytest.mark.actor


class Echo(msgspec.Struct, frozen=True):
    reply: Reply[str]
    text: str


class Crash(msgspec.Struct, frozen=True):
    pass


class Return(msgspec.Struct, frozen=True):
    pass


Message: TypeAlias = Echo | Crash | Return


class Witness:
    """Actors that write down when each incarnation begins and ends."""

    def __init__(self) -> None:
        self.log: list[tuple[float, str]] = []

    def note(self, what: str) -> None:
        self.log.append((round(trio.current_time() - self.zero, 6), what))

    @property
    def events(self) -> list[str]:
        return [what for _, what in self.log]

    def times(self, what: str) -> list[float]:
        return [time for time, event in self.log if event == what]

    def begin(self) -> None:
        self.zero = trio.current_time()

    def actor(self, name: str, *, start: float = 0.0, stop: float = 0.0) -> Actor[Message]:
        """``start``: seconds before it is up; ``stop``: seconds that its clean end takes."""

        async def run(mailbox: Mailbox[Message]) -> None:
            self.note(f"{name} begins")
            try:
                await trio.sleep(start)
                async for message in mailbox:
                    match message:
                        case Echo(reply, text):
                            reply(f"{name}: {text}")
                        case Crash():
                            raise ValueError(f"{name} is ill")
                        case Return():
                            return
                await trio.sleep(stop)
            finally:
                self.note(f"{name} ends")

        return run


class Tree:
    """A supervisor that runs, and how it ended. Leaving is a clean stop."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.root: Child[SupervisorMessage] = Child("root", supervisor.run)
        self.ended: list[Exception | None] = []
        self.over = trio.Event()

    async def __aenter__(self) -> Tree:
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        up = trio.Event()
        self._nursery.start_soon(self._run, up.set)
        await _first(up.wait, self.over.wait)
        return self

    async def _run(self, up: Callable[[], None]) -> None:
        self.ended.append(await self.root.incarnation(up))
        self.over.set()

    async def stop(self) -> None:
        self.root.stopping = True
        self.root.channel.end()
        await self.over.wait()

    async def __aexit__(self, *error: Any) -> None:
        if error[0] is None:
            await self.stop()
        else:
            self._nursery.cancel_scope.cancel()
        await self._manager.__aexit__(*error)

    def status(self, name: str) -> ChildStatus:
        return self.supervisor.children[name].status


async def _first(*waits: Callable[[], Awaitable[None]]) -> None:
    async with trio.open_nursery() as nursery:

        async def one(wait: Callable[[], Awaitable[None]]) -> None:
            await wait()
            nursery.cancel_scope.cancel()

        for wait in waits:
            nursery.start_soon(one, wait)


@pytest.fixture
def witness() -> Witness:
    return Witness()


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked()


# --------------------------------------------------------------------------------------------------- starting


async def test_children_start_in_order_each_when_the_one_before_is_up(witness: Witness) -> None:
    witness.begin()
    a = Child("a", witness.actor("a", start=2))
    b = Child("b", witness.actor("b", start=1))
    async with Tree(Supervisor("s", [a, b])) as tree:
        assert witness.log == [(0, "a begins"), (2, "b begins")]
        assert trio.current_time() - witness.zero == 3  # the supervisor is up when all are
        assert tree.status("a") == ChildStatus("up", 1)
        assert await b.address.ask(Echo, "hello") == "b: hello"


async def test_a_crash_before_the_first_wait_counts_and_keeps_the_next_child_waiting(witness: Witness) -> None:
    attempts: list[float] = []

    async def slow_to_heal(mailbox: Mailbox[Message]) -> None:
        attempts.append(trio.current_time())
        if len(attempts) < 3:
            raise OSError("not yet")
        await witness.actor("a")(mailbox)

    witness.begin()
    children = [Child("a", slow_to_heal), Child("b", witness.actor("b"))]
    async with Tree(Supervisor("s", children)) as tree:
        assert witness.events == ["a begins", "b begins"]
        assert tree.status("a") == ChildStatus("up", 3, "OSError: not yet")
    assert len(attempts) == 3


async def test_a_child_that_never_starts_makes_the_supervisor_give_up() -> None:
    async def broken(mailbox: Mailbox[Message]) -> None:
        raise OSError("no disk")

    async with Tree(Supervisor("s", [Child("a", broken)])) as tree:
        pass
    [error] = tree.ended
    assert isinstance(error, RestartsExceeded)
    assert str(error) == "a crashed 4 times: OSError: no disk"


# ------------------------------------------------------------------------------------------------- restarting


async def test_the_first_restart_is_at_once_and_later_ones_wait_longer_up_to_the_cap(witness: Witness) -> None:
    async def ill(mailbox: Mailbox[Message]) -> None:
        witness.note("begins")
        mailbox.up()
        raise ValueError

    witness.begin()
    async with Tree(Supervisor("s", [Child("a", ill)], restarts=7)) as tree:
        await tree.over.wait()
    begun = witness.times("begins")
    gaps = [round(after - before, 6) for before, after in itertools.pairwise(begun)]
    assert gaps == [0, 0.05, 0.1, 0.2, 0.4, 0.4, 0.4]


async def test_queued_mail_survives_a_restart(witness: Witness) -> None:
    witness.begin()
    child = Child("a", witness.actor("a", start=1))
    async with Tree(Supervisor("s", [child])):
        await child.address.tell(Crash())
        answers = [await child.address.request(Echo, text) for text in "xyz"]
        assert [await answer() for answer in answers] == ["a: x", "a: y", "a: z"]
        assert witness.events == ["a begins", "a ends", "a begins"]


async def test_an_ask_in_hand_at_a_crash_fails_with_actor_died() -> None:
    async def takes_and_dies(mailbox: Mailbox[Message]) -> None:
        async for _ in mailbox:
            raise ValueError

    child = Child("a", takes_and_dies)
    async with Tree(Supervisor("s", [child])):
        with pytest.raises(ActorDied):
            await child.address.ask(Echo, "x")


async def test_a_permanent_actor_that_returns_has_crashed(witness: Witness) -> None:
    witness.begin()
    child = Child("a", witness.actor("a"))
    async with Tree(Supervisor("s", [child])) as tree:
        await child.address.tell(Return())
        assert await child.address.ask(Echo, "again") == "a: again"
        assert tree.status("a") == ChildStatus("up", 2, "Returned: a")


async def test_an_exception_group_is_one_crash() -> None:
    async def two_at_once(mailbox: Mailbox[Message]) -> None:
        async def fail(error: Exception) -> None:
            await mailbox_read.wait()
            raise error

        mailbox_read = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail, ValueError("one"))
            nursery.start_soon(fail, KeyError("two"))
            await mailbox.receive()
            mailbox_read.set()

    child = Child("a", two_at_once)
    supervisor = Supervisor("s", [child], restarts=3)
    async with Tree(supervisor) as tree:
        for incarnation in (2, 3, 4):
            await child.address.tell(Crash())
            await trio.sleep(1)
            status = tree.status("a")
            assert (status.state, status.incarnation) == ("up", incarnation)
            assert status.reason in ("ValueError: one", "KeyError: 'two'")


async def test_more_crashes_than_allowed_within_five_seconds_give_up(witness: Witness) -> None:
    witness.begin()
    child = Child("a", witness.actor("a"))
    other = Child("b", witness.actor("b"))
    async with Tree(Supervisor("s", [child, other])) as tree:
        for _ in range(3):
            await child.address.tell(Crash())
            await trio.sleep(1)
        assert tree.status("a").state == "up"
        assert not tree.over.is_set()
        await child.address.tell(Crash())
        await tree.over.wait()
    [error] = tree.ended
    assert type(error) is RestartsExceeded  # not wrapped into a group
    assert witness.events[-1] == "b ends"


async def test_crashes_of_several_children_count_together(witness: Witness) -> None:
    witness.begin()
    children = [Child(name, witness.actor(name)) for name in "abcd"]
    async with Tree(Supervisor("s", children)) as tree:
        for child in children:
            await child.address.tell(Crash())
        await tree.over.wait()
    assert isinstance(tree.ended[0], RestartsExceeded)


async def test_the_count_clears_after_five_seconds_of_health(witness: Witness) -> None:
    witness.begin()
    child = Child("a", witness.actor("a"))
    async with Tree(Supervisor("s", [child])) as tree:
        for _ in range(4):
            for _ in range(3):
                await child.address.tell(Crash())
                await child.address.ask(Echo, "")
            await trio.sleep(5.2)
        assert tree.status("a").incarnation == 13
        died, begun = witness.times("a ends"), witness.times("a begins")
        assert begun[10] == died[9]  # the first restart of the last round was at once again


async def test_health_clears_the_count_even_within_a_longer_window(witness: Witness) -> None:
    witness.begin()
    child = Child("a", witness.actor("a"))
    async with Tree(Supervisor("s", [child], within=1000, healthy=2)) as tree:
        for _ in range(5):
            for _ in range(3):
                await child.address.tell(Crash())
                await child.address.ask(Echo, "")
            await trio.sleep(2.1)
        for _ in range(4):
            await child.address.tell(Crash())
            await trio.sleep(1.9)
        assert tree.over.is_set()


async def test_crashes_that_are_far_apart_never_give_up(witness: Witness) -> None:
    witness.begin()
    child = Child("a", witness.actor("a"))
    async with Tree(Supervisor("s", [child])):
        for _ in range(20):
            await child.address.tell(Crash())
            await trio.sleep(1.7)  # at most three within any five seconds
        assert await child.address.ask(Echo, "x") == "a: x"


async def test_asks_that_wait_when_the_supervisor_gives_up_fail(witness: Witness) -> None:
    async def never(mailbox: Mailbox[Message]) -> None:
        mailbox.up()
        await trio.sleep(0.01)
        raise ValueError

    witness.begin()
    child = Child("a", never)
    async with Tree(Supervisor("s", [child])) as tree:
        with pytest.raises(ActorDied):
            await child.address.ask(Echo, "x")
    assert isinstance(tree.ended[0], RestartsExceeded)


# ----------------------------------------------------------------------------------------- temporary children


async def test_a_temporary_child_that_fails_waits_for_a_retry_and_costs_its_supervisor_nothing(
    witness: Witness,
) -> None:
    witness.begin()
    weak = Child("weak", witness.actor("weak"), temporary=True)
    strong = Child("strong", witness.actor("strong"))
    async with Tree(Supervisor("s", [weak, strong])) as tree:
        for round_ in range(1, 8):
            assert await weak.address.ask(Echo, "x") == "weak: x"
            await weak.address.tell(Crash())
            await settle()
            assert tree.status("weak") == ChildStatus("failed", round_, "ValueError: weak is ill")
            await trio.sleep(100)
            assert tree.status("weak").state == "failed"
            assert await tree.root.address.ask(Retry, "weak") == Done()
        for _ in range(3):  # all of the intensity is still there
            await strong.address.tell(Crash())
        assert await strong.address.ask(Echo, "x") == "strong: x"


async def test_a_temporary_child_that_cannot_start_does_not_keep_the_others_from_starting(
    witness: Witness,
) -> None:
    async def broken(mailbox: Mailbox[Message]) -> None:
        await trio.sleep(1)
        raise OSError("no file")

    witness.begin()
    sound = Child("b", witness.actor("b"))
    async with Tree(Supervisor("s", [Child("a", broken, temporary=True), sound])) as tree:
        assert tree.status("a") == ChildStatus("failed", 1, "OSError: no file")
        assert await sound.address.ask(Echo, "x") == "b: x"


async def test_a_retry_of_what_has_not_failed_is_refused(witness: Witness) -> None:
    witness.begin()
    async with Tree(Supervisor("s", [Child("a", witness.actor("a"), temporary=True)])) as tree:
        for name in ("a", "nobody"):
            answer = await tree.root.address.ask(Retry, name)
            assert isinstance(answer, Refused)
            assert answer.code == "not_failed"


async def test_each_change_of_status_is_reported_once(witness: Witness) -> None:
    seen: list[tuple[str, int]] = []
    witness.begin()
    child = Child("a", witness.actor("a"))
    supervisor = Supervisor(
        "s", [child], report=lambda name, status: seen.append((status.state, status.incarnation))
    )
    async with Tree(supervisor):
        for _ in range(10):
            await child.address.ask(Echo, "x")
        await child.address.tell(Crash())
        await child.address.ask(Echo, "x")
    assert seen == [("starting", 1), ("up", 1), ("restarting", 1), ("starting", 2), ("up", 2), ("stopped", 2)]


# --------------------------------------------------------------------------------------------------- stopping


async def test_a_clean_stop_goes_in_reverse_order_after_the_mail_that_waits(witness: Witness) -> None:
    witness.begin()
    a, b = Child("a", witness.actor("a", stop=0.3)), Child("b", witness.actor("b", stop=0.3))
    async with Tree(Supervisor("s", [a, b])) as tree:
        answer = await b.address.request(Echo, "last words")
        await tree.stop()
        assert await answer() == "b: last words"
    assert witness.log == [(0, "a begins"), (0, "b begins"), (0.3, "b ends"), (0.6, "a ends")]
    assert tree.ended == [None]
    assert tree.status("a").state == "stopped"


async def test_a_child_that_does_not_stop_is_cancelled_after_its_grace(witness: Witness) -> None:
    witness.begin()
    a, b = Child("a", witness.actor("a")), Child("b", witness.actor("b", stop=60), grace=2)
    async with Tree(Supervisor("s", [a, b])):
        pass
    assert witness.log[2:] == [(2, "b ends"), (2, "a ends")]


async def test_after_the_stop_every_ask_fails(witness: Witness) -> None:
    witness.begin()
    child = Child("a", witness.actor("a"))
    async with Tree(Supervisor("s", [child])):
        pass
    with pytest.raises(ActorStopped):
        await child.address.ask(Echo, "x")
    with pytest.raises(ActorStopped):
        await child.address.tell(Crash())


async def test_a_question_that_was_never_read_fails_at_the_stop(witness: Witness) -> None:
    async def deaf(mailbox: Mailbox[Message]) -> None:
        mailbox.up()
        await trio.sleep_forever()

    child = Child("a", deaf)
    async with Tree(Supervisor("s", [child])):
        answer = await child.address.request(Echo, "x")
    with pytest.raises(ActorStopped):
        await answer()


async def test_a_stop_ends_backoff_and_failure(witness: Witness) -> None:
    witness.begin()
    failed = Child("failed", witness.actor("failed"), temporary=True)
    child = Child("a", witness.actor("a"))
    async with Tree(Supervisor("s", [failed, child], backoff=(0.05, 0.4))) as tree:
        await failed.address.tell(Crash())
        await child.address.tell(Crash())
        await child.address.ask(Echo, "")
        await child.address.tell(Crash())
        await settle()
        assert tree.status("a").state == "restarting"
        assert tree.status("failed").state == "failed"
    assert trio.current_time() - witness.zero <= 0.4
    assert tree.ended == [None]


async def test_a_crash_while_stopping_is_the_end_and_not_a_restart(witness: Witness) -> None:
    async def ill_at_the_end(mailbox: Mailbox[Message]) -> None:
        witness.note("begins")
        async for _ in mailbox:
            pass
        raise ValueError

    witness.begin()
    async with Tree(Supervisor("s", [Child("a", ill_at_the_end)])) as tree:
        pass
    assert witness.events == ["begins"]
    assert tree.ended == [None]


# ------------------------------------------------------------------------------------------ killing and nesting


async def test_a_killed_child_is_restarted_and_its_cleanup_has_run(witness: Witness) -> None:
    witness.begin()
    child = Child("a", witness.actor("a"))
    async with Tree(Supervisor("s", [child])) as tree:
        assert await tree.root.address.ask(Kill, "a") == Done()
        assert await child.address.ask(Echo, "x") == "a: x"
        assert witness.events == ["a begins", "a ends", "a begins"]
        assert tree.status("a") == ChildStatus("up", 2, "Killed: a")
        refused = await tree.root.address.ask(Kill, "nobody")
        assert isinstance(refused, Refused)
        assert await tree.root.address.ask(Status) == {"a": ChildStatus("up", 2, "Killed: a")}


async def test_a_subtree_that_gives_up_fails_alone_and_a_retry_starts_all_of_it_again(witness: Witness) -> None:
    witness.begin()
    leaf, sibling = Child("leaf", witness.actor("leaf")), Child("sibling", witness.actor("sibling"))
    inner = Supervisor("inner", [leaf, sibling])
    branch: Child[SupervisorMessage] = Child("branch", inner.run, temporary=True)
    other = Child("other", witness.actor("other"))
    async with Tree(Supervisor("s", [branch, other])) as tree:
        for _ in range(4):
            await leaf.address.tell(Crash())
        await trio.sleep(1)
        status = tree.status("branch")
        assert status == ChildStatus("failed", 1, "leaf crashed 4 times: ValueError: leaf is ill")
        assert inner.children["sibling"].status.state == "stopped"
        assert await other.address.ask(Echo, "x") == "other: x"
        await tree.root.address.ask(Retry, "branch")
        assert await leaf.address.ask(Echo, "back") == "leaf: back"
        assert await sibling.address.ask(Echo, "back") == "sibling: back"
        await branch.address.ask(Kill, "leaf")  # and with a clean count
        assert await leaf.address.ask(Echo, "x") == "leaf: x"
    for address in (leaf.address, sibling.address, branch.address, other.address):
        with pytest.raises(ActorStopped):
            await address.tell(Crash())  # type: ignore[arg-type]


async def test_an_error_in_the_cleanup_of_a_sibling_does_not_hide_that_the_supervisor_gave_up() -> None:
    async def ill(mailbox: Mailbox[Message]) -> None:
        await mailbox.receive()
        raise ValueError

    async def untidy(mailbox: Mailbox[Message]) -> None:
        try:
            await mailbox.receive()
        finally:
            raise KeyError("in cleanup")

    child = Child("a", ill)
    branch: Child[SupervisorMessage] = Child(
        "branch", Supervisor("inner", [child, Child("b", untidy)], restarts=0).run, temporary=True
    )
    async with Tree(Supervisor("s", [branch])) as tree:
        await child.address.tell(Crash())
        await trio.sleep(1)
        assert tree.status("branch").state == "failed"
    assert tree.ended == [None]


class Step(msgspec.Struct, frozen=True):
    reply: Reply[int]


@pytest.mark.parametrize("seed", range(8))
async def test_a_kill_at_any_checkpoint_leaves_the_supervisor_whole(seed: int) -> None:
    """An actor with a checkpoint in every place where one can be, killed after a random number of them."""
    rng = random.Random(seed)
    print("seed", seed)
    alive = 0

    async def actor(mailbox: Mailbox[Step]) -> None:
        nonlocal alive
        alive += 1
        try:
            assert alive == 1  # never two incarnations at once
            await trio.lowlevel.checkpoint()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                async for message in mailbox:
                    await trio.lowlevel.checkpoint()
                    message.reply(1)
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await trio.lowlevel.checkpoint()
            alive -= 1

    child = Child("a", actor)
    answered = died = 0
    async with Tree(Supervisor("s", [child], restarts=10**6, backoff=(0, 0))) as tree:

        async def ask() -> None:
            nonlocal answered, died
            for _ in range(40):
                try:
                    one = await child.address.ask(Step)
                except ActorDied:
                    died += 1
                else:
                    answered += one

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
            for _ in range(60):
                for _ in range(rng.randrange(12)):
                    await trio.lowlevel.checkpoint()
                await tree.root.address.ask(Kill, "a")
        assert answered + died == 120  # every ask ends, one way or the other
        assert await again(lambda: child.address.ask(Step)) == 1
        assert tree.status("a").state == "up"
    assert alive == 0
    assert tree.ended == [None]
    assert died > 0
    assert tree.status("a").incarnation > 10
