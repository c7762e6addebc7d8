"""Slow, flooding and hostile clients beside people who write: I8 and I10. The bench of the same name measures."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from pycrdt import create_update_message
from trio_websocket import ConnectionClosed

from tests.chaos.books import Books
from tests.chaos.flatness import usage_of
from tests.chaos.people import TEXT, Author, settled
from tests.chaos.scene import seeded, write_notebook
from tests.conformance.clients import converged
from tests.conformance.connection import Connection
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient, awareness_message
from tests.server import Server, running_server
from tests.simulation.ledger import PromiseBroken

pytestmark = pytest.mark.chaos

LIMITS = {"GANIMEDE_LIMIT_OUTBOX_FRAMES": "16", "GANIMEDE_LIMIT_BINARY_FRAME": "1000000"}
FLOOD = 300
MEMORY = 48.0  # MiB: what a frame of a megabyte and a flood may need for a while


async def reads_nothing(client: PycrdtClient) -> None:
    client.connection.pause()
    for _ in range(FLOOD):  # answers that nobody takes
        await client.send(b"\x00\x00\x01\x00")
    await trio.sleep_forever()


async def floods_updates(client: PycrdtClient) -> None:
    for _ in range(FLOOD):
        client.insert("flood", 0, "x")
        await client.send(b"\x00\x02\x02\x00\x00")


async def floods_presence(client: PycrdtClient) -> None:
    for clock in range(FLOOD):
        await client.send(awareness_message({client.doc.client_id: (clock, {"cursor": {"x": clock}})}))


async def asks_without_end(control: Connection) -> None:
    for number in range(FLOOD):
        await control.send(json.dumps({"channel": "notebook", "method": "get", "id": number}))


async def sends_garbage(client: PycrdtClient) -> None:
    await client.send(create_update_message(b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01garbage"))
    await client.connection.ended.wait()
    if client.connection.close_code != 4400:
        raise PromiseBroken("I8", f"garbage is answered with {client.connection.close_code}")


async def sends_too_much(client: PycrdtClient) -> None:
    await client.send(create_update_message(bytes(2_000_000)))
    await client.connection.ended.wait()
    if client.connection.close_code != 1009:
        raise PromiseBroken("I8", f"a frame that is too large is answered with {client.connection.close_code}")


HARM: tuple[Callable[[PycrdtClient], Awaitable[None]], ...] = (
    reads_nothing,
    floods_updates,
    floods_presence,
    sends_garbage,
    sends_too_much,
)


async def harm(folder: Path, **server_options: Any) -> None:
    """Each kind twice beside two people who write. They notice nothing."""
    options = {**server_options, "env": {**LIMITS, **server_options.get("env", {})}}
    path = write_notebook(folder / "n.ipynb", **{TEXT: "", "flood": ""})
    books, rng = Books(), seeded()
    async with (
        running_server(path, "--chaos", **options) as server,
        Author(server.room_url, server.token, "ann", books) as ann,
        Author(server.control_url, server.token, "ben", books) as ben,
    ):
        before = await usage_of(server)
        async with trio.open_nursery() as nursery:
            for author in (ann, ben):
                nursery.start_soon(author.keep_writing, rng)
            with trio.move_on_after(1.0):
                await _all_at_once(server)
            nursery.cancel_scope.cancel()
        if not (ann.connection.connected and ben.connection.connected):
            raise PromiseBroken("I8", "who did nothing wrong was hung up on")
        await settled([ann, ben])
        await converged(ann, ben)
        ann.check("ann's copy")
        books.check_all("ann's copy", ann.texts())
        async with ControlClient(server.control_url, server.token) as control:
            tree = await control.ask("chaos", "tree")
        if restarted := [name for name, actor in tree.items() if actor["incarnation"] > 1]:
            raise PromiseBroken("I8", f"{restarted} crashed over a client")
        after = await usage_of(server)
        assert after.memory <= before.memory + MEMORY, (before, after)


async def _all_at_once(server: Server) -> None:
    async with trio.open_nursery() as nursery:
        for does in HARM * 2:
            nursery.start_soon(_one, server, does)
        nursery.start_soon(_asker, server)


async def _one(server: Server, does: Callable[[PycrdtClient], Awaitable[None]]) -> None:
    client = PycrdtClient(server.room_url, server.token)
    async with client.connection:
        try:
            await client.connect()
            await does(client)
        except ConnectionClosed:
            pass  # it was hung up on


async def _asker(server: Server) -> None:
    control = ControlClient(server.control_url, server.token)
    async with control:
        try:
            await asks_without_end(control.connection)
        except ConnectionClosed:
            pass


async def test_clients_that_read_nothing_flood_or_send_garbage_harm_nobody_else(tmp_path: Path) -> None:
    await harm(tmp_path)


async def stay_out(folder: Path, **server_options: Any) -> None:
    """Whoever has no token reads nothing, on either port."""
    path = write_notebook(folder / "n.ipynb", **{TEXT: "secret"})
    async with running_server(path, **server_options) as server, httpx.AsyncClient() as http:
        for route in ("/metrics", "/config", "/status", "/files/n.png"):
            if (answer := await http.get(f"{server.url}{route}")).status_code != 401:
                raise PromiseBroken("I10", f"{route} says {answer.status_code} to anybody")
        for url in (server.room_url, server.control_url):
            stranger = PycrdtClient(url, None)
            async with stranger.connection:
                await stranger.connect(wait=False)
                with trio.move_on_after(5):
                    await stranger.connection.ended.wait()
                if stranger.connection.close_code is None or list(stranger.array("cells")):
                    raise PromiseBroken("I10", f"a stranger was let in at {url}")


async def test_a_stranger_reads_nothing_on_either_port(tmp_path: Path) -> None:
    await stay_out(tmp_path)
