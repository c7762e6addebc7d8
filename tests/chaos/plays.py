"""One play for every actor: it is killed while a cell prints, and that costs nothing that anybody saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import trio

from tests.chaos.scene import COUNT, PRINTER, idle, kill_actor, printing, run, text_of, write_notebook
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import running_server

LOST = "some output was lost here"


class Witness:
    """Remembers the longest output it saw: nothing that left the hub may be missing afterwards."""

    def __init__(self, client: PycrdtClient, cell_id: str) -> None:
        self._client = client
        self._cell_id = cell_id
        self.seen = ""

    async def watch(self) -> None:
        while True:
            text = text_of(self._client, self._cell_id)
            if len(text) > len(self.seen):
                self.seen = text
            await trio.sleep(0.01)


async def killed_while_a_cell_prints(actor: str, folder: Path, **server_options: Any) -> None:
    path = write_notebook(folder / "n.ipynb", setup="kept = 42", prints=PRINTER, after="print(kept)")
    async with (
        running_server(path, "--chaos", **server_options) as server,
        PycrdtClient(server.room_url, server.token) as watcher,
        ControlClient(server.control_url, server.token) as control,
    ):
        await run(control, watcher, "setup")
        await control.ask("notebook", "queue_cell", {"cell_id": "prints"})
        await printing(watcher, "prints", 5)
        witness = Witness(watcher, "prints")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(witness.watch)
            await kill_actor(control, actor)
            if actor == "gateway":
                await watcher.connection.ended.wait()
                assert watcher.connection.close_code == 1012
                await watcher.connect()
                await control.connect()
            await idle(watcher, "prints")
            nursery.cancel_scope.cancel()

        text = text_of(watcher, "prints")
        numbers = [int(line) for line in text.split() if line.isdigit()]
        assert numbers == sorted(set(numbers)), "a line twice, or out of order"
        if LOST not in text:
            assert numbers == list(range(COUNT)), f"lines are missing: {numbers}"
        else:
            assert actor == "kernel"  # only its death may lose output, and then it says so
            assert numbers[-1] == COUNT - 1
        assert {int(line) for line in witness.seen.split() if line.isdigit()} <= set(numbers)
        if actor != "gateway":
            assert watcher.connection.connected
            assert control.connection.connected
        tree = await control.ask("chaos", "tree")
        assert tree[actor]["incarnation"] == 2
        await run(control, watcher, "after")
        assert text_of(watcher, "after") == "42\n", "the kernel's variables survive"


def planted(bug: str, command: Literal["ganimede", "hypercorn"] = "ganimede") -> dict[str, Any]:
    """What :func:`running_server` is given to start a server with a bug of planted_server's."""
    module = "tests.chaos.planted_server"
    return {"module": module + (":app" if command == "hypercorn" else ""), "env": {"PLANTED": bug}}
