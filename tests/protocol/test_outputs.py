"""Folding events into outputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.kernel_events import (
    ClearOutput,
    DisplayData,
    ErrorRaised,
    ExecuteResult,
    OutputEvent,
    Stream,
    UpdateDisplay,
)
from protocol.outputs import OutputFold, OutputLimits
from protocol.stream_text import StreamText

pytestmark = pytest.mark.pure


def stream(text: str, name: str = "stdout") -> Stream:
    return Stream("p", json.dumps({"name": name, "text": text}).encode())


def display(text: str, id_: str = "", size: int = 10) -> DisplayData:
    return DisplayData("p", {"text/plain": text}, {}, id_, size)


def update(text: str, id_: str, size: int = 10) -> UpdateDisplay:
    return UpdateDisplay("p", {"text/plain": text}, {}, id_, size)


def folded(events: Iterable[OutputEvent], limits: OutputLimits | None = None) -> list[Any]:
    fold = OutputFold(limits)
    for event in events:
        fold.add(event, 0.0)
    fold.finish()
    return list(fold.changed_since(-1)[1])


def texts(outputs: Sequence[Any]) -> list[str]:
    return [o["text"] if o["output_type"] == "stream" else o["data"]["text/plain"] for o in outputs]


def test_text_of_the_same_stream_is_one_output() -> None:
    outputs = folded([stream("a"), stream("b\n"), stream("e", "stderr"), stream("c")])
    assert outputs == [
        {"output_type": "stream", "name": "stdout", "text": "ab\n"},
        {"output_type": "stream", "name": "stderr", "text": "e"},
        {"output_type": "stream", "name": "stdout", "text": "c"},
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("50%\r100%", "100%"),
        ("100%\r50%", "50%%"),
        ("a\r\nb", "a\nb"),
        ("one\ntwo\rTHREE", "one\nTHREE"),
        ("ab\bc", "ac"),
        ("a\n\b\bb", "a\nb"),
        ("abc\r\n\rx", "abc\nx"),
        ("abc\rx\ny", "xbc\ny"),
        ("\b\r", ""),
    ],
)
def test_carriage_return_and_backspace_act_as_in_a_terminal(written: str, shown: str) -> None:
    assert texts(folded([stream(written)])) == [shown] * bool(shown)


def test_a_very_long_line_can_still_be_overwritten() -> None:
    fold = OutputFold()
    for _ in range(100):
        fold.add(stream("x" * 1000), 0.0)
    assert len(fold.changed_since(-1)[1]) > 5
    fold.add(stream("\rdone" + "." * 100_000 + "\b\b"), 0.0)
    fold.add(stream("!\r>"), 0.0)
    fold.finish()
    (output,) = fold.changed_since(-1)[1]
    assert output["text"] == ">one" + "." * 99_998 + "!."


def test_results_and_errors_keep_all_their_keys() -> None:
    outputs = folded(
        [
            ExecuteResult("p", {"text/html": "<b>1</b>", "application/json": {"a": 1}}, {"m": 1}, 7, "", 9),
            ErrorRaised("p", "ValueError", "bad", ("line", "other")),
        ]
    )
    assert outputs == [
        {
            "output_type": "execute_result",
            "data": {"text/html": ["<b>1</b>"], "application/json": {"a": 1}},
            "metadata": {"m": 1},
            "execution_count": 7,
        },
        {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["line", "other"]},
    ]


def test_clear_output_clears_now_or_with_the_next_output() -> None:
    assert texts(folded([stream("a"), ClearOutput("p", False), stream("b")])) == ["b"]
    assert texts(folded([stream("a"), ClearOutput("p", True)])) == ["a"]
    assert texts(folded([stream("a"), ClearOutput("p", True), stream("b"), stream("c")])) == ["bc"]


def test_an_update_changes_every_display_of_its_id() -> None:
    events = [display("1", "d"), stream("x"), display("2", "d"), display("3"), update("4", "d"), update("5", "e")]
    assert texts(folded(events)) == ["4", "x", "4", "3"]


def test_display_ids_point_at_the_final_outputs() -> None:
    fold = OutputFold()
    for number in range(3000):
        fold.add(stream(f"line {number}\n"), 0.0)
    fold.add(display("1", "d"), 0.0)
    fold.finish()
    assert fold.displays == {"d": [1]}
    fold.add(update("2", "d"), 0.0)
    assert fold.changed_since(-1)[1][1]["data"] == {"text/plain": "2"}


def test_text_beyond_the_budget_keeps_head_and_tail_and_says_what_is_missing() -> None:
    lines = [f"{number:07}\n" for number in range(20_000)]
    head, remark, tail = texts(folded([stream(line) for line in lines], OutputLimits(text=20_000)))
    whole = "".join(lines)
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert 9_900 <= len(head) <= 10_000
    assert 2_000 <= len(tail) <= 10_000
    assert "of output left out" in remark


def test_one_giant_message_keeps_head_and_tail_too() -> None:
    whole = "".join(f"{number:09}\n" for number in range(200_000))
    head, remark, tail = texts(folded([stream(whole)], OutputLimits(text=100_000)))
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(tail) > 49_000
    assert "[about 1.9 MB of output left out]" in remark


def test_displays_within_a_flood_stay_where_they_were() -> None:
    def flood(name: str) -> list[OutputEvent]:
        return [stream(f"{name} {number:06}\n") for number in range(5_000)]

    events = [*flood("a"), display("one"), *flood("b"), display("two"), *flood("c")]
    shown = texts(folded(events, OutputLimits(text=20_000)))
    places = [shown.index("one"), shown.index("two")]
    assert places == sorted(places)
    assert shown[places[0] - 1].endswith("a 004999\n")
    assert shown[places[1] - 1].endswith("b 004999\n")
    assert shown[-1].endswith("c 004999\n")
    assert sum(map(len, shown)) < 21_000


def test_an_errors_text_is_bounded_like_any_other() -> None:
    limits = OutputLimits(text=40_000, outputs=3)
    one = ErrorRaised("p", "E" * 9_000, "v" * 50_000, ("first", "x" * 50_000, "last"))
    (output,) = folded([one], limits)
    assert len(json.dumps(output)) < 30_000
    assert output["evalue"].startswith("vvv")
    assert "\n[about 40.0 kB left out]\n" in output["evalue"]
    assert output["traceback"][0].startswith("first\nxxx")
    assert output["traceback"][0].endswith("xxx\nlast")
    assert len(folded([one] * 50, limits)) < 10


def test_an_error_after_a_flood_is_kept() -> None:
    events: list[OutputEvent] = [stream("x" * 100 + "\n") for _ in range(1000)]
    outputs = folded([*events, ErrorRaised("p", "E", "v", ())], OutputLimits(text=1000))
    assert outputs[-1]["ename"] == "E"


def test_a_progress_bar_stays_within_the_budget() -> None:
    events = [stream(f"\r{number:5}% done") for number in range(20_000)]
    assert texts(folded(events, OutputLimits(text=5000))) == ["19999% done"]


def test_the_end_of_a_flood_is_looked_at_now_and_then() -> None:
    fold = OutputFold(OutputLimits(text=1000, live=0.25))
    looked = set()
    for number in range(1000):
        fold.add(stream(f"{number:08}\n"), number / 1000)
        looked.add(fold.version)
    assert len(looked) < 120  # the head's lines, and four looks a second
    due = fold.refresh(1.0)
    assert due is not None
    assert fold.refresh(due) is None
    assert fold.changed_since(-1)[1][-1]["text"].endswith("00000999\n")


def test_more_outputs_than_the_limit_are_counted() -> None:
    outputs = folded([display(str(number)) for number in range(50)], OutputLimits(outputs=10))
    assert texts(outputs) == [*map(str, range(10)), "[40 more outputs left out]\n"]


def test_alternating_streams_are_limited_as_well() -> None:
    events = [stream("x", name) for _ in range(100) for name in ("stdout", "stderr")]
    outputs = folded(events, OutputLimits(outputs=10))
    assert len(outputs) <= 11
    assert outputs[-1]["text"].endswith("[190 more outputs left out]\n")


def test_mime_values_beyond_the_limit_are_replaced_by_a_sentence() -> None:
    limits = OutputLimits(mime=1000)
    outputs = folded([display("a", size=900), display("b", "d", size=900), display("c", size=50)], limits)
    assert texts(outputs) == [
        "a",
        "[an output of 900 bytes left out: the outputs of this cell exceed 1.0 kB]",
        "c",
    ]
    small_again = [display("a", "d", size=900), *(update(str(n), "d", 900) for n in range(5))]
    assert texts(folded(small_again, limits)) == ["4"]


# ------------------------------------------------------------------------------------------------- properties

pieces = st.lists(st.text(alphabet="ab\n\r\b ", max_size=12), max_size=30)


def reference(text: str) -> str:
    """The terminal's rules, one character at a time."""
    lines, line, column = "", "", 0
    for char in text:
        if char == "\n":
            lines, line, column = lines + line + "\n", "", 0
        elif char == "\r":
            column = 0
        elif char == "\b":
            column = max(0, column - 1)
        else:
            line, column = line[:column] + char + line[column + 1 :], column + 1
    return lines + line


@given(pieces)
def test_the_final_text_does_not_depend_on_the_chunks(chunks: list[str]) -> None:
    whole = "".join(chunks)
    expected = [reference(whole)] * bool(reference(whole))
    assert texts(folded(map(stream, chunks))) == expected
    assert texts(folded([stream(whole)])) == expected


@given(pieces, st.integers(1, 5))
def test_sealing_pieces_changes_nothing(chunks: list[str], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("protocol.stream_text.PIECE", size)
        text = StreamText("stdout")
        seen: list[str] = []
        for chunk in chunks:
            first = text.write(chunk)
            seen[first:] = text.pieces(first)
            assert seen == text.pieces()
            assert text.size == len("".join(seen))
    assert "".join(seen) == reference("".join(chunks))


events = st.one_of(
    st.builds(stream, st.text(alphabet="ab\n\r\b", max_size=30), st.sampled_from(["stdout", "stderr"])),
    st.builds(display, st.text(max_size=3), st.sampled_from(["", "d", "e"])),
    st.builds(update, st.text(max_size=3), st.sampled_from(["d", "e"])),
    st.builds(ClearOutput, st.just("p"), st.booleans()),
    st.just(ErrorRaised("p", "E", "v", ())),
)


@given(
    st.lists(st.tuples(events, st.booleans(), st.floats(0, 0.2)), max_size=60),
    st.sampled_from([40, 1000]),
    st.sampled_from([5, 1000]),
    st.booleans(),
)
def test_pulled_changes_always_reproduce_the_outputs(
    steps: list[tuple[OutputEvent, bool, float]], text: int, outputs: int, finish: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("protocol.stream_text.PIECE", 10)
        fold = OutputFold(OutputLimits(text=text, outputs=outputs))
        mine: list[Any] = []
        version, now = 0, 0.0
        for event, pull, passed in steps:
            now += passed
            fold.add(event, now)
            if pull:
                start, changed, version = fold.changed_since(version)
                assert start <= len(mine)
                mine[start:] = changed
                assert mine == list(fold.changed_since(-1)[1])
        if finish:
            fold.finish()
            pairs = list(zip(fold.changed_since(-1)[1], fold.changed_since(-1)[1][1:], strict=False))
            assert not any(
                a["output_type"] == b["output_type"] == "stream" and a["name"] == b["name"] for a, b in pairs
            )
        start, changed, version = fold.changed_since(version)
        mine[start:] = changed
        assert mine == list(fold.changed_since(-1)[1])
        assert all(
            0 <= index < len(mine) and mine[index]["output_type"] == "display_data"
            for places in fold.displays.values()
            for index in places
        )


@given(pieces, pieces)
def test_an_adopting_fold_goes_on_where_the_other_stopped(before: list[str], after: list[str]) -> None:
    first = OutputFold()
    for chunk in before:
        first.add(stream(chunk), 0.0)
    written = list(first.changed_since(-1)[1])
    second = OutputFold(written=written)
    for chunk in after:
        second.add(stream("\r" + chunk), 0.0)
    second.finish()
    whole = "".join(before) + "".join("\r" + chunk for chunk in after)
    assert "".join(texts(second.changed_since(-1)[1])) == reference(whole)


def test_ten_thousand_lines_are_sent_about_once() -> None:
    fold = OutputFold()
    sent = size = version = 0
    for number in range(10_000):
        line = f"line {number} {'x' * 30}\n"
        size += len(line)
        fold.add(stream(line), 0.0)
        if number % 10 == 0:  # a pull every 30 ms at 300 lines a second
            _, outputs, version = fold.changed_since(version)
            sent += sum(len(str(output["text"])) for output in outputs)
    fold.finish()
    _, outputs, _ = fold.changed_since(version)
    sent += sum(len(str(output["text"])) for output in outputs)
    assert size > 400_000
    assert sent < 15 * size
