"""Many notebooks in one process, each with its own actors and its own kernel: what they cost, and that all hold.

First with ipykernel: a cell a second in each, then ten lines a second in each. Then with kernels that do as a
script says and cost next to nothing, so that the server alone is measured: ten lines a second, with a client that
reads each notebook and with nobody there, and ten cells a second.

No baseline: there is no other server of this kind. What counts is that nothing fails, and that a cell is seen to
end soon; the processor time is that of our process alone, without the kernels.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from bench.process import Failed, scratch
from bench.report import Row, compare, percentile
from bench.servers import write_notebook
from gateway.client import NotebookClient, connect_by
from gateway.client_link import Beside, direct_link
from gateway.server import Server, policy_of
from gateway.settings import from_arguments
from protocol.wire import RunFields

TREES, LINES, RATE = 64, 200, 10
PRINTS = f"import time\nfor n in range({LINES}):\n    print(n, flush=True)\n    time.sleep({1 / RATE})"
SCRIPT = f"{LINES} {RATE}"


class Trees:
    """``servers`` and a client of each, in the same order."""

    def __init__(self) -> None:
        self.servers: list[Server] = []
        self.clients: list[NotebookClient] = []

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[list[NotebookClient]]:
        """New clients that read everything, for as long as the block takes."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(connect_by(partial(direct_link, server.services), again=False))
                for server in self.servers
            ]


@asynccontextmanager
async def growing(folder: Path, count: int, prints: str, *arguments: str) -> AsyncIterator[Trees]:
    """So many servers, each on a notebook of its own whose kernel has started: first a cell that says 2, then one
    that prints."""
    trees = Trees()
    async with AsyncExitStack() as stack:
        for number in range(count):
            path = folder / f"{number}.ipynb"
            write_notebook(path, ["1+1", prints])
            given = [str(path), "--no-open", "--sync-port=off", f"--state-dir={folder / 'state'}", *arguments]
            settings = from_arguments(given, {})
            server = await Server.open(settings, policy_of(settings, 0, []), None)
            nursery = await stack.enter_async_context(Beside())
            await nursery.start(server.run)
            stack.push_async_callback(_stop, server)
            trees.servers.append(server)
        async with trees.reading() as clients:
            for client in clients:
                await client.run_cells(client.document.ids[0])
        yield trees


async def _stop(server: Server) -> None:
    with trio.CancelScope(shield=True):
        await server.stop()


async def _run(client: NotebookClient, rate: float, until: float, taken: list[float]) -> None:
    cell_id, _ = client.document.ids
    await trio.sleep(random.random() / rate)
    while (begun := trio.current_time()) < until:
        [cell] = await client.run_cells(cell_id)
        if cell.status != "ok" or cell.outputs[0].get("data") != {"text/plain": "2"}:
            raise Failed(f"a cell ended {cell.status} with {cell.outputs}")
        taken.append((trio.current_time() - begun) * 1000)
        await trio.sleep(max(0.0, begun + 1 / rate - trio.current_time()))


async def _print(client: NotebookClient) -> None:
    await client.run_cells(client.document.ids[1])
    _printed(client)


def _printed(client: NotebookClient) -> None:
    text = client.cell(client.document.ids[1]).text
    if text != "".join(f"{n}\n" for n in range(LINES)):
        raise Failed(f"{len(text)} characters came of what a cell printed")


async def _at_once(clients: list[NotebookClient], what: Callable[[NotebookClient], Awaitable[None]]) -> float:
    """The share of a processor that it took."""
    cpu, begun = time.process_time(), trio.current_time()
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(what, client)
    return (time.process_time() - cpu) / (trio.current_time() - begun)


async def _running(trees: Trees, rate: float, seconds: float, what: str) -> list[float]:
    taken: list[float] = []
    async with trees.reading() as clients:
        until = trio.current_time() + seconds
        cpu = await _at_once(clients, lambda client: _run(client, rate, until, taken))
    each = cpu * seconds / len(taken) * 1000
    print(
        f"{what}, {rate:g} cells a second each: {len(taken):,} runs in {seconds:g} s, none failed; {cpu:.0%} of a "
        f"processor, {each:.1f} ms for each run with its client; 99th percentile {percentile(taken, 0.99):.0f} ms"
    )
    return taken


async def _printing(trees: Trees, what: str) -> None:
    async with trees.reading() as clients:
        cpu = await _at_once(clients, _print)
    print(f"{what}, {RATE} lines a second each, read by a client each: {cpu:.0%} of a processor")


async def _printing_alone(trees: Trees, what: str) -> None:
    """Nobody is there while the cells print; what they printed is there afterwards."""
    async with trees.reading() as clients:
        for client in clients:
            await client.run(RunFields("cells", cells=(client.document.ids[1],)))
    cpu, begun = time.process_time(), trio.current_time()
    await trio.sleep(LINES / RATE - 2)
    cpu = (time.process_time() - cpu) / (trio.current_time() - begun)
    async with trees.reading() as clients:
        for client in clients:
            await client.ended(client.document.ids[1])
            _printed(client)
    print(f"{what}, {RATE} lines a second each, read by nobody: {cpu:.0%} of a processor")


def _install_script(folder: Path) -> None:
    spec = folder / "jupyter" / "kernels" / "scripted"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "bench.scripted_kernel", "{connection_file}"]
    home = str(Path(__file__).parent.parent)
    spec.joinpath("kernel.json").write_text(
        json.dumps(
            {
                "argv": argv,
                "display_name": "Scripted",
                "language": "script",
                "env": {"PYTHONPATH": home},
                "interrupt_mode": "message",
            }
        )
    )
    os.environ["JUPYTER_PATH"] = str(folder / "jupyter")


async def _measure(quick: bool) -> list[Row]:
    count, seconds = (4, 4.0) if quick else (TREES, 30.0)
    with scratch() as folder:
        real = f"{count} notebooks with ipykernel"
        async with growing(folder, count, PRINTS) as trees:
            taken = await _running(trees, 1, seconds, real)
            await _printing(trees, real)
    with scratch() as folder:
        _install_script(folder)
        scripted = f"{count} notebooks with scripted kernels"
        async with growing(folder, count, SCRIPT, "--kernel=scripted") as trees:
            await _printing(trees, scripted)
            await _printing_alone(trees, scripted)
            await _running(trees, 10, seconds, scripted)
    return [Row(f"trees: a run in one of {count} notebooks", "ms", taken)]


def measure(quick: bool) -> list[Row]:
    rows = trio.run(_measure, quick)
    print(compare(rows))
    return rows
