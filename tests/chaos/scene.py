"""What the chaos tests share: a notebook, a server that may be killed, people who write and read."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import trio

from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server

FULL = bool(os.environ.get("GANIMEDE_FULL"))

COUNT = 40
PRINTER = f"import time\nfor i in range({COUNT}):\n    print(i, flush=True)\n    time.sleep(0.02)"


def seeded() -> random.Random:
    """With a seed that is printed: GANIMEDE_SEED=n in the environment of the same test plays it again."""
    seed = int(os.environ.get("GANIMEDE_SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}: replay it with GANIMEDE_SEED={seed}")
    return random.Random(seed)


def write_notebook(path: Path, **sources: str) -> Path:
    """A notebook of code cells, ``id=source``."""
    cells = [
        {"cell_type": "code", "id": cell, "metadata": {}, "source": source, "execution_count": None, "outputs": []}
        for cell, source in sources.items()
    ]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    return path


def cell(client: PycrdtClient, cell_id: str) -> dict[str, object]:
    return dict(client.map(cell_id).to_py() or {})


def text_of(client: PycrdtClient, cell_id: str) -> str:
    """Everything that a cell's streams say, as the client has it."""
    outputs = cell(client, cell_id)["outputs"]
    assert isinstance(outputs, list)
    return "".join(output.get("text", "") for output in outputs if output["output_type"] == "stream")


async def idle(client: PycrdtClient, *cell_ids: str, within: float = 30.0) -> None:
    """Until none of the cells is queued or running."""
    with trio.fail_after(within):
        while any(cell(client, cell_id)["state"] != "idle" for cell_id in cell_ids):
            await trio.sleep(0.02)


async def run(control: ControlClient, client: PycrdtClient, cell_id: str, within: float = 30.0) -> None:
    """Queue a cell and wait until it has run, and the client knows."""
    await control.ask("notebook", "queue_cell", {"cell_id": cell_id})
    with trio.fail_after(within):
        while True:
            summary = await control.ask("notebook", "get")
            if cell_id not in (summary["running"], *summary["queued"]):
                break
            await trio.sleep(0.01)
    await client.refresh()
    assert cell(client, cell_id)["state"] == "idle"


async def printing(client: PycrdtClient, cell_id: str, lines: int, within: float = 30.0) -> None:
    """Until the cell has printed at least so many lines."""
    with trio.fail_after(within):
        while text_of(client, cell_id).count("\n") < lines:
            await trio.sleep(0.01)


async def kill_actor(control: ControlClient, name: str) -> None:
    """Kill an actor through the chaos channel. The gateway's death takes the answer with it."""
    try:
        await control.ask("chaos", "kill", {"actor": name})
    except (ConnectionError, ControlError):
        if name != "gateway":
            raise


async def all_up(control: ControlClient, within: float = 10.0) -> None:
    """Until no actor is being restarted."""
    with trio.fail_after(within):
        while any(actor["state"] != "up" for actor in (await control.ask("chaos", "tree")).values()):
            await trio.sleep(0.01)


def ports_of(server: Server) -> tuple[str, ...]:
    """The arguments with which a later ``ganimede`` stands where this server stood."""
    ports = [url.rsplit(":", 1)[1] for url in (server.url, server.sync_url)]
    return ("--port", ports[0], "--sync-port", ports[1])


async def killed(server: Server) -> None:
    """``kill -9``, and wait until it is gone."""
    server.kill()
    await server.wait()
