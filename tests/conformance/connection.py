"""A WebSocket connection for test clients, over trio-websocket: its socket is always closed, its end is known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

ShowToken = Literal["query", "header", "cookie"]
BIG = 256 * 1024 * 1024


class Connection:
    """``hear`` is called with every message, in order. Connect and disconnect as often as you like."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        show: ShowToken = "query",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.url = url
        self.token = token
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._show = show
        self._headers = headers
        self._socket: WebSocketConnection | None = None
        self._stream: trio.SocketStream | None = None
        self._nursery: trio.Nursery | None = None
        self._manager: AbstractAsyncContextManager[trio.Nursery] | None = None
        self._reading = trio.Event()
        self._reading.set()
        self.ended = trio.Event()

    @property
    def connected(self) -> bool:
        return self._socket is not None and not self.ended.is_set()

    async def connect(self, hear: Callable[[str | bytes], object]) -> None:
        """Raises trio-websocket's ConnectionRejected (``status_code``) if the server refuses the handshake."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        self.close_code = self.close_reason = None
        self.ended = trio.Event()
        self._stream = await trio.open_tcp_stream(parts.hostname, parts.port or 80)
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        try:
            self._socket = await wrap_client_stream(
                self._nursery,
                self._stream,
                parts.netloc,
                self._resource(parts.path or "/", parts.query),
                extra_headers=[(name.encode(), value.encode()) for name, value in self._all_headers(parts.port)],
                max_message_size=BIG,
                receive_buffer_size=65536,
            )
        except BaseException:
            await self._leave(None, None, None)
            raise
        self._nursery.start_soon(self._read, self._socket, hear)

    def _resource(self, path: str, query: str) -> str:
        if self.token is not None and self._show == "query":
            query = f"{query}&token={self.token}" if query else f"token={self.token}"
        return f"{path}?{query}" if query else path

    def _all_headers(self, port: int | None) -> list[tuple[str, str]]:
        if self.token is None or self._show == "query":
            return list(self._headers)
        if self._show == "cookie":
            return [*self._headers, ("Cookie", f"ganimede-{port}={self.token}")]
        return [*self._headers, ("Authorization", f"Bearer {self.token}")]

    async def _read(self, socket: WebSocketConnection, hear: Callable[[str | bytes], object]) -> None:
        try:
            while True:
                await self._reading.wait()
                hear(await socket.get_message())
        except ConnectionClosed as closed:
            if closed.reason is not None:
                self.close_code, self.close_reason = closed.reason.code, closed.reason.reason
        finally:
            self.ended.set()

    def start_soon(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run it as long as the connection is held."""
        assert self._nursery is not None
        self._nursery.start_soon(task)

    def pause(self) -> None:
        """Stop reading: the server's messages pile up in the buffers between."""
        self._reading = trio.Event()

    def resume(self) -> None:
        self._reading.set()

    async def send(self, message: str | bytes) -> None:
        """Raises trio-websocket's ConnectionClosed on a connection that has ended."""
        assert self._socket is not None
        await self._socket.send_message(message)

    async def wait_closed(self, within: float = 5.0) -> int | None:
        """The close code; None if the connection just broke."""
        with trio.fail_after(within):
            await self.ended.wait()
        return self.close_code

    async def disconnect(self) -> None:
        """Say goodbye as WebSockets do."""
        if self._socket is not None:
            with trio.move_on_after(1), suppress(ConnectionClosed):
                await self._socket.aclose()
        await self._leave(None, None, None)

    async def drop(self) -> None:
        """Vanish without a word."""
        if self._stream is not None:
            await trio.aclose_forcefully(self._stream)
        await self._leave(None, None, None)

    async def leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The end of an ``async with``: what was raised inside travels on as it is."""
        if isinstance(error, trio.Cancelled):  # perhaps by this nursery itself, because the reader failed
            await self._leave(kind, error, trace)
        else:
            await self._leave(None, None, None)

    async def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        manager, stream = self._manager, self._stream
        self._manager = self._socket = self._stream = None
        self.ended.set()
        if manager is None or self._nursery is None:
            return
        self._nursery.cancel_scope.cancel()
        try:
            await manager.__aexit__(kind, error, trace)
        finally:
            if stream is not None:
                await trio.aclose_forcefully(stream)
