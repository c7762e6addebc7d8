"""I9: after connects, disconnects and restarts without end, everything is where it was."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.chaos.flatness import Usage, usage_of
from tests.chaos.scene import FULL, all_up, kill_actor, run, seeded, write_notebook
from tests.conformance.clients import until
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server, running_server
from tests.simulation.ledger import PromiseBroken

pytestmark = pytest.mark.chaos

CYCLES = 500 if FULL else 40  # a hundred of them before the first look, or as many as are counted
RESTARTS = 100 if FULL else 4
AT_ONCE = 10
ACTORS = ("checkpointer", "hub", "gateway", "kernel", "runs")
PAUSE = 1.7 if FULL else 0.0  # between two deaths in a row: below the restart limit, as are the first four
SPARE = 3  # files and threads that a pool may keep
MEMORY = 4.0 if FULL else 8.0  # MiB


class Wear:
    """Comes, goes and kills."""

    def __init__(self, server: Server, rng: random.Random) -> None:
        self._server, self._rng = server, rng

    async def come_and_go(self, cycles: int) -> None:
        for _ in range(cycles // AT_ONCE):
            async with trio.open_nursery() as nursery:
                for _ in range(AT_ONCE):
                    nursery.start_soon(self._once)

    async def _once(self) -> None:
        """On either socket; with an edit and a cursor; with a goodbye or without."""
        url = self._rng.choice((self._server.room_url, self._server.control_url))
        if url == self._server.room_url:
            async with PycrdtClient(url, self._server.token) as client:
                client.set_awareness({"cursor": {"x": 1, "y": 2}})
                client.insert("text", 0, "x")
                await client.refresh()
                client.remove("text", 0, 1)
                await self._leave(client)
        else:
            async with ControlClient(url, self._server.token) as control:
                await control.ask("notebook", "get")
                await self._leave(control)

    async def _leave(self, client: PycrdtClient | ControlClient) -> None:
        if self._rng.random() < 0.5:
            await client.disconnect()
        else:
            await client.drop()

    async def kill(self, restarts: int) -> None:
        async with (
            PycrdtClient(self._server.room_url, self._server.token) as client,
            ControlClient(self._server.control_url, self._server.token) as control,
        ):
            for number in range(restarts):
                actor = ACTORS[number % len(ACTORS)]
                await kill_actor(control, actor)
                if actor == "gateway":
                    await client.connection.ended.wait()
                    await control.connection.ended.wait()
                    await client.connect()
                    await control.connect()
                await all_up(control)
                await trio.sleep(PAUSE)
            await run(control, client, "text")

    async def look(self) -> Usage:
        """What the server uses once all have gone."""

        async def alone() -> bool:
            return (await usage_of(self._server)).connections == 0

        await until(alone, within=20)
        return await usage_of(self._server)


async def flat(server: Server, before: Usage, within: float = 20.0) -> Usage:
    """Until it uses what it used before; that takes as long as threads wait for more work."""
    with trio.move_on_after(within):
        while not _fits(before, await usage_of(server)):
            await trio.sleep(0.2)
    after = await usage_of(server)
    if not _fits(before, after):
        raise PromiseBroken("I9", f"before {before}; after {after}")
    return after


def _fits(before: Usage, after: Usage) -> bool:
    return (
        after.tasks <= before.tasks
        and after.files <= before.files + SPARE
        and after.threads <= before.threads + SPARE
        and after.memory <= before.memory + MEMORY
    )


async def worn(folder: Path, **server_options: Any) -> None:
    path = write_notebook(folder / "n.ipynb", text="1")
    async with running_server(path, "--chaos", **server_options) as server:
        wear = Wear(server, seeded())
        await wear.kill(len(ACTORS) if FULL else 0)
        await wear.come_and_go(100 if FULL else 20)
        before = await wear.look()
        await wear.come_and_go(CYCLES)
        print(f"{CYCLES} connects: {before}; then {await flat(server, before)}")
        await wear.kill(RESTARTS)
        await wear.look()
        print(f"{RESTARTS} restarts: then {await flat(server, before)}")


async def test_connects_and_restarts_leave_tasks_files_threads_and_memory_where_they_were(tmp_path: Path) -> None:
    await worn(tmp_path)
