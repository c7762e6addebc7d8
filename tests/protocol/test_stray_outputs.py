"""What widgets' callbacks put out and nothing takes."""

from __future__ import annotations

import json

import pytest

from protocol.comm_requests import kernel_id
from protocol.comms import StrayOutput
from protocol.kernel_events import ClearOutput, DisplayData, ErrorRaised, Stream
from protocol.stray_outputs import AT_ONCE, TEXT, StrayOutputs

pytestmark = pytest.mark.pure
OURS = kernel_id("a1")


def printed(text: str, parent: str = OURS, name: str = "stdout") -> Stream:
    return Stream(parent, json.dumps({"name": name, "text": text}).encode())


def test_output_of_a_clients_message_is_told_by_its_kind_and_once() -> None:
    strays = StrayOutputs()
    for event in (printed("one "), printed("two"), printed("oh", name="stderr")):
        assert strays.add(event)
    assert strays.add(ErrorRaised(OURS, "ZeroDivisionError", "division by zero", ()))
    assert strays.add(DisplayData(OURS, {"text/plain": "<a table>"}, {}, "", 9))
    assert strays.add(ClearOutput(OURS, wait=False))
    assert strays.taken() == [
        StrayOutput("a1", "stdout", "one two"),
        StrayOutput("a1", "stderr", "oh"),
        StrayOutput("a1", "error", "ZeroDivisionError: division by zero"),
        StrayOutput("a1", "result", "<a table>"),
    ]
    assert not strays
    assert strays.taken() == []


def test_output_of_cells_is_none_of_theirs() -> None:
    strays = StrayOutputs()
    assert not strays.add(printed("a cell's", parent="run-1"))
    assert not strays.add(printed("nobody's", parent=""))
    assert not strays


def test_a_callback_in_a_loop_is_told_of_in_bounds() -> None:
    strays = StrayOutputs()
    for n in range(100):
        strays.add(printed("x" * 1500, parent=kernel_id(f"a{n}")))
        strays.add(printed("y" * 1500, parent=kernel_id("a0")))
    told = strays.taken()
    assert len(told) == AT_ONCE
    assert all(len(each.text) <= TEXT for each in told)
    assert told[0].text.endswith("…")
