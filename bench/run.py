"""``1+1``: from ``notebook.queue_cell`` to the moment a second client sees outputs and state idle.

Baseline: jupyter_client's blocking client on a kernel of its own, from sending the request until reply and iopub
idle have come. Pairs are taken in turn, each time beginning with the other one.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

from bench.process import Failed, scratch
from bench.replica import Replica
from bench.report import Row, compare, percentile
from bench.servers import Control, ganimede, write_notebook

WARM_UP = 20


@contextmanager
def plain_kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """An ipykernel and its client, ready."""
    with scratch() as folder:
        manager = KernelManager(kernel_name="python3")
        environment = {**os.environ, "IPYTHONDIR": str(folder)}
        manager.start_kernel(env=environment, stderr=subprocess.DEVNULL)
        client = manager.blocking_client()
        try:
            client.start_channels()
            client.wait_for_ready(timeout=60)
            yield manager, client
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()


def execute(client: BlockingKernelClient, code: str) -> list[dict[str, object]]:
    """What came on iopub; returns when reply and idle are there."""
    sent = client.execute(code)
    heard = []
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != sent:
            continue
        heard.append(message["content"])
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            break
    while client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != sent:
        pass
    return heard


def measure(quick: bool) -> list[Row]:
    pairs = 20 if quick else 150
    ours, plain = [], []
    with scratch() as folder:
        (cell_id,) = write_notebook(folder / "run.ipynb", ["1+1"])
        with (
            ganimede(folder / "run.ipynb", folder / "state") as server,
            plain_kernel() as (_, client),
            Control(server) as control,
            Replica(server.sync) as second,
        ):
            control.ask("kernel", "start_kernel")
            cell = second.cell(cell_id)

            def run_ours() -> float:
                before = cell.count
                begun = time.perf_counter()
                control.tell("notebook", "queue_cell", cell_id=cell_id)
                second.follow(cell.ran(before))
                taken = time.perf_counter() - begun
                if cell.outputs()[0]["data"] != {"text/plain": "2"}:
                    raise Failed(f"1+1 gave {cell.outputs()}")
                return taken * 1000

            def run_plain() -> float:
                begun = time.perf_counter()
                execute(client, "1+1")
                return (time.perf_counter() - begun) * 1000

            for _ in range(WARM_UP):
                run_ours(), run_plain()
            for n in range(pairs):
                if n % 2:
                    ours.append(run_ours())
                    plain.append(run_plain())
                else:
                    plain.append(run_plain())
                    ours.append(run_ours())
    row = Row("run: 1+1, seen by a second client", "ms", ours, plain, "jupyter_client", goal=1.6)
    print(compare([row]))
    more = statistics.median(a - b for a, b in zip(ours, plain, strict=True))
    print(
        f"{pairs} pairs; ours takes {more:.1f} ms more. 90th percentile: ours {percentile(ours, 0.9):.1f} ms, "
        f"baseline {percentile(plain, 0.9):.1f} ms"
    )
    return [row]
