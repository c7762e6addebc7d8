"""Async tests run under trio.

A test marked ``actor`` runs under a mock clock that jumps whenever every task waits: seconds cost nothing, and a
test that waits for what never happens fails at the deadline at once. Other async tests run on the real clock with
an absolute deadline. Threads do not stop the mock clock, so tests of real files are not ``actor`` tests.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Generator
from typing import Any

import pytest
import trio
import trio.testing

# Full counts (make chaos) take as long as they take.
REAL_DEADLINE = 1800.0 if os.environ.get("GANIMEDE_FULL") else 60.0
MOCK_DEADLINE = 3600.0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long and has a thinner sister in the default run."""
    if os.environ.get("GANIMEDE_FULL"):
        return
    long = [item for item in items if item.get_closest_marker("full") is not None]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    test = pyfuncitem.obj
    if inspect.iscoroutinefunction(test):
        mocked = pyfuncitem.get_closest_marker("actor") is not None
        pyfuncitem.obj = _in_trio(test, mocked)
    return (yield)


def _in_trio(test: Any, mocked: bool) -> Any:
    def run(**fixtures: Any) -> None:
        async def main() -> None:
            with trio.fail_after(MOCK_DEADLINE if mocked else REAL_DEADLINE):
                await test(**fixtures)

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0) if mocked else None)

    return run
