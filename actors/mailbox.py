"""Mailboxes, addresses and typed asks.

An actor is anything that is called with a mailbox and awaited. Whoever holds its :class:`Address` may ``tell``
(waits when the mailbox is full: backpressure), ``offer`` (never waits) or ``ask`` (gets a typed answer). The
channel belongs to the supervisor, so an address stays valid and queued mail survives while incarnations come
and go. What an incarnation had taken and not answered fails at once with :class:`ActorDied`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Concatenate, Generic, ParamSpec, TypeAlias, TypeVar

import trio

from protocol.messages.shared import Reply

M = TypeVar("M")
T = TypeVar("T")
P = ParamSpec("P")

Actor = Callable[["Mailbox[M]"], Awaitable[None]]


class ActorDied(Exception):
    """The actor died with this question in hand. Nothing is known about its effect: ask again if idempotent."""


class ActorStopped(Exception):
    """The actor was stopped for good (or its supervisor gave up): no incarnation will ever answer."""


class _Answer(Generic[T]):
    """The asking end of one ask: a one-shot, single-producer cell. Calling it never waits."""

    __slots__ = ("_asker_gone", "_event", "_failure", "_value", "settled")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._value: list[T] = []
        self._failure: type[Exception] | None = None
        self._asker_gone = False
        self.settled = False

    def __call__(self, value: T, /) -> None:
        if not self.settled:
            self.settled = True
            self._value.append(value)
            self._event.set()

    @property
    def unwanted(self) -> bool:
        return self._asker_gone

    def fail(self, failure: type[Exception]) -> None:
        if not self.settled:
            self.settled = True
            self._failure = failure
            self._event.set()

    async def wait(self, name: str) -> T:
        try:
            await self._event.wait()
        finally:
            self._asker_gone = True
        if self._failure is not None:
            raise self._failure(name)
        return self._value[0]


class Channel(Generic[M]):
    """The queue behind one address. The supervisor owns it: it outlives every incarnation.

    ``capacity``: messages that may wait; a ``tell`` beyond it waits, an ``offer`` is refused.
    """

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        self._send, self._receive = trio.open_memory_channel[tuple[M, "_Answer[object] | None"]](capacity)
        self.address: Address[M] = Address(name, self._send)

    def open_mailbox(self, up: Callable[[], None]) -> Mailbox[M]:
        """A mailbox for one incarnation; ``up`` is called when it waits for mail the first time."""
        return Mailbox(self._receive.clone(), up)

    def end(self) -> None:
        """No more mail: the mailbox ends after what waits. Later tells and asks raise :class:`ActorStopped`."""
        self._send.close()

    def drop_questions(self, failure: type[Exception]) -> None:
        """Take everything that waits out; its asks fail with ``failure``."""
        while True:
            try:
                _, answer = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
                return
            if answer is not None:
                answer.fail(failure)

    def close(self) -> None:
        """No incarnation will follow: queued and later asks fail with :class:`ActorStopped`. Idempotent."""
        self._send.close()
        self.drop_questions(ActorStopped)
        self._receive.close()


class Address(Generic[M]):
    """What others hold of an actor. Valid across restarts."""

    def __init__(self, name: str, send: trio.MemorySendChannel[tuple[M, _Answer[object] | None]]) -> None:
        self.name = name
        self._send = send

    async def tell(self, message: M) -> None:
        """Put ``message`` into the mailbox, waiting while it is full. Raises :class:`ActorStopped`."""
        await self._put((message, None))

    async def _put(self, item: tuple[M, _Answer[object] | None]) -> None:
        # trio's send always goes once around the scheduler. Where there is room that only costs time: whoever
        # tells for ever comes to wait all the same, when the mailbox is full.
        try:
            try:
                self._send.send_nowait(item)
            except trio.WouldBlock:
                await self._send.send(item)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ActorStopped(self.name) from None

    def offer(self, message: M) -> bool:
        """Put ``message`` into the mailbox if there is room now. False: full, or stopped for good."""
        try:
            self._send.send_nowait((message, None))
        except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    async def ask(self, make: Callable[Concatenate[Reply[T], P], M], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send ``make(reply, *args)`` and wait for the answer.

        ``await hub.ask(ReadCell, cell_id)`` reads like ``nursery.start_soon(f, x)`` and is fully typed. There is
        no time limit here: wrap in ``trio.fail_after`` where a person waits. Raises :class:`ActorDied` when the
        actor dies with the question in hand, :class:`ActorStopped` when nobody will ever answer.
        """
        return await (await self.request(make, *args, **kwargs))()

    async def request(
        self, make: Callable[Concatenate[Reply[T], P], M], *args: P.args, **kwargs: P.kwargs
    ) -> Callable[[], Awaitable[T]]:
        """The first half of :meth:`ask`: returns once the question is in the mailbox, with a function that waits
        for the answer. For whoever must keep an order among questions and not wait for each."""
        answer: _Answer[T] = _Answer()
        await self._put((make(answer, *args, **kwargs), answer))  # type: ignore[arg-type]
        return lambda: answer.wait(self.name)


class Mailbox(Generic[M]):
    """An incarnation's end: an async iterator of messages. The first wait means "I am up"."""

    def __init__(
        self,
        receive: trio.MemoryReceiveChannel[tuple[M, _Answer[object] | None]],
        up: Callable[[], None],
    ) -> None:
        self._receive = receive
        self._announce = up
        self._is_up = False
        self._owed: list[_Answer[object]] = []

    def __aiter__(self) -> AsyncIterator[M]:
        return self

    async def __anext__(self) -> M:
        return await self.receive()

    def up(self) -> None:
        """Say "I am up" before the first wait, for an actor whose first wait is elsewhere."""
        if not self._is_up:
            self._is_up = True
            self._announce()

    async def receive(self) -> M:
        """The next message whose asker still waits."""
        self.up()
        while True:
            try:
                message, answer = await self._receive.receive()
            except trio.EndOfChannel:
                raise StopAsyncIteration from None
            if self._take(answer):
                return message

    def waiting(self, limit: int = 1024) -> list[M]:
        """Everything that waits now (at most ``limit``), without waiting: for actors that work in batches."""
        taken: list[M] = []
        while len(taken) < limit:
            try:
                message, answer = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            if self._take(answer):
                taken.append(message)
        return taken

    def _take(self, answer: _Answer[object] | None) -> bool:
        if answer is None:
            return True
        if answer.unwanted:  # the asker was cancelled while the question queued
            return False
        if len(self._owed) >= 32:
            self._owed = [owed for owed in self._owed if not (owed.settled or owed.unwanted)]
        self._owed.append(answer)
        return True

    def close(self) -> None:
        """The incarnation ended: whatever it took and did not answer fails now."""
        for owed in self._owed:
            owed.fail(ActorDied)
        self._owed.clear()
        self._receive.close()


class ChannelOutlet(Generic[M]):
    """An outlet over a bounded memory channel; the subscriber iterates over the receiving end."""

    def __init__(self, send: trio.MemorySendChannel[M]) -> None:
        self._send = send

    def offer(self, item: M, /) -> bool:
        try:
            self._send.send_nowait(item)
        except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    def close(self) -> None:
        self._send.close()


Subscription: TypeAlias = tuple[ChannelOutlet[M], trio.MemoryReceiveChannel[M]]


def open_subscription(capacity: int) -> Subscription[M]:
    """A pair: the outlet for a ``Watch`` message, and what the subscriber reads."""
    send, receive = trio.open_memory_channel[M](capacity)
    return ChannelOutlet(send), receive


async def again(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until some incarnation answers: for idempotent questions only. Raises :class:`ActorStopped`."""
    while True:
        try:
            return await ask()
        except ActorDied:
            continue
