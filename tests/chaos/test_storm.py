"""A seeded storm: actors die at random while people write and run; afterwards nothing is lost or doubled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import trio

from tests.chaos.scene import FULL, idle, kill_actor, run, text_of, write_notebook
from tests.conformance.clients import converged
from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import running_server

pytestmark = pytest.mark.chaos

SECONDS = 120.0 if FULL else 12.0
ACTORS = ("checkpointer", "hub", "kernel", "runs")

# Below the restart limit: three within five seconds.
PAUSE = (1.7, 2.6)


async def test_a_storm_of_actor_deaths_loses_and_doubles_nothing(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    path = write_notebook(
        tmp_path / "n.ipynb", text="", a="print('a')", b="import time; time.sleep(0.2); print('b')"
    )
    async with (
        running_server(path, "--chaos") as server,
        PycrdtClient(server.room_url, server.token) as one,
        PycrdtClient(server.room_url, server.token) as two,
        ControlClient(server.control_url, server.token) as control,
    ):
        await run(control, one, "a")
        with trio.move_on_after(SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(write, one, "one", rng)
                nursery.start_soon(write, two, "two", rng)
                nursery.start_soon(keep_running, control)
                while True:
                    await trio.sleep(rng.uniform(*PAUSE))
                    await kill_actor(control, rng.choice(ACTORS))
        await idle(one, "a", "b")
        dump = await converged(one, two, within=20)
        text = dump["maps"]["text"]["source"]
        for name, client in (("one", one), ("two", two)):
            written = getattr(client, "written", 0)
            found = [
                int(part.split(".")[1]) for part in text.replace(">", " ").split() if part.startswith(f"<{name}.")
            ]
            assert sorted(found) == list(range(written)), f"{name}: lost or doubled"
        assert one.connection.connected
        assert two.connection.connected
        async with PycrdtClient(server.room_url, server.token) as fresh:
            assert await fresh.dump() == await one.dump()
        await run(control, one, "a")
        assert text_of(one, "a") == "a\n"


async def write(client: PycrdtClient, name: str, rng: random.Random) -> None:
    client.written = 0  # type: ignore[attr-defined]
    while True:
        client.insert("text", len(str(client.source("text"))), f"<{name}.{client.written}>")  # type: ignore[attr-defined]
        client.written += 1  # type: ignore[attr-defined]
        await trio.sleep(rng.uniform(0, 0.02))


async def keep_running(control: ControlClient) -> None:
    while True:
        for cell_id in ("a", "b"):
            try:
                await control.ask("notebook", "queue_cell", {"cell_id": cell_id}, within=30)
            except ControlError as error:
                if error.code not in ("running", "restarted"):
                    raise
            await trio.sleep(0.1)
