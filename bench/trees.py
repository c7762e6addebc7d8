"""Many notebooks in one process: each with its own actors and its own ipykernel, each running a cell a second, and
then each printing ten lines a second.

No baseline: there is no other server of this kind. What counts is that nothing fails, and that a cell is seen to
end soon; the processor time is that of our process alone, without the kernels.
"""

from __future__ import annotations

import random
import time
from contextlib import AsyncExitStack
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

TREES, RATE = 64, 1.0
LINES = 200
PRINTS = f"import time\nfor n in range({LINES}):\n    print(n, flush=True)\n    time.sleep(0.1)"


async def _open(folder: Path, number: int, stack: AsyncExitStack) -> NotebookClient:
    path = folder / f"{number}.ipynb"
    write_notebook(path, ["1+1", PRINTS])
    arguments = [str(path), "--no-open", "--sync-port=off", f"--state-dir={folder / 'state'}"]
    settings = from_arguments(arguments, {})
    server = await Server.open(settings, policy_of(settings, 0, []), None)
    nursery = await stack.enter_async_context(Beside())
    await nursery.start(server.run)
    stack.push_async_callback(_stop, server)
    return await stack.enter_async_context(connect_by(partial(direct_link, server.services), again=False))


async def _stop(server: Server) -> None:
    with trio.CancelScope(shield=True):
        await server.stop()


async def _run(client: NotebookClient, until: float, taken: list[float]) -> None:
    cell_id, _ = client.document.ids
    await trio.sleep(random.random() / RATE)
    while (begun := trio.current_time()) < until:
        [cell] = await client.run_cells(cell_id)
        if cell.status != "ok" or cell.outputs[0].get("data") != {"text/plain": "2"}:
            raise Failed(f"a cell ended {cell.status} with {cell.outputs}")
        taken.append((trio.current_time() - begun) * 1000)
        await trio.sleep(max(0.0, begun + 1 / RATE - trio.current_time()))


async def _print(client: NotebookClient) -> None:
    [cell] = await client.run_cells(client.document.ids[1])
    if cell.text != "".join(f"{n}\n" for n in range(LINES)):
        raise Failed(f"{len(cell.text)} characters came of what a cell printed")


async def _measure(quick: bool) -> list[Row]:
    trees, seconds = (4, 4.0) if quick else (TREES, 30.0)
    taken: list[float] = []
    with scratch() as folder:
        async with AsyncExitStack() as stack:
            clients = []
            for number in range(trees):
                client = await _open(folder, number, stack)
                await client.run_cells(client.document.ids[0])  # its kernel starts
                clients.append(client)
            cpu, until = time.process_time(), trio.current_time() + seconds
            async with trio.open_nursery() as nursery:
                for client in clients:
                    nursery.start_soon(_run, client, until, taken)
            cpu = time.process_time() - cpu
            printing, begun = time.process_time(), trio.current_time()
            async with trio.open_nursery() as nursery:
                for client in clients:
                    nursery.start_soon(_print, client)
            printing = (time.process_time() - printing) / (trio.current_time() - begun)
    each = cpu / len(taken) * 1000
    print(
        f"{trees} notebooks, {len(taken):,} runs in {seconds:g} s, none failed; {cpu / seconds:.0%} of a "
        f"processor, {each:.1f} ms for each run with its client; 99th percentile {percentile(taken, 0.99):.0f} ms"
    )
    print(f"{trees} notebooks that print ten lines a second each: {printing:.0%} of a processor")
    return [Row(f"trees: a run in one of {trees} notebooks", "ms", taken)]


def measure(quick: bool) -> list[Row]:
    rows = trio.run(_measure, quick)
    print(compare(rows))
    return rows
