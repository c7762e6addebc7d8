"""One client's connection, whichever socket it came through.

Binary frames are the y-websocket protocol, text frames (on the control socket only) control messages; both are
handled in the order sent, so "type, then Ctrl+Enter" runs what was typed. A connection outlives the hub: when the
hub restarts, it subscribes again and the client resyncs. It ends with the Gateway actor.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import msgspec
import trio

from actors.mailbox import ActorDied, ActorStopped, Address, again
from actors.supervisor import SupervisorMessage
from gateway.comm_watch import CommWatch
from gateway.control import Control
from gateway.outbox import GatewayOutlet, HubOutlet, Sink
from gateway.settings import Limits
from protocol import sync, wire
from protocol.answers import ConfigDocument
from protocol.messages.gateway import AskedAwareness, GatewayMessage, HeardAwareness, Join, Leave
from protocol.messages.hub import (
    Announced,
    AnswerSync,
    ClientUpdate,
    HangUp,
    HasHeard,
    HubMessage,
    Subscribe,
    Unsubscribe,
)
from protocol.messages.kernel import KernelMessage
from protocol.messages.notebook import InstalledKernel, NotebookMessage
from protocol.messages.shared import Done, Refused

# Requests of one client that may wait for their answer; more make it wait before the next is read.
PENDING = 64

# Seconds that the news of an ended connection may take into the Gateway's mailbox (many may end at once).
LEAVING = 5.0

# What runs what the client wrote before it asked for that.
RUNS = frozenset({("notebook", method) for method in ("queue_cell", "run", "run_next", "resume_queue")})
# Seconds that a client may take to send again what a dying hub had in hand.
RESYNC = 5.0


class Gone(Exception):
    """The client has gone."""


class Services(msgspec.Struct):
    """What a connection may talk to. ``failed``: why the notebook's actors are down, empty while they are up."""

    hub: Address[HubMessage]
    notebook: Address[NotebookMessage]
    kernel: Address[KernelMessage]
    gateway: Address[GatewayMessage]
    root: Address[SupervisorMessage]
    notebook_tree: Address[SupervisorMessage]
    config: ConfigDocument
    limits: Limits
    specs: Callable[[], Awaitable[tuple[InstalledKernel, ...]]]
    chaos: bool
    journal_size: Callable[[], int] = lambda: 0  # bytes; blocks
    failed: str = ""
    connected: int = 0  # connections that are being served, also those the Gateway no longer knows


class Connection:
    """``sink`` takes what the client shall get. ``text``: it speaks control messages."""

    def __init__(self, services: Services, sink: Sink, *, text: bool, merges: bool, who: str = "") -> None:
        self.session = secrets.token_hex(8)
        self._services = services
        self._sink = sink
        self._text = text
        self._merges = merges
        self._comms = CommWatch(services, sink)
        self._control = Control(services, who or self.session, self._comms.begin)
        self._state: bytes | None = None
        self._announced = False
        self._updates = 0  # sync updates since then
        self._pending = trio.Semaphore(PENDING)
        self._wrote = False
        self._synced = trio.Event()  # set and replaced with each answer to a sync request

    async def serve(self, receive: Callable[[], Awaitable[str | bytes]]) -> None:
        """Until the client goes (``receive`` raises :class:`Gone`) or the sink was hung up on."""
        services = self._services
        services.connected += 1
        try:
            joined = await services.gateway.ask(Join, self.session, GatewayOutlet(self._sink), self._text)
            if isinstance(joined, Refused):
                self._hang_up(1013, joined.message)
                return
            async with trio.open_nursery() as nursery:
                await nursery.start(self._keep_subscribed)
                nursery.start_soon(self._comms.keep)
                while True:
                    frame = await receive()
                    if isinstance(frame, str):
                        await self._hear_text(frame, nursery)
                    else:
                        await self._hear_binary(frame)
        except* Gone:
            pass
        except* (ActorDied, ActorStopped):
            self._hang_up(1012, "the server restarts")
        finally:
            services.connected -= 1
            # The hub may be down and its mailbox full: it notices the dead outlet at its next broadcast.
            services.hub.offer(Unsubscribe(self.session))
            with trio.CancelScope(shield=True), trio.move_on_after(LEAVING), suppress(ActorStopped):
                await services.gateway.tell(Leave(self.session))

    def _hang_up(self, code: int, reason: str) -> None:
        self._sink.put(HangUp(code, reason))

    async def _keep_subscribed(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Started once the first subscription is on its way: the hub handles all that the client sends after it,
        and can hang up on it."""
        on_its_way = False

        def started() -> None:
            nonlocal on_its_way
            if not on_its_way:
                on_its_way = True
                task_status.started()

        if self._services.failed:
            started()  # nobody takes from the hub's mailbox, and a full one must not keep the client from a retry
        while not self._sink.closing:  # else the hub would close each new subscription at once
            outlet = HubOutlet(self._sink, self._text)
            await again(partial(self._subscribe, outlet, started))
            await outlet.gone.wait()
        started()

    async def _subscribe(self, outlet: HubOutlet, on_its_way: Callable[[], None]) -> Done:
        answer = await self._services.hub.request(
            Subscribe, self.session, outlet, self._state, self._merges, self._announced
        )
        on_its_way()
        return await answer()

    async def _hear_binary(self, frame: bytes) -> None:
        services = self._services
        match sync.decode(frame):
            case sync.Update(update, answer):
                self._updates += self._announced
                self._wrote = True
                # While the notebook's actors are down its mailbox would fill; the client resyncs afterwards.
                if not services.failed:
                    await services.hub.tell(ClientUpdate(self.session, update, self._updates, answer))
                if answer:
                    self._synced.set()
                    self._synced = trio.Event()
            case sync.Step1(state):
                self._state = state
                if not services.failed:
                    await services.hub.tell(AnswerSync(self.session, state))
            case sync.Awareness(payload):
                await services.gateway.tell(HeardAwareness(self.session, payload))
            case sync.QueryAwareness():
                await services.gateway.tell(AskedAwareness(self.session))
            case sync.Announce():
                if not self._announced:
                    self._announced = True
                    if not services.failed:
                        await services.hub.tell(Announced(self.session))
            case sync.Unknown(reason):
                self._hang_up(4400, reason)

    async def _hear_text(self, text: str, nursery: trio.Nursery) -> None:
        if len(text.encode()) > self._services.limits.text_frame:
            self._answer(
                wire.refuse(wire.WireError("", "", None, "too_large", "The control message is too large."))
            )
            return
        request = wire.decode(text)
        if isinstance(request, wire.WireError):
            self._answer(wire.refuse(request))
            return
        await self._pending.acquire()
        # The question is in its actor's mailbox before the next frame is read; the answer may take its time.
        await nursery.start(self._obey, request)

    async def _obey(self, request: wire.Request, *, task_status: trio.TaskStatus[None]) -> None:
        settled = False

        def accepted() -> None:
            nonlocal settled
            if not settled:
                settled = True
                task_status.started()

        try:
            if (request.channel, request.method) in RUNS and not await self._is_heard(accepted):
                text = "Edits that came before this were lost on the way and did not come again; ask again."
                self._answer(wire.refuse_request(request, "restarted", text))
                return
            self._answer(await self._control.obey(request, accepted))
        except ActorDied:
            text = "The actor that handled this was restarted; ask again."
            self._answer(wire.refuse_request(request, "restarted", text))
        except ActorStopped:
            self._answer(wire.refuse_request(request, "stopping", "The server is stopping."))
        finally:
            self._pending.release()
            accepted()

    async def _is_heard(self, accepted: Callable[[], None]) -> bool:
        """All that the client wrote so far is in the document. A hub that died with an edit in hand gets it anew
        when the client answers the next one's sync request, which may come behind the request at hand."""
        hub = self._services.hub
        if not self._wrote or self._services.failed:
            return True
        with trio.move_on_after(RESYNC):
            while True:
                synced = self._synced
                if await again(lambda: hub.ask(HasHeard, self.session)):
                    return True
                accepted()
                await synced.wait()
        return False

    def _answer(self, text: str | None) -> None:
        if text is not None:
            self._sink.put(text)
