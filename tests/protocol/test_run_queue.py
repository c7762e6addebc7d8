"""The run queue: which cell runs, which wait, and what is written when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from protocol.messages.changes import Change, SetCell, SetKernel, WriteOutputs
from protocol.messages.kernel import RunEnded
from protocol.messages.shared import Entry
from protocol.run_events import (
    Dismissed,
    Effect,
    Emptied,
    Ended,
    Event,
    Found,
    Interrupt,
    Moment,
    Queued,
    Run,
    State,
    TakenUp,
    Write,
)
from protocol.run_queue import (
    chosen,
    is_queued,
    offer,
    recovered,
    refusal,
    step,
    with_entries,
)
from protocol.run_words import source_crc
from protocol.values import CellValue, JsonObject, NotebookValue

pytestmark = pytest.mark.pure

OK, ERROR, INTERRUPTED = RunEnded("ok"), RunEnded("error"), RunEnded("interrupted")
DIED, ABORTED = RunEnded("died", "killed (SIGKILL)"), RunEnded("aborted")


def entry(name: str, begun: bool = False, offered: bool = False) -> Entry:
    return Entry(f"run-{name}", name, f"source of {name}", "me", begun, offered)


def offered(name: str, begun: bool = False) -> Entry:
    return entry(name, begun, offered=True)


def play(
    *events: Event,
    state: State = State(),  # noqa: B008 - frozen
    now: Moment = Moment(),  # noqa: B008
) -> tuple[State, Document]:
    document = Document()
    for event in events:
        state, effects = step(state, event, now)
        document.take(effects)
    return state, document


class Document:
    """What the effects make of the document, the recorded queue and the kernel."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.outputs: dict[str, list[JsonObject]] = {}
        self.recorded: tuple[Entry, ...] = ()
        self.kernel: JsonObject = {}
        self.told: dict[str, Any] = {}
        self.changes: list[Change] = []
        self.runs: list[str] = []
        self.resumed: list[str] = []
        self.interrupts = 0

    def take(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Write(changes, queue):
                    self.change(changes)
                    self.recorded = queue
                case Run(started, resumed):
                    (self.resumed if resumed else self.runs).append(started.cell_id)
                case Interrupt():
                    self.interrupts += 1

    def change(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.changes.append(change)
            match change:
                case SetKernel(values):
                    self.kernel |= values
                case SetCell(cell_id, values) if "state" in values:
                    self.states[cell_id] = str(values["state"])
                    self.told[cell_id] = values.get("run", self.told.get(cell_id))
                case WriteOutputs(cell_id, start, outputs):
                    self.outputs.setdefault(cell_id, [])[start:] = outputs


def test_the_first_cell_runs_at_once_and_its_old_outputs_and_count_go() -> None:
    state, effects = step(State(), Queued(entry("a")))
    [write, ran] = effects
    assert state == State(entry("a", begun=True))
    begun = entry("a", begun=True)
    run = {"who": "me", "queued": 0.0, "began": 0.0, "source_crc": source_crc("source of a")}
    values: JsonObject = {"state": "running", "queued": None, "execution_count": None, "run": run}
    assert write == Write((SetCell("a", values), WriteOutputs("a", 0, ())), (begun,))
    assert ran == Run(begun)


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
    assert isinstance(write, Write)
    written, idle = write.changes
    assert written == last
    assert isinstance(idle, SetCell)
    assert idle.values["state"] == "idle"
    assert write.queue == ()


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


def test_after_a_restart_of_the_server_the_running_cell_says_so_and_the_queue_is_offered_in_order() -> None:
    state, document = play(Found((entry("a", begun=True), entry("b")), alive=False, outputs=1))
    assert document.states == {"a": "idle", "b": "idle"}
    assert [output["evalue"] for output in document.outputs["a"]] == ["The kernel ended with the server."]
    assert document.recorded == state.recorded == (offered("a", begun=True), offered("b"))
    assert document.runs == document.resumed == []
    first, second = offer(state)
    assert (first.cell_id, first.who, first.interrupted) == ("a", "me", True)
    assert (second.cell_id, second.interrupted) == ("b", False)
    assert (first.source_crc, second.source_crc) == (0xDB6208AA, 0x426B5910)


def test_after_a_restart_of_the_server_a_cell_that_had_not_begun_is_merely_idle() -> None:
    _, document = play(Found((entry("a"),), alive=False))
    assert document.outputs == {}
    assert document.states == {"a": "idle"}


def test_an_empty_queue_is_found_empty() -> None:
    assert step(State(), Found((), alive=True)) == (State(), ())
    assert step(State(), Found((), alive=False)) == (State(), ())


LEFT = (offered("a", begun=True), offered("b"), offered("c"))


def test_an_offer_outlives_further_restarts_of_the_server_and_of_the_actor() -> None:
    assert step(State(), Found(LEFT, alive=False)) == (State(offered=LEFT), ())
    assert step(State(), Found(LEFT, alive=True)) == (State(offered=LEFT), ())
    state, document = play(Found((entry("d", begun=True), *LEFT), alive=True))
    assert state == State(entry("d", begun=True), (), LEFT)
    assert document.resumed == ["d"]


def test_what_a_second_server_left_is_offered_behind_what_the_first_did() -> None:
    state, document = play(Found((entry("d", begun=True), entry("e"), *LEFT), alive=False))
    assert state.offered == document.recorded == (*LEFT, offered("d", begun=True), offered("e"))
    assert list(document.outputs) == ["d"]


def test_a_cell_that_cannot_be_run_any_more_is_not_offered() -> None:
    cells = (CellValue(id="a", type="markdown"), CellValue(id="b", type="code", outputs=({}, {})))
    found = recovered((entry("b", begun=True), entry("a"), offered("c")), NotebookValue(cells=cells))
    assert (found.alive, found.outputs, found.gone) == (False, 2, {"a", "c"})
    state, document = play(found)
    assert state.recorded == document.recorded == (offered("b", begun=True),)
    assert document.states == {"a": "idle", "b": "idle"}


def test_people_choose_whether_what_had_begun_runs_again() -> None:
    state = State(offered=LEFT)
    assert chosen(state, interrupted=True) == LEFT
    assert chosen(state, interrupted=False) == LEFT[1:]


def test_an_offer_that_is_taken_up_runs_once_in_order_and_is_gone() -> None:
    again = (entry("a"), entry("b"))
    state, document = play(TakenUp(again), state=State(offered=LEFT))
    assert state == State(entry("a", begun=True), (entry("b"),))
    assert step(state, TakenUp(())) == (state, ())
    state, document = play(Ended("run-a", OK), Ended("run-b", OK), state=state)
    assert document.runs == ["b"]
    assert state == State()


def test_an_offer_that_is_taken_up_waits_behind_what_was_queued_meanwhile() -> None:
    state, document = play(
        Queued(entry("d")), Queued(entry("e")), TakenUp((entry("b"),)), state=State(offered=LEFT)
    )
    assert [each.cell_id for each in state.recorded] == ["d", "e", "b"]
    assert document.runs == ["d"]


def test_a_dismissed_offer_is_forgotten_and_what_runs_goes_on() -> None:
    state, document = play(Queued(entry("d")), Dismissed(), state=State(offered=LEFT))
    assert state.recorded == document.recorded == (entry("d", begun=True),)
    assert step(state, Dismissed()) == (state, ())


def test_a_cell_that_is_queued_by_hand_is_not_offered_any_more_and_the_others_are() -> None:
    state, document = play(Queued(entry("b")), state=State(offered=LEFT))
    assert state.offered == (LEFT[0], LEFT[2])
    assert document.recorded == (entry("b", begun=True), LEFT[0], LEFT[2])
    assert with_entries((entry("d"), *LEFT), entry("b")) == (entry("d"), entry("b"), LEFT[0], LEFT[2])


@pytest.mark.parametrize("event", [Ended("run-d", ERROR), Ended("run-d", OK), Emptied()], ids=str)
def test_whatever_becomes_of_other_runs_leaves_the_offer(event: Event) -> None:
    state, document = play(Queued(entry("d")), Queued(entry("e")), event, state=State(offered=LEFT))
    assert state.offered == LEFT
    assert document.recorded == state.recorded
