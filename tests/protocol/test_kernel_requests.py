"""Questions to a kernel, as Jupyter messages and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.kernel_requests import (
    MAX_HISTORY,
    MAX_MATCHES,
    AboutKernel,
    Complete,
    Completeness,
    Completions,
    History,
    Inspect,
    Inspection,
    IsComplete,
    NoAnswer,
    Past,
    Question,
    about,
    answer_to,
    request_of,
)

pytestmark = pytest.mark.pure

QUESTIONS: tuple[Question, ...] = (Complete("pri", 3), Inspect("print", 2), IsComplete("if 1:"), History())

words = st.sampled_from(["", "ok", "error", "complete", "é"])
plain = st.none() | st.booleans() | st.integers(-2, 9) | words
lists = st.lists(plain | st.lists(plain, max_size=3), max_size=3)
json_values = plain | lists | st.dictionaries(words, plain | lists, max_size=3)
keys = st.sampled_from(
    ["status", "matches", "cursor_start", "cursor_end", "metadata", "found", "data", "indent", "history", "evalue"]
)


@pytest.mark.parametrize(
    ("question", "type_", "content"),
    [
        (Complete("pri", 3), "complete_request", {"code": "pri", "cursor_pos": 3}),
        (Complete("é𝄞", 99), "complete_request", {"code": "é𝄞", "cursor_pos": 2}),
        (Complete("x", -1), "complete_request", {"code": "x", "cursor_pos": 0}),
        (Inspect("print", 2, 1), "inspect_request", {"code": "print", "cursor_pos": 2, "detail_level": 1}),
        (IsComplete("if 1:"), "is_complete_request", {"code": "if 1:"}),
        (
            History(5),
            "history_request",
            {"output": False, "raw": True, "n": 5, "unique": False, "hist_access_type": "tail"},
        ),
        (
            History(10**9, "im*", unique=True),
            "history_request",
            {
                "output": False,
                "raw": True,
                "n": MAX_HISTORY,
                "unique": True,
                "hist_access_type": "search",
                "pattern": "im*",
            },
        ),
    ],
)
def test_a_question_becomes_jupyters_request(question: Question, type_: str, content: dict[str, Any]) -> None:
    assert request_of(question) == (type_, content)


def test_replies_become_answers() -> None:
    complete = {"status": "ok", "matches": ["print"], "cursor_start": 0, "cursor_end": 3, "metadata": {"a": 1}}
    assert answer_to(QUESTIONS[0], complete) == Completions(("print",), 0, 3, {"a": 1})
    found = {"status": "ok", "found": True, "data": {"text/plain": "x"}, "metadata": {}}
    assert answer_to(QUESTIONS[1], found) == Inspection(True, {"text/plain": "x"})
    assert answer_to(QUESTIONS[2], {"status": "incomplete", "indent": "  "}) == Completeness("incomplete", "  ")
    history = {"history": [[1, 2, "x"], [1, 3, ["y", "out"]], [1], "z"]}
    assert answer_to(QUESTIONS[3], history) == Past(((1, 2, "x"), (1, 3, "y")))
    assert answer_to(QUESTIONS[0], {}) == Completions()


def test_more_than_anybody_reads_is_cut() -> None:
    answer = answer_to(QUESTIONS[0], {"matches": ["x"] * (MAX_MATCHES + 1)})
    assert isinstance(answer, Completions)
    assert len(answer.matches) == MAX_MATCHES
    past = answer_to(QUESTIONS[3], {"history": [[0, n, ""] for n in range(MAX_HISTORY + 1)]})
    assert isinstance(past, Past)
    assert past.history[0] == (0, 1, "")


def test_a_kernel_that_cannot_answer_says_why() -> None:
    with pytest.raises(NoAnswer, match="boom"):
        answer_to(QUESTIONS[0], {"status": "error", "ename": "E", "evalue": "boom"})
    with pytest.raises(NoAnswer, match="matches"):
        answer_to(QUESTIONS[0], {"status": "ok", "matches": 1})


@given(st.sampled_from(QUESTIONS), st.dictionaries(keys, json_values))
def test_whatever_a_kernel_replies_is_an_answer_or_a_sentence(question: Question, content: Any) -> None:
    try:
        answer_to(question, content)
    except NoAnswer as error:
        assert str(error).endswith(".")


@given(st.dictionaries(st.sampled_from([*AboutKernel.__struct_fields__, "x"]), json_values))
def test_whatever_a_kernel_says_of_itself_is_read_as_far_as_it_makes_sense(content: Any) -> None:
    read = about(content)
    for name, value in content.items():
        held = getattr(read, name, None)
        assert held == value or held == getattr(AboutKernel(), name, None)


def test_what_a_kernel_can_do_is_read_from_what_it_says() -> None:
    seven = about({"implementation": "ipython", "supported_features": ["kernel subshells"], "help_links": 3})
    assert (seven.has_subshells, seven.answers_on_control, seven.help_links) == (True, True, [])
    assert not about({"implementation": "xeus"}).answers_on_control
    assert not about({"supported_features": None}).has_subshells
