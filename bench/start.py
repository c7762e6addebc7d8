"""From the start of the process to the readiness line, and the memory it then has.

Baseline: a Python that only imports the libraries we stand on.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.process import PYTHON, memory, scratch, started
from bench.report import Row, compare
from bench.servers import ganimede, write_notebook

FLOOR = "import trio, quart_trio, pycrdt, jupyter_client; print('ready', flush=True); input()"
SETTLE = 0.5
WHATS = {"s": "time to ready", "MiB RSS": "memory", "MiB PSS": "memory"}


def _cost(pid: int, taken: float) -> dict[str, float]:
    time.sleep(SETTLE)
    return {"s": taken, "MiB RSS": memory(pid, "VmRSS"), "MiB PSS": memory(pid, "Pss")}


def _floor(folder: Path) -> dict[str, float]:
    with started([PYTHON, "-c", FLOOR], "ready", folder=folder) as (pid, _, taken):
        return _cost(pid, taken)


def _ours(notebook: Path, state: Path) -> dict[str, float]:
    with ganimede(notebook, state) as server:
        return _cost(server.pid, server.seconds)


def measure(quick: bool) -> list[Row]:
    rounds = 2 if quick else 7
    rows: dict[tuple[str, str], Row] = {}

    def note(what: str, cost: dict[str, float], floor: dict[str, float]) -> None:
        for unit, value in cost.items():
            name = f"start: {WHATS[unit]}, {what}"
            row = rows.setdefault((unit, name), Row(name, unit, against="imports only"))
            row.ours.append(value)
            row.baseline.append(floor[unit])

    with scratch() as folder:
        for n in range(rounds):
            for cells in (10, 1000):
                notebook = folder / f"start-{cells}-{n}.ipynb"
                write_notebook(notebook, [f"x = {each}\nprint(x)" for each in range(cells)])
                state = folder / f"state-{cells}-{n}"
                note(f"{cells} cells, first time", _ours(notebook, state), _floor(folder))
                note(f"{cells} cells, journal there", _ours(notebook, state), _floor(folder))
    ordered = sorted(rows.values(), key=lambda row: list(WHATS).index(row.unit))
    print(compare(ordered))
    return ordered
