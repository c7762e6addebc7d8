"""People who write under load: each edit is in the books, as is what the server says of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected

from protocol import sync
from protocol.lib0 import Reader
from tests.chaos.books import Books, markers
from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.pycrdt_client import STEP_2, PycrdtClient

NAMES = ("ann", "ben", "cleo", "dan", "eve", "finn", "gus", "hal", "ida", "jo")
TEXT = "text"  # the cell in which all of them write
NEW_CELL = 0.03  # of the edits: a cell of its own
AWAY = (OSError, ConnectionRejected, ConnectionClosed, trio.TooSlowError)  # nobody to connect to, for the moment


def names() -> Iterator[str]:
    """As many as one likes."""
    number = 0
    while True:
        yield f"{NAMES[number % len(NAMES)]}{number // len(NAMES) or ''}"
        number += 1


class Author(PycrdtClient):
    """Announces itself, so that it is told which of its updates are durable; keeps its document when the server
    dies, goes on writing, and brings all of it when it comes back."""

    def __init__(self, url: str, token: str | None, name: str, books: Books) -> None:
        self.name = name
        self.books = books
        self.written: list[str] = []
        self._carried: list[
            int
        ] = []  # for each update of this connection: how many edits it and those before hold
        super().__init__(url, token)

    def _greet(self) -> None:
        self._carried.clear()
        self._queue(bytes((sync.ANNOUNCE,)))
        super()._greet()

    def _queue(self, message: bytes) -> None:
        if message[0] == sync.SYNC and message[1] >= STEP_2:
            self._carried.append(len(self.written))
        super()._queue(message)

    def _hear(self, message: str | bytes) -> None:
        if isinstance(message, str):
            return  # the control socket's
        if message[0] == sync.DURABLE:
            durable = self._carried[Reader(message[1:]).uint() - 1]
            self.books.acknowledged.update(self.written[:durable])
        else:
            super()._hear(message)

    def texts(self) -> dict[str, str]:
        return {cell: str(self.map(cell).get("source", "")) for cell in map(str, self.array("cells"))}

    def see(self) -> None:
        """Note what came from others."""
        own = set(self.written)
        self.books.saw(marker for marker in markers(self.texts()) if marker not in own)

    def check(self, where: str) -> None:
        self.books.check(where, [str(cell) for cell in self.array("cells")], self.texts())

    def write(self, rng: random.Random) -> None:
        """One edit."""
        marker = f"<{self.name}.{len(self.written)}>"
        self.written.append(marker)
        self.books.made.add(marker)
        if rng.random() < NEW_CELL:
            self.create(f"{self.name}-{len(self.written):06}", marker)
        else:
            source = self.source(TEXT)
            source.insert(len(source), marker)

    async def keep_writing(self, rng: random.Random, every: tuple[float, float] = (0.0, 0.02)) -> None:
        while True:
            self.write(rng)
            await trio.sleep(rng.uniform(*every))

    async def stay(self) -> None:
        """Come back whenever the connection ends."""
        while True:
            await self.connection.ended.wait()
            with suppress(*AWAY):
                await self.connect()
            await trio.sleep(0.05)


async def settled(authors: list[Author], within: float = 20.0) -> None:
    """Until everything that they wrote is acknowledged."""
    with trio.fail_after(within):
        while any(set(author.written) - author.books.acknowledged for author in authors):
            await trio.sleep(0.02)


async def keep_running(control: ControlClient, *cells: str, every: float = 0.1) -> None:
    """Queue the cells in turn, for as long as there is somebody who answers."""
    while True:
        for cell in cells:
            try:
                await control.ask("notebook", "queue_cell", {"cell_id": cell}, within=30)
            except ControlError as error:
                if error.code not in ("running", "restarted", "stopping"):
                    raise
            except (ConnectionError, ConnectionClosed):
                with suppress(*AWAY):
                    await control.connect()
            await trio.sleep(every)
