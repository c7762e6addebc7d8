"""Clients whose copy is of an earlier document: SPEC.md S-13."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Literal

import pytest
import trio
from pycrdt import Array, Doc, create_sync_message, create_update_message
from trio_websocket import ConnectionClosed

from tests.conformance.clients import NodeClient, until
from tests.conformance.connection import Connection
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server, running_server
from tests.system.support import code_cell, same_ports, write_notebook

pytestmark = pytest.mark.system


def old_file(path: Path) -> Path:
    return write_notebook(path, code_cell("old00000", "1"), code_cell("both0000", "2"))


def new_file(path: Path) -> Path:
    return write_notebook(path, code_cell("both0000", "2"), code_cell("new00000", "3"))


async def ids(server: Server) -> list[str]:
    async with PycrdtClient(server.room_url, server.token) as fresh:
        return [str(cell) for cell in fresh.array("cells")]


async def copy_of_old(tmp_path: Path, *, edited: bool) -> Doc[Any]:
    """What somebody holds who was in sync with a server of the old file."""
    async with running_server(old_file(tmp_path / "n.ipynb")) as server:
        async with PycrdtClient(server.room_url, server.token) as client:
            if edited:
                client.insert("old00000", 0, "mine ")
                await until(lambda: _says(server, "old00000", "mine 1"))
        return client.doc


async def _says(server: Server, cell: str, text: str) -> bool:
    async with PycrdtClient(server.room_url, server.token) as other:
        return str(other.source(cell)) == text


@pytest.mark.parametrize("version", [1, 3])
async def test_a_stock_client_with_a_copy_of_another_lineage_is_refused(
    tmp_path: Path, version: Literal[1, 3]
) -> None:
    """S-13: 1.5.4 tries again for ever, 3.1 gives up; neither brings a cell."""
    ports = same_ports()
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(NodeClient(version))
        async with running_server(old_file(tmp_path / "n.ipynb"), *ports) as server:
            await node.connect(server.sync_url, server.token)
            await node.call("edit", cell="old00000", insert="mine ")
            await until(lambda: _says(server, "old00000", "mine 1"))
        async with running_server(new_file(tmp_path / "n.ipynb"), *ports) as server:

            async def refused() -> bool:
                closes = (await node.call("status"))["closes"]
                return sum(close is not None and close["code"] == 4409 for close in closes) >= (
                    2 if version == 1 else 1
                )

            await until(refused, within=20)
            status = await node.call("status")
            assert status["retrying"] is (version == 1)
            reasons = {close["reason"] for close in status["closes"] if close and close["code"] == 4409}
            assert reasons == {"your copy is of an earlier state of this notebook: discard it and load it anew"}
            assert await ids(server) == ["both0000", "new00000"]
            assert "new00000" not in (await node.dump())["cells"]  # nothing was sent to it either


@pytest.mark.parametrize("edited", [True, False], ids=["edited", "only looked"])
@pytest.mark.parametrize("listens_first", [True, False], ids=["in order", "late"])
async def test_a_copy_of_another_lineage_brings_no_cell(tmp_path: Path, edited: bool, listens_first: bool) -> None:
    """S-13: neither one that holds two ids only, nor one that a browser's storage brings after the sync."""
    old = await copy_of_old(tmp_path, edited=edited)
    async with running_server(new_file(tmp_path / "n.ipynb")) as server:
        sender = Connection(server.room_url, server.token)
        async with sender:
            await sender.connect(lambda message: None)
            if listens_first:
                await sender.send(create_sync_message(old))
            with suppress(ConnectionClosed):
                await sender.send(create_update_message(old.get_update()))
            assert await sender.wait_closed() == 4409
        assert await ids(server) == ["both0000", "new00000"]


async def test_a_refusal_is_cheap(tmp_path: Path) -> None:
    """S-13: before any work. The document, which is large, is not sent, and the server hardly notices."""
    old = await copy_of_old(tmp_path, edited=True)
    write_notebook(tmp_path / "n.ipynb", *(code_cell(f"big{n:05}", "x" * 10_000) for n in range(300)))
    async with running_server(tmp_path / "n.ipynb") as server:
        assert len(await ids(server)) == 300
        sizes: list[int] = []
        before, began = cpu(server.pid), time.monotonic()
        for _ in range(50):
            sender = Connection(server.room_url, server.token)
            async with sender:
                await sender.connect(lambda message: sizes.append(len(message)))
                await sender.send(create_sync_message(old))
                assert await sender.wait_closed() == 4409
        print(
            f"{(cpu(server.pid) - before) * 20:.1f} ms of the server each, {time.monotonic() - began:.1f} s in all"
        )
        assert sum(sizes) < 50 * 500
        assert cpu(server.pid) - before < 50 * 0.05


def cpu(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("tabs", [0, 1, 2])
async def test_a_client_that_edited_before_its_first_sync_is_let_in(tmp_path: Path, tabs: int) -> None:
    """S-13: with an empty document, with its own edits, with those of two tabs."""
    made: Doc[Any] = Doc()
    for n in range(tabs):
        tab: Doc[Any] = Doc()
        tab.apply_update(made.get_update())
        tab.get("cells", type=Array).append(f"fresh{n:03}")
        made.apply_update(tab.get_update())
    async with running_server(new_file(tmp_path / "n.ipynb")) as server:
        async with PycrdtClient(server.room_url, server.token, doc=made) as client:
            with trio.fail_after(10):
                await until(lambda: _holds(client, 2 + tabs))
            wanted = {"both0000", "new00000", *(f"fresh{n:03}" for n in range(tabs))}
            assert set(await ids(server)) == wanted


async def _holds(client: PycrdtClient, count: int) -> bool:
    return len(client.array("cells")) == count
