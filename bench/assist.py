"""Completion while a cell runs: from ``kernel.complete`` to its answer, on a kernel whose main thread sleeps, and
on one whose main thread computes.

Baseline: jupyter_client asking an idle kernel of its own for the same completion, of a variable's name: what is
measured is the way there and back, not how long the kernel thinks.
"""

from __future__ import annotations

import time

from jupyter_client.blocking import BlockingKernelClient

from bench.process import Failed, scratch
from bench.report import Row, compare
from bench.run import plain_kernel
from bench.servers import Control, ganimede, write_notebook

SLEEPS = "import time\ntime.sleep(600)"
COMPUTES = "while True:\n    sum(range(100))"
DEFINES = "measurement = 1"
CODE = "measure"
# Milliseconds.
GOALS = {"sleeps": 30.0, "computes": 150.0}


def _ours(control: Control) -> float:
    begun = time.perf_counter()
    answer = control.ask("kernel", "complete", code=CODE, cursor_pos=len(CODE))
    taken = (time.perf_counter() - begun) * 1000
    if not isinstance(answer, dict) or "measurement" not in str(answer.get("matches")):
        raise Failed(f"the completion was {answer}")
    return taken


def _plain(client: BlockingKernelClient) -> float:
    begun = time.perf_counter()
    client.complete(CODE, len(CODE), reply=True, timeout=60)
    return (time.perf_counter() - begun) * 1000


def measure(quick: bool) -> list[Row]:
    rounds = 5 if quick else 40
    rows = []
    with scratch() as folder, plain_kernel() as (_, client):
        cells = write_notebook(folder / "assist.ipynb", [DEFINES, SLEEPS, COMPUTES])
        with ganimede(folder / "assist.ipynb", folder / "state") as server, Control(server) as control:
            control.ask("kernel", "start_kernel")
            control.ask("notebook", "queue_cell", cell_id=cells[0])
            client.execute(DEFINES, reply=True, timeout=60)
            time.sleep(0.5)
            _ours(control), _plain(client)
            for (name, goal), cell_id in zip(GOALS.items(), cells[1:], strict=True):
                control.ask("notebook", "queue_cell", cell_id=cell_id)
                time.sleep(0.5)  # until it runs
                _ours(control)
                ours, plain = [], []
                for _ in range(rounds):
                    ours.append(_ours(control))
                    plain.append(_plain(client))
                what = f"assist: completion while a cell {name}"
                rows.append(Row(what, "ms", ours, plain, "idle, jupyter_client", at_most=goal))
                control.ask("notebook", "interrupt_kernel")
                time.sleep(0.5)
    print(compare(rows))
    return rows
