"""Parameters of a run: how they are read, and written in each language."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.parameters import DEFAULTS, INJECTED, ParameterError, parse, place_of, source_of
from protocol.values import CellValue

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("a=1", 1), ("a=1.5", 1.5), ("a=true", True), ("a=True", True), ("a=null", None), ("a=None", None),
        ("a=[1, 'two']", [1, "two"]), ('a={"b": [2]}', {"b": [2]}), ("a=some text", "some text"), ("a=", ""),
        ("a=x=y", "x=y"), ("a='1'", "1"), ("a={1, 2}", "{1, 2}"), ("a=__import__('os')", "__import__('os')"),
    ],
)  # fmt: skip
def test_a_value_is_json_or_a_literal_or_text(given_: str, expected: object) -> None:
    assert parse(given_) == ("a", expected)


@pytest.mark.parametrize("given_", ["a", "=1", "1a=1", "a b=1", "a-b=1", "a.b=1", ""])
def test_what_is_no_assignment_is_refused_in_a_sentence(given_: str) -> None:
    with pytest.raises(ParameterError, match="name=value"):
        parse(given_)


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=VALUES)
def test_python_reads_what_was_meant(value: Any) -> None:
    source = source_of({"a": value}, "python")
    assert source.startswith("# Parameters\na = ")
    assert ast.literal_eval(source.partition("a = ")[2]) == value


def test_infinities_are_python_too() -> None:
    assert parse("a=Infinity") == ("a", float("inf"))
    assert "float('inf')" in source_of({"a": float("inf")}, "python")


def test_other_languages_have_their_own_words() -> None:
    values: dict[str, Any] = {"a": True, "b": None, "c": [1, "x $y"], "d": {"k": False}}
    assert source_of(values, "R").splitlines()[1:] == [
        "a = TRUE", "b = NULL", 'c = list(1, "x $y")', 'd = list("k" = FALSE)',
    ]  # fmt: skip
    assert source_of(values, "julia").splitlines()[1:] == [
        "a = true", "b = nothing", 'c = [1, "x \\$y"]', 'd = Dict("k" => false)',
    ]  # fmt: skip
    assert source_of({"a": "it's $HOME", "b": 3, "c": None}, "bash").splitlines()[1:] == [
        "a='it'\"'\"'s $HOME'", "b=3", "c=''",
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="this one is in cobol"):
        source_of({"a": 1}, "cobol")


def test_they_go_behind_the_defaults_or_in_place_of_earlier_ones() -> None:
    def cell(name: str, *tags: str) -> CellValue:
        return CellValue(id=name, type="code", metadata=json.loads(json.dumps({"tags": tags})))

    assert place_of([cell("a"), cell("b")]) == (None, None)
    assert place_of([cell("a"), cell("b", DEFAULTS)]) == (None, "b")
    earlier, _ = place_of([cell("b", DEFAULTS), cell("c", INJECTED)])
    assert earlier is not None
    assert earlier.id == "c"
