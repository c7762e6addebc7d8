"""How a client's frames reach a server: through a WebSocket, or straight into the same process.

Either way frames are those of SPEC.md: text for control messages, binary for the y-websocket protocol.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from types import TracebackType
from typing import Protocol, TypeAlias
from urllib.parse import parse_qs, urlsplit

import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)

from gateway.connection import Connection, Gone, Services
from gateway.outbox import Outbox
from protocol.messages.hub import Frame, HangUp

# A document may come whole in one frame.
LARGEST = 256 * 1024 * 1024
# Seconds for a connection and its handshake.
WITHIN = 10.0


class LinkLost(Exception):
    """The link ended. ``code``: the WebSocket's close code, 1006 where there was none. The text says why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason or f"the connection ended ({code})")
        self.code = code


class LinkRefused(Exception):
    """There is no server, or it lets nobody in. The text is a sentence. ``final``: asking again is of no use."""

    def __init__(self, sentence: str, *, final: bool = False) -> None:
        super().__init__(sentence)
        self.final = final


class Link(Protocol):
    async def send(self, frame: str | bytes) -> None:
        """Raises :class:`LinkLost`."""

    async def receive(self) -> str | bytes:
        """The next frame. Raises :class:`LinkLost`."""


class Beside:
    """A nursery for what runs beside the body and ends with it. What the body raises travels on as it is, in no
    group; what fails beside it comes as from any nursery."""

    async def __aenter__(self) -> trio.Nursery:
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        return self._nursery

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._nursery.cancel_scope.cancel()
        if isinstance(error, trio.Cancelled):  # perhaps by this nursery itself, which then keeps it
            return await self._manager.__aexit__(kind, error, trace)
        await self._manager.__aexit__(None, None, None)
        return None


# Makes a link, again and again.
Dial: TypeAlias = Callable[[], AbstractAsyncContextManager[Link]]


# ------------------------------------------------------------------------------------------------- a WebSocket


class _WebSocketLink:
    def __init__(self, socket: WebSocketConnection) -> None:
        self._socket = socket

    async def send(self, frame: str | bytes) -> None:
        try:
            await self._socket.send_message(frame)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def receive(self) -> str | bytes:
        try:
            message = await self._socket.get_message()
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        return message if isinstance(message, str) else bytes(message)


def _lost(closed: ConnectionClosed) -> LinkLost:
    reason = closed.reason
    return LinkLost(1006, "") if reason is None else LinkLost(reason.code, reason.reason or "")


@asynccontextmanager
async def websocket_link(address: str, token: str | None = None) -> AsyncIterator[Link]:
    """``address``: as the server prints it, perhaps with the token in it. Raises :class:`LinkRefused`."""
    parts = urlsplit(address if "//" in address else f"//{address}", scheme="http")
    known = token or next(iter(parse_qs(parts.query).get("token", [])), None)
    secure = parts.scheme in ("https", "wss")
    host, port = parts.hostname or "localhost", parts.port or (443 if secure else 80)
    headers = [(b"Authorization", f"Bearer {known}".encode())] if known else []
    try:
        with trio.fail_after(WITHIN):
            plain = await trio.open_tcp_stream(host, port)
            stream: trio.SocketStream | trio.SSLStream[trio.SocketStream] = plain
            if secure:
                stream = trio.SSLStream(plain, ssl.create_default_context(), server_hostname=host)
    except (OSError, trio.TooSlowError):
        raise LinkRefused(f"No server answers at {host}:{port}.") from None
    async with stream, Beside() as nursery:
        try:
            with trio.fail_after(WITHIN):
                socket = await wrap_client_stream(
                    nursery, stream, parts.netloc, "/", extra_headers=headers, max_message_size=LARGEST
                )
        except ConnectionRejected as refused:
            raise _refusal(refused.status_code, f"{host}:{port}") from None
        except (HandshakeError, OSError, trio.TooSlowError, trio.BrokenResourceError):
            raise LinkRefused(f"What answers at {host}:{port} is no Ganimede server.") from None
        yield _WebSocketLink(socket)
        with trio.move_on_after(1.0), suppress(ConnectionClosed):
            await socket.aclose()


def _refusal(status: int, where: str) -> LinkRefused:
    if status in (401, 403):
        return LinkRefused(f"The server at {where} wants its token, which its readiness line shows.", final=True)
    return LinkRefused(f"The server at {where} refused the connection ({status}).")


# --------------------------------------------------------------------------------------------- the same process


class _DirectLink:
    def __init__(self, outbox: Outbox, frames: trio.MemorySendChannel[str | bytes]) -> None:
        self._outbox = outbox
        self._frames = frames
        self._heard: list[str | bytes] = []

    async def send(self, frame: str | bytes) -> None:
        try:
            await self._frames.send(frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise LinkLost(1006, "the server has ended") from None

    async def receive(self) -> str | bytes:
        while not self._heard:
            for item in await self._outbox.take():
                if isinstance(item, HangUp):
                    raise LinkLost(item.code, item.reason)
                self._heard.append(item.payload if isinstance(item, Frame) else item)
        return self._heard.pop(0)


@asynccontextmanager
async def direct_link(services: Services) -> AsyncIterator[Link]:
    """To the actors of this process: what a WebSocket's handler does, without the WebSocket."""
    outbox = Outbox(services.limits.outbox_frames, services.limits.outbox_bytes)
    connection = Connection(services, outbox, text=True, merges=True)
    send, receive = trio.open_memory_channel[str | bytes](16)

    async def next_frame() -> str | bytes:
        try:
            return await receive.receive()
        except trio.EndOfChannel:
            raise Gone from None

    async def serve() -> None:
        with receive:
            await connection.serve(next_frame)
        outbox.hang_up(HangUp(1000, ""))

    async with Beside() as nursery:
        nursery.start_soon(serve)
        yield _DirectLink(outbox, send)
