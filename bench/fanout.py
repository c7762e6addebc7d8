"""One writer's small inserts to many clients: the server's processor time for each delivery, and the latency.

Ours twice: on the sync port, and on the HTTP port, where updates are merged while the server is busy. Baselines:
Node's @y/websocket-server and pycrdt-websocket, both without persistence, where ours records each insert durably
before it sends it. Beside these, without a goal, Node's server with the persistence that it brings: it sends first
and flushes nothing, but it keeps what it sent. All servers run at the same time and are measured in turn.
"""

from __future__ import annotations

import random
import statistics
from contextlib import ExitStack
from dataclasses import replace

from bench.process import scratch
from bench.replica import Replica
from bench.report import Row, compare, percentile, table
from bench.servers import Endpoint, ganimede, node, pycrdt_websocket, write_notebook
from bench.swarm import Delivered, deliver

OURS = ("sync port", "control port")
BASELINES = ("Node", "pycrdt-ws")
KEEPING = "Node, LevelDB"
RATE = 50.0


def measure(quick: bool) -> list[Row]:
    rounds = 1 if quick else 3
    cases = [(clients, rate) for clients in (50, 200) for rate in (RATE, 0.0)]
    measured: dict[tuple[int, float, str], list[Delivered]] = {}
    with scratch() as folder, ExitStack() as stack:
        (cell_id,) = write_notebook(folder / "fanout.ipynb", ["# begin\n"])
        server = stack.enter_context(ganimede(folder / "fanout.ipynb", folder / "state"))
        with Replica(server.sync) as replica:
            seed = replica.doc.get_update()
        endpoints: list[Endpoint] = [server.sync, server.control]
        endpoints.append(stack.enter_context(node(folder)))
        endpoints.append(stack.enter_context(node(folder, name=KEEPING, keeps=True)))
        endpoints.append(stack.enter_context(pycrdt_websocket(folder)))
        for _ in range(rounds):
            for clients, rate in cases:
                inserts = (50 if quick else 150) if rate else (200 if quick else 600)
                for endpoint in random.sample(endpoints, len(endpoints)):
                    if (
                        endpoint.name == KEEPING
                    ):  # it reads a room only after it answered: old marks would come late
                        endpoint = replace(endpoint, path=f"/room-{random.random()}")
                    outcome = deliver(endpoint, seed, cell_id, clients, inserts, rate=rate)
                    measured.setdefault((clients, rate, endpoint.name), []).append(outcome)
    _print_all(measured, cases)
    rows = [row for case in cases for row in _compare(measured, *case)]
    print(compare(rows))
    return rows


def _case(clients: int, rate: float) -> str:
    return f"{clients} clients, {f'{rate:g}/s' if rate else 'flat out'}"


def _print_all(measured: dict[tuple[int, float, str], list[Delivered]], cases: list[tuple[int, float]]) -> None:
    lines = []
    for clients, rate in cases:
        for name in (*OURS, *BASELINES, KEEPING):
            outcomes = measured[clients, rate, name]
            costs = [outcome.cost for outcome in outcomes]
            speed = statistics.median(outcome.deliveries / outcome.seconds for outcome in outcomes)
            middle, slow = (
                statistics.median(percentile(outcome.latencies, share) * 1000 for outcome in outcomes)
                for share in (0.5, 0.99)
            )
            spread = f"{statistics.median(costs):.1f} ({min(costs):.1f}–{max(costs):.1f})"
            lines.append([_case(clients, rate), name, spread, f"{middle:.1f}", f"{slow:.1f}", f"{speed:,.0f}"])
    print(table(["case", "server", "server CPU µs/delivery", "median ms", "p99 ms", "deliveries/s"], lines), "\n")


def _compare(measured: dict[tuple[int, float, str], list[Delivered]], clients: int, rate: float) -> list[Row]:
    """Each of our ports beside the better baseline, and beside the one that keeps edits too."""

    def cheapness(name: str) -> float:
        return statistics.median(outcome.cost for outcome in measured[clients, rate, name])

    best = min(BASELINES, key=cheapness)
    rows = []
    for ours in OURS:
        for baseline, goal in ((best, 1.0), (KEEPING, None)):
            pair = measured[clients, rate, ours], measured[clients, rate, baseline]
            costs = [[outcome.cost for outcome in outcomes] for outcomes in pair]
            name = f"fanout: CPU/delivery, {ours}, {_case(clients, rate)}"
            rows.append(Row(name, "µs", *costs, baseline, goal=goal))
    if rate:
        for ours in OURS:
            pair = measured[clients, rate, ours], measured[clients, rate, best]
            slow = [[percentile(outcome.latencies, 0.99) * 1000 for outcome in outcomes] for outcomes in pair]
            rows.append(Row(f"fanout: p99 latency, {ours}, {_case(clients, rate)}", "ms", *slow, best))
    return rows
