"""Trio made repeatable: who runs next is a seeded coin, the clock jumps, and a thread is a wait and then a call.

Seams are replaced for the time of one run: the coin with which trio shuffles each batch of runnable tasks, its
clock, ``trio.to_thread.run_sync`` and the journal's own thread, because a real thread would end whenever it likes.
"""

from __future__ import annotations

import gc
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import trio
import trio.testing
from trio._core import _run as core

from actors import checkpointer
from tests.simulation.journal_thread import Power, SimulatedJournalThread

T = TypeVar("T")


def simulate(seed: int, power: Power, main: Callable[[], Awaitable[T]]) -> T:
    """Run ``main`` as ``seed`` says; the same seed gives the same run."""
    with _seams(seed, power):
        return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@contextmanager
def _seams(seed: int, power: Power) -> Iterator[None]:
    coin, deterministic, run_sync = core._r, core._ALLOW_DETERMINISTIC_SCHEDULING, trio.to_thread.run_sync
    log = logging.getLogger("ganimede")
    level = log.level
    core._r = random.Random(seed)
    core._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio.to_thread.run_sync = _thread(power)
    journal_thread = checkpointer.JournalThread
    checkpointer.JournalThread = lambda: SimulatedJournalThread(power)  # type: ignore[misc,assignment]
    log.setLevel(logging.CRITICAL)  # each crash logs a traceback, and crashes are what this is about
    collecting = gc.isenabled()
    gc.disable()  # it would run at a moment of its own choice, and costs a fifth of the time
    try:
        yield
    finally:
        core._r, core._ALLOW_DETERMINISTIC_SCHEDULING = coin, deterministic  # type: ignore[misc]
        trio.to_thread.run_sync = run_sync
        checkpointer.JournalThread = journal_thread  # type: ignore[misc]
        log.setLevel(level)
        if collecting:
            gc.enable()


def _thread(power: Power) -> Any:
    many = trio.CapacityLimiter(40)

    async def run_sync(
        work: Callable[..., T],
        *args: object,
        limiter: trio.CapacityLimiter | None = None,
        abandon_on_cancel: bool = False,
        thread_name: str | None = None,
    ) -> T:
        """As trio's: once begun, neither a cancellation nor a killed actor stops it, only the end of the process."""
        await trio.lowlevel.checkpoint_if_cancelled()
        async with limiter or many:
            with trio.CancelScope(shield=True) as scope:
                power.threads.add(scope)
                try:
                    await trio.sleep(power.pace())
                    done = work(*args)
                    await trio.sleep(power.pace())
                    return done
                finally:
                    power.threads.discard(scope)
        await trio.sleep_forever()  # the process has ended: nobody hears of it
        raise AssertionError

    return run_sync
