"""What a server uses: read from outside, and from its own metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.server import Server


@dataclass(frozen=True)
class Usage:
    """``memory``: resident, in MiB."""

    tasks: int
    connections: int
    files: int
    threads: int
    memory: float

    def __str__(self) -> str:
        return f"{self.tasks} tasks, {self.files} files, {self.threads} threads, {self.memory:.1f} MiB"


async def usage_of(server: Server) -> Usage:
    """Of the process that was started, which must be the one that serves."""
    async with httpx.AsyncClient(
        headers={"Authorization": f"Bearer {server.token}", "Connection": "close"}
    ) as http:
        metrics = (await http.get(f"{server.url}/metrics")).text
    status = Path(f"/proc/{server.pid}/status").read_text()

    def number(pattern: str, text: str) -> int:
        found = re.search(pattern, text, re.MULTILINE)
        assert found is not None, text
        return int(found[1])

    return Usage(
        tasks=number(r"^ganimede_tasks (\d+)$", metrics),
        connections=number(r"^ganimede_connections (\d+)$", metrics),
        files=len(list(Path(f"/proc/{server.pid}/fd").iterdir())),
        threads=number(r"^Threads:\s+(\d+)", status),
        memory=number(r"^VmRSS:\s+(\d+) kB", status) / 1024,
    )
