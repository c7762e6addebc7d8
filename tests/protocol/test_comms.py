"""The open comms of a kernel: what somebody who joins now is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import comms as module
from protocol.comm_events import CommClosed, CommMessage, CommOpened, read_comm
from protocol.comm_requests import CloseComm, OpenComm, SendComm, client_id, kernel_id
from protocol.comms import ClosedComm, Comms, OpenComms, OpenedComm, SaidOnComm

pytestmark = pytest.mark.pure


def opened(comm_id: str = "c", state: Any = None, *, parent: str = "", **data: Any) -> CommOpened:
    body = {**data} if state is None else {"state": state, "buffer_paths": [], **data}
    return CommOpened(parent, comm_id, "jupyter.widget", body, {"version": "2.1.0"}, (), 10)


def said(state: Any, *, method: str = "update", parent: str = "", **more: Any) -> CommMessage:
    data = {"method": method, "state": state, "buffer_paths": more.get("paths", [])}
    return CommMessage(parent, "c", data, {}, tuple(more.get("buffers", ())), more.get("size", 10))


def states(comms: Comms) -> dict[str, Any]:
    return {each.comm_id: each.data.get("state") for each in comms.snapshot().comms}


def test_who_joins_is_told_of_each_open_comm_with_its_state_of_now() -> None:
    comms = Comms()
    comms.hear(opened("c", {"value": 1, "max": 10}))
    comms.hear(opened("d", {"value": "x"}))
    comms.hear(said({"value": 2}))
    comms.hear(CommClosed("", "d", {}))
    data = {"state": {"value": 2, "max": 10}, "buffer_paths": []}
    assert comms.snapshot().comms == (OpenedComm("c", "jupyter.widget", data, {"version": "2.1.0"}, ()),)


def test_binary_values_travel_beside_the_state_and_are_replaced_by_whatever_comes_for_their_key() -> None:
    comms = Comms()
    first = {"state": {"name": "n"}, "buffer_paths": [["value"], ["deep", 0, "x"]]}
    comms.hear(CommOpened("", "c", "jupyter.widget", first, {}, (b"one", b"two"), 20))

    def buffers() -> Any:
        [comm] = comms.snapshot().comms
        return comm.data["buffer_paths"], comm.buffers

    assert buffers() == ([["value"], ["deep", 0, "x"]], (b"one", b"two"))
    comms.hear(said({}, paths=[["value"]], buffers=[b"new"]))
    assert buffers() == ([["deep", 0, "x"], ["value"]], (b"two", b"new"))
    comms.hear(said({"value": None, "deep": 1}))
    assert buffers() == ([], ())
    assert states(comms) == {"c": {"name": "n", "value": None, "deep": 1}}


def test_a_comm_that_is_no_widget_is_kept_as_it_was_opened_and_its_messages_are_passed_on() -> None:
    comms = Comms()
    comms.hear(opened("c", None, hello=1))
    push = comms.hear(CommMessage("", "c", {"anything": [1]}, {}, (b"x",), 1))
    assert push == SaidOnComm("c", {"anything": [1]}, {}, (b"x",))
    [comm] = comms.snapshot().comms
    assert comm.data == {"hello": 1}


def test_messages_on_comms_that_are_not_open_are_told_to_nobody() -> None:
    comms = Comms()
    assert comms.hear(said({"value": 1})) is None
    assert comms.hear(CommClosed("", "c", {})) is None
    assert comms.take(SendComm("c", {"method": "update", "state": {"value": 1}})) is None


def test_what_a_client_sets_is_in_the_state_at_once_and_others_hear_of_it_unless_the_kernel_repeats_it() -> None:
    comms = Comms()
    comms.hear(opened("c", {"value": 1}))
    update = SendComm("c", {"method": "update", "state": {"value": 5}}, msg_id="m1")
    push = comms.take(update)
    assert isinstance(push, SaidOnComm)
    assert push.parent == "m1"
    assert states(comms) == {"c": {"value": 5}}
    comms.hear(said({"value": 5}, method="echo_update", parent=kernel_id("m1")))
    assert comms.take(update) is None
    assert states(comms) == {"c": {"value": 5}}


def test_what_a_client_asks_of_the_kernel_changes_no_state_and_concerns_nobody_else() -> None:
    comms = Comms()
    comms.hear(opened("c", {"value": 1}))
    assert comms.take(SendComm("c", {"method": "custom", "content": {"event": "click"}})) is None
    assert comms.take(SendComm("c", {"method": "request_state"})) is None
    assert states(comms) == {"c": {"value": 1}}


def test_a_client_opens_and_closes_comms_for_all() -> None:
    comms = Comms()
    push = comms.take(OpenComm("c", "jupyter.widget", {"state": {"value": 1}}, msg_id="m"))
    assert isinstance(push, OpenedComm)
    assert push.parent == "m"
    assert states(comms) == {"c": {"value": 1}}
    assert comms.take(CloseComm("c", msg_id="n")) == ClosedComm("c", {}, "n")
    assert states(comms) == {}


def test_no_client_can_take_the_name_of_a_message_of_the_servers() -> None:
    assert client_id("f3a_12_1") == ""
    assert client_id(kernel_id("f3a")) == "f3a"
    assert kernel_id("f3a") != "f3a"
    assert kernel_id("") == ""


def test_the_echo_of_what_an_output_widget_showed_earlier_does_not_replace_what_it_shows_now() -> None:
    comms = Comms()
    comms.hear(opened("c", {"_model_name": "OutputModel", "outputs": [], "msg_id": ""}))
    comms.set_state("c", {"outputs": ["new"]})
    push = comms.hear(said({"outputs": ["old"], "msg_id": "x"}, method="echo_update"))
    assert isinstance(push, SaidOnComm)
    assert push.data["state"] == {"msg_id": "x"}
    assert states(comms)["c"]["outputs"] == ["new"]


def test_a_kernel_in_a_loop_opens_so_many_comms_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COMMS", 3)
    comms = Comms()
    assert [comms.hear(opened(str(number))) is not None for number in range(5)] == [True] * 3 + [False] * 2


def test_a_widget_whose_state_grows_beyond_the_bound_is_closed_and_one_that_only_changes_often_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    comms = Comms()
    comms.hear(opened("c", {"value": ""}))
    for _ in range(50):
        push = comms.hear(said({"value": "x" * 100}, size=100))
        assert isinstance(push, SaidOnComm)
    assert comms.hear(said({"more": "x" * 2000}, size=2000)) == ClosedComm("c", {})
    assert states(comms) == {}


def test_with_the_kernel_its_comms_are_gone_and_that_is_told_once() -> None:
    comms = Comms()
    comms.hear(opened("c", {}))
    assert comms.clear() == OpenComms(())
    assert comms.clear() is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.sampled_from(["state", "buffer_paths", "method", "x"]), json_values, max_size=4)
ids, buffers = st.sampled_from("cd"), st.lists(st.binary(max_size=3), max_size=2).map(tuple)
events = st.one_of(
    st.tuples(ids, st.none() | st.dictionaries(st.text(max_size=3), json_values)).map(lambda each: opened(*each)),
    st.tuples(st.sampled_from("cde"), bodies, buffers).map(
        lambda each: CommMessage("", each[0], each[1], {}, each[2], 10)
    ),
    st.tuples(ids, bodies).map(lambda each: CommClosed("", *each)),
)


@given(st.lists(events, max_size=20))
def test_whatever_a_kernel_says_nothing_raises_and_who_joins_gets_what_is_open(heard: list[Any]) -> None:
    comms = Comms()
    open_now: set[str] = set()
    for event in heard:
        comms.hear(event)
        if isinstance(event, CommOpened):
            open_now.add(event.comm_id)
        elif isinstance(event, CommClosed):
            open_now.discard(event.comm_id)
    assert set(states(comms)) == open_now
    for each in comms.snapshot().comms:
        assert "state" not in each.data or len(each.buffers) == len(each.data["buffer_paths"])


@pytest.mark.parametrize("content", [b"{}", b'{"comm_id": 5}', b"[]", b'{"comm_id": "c", "data": 3}', b"\xff"])
@pytest.mark.parametrize("type_", ["comm_open", "comm_msg", "comm_close"])
def test_malformed_comm_messages_are_errors_and_nothing_else(type_: str, content: bytes) -> None:
    with pytest.raises(ValueError):
        read_comm(type_, "", [b"{}", content])
