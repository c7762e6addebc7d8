"""S-14, S-15 at the wire: a client that announces itself, on both ports, also when the server is killed."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from pycrdt import Doc, Map, Text

from protocol import sync
from protocol.lib0 import Reader
from tests.conformance.clients import until
from tests.conformance.connection import Connection
from tests.server import running_server
from tests.system.support import code_cell, same_ports, write_notebook

pytestmark = pytest.mark.system
ANNOUNCEMENT = b"\x64"


class Announced:
    """A replica that announces itself, numbers what it sends and hears what became of it."""

    def __init__(self, url: str, token: str) -> None:
        self.doc: Doc[object] = Doc()
        self.connection = Connection(url, token)
        self.sent = 0
        self.told: dict[int, int | str] = {}
        self._answers: list[bytes] = []

    def hear(self, message: str | bytes) -> None:
        if isinstance(message, str):
            return
        match sync.decode(message):
            case sync.Step1(state):
                self._answers.append(sync.step2_message(self.doc.get_update(state)))
            case sync.Update(update):
                self.doc.apply_update(update)
        reader = Reader(message)
        kind = reader.uint()
        if kind == sync.LINEAGE:
            self.told[kind] = reader.blob().decode()
        elif kind >= sync.DURABLE:
            self.told[kind] = reader.uint()

    async def send_update(self, message: bytes) -> None:
        self.sent += 1
        await self.connection.send(message)

    async def connect(self) -> None:
        self.sent, self.told = 0, {}
        await self.connection.connect(self.hear)
        await self.connection.send(ANNOUNCEMENT)
        await self.connection.send(sync.step1_message(self.doc.get_state()))
        await self.settle()

    async def settle(self) -> None:
        """Answers the server's questions until all that was sent is durable."""

        async def durable() -> bool:
            while self._answers:
                await self.send_update(self._answers.pop(0))
            return self.sent > 0 and self.told.get(sync.DURABLE) == self.sent

        await until(durable)

    async def type(self, cell_id: str, text: str) -> None:
        before = self.doc.get_state()
        source = self.doc.get(cell_id, type=Map)["source"]
        assert isinstance(source, Text)
        source += text
        await self.send_update(sync.update_message(self.doc.get_update(before)))


@pytest.mark.parametrize("port", ["room_url", "control_url"])
async def test_updates_are_durable_at_once_and_filed_with_the_file(tmp_path: Path, port: str) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", code_cell("one", "x"))
    async with running_server(notebook, state_dir=tmp_path / "state") as server:
        client = Announced(getattr(server, port), server.token)
        async with client.connection:
            await client.connect()
            assert client.told[sync.LINEAGE]
            await client.type("one", " = 1")
            await client.settle()
            assert "x = 1" not in notebook.read_text()

            async def filed() -> bool:
                return client.told.get(sync.FILED) == client.sent

            await until(filed, within=15)
            assert "x = 1" in notebook.read_text()


async def test_what_was_acknowledged_is_there_after_the_server_was_killed(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", code_cell("one", ""))
    ports = same_ports()
    async with running_server(notebook, *ports, state_dir=tmp_path / "state") as server:
        client = Announced(server.room_url, server.token)
        async with client.connection:
            await client.connect()
            epoch = client.told[sync.LINEAGE]
            for n in range(20):
                await client.type("one", f"<{n}>")
            await client.settle()
            server.kill()
            with trio.fail_after(10):
                await client.connection.ended.wait()
    async with running_server(notebook, *ports, state_dir=tmp_path / "state") as server:
        fresh = Announced(server.room_url, server.token)
        async with fresh.connection:
            await fresh.connect()
            assert fresh.told[sync.LINEAGE] == epoch
            source = fresh.doc.get("one", type=Map)["source"]
            assert str(source) == "".join(f"<{n}>" for n in range(20))
