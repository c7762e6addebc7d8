"""Stock y-websocket clients in Node, driven from Python; and the wait until several clients hold the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Protocol, TypeAlias

import trio

from tests.conformance.node_tools import NODE, installed_driver

Dump: TypeAlias = dict[str, Any]


class NodeError(Exception):
    """The driver could not do what it was told."""


class NodeClient:
    """One process, one document, one stock provider: y-websocket 1.5 or 3.1.

    ``async with NodeClient(3) as client: await client.connect(url, token)``; further commands of ``client.mjs`` by
    ``call``. One command at a time, answered in turn.
    """

    def __init__(self, version: Literal[1, 3]) -> None:
        self.version = version
        self._process: trio.Process | None = None
        self._lock = trio.Lock()
        self._received = b""
        self._number = 0

    async def __aenter__(self) -> NodeClient:
        driver = await trio.to_thread.run_sync(installed_driver)
        command = [str(NODE), str(driver), str(self.version)]
        self._process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()
            assert process.stdin is not None
            assert process.stdout is not None
            await process.stdin.aclose()
            await process.stdout.aclose()

    @property
    def _running(self) -> trio.Process:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        return self._running.pid

    async def call(self, command: str, *, within: float = 10.0, **arguments: Any) -> Any:
        """The driver's answer; raises :class:`NodeError` if it is an error."""
        process = self._running
        assert process.stdin is not None
        async with self._lock:
            self._number += 1
            line = json.dumps({"id": self._number, "command": command, **arguments})
            with trio.fail_after(within):
                await process.stdin.send_all(line.encode() + b"\n")
                answer = json.loads(await self._line())
        assert answer["id"] == self._number
        if "error" in answer:
            raise NodeError(f"{command}: {answer['error']}")
        return answer["value"]

    async def _line(self) -> bytes:
        process = self._running
        assert process.stdout is not None
        while b"\n" not in self._received:
            chunk = await process.stdout.receive_some()
            if not chunk:
                raise NodeError("the driver ended")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    async def connect(self, url: str, token: str | None = None, room: str = "g-y-room") -> None:
        """``url``: without the room, such as ``ws://localhost:1234``. Returns when the document is synced."""
        await self.call("connect", url=url, room=room, params={} if token is None else {"token": token})
        await self.call("synced")

    async def dump(self) -> Dump:
        return dict(await self.call("dump"))


class Dumps(Protocol):
    async def dump(self) -> Dump: ...


async def until(holds: Callable[[], Awaitable[bool]], *, within: float = 5.0, every: float = 0.02) -> None:
    """Ask again and again until it holds."""
    with trio.fail_after(within):
        while not await holds():
            await trio.sleep(every)


async def converged(*clients: Dumps, within: float = 5.0) -> Dump:
    """The content that all of them hold. Raises with what differs if they do not come to hold the same."""
    dumps: list[Dump] = []
    with trio.move_on_after(within):
        while True:
            dumps = [await client.dump() for client in clients]
            if all(dump == dumps[0] for dump in dumps):
                return dumps[0]
            await trio.sleep(0.02)
    differing = sorted({key for dump in dumps for key in dump if dump[key] != dumps[0][key]})
    raise AssertionError(f"no convergence of {differing}: {[{key: d[key] for key in differing} for d in dumps]}")
