"""The Gateway, while those it subscribes to die."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
import pytest
import trio
import trio.testing

from actors.mailbox import ActorDied, Address, Channel, Mailbox
from gateway.access import make_policy
from gateway.connection import Services
from gateway.gateway import gateway_actor
from gateway.outbox import GatewayOutlet, Outbox
from gateway.settings import Limits
from protocol.answers import ConfigDocument
from protocol.messages.gateway import GatewayMessage, Join
from protocol.messages.hub import HubMessage, WatchDocument
from protocol.messages.kernel import KernelStatus
from protocol.messages.notebook import KernelChanged, NotebookMessage, OfferedCell, QueueOffered, WatchRuns
from protocol.messages.shared import Done, Saving

pytestmark = pytest.mark.actor

T = TypeVar("T")

OFFERED = OfferedCell("a", "ann", interrupted=True, source_crc=7)


class World:
    """A Gateway between a hub and a NotebookActor whose incarnations the test plays."""

    def __init__(self) -> None:
        self.hub: Channel[HubMessage] = Channel("hub", 10)
        self.runs: Channel[NotebookMessage] = Channel("runs", 10)
        self.gateway: Channel[GatewayMessage] = Channel("gateway", 10)
        other: Address[T] = Channel("other", 1).address  # type: ignore[valid-type]
        self.services = Services(
            self.hub.address, self.runs.address, other, self.gateway.address, other, other, ConfigDocument(),
            Limits(), _no_specs, chaos=False,
        )  # fmt: skip
        self.outbox = Outbox(100, 10**6)

    async def heard(self) -> str:
        return "".join(item for item in await self.outbox.take() if isinstance(item, str))


async def _no_specs() -> tuple[str, ...]:
    return ()


def incarnation(channel: Channel[T]) -> Mailbox[T]:
    return channel.open_mailbox(lambda: None)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    it = World()
    policy = make_policy(None, 1)
    actor = gateway_actor(lambda: it.services, lambda: policy, None, lambda: 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor, incarnation(it.gateway))
        await it.gateway.address.ask(Join, "s", GatewayOutlet(it.outbox), True)
        yield it
        nursery.cancel_scope.cancel()


async def test_a_notebook_actor_that_dies_with_the_subscription_in_hand_is_asked_for_it_again() -> None:
    """Found by simulation: nobody heard of the kernel or of an input() any more."""
    async with world() as it:
        first = incarnation(it.runs)
        assert isinstance(await first.receive(), WatchRuns)
        first.close()
        message = await incarnation(it.runs).receive()
        assert isinstance(message, WatchRuns)
        message.reply(Done())
        message.outlet.offer(KernelChanged(KernelStatus.IDLE, "", "python3"))
        assert "python3" in await it.heard()


async def test_what_is_offered_again_is_told_once_and_a_newcomer_hears_how_it_stands() -> None:
    """Each incarnation of the NotebookActor says it anew; people hear of changes only."""
    async with world() as it:
        for said in ((), (), (OFFERED,), (OFFERED,)):
            mailbox = incarnation(it.runs)
            message = await mailbox.receive()
            assert isinstance(message, WatchRuns)
            message.reply(Done())
            message.outlet.offer(QueueOffered(said))
            await trio.testing.wait_all_tasks_blocked()
            message.outlet.close()
            mailbox.close()
        assert (await it.heard()).count("queue_offered") == 2
        newcomer = Outbox(100, 10**6)
        await it.gateway.address.ask(Join, "t", GatewayOutlet(newcomer), True)
        assert [json.loads(str(item)) for item in await newcomer.take()] == [
            {
                "channel": "notebook",
                "method": "queue_offered",
                "message": {"cells": [msgspec.to_builtins(OFFERED)]},
            }
        ]


async def test_a_subscription_that_was_dropped_unread_when_the_notebook_failed_is_made_again() -> None:
    async with world() as it:
        await trio.testing.wait_all_tasks_blocked()
        it.services.failed = "it crashed"
        for channel in (it.hub, it.runs):
            channel.drop_questions(ActorDied)
        message = await incarnation(it.hub).receive()
        assert isinstance(message, WatchDocument)
        message.reply(Done())
        message.outlet.offer(Saving("not saved", "The disk is full."))
        assert "The disk is full." in await it.heard()
