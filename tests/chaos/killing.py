"""Servers killed from outside, and what of them may live on: nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Literal, NamedTuple

import trio

from tests.chaos.scene import killed
from tests.conformance.clients import until
from tests.server import Server
from tests.simulation.ledger import PromiseBroken

Victim = Literal["group", "master", "worker"]
SPAWNED = b"multiprocessing.spawn"


class Way(NamedTuple):
    """``group``: all processes that the command started, at once; the others are hypercorn's two."""

    command: Literal["ganimede", "hypercorn"]
    victim: Victim


class Process(NamedTuple):
    """One, told apart from a later one of the same number."""

    pid: int
    started: str

    @property
    def lives(self) -> bool:
        return started(self.pid) == self.started


def started(pid: int) -> str | None:
    """When, in the kernel's ticks; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def family(pid: int) -> list[Process]:
    """A process and all its descendants."""
    since = started(pid)
    found = [] if since is None else [Process(pid, since)]
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return found
    return found + [process for child in children for process in family(child)]


def worker(server: Server) -> int:
    """Of hypercorn: the process that serves."""
    for process in family(server.pid):
        if SPAWNED in command_of(process.pid):
            return process.pid
    raise AssertionError("hypercorn has no worker")


async def kill(server: Server, victim: Victim) -> list[Process]:
    """``kill -9``. All that the server had started, for :func:`nobody_lives`."""
    processes = family(server.pid)
    match victim:
        case "group":
            os.killpg(server.pid, signal.SIGKILL)
        case "master":
            await killed(server)
        case "worker":
            os.kill(worker(server), signal.SIGKILL)
    return processes


async def nobody_serves(server: Server, processes: list[Process], within: float = 10.0) -> None:
    """Both ports refuse and hypercorn's processes have ended. Kernels notice a second later that they are alone."""
    serving = [process for process in processes if os_session(process.pid) == server.pid]

    async def over() -> bool:
        return not any(process.lives for process in serving) and not await anyone_listens(server)

    try:
        await until(over, within=within)
    except trio.TooSlowError:
        left = [process.pid for process in serving if process.lives]
        raise PromiseBroken("no orphan serves", f"after the kill there were {left}") from None


async def nobody_lives(processes: list[Process], within: float = 15.0) -> None:
    """Kernels and all."""

    async def over() -> bool:
        return not any(process.lives for process in processes)

    try:
        await until(over, within=within)
    except trio.TooSlowError:
        raise PromiseBroken("no orphan serves", f"{[p.pid for p in processes if p.lives]} live on") from None


def os_session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


async def anyone_listens(server: Server) -> bool:
    for url in (server.url, server.sync_url):
        try:
            stream = await trio.open_tcp_stream("127.0.0.1", int(url.rsplit(":", 1)[1]))
        except OSError:
            continue
        await stream.aclose()
        return True
    return False


def kernels(server: Server) -> list[Process]:
    """The kernel's processes."""
    return [process for process in family(server.pid) if b"ipykernel" in command_of(process.pid)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
