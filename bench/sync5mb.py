"""The first sync of a 5 MB document by 20 clients at once: until the last has it, and what the server grows by.

Before each round the document is edited: a server that keeps an encoded state has to make it anew. Growth is that
of an endpoint's first round, and only a hint: memory that was freed before is used again, and our two endpoints
are one process.

Baselines: Node's @y/websocket-server and pycrdt-websocket with the same document.
"""

from __future__ import annotations

import random
import select
import statistics
import time
from contextlib import ExitStack

from pycrdt import Array

from bench.process import Failed, forget_peak, memory, scratch
from bench.replica import Replica
from bench.report import Row, compare, table
from bench.servers import Endpoint, ganimede, node, pycrdt_websocket, write_notebook
from bench.websocket import WebSocket, client_frame, frame_ends
from protocol import sync

CLIENTS = 20
CELLS, CELL_SIZE = 500, 10_000
STEP1 = client_frame(sync.step1_message(b"\0"))


def _sources() -> list[str]:
    dice = random.Random(5)
    return ["".join(dice.choices("abcdefghij \n", k=CELL_SIZE)) for _ in range(CELLS)]


class _Reader:
    """Waits for one frame of at least ``size`` bytes, and drops what it reads."""

    def __init__(self, websocket: WebSocket, size: int) -> None:
        self.websocket = websocket
        self._size = size
        self._head = bytearray(websocket.buffer)
        self._missing = 0
        self.done = False

    def read(self, into: bytearray) -> None:
        count = self.websocket.socket.recv_into(into)
        if not count:
            raise Failed("the server closed a connection during the first sync")
        if self._missing:
            self._missing -= count
            self.done = self._missing <= 0
            return
        self._head += into[:count]
        while not self.done and (ends := frame_ends(self._head)):
            if ends[1] - ends[0] >= self._size:
                self._missing = ends[1] - len(self._head)
                self._head.clear()
                self.done = self._missing <= 0
                return
            if len(self._head) < ends[1]:
                return
            del self._head[: ends[1]]


def _edit(endpoint: Endpoint) -> None:
    with Replica(endpoint) as writer:
        before = writer.doc.get_state()
        cells: Array = writer.doc.get("cells", type=Array)
        writer.cell(str(cells[0])).source.insert(0, "x")
        writer.socket.send(sync.update_message(writer.doc.get_update(before)))
        time.sleep(0.3)


def _load(endpoint: Endpoint, size: int) -> tuple[float, float]:
    """Seconds until the last client has the document, and MiB by which the server's peak grew."""
    readers = {}
    for _ in range(CLIENTS):
        websocket = endpoint.connect()
        readers[websocket.socket.fileno()] = _Reader(websocket, size)
    try:
        time.sleep(0.3)
        before = memory(endpoint.pid, "VmRSS")
        forget_peak(endpoint.pid)
        buffer = bytearray(1 << 20)
        begun = time.perf_counter()
        with select.epoll() as poll:
            for descriptor, reader in readers.items():
                reader.websocket.socket.sendall(STEP1)
                reader.websocket.socket.setblocking(False)
                poll.register(descriptor, select.EPOLLIN)
            waiting = set(readers)
            while waiting:
                events = poll.poll(30)
                if not events:
                    raise Failed(f"{endpoint.name}: {len(waiting)} clients got nothing for 30 s")
                for descriptor, _ in events:
                    readers[descriptor].read(buffer)
                    if readers[descriptor].done and descriptor in waiting:
                        waiting.discard(descriptor)
                        poll.unregister(descriptor)
        taken = time.perf_counter() - begun
        return taken, memory(endpoint.pid, "VmHWM") - before
    finally:
        for reader in readers.values():
            reader.websocket.close()


def measure(quick: bool) -> list[Row]:
    rounds = 2 if quick else 7
    measured: dict[str, list[tuple[float, float]]] = {}
    with scratch() as folder, ExitStack() as stack:
        write_notebook(folder / "big.ipynb", _sources(), kind="markdown")
        server = stack.enter_context(ganimede(folder / "big.ipynb", folder / "state"))
        with Replica(server.sync) as replica:
            seed = replica.doc.get_update()
        baselines = [stack.enter_context(node(folder)), stack.enter_context(pycrdt_websocket(folder))]
        for endpoint in baselines:
            with Replica(endpoint) as writer:
                writer.socket.send(sync.step2_message(seed))
                time.sleep(2)
        endpoints = [server.sync, server.control, *baselines]
        for _ in range(rounds):
            for endpoint in random.sample(endpoints, len(endpoints)):
                _edit(endpoint)
                measured.setdefault(endpoint.name, []).append(_load(endpoint, int(len(seed) * 0.98)))
                time.sleep(0.3)
    print(f"{len(seed):,} bytes")
    lines = []
    for name, outcomes in measured.items():
        seconds = statistics.median(taken for taken, _ in outcomes)
        lines.append([name, f"{seconds:.2f}", f"{outcomes[0][1]:.1f}"])
    print(table(["server", "s until the last has it", "peak growth MiB, first round"], lines), "\n")
    rows = []
    for ours in ("sync port", "control port"):
        samples = [[taken for taken, _ in measured[name]] for name in (ours, "Node")]
        name = f"sync5mb: until the last has it, {CLIENTS} clients, {ours}"
        rows.append(Row(name, "s", *samples, "Node", goal=1.0))
    print(compare(rows))
    return rows
