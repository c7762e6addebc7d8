"""y-websocket messages: the y-protocols sync and awareness protocol, version 1 updates.

Format: y-protocols' PROTOCOL.md and y-websocket's message types. Every message starts with a varuint type:
0 sync (then 0 step 1 with a state vector, 1 step 2 or 2 update with an update), 1 awareness, 3 query awareness.
Types from 100 are this server's own, and sent only to clients that announced themselves (contract section 3):
100 announcement (from the client, nothing follows), 101 lineage (a var string: the epoch), 102 durable and 103
filed (a varuint n: the first n sync updates of this connection are in the journal, or in the file).
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from protocol.lib0 import Malformed, Reader, write_bytes, write_uint

SYNC, AWARENESS, QUERY_AWARENESS = 0, 1, 3
ANNOUNCE, LINEAGE, DURABLE, FILED = 100, 101, 102, 103


class Step1(msgspec.Struct, frozen=True):
    state: bytes


class Update(msgspec.Struct, frozen=True):
    """Sync step 2 (``answer``: to a step 1) or update: for the receiver's document they mean the same."""

    update: bytes
    answer: bool = False


class Awareness(msgspec.Struct, frozen=True):
    """An awareness update: what the message's var bytes hold."""

    payload: bytes


class QueryAwareness(msgspec.Struct, frozen=True):
    pass


class Announce(msgspec.Struct, frozen=True):
    """The client understands message types from 100."""


class Unknown(msgspec.Struct, frozen=True):
    reason: str


class Lineage(msgspec.Struct, frozen=True):
    """To a client that announced itself: which lineage of the document this is."""

    epoch: str


class Receipt(msgspec.Struct, frozen=True):
    """The first ``count`` of the client's sync updates are in the journal, or (``filed``) in the file."""

    count: int
    filed: bool


SyncMessage: TypeAlias = Step1 | Update | Awareness | QueryAwareness | Announce | Unknown


def _prefixed(kind: int, payload: bytes) -> bytes:
    out = bytearray((SYNC, kind))
    write_bytes(out, payload)
    return bytes(out)


def step1_message(state: bytes) -> bytes:
    return _prefixed(0, state)


def step2_message(update: bytes) -> bytes:
    return _prefixed(1, update)


def update_message(update: bytes) -> bytes:
    return _prefixed(2, update)


def lineage_message(epoch: str) -> bytes:
    out = bytearray((LINEAGE,))
    write_bytes(out, epoch.encode())
    return bytes(out)


def receipt_message(kind: int, number: int) -> bytes:
    """``kind``: DURABLE or FILED."""
    out = bytearray((kind,))
    write_uint(out, number)
    return bytes(out)


def decode(message: bytes) -> SyncMessage:
    """What a binary frame says. Never raises: what cannot be read is :class:`Unknown` with the reason."""
    reader = Reader(message)
    try:
        kind = reader.uint()
        if kind == AWARENESS:
            payload = reader.blob()
            reader.done()
            return Awareness(payload)
        if kind == QUERY_AWARENESS:
            return QueryAwareness()
        if kind == ANNOUNCE:
            return Announce()
        if kind != SYNC:
            return Unknown(f"unknown message type {kind}")
        step, body = reader.uint(), reader.blob()
        reader.done()
    except Malformed as error:
        return Unknown(f"malformed message: {error}")
    if step == 0:
        return Step1(body)
    return Update(body, answer=step == 1) if step in (1, 2) else Unknown(f"unknown sync step {step}")


def announce_message() -> bytes:
    return bytes((ANNOUNCE,))


def awareness_message(payload: bytes) -> bytes:
    out = bytearray((AWARENESS,))
    write_bytes(out, payload)
    return bytes(out)


def decode_from_server(message: bytes) -> SyncMessage | Lineage | Receipt:
    """The same for a client that announced itself."""
    reader = Reader(message)
    try:
        kind = reader.uint()
        if kind == LINEAGE:
            return Lineage(reader.blob().decode())
        if kind in (DURABLE, FILED):
            return Receipt(reader.uint(), kind == FILED)
    except (Malformed, UnicodeDecodeError) as error:
        return Unknown(f"malformed message: {error}")
    return decode(message)
