"""Wires: messages arrive in order, each after a while, until the wire ends or is cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class WireEnded(Exception):
    """Nothing more comes."""


class Wire(Generic[T]):
    """One direction. ``delay()``: seconds that the next message takes at least; nothing overtakes."""

    def __init__(self, delay: Callable[[], float]) -> None:
        self._delay = delay
        self._items: deque[tuple[float, T]] = deque()
        self._last = -inf
        self._wake = trio.Event()
        self._ended = False

    def put(self, item: T) -> None:
        """Never waits. Into a wire that has ended: lost."""
        if not self._ended:
            self._last = max(self._last, trio.current_time() + self._delay())
            self._items.append((self._last, item))
            self._wake.set()

    def end(self) -> None:
        """What is on its way still arrives."""
        self._ended = True
        self._wake.set()

    def cut(self) -> None:
        """What is on its way is lost."""
        self._items.clear()
        self.end()

    async def get(self) -> T:
        """Raises :class:`WireEnded`."""
        await trio.lowlevel.checkpoint()
        while True:
            due = self._items[0][0] if self._items else inf
            if due <= trio.current_time():
                return self._items.popleft()[1]
            if self._ended and not self._items:
                raise WireEnded
            self._wake = trio.Event()
            with trio.move_on_at(due):
                await self._wake.wait()


class Link:
    """One client's connection: both directions."""

    def __init__(self, delay: Callable[[], float]) -> None:
        self.up: Wire[str | bytes] = Wire(delay)
        self.down: Wire[str | bytes] = Wire(delay)
        self.closed_with = 0  # the server's close code, if it said one
        self.stalled = False  # the client's machine takes nothing at the moment

    def cut(self) -> None:
        self.stalled = False
        self.up.cut()
        self.down.cut()
