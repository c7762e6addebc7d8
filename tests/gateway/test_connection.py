"""One client's connection, between a hub and a Gateway that do as the test says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from actors.mailbox import Address, Channel, Mailbox
from gateway.config_document import ConfigDocument
from gateway.connection import Connection, Gone, Services
from gateway.control_socket import serve_control_socket
from gateway.settings import Limits
from protocol.messages.gateway import GatewayMessage, Join, Leave, NameSession
from protocol.messages.hub import (
    AnswerSync,
    ClientUpdate,
    Frame,
    HangUp,
    HasHeard,
    HubMessage,
    Subscribe,
    Unsubscribe,
)
from protocol.messages.notebook import NotebookMessage, QueueCell
from protocol.messages.shared import Done, Refused
from protocol.sync import step1_message, step2_message, update_message

pytestmark = pytest.mark.actor

T = TypeVar("T")

RUN = '{"channel": "notebook", "method": "queue_cell", "message": {"cell_id": "a"}, "id": 1}'


class Sink:
    """What the client was sent."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self.closing = False

    def put(self, item: object) -> bool:
        self.items.append(item)
        self.closing = self.closing or isinstance(item, HangUp)
        return True


class World:
    """The mailboxes of everyone a connection talks to, and the client's frames."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.frames, self._receive = trio.open_memory_channel[str | bytes](100)
        self._channels: list[Channel[object]] = []
        self.hub: Mailbox[HubMessage]
        hub, self.hub = self._actor("hub")
        gateway, self.gateway = self._actor("gateway")
        self.runs: Mailbox[NotebookMessage]
        notebook, self.runs = self._actor("runs")
        kernel, _ = self._actor("kernel")
        root, _ = self._actor("root")
        tree, _ = self._actor("notebook")
        self.services = Services(
            hub, notebook, kernel, gateway, root, tree, ConfigDocument(), Limits(), _no_specs, False
        )  # fmt: skip

    def _actor(self, name: str) -> tuple[Address[T], Mailbox[T]]:
        channel: Channel[T] = Channel(name, 100)
        self._channels.append(channel)  # type: ignore[arg-type]
        return channel.address, channel.open_mailbox(lambda: None)

    async def receive(self) -> str | bytes:
        try:
            return await self._receive.receive()
        except trio.EndOfChannel:
            raise Gone from None

    async def admit(self, answer: Done | Refused | None = None) -> None:
        message = await self.gateway.receive()
        assert isinstance(message, Join)
        message.reply(answer or Done())

    async def subscription(self) -> Subscribe:
        message = await self.hub.receive()
        assert isinstance(message, Subscribe)
        message.reply(Done())
        return message

    async def heard(self) -> HasHeard:
        """The next such question, whatever else the hub is told."""
        while True:
            message = await self.hub.receive()
            if isinstance(message, HasHeard):
                return message
            if isinstance(message, Subscribe):
                message.reply(Done())

    async def queued(self) -> QueueCell:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._name)
            message = await self.runs.receive()
        assert isinstance(message, QueueCell)
        return message

    async def _name(self) -> None:
        message = await self.gateway.receive()
        assert isinstance(message, NameSession)
        message.reply("me")

    def answer(self) -> dict[str, Any]:
        [text] = [item for item in self.sink.items if isinstance(item, str)]
        told: dict[str, Any] = json.loads(text)
        return told

    def close(self) -> None:
        for channel in self._channels:
            channel.close()


async def _no_specs() -> tuple[str, ...]:
    return ()


class Stalled:
    """quart's end of a WebSocket whose client does not read."""

    async def accept(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive(self) -> str:
        await trio.sleep_forever()
        raise AssertionError

    async def send(self, data: str | bytes) -> None:
        await trio.sleep_forever()

    async def close(self, code: int, reason: str) -> None:
        await trio.sleep_forever()


async def test_a_client_that_does_not_read_its_goodbye_is_not_waited_for_a_second_time() -> None:
    it = World()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_control_socket, Stalled(), it.services)
        join = await it.gateway.receive()
        assert isinstance(join, Join)
        join.reply(Done())
        join.outlet.offer(Frame(b"never taken"))
        await trio.testing.wait_all_tasks_blocked()
        join.outlet.offer(HangUp(1012, "the server stops"))
        await trio.sleep(1.0)  # the time for goodbyes
        nursery.cancel_scope.cancel()
        ended = trio.current_time()
    assert trio.current_time() == ended
    it.close()


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    it = World()
    async with trio.open_nursery() as nursery:
        connection = Connection(it.services, it.sink, text=True, merges=False)  # type: ignore[arg-type]
        nursery.start_soon(connection.serve, it.receive)
        yield it
        it.frames.close()
        await _ended(it.gateway.receive)
    it.close()


async def _ended(receive: Callable[[], Awaitable[GatewayMessage]]) -> None:
    message = await receive()
    assert isinstance(message, Leave)


async def test_when_the_hub_restarts_the_client_is_subscribed_again_with_the_state_it_announced() -> None:
    async with world() as it:
        await it.admit()
        first = await it.subscription()
        assert first.state is None
        await it.frames.send(step1_message(b"\x00"))
        asked = await it.hub.receive()
        assert isinstance(asked, AnswerSync)
        first.outlet.close()  # as a hub does that ends
        second = await it.subscription()
        assert (second.session, second.state) == (first.session, b"\x00")
        assert second.outlet is not first.outlet
        await it.frames.send(update_message(b"\x00\x00"))
        assert await it.hub.receive() == ClientUpdate(first.session, b"\x00\x00")
        await it.frames.send(step2_message(b"\x00\x00"))
        assert await it.hub.receive() == ClientUpdate(first.session, b"\x00\x00", answer=True)
        assert it.sink.items == []


async def test_the_hub_hears_at_once_that_a_client_has_gone() -> None:
    async with world() as it:
        await it.admit()
        first = await it.subscription()
        it.frames.close()
        assert await it.hub.receive() == Unsubscribe(first.session)


async def test_a_client_that_the_gateway_refuses_is_told_why_and_never_reaches_the_hub() -> None:
    async with world() as it:
        await it.admit(Refused("too_many", "too many connections"))
        assert isinstance(await it.hub.receive(), Unsubscribe)
        assert it.sink.items == [HangUp(1013, "too many connections")]


async def test_a_client_that_was_hung_up_on_is_not_subscribed_again() -> None:
    async with world() as it:
        await it.admit()
        first = await it.subscription()
        it.sink.put(HangUp(4400, "no"))
        first.outlet.close()
        with trio.move_on_after(60) as waited:
            await it.hub.receive()
        assert waited.cancelled_caught


async def test_while_the_actors_are_down_updates_are_dropped_and_do_not_fill_a_mailbox() -> None:
    async with world() as it:
        await it.admit()
        await it.subscription()
        it.services.failed = "it crashed"
        for _ in range(300):
            await it.frames.send(update_message(b"\x00\x00"))
        with trio.move_on_after(60) as waited:
            await it.hub.receive()
        assert waited.cancelled_caught


async def test_a_run_waits_until_the_client_has_sent_again_what_a_dying_hub_had_in_hand() -> None:
    async with world() as it:
        await it.admit()
        first = await it.subscription()
        await it.frames.send(step1_message(b"\x00"))
        await it.hub.receive()
        await it.frames.send(update_message(b"\x00\x00"))
        await it.hub.receive()
        await it.frames.send(RUN)
        first.outlet.close()  # as a hub does that ends
        asked = await it.heard()
        asked.reply(False)
        await it.frames.send(step2_message(b"\x00\x00"))
        again = await it.heard()
        again.reply(True)
        queued = await it.queued()
        assert queued.cell_id == "a"
        queued.reply(Done())
        await trio.testing.wait_all_tasks_blocked()
        assert it.answer()["message"] == {}


async def test_a_run_is_refused_when_what_was_lost_does_not_come_again() -> None:
    async with world() as it:
        await it.admit()
        await it.subscription()
        await it.frames.send(update_message(b"\x00\x00"))
        await it.hub.receive()
        await it.frames.send(RUN)
        (await it.heard()).reply(False)
        await trio.sleep(10)
        assert it.answer()["error"]["code"] == "restarted"


async def test_who_wrote_nothing_runs_at_once() -> None:
    async with world() as it:
        await it.admit()
        await it.subscription()
        await it.frames.send(RUN)
        queued = await it.queued()
        assert queued.cell_id == "a"
        queued.reply(Done())
