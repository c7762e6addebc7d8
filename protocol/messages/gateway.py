"""What the Gateway is asked and told."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from protocol.messages.hub import ToClient
from protocol.messages.shared import Done, Outlet, Refused, Reply


class Join(msgspec.Struct, frozen=True):
    """A connection opened. ``text``: it understands control messages. Refused: too many connections."""

    reply: Reply[Done | Refused]
    session: str
    outlet: Outlet[ToClient | str]
    text: bool


class Leave(msgspec.Struct, frozen=True):
    session: str


class HeardAwareness(msgspec.Struct, frozen=True):
    """An awareness message of a client; ``payload`` as in y-protocols, after the type."""

    session: str
    payload: bytes


class AskedAwareness(msgspec.Struct, frozen=True):
    session: str


class NotebookFailed(msgspec.Struct, frozen=True):
    """The notebook's supervisor gave up. ``reason`` empty: it was started again."""

    reason: str


class CountSessions(msgspec.Struct, frozen=True):
    reply: Reply[int]


class NameSession(msgspec.Struct, frozen=True):
    """The name under which a connection shows itself to people; empty if it does not."""

    reply: Reply[str]
    session: str


GatewayMessage: TypeAlias = (
    Join | Leave | HeardAwareness | AskedAwareness | NotebookFailed | CountSessions | NameSession
)
