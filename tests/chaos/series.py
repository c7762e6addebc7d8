"""Kill after kill of one notebook's server under real load: people who type, cells that run.

After each kill nobody may serve on. The next server is first looked at by somebody who was never there before,
then those who were come back, with what they wrote into the void, and the load goes on until the next kill.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import nbformat
import trio

from tests.chaos import scene
from tests.chaos.books import Books
from tests.chaos.killing import Process, Way, kill, nobody_lives, nobody_serves
from tests.chaos.people import TEXT, Author, keep_running, names, settled
from tests.chaos.plays import planted
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import TOKEN, Server, running_server
from tests.simulation.ledger import PromiseBroken
from tests.system.support import free_ports

AUTHORS = 3
LOAD = (0.05, 0.6) if not scene.FULL else (0.05, 1.0)  # seconds until the kill
CELLS = {"quick": "print('quick')", "slow": "import time\nfor n in range(9): print(n); time.sleep(0.1)"}


class Series:
    """``plant``: of a bug in all servers, see planted_server."""

    def __init__(self, folder: Path, rng: random.Random, plant: str = "") -> None:
        self.path = scene.write_notebook(folder / "n.ipynb", **{TEXT: ""}, **CELLS)
        self.books = Books()
        self._state = folder / "state"
        self._rng = rng
        self._plant = plant
        self._ports = free_ports()
        self._ended: list[Process] = []

    async def kills(self, ways: list[Way]) -> None:
        """One after the other; at the end all is well, and everything is there."""
        async with AsyncExitStack() as stack:
            authors = await self._authors(stack)
            for way in ways:
                async with self._serving(way) as server:
                    await self._look(server)
                    await self._come_back(authors)
                    await self._work_until_killed(server, way, authors)
            async with self._serving(Way("ganimede", "group")) as server:
                await self._look(server)
                await self._come_back(authors)
                await settled(authors)
                for author in authors:
                    author.check(f"{author.name}'s copy")
                await self._look(server, whole=True)
        await nobody_lives(self._ended)

    async def _authors(self, stack: AsyncExitStack) -> list[Author]:
        """Not connected yet. Half of them speak as the page does, on the control socket's port."""
        authors = []
        for name, port, path in zip(names(), self._ports * AUTHORS, ("/", "/g-y-room") * AUTHORS, strict=False):
            author = Author(f"ws://127.0.0.1:{port}{path}", TOKEN, name, self.books)
            await stack.enter_async_context(author.connection)
            authors.append(author)
        return authors[:AUTHORS]

    @asynccontextmanager
    async def _serving(self, way: Way) -> AsyncIterator[Server]:
        http, sync = map(str, self._ports)
        if way.command == "ganimede":
            arguments, env = ("--port", http, "--sync-port", sync), {}
        else:
            arguments, env = ("-b", f"127.0.0.1:{http}"), {"GANIMEDE_SYNC_PORT": sync}
        options = planted(self._plant, way.command) if self._plant else {}
        options = {**options, "env": {**env, **options.get("env", {})}}
        async with running_server(
            self.path, *arguments, command=way.command, token=TOKEN, state_dir=self._state, **options
        ) as server:
            yield server

    async def _look(self, server: Server, *, whole: bool = False) -> None:
        """As somebody who has nothing: what is there is the server's own. I1, I2, I4, I7."""
        async with PycrdtClient(server.room_url, server.token) as fresh:
            cells = [str(cell) for cell in fresh.array("cells")]
            texts = {cell: str(fresh.source(cell)) for cell in cells}
            self.books.check("the server's copy", cells, texts)
            if whole:
                self.books.check_all("the server's copy", texts)
            try:
                await scene.idle(fresh, *CELLS, within=20)
            except trio.TooSlowError:
                raise PromiseBroken("I4", f"{[scene.cell(fresh, cell) for cell in CELLS]}") from None
        nbformat.validate(nbformat.read(self.path, as_version=4))

    async def _come_back(self, authors: list[Author]) -> None:
        async with trio.open_nursery() as nursery:
            for author in authors:
                nursery.start_soon(author.connect)

    async def _work_until_killed(self, server: Server, way: Way, authors: list[Author]) -> None:
        async with ControlClient(server.control_url, server.token) as control, trio.open_nursery() as nursery:
            for author in authors:
                nursery.start_soon(author.keep_writing, self._rng)
            nursery.start_soon(keep_running, control, *CELLS)
            await trio.sleep(self._rng.uniform(*LOAD))
            processes = await kill(server, way.victim)
            nursery.cancel_scope.cancel()
        await nobody_serves(server, processes)
        for author in authors:
            author.see()
            author.write(self._rng)  # into the void
        await nobody_lives(self._ended)  # of the kill before: a second has passed
        self._ended = processes


async def killed_in_a_row(folder: Path, ways: list[Way], plant: str = "") -> None:
    rng = scene.seeded()
    series = Series(folder, rng, plant)
    begun = trio.current_time()
    await series.kills(rng.sample(ways, len(ways)))
    taken = (trio.current_time() - begun) / len(ways)
    print(f"{len(ways)} kills, {taken:.2f} s each; {series.books}")
    assert series.books.acknowledged
    assert series.books.seen
