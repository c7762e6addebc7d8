"""The fixture of the other tests starts the real thing, by both commands, and leaves nothing behind."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

import httpx
import pytest
import trio

from tests.conformance.clients import NodeClient, converged
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import ServerEnded, running_server

pytestmark = pytest.mark.system


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("command", ["ganimede", "hypercorn"])
def test_a_started_server_serves_every_kind_of_client_and_is_gone_afterwards(
    tmp_path: Path, command: Literal["ganimede", "hypercorn"]
) -> None:
    async def main() -> int:
        async with running_server(tmp_path / "x.ipynb", command=command) as server:
            async with httpx.AsyncClient(base_url=server.url) as http:
                assert (await http.get("/healthz")).status_code == 200
                assert (await http.get("/readyz")).status_code == 401
                page = await http.get("/", params={"token": str(server.token)})
                assert page.status_code == 200
                assert "x.ipynb" in page.text
                assert (await http.get("/assets/status.js")).status_code == 200  # by the cookie
            async with (
                ControlClient(server.control_url, server.token) as control,
                PycrdtClient(server.room_url, server.token) as python,
                NodeClient(3) as node,
            ):
                assert (await control.ask("notebook", "get"))["path"] == str(tmp_path / "x.ipynb")
                await node.connect(server.sync_url, server.token)
                python.create("aaaaaaaa", "x = 1", top=0, left=0)
                content = await converged(node, python)
                assert "aaaaaaaa" in content["cells"]
            return server.pid

    assert not exists(trio.run(main))


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(ServerEnded) as ended:
            async with running_server(tmp_path / "missing" / "x.ipynb"):
                pass
        assert ended.value.code == 1
        assert "missing does not exist" in ended.value.stderr
        assert "Traceback" not in ended.value.stderr

    trio.run(main)


def test_a_killed_server_starts_again_from_its_state_folder(tmp_path: Path) -> None:
    async def main() -> None:
        state = tmp_path / "state"
        async with running_server(tmp_path / "x.ipynb", state_dir=state) as server:
            async with PycrdtClient(server.room_url, server.token) as client, NodeClient(1) as other:
                await other.connect(server.sync_url, server.token)
                client.create("aaaaaaaa", "kept", top=0, left=0)
                await converged(client, other)
            server.kill()
            assert await server.wait() == -9
        began = time.monotonic()
        async with (
            running_server(tmp_path / "x.ipynb", state_dir=state) as server,
            PycrdtClient(server.room_url, server.token) as client,
        ):
            assert str(client.source("aaaaaaaa")) == "kept"
        assert time.monotonic() - began < 20

    trio.run(main)
