"""What clients say on comms, to the kernel and through it to each other.

``msg_id`` is chosen by the client, so that it can tell what came of its own message from everything else: pushes
that a message caused carry it as ``parent``.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec

from protocol.values import JsonObject

CommId: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
MessageId: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{0,64}$")]

# In the kernel's eyes the ids of clients begin so, and can be no id of the server's own.
_OURS = "client."


class OpenComm(msgspec.Struct, frozen=True):
    """``buffers``: binary parts of the message, in base64."""

    comm_id: CommId
    target_name: str
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    buffers: tuple[bytes, ...] = ()
    msg_id: MessageId = ""


class SendComm(msgspec.Struct, frozen=True):
    comm_id: CommId
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    buffers: tuple[bytes, ...] = ()
    msg_id: MessageId = ""


class CloseComm(msgspec.Struct, frozen=True):
    comm_id: CommId
    data: dict[str, Any] = {}
    msg_id: MessageId = ""


CommRequest: TypeAlias = OpenComm | SendComm | CloseComm


def message_of(request: CommRequest) -> tuple[str, JsonObject]:
    """The message that says it: type and content."""
    content: JsonObject = {"comm_id": request.comm_id, "data": request.data}
    match request:
        case OpenComm():
            return "comm_open", {**content, "target_name": request.target_name}
        case SendComm():
            return "comm_msg", content
        case CloseComm():
            return "comm_close", content


def kernel_id(msg_id: str) -> str:
    """Under which id the kernel gets a client's message; empty if the client gave none."""
    return _OURS + msg_id if msg_id else ""


def client_id(parent: str) -> str:
    """The client's name for the message ``parent``; empty if that was no client's."""
    return parent[len(_OURS) :] if parent.startswith(_OURS) else ""
