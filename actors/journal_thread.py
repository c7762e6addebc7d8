"""The one thread that works on the journal.

Owned by the Checkpointer. SQLite is used by one thread at a time, and at every key that anybody presses: so it is
a thread that waits for its next piece of work, and whose results are called back, instead of trio's thread pool,
where each hand-over costs three more rounds of the scheduler than the one that nothing can spare.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

import trio

from actors.journal import JournalError

T = TypeVar("T")

# What work may raise for whoever waits for it. Anything else is a bug, and ends the thread and with it the actor.
EXPECTED = (sqlite3.Error, OSError, JournalError)

Job: TypeAlias = tuple[Callable[[], Any], Callable[[Any], None]]


class ThreadDied(Exception):
    """The work raised what nobody expected; the traceback is the thread's own."""


class JournalThread:
    """Work is done in the order given. Leaving the block waits for all of it, also when cancelled: what was begun
    cannot be taken back, and the next thread must find the journal at rest."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._token = trio.lowlevel.current_trio_token()
        self._ended = trio.Event()
        # A daemon: a disk that hangs for ever must not keep the process from ending.
        self._thread = Thread(target=self._work, name="journal", daemon=True)

    async def __aenter__(self) -> JournalThread:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jobs.put(None)
        with trio.CancelScope(shield=True):
            await self._ended.wait()

    def submit(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Have ``work``, which raises nothing, done; ``then`` gets its result, in trio's thread."""
        self._jobs.put((work, then))

    async def run(self, work: Callable[[], T]) -> T:
        """Have ``work`` done and wait for its result, or its error if it is one of the expected."""
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
        """Raises :class:`ThreadDied` when the thread does: nobody who waits would hear of it."""
        await self._ended.wait()
        raise ThreadDied

    def _work(self) -> None:
        with suppress(trio.RunFinishedError):  # the actor was left behind by the end of everything
            try:
                while (job := self._jobs.get()) is not None:
                    work, then = job
                    self._token.run_sync_soon(then, work())
            finally:
                self._token.run_sync_soon(self._ended.set)
