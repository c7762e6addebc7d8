"""What a kernel says on comms: Jupyter's messaging protocol, "Custom Messages"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from protocol.loose_json import read_json, read_object
from protocol.values import JsonObject


class CommOpened(msgspec.Struct, frozen=True):
    """``parent``: id of the message that caused it. ``size``: bytes of all of it, for limits."""

    parent: str
    comm_id: str
    target_name: str
    data: JsonObject
    metadata: JsonObject
    buffers: tuple[bytes, ...]
    size: int


class CommMessage(msgspec.Struct, frozen=True):
    parent: str
    comm_id: str
    data: JsonObject
    metadata: JsonObject
    buffers: tuple[bytes, ...]
    size: int


class CommClosed(msgspec.Struct, frozen=True):
    parent: str
    comm_id: str
    data: JsonObject


CommEvent: TypeAlias = CommOpened | CommMessage | CommClosed

COMM_TYPES = frozenset(("comm_open", "comm_msg", "comm_close"))


class _Content(msgspec.Struct, frozen=True):
    comm_id: str
    target_name: str = ""
    data: dict[str, Any] = {}


def read_comm(type_: str, parent: str, parts: Sequence[bytes]) -> CommEvent:
    """``type_``: one of :data:`COMM_TYPES`. ``parts``: metadata, content, and a frame for each binary buffer.

    Raises ValueError or RecursionError when they are malformed."""
    metadata, content, *frames = parts
    said = read_json(content, _Content)
    if type_ == "comm_close":
        return CommClosed(parent, said.comm_id, said.data)
    buffers = tuple(map(bytes, frames))
    size = len(content) + sum(map(len, buffers))
    more = read_object(metadata)
    if type_ == "comm_open":
        return CommOpened(parent, said.comm_id, said.target_name, said.data, more, buffers, size)
    return CommMessage(parent, said.comm_id, said.data, more, buffers, size)
