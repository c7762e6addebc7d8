"""What an output message costs the server: processor time from the kernel's message to one client that has it.

Baseline: jupyter_server, whose kernel WebSocket passes each message on. The same cell runs on both in turn: lines
that are flushed one by one, and small displays.
"""

from __future__ import annotations

import json
import secrets
import shlex
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.process import PYTHON, Failed, cpu_seconds, scratch, started
from bench.replica import Replica
from bench.report import Row, compare
from bench.servers import TOKEN, Control, ganimede, write_notebook
from bench.websocket import WebSocket

MESSAGES = 5_000
SOURCES = {
    "flushed lines": f"for i in range({MESSAGES}):\n    print(i, flush=True)",
    "displays": "from IPython.display import display\n"
    f"for i in range({MESSAGES // 5}):\n    display({{'text/plain': str(i)}}, raw=True)",
}
COUNTS = {"flushed lines": MESSAGES, "displays": MESSAGES // 5}


class JupyterServer:
    """One kernel on it, and a client on that kernel's WebSocket."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/kernels", json.dumps({"name": "python3"}).encode(), method="POST"
        )
        request.add_header("Authorization", f"token {TOKEN}")
        request.add_header("Content-Type", "application/json")
        kernel = _answer(request)["id"]
        self.socket = WebSocket(port, f"/api/kernels/{kernel}/channels?token={TOKEN}")

    def run(self, source: str) -> int:
        """How many outputs came; returns at the cell's end."""
        asked = secrets.token_hex(8)
        header = {
            "msg_id": asked,
            "msg_type": "execute_request",
            "username": "",
            "session": asked,
            "version": "5.3",
        }
        content = {
            "code": source, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False,
        }  # fmt: skip
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps({**message, "buffers": []}))
        outputs, idle, replied = 0, False, False
        until = time.monotonic() + 120
        while not (idle and replied):
            heard = self.socket.receive(until - time.monotonic())
            if not isinstance(heard, str):
                continue
            said = json.loads(heard)
            if said["parent_header"].get("msg_id") != asked:
                continue
            outputs += said["msg_type"] in ("stream", "display_data")
            idle = idle or (said["msg_type"] == "status" and said["content"]["execution_state"] == "idle")
            replied = replied or said["msg_type"] == "execute_reply"
        return outputs


def _answer(request: urllib.request.Request) -> dict[str, str]:
    """It says that it is running a moment before it listens."""
    until = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found: dict[str, str] = json.load(answer)
                return found
        except urllib.error.URLError as error:
            if isinstance(error, urllib.error.HTTPError) or time.monotonic() > until:
                raise Failed(f"jupyter_server started no kernel: {error}") from None
            time.sleep(0.1)


@contextmanager
def jupyter_server(folder: Path) -> Iterator[JupyterServer]:
    options = [
        "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1", "--ServerApp.open_browser=False", "--allow-root",
        f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
        # It would leave out what comes faster than it likes.
        "--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=0",
        "--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=0",
    ]  # fmt: skip
    words = shlex.join([PYTHON, "-m", "jupyter_server", *options])
    command = ["sh", "-c", f"exec {words} 2>&1"]  # it says on stderr that it is ready
    env = {"JUPYTER_CONFIG_DIR": str(folder), "JUPYTER_DATA_DIR": str(folder), "IPYTHONDIR": str(folder)}
    with started(command, r"http://127\.0\.0\.1:(\d+)/", folder=folder, env=env) as (pid, found, _):
        server = JupyterServer(pid, int(found[1]))
        try:
            yield server
        finally:
            server.socket.close()


def measure(quick: bool) -> list[Row]:
    rounds = 1 if quick else 5
    rows = []
    with scratch() as folder:
        cells = write_notebook(folder / "messages.ipynb", list(SOURCES.values()))
        (folder / "jupyter").mkdir()
        with (
            ganimede(folder / "messages.ipynb", folder / "state") as server,
            jupyter_server(folder / "jupyter") as other,
            Control(server) as control,
            Replica(server.sync) as second,
        ):
            control.ask("kernel", "start_kernel")
            other.run("1")
            for (name, source), cell_id in zip(SOURCES.items(), cells, strict=True):
                cell, count = second.cell(cell_id), COUNTS[name]
                ours, theirs = [], []
                for _ in range(rounds):
                    before, cpu = cell.count, cpu_seconds(server.pid)
                    control.tell("notebook", "queue_cell", cell_id=cell_id)
                    second.follow(cell.ran(before))
                    ours.append((cpu_seconds(server.pid) - cpu) / count * 1e6)
                    cpu = cpu_seconds(other.pid)
                    outputs = other.run(source)
                    theirs.append((cpu_seconds(other.pid) - cpu) / count * 1e6)
                    if outputs < count:
                        raise Failed(f"jupyter_server brought {outputs} of {count} outputs")
                rows.append(Row(f"messages: CPU for each, {name}", "µs", ours, theirs, "jupyter_server", goal=1.0))
    print(compare(rows))
    return rows
