"""y-websocket messages, byte for byte as y-protocols writes them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pycrdt import Doc, Text, YMessageType, YSyncMessageType, create_sync_message, create_update_message

from protocol.sync import (
    Announce,
    Awareness,
    QueryAwareness,
    Step1,
    Unknown,
    Update,
    decode,
    step1_message,
    step2_message,
    update_message,
)

pytestmark = pytest.mark.pure


def test_our_messages_are_those_of_another_implementation() -> None:
    doc = Doc({"t": Text("hello")})
    assert step1_message(doc.get_state()) == create_sync_message(doc)
    assert update_message(doc.get_update()) == create_update_message(doc.get_update())
    assert step1_message(b"")[:2] == bytes((YMessageType.SYNC, YSyncMessageType.SYNC_STEP1))
    assert step2_message(b"")[:2] == bytes((YMessageType.SYNC, YSyncMessageType.SYNC_STEP2))


@given(st.binary(max_size=400))
@example(bytes(200))
def test_what_is_written_is_read(payload: bytes) -> None:
    assert decode(step1_message(payload)) == Step1(payload)
    assert decode(step2_message(payload)) == Update(payload, answer=True)
    assert decode(update_message(payload)) == Update(payload)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\x01\x03abc", Awareness(b"abc")),
        (b"\x01\x00", Awareness(b"")),
        (b"\x03", QueryAwareness()),
        (b"\x64", Announce()),
        (b"\x64anything", Announce()),
        (b"\x02", Unknown("unknown message type 2")),
        (b"\x65", Unknown("unknown message type 101")),
        (b"\x00\x03\x00", Unknown("unknown sync step 3")),
    ],
)
def test_each_type_is_told_apart(message: bytes, expected: object) -> None:
    assert decode(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01",
        b"\x01\x02a",
        b"\x00",
        b"\x00\x00",
        b"\x00\x02\x05ab",
        b"\x00\x02\x01ab",
        b"\x80",
        b"\xff" * 12,
        b"\x80\x00",
    ],
    ids=bytes.hex,
)
def test_malformed_messages_are_unknown_with_a_reason(message: bytes) -> None:
    decoded = decode(message)
    assert isinstance(decoded, Unknown)
    assert len(decoded.reason) < 100


@given(st.binary(max_size=64))
def test_decoding_never_raises(message: bytes) -> None:
    decode(message)
