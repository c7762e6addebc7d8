"""Supervision: start, restart, give up. Strategy one_for_one, words and defaults from OTP.

A supervisor is itself an actor, so trees nest. Each child has a keeper task: it runs one incarnation after the
other. A child is *up* when it waits for mail the first time, and start order is readiness order. Stopping closes
the child's channel: its mailbox ends after the mail that waits, it finishes and returns, within a bound.
Killing cancels it, as a crash would.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar, assert_never

import msgspec
import trio

from actors.mailbox import Actor, ActorDied, Address, Channel, Mailbox
from protocol.messages.shared import Done, Refused, Reply

M = TypeVar("M")

log = logging.getLogger("ganimede.supervisor")


class RestartsExceeded(Exception):
    """A child crashed more often than its supervisor's intensity allows."""


class Killed(Exception):
    """The incarnation was killed by a :class:`Kill` message."""


class Returned(Exception):
    """A permanent actor returned although nobody stopped it: that is a crash."""


class ChildStatus(msgspec.Struct, frozen=True):
    """``incarnation`` counts from 1. ``reason``: the last crash, in words."""

    state: Literal["starting", "up", "restarting", "failed", "stopped"]
    incarnation: int
    reason: str = ""


class Kill(msgspec.Struct, frozen=True):
    """Cancel the present incarnation of ``name``, as a crash would. Refused: no such child, or not running."""

    reply: Reply[Done | Refused]
    name: str


class Status(msgspec.Struct, frozen=True):
    reply: Reply[dict[str, ChildStatus]]


class Retry(msgspec.Struct, frozen=True):
    """Start a failed temporary child again. Refused: it has not failed."""

    reply: Reply[Done | Refused]
    name: str


SupervisorMessage: TypeAlias = Kill | Status | Retry


class Child(Generic[M]):
    """What a supervisor keeps alive.

    ``temporary``: when it fails, only its status says so (until a :class:`Retry`); its failures do not count
    against the supervisor. ``grace``: seconds it may take to finish when it is stopped.
    """

    def __init__(
        self, name: str, actor: Actor[M], *, capacity: int = 64, temporary: bool = False, grace: float = 1.0
    ) -> None:
        self.name = name
        self.actor = actor
        self.temporary = temporary
        self.grace = grace
        self.channel: Channel[M] = Channel(name, capacity)
        self.status = ChildStatus("starting", 0)
        self.scope = trio.CancelScope()
        self.ended = trio.Event()
        self.retry = trio.Event()
        self.stopping = False

    @property
    def address(self) -> Address[M]:
        return self.channel.address

    async def incarnation(self, up: Callable[[], None]) -> Exception | None:
        """Run the actor once. None: it finished because it was stopped; else why it ended."""
        self.scope = trio.CancelScope()
        mailbox = self.channel.open_mailbox(up)
        try:
            with self.scope:
                await self.actor(mailbox)
        except Exception as error:  # noqa: BLE001 - the supervisor is where bugs are caught
            return error
        finally:
            mailbox.close()
        if self.stopping:
            return None
        return Killed(self.name) if self.scope.cancelled_caught else Returned(self.name)


class Supervisor:
    """Keeps ``children`` alive, each for itself.

    ``restarts`` within ``within`` seconds are allowed, one more gives up (raises :class:`RestartsExceeded`);
    the count clears after ``healthy`` seconds without a crash. The first restart is at once, the n-th after
    ``backoff[0] * 2**(n-2)`` seconds, at most ``backoff[1]``. ``report`` is called at each change of status.
    """

    def __init__(
        self,
        name: str,
        children: Sequence[Child[Any]],
        *,
        restarts: int = 3,
        within: float = 5.0,
        healthy: float = 5.0,
        backoff: tuple[float, float] = (0.05, 0.4),
        report: Callable[[str, ChildStatus], None] = lambda name, status: None,
    ) -> None:
        self.name = name
        self.children = {child.name: child for child in children}
        self._restarts, self._within, self._healthy, self._backoff = restarts, within, healthy, backoff
        self._report = report
        self._crashes: deque[float] = deque()

    async def run(self, mailbox: Mailbox[SupervisorMessage]) -> None:
        """The supervisor's own actor: start the children in order, obey until the mailbox ends, stop them."""
        self._crashes.clear()
        gave_up: RestartsExceeded | None = None
        try:
            async with trio.open_nursery() as nursery:
                for child in self.children.values():
                    child.stopping = False
                    await nursery.start(self._keep, child)
                async for message in mailbox:
                    self._obey(message)
                for child in reversed(self.children.values()):
                    await self._stop(child)
                nursery.cancel_scope.cancel()
        except* RestartsExceeded as group:
            gave_up = RestartsExceeded(str(_first(group)))
            gave_up.__cause__ = group
            self._drop_questions()
        if gave_up is not None:  # raised here, where it is not wrapped into a group
            raise gave_up

    def _obey(self, message: SupervisorMessage) -> None:
        match message:
            case Kill(reply, name):
                child = self.children.get(name)
                if child is None or child.status.state != "up":
                    reply(Refused("not_running", f"There is no running actor named {name}."))
                else:
                    child.scope.cancel()
                    reply(Done())
            case Status(reply):
                reply({name: child.status for name, child in self.children.items()})
            case Retry(reply, name):
                child = self.children.get(name)
                if child is None or child.status.state != "failed":
                    reply(Refused("not_failed", f"{name} has not failed."))
                else:
                    child.retry.set()
                    reply(Done())
            case _:
                assert_never(message)

    async def _keep(
        self, child: Child[Any], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        started = False

        def up() -> None:
            nonlocal started
            self._set(child, "up", child.status.reason)
            if not started:
                started = True
                task_status.started()

        child.ended = trio.Event()
        try:
            while not child.stopping:
                self._set(child, "starting", child.status.reason, child.status.incarnation + 1)
                error = await child.incarnation(up)
                if error is None:
                    return
                if child.temporary and not started:
                    started = True
                    task_status.started()  # a notebook that cannot start must not keep the tree from starting
                if not child.stopping:
                    await self._crashed(child, error)
        finally:
            self._set(child, "stopped", child.status.reason)
            child.ended.set()

    async def _crashed(self, child: Child[Any], error: Exception) -> None:
        """Count the crash and wait as long as the next incarnation has to. Raises when that was too often."""
        reason = describe(error)
        log.error(
            "%s/%s (incarnation %d) crashed: %s",
            self.name, child.name, child.status.incarnation, reason,
            exc_info=None if isinstance(error, Killed | RestartsExceeded) else error,
        )  # fmt: skip
        if child.temporary:
            await self._failed(child, reason)
            return
        now = trio.current_time()
        if self._crashes and now - self._crashes[-1] > self._healthy:
            self._crashes.clear()
        self._crashes.append(now)
        while self._crashes[0] < now - self._within:
            self._crashes.popleft()
        if len(self._crashes) > self._restarts:
            raise RestartsExceeded(f"{child.name} crashed {len(self._crashes)} times: {reason}") from error
        self._set(child, "restarting", reason)
        first, cap = self._backoff
        if len(self._crashes) > 1:
            await trio.sleep(min(cap, first * 2 ** (len(self._crashes) - 2)))

    async def _failed(self, child: Child[Any], reason: str) -> None:
        child.retry = trio.Event()
        self._set(child, "failed", reason)
        await child.retry.wait()

    async def _stop(self, child: Child[Any]) -> None:
        child.stopping = True
        child.channel.end()
        child.retry.set()
        with trio.move_on_after(child.grace):
            await child.ended.wait()
        child.scope.cancel()
        await child.ended.wait()
        child.channel.close()

    def _set(self, child: Child[Any], state: Any, reason: str, incarnation: int | None = None) -> None:
        child.status = ChildStatus(state, child.status.incarnation if incarnation is None else incarnation, reason)
        self._report(child.name, child.status)

    def _drop_questions(self) -> None:
        for child in self.children.values():
            child.channel.drop_questions(ActorDied)


def _first(group: BaseExceptionGroup[RestartsExceeded]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def describe(error: BaseException) -> str:
    """One line for people: the innermost error's type and text."""
    inner = _first(error) if isinstance(error, BaseExceptionGroup) else error
    text = str(inner).strip().split("\n")[0]
    if isinstance(inner, RestartsExceeded):
        return text  # a sentence of ours, which names the error that it is about
    return f"{type(inner).__name__}: {text}" if text else type(inner).__name__
