"""I9: when many clients come and go at once, everything returns to where it was."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trio
from trio_websocket import open_websocket_url

from tests.chaos.scene import write_notebook
from tests.conformance.clients import until
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server, running_server

pytestmark = pytest.mark.system

MANY = 100


@pytest.mark.parametrize("socket", ["sync", "control"])
async def test_a_hundred_clients_that_leave_at_the_same_moment_leave_nothing_behind(
    socket: str, tmp_path: Path
) -> None:
    async with running_server(write_notebook(tmp_path / "n.ipynb", a="")) as server:
        files = open_files(server)
        async with ControlClient(server.control_url, server.token) as control:
            url = server.room_url if socket == "sync" else server.control_url
            async with trio.open_nursery() as nursery:
                for _ in range(MANY):
                    nursery.start_soon(hold, f"{url}?token={server.token}")
                await until(lambda: connected(control, MANY + 1), within=30)
                nursery.cancel_scope.cancel()
            await until(lambda: connected(control, 1), within=30)
        await until(lambda: has_files(server, files), within=10)


async def test_a_client_beyond_the_limit_is_told_1013_and_nobody_else_notices(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", a="")
    async with running_server(notebook, env={"GANIMEDE_LIMIT_CONNECTIONS": "2"}) as server:
        async with ControlClient(server.control_url, server.token) as control:
            third = PycrdtClient(server.room_url, server.token)
            async with hold_room(server), third.connection:
                await third.connect(wait=False)
                assert await third.connection.wait_closed() == 1013
                assert await connected(control, 2)
            await until(lambda: connected(control, 1), within=10)
            async with hold_room(server):  # a place is free again
                await until(lambda: connected(control, 2), within=10)


def hold_room(server: Server) -> AbstractAsyncContextManager[object]:
    return open_websocket_url(f"{server.room_url}?token={server.token}")


async def hold(url: str) -> None:
    async with open_websocket_url(url):
        await trio.sleep_forever()


async def connected(control: ControlClient, count: int) -> bool:
    return bool((await control.ask("notebook", "get"))["clients"] == count)


def open_files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


async def has_files(server: Server, count: int) -> bool:
    """No more open files than before, give or take the database's and a thread's."""
    return open_files(server) <= count + 4
