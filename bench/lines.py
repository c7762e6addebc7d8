"""10,000 flushed lines: from ``queue_cell`` to idle with all text, seen by a second client.

Baseline: nbclient executing the same cell in a kernel that was started before.
"""

from __future__ import annotations

import statistics
import subprocess
import time

import nbformat
from nbclient import NotebookClient

from bench.process import Failed, scratch
from bench.replica import Replica
from bench.report import Row, compare
from bench.servers import Control, ganimede, write_notebook

LINES = 10_000
CODE = f"for i in range({LINES}):\n    print(i, flush=True)"
TEXT = "".join(f"{n}\n" for n in range(LINES))


def measure(quick: bool) -> list[Row]:
    pairs = 1 if quick else 5
    ours, plain, sent = [], [], list[float]()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)])
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    with scratch() as folder, client.setup_kernel(stderr=subprocess.DEVNULL):
        (cell_id,) = write_notebook(folder / "lines.ipynb", [CODE])
        with (
            ganimede(folder / "lines.ipynb", folder / "state") as server,
            Control(server) as control,
            Replica(server.sync) as second,
        ):
            control.ask("kernel", "start_kernel")
            cell = second.cell(cell_id)

            def run_ours() -> float:
                before, received = cell.count, second.socket.received
                begun = time.perf_counter()
                control.tell("notebook", "queue_cell", cell_id=cell_id)
                second.follow(cell.ran(before))
                taken = time.perf_counter() - begun
                if cell.text() != TEXT:
                    raise Failed(f"{len(cell.text())} characters of {len(TEXT)} came")
                sent.append((second.socket.received - received) / 1000)
                return taken

            def run_plain() -> float:
                begun = time.perf_counter()
                client.execute_cell(notebook.cells[0], 0)
                taken = time.perf_counter() - begun
                if "".join(output.text for output in notebook.cells[0].outputs) != TEXT:
                    raise Failed("nbclient did not bring the whole text")
                return taken

            run_ours(), run_plain()
            for n in range(pairs):
                if n % 2:
                    ours.append(run_ours())
                    plain.append(run_plain())
                else:
                    plain.append(run_plain())
                    ours.append(run_ours())
    row = Row(f"lines: {LINES:,} flushed lines, with all text", "s", ours, plain, "nbclient", goal=1.1)
    print(compare([row]))
    print(f"{statistics.median(sent):.0f} KB went to each client for {len(TEXT) / 1000:.0f} KB of text")
    return [row]
