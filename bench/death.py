"""From SIGKILL of the kernel's process to the push ``kernel.status`` "dead" on the control socket.

Baseline: a program that asks jupyter_client's ``is_alive`` once a second, as jupyter_server's restarter does less
often still; the kill falls anywhere in that second.
"""

from __future__ import annotations

import os
import random
import signal
import time

from bench.process import Failed, children, scratch
from bench.report import Row, compare
from bench.run import plain_kernel
from bench.servers import Control, Ganimede, ganimede, write_notebook

POLL = 1.0


def _kernel(server: Ganimede) -> int:
    found = []
    for pid in children(server.pid):
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            if b"ipykernel" in command.read():
                found.append(pid)
    if len(found) != 1:
        raise Failed(f"{len(found)} kernel processes")
    return found[0]


def _ours(server: Ganimede, control: Control) -> float:
    control.ask("kernel", "start_kernel")
    pid = _kernel(server)
    time.sleep(0.2)
    begun = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    while True:
        heard = control.hear()
        message = heard.get("message")
        if heard.get("method") == "status" and isinstance(message, dict) and message["status"] == "dead":
            return (time.perf_counter() - begun) * 1000


def _polled() -> float:
    with plain_kernel() as (manager, client):
        phase = random.uniform(0, POLL)
        begun = time.perf_counter()
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        time.sleep(phase)
        while client.is_alive() and manager.is_alive():
            time.sleep(POLL)
        return (time.perf_counter() - begun) * 1000


def measure(quick: bool) -> list[Row]:
    times = 3 if quick else 10
    ours, polled = [], []
    with scratch() as folder:
        write_notebook(folder / "death.ipynb", ["1+1"])
        with ganimede(folder / "death.ipynb", folder / "state") as server, Control(server) as control:
            for _ in range(times):
                ours.append(_ours(server, control))
                polled.append(_polled())
    row = Row("death: SIGKILL of the kernel until it is told", "ms", ours, polled, "poll, 1 s", at_most=100)
    print(compare([row]))
    return [row]
