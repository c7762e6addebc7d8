"""Actors on a stage: a supervisor around what is tested, with kills at will. Also the fakes that speak messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from actors.supervisor import Child, Kill, Status, Supervisor, SupervisorMessage
from protocol.messages.shared import Done


class Stage:
    """Children that run under a supervisor that never gives up."""

    def __init__(self, children: list[Child[Any]]) -> None:
        self._root: Child[SupervisorMessage] = Child(
            "stage", Supervisor("stage", children, restarts=10**6).run, grace=60
        )
        self._over = trio.Event()
        self._children = {child.name: child for child in children}

    def crash(self, name: str) -> None:
        """End the present incarnation in whatever state it is, also before it is up."""
        self._children[name].scope.cancel()

    async def kill(self, name: str) -> bool:
        """End the present incarnation as a crash would; the next one is up when this returns. False: none was up."""
        killed = await self._root.address.ask(Kill, name) == Done()
        while killed and (await self._root.address.ask(Status))[name].state != "up":
            await trio.sleep(0.001)
        return killed

    async def stop(self) -> None:
        self._root.stopping = True
        self._root.channel.end()
        await self._over.wait()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        error = await self._root.incarnation(task_status.started)
        self._over.set()
        assert error is None, error


@asynccontextmanager
async def stage(*children: Child[Any]) -> AsyncIterator[Stage]:
    """Runs ``children``, started in order; a clean stop at the end."""
    made = Stage(list(children))
    async with trio.open_nursery() as nursery:
        await nursery.start(made.run)
        yield made
        with trio.CancelScope(shield=True):
            await made.stop()
