"""``kill -9`` of the server, all its processes at once, at random moments while people write and run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.killing import Way
from tests.chaos.scene import FULL, PRINTER, cell, idle, killed, ports_of, printing, write_notebook
from tests.chaos.series import killed_in_a_row
from tests.conformance.clients import until
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import running_server

pytestmark = pytest.mark.chaos

GANIMEDE, HYPERCORN = Way("ganimede", "group"), Way("hypercorn", "group")


@pytest.mark.parametrize("number", range(8 if FULL else 1))
async def test_a_server_killed_under_load_again_and_again_loses_and_doubles_nothing(
    number: int, tmp_path: Path
) -> None:
    """Whatever was acknowledged to its author, or seen by anybody else, is there; whichever command serves."""
    await killed_in_a_row(
        tmp_path, ([GANIMEDE] * 13 + [HYPERCORN] * 12) if FULL else [GANIMEDE, GANIMEDE, HYPERCORN, HYPERCORN]
    )


async def test_a_client_that_was_offline_through_the_kill_brings_its_edits_back_once(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", text="")
    state = tmp_path / "state"
    async with running_server(path, state_dir=state) as server:
        ports = ports_of(server)
        client = PycrdtClient(server.room_url, server.token)
        async with client:
            client.insert("text", 0, "before ")
            async with PycrdtClient(server.room_url, server.token) as other:
                await until(lambda: said(other, "before "))
            await killed(server)
            client.insert("text", 7, "offline")
            async with running_server(path, *ports, state_dir=state):
                await client.connect()
                async with PycrdtClient(server.room_url, server.token) as other:
                    await until(lambda: said(other, "before offline"))
                    assert [item for item in other.array("cells")] == ["text"]


async def said(client: PycrdtClient, text: str) -> bool:
    return str(client.source("text")) == text


async def test_a_cell_that_ran_when_the_server_was_killed_says_why_it_ended(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", prints=PRINTER, waits="1")
    state = tmp_path / "state"
    async with running_server(path, state_dir=state) as server:
        ports = ports_of(server)
        async with (
            PycrdtClient(server.room_url, server.token) as client,
            ControlClient(server.control_url, server.token) as control,
        ):
            await control.ask("notebook", "queue_cell", {"cell_id": "prints"})
            await control.ask("notebook", "queue_cell", {"cell_id": "waits"})
            await printing(client, "prints", 3)
            await killed(server)
    async with (
        running_server(path, *ports, state_dir=state) as server,
        PycrdtClient(server.room_url, server.token) as client,
    ):
        await idle(client, "prints", "waits")
        outputs = cell(client, "prints")["outputs"]
        assert isinstance(outputs, list)
        assert outputs[-1]["output_type"] == "error"
        assert "kernel ended with the server" in outputs[-1]["evalue"]
        assert cell(client, "waits")["outputs"] == []
        assert list(client.array("run_queue")) == []


async def test_a_notebook_that_was_renamed_after_the_kill_finds_its_work_and_says_so(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", text="")
    state = tmp_path / "state"
    async with running_server(path, state_dir=state) as server:
        async with (
            PycrdtClient(server.room_url, server.token) as client,
            PycrdtClient(server.room_url, server.token) as other,
        ):
            client.insert("text", 0, "unsaved")
            await until(lambda: said(other, "unsaved"))
            await killed(server)
    path = path.rename(tmp_path / "renamed.ipynb")
    async with (
        running_server(path, state_dir=state) as server,
        PycrdtClient(server.room_url, server.token) as client,
        ControlClient(server.control_url, server.token) as control,
    ):
        await until(lambda: said(client, "unsaved"))
        notice = await control.push("notebook", "notice", lambda message: message["code"] == "journal_found")
        assert "renamed.ipynb" in notice["message"]
