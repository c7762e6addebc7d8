"""The client's end of a connection, in place of the WebSocket that the conformance client usually has."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import trio

from tests.simulation.server import Server
from tests.simulation.transport import Link, WireEnded


class Line:
    """Connect as often as you like, one connection at a time. ``server()``: whoever listens now."""

    def __init__(
        self, nursery: trio.Nursery, server: Callable[[], Server | None], who: str, rng: random.Random
    ) -> None:
        self._nursery = nursery
        self._server = server
        self._who = who
        self._rng = rng
        self._merges = rng.random() < 0.5
        self._scope = trio.CancelScope()
        self._over = trio.Event()
        self._over.set()
        self.link: Link | None = None
        self.close_codes: list[int] = []
        self.on_text: Callable[[str], None] = lambda text: None
        self.on_end: Callable[[], None] = lambda: None

    def _delay(self) -> float:
        """Mostly a local network, now and then a hiccup."""
        return self._rng.uniform(0.0005, 0.01) if self._rng.random() < 0.97 else self._rng.uniform(0.05, 0.5)

    @property
    def connected(self) -> bool:
        return not self._over.is_set()

    async def connect(
        self, hear: Callable[[str | bytes], None], write: Callable[[], Awaitable[None]], within: float
    ) -> None:
        await trio.sleep(self._delay())
        server = self._server()
        if server is None:
            raise ConnectionRefusedError
        link = Link(self._delay)
        server.accept(link, self._who, self._merges)
        self.link, self._over, self._scope = link, trio.Event(), trio.CancelScope()
        self._nursery.start_soon(self._live, link, hear, write, self._over, self._scope)

    async def _live(
        self,
        link: Link,
        hear: Callable[[str | bytes], None],
        write: Callable[[], Awaitable[None]],
        over: trio.Event,
        scope: trio.CancelScope,
    ) -> None:
        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(write)
                    while True:
                        item = await link.down.get()
                        if isinstance(item, str):
                            self.on_text(item)
                        else:
                            hear(item)
        except* WireEnded:
            if link.closed_with:
                self.close_codes.append(link.closed_with)
        finally:
            link.cut()
            over.set()
            self.on_end()

    async def send(self, message: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        if self.link is not None:
            self.link.up.put(message)

    async def drop(self) -> None:
        """No goodbye: both sides find out."""
        self._scope.cancel()
        await self._over.wait()

    disconnect = drop
