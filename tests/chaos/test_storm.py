"""A seeded storm: twenty people write and run while actors and the kernel die at random. I1 to I6 and I9."""

from __future__ import annotations

import os
import random
import re
import signal
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.chaos.books import Books
from tests.chaos.flatness import usage_of
from tests.chaos.killing import kernels
from tests.chaos.people import AWAY, TEXT, Author, keep_running, names, settled
from tests.chaos.scene import FULL, cell, kill_actor, run, seeded, text_of, write_notebook
from tests.conformance.clients import converged, until
from tests.conformance.control_client import ControlClient
from tests.server import Server, running_server
from tests.simulation.ledger import PromiseBroken

pytestmark = pytest.mark.chaos

SECONDS = 120.0 if FULL else 8.0
PEOPLE = 20
EVERY = (0.1, 0.3)  # seconds between the edits of one: five in a second
ACTORS = ("checkpointer", "hub", "kernel", "runs", "gateway")
KERNEL = 0.15  # of the kills: the process instead of an actor

# Below the restart limit: three within five seconds.
PAUSE = (1.7, 2.6)

LINES = 30
COUNTS = f"import time\nfor n in range({LINES}):\n    print('line', n, flush=True)\n    time.sleep(0.01)"


async def test_a_storm_of_deaths_breaks_no_promise(tmp_path: Path) -> None:
    await storm(tmp_path)


async def storm(folder: Path, **server_options: Any) -> None:
    cells = {TEXT: "", "keeps": "kept = 42", "counts": COUNTS, "after": "print(kept)"}
    async with (
        running_server(write_notebook(folder / "n.ipynb", **cells), "--chaos", **server_options) as server,
        ControlClient(server.control_url, server.token) as control,
    ):
        await Storm(server, control, seeded()).rage()


class Storm:
    def __init__(self, server: Server, control: ControlClient, rng: random.Random) -> None:
        self._server, self._control, self._rng = server, control, rng
        self._books = Books()
        self._deaths: list[str] = []

    async def rage(self) -> None:
        async with AsyncExitStack() as stack:
            people = [await stack.enter_async_context(author) for author in self._people()]
            await run(self._control, people[0], "keeps")
            async with trio.open_nursery() as nursery:
                for author in people:
                    nursery.start_soon(author.stay)
                with trio.move_on_after(SECONDS):
                    await self._write_run_and_kill(people)
                await self._calm(people)
                await self._judge(people)
                nursery.cancel_scope.cancel()
        await self._nobody_left()

    def _people(self) -> list[Author]:
        urls = (self._server.room_url, self._server.control_url) * PEOPLE
        named = islice(zip(names(), urls, strict=False), PEOPLE)
        return [Author(url, self._server.token, name, self._books) for name, url in named]

    async def _write_run_and_kill(self, people: list[Author]) -> None:
        async with trio.open_nursery() as nursery:
            for author in people:
                nursery.start_soon(author.keep_writing, self._rng, EVERY)
            nursery.start_soon(keep_running, self._control, "counts")
            while True:
                await trio.sleep(self._rng.uniform(*PAUSE))
                await self._kill()

    async def _kill(self) -> None:
        if self._rng.random() < KERNEL:
            self._deaths.append("kernel's process")
            for process in kernels(self._server):
                os.kill(process.pid, signal.SIGKILL)
            return
        actor = self._rng.choice(ACTORS)
        self._deaths.append(actor)
        try:
            await kill_actor(self._control, actor)
        except AWAY:  # the gateway's death before it
            await self._control.connect()

    async def _calm(self, people: list[Author]) -> None:
        """Everybody is here and was told everything; no cell waits (I4)."""
        if not self._control.connection.connected:
            await self._control.connect()
        await settled(people)
        with trio.move_on_after(30):
            while await self._busy():  # asked of the server: a copy may lack what became of a cell (I3)
                await trio.sleep(0.02)
            return
        raise PromiseBroken("I4", f"counts waits or runs for ever after {self._deaths}")

    async def _busy(self) -> bool:
        summary = await self._control.ask("notebook", "get")
        return bool(summary["running"] or summary["queued"])

    async def _judge(self, people: list[Author]) -> None:
        try:
            await converged(*people, within=20)
        except AssertionError as differs:
            raise PromiseBroken("I3", str(differs)) from None
        for name in ("counts", "keeps"):
            if (state := cell(people[0], name).get("state")) != "idle":
                raise PromiseBroken("I4", f"nothing runs, and {name} says {state}")
        for author in people:
            author.see()
        people[0].check("everybody's copy")
        self._books.check_all("everybody's copy", people[0].texts())
        async with Author(self._server.room_url, self._server.token, "late", self._books) as late:
            assert await late.dump() == await people[0].dump()
        self._in_order(text_of(people[0], "counts"))
        if "kernel's process" not in self._deaths:
            await run(self._control, people[0], "after")
            if (said := text_of(people[0], "after")) != "42\n":
                raise PromiseBroken("I6", f"the variable is {said!r} after {self._deaths}")
        await run(self._control, people[0], "counts")
        assert re.findall(r"line (\d+)", text_of(people[0], "counts")) == [str(n) for n in range(LINES)]
        print(f"{len(self._deaths)} deaths, {self._books}")

    def _in_order(self, text: str) -> None:
        """The lines of one run: some may be missing where a death is told, none comes twice or early."""
        numbers = [int(number) for number in re.findall(r"line (\d+)", text)]
        if numbers != sorted(set(numbers)):
            raise PromiseBroken("I5", f"a cell says {numbers} after {self._deaths}")

    async def _nobody_left(self) -> None:
        """I9: all have gone, and so has what the server held for them."""

        async def alone() -> bool:
            return (await usage_of(self._server)).connections == 1

        await until(alone, within=20)
