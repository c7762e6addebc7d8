"""``kill -9`` of the server, all its processes at once, at random moments while people write and run."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from tests.chaos.killing import Way
from tests.chaos.scene import FULL, PRINTER, cell, idle, killed, ports_of, printing, text_of, write_notebook
from tests.chaos.series import killed_in_a_row
from tests.conformance.clients import until
from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server, running_server

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


async def said(client: PycrdtClient, text: str, cell_id: str = "text") -> bool:
    return str(client.source(cell_id)) == text


async def told_to_stop(server: Server) -> None:
    server.terminate()
    assert await server.wait() == 0


@pytest.mark.parametrize("end", [killed, told_to_stop])
async def test_a_cell_that_ran_when_the_server_stopped_says_why_it_ended_and_the_queue_runs_when_somebody_says_so(
    tmp_path: Path, end: Callable[[Server], Awaitable[None]]
) -> None:
    then, now = "print('then')", "print('now')"
    path = write_notebook(tmp_path / "n.ipynb", prints=PRINTER, second="print('second')", third=then)
    state = tmp_path / "state"
    async with running_server(path, state_dir=state) as server:
        ports = ports_of(server)
        async with (
            PycrdtClient(server.room_url, server.token) as client,
            ControlClient(server.control_url, server.token) as control,
        ):
            await control.ask("notebook", "queue_cell", {"cell_id": "prints"})
            await control.ask("notebook", "queue_cell", {"cell_id": "second"})
            await control.ask("notebook", "queue_cell", {"cell_id": "third"})
            await printing(client, "prints", 3)
            await end(server)
    async with (
        running_server(path, *ports, state_dir=state) as server,
        PycrdtClient(server.room_url, server.token) as client,
        PycrdtClient(server.room_url, server.token) as reader,
        ControlClient(server.control_url, server.token) as control,
        ControlClient(server.control_url, server.token) as other,
    ):
        await idle(client, "prints", "second", "third")
        outputs = cell(client, "prints")["outputs"]
        assert isinstance(outputs, list)
        assert outputs[-1]["output_type"] == "error"
        assert "kernel ended with the server" in outputs[-1]["evalue"]
        assert cell(client, "second")["outputs"] == cell(client, "third")["outputs"] == []
        assert list(client.array("run_queue")) == []
        offer = await control.push("notebook", "queue_offered", lambda message: bool(message["cells"]))
        assert [each["cell_id"] for each in offer["cells"]] == ["prints", "second", "third"]
        assert [each["interrupted"] for each in offer["cells"]] == [True, False, False]
        assert offer["cells"][2]["source_crc"] == zlib.crc32(then.encode())
        assert (await control.ask("notebook", "get"))["offered"] == offer["cells"]
        client.remove("third", 0, len(then))
        client.insert("third", 0, now)
        await until(lambda: said(reader, now, "third"))  # so the server has it
        await accepted_once(control, other)
        with trio.fail_after(30):
            while not text_of(client, "third"):
                await trio.sleep(0.01)
        await idle(client, "second", "third")
        assert [text_of(client, each) for each in ("second", "third")] == ["second\n", "now\n"]
        counts = [cell(client, each)["execution_count"] for each in ("second", "third")]
        assert counts == [1, 2]  # each ran once, and nothing before them
        assert (await control.ask("notebook", "get"))["offered"] == []


async def accepted_once(*controls: ControlClient) -> None:
    """By all at once, without what was interrupted: one of them is heard."""
    outcomes: list[str] = []

    async def accept(control: ControlClient) -> None:
        try:
            await control.ask("notebook", "resume_queue", {"interrupted": False})
        except ControlError as error:
            outcomes.append(error.code)
        else:
            outcomes.append("done")

    async with trio.open_nursery() as nursery:
        for control in controls:
            nursery.start_soon(accept, control)
    assert sorted(outcomes) == ["done"] + ["no_offer"] * (len(controls) - 1)
    for control in controls:
        await control.push("notebook", "queue_offered", lambda message: not message["cells"])


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
