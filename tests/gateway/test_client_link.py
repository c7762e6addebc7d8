"""What runs beside a link, and ends with it."""

from __future__ import annotations

import pytest
import trio

from gateway.client_link import Beside

pytestmark = pytest.mark.actor


async def test_what_the_body_raises_travels_on_as_it_is() -> None:
    with pytest.raises(ValueError, match="mine"):
        async with Beside() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise ValueError("mine")


async def test_a_task_that_ends_the_body_ends_it_quietly() -> None:
    """As a writer does that meets a lost link before the reader hears of it."""
    async with Beside() as nursery:
        nursery.start_soon(_cancel, nursery.cancel_scope)
        await trio.sleep_forever()


async def test_a_task_that_fails_is_heard_of() -> None:
    async def fail() -> None:
        raise ValueError("a task's")

    with pytest.raises(BaseExceptionGroup) as failure:
        async with Beside() as nursery:
            nursery.start_soon(fail)
            await trio.sleep_forever()
    assert failure.group_contains(ValueError)


async def test_a_cancelled_surrounding_is_left() -> None:
    with trio.move_on_after(1) as scope:
        async with Beside() as nursery:
            nursery.start_soon(trio.sleep_forever)
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def _cancel(scope: trio.CancelScope) -> None:
    scope.cancel()
