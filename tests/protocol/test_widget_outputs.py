"""What Output widgets take in place of the cell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.comm_events import CommOpened
from protocol.comms import Comm
from protocol.kernel_events import ClearOutput, DisplayData, Stream, UpdateDisplay
from protocol.widget_outputs import LIMITS, WidgetOutputs

pytestmark = pytest.mark.pure


def widget(model: str = "OutputModel") -> Comm:
    state = {"_model_name": model, "outputs": [], "msg_id": ""}
    return Comm(CommOpened("", "w", "jupyter.widget", {"state": state}, {}, (), 10))


def text(words: str, parent: str = "run") -> Stream:
    return Stream(parent, json.dumps({"name": "stdout", "text": words}).encode())


def outputs(captures: WidgetOutputs, now: float = 0.0) -> dict[str, list[Any]]:
    return dict(captures.changed(now))


def said(*words: str) -> list[Any]:
    return [{"output_type": "stream", "name": "stdout", "text": each} for each in words]


def test_while_a_widget_names_a_message_its_output_is_the_widgets_and_then_the_cells_again() -> None:
    captures = WidgetOutputs()
    assert not captures.take(text("before"), 0)
    captures.hear("w", widget(), {"msg_id": "run"})
    assert captures.take(text("one\n"), 0)
    assert captures.take(text("two\n"), 0)
    assert not captures.take(text("another's", "other"), 0)
    assert outputs(captures) == {"w": said("one\ntwo\n")}
    assert not captures.has_news
    assert captures.hear("w", widget(), {"msg_id": ""}) == "w"
    assert captures.finish("w") == said("one\ntwo\n")
    assert captures.finish("w") is None
    assert not captures.take(text("after"), 0)


def test_output_goes_on_where_an_earlier_capture_stopped() -> None:
    captures = WidgetOutputs()
    for words in ("one ", "two"):
        captures.hear("w", widget(), {"msg_id": "run"})
        captures.take(text(words), 0)
        captures.hear("w", widget(), {"msg_id": ""})
    assert captures.finish("w") == said("one two")


def test_of_two_widgets_the_one_inside_takes_and_then_the_one_outside() -> None:
    captures = WidgetOutputs()
    captures.hear("outer", widget(), {"msg_id": "run"})
    captures.hear("inner", widget(), {"msg_id": "run"})
    captures.take(text("in"), 0)
    captures.hear("inner", widget(), {"msg_id": ""})
    captures.take(text("out"), 0)
    assert outputs(captures) == {"inner": said("in"), "outer": said("out")}


def test_what_the_kernel_sets_replaces_what_was_captured_and_clear_output_empties_it() -> None:
    captures = WidgetOutputs()
    captures.hear("w", widget(), {"msg_id": "run"})
    captures.take(text("old"), 0)
    captures.hear("w", widget(), {"outputs": said("set ")})
    captures.take(text("more"), 0)
    assert outputs(captures) == {"w": said("set more")}
    captures.take(ClearOutput("run", True), 0)
    captures.take(text("new"), 0)
    assert outputs(captures) == {"w": said("new")}


def test_a_display_inside_a_widget_is_updated_there_from_anywhere() -> None:
    captures = WidgetOutputs()
    captures.hear("w", widget(), {"msg_id": "run"})
    captures.take(DisplayData("run", {"text/plain": "0 %"}, {}, "bar", 10), 0)
    captures.hear("w", widget(), {"msg_id": ""})
    captures.changed(0)
    assert not captures.take(UpdateDisplay("later", {"text/plain": "50 %"}, {}, "bar", 10), 0)
    [shown] = outputs(captures)["w"]
    assert shown["data"] == {"text/plain": "50 %"}


def test_other_widgets_and_closed_ones_take_nothing() -> None:
    captures = WidgetOutputs()
    captures.hear("w", widget("IntSliderModel"), {"msg_id": "run"})
    assert not captures.take(text("x"), 0)
    captures.hear("o", widget(), {"msg_id": "run"})
    captures.hear("o", None, {})
    assert not captures.take(text("x"), 0)
    assert not captures.has_news


@pytest.mark.parametrize("odd", [None, 3, "text", [1, {"no": "type"}]])
def test_outputs_that_are_none_count_as_none(odd: Any) -> None:
    captures = WidgetOutputs()
    captures.hear("w", widget(), {"outputs": odd, "msg_id": "run"})
    captures.take(text("x"), 0)
    assert outputs(captures) == {"w": said("x")}


def test_a_flood_is_bounded_and_its_end_is_shown_in_the_end() -> None:
    captures = WidgetOutputs()
    captures.hear("w", widget(), {"msg_id": "run"})
    for number in range(3000):
        captures.take(text(f"{number} {'x' * 100}\n"), 0)
    captures.hear("w", widget(), {"msg_id": ""})
    whole = captures.finish("w")
    assert whole is not None
    written = "".join(str(each["text"]) for each in whole)
    assert len(written) < LIMITS.text * 1.1
    assert "2999 x" in written
