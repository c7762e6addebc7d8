"""Large outputs: what a first sync costs, and what the server grows by while they come.

Baseline: our own server told to keep every value in the document, which is how it was before.
"""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.process import Failed, forget_peak, memory, scratch
from bench.replica import Replica
from bench.report import Row, compare, percentile
from bench.servers import Control, Ganimede, ganimede, write_notebook

PLOTS, PLOT = 200, 112_000  # 30 MB of base64
IMAGES, IMAGE = 200, 1_000_000
PRINTED = 1_000_000_000
INLINE = {"GANIMEDE_LIMIT_BLOB": "1000000000"}

SHOW = f"""
import os
from IPython.display import display
for _ in range({{}}):
    display({{{{"image/png": os.urandom({IMAGE})}}}}, raw=True)
"""
PRINT = """
line = "x" * 99
for _ in range({} // 100_000):
    print("\\n".join([line] * 1000))
"""


def measure(quick: bool) -> list[Row]:
    rows = _first_sync(1 if quick else 5)
    rows += _images(20 if quick else IMAGES)
    rows += _printed(PRINTED // 10 if quick else PRINTED)
    print(compare(rows))
    return rows


# -------------------------------------------------------------------------------------------------- first sync


def _write_plots(path: Path) -> None:
    write_notebook(path, [f"plot({n})" for n in range(PLOTS)])
    notebook = json.loads(path.read_text())
    dice = random.Random(7)
    for cell in notebook["cells"]:
        image = base64.b64encode(dice.randbytes(PLOT)).decode() + "\n"
        data = {"image/png": image, "text/plain": "<Figure size 640x480 with 1 Axes>"}
        cell["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    path.write_text(json.dumps(notebook, indent=1))


def _first_sync(rounds: int) -> list[Row]:
    size = Row("blobs: first sync of 30 MB of plots", "MB", against="all in it", at_most=2.0)
    ready = Row("blobs: to ready, first time", "s", against="all in it")
    again = Row("blobs: to ready, journal there", "s", against="all in it")
    synced = Row("blobs: to the first cell, connected", "s", against="all in it")
    for n in range(rounds):
        with scratch() as folder:
            _write_plots(folder / f"plots{n}.ipynb")
            for name, env in (("apart", {}), ("inline", INLINE)):
                ours = name == "apart"
                for row in (ready, again):
                    with ganimede(folder / f"plots{n}.ipynb", folder / name, env) as server:
                        (row.ours if ours else row.baseline).append(server.seconds)
                        begun = time.perf_counter()
                        with Replica(server.sync) as replica:
                            taken = time.perf_counter() - begun
                            bytes_ = replica.socket.received / 1e6
                        if row is again:
                            (synced.ours if ours else synced.baseline).append(taken)
                            (size.ours if ours else size.baseline).append(bytes_)
    return [size, ready, again, synced]


# ------------------------------------------------------------------------------------------- while they come


class _Pings:
    """Milliseconds that the server takes to answer a ping, all the while."""

    def __init__(self, server: Ganimede) -> None:
        self.taken: list[float] = []
        self._control = Control(server)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(0.02):
            begun = time.perf_counter()
            self._control.ask("comms", "ping")
            self.taken.append(1000 * (time.perf_counter() - begun))

    def __enter__(self) -> _Pings:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)
        self._control.socket.close()


@contextmanager
def _running(sources: list[str]) -> Iterator[tuple[Ganimede, Control, list[str], Path]]:
    with scratch() as folder:
        path = folder / "large.ipynb"
        cells = write_notebook(path, sources)
        with ganimede(path, folder / "state") as server, Control(server) as control:
            control.ask("kernel", "start_kernel")
            _run(server, control, cells[-1])
            time.sleep(1)
            yield server, control, cells, path


def _run(server: Ganimede, control: Control, cell_id: str) -> tuple[float, Replica]:
    """Seconds until a second client sees that the cell ran."""
    with Replica(server.sync) as second:
        cell = second.cell(cell_id)
        begun = time.perf_counter()
        control.tell("notebook", "queue_cell", cell_id=cell_id)
        second.follow(cell.ran(cell.count), within=600)
        return time.perf_counter() - begun, second


def _growing(server: Ganimede, control: Control, cell_id: str, what: str) -> tuple[list[Row], Replica]:
    before = memory(server.pid, "VmRSS")
    forget_peak(server.pid)
    with _Pings(server) as pings:
        taken, second = _run(server, control, cell_id)
    rows = [
        Row(f"blobs: {what}, until idle", "s", [taken]),
        Row(
            f"blobs: {what}, peak growth of the server", "MiB", [memory(server.pid, "VmHWM") - before], at_most=50
        ),
        Row(f"blobs: {what}, a ping meanwhile, p99", "ms", [percentile(pings.taken, 0.99)]),
        Row(f"blobs: {what}, a ping meanwhile, longest", "ms", [max(pings.taken)]),
    ]
    return rows, second


def _images(count: int) -> list[Row]:
    with _running([SHOW.format(count), "1 + 1"]) as (server, control, cells, path):
        rows, second = _growing(server, control, cells[0], f"{count} images of 1 MB")
        if len(outputs := second.cell(cells[0]).outputs()) != count:
            raise Failed(f"{len(outputs)} images of {count} came")
        before = memory(server.pid, "VmRSS")
        forget_peak(server.pid)
        with _Pings(server) as pings:
            begun = time.perf_counter()
            control.ask("notebook", "checkpoint")
            taken = time.perf_counter() - begun
        rows += [
            Row(f"blobs: saving {path.stat().st_size / 1e6:.0f} MB", "s", [taken]),
            Row("blobs: saving them, peak growth of the server", "MiB", [memory(server.pid, "VmHWM") - before]),
            Row("blobs: saving them, a ping meanwhile, longest", "ms", [max(pings.taken)]),
            Row("blobs: the cell after it", "s", [_run(server, control, cells[1])[0]]),
        ]
        return rows


def _printed(size: int) -> list[Row]:
    with _running([PRINT.format(size), "1 + 1"]) as (server, control, cells, _):
        rows, _ = _growing(server, control, cells[0], f"{size // 1_000_000} MB printed")
        return [*rows, Row("blobs: the cell after it", "s", [_run(server, control, cells[1])[0]])]
