"""The one thread that works on the journal.

Owned by the Checkpointer. SQLite is used by one thread at a time, and at every key that anybody presses: so it is
a thread that waits for its next piece of work, and whose results are called back, instead of trio's thread pool,
where each hand-over costs three more rounds of the scheduler than the one that nothing can spare.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

import trio

T = TypeVar("T")

Job: TypeAlias = tuple[Callable[[], Any], Callable[[Any], None], Callable[[BaseException], None]]


class JournalThread:
    """Work is done in the order given. Leaving the block waits for all of it, also when cancelled: what was begun
    cannot be taken back, and the next thread must find the journal at rest."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._token = trio.lowlevel.current_trio_token()
        self._broken = trio.Event()
        self._error: BaseException | None = None
        # A daemon: a disk that hangs for ever must not keep the process from ending.
        self._thread = Thread(target=self._work, name="journal", daemon=True)

    async def __aenter__(self) -> JournalThread:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with trio.CancelScope(shield=True):
            await self.run(lambda: None)
        self._jobs.put(None)

    def submit(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Have ``work`` done; ``then`` gets its result, in trio's thread. An error ends :meth:`watch`."""
        self._jobs.put((work, then, self._fail))

    async def run(self, work: Callable[[], T]) -> T:
        """Have ``work`` done and wait for its result, or its error."""
        done = trio.Event()
        results: list[T] = []
        errors: list[BaseException] = []

        def settle(into: list[Any], value: object) -> None:
            into.append(value)
            done.set()

        self._jobs.put((work, lambda value: settle(results, value), lambda error: settle(errors, error)))
        with trio.CancelScope(shield=True):
            await done.wait()
        if errors:
            raise errors[0]
        return results[0]

    async def watch(self) -> None:
        """Raises what submitted work raised: nobody else hears of it."""
        await self._broken.wait()
        assert self._error is not None
        raise self._error

    def _fail(self, error: BaseException) -> None:
        self._error = error
        self._broken.set()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, then, fail = job
            with suppress(trio.RunFinishedError):  # nobody is left to hear of it
                try:
                    result = work()
                except BaseException as error:  # noqa: BLE001 - whoever asked for the work shall have it
                    self._token.run_sync_soon(fail, error)
                else:
                    self._token.run_sync_soon(then, result)
