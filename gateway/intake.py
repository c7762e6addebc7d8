"""What a client sends, read before the WebSocket library where it is an ordinary frame.

A whole, unfragmented text or binary frame of moderate size (in practice: all of them) is taken apart here and goes
straight to the connection: under trio-websocket that is half the CPU, under hypercorn and quart a fifth. Control
frames are the library's, and from the first data frame that is anything else (fragmented, big, against the rules)
so is all that follows: it knows every rule, and what it says goes into the same inbox, behind what was there.
"""

from __future__ import annotations

from collections import deque

import trio

# Bytes of a frame that is still read here; messages that may wait for the connection.
MODERATE = 1 << 16
WAITING = 16

# Seconds that the end of a connection waits for what the client sent before.
SETTLING = 5.0

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x81, 0x82, 0x88, 0x89, 0x8A  # each with FIN
_OURS = frozenset((_TEXT, _BINARY, _CLOSE, _PING, _PONG))
_MASKED = 0x80


class Inbox:
    """Messages of one client in the order sent. Filling it waits while it is full."""

    def __init__(self) -> None:
        self._items: deque[str | bytes] = deque()
        self._news = trio.Event()  # for the taker
        self._taken = trio.Event()  # for whoever waits for room, or for all to be handled
        self._hungry = False  # the taker has handled all, and waits
        self._closed = False

    async def put(self, item: str | bytes) -> None:
        while len(self._items) >= WAITING and not self._closed:
            await self._next_turn()
        if not self._closed:
            self._items.append(item)
            self._hungry = False
            self._news.set()

    async def settled(self) -> None:
        """Until the taker has handled everything, or has gone."""
        while not (self._hungry or self._closed):
            await self._next_turn()

    async def take(self) -> str | bytes | None:
        """The next message; None at the end."""
        while not self._items:
            if self._closed:
                return None
            self._hungry = True
            self._taken.set()
            self._news = trio.Event()
            await self._news.wait()
        self._taken.set()
        return self._items.popleft()

    def close(self) -> None:
        """Nothing follows; what is there can still be taken. Idempotent."""
        self._closed = True
        self._news.set()
        self._taken.set()

    async def _next_turn(self) -> None:
        self._taken = trio.Event()
        await self._taken.wait()


class Intake:
    """Between a socket and the library that reads it. ``most``: bytes of a frame that the server takes at all."""

    def __init__(self, most: int) -> None:
        self.inbox = Inbox()
        self._most = min(most, MODERATE)
        self._held = b""  # the beginning of a frame
        self._ordinary = True

    async def filter(self, data: bytes) -> bytes:
        """Put the messages in ``data`` into the inbox; what is left is the library's. Empty ``data``: the end."""
        if not self._ordinary:
            return data
        whole = self._held + data
        at, left = 0, b""
        try:
            while (found := _read(whole, at, self._most)) is not None:
                end, message = found
                if message is not None:
                    await self.inbox.put(message)
                else:
                    if whole[at] == _CLOSE:
                        await self._settle()
                    left += whole[at:end]
                at = end
            if not data:
                raise _NotOurs
        except _NotOurs:
            await self._settle()
            self._ordinary = False
            left, at = left + whole[at:], len(whole)
        self._held = whole[at:]
        return left

    async def _settle(self) -> None:
        """The library may end the connection now: what the client sent before shall have been handled."""
        with trio.move_on_after(SETTLING):
            await self.inbox.settled()


class _NotOurs(Exception):
    """The library has to read this, and the rest."""


def _read(data: bytes, at: int, most: int) -> tuple[int, str | bytes | None] | None:
    """The end of the frame at ``at`` (RFC 6455, section 5.2) and its message; no message: a control frame. None:
    not all of it is here."""
    if len(data) < at + 2:
        return None
    kind, length, start = data[at], data[at + 1] & 127, at + 6  # behind the mask
    if data[at + 1] < _MASKED or kind not in _OURS:
        raise _NotOurs
    if length > 125:
        wide = 2 if length == 126 else 8
        start += wide
        if kind >= _CLOSE:
            raise _NotOurs
        if len(data) < start:
            return None
        length = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
        if length > most:
            raise _NotOurs
    end = start + length
    if len(data) < end:
        return None
    if kind >= _CLOSE:
        return end, None
    mask = (data[start - 4 : start] * (length // 4 + 1))[:length]
    payload = (int.from_bytes(data[start:end], "big") ^ int.from_bytes(mask, "big")).to_bytes(length, "big")
    if kind == _BINARY:
        return end, payload
    try:
        return end, payload.decode()
    except UnicodeDecodeError:
        raise _NotOurs from None
