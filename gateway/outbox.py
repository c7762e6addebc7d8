"""What waits to be sent to one client: bounded, filled without waiting, emptied by the connection's writer."""

from __future__ import annotations

from collections import deque
from typing import Protocol, TypeAlias

import trio

from protocol import wire
from protocol.messages.hub import Frame, HangUp, ToClient
from protocol.messages.shared import Notice

Item: TypeAlias = Frame | str | HangUp


class Sink(Protocol):
    """Where the hub and the gateway put what one client shall get."""

    def put(self, item: Item) -> bool: ...

    @property
    def closing(self) -> bool:
        """The last item is in: nothing may follow a close frame."""
        ...


def size_of(item: Item) -> int:
    return len(item.payload) if isinstance(item, Frame) else len(item) if isinstance(item, str) else 0


class Outbox:
    """At most ``frames`` items and ``limit`` bytes wait, beyond one item of any size in an empty outbox.

    A client that lets it overflow is closed with 1013 and resyncs when it comes back.
    """

    def __init__(self, frames: int, limit: int) -> None:
        self._frames, self._limit = frames, limit
        self.items: deque[Item] = deque()
        self._bytes = 0
        self._filled = trio.Event()
        self.closing = False

    def __len__(self) -> int:
        return len(self.items)

    def put(self, item: Item) -> bool:
        """Add an item. False: the client is too slow, or its connection is closing."""
        if self.closing:
            return False
        if len(self.items) >= self._frames or (self.items and self._bytes > self._limit):
            self.hang_up(HangUp(1013, "too slow: reconnect to resync"))
            return False
        if isinstance(item, HangUp):
            self.hang_up(item)
            return True
        self.items.append(item)
        self._bytes += size_of(item)
        self._filled.set()
        return True

    def hang_up(self, last: HangUp) -> None:
        """Close the connection after what waits, or soon if the client does not take it (the writer's bound)."""
        if not self.closing:
            self.closing = True
            self.items.append(last)
            self._filled.set()

    async def take(self) -> list[Item]:
        """Everything that waits, at least one item."""
        while not self.items:
            self._filled = trio.Event()
            await self._filled.wait()
        taken = list(self.items)
        self.items.clear()
        self._bytes = 0
        return taken


def notice_text(notice: Notice) -> str:
    """The control message that tells people."""
    return wire.push("notebook", "notice", {"code": notice.code, "message": notice.message, "level": notice.level})


class HubOutlet:
    """The hub's end. ``gone`` is set when the hub forgot this subscription: if the connection goes on, the hub
    restarted, so subscribe again. ``text``: the client understands control messages."""

    def __init__(self, sink: Sink, text: bool = False) -> None:
        self._sink = sink
        self._text = text
        self.gone = trio.Event()
        self._closed = False

    def offer(self, item: ToClient, /) -> bool:
        if isinstance(item, Notice):  # for this client alone: what concerns everybody comes from the gateway
            return not self._text or (not self._closed and self._sink.put(notice_text(item)))
        return not self._closed and self._sink.put(item)

    def close(self) -> None:
        self._closed = True
        self.gone.set()


class GatewayOutlet:
    """The Gateway actor's end: when it goes, so does the connection."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def offer(self, item: ToClient | str, /) -> bool:
        return not isinstance(item, Notice) and self._sink.put(item)

    def close(self) -> None:
        self._sink.put(HangUp(1012, "the server's gateway restarts"))
