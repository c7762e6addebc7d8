"""Decoding what a kernel says."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.kernel_events import (
    Answered,
    ClearOutput,
    Decoder,
    DisplayData,
    ErrorRaised,
    ExecuteInput,
    ExecuteReply,
    ExecuteResult,
    InputRequested,
    KernelInfoReply,
    Other,
    StatusChanged,
    Stream,
    Undecodable,
    UpdateDisplay,
    Welcome,
    read_stream,
    read_stream_end,
)
from protocol.kernel_requests import AboutKernel

pytestmark = pytest.mark.pure
KEY = b"secret"


def frames(type_: str, content: Any, parent: Any = None, *, key: bytes = KEY) -> list[bytes]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    header = json.dumps({"msg_id": "m1", "msg_type": type_, "date": "2026-01-01"}).encode()
    parts = [header, json.dumps({"msg_id": "p"} if parent is None else parent).encode(), b"{}", raw]
    signature = hmac.new(key, b"".join(parts), hashlib.sha256).hexdigest().encode()
    return [b"topic", b"<IDS|MSG>", signature, *parts]


def decode(type_: str, content: Any, parent: Any = None) -> Any:
    return Decoder(KEY).decode(frames(type_, content, parent))


def test_every_type_becomes_its_event() -> None:
    bundle = {"data": {"text/plain": "x"}, "metadata": {"a": 1}, "transient": {"display_id": "d"}}
    size = len(json.dumps(bundle))
    stream = decode("stream", {"name": "stdout", "text": "hé\n"})
    assert isinstance(stream, Stream)
    assert stream.read() == ("stdout", "hé\n")
    assert decode("display_data", bundle) == DisplayData("p", bundle["data"], bundle["metadata"], "d", size)
    assert decode("update_display_data", bundle) == UpdateDisplay(
        "p", bundle["data"], bundle["metadata"], "d", size
    )
    assert decode("execute_result", {"data": {}, "metadata": {}, "execution_count": 3}) == ExecuteResult(
        "p", {}, {}, 3, "", 50
    )
    assert decode("clear_output", {"wait": True}) == ClearOutput("p", True)
    assert decode("error", {"ename": "E", "evalue": "v", "traceback": ["t"]}) == ErrorRaised("p", "E", "v", ("t",))
    assert decode("status", {"execution_state": "idle"}) == StatusChanged("p", "idle", "2026-01-01")
    assert decode("execute_input", {"code": "1", "execution_count": 4}) == ExecuteInput("p", 4, "2026-01-01")
    assert decode("execute_reply", {"status": "ok", "execution_count": 4}) == ExecuteReply(
        "p", "ok", 4, "", (), "2026-01-01"
    )
    assert decode("kernel_info_reply", {"language_info": {"name": "python"}}) == KernelInfoReply(
        "p", AboutKernel(language_info={"name": "python"})
    )
    for type_ in (
        "complete_reply",
        "inspect_reply",
        "is_complete_reply",
        "history_reply",
        "create_subshell_reply",
    ):
        assert decode(type_, {"status": "ok"}) == Answered("p", {"status": "ok"})
    assert decode("iopub_welcome", {"subscription": "t"}, {}) == Welcome("t")
    assert decode("shutdown_reply", {}) == Other("p", "shutdown_reply")
    asked = decode("input_request", {"prompt": "?", "password": True})
    assert isinstance(asked, InputRequested)
    assert (asked.id, asked.prompt, asked.password) == ("m1", "?", True)


def test_a_message_without_a_parent_belongs_to_no_run() -> None:
    assert decode("status", {"execution_state": "starting"}, {}) == StatusChanged("", "starting", "2026-01-01")


def test_nan_becomes_null_and_broken_characters_are_replaced() -> None:
    shown = decode("display_data", b'{"data": {"application/json": {"x": NaN, "y": -Infinity}}, "metadata": {}}')
    assert shown.data == {"application/json": {"x": None, "y": None}}
    assert decode("stream", b'{"name": "stdout", "text": "a\xffb"}').read() == ("stdout", "a�b")
    assert decode("stream", b'{"name": "stdout", "text": "a\\ud800b"}').read() == ("stdout", "a?b")


def test_a_malformed_stream_is_noticed_when_it_is_read() -> None:
    assert decode("stream", {"text": 3}).read() is None
    assert decode("stream", b"{").read() is None


def test_a_forged_or_changed_message_is_refused() -> None:
    assert isinstance(
        Decoder(KEY).decode(frames("status", {"execution_state": "idle"}, key=b"other")), Undecodable
    )
    changed = frames("status", {"execution_state": "idle"})
    changed[-1] = b'{"execution_state": "busy"}'
    assert isinstance(Decoder(KEY).decode(changed), Undecodable)


def test_without_a_key_nothing_is_verified() -> None:
    message = frames("status", {"execution_state": "idle"}, key=b"other")
    assert Decoder(b"").decode(message) == StatusChanged("p", "idle", "2026-01-01")


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{", b'"x"', b"[" * 100_000, b'{"data": 3}'])
@pytest.mark.parametrize("type_", ["display_data", "error", "status", "execute_reply", "clear_output"])
def test_malformed_content_never_raises(type_: str, content: bytes) -> None:
    Decoder(KEY).decode(frames(type_, content))


@given(st.lists(st.binary(max_size=40), max_size=9))
def test_arbitrary_frames_never_raise(parts: list[bytes]) -> None:
    assert isinstance(Decoder(KEY).decode(parts), Undecodable)
    assert Decoder(b"").decode([b"<IDS|MSG>", *parts]) is not None


@given(st.sampled_from(["stream", "display_data", "error", "execute_reply", "status"]), st.binary(max_size=80))
def test_arbitrary_content_never_raises(type_: str, content: bytes) -> None:
    event = Decoder(KEY).decode(frames(type_, content))
    if isinstance(event, Stream):
        event.read()


@given(
    st.text(st.sampled_from('ab\n"\\\u00e9\u2028\U0001f600\x1b'), max_size=300),
    st.integers(0, 40),
    st.booleans(),
    st.sampled_from([{"name": "stdout"}, {"name": "stderr", "more": 1}, {}]),
)
def test_the_end_of_a_stream_is_the_end_of_the_whole(
    text: str, most: int, plain: bool, head: dict[str, object]
) -> None:
    content = json.dumps({**head, "text": text}, ensure_ascii=plain).encode()
    whole = read_stream(content)
    end = read_stream_end(content, max(1, most))
    assert end == (whole and (whole[0], whole[1][-max(1, most) :]))


@pytest.mark.parametrize("most", [1, 2, 5, 15, 16, 17, 18, 20, 25, 30, 40])
def test_the_end_of_a_stream_is_not_cut_within_a_character(most: int) -> None:
    for shift in range(12):
        text = "\u00e9" * 200 + "x" * shift
        content = json.dumps({"name": "stdout", "text": text}).encode()
        assert read_stream_end(content, most) == ("stdout", text[-most:])
