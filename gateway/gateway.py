"""The Gateway.

Owns: who is connected, what they show of themselves (awareness), and the sync listener's sessions.
Hears: GatewayMessage, from connections; subscriptions to the hub and the NotebookActor.
Tells: the hub and the NotebookActor (to subscribe); clients through their outlets, never waiting.
After a crash: its sessions end (1012), browsers reconnect and resync; listening sockets stay open. It stops by
telling every client goodbye and waiting, within a bound, until they are gone.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias, assert_never

import msgspec
import trio

from actors.mailbox import Actor, Mailbox, Subscription, again, open_subscription
from gateway.access import Policy
from gateway.connection import Services
from gateway.control import saving_as_json
from gateway.outbox import notice_text
from gateway.sync_listener import serve_sync
from protocol import wire
from protocol.awareness import Presence, Send
from protocol.messages.gateway import (
    AskedAwareness,
    CountSessions,
    GatewayMessage,
    HeardAwareness,
    Join,
    Leave,
    NameSession,
    NotebookFailed,
)
from protocol.messages.hub import Frame, HangUp, Shows, ToClient, WatchDocument
from protocol.messages.notebook import InputAsked, KernelChanged, QueueOffered, RunNews, WatchRuns
from protocol.messages.shared import Done, Notice, Outlet, Refused, Saving
from protocol.values import JsonObject

News: TypeAlias = Saving | RunNews

# Seconds between looks at silent sessions and withheld awareness; until a connection that does not say who it is
# hears who is here; until the hub is told again who shows itself under which id; for goodbyes at a stop.
TICK = 0.25
SHY = 0.5
SHOW_EVERY = 5.0
GOODBYE = 1.0


class Session(msgspec.Struct):
    outlet: Outlet[ToClient | str]
    text: bool


def gateway_actor(
    services: Callable[[], Services],
    policy: Callable[[], Policy],
    sync_socket: socket.socket | None,
    first_clock: Callable[[], int],
) -> Actor[GatewayMessage]:
    """The actor. ``services`` and ``policy`` are asked for when they are needed: they name this very actor.
    ``first_clock``: for awareness, higher than any clock that an earlier incarnation or server may have sent."""

    async def run(mailbox: Mailbox[GatewayMessage]) -> None:
        gateway = _Gateway(services(), first_clock())
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(gateway.hear_document)
                nursery.start_soon(gateway.hear_runs)
                nursery.start_soon(gateway.tick)
                if sync_socket is not None:
                    nursery.start_soon(serve_sync, sync_socket, services(), policy, nursery)
                async for message in mailbox:
                    gateway.handle(message)
                await gateway.say_goodbye()
                nursery.cancel_scope.cancel()
        finally:
            gateway.close()

    return run


class _Gateway:
    def __init__(self, services: Services, first_clock: int) -> None:
        self._services = services
        self._sessions: dict[str, Session] = {}
        self._presence = Presence(first_clock=first_clock)
        self._ungreeted: dict[str, float] = {}  # session → when it joined
        # The last of each kind, for those who come later.
        self._saving: str | None = None
        self._kernel: str | None = None
        self._input: str | None = None
        self._offered: str | None = None
        self._notices: list[str] = []
        self._shown: dict[str, tuple[int, float]] = {}  # session → what the hub was told that it shows, and when

    def close(self) -> None:
        for session in self._sessions.values():
            session.outlet.close()
        self._sessions.clear()

    def handle(self, message: GatewayMessage) -> None:
        match message:
            case Join():
                self._join(message)
            case Leave(session):
                self._left(session)
            case HeardAwareness(session, payload):
                if session in self._sessions:
                    self._deliver(self._presence.heard(session, payload, trio.current_time()).sends)
                    self._greet(session)
                    self._tell_hub(session)
            case AskedAwareness(session):
                if session in self._sessions:
                    self._deliver(self._presence.queried(session, trio.current_time()))
            case NotebookFailed(reason):
                self._broadcast(_failed(reason))
            case CountSessions(reply):
                reply(len(self._sessions))
            case NameSession(named, session):
                named(self._presence.name(session))
            case _:
                assert_never(message)

    def _join(self, message: Join) -> None:
        if len(self._sessions) >= self._services.limits.connections:
            message.reply(Refused("too_many", "too many connections"))
            return
        self._sessions[message.session] = Session(message.outlet, message.text)
        message.reply(Done())
        now = trio.current_time()
        self._presence.joined(message.session, now)
        self._ungreeted[message.session] = now
        if message.text:
            for text in (self._saving, self._kernel, self._input, self._offered, *self._notices):
                if text is not None:
                    self._offer(message.session, text)
            if self._services.failed:
                self._offer(message.session, _failed(self._services.failed))

    def _left(self, session: str) -> None:
        self._ungreeted.pop(session, None)
        self._shown.pop(session, None)
        if self._sessions.pop(session, None) is not None:
            self._deliver(self._presence.left(session, trio.current_time()))

    # ------------------------------------------------------------------------------------------------ awareness

    def _deliver(self, sends: Iterable[Send]) -> None:
        for send in sends:
            frame = Frame(send.message)
            for session in send.to:
                self._offer(session, frame)

    def _greet(self, session: str) -> None:
        """Tell a connection who is here. Not before it has said who it is itself: an old connection of the same
        client may not be known to be dead yet, and a client must never hear its own id with our clock."""
        if self._ungreeted.pop(session, None) is not None:
            self._deliver(self._presence.greeting(session, trio.current_time()))

    def _tell_hub(self, session: str) -> None:
        """Under which id a connection shows itself, or tries to: edits of that id come from it alone. Told again
        now and then, as the hub may be another one by now."""
        client, now = self._presence.shown(session), trio.current_time()
        told, at = self._shown.get(session, (None, 0.0))
        if client is None or (client == told and now < at + SHOW_EVERY):
            return
        if self._services.hub.offer(Shows(session, client)):
            self._shown[session] = (client, now)

    def _offer(self, session_id: str, item: ToClient | str) -> None:
        session = self._sessions.get(session_id)
        if session is not None and not session.outlet.offer(item):
            self._left(session_id)  # its outbox is full, which closes it, or the connection has ended

    async def tick(self) -> None:
        while True:
            await trio.sleep(TICK)
            now = trio.current_time()
            for session in [each for each, joined in self._ungreeted.items() if now >= joined + SHY]:
                self._greet(session)
            self._deliver(self._presence.tick(now))

    # ----------------------------------------------------------------------------------------- what people hear

    def _broadcast(self, text: str) -> None:
        for session_id, session in list(self._sessions.items()):
            if session.text:
                self._offer(session_id, text)

    async def hear_document(self) -> None:
        while True:
            subscription: Subscription[Saving | Notice] = open_subscription(64)
            outlet, news = subscription
            await again(partial(self._services.hub.ask, WatchDocument, outlet))
            async for item in news:
                self._tell(item)

    async def hear_runs(self) -> None:
        while True:
            subscription: Subscription[RunNews] = open_subscription(64)
            outlet, news = subscription
            await again(partial(self._services.notebook.ask, WatchRuns, outlet))
            async for item in news:
                self._tell(item)

    def _tell(self, item: News) -> None:
        match item:
            case Saving():
                self._saving = text = wire.push("notebook", "saving", saving_as_json(item))
            case KernelChanged(status, reason, name):
                self._kernel = text = wire.push(
                    "kernel", "status", {"status": str(status), "reason": reason, "name": name}
                )
            case InputAsked(cell_id, request):
                asked: JsonObject = {"cell_id": cell_id, "request": None}
                if request is not None:
                    asked["request"] = msgspec.to_builtins(request)
                text = wire.push("kernel", "input_request", asked)
                self._input = text if request is not None else None
            case QueueOffered():
                offered: JsonObject = msgspec.to_builtins(item)
                text = wire.push("notebook", "queue_offered", offered)
                if text == self._offered:
                    return  # of the next incarnation
                self._offered = text
            case Notice():
                text = notice_text(item)
                if text in self._notices:
                    return
                self._notices = [*self._notices, text][-20:]
            case _:
                assert_never(item)
        self._broadcast(text)

    # ------------------------------------------------------------------------------------------------- stopping

    async def say_goodbye(self) -> None:
        """Close every connection with 1012 and wait until each has written it, within a bound."""
        for session in self._sessions.values():
            session.outlet.offer(HangUp(1012, "the server stops"))
        with trio.move_on_after(GOODBYE):
            while self._services.connected:  # noqa: ASYNC110 - a count, which sets no event
                await trio.sleep(0.01)


def _failed(reason: str) -> str:
    return wire.push("notebook", "failed", {"reason": reason})
