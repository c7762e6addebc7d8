"""The journal's thread as a simulation has it: work takes a while, then happens at once, in the order given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import trio

from actors.journal_thread import EXPECTED

T = TypeVar("T")


class Power(Protocol):
    """What a thread depends on: while it is on, work takes ``pace()`` seconds; once it is off, none goes on."""

    on: bool
    threads: set[trio.CancelScope]

    def pace(self) -> float: ...


class SimulatedJournalThread:
    """As the real one: leaving the block waits for all that was submitted, unless the power goes."""

    def __init__(self, power: Power) -> None:
        self._power = power
        self._jobs: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._wake = trio.Event()

    async def __aenter__(self) -> SimulatedJournalThread:
        return self

    async def __aexit__(self, *error: object) -> None:
        with trio.CancelScope(shield=True) as scope:
            self._power.threads.add(scope)
            try:
                while self._jobs and self._power.on:
                    await self._work()
            finally:
                self._power.threads.discard(scope)

    def submit(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        self._jobs.append((work, then))
        self._wake.set()

    async def run(self, work: Callable[[], T]) -> T:
        done = trio.Event()
        results: list[T] = []
        errors: list[Exception] = []

        def attempt() -> None:
            try:
                results.append(work())
            except EXPECTED as error:
                errors.append(error)

        self.submit(attempt, lambda _: done.set())
        await done.wait()
        if errors:
            raise errors[0]
        return results[0]

    async def watch(self) -> None:
        while True:
            while self._jobs:
                await self._work()
            self._wake = trio.Event()
            await self._wake.wait()

    async def _work(self) -> None:
        """The first job. Cut short before it is done, it is the first one still."""
        await trio.sleep(self._power.pace())
        work, then = self._jobs.popleft()
        result = work()
        await trio.sleep(self._power.pace())
        then(result)
