"""``kill -9`` of the kernel's process at random moments, while people write and run: it costs its variables only."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.chaos.books import Books
from tests.chaos.killing import family, kernels
from tests.chaos.people import TEXT, Author, keep_running, settled
from tests.chaos.scene import FULL, cell, idle, run, seeded, text_of, write_notebook
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server, running_server

pytestmark = pytest.mark.chaos

KILLS = 30 if FULL else 2
REASONS = ("KernelDied", "RunAborted")


async def test_a_kernel_killed_again_and_again_costs_no_edit_and_every_cell_says_how_it_ended(
    tmp_path: Path,
) -> None:
    rng = seeded()
    path = write_notebook(tmp_path / "n.ipynb", **{TEXT: ""}, a="print('a')", b="import time; time.sleep(0.3)")
    books = Books()
    async with (
        running_server(path) as server,
        Author(server.room_url, server.token, "ann", books) as ann,
        Author(server.control_url, server.token, "ben", books) as ben,
        ControlClient(server.control_url, server.token) as control,
    ):
        for _ in range(KILLS):
            await run(control, ann, "a")
            before = family(server.pid)
            async with trio.open_nursery() as nursery:
                for author in (ann, ben):
                    nursery.start_soon(author.keep_writing, rng)
                nursery.start_soon(keep_running, control, "b", "a")
                await kill_at_any_moment(server, rng)
                nursery.cancel_scope.cancel()
            await idle(ann, "a", "b")
            for name in ("a", "b"):
                assert all(error["ename"] in REASONS and error["evalue"] for error in errors(ann, name))
        await run(control, ann, "a")
        if died(ann, "a"):  # the last kill was noticed only when this run was on its way
            await run(control, ann, "a")
        assert text_of(ann, "a") == "a\n"
        assert not any(process.lives for process in before if process not in family(server.pid))
        await settled([ann, ben])
        ann.check("ann's copy")
        books.check_all("ann's copy", ann.texts())


def errors(client: PycrdtClient, name: str) -> list[dict[str, Any]]:
    outputs = cell(client, name)["outputs"]
    assert isinstance(outputs, list)
    return [output for output in outputs if output["output_type"] == "error"]


def died(client: PycrdtClient, name: str) -> bool:
    return any(error["ename"] in REASONS for error in errors(client, name))


async def kill_at_any_moment(server: Server, rng: random.Random) -> None:
    await trio.sleep(rng.uniform(0.0, 0.5))
    for process in kernels(server):
        os.kill(process.pid, signal.SIGKILL)
