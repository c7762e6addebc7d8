"""The SyncHub is killed: sockets stay open, every replica resyncs. Too often: the notebook says that it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plays import killed_while_a_cell_prints
from tests.chaos.scene import kill_actor, run, text_of, write_notebook
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import running_server

pytestmark = pytest.mark.chaos


async def test_a_hub_killed_while_a_cell_prints_costs_nothing(tmp_path: Path) -> None:
    await killed_while_a_cell_prints("hub", tmp_path)


async def test_actors_that_die_too_often_fail_the_notebook_and_a_retry_heals_it(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", one="print(1)")
    async with (
        running_server(path, "--chaos") as server,
        PycrdtClient(server.room_url, server.token) as client,
        ControlClient(server.control_url, server.token) as control,
    ):
        with client.doc.transaction():
            client.insert("one", 0, "# kept\n")
        await control.push("notebook", "saving", lambda message: message["status"] == "saving")
        for _ in range(4):
            await kill_actor(control, "hub")
            if await failed(control):
                break
        answer = await control.answer("notebook", "queue_cell", {"cell_id": "one"})
        assert answer["error"]["code"] == "notebook_failed"
        assert control.connection.connected
        await control.ask("notebook", "retry")
        await control.push("notebook", "failed", lambda message: message["reason"] == "")
        await run(control, client, "one")
        assert text_of(client, "one") == "1\n"
        assert str(client.source("one")).startswith("# kept")


async def failed(control: ControlClient) -> bool:
    """Until the killed hub is up again, or the notebook has failed."""
    while True:
        if any(push["method"] == "failed" and push["message"]["reason"] for push in control.pushes):
            return True
        tree = await control.ask("chaos", "tree")
        if tree["notebook"]["state"] == "failed":
            return True
        if tree.get("hub", {}).get("state") == "up":
            return False
