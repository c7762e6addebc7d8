"""What of hypercorn 0.18.0 had to be replaced, and how it is run.

1. A send is shielded there: one client that stops reading keeps the server from exiting, and no deadline can end
   the send. Ours can be cancelled, which ends that connection: half a frame may have left.
2. permessage-deflate is granted there whenever it is offered: a small frame then inflates to hundreds of
   megabytes, and each copy of a broadcast is compressed again. Ours grants no extension.
3. A connection that is cancelled leaves its socket to the garbage collector there. Ours closes it.
4. A handler cannot know its connection there, and each send of one takes the long way through ASGI. Ours can ask
   for it, to write a broadcast's frame straight to the socket: a fifth of the CPU.
5. What comes in takes the same long way there. Ours lets an :class:`~gateway.intake.Intake` read first.

All reach into hypercorn, so :func:`install` insists on the exact versions it was tested with.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterable
from contextvars import ContextVar
from importlib.metadata import version
from math import inf

import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol import ws_stream
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import MAX_RECV, TCPServer

from gateway.intake import Intake
from gateway.setting_values import StartError
from gateway.settings import Settings

TESTED = {"hypercorn": "0.18.0", "wsproto": "1.3.2"}
GRACEFUL_TIMEOUT = 3.0

_serving: ContextVar[TCPServer] = ContextVar("_serving")

_original_run = TCPServer.run
_original_send = TCPServer.protocol_send
_original_close = TCPServer._close


def install() -> None:
    """Replace the five, once or again. Raises :class:`StartError` under other versions."""
    for package, tested in TESTED.items():
        if (found := version(package)) != tested:
            raise StartError(
                f"Ganimede replaces parts of {package} {tested} and found {found}: install {package}=={tested}."
            )
    TCPServer.run = _run  # type: ignore[method-assign]
    TCPServer._read_data = _read_data  # type: ignore[method-assign]
    TCPServer.protocol_send = _send_unshielded  # type: ignore[method-assign]
    TCPServer._close = _close  # type: ignore[method-assign]
    ws_stream.server_extensions_handshake = _grant_nothing  # type: ignore[attr-defined]


async def _run(self: TCPServer) -> None:
    _serving.set(self)
    await _original_run(self)


def connection_of_this_task() -> TCPServer | None:
    """The HTTP/1.1 connection that the handler in this task serves; None under another protocol or server."""
    connection = _serving.get(None)
    return connection if connection and isinstance(connection.protocol.protocol, H11Protocol) else None


def take_in(intake: Intake) -> None:
    """Let ``intake`` read what comes to this task's connection from now on, if it is one."""
    connection = connection_of_this_task()
    if connection is not None:
        connection.intake = intake  # type: ignore[attr-defined]


async def _read_data(self: TCPServer) -> None:
    broken = ended = False
    while not ended:
        try:
            with trio.fail_after(self.config.read_timeout or inf):
                data = bytes(await self.stream.receive_some(MAX_RECV))
        except (trio.ClosedResourceError, trio.BrokenResourceError, trio.TooSlowError):
            data, broken = b"", True
        ended = not data
        intake: Intake | None = getattr(self, "intake", None)
        left = data if intake is None else await intake.filter(data)
        if left:
            await self.protocol.handle(RawData(left))
    if not broken:
        await self.protocol.handle(RawData(b""))
    await self.protocol.handle(Closed())


def _grant_nothing(requested: Iterable[str], supported: object) -> None:
    """No extension for any offer."""


async def _send_unshielded(self: TCPServer, event: Event) -> None:
    if not isinstance(event, RawData):
        await _original_send(self, event)
        return
    async with self.send_lock:
        try:
            await self.stream.send_all(event.data)
        except trio.Cancelled:
            await trio.aclose_forcefully(self.stream)
            raise
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self.protocol.handle(Closed())


async def _close(self: TCPServer) -> None:
    try:
        await _original_close(self)
    finally:
        await trio.aclose_forcefully(self.stream)


def make_config(settings: Settings, sockets: Iterable[socket.socket]) -> Config:
    """For ``hypercorn.trio.serve`` in this process. The sockets are hypercorn's from here on."""
    config = Config()
    config.bind = [f"fd://{listener.detach()}" for listener in sockets]
    config.worker_class = "trio"
    config.accesslog = None
    config.loglevel = "WARNING"
    config.include_server_header = False
    config.graceful_timeout = GRACEFUL_TIMEOUT
    config.websocket_max_message_size = settings.limits.binary_frame
    return config


def listening_addresses() -> list[tuple[str, int]]:
    """Host and port of every TCP socket that listens in this process.

    Under plain hypercorn, while the application is imported, these are the sockets that hypercorn was told to
    bind: an application is not told its port otherwise.
    """
    found: set[tuple[str, int]] = set()
    for name in os.listdir("/dev/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as copy:
                inet = copy.family in (socket.AF_INET, socket.AF_INET6)
                if inet and copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    host, port = copy.getsockname()[:2]
                    found.add((str(host), int(port)))
        except OSError:  # closed meanwhile
            continue
    return sorted(found)
