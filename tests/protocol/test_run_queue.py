"""The run queue: which cell runs, which wait, and what is written when."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from protocol.messages import Change, Entry, RunEnded, SetCell, WriteOutputs
from protocol.run_queue import (
    Emptied,
    Ended,
    Event,
    Found,
    Queued,
    Run,
    State,
    Write,
    is_queued,
    refusal,
    step,
)
from protocol.values import JsonObject

pytestmark = pytest.mark.pure

OK, ERROR, INTERRUPTED = RunEnded("ok"), RunEnded("error"), RunEnded("interrupted")
DIED, ABORTED = RunEnded("died", "killed (SIGKILL)"), RunEnded("aborted")


def entry(name: str, begun: bool = False) -> Entry:
    return Entry(f"run-{name}", name, f"source of {name}", begun=begun)


def play(*events: Event, state: State = State()) -> tuple[State, Document]:  # noqa: B008 - frozen
    document = Document()
    for event in events:
        state, effects = step(state, event)
        document.take(effects)
    return state, document


class Document:
    """What the effects make of the document, the recorded queue and the kernel."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.outputs: dict[str, list[JsonObject]] = {}
        self.recorded: tuple[Entry, ...] = ()
        self.runs: list[str] = []
        self.resumed: list[str] = []

    def take(self, effects: Iterable[Write | Run]) -> None:
        for effect in effects:
            match effect:
                case Write(changes, queue):
                    self.change(changes)
                    self.recorded = queue
                case Run(started, resumed):
                    (self.resumed if resumed else self.runs).append(started.cell_id)

    def change(self, changes: Iterable[Change]) -> None:
        for change in changes:
            match change:
                case SetCell(cell_id, values) if "state" in values:
                    self.states[cell_id] = str(values["state"])
                case WriteOutputs(cell_id, start, outputs):
                    self.outputs.setdefault(cell_id, [])[start:] = outputs


def test_the_first_cell_runs_at_once_and_its_old_outputs_and_count_go() -> None:
    state, effects = step(State(), Queued(entry("a")))
    [write, run] = effects
    assert state == State(entry("a", begun=True))
    assert write == Write(
        (SetCell("a", {"state": "running", "execution_count": None}), WriteOutputs("a", 0, ())),
        (entry("a", begun=True),),
    )
    assert run == Run(entry("a", begun=True))


def test_an_entry_that_was_recorded_as_begun_only_runs() -> None:
    assert step(State(), Queued(entry("a", begun=True))) == (
        State(entry("a", begun=True)),
        (Run(entry("a", begun=True)),),
    )


def test_later_cells_wait_and_run_in_order() -> None:
    state, document = play(Queued(entry("a")), Queued(entry("b")), Queued(entry("c")))
    assert [each.cell_id for each in state.recorded] == ["a", "b", "c"]
    assert document.runs == ["a"]
    state, document = play(Ended("run-a", OK), Ended("run-b", OK), state=state)
    assert document.runs == ["b", "c"]
    assert document.states == {"a": "idle", "b": "idle", "c": "running"}
    assert document.recorded == state.recorded == (entry("c", begun=True),)


@pytest.mark.parametrize("ended", [ERROR, DIED, ABORTED], ids=lambda ended: ended.status)
def test_a_failure_sends_waiting_cells_back_to_idle(ended: RunEnded) -> None:
    state, document = play(Queued(entry("a")), Queued(entry("b")), Ended("run-a", ended))
    assert state == State()
    assert document.states == {"a": "idle", "b": "idle"}
    assert document.recorded == ()
    assert document.runs == ["a"]


@pytest.mark.parametrize("ended", [OK, INTERRUPTED], ids=lambda ended: ended.status)
def test_success_and_an_interrupt_of_ours_let_the_queue_go_on(ended: RunEnded) -> None:
    state, document = play(Queued(entry("a")), Queued(entry("b")), Ended("run-a", ended))
    assert state.running == entry("b", begun=True)
    assert document.states == {"a": "idle", "b": "running"}


def test_emptying_leaves_the_running_cell() -> None:
    state, document = play(Queued(entry("a")), Queued(entry("b")), Queued(entry("c")), Emptied())
    assert state == State(entry("a", begun=True))
    assert document.states == {"a": "running", "b": "idle", "c": "idle"}
    assert document.recorded == (entry("a", begun=True),)


def test_emptying_an_empty_queue_and_the_end_of_another_run_change_nothing() -> None:
    state, _ = play(Queued(entry("a")))
    assert step(state, Emptied()) == (state, ())
    assert step(state, Ended("run-z", OK)) == (state, ())
    assert step(State(), Ended("run-a", OK)) == (State(), ())


def test_the_last_outputs_go_into_the_same_edit_before_the_cell_is_idle() -> None:
    state, _ = play(Queued(entry("a")))
    last = WriteOutputs("a", 3, ({"output_type": "stream"},))
    _, [write] = step(state, Ended("run-a", OK, (last,), 4))
    assert write == Write((last, SetCell("a", {"state": "idle"})), ())


@pytest.mark.parametrize(("ended", "name"), [(DIED, "KernelDied"), (ABORTED, "RunAborted")])
def test_a_run_without_a_proper_end_says_why_after_what_it_printed(ended: RunEnded, name: str) -> None:
    state, _ = play(Queued(entry("a")))
    _, [write] = step(state, Ended("run-a", ended, (), 2))
    assert isinstance(write, Write)
    explanation = write.changes[0]
    assert isinstance(explanation, WriteOutputs)
    assert explanation.start == 2  # at a place of its own: written again it is there once
    [output] = explanation.outputs
    reason = ended.reason or "The kernel did not run this cell."
    assert output == {
        "output_type": "error", "ename": name, "evalue": reason, "traceback": [f"{name}: {reason}"],
    }  # fmt: skip


def test_a_running_cell_is_refused_and_a_queued_one_is_known() -> None:
    state, _ = play(Queued(entry("a")), Queued(entry("b")))
    refused = refusal(state, "a")
    assert refused is not None
    assert refused.code == "running"
    assert refusal(state, "b") is None
    assert refusal(State(), "a") is None
    assert (is_queued(state, "a"), is_queued(state, "b")) == (False, True)


def test_after_a_restart_of_the_actor_the_run_in_the_kernel_goes_on() -> None:
    state, document = play(Found((entry("a", begun=True), entry("b")), alive=True))
    assert state == State(entry("a", begun=True), (entry("b"),))
    assert document.resumed == ["a"]
    assert document.runs == []
    assert document.states == {"a": "running", "b": "queued"}
    assert document.outputs == {}


def test_an_entry_that_was_recorded_and_not_begun_begins_afresh() -> None:
    state, document = play(Found((entry("a"), entry("b")), alive=True))
    assert document.runs == ["a"]
    assert document.resumed == []
    assert document.outputs == {"a": []}
    assert document.states == {"a": "running", "b": "queued"}
    assert document.recorded == state.recorded == (entry("a", begun=True), entry("b"))


def test_after_a_restart_of_the_server_the_running_cell_says_so_and_nothing_waits() -> None:
    state, document = play(Found((entry("a", begun=True), entry("b")), alive=False, outputs=1))
    assert state == State()
    assert document.states == {"a": "idle", "b": "idle"}
    assert [output["evalue"] for output in document.outputs["a"]] == ["The kernel ended with the server."]
    assert document.recorded == ()


def test_after_a_restart_of_the_server_a_cell_that_had_not_begun_is_merely_idle() -> None:
    _, document = play(Found((entry("a"),), alive=False))
    assert document.outputs == {}
    assert document.states == {"a": "idle"}


def test_an_empty_queue_is_found_empty() -> None:
    assert step(State(), Found((), alive=True)) == (State(), ())


class Storm(RuleBasedStateMachine):
    """Any events in any order, and actor deaths between: the kernel holds one run, the hub what was recorded."""

    @initialize()
    def begin(self) -> None:
        self.state = State()
        self.document = Document()
        self.in_kernel: str | None = None
        self.number = 0

    def hear(self, event: Event) -> None:
        self.state, effects = step(self.state, event)
        self.document.take(effects)
        for effect in effects:
            if isinstance(effect, Run):
                assert self.in_kernel in (None, effect.entry.id), "one run at a time"
                self.in_kernel = effect.entry.id

    @rule(cell=st.sampled_from("abcdef"))
    def queue(self, cell: str) -> None:
        if refusal(self.state, cell) is None and not is_queued(self.state, cell):
            self.hear(Queued(self.record(cell)))

    def record(self, cell: str) -> Entry:
        """What the hub does on Enqueue."""
        self.number += 1
        begun = self.state == State()  # then the hub begins it in the same append
        made = Entry(f"run{self.number}", cell, "", begun=begun)
        self.document.states[cell] = "running" if begun else "queued"
        self.document.recorded = (*self.document.recorded, made)
        return made

    @rule(ended=st.sampled_from([OK, ERROR, INTERRUPTED, DIED, ABORTED]))
    def end(self, ended: RunEnded) -> None:
        if self.in_kernel is not None:
            run, self.in_kernel = self.in_kernel, None
            self.hear(Ended(run, ended))

    @rule()
    def empty(self) -> None:
        self.hear(Emptied())

    @rule(late=st.sampled_from(["run0", "nobody"]))
    def stale_end(self, late: str) -> None:
        self.hear(Ended(late, DIED))

    @rule()
    def actor_dies(self) -> None:
        self.state = State()
        self.hear(Found(self.document.recorded, alive=True))

    @rule(cell=st.sampled_from("abcdef"))
    def actor_dies_between_the_record_and_the_step(self, cell: str) -> None:
        if refusal(self.state, cell) is None and not is_queued(self.state, cell):
            self.record(cell)
            self.actor_dies()

    @rule()
    def server_dies(self) -> None:
        self.in_kernel = None
        self.state = State()
        self.hear(Found(self.document.recorded, alive=False))

    @invariant()
    def the_recorded_queue_is_what_runs_and_waits(self) -> None:
        assert self.document.recorded == self.state.recorded

    @invariant()
    def a_cell_is_busy_exactly_while_it_has_an_entry(self) -> None:
        busy = {cell: state for cell, state in self.document.states.items() if state != "idle"}
        expected = {each.cell_id: "queued" for each in self.state.waiting}
        if self.state.running is not None:
            expected[self.state.running.cell_id] = "running"
        assert busy == expected

    @invariant()
    def what_runs_is_in_the_kernel_and_nothing_waits_for_an_idle_kernel(self) -> None:
        assert (self.state.running.id if self.state.running else None) == self.in_kernel
        assert self.state.running is not None or not self.state.waiting

    @invariant()
    def only_the_head_has_begun(self) -> None:
        assert [each.begun for each in self.state.recorded] == [
            position == 0 for position in range(len(self.state.recorded))
        ]


Storm.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestStorm = Storm.TestCase
