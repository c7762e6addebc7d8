"""Control messages: every text is a request or an error that can be sent back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.wire import (
    METHODS,
    InputReplyFields,
    Nothing,
    QueueCellFields,
    Request,
    StartKernelFields,
    WireError,
    answer,
    decode,
    push,
    refuse,
    refuse_request,
)

pytestmark = pytest.mark.pure


def frame(channel: object, method: object, **more: object) -> str:
    return json.dumps({"channel": channel, "method": method, **more})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (frame("notebook", "get"), Request("notebook", "get", None, Nothing())),
        (frame("notebook", "get", message={}, id=None), Request("notebook", "get", None, Nothing())),
        (frame("notebook", "get", id=2**200), Request("notebook", "get", 2**200, Nothing())),
        (frame("notebook", "get", message=None, id=7), Request("notebook", "get", 7, Nothing())),
        (
            frame("notebook", "queue_cell", message={"cell_id": "a", "code": "1"}, id="x"),
            Request("notebook", "queue_cell", "x", QueueCellFields("a")),
        ),
        (
            frame("kernel", "start_kernel", message={"name": "python3"}),
            Request("kernel", "start_kernel", None, StartKernelFields("python3")),
        ),
        (
            frame("kernel", "input_reply", message={"value": "é"}),
            Request("kernel", "input_reply", None, InputReplyFields("é", "")),
        ),
    ],
)
def test_a_request_is_typed(text: str, expected: Request) -> None:
    assert decode(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "request_id", "named"),
    [
        ("", "bad_json", None, "JSON"),
        ("{", "bad_json", None, "JSON"),
        ("\ud800", "bad_json", None, "JSON"),
        ("[" * 100_000, "bad_json", None, "JSON"),
        ('{"a": ' * 5000 + "1" + "}" * 5000, "bad_json", None, "JSON"),
        ('"text"', "bad_message", None, "object"),
        ("[1]", "bad_message", None, "object"),
        ("null", "bad_message", None, "object"),
        ("{}", "bad_message", None, "channel"),
        (frame(1, "get"), "bad_message", None, "channel"),
        (frame("notebook", None, id="q"), "bad_message", "q", "method"),
        (frame("elsewhere", "get", id=3), "unknown_channel", 3, "elsewhere"),
        (frame("x" * 10_000, "get"), "unknown_channel", None, "xxx"),
        (frame("notebook", "__class__", id=3), "unknown_method", 3, "__class__"),
        (frame("kernel", "queue_cell"), "unknown_method", None, "queue_cell"),
        (frame("notebook", "queue_cell", id=1), "bad_field", 1, "cell_id"),
        (frame("notebook", "queue_cell", message={"cell_id": 5}), "bad_field", None, "cell_id"),
        (frame("notebook", "queue_cell", message=[1]), "bad_field", None, "object"),
        (frame("notebook", "get", message="x"), "bad_field", None, "object"),
        (frame("notebook", "get", id=True), "bad_field", None, "id"),
        (frame("notebook", "get", id=1.5), "bad_field", None, "id"),
        (frame("notebook", "get", id=[]), "bad_field", None, "id"),
        ('{"channel": "comms", "method": "ping", "id": ' + "1" * 5000 + "}", "bad_json", None, "JSON"),
        (frame("kernel", "input_reply", message={"id": "1"}), "bad_field", None, "value"),
    ],
)
def test_what_is_no_request_is_an_error_that_says_what_is_wrong(
    text: str, code: str, request_id: object, named: str
) -> None:
    error = decode(text)
    assert isinstance(error, WireError)
    assert (error.code, error.id) == (code, request_id)
    assert named in error.message
    assert len(error.message) < 300
    sent = json.loads(refuse(error))
    assert sent["id"] == request_id
    assert sent["error"] == {"code": code, "message": error.message}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(sorted({name for row in METHODS for name in row}))
frames = st.fixed_dictionaries(
    {},
    optional={
        "channel": names | json_values,
        "method": names | json_values,
        "id": json_values,
        "message": json_values | st.fixed_dictionaries({"cell_id": json_values, "value": json_values}),
    },
)


@settings(max_examples=400, deadline=None)
@given(st.text(st.characters(codec=None)) | frames.map(json.dumps) | json_values.map(json.dumps))
def test_decoding_never_raises_and_everything_can_be_answered(text: str) -> None:
    decoded = decode(text)
    if isinstance(decoded, WireError):
        body = json.loads(refuse(decoded))
        assert body["error"]["message"]
    else:
        body = json.loads(refuse_request(decoded, "code", "text"))
        assert body["id"] == decoded.id
        sent = answer(decoded, {})
        assert sent is None or json.loads(sent)["id"] == decoded.id


@pytest.mark.parametrize("row", METHODS, ids=".".join)
def test_a_success_is_answered_with_an_id_or_where_it_always_is(row: tuple[str, str]) -> None:
    channel, method = row
    silent = answer(Request(channel, method, None, Nothing()), {"x": 1})
    assert (silent is not None) == METHODS[row].always
    spoken = answer(Request(channel, method, 0, Nothing()), {"x": 1})
    assert spoken is not None
    assert json.loads(spoken) == {"channel": channel, "method": method, "id": 0, "message": {"x": 1}}


def test_what_the_contract_answers_without_an_id() -> None:
    always = {row for row, method in METHODS.items() if method.always}
    assert {("notebook", "get"), ("config", "get"), ("comms", "ping")} <= always
    assert not {("notebook", "queue_cell"), ("kernel", "interrupt"), ("notebook", "checkpoint")} & always


def test_a_push_is_an_object_without_an_id() -> None:
    assert json.loads(push("kernel", "status", {"é": None})) == {
        "channel": "kernel", "method": "status", "message": {"é": None},
    }  # fmt: skip
