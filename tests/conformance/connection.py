"""A WebSocket connection for test clients, over trio-websocket: its socket is always closed, its end is known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream
from wsproto.utilities import LocalProtocolError

ShowToken = Literal["query", "header", "cookie"]
BIG = 256 * 1024 * 1024
NO_CLOSE_FRAME = 1006


class Connection:
    """Inside its ``async with``, connect and disconnect as often as you like, one connection at a time."""

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
        self.ended = trio.Event()  # of the latest connection: nothing will be heard any more
        self.ended.set()
        self._show = show
        self._headers = headers
        self._socket: WebSocketConnection | None = None
        self._scope = trio.CancelScope()
        self._gone = trio.Event()  # ... and its socket is closed
        self._gone.set()
        self._reading = trio.Event()
        self._reading.set()

    async def __aenter__(self) -> Connection:
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._nursery.cancel_scope.cancel()
        if isinstance(error, trio.Cancelled):  # perhaps by this nursery itself, because a task failed
            await self._manager.__aexit__(kind, error, trace)
        else:  # what was raised inside travels on as it is, in no group
            await self._manager.__aexit__(None, None, None)

    @property
    def connected(self) -> bool:
        return not self.ended.is_set()

    async def connect(
        self,
        hear: Callable[[str | bytes], object],
        beside: Callable[[], Awaitable[None]] | None = None,
        within: float = 5.0,
    ) -> None:
        """``hear`` is called with every message, in order; ``beside`` runs as long as the connection does.

        Raises trio-websocket's ConnectionRejected (``status_code``) if the server refuses the handshake.
        """
        await self.drop()
        self.close_code = self.close_reason = None
        with trio.fail_after(within):
            await self._nursery.start(self._run, hear, beside)

    async def _run(
        self,
        hear: Callable[[str | bytes], object],
        beside: Callable[[], Awaitable[None]] | None,
        *,
        task_status: trio.TaskStatus[None],
    ) -> None:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        rejected: list[BaseException] = []
        try:
            async with (
                await trio.open_tcp_stream(parts.hostname, parts.port or 80) as stream,
                trio.open_nursery() as nursery,
            ):
                socket = await wrap_client_stream(
                    nursery,
                    stream,
                    parts.netloc,
                    self._resource(parts.path or "/", parts.query),
                    extra_headers=[(name.encode(), value.encode()) for name, value in self._all_headers(parts)],
                    max_message_size=BIG,
                    receive_buffer_size=65536,
                )
                self._socket, self._scope = socket, nursery.cancel_scope
                self.ended, self._gone = trio.Event(), trio.Event()
                if beside is not None:
                    nursery.start_soon(beside)
                task_status.started()
                await self._read(socket, hear)
                nursery.cancel_scope.cancel()
        except* ConnectionRejected as group:
            rejected.extend(group.exceptions)
        except* LocalProtocolError:  # trio-websocket answered a ping while this end was closing
            self.ended.set()
        finally:
            self._gone.set()
        if rejected:
            raise rejected[0]

    def _resource(self, path: str, query: str) -> str:
        if self.token is not None and self._show == "query":
            query = f"{query}&token={self.token}" if query else f"token={self.token}"
        return f"{path}?{query}" if query else path

    def _all_headers(self, parts: SplitResult) -> list[tuple[str, str]]:
        if self.token is None or self._show == "query":
            return list(self._headers)
        if self._show == "cookie":
            return [*self._headers, ("Cookie", f"ganimede-{parts.port}={self.token}")]
        return [*self._headers, ("Authorization", f"Bearer {self.token}")]

    async def _read(self, socket: WebSocketConnection, hear: Callable[[str | bytes], object]) -> None:
        try:
            while True:
                await self._reading.wait()
                hear(await socket.get_message())
        except ConnectionClosed as closed:
            if closed.reason is not None and closed.reason.code != NO_CLOSE_FRAME:
                self.close_code, self.close_reason = closed.reason.code, closed.reason.reason
        finally:
            self.ended.set()

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

    async def disconnect(self, code: int = 1000) -> None:
        """Say goodbye as WebSockets do."""
        if self._socket is not None and self.connected:
            with trio.move_on_after(1):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._say_goodbye, self._socket, code)
                    await self.ended.wait()  # the answer; the library would wait on for the end of the stream
                    nursery.cancel_scope.cancel()
        await self.drop()

    async def _say_goodbye(self, socket: WebSocketConnection, code: int) -> None:
        with suppress(ConnectionClosed):
            await socket.aclose(code)

    async def drop(self) -> None:
        """Vanish without a word. Does nothing when there is no connection."""
        self._scope.cancel()
        await self._gone.wait()
