"""Orders to the run queue, limits, and a storm of everything that can happen to it (I4 and I5 of the promises)."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from protocol.messages.changes import SetCell
from protocol.messages.kernel import RunEnded
from protocol.messages.shared import Entry, Terms
from protocol.run_events import (
    Added,
    Cancelled,
    Dismissed,
    Emptied,
    Ended,
    Event,
    Expired,
    Found,
    Interrupt,
    Moment,
    Moved,
    Paused,
    Queued,
    Run,
    Started,
    State,
    TakenUp,
    Write,
)
from protocol.run_queue import (
    chosen,
    fresh,
    is_queued,
    live,
    not_waiting,
    refusal,
    step,
    with_entries,
)
from protocol.values import JsonObject
from tests.protocol.test_run_queue import ABORTED, DIED, ERROR, INTERRUPTED, OK, Document, entry, play

pytestmark = pytest.mark.pure

CELLS = "abcdef"


def names(state: State) -> str:
    return "".join(each.cell_id for each in state.recorded)


def queued(cells: str, terms: Terms | None = None, command: str = "one") -> State:
    entries = tuple(replace(entry(cell), terms=terms or Terms(), command=command) for cell in cells)
    return step(State(), Added(entries))[0]


# ------------------------------------------------------------------------------------------------------- orders


def test_many_cells_at_once_wait_in_their_order_behind_the_others() -> None:
    state, document = play(Queued(entry("a")), Added((entry("b"), entry("c"))))
    assert names(state) == "abc"
    assert document.runs == ["a"]
    state, document = play(Added((entry("b"), entry("c"))))
    assert document.runs == ["b"]


def test_a_command_leaves_out_what_waits_or_runs() -> None:
    assert fresh(queued("ab"), (entry("a"), entry("b"), entry("c"))) == (entry("c"),)


def test_a_cancelled_cell_is_idle_and_the_others_keep_their_order() -> None:
    state, document = play(Cancelled("b"), state=queued("abc"))
    assert names(state) == "ac"
    assert document.states == {"b": "idle"}
    assert document.recorded == state.recorded
    assert step(state, Cancelled("a")) == step(state, Cancelled("b")) == (state, ())


@pytest.mark.parametrize(
    ("cell", "place", "expected"), [("d", 1, "adbc"), ("b", 3, "acdb"), ("b", 99, "acdb"), ("c", 2, "abcd")]
)
def test_a_moved_cell_has_its_place_among_those_that_wait(cell: str, place: int, expected: str) -> None:
    state, document = play(Moved(cell, place), state=queued("abcd"))
    assert names(state) == expected
    assert document.runs == []
    if expected != "abcd":
        assert document.recorded == state.recorded


def test_what_does_not_wait_can_be_neither_cancelled_nor_moved() -> None:
    state = queued("ab")
    codes = [refused and refused.code for refused in (not_waiting(state, cell) for cell in "abc")]
    assert codes == ["running", None, "not_queued"]


def test_a_paused_queue_begins_nothing_until_it_goes_on() -> None:
    state, document = play(Paused(True), Ended("run-a", OK), state=queued("abc"))
    assert (state.running, state.paused, names(state)) == (None, True, "bc")
    assert document.runs == []
    assert not state.free
    state, document = play(Queued(entry("d")), state=state)
    assert (names(state), document.runs) == ("bcd", [])
    state, document = play(Paused(False), state=state)
    assert document.runs == ["b"]
    assert document.recorded == state.recorded


def test_emptying_the_queue_ends_a_pause() -> None:
    state, document = play(Paused(True), Emptied(), state=queued("ab"))
    assert (names(state), state.paused) == ("a", False)
    assert document.kernel == {"paused": False}


def test_a_pause_outlives_the_actor_and_not_the_server() -> None:
    recorded = queued("ab").recorded
    state, _ = step(State(), Found(recorded, alive=True, paused=True))
    assert state.paused
    state, document = play(Found((entry("a"),), alive=True, paused=True))
    assert (document.runs, document.states) == ([], {"a": "queued"})
    state, document = play(Found(recorded, alive=False, paused=True))
    assert (state.paused, document.kernel) == (False, {"paused": False})


# ------------------------------------------------------------------------------------------------ errors, limits

GOES_ON = Terms(stop_on_error=False)


@pytest.mark.parametrize("ended", [ERROR, DIED, ABORTED, INTERRUPTED, OK], ids=lambda ended: ended.status)
def test_a_run_that_goes_on_after_errors_stops_only_where_nothing_can_go_on(ended: RunEnded) -> None:
    _, document = play(Ended("run-a", ended), state=queued("ab", GOES_ON))
    assert document.runs == ([] if ended in (DIED, ABORTED) else ["b"])
    assert document.states["b"] == ("idle" if ended in (DIED, ABORTED) else "running")


def test_an_expected_error_stops_nothing() -> None:
    state = queued("ab")
    assert state.running is not None
    state = replace(state, running=replace(state.running, expects_error=True))
    assert play(Ended("run-a", ERROR), state=state)[1].runs == ["b"]


def test_a_cells_time_counts_from_when_the_kernel_begins_with_it() -> None:
    state = queued("ab", Terms(cell_seconds=5))
    assert state.due == inf
    state, _ = step(state, Started("run-a"), Moment(100, 7))
    assert state.running is not None
    assert (state.due, state.running.began) == (105, 7)
    assert step(state, Started("run-a"), Moment(103)) == (state, ())
    assert step(state, Expired(), Moment(104.9)) == (state, ())
    state, (write, interrupt) = step(state, Expired(), Moment(105))
    assert isinstance(write, Write)
    assert interrupt == Interrupt()
    assert state.running is not None
    assert state.due == inf
    assert write.queue == state.recorded, "an actor that dies now interrupts it again"
    _, effects = step(State(), Found(state.recorded, alive=True))
    assert effects[-1] == Interrupt()


@pytest.mark.parametrize(("terms", "goes_on"), [(Terms(True, 5), False), (Terms(False, 5), True)])
def test_a_cell_that_ran_too_long_says_so_and_counts_as_an_error(terms: Terms, goes_on: bool) -> None:
    state, _ = step(queued("ab", terms), Started("run-a"))
    state, _ = step(state, Expired(), Moment(5))
    state, document = play(Ended("run-a", INTERRUPTED, outputs=1), state=state)
    assert document.runs == (["b"] if goes_on else [])
    assert document.outputs["a"][0]["evalue"] == "Interrupted: it ran longer than the 5 s that a cell may take."
    assert document.told["a"]["status"] == "time limit"


def test_a_cell_that_ended_well_just_in_time_did() -> None:
    state, _ = step(queued("ab", Terms(cell_seconds=5)), Started("run-a"))
    state, _ = step(state, Expired(), Moment(5))
    _, document = play(Ended("run-a", OK), state=state)
    assert (document.runs, document.told["a"]["status"]) == (["b"], "ok")


def test_a_runs_time_is_that_of_all_its_cells_and_of_no_other() -> None:
    state, _ = step(queued("abc", Terms(run_seconds=9)), Added((entry("d"),)))
    state, _ = step(state, Started("run-a"))
    state, _ = step(state, Ended("run-a", OK), Moment(8))
    state, _ = step(state, Started("run-b"), Moment(8))
    assert state.due == 9
    state, effects = step(state, Expired(), Moment(9))
    assert effects[-1] == Interrupt()
    assert names(state) == "bd"
    state, document = play(Ended("run-b", INTERRUPTED), state=state)
    assert document.outputs["b"][0]["evalue"] == "Interrupted: the 9 s for all cells of this run were over."


def test_the_document_says_who_asked_and_when_what_happened() -> None:
    asked = replace(entry("a"), queued=10.0)
    state, document = play(Queued(asked), now=Moment(0, 11))
    assert document.told["a"] == {"who": "me", "queued": 10.0, "began": 11, "source_crc": 0xDB6208AA}
    state, _ = step(state, Started("run-a"), Moment(0, 12))
    times = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    _, document = play(Ended("run-a", OK, times=times), state=state, now=Moment(0, 13))
    assert document.told["a"] == {
        "who": "me", "queued": 10.0, "began": 12, "ended": 13, "status": "ok", "source_crc": 0xDB6208AA,
        "execution": times,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- a storm


class Storm(RuleBasedStateMachine):
    """Any events in any order, and actor deaths between: the kernel holds one run, the hub what was recorded."""

    @initialize()
    def begin(self) -> None:
        self.state = State()
        self.document = Document()
        self.in_kernel: str | None = None
        self.interrupted = False
        self.number = 0
        self.clock = 0.0

    def hear(self, event: Event) -> None:
        self.state, effects = step(self.state, event, Moment(self.clock, self.clock))
        self.document.take(effects)
        for effect in effects:
            if isinstance(effect, Run):
                assert self.in_kernel in (None, effect.entry.id), "one run at a time"
                self.interrupted = self.interrupted and effect.resumed
                self.in_kernel = effect.entry.id
            elif isinstance(effect, Interrupt):
                assert self.in_kernel is not None
                self.interrupted = True

    def new(self, cell: str, terms: Terms | None = None, command: str = "") -> Entry:
        self.number += 1
        return Entry(f"run{self.number}", cell, "", command=command, terms=terms or Terms())

    def record(self, *entries: Entry) -> None:
        """What the hub does when entries come: they wait, and nobody offers their cells any more."""
        for each in entries:
            self.document.states[each.cell_id] = "running" if each.begun else "queued"
        self.document.recorded = with_entries(self.document.recorded, *entries)

    # What people do.

    @rule(cell=st.sampled_from(CELLS), dies=st.booleans())
    def queue(self, cell: str, dies: bool) -> None:
        """``dies``: the actor, between the record and the step; the hub records what begins as such."""
        if refusal(self.state, cell) is None and not is_queued(self.state, cell):
            made = replace(self.new(cell), begun=self.state.free)
            self.record(made)
            self.actor_dies() if dies else self.hear(Queued(made))

    @rule(
        cells=st.lists(st.sampled_from(CELLS), unique=True),
        terms=st.builds(Terms, st.booleans(), st.sampled_from([None, 2]), st.sampled_from([None, 5])),
        dies=st.booleans(),
    )
    def run_many(self, cells: list[str], terms: Terms, dies: bool) -> None:
        command = f"command{self.number}"
        made = fresh(self.state, tuple(self.new(cell, terms, command) for cell in cells))
        self.record(*made)
        if made:
            self.actor_dies() if dies else self.hear(Added(made))

    @rule(cell=st.sampled_from(CELLS))
    def cancel(self, cell: str) -> None:
        waits = not_waiting(self.state, cell) is None
        self.hear(Cancelled(cell))
        assert not is_queued(self.state, cell)
        assert not waits or self.document.states[cell] == "idle"

    @rule(cell=st.sampled_from(CELLS), place=st.integers(1, 7))
    def move(self, cell: str, place: int) -> None:
        before = self.state.waiting
        self.hear(Moved(cell, place))
        assert sorted(each.id for each in before) == sorted(each.id for each in self.state.waiting)
        if is_queued(self.state, cell):
            at = [each.cell_id for each in self.state.waiting].index(cell) + 1
            assert at == min(place, len(before))

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.hear(Paused(paused))
        assert self.state.paused == paused

    @rule()
    def empty(self) -> None:
        self.hear(Emptied())
        assert not self.state.waiting

    @rule(interrupted=st.booleans(), dies=st.booleans())
    def take_up(self, interrupted: bool, dies: bool) -> None:
        """The hub records what was chosen, under new ids."""
        taken = tuple(self.new(each.cell_id) for each in chosen(self.state, interrupted))
        if not taken:
            return
        for each in taken:
            self.document.states[each.cell_id] = "queued"
        self.document.recorded = (*live(self.document.recorded), *taken)
        self.actor_dies() if dies else self.hear(TakenUp(taken))
        assert not self.state.offered

    @rule()
    def dismiss(self) -> None:
        self.hear(Dismissed())
        assert not self.state.offered

    # What the kernel does, and time.

    @precondition(lambda self: self.in_kernel is not None)
    @rule()
    def start(self) -> None:
        assert self.in_kernel is not None
        self.hear(Started(self.in_kernel))

    @precondition(lambda self: self.in_kernel is not None)
    @rule(ended=st.sampled_from([OK, ERROR, INTERRUPTED, DIED, ABORTED]))
    def end(self, ended: RunEnded) -> None:
        run, self.in_kernel = self.in_kernel, None
        assert run is not None
        self.hear(Ended(run, ended))

    @rule(late=st.sampled_from(["run0", "nobody"]))
    def stale_news(self, late: str) -> None:
        before = self.state
        self.hear(Started(late))
        self.hear(Ended(late, DIED))
        assert self.state == before

    @rule(seconds=st.floats(0, 4))
    def time_goes_by(self, seconds: float) -> None:
        """The actor sleeps until the next limit."""
        self.clock += seconds
        if self.state.due <= self.clock:
            self.hear(Expired())
        assert self.state.due > self.clock

    # What dies.

    @rule()
    def actor_dies(self) -> None:
        paused, self.state = self.document.kernel.get("paused") is True, State()
        self.hear(Found(self.document.recorded, alive=True, paused=paused))
        assert self.state.paused == paused

    @rule(gone=st.frozensets(st.sampled_from(CELLS), max_size=2))
    def server_dies(self, gone: frozenset[str]) -> None:
        """Entries come back as the journal has them; the server's clock is another."""
        was = [each.cell_id for each in (*self.state.offered, *live(self.state.recorded))]
        recorded = tuple(
            Entry(each.id, each.cell_id, each.source, each.who, each.begun, each.offered)
            for each in self.document.recorded
        )
        self.document.recorded, self.in_kernel, self.state = recorded, None, State()
        paused = self.document.kernel.get("paused") is True
        self.hear(Found(recorded, alive=False, gone=gone, paused=paused))
        assert self.in_kernel is None, "nothing runs by itself"
        assert not self.state.paused
        assert [each.cell_id for each in self.state.offered] == [cell for cell in was if cell not in gone]

    # What always holds.

    @invariant()
    def the_recorded_queue_is_what_runs_and_waits(self) -> None:
        assert self.document.recorded == self.state.recorded
        assert (self.document.kernel.get("paused") is True) == self.state.paused

    @invariant()
    def a_cell_is_busy_exactly_while_it_has_an_entry(self) -> None:
        """I4, with the next."""
        busy = {cell: state for cell, state in self.document.states.items() if state != "idle"}
        expected = {each.cell_id: "queued" for each in self.state.waiting}
        if self.state.running is not None:
            expected[self.state.running.cell_id] = "running"
        assert busy == expected

    @invariant()
    def what_runs_is_in_the_kernel_and_nothing_waits_for_an_idle_kernel_unless_paused(self) -> None:
        assert (self.state.running.id if self.state.running else None) == self.in_kernel
        assert self.state.running is not None or not self.state.waiting or self.state.paused

    @invariant()
    def only_what_runs_has_begun(self) -> None:
        """I5: outputs are emptied when a run begins, and only its own come after."""
        assert [each.begun for each in live(self.state.recorded)] == [
            each is self.state.running for each in live(self.state.recorded)
        ]

    @invariant()
    def what_is_overdue_is_interrupted(self) -> None:
        if self.state.running is not None and self.state.running.overdue:
            assert self.interrupted

    @invariant()
    def a_cell_is_in_the_record_once(self) -> None:
        cells = [each.cell_id for each in self.state.recorded]
        assert len(cells) == len(set(cells))


Storm.TestCase.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
TestStorm = Storm.TestCase


def test_a_cell_that_never_waits_has_no_time_in_the_queue() -> None:
    _, document = play(Queued(entry("a")))
    [change] = [each for each in document.changes if isinstance(each, SetCell)]
    values: JsonObject = change.values
    assert values["queued"] is None
