"""The y-websocket listener: trio-websocket on its own port, one room.

A broadcast's frame is the same bytes for every client, so it is encoded once and written straight to each socket
from the broadcast loop, without waiting and without waking a task; only what a socket does not take at once goes
through the bounded outbox and the connection's writer. That costs a seventh of a task per send.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress

import trio
from trio_websocket import (
    ConnectionClosed,
    HandshakeError,
    WebSocketConnection,
    WebSocketRequest,
    wrap_server_stream,
)

from gateway.access import NO_TOKEN_CLOSE, Allowed, AskToken, Denied, Policy, Request, judge
from gateway.connection import Connection, Gone, Services
from gateway.intake import Inbox, Intake
from gateway.outbox import Item, Outbox
from protocol.messages.hub import Frame, HangUp

log = logging.getLogger("ganimede.sync")

ROOM = "/g-y-room"
NO_SUCH_ROOM = 4404

# Seconds: for the handshake; for one send, after which the client is taken for gone; between our pings, and for
# their answer; for a last close frame.
HANDSHAKE = 10.0
SEND_WITHIN = 30.0
PING_EVERY, PONG_WITHIN = 20.0, 20.0
GOODBYE = 1.0


BINARY, TEXT = 0x82, 0x81


def websocket_frame(payload: bytes, kind: int = BINARY) -> bytes:
    """One unmasked frame, FIN set (RFC 6455, section 5.2)."""
    length = len(payload)
    if length < 126:
        return bytes((kind, length)) + payload
    if length < 1 << 16:
        return bytes((kind, 126)) + length.to_bytes(2, "big") + payload
    return bytes((kind, 127)) + length.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str) -> bytes:
    """One unmasked close frame (RFC 6455, section 5.5.1); the reason at most 123 bytes."""
    body = code.to_bytes(2, "big") + reason.encode()
    return bytes((0x88, len(body))) + body


class SharedStream(trio.abc.Stream):
    """A socket stream to which whole frames may also be written without waiting, between the sends of others.

    ``intake``: reads what comes before the library that reads from here.
    """

    def __init__(self, inner: trio.SocketStream) -> None:
        self._inner = inner
        self._lock = trio.Lock()
        self.intake: Intake | None = None
        self.rest: bytes | memoryview = b""  # of a frame that was cut in two: somebody must send it
        self._socket = socket.socket(fileno=os.dup(inner.socket.fileno()))
        self._socket.setblocking(False)

    def try_send(self, data: bytes) -> bool:
        """Write ``data`` now if nothing is in the way. A part that the socket took is completed by the next send.

        Raises OSError when the connection is broken.
        """
        if self.rest or self._lock.locked():
            return False
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return False
        if sent < len(data):
            self.rest = memoryview(data)[sent:]  # many clients share the frame
        return True

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        with trio.move_on_after(SEND_WITHIN) as patience:
            async with self._lock:
                if self.rest:
                    rest, self.rest = self.rest, b""
                    await self._inner.send_all(rest)
                if data:
                    await self._inner.send_all(data)
        if patience.cancelled_caught:
            raise trio.BrokenResourceError("the client takes nothing")

    async def wait_send_all_might_not_block(self) -> None:
        await self._inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        while True:
            data = await self._inner.receive_some(max_bytes)
            left = data if self.intake is None else await self.intake.filter(bytes(data))
            if left or not data:
                return left

    async def aclose(self) -> None:
        self._socket.close()
        await self._inner.aclose()


class DirectSink:
    """Puts frames straight onto the socket when it can, else into the outbox."""

    def __init__(self, stream: SharedStream, outbox: Outbox) -> None:
        self._stream = stream
        self._outbox = outbox
        self.owes = trio.Event()

    @property
    def closing(self) -> bool:
        return self._outbox.closing

    def put(self, item: Item) -> bool:
        # The hub's innermost loop: as few calls as possible.
        if type(item) is not Frame or self._outbox.items or self._outbox.closing:
            return self._outbox.put(item)
        data = item.framed
        if not data:
            data = item.framed = websocket_frame(item.payload)
        try:
            sent = self._stream.try_send(data)
        except OSError:
            return False
        if not sent:
            return self._outbox.put(item)
        if self._stream.rest:
            self.owes.set()
        return True


async def serve_sync(
    listening: socket.socket, services: Services, policy: Callable[[], Policy], nursery: trio.Nursery
) -> None:
    """Accept until cancelled. ``listening`` stays open for the next incarnation: a copy is used here."""
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening.dup()))

    async def guarded(stream: trio.SocketStream) -> None:
        try:
            await _handle(stream, services, policy())
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, HandshakeError, ConnectionClosed):
            pass  # the client went, at whatever moment
        except Exception:  # one connection's bug must not end the others
            log.exception("a sync connection failed")

    await trio.serve_listeners(guarded, [listener], handler_nursery=nursery)


async def _handle(inner: trio.SocketStream, services: Services, policy: Policy) -> None:
    stream = SharedStream(inner)
    try:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(HANDSHAKE):
                request: WebSocketRequest = await wrap_server_stream(
                    nursery,
                    stream,
                    message_queue_size=16,
                    max_message_size=services.limits.binary_frame,
                    receive_buffer_size=65536,
                )
                websocket = await _admit(request, policy)
            if websocket is not None:
                await _converse(websocket, stream, services)
            nursery.cancel_scope.cancel()
    except* trio.TooSlowError:
        pass
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)


async def _admit(request: WebSocketRequest, policy: Policy) -> WebSocketConnection | None:
    path, _, query = request.path.partition("?")
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers]
    # wsproto takes the Host header out of the others, and trio-websocket has no public place for it.
    headers.append(("host", request._event.host))
    match judge(Request("GET", path, query, tuple(headers), True, "sync"), policy):
        case Denied(status, sentence) if status != 401:
            await request.reject(status, body=sentence.encode())
            return None
        case Denied() | AskToken():
            refused = await request.accept()
            await refused.aclose(NO_TOKEN_CLOSE, "a token is needed")
            return None
        case Allowed():
            websocket: WebSocketConnection = await request.accept()
            if path == ROOM:
                return websocket
            await websocket.aclose(NO_SUCH_ROOM, f"there is no room {path[:60]}; the notebook is at {ROOM}")
    return None


async def _converse(websocket: WebSocketConnection, stream: SharedStream, services: Services) -> None:
    outbox = Outbox(services.limits.outbox_frames, services.limits.outbox_bytes)
    sink = DirectSink(stream, outbox)
    connection = Connection(services, sink, text=False, merges=False)

    stream.intake = Intake(services.limits.binary_frame)
    inbox = stream.intake.inbox

    async def receive() -> str | bytes:
        message = await inbox.take()
        if message is None:
            raise Gone
        return message.encode() if isinstance(message, str) else message

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write, websocket, stream, outbox, nursery.cancel_scope)
            nursery.start_soon(complete, stream, sink, nursery.cancel_scope)
            nursery.start_soon(_ping, websocket, outbox)
            nursery.start_soon(_listen, websocket, inbox)
            await connection.serve(receive)
            outbox.hang_up(HangUp(1000, ""))
    finally:
        inbox.close()
        if websocket.closed is None:  # cancelled with the gateway: the client is told, if it takes it at once
            with suppress(OSError):
                stream.try_send(close_frame(1012, "the server's gateway restarts"))


async def _listen(websocket: WebSocketConnection, inbox: Inbox) -> None:
    """What the intake leaves to the library."""
    with suppress(ConnectionClosed):
        while True:
            await inbox.put(await websocket.get_message())
    inbox.close()


async def _write(
    websocket: WebSocketConnection, stream: SharedStream, outbox: Outbox, scope: trio.CancelScope
) -> None:
    """Send what the socket did not take at once, and the close frame."""
    try:
        while True:
            for item in await outbox.take():
                match item:
                    case Frame():
                        item.framed = item.framed or websocket_frame(item.payload)
                        await stream.send_all(item.framed)
                    case HangUp(code, reason):
                        with trio.move_on_after(GOODBYE):
                            await websocket.aclose(code, reason)
                        scope.cancel()
                        return
    except (trio.BrokenResourceError, trio.ClosedResourceError, ConnectionClosed):
        scope.cancel()


async def complete(stream: SharedStream, sink: DirectSink, scope: trio.CancelScope) -> None:
    """Send the rest of frames that were cut in two."""
    try:
        while True:
            await sink.owes.wait()
            sink.owes = trio.Event()
            await stream.send_all(b"")
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        scope.cancel()


async def _ping(websocket: WebSocketConnection, outbox: Outbox) -> None:
    """A half-open connection shows by a missing pong."""
    while True:
        await trio.sleep(PING_EVERY)
        try:
            with trio.fail_after(PONG_WITHIN):
                await websocket.ping()
        except trio.TooSlowError:
            outbox.hang_up(HangUp(1001, "no answer to a ping"))
            return
        except ConnectionClosed:
            return
