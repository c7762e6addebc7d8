"""The control socket under quart-trio: text frames and the y-websocket protocol on one WebSocket.

quart, ASGI and hypercorn cost five times the system call that sends a frame. So frames go straight to the socket
and come straight from it, as on the sync port; only the handshake, control frames and what is out of the ordinary
take the long way. Where the socket is not plain HTTP/1.1 (HTTP/2, another server), everything does.
"""

from __future__ import annotations

from typing import Any

import trio

from gateway.connection import Connection, Gone, Services
from gateway.hypercorn_overrides import connection_of_this_task, take_in
from gateway.intake import Inbox, Intake
from gateway.outbox import Outbox
from gateway.sync_listener import TEXT, DirectSink, SharedStream, complete, websocket_frame
from protocol.messages.hub import Frame, HangUp

# Seconds for one send, after which the client is taken for gone; for a last close frame.
SEND_WITHIN = 30.0
GOODBYE = 1.0


async def serve_control_socket(websocket: Any, services: Services) -> None:
    """One WebSocket, until it ends. ``websocket``: quart's, with accept, receive, send and close."""
    intake = Intake(services.limits.binary_frame)
    inbox = intake.inbox
    take_in(intake)  # before any frame can come
    await websocket.accept()
    outbox = Outbox(services.limits.outbox_frames, services.limits.outbox_bytes)
    stream = await share_stream()
    direct = None if stream is None else DirectSink(stream, outbox)
    connection = Connection(services, direct or outbox, text=True, merges=stream is None)

    async def receive() -> str | bytes:
        message = await inbox.take()
        if message is None:
            raise Gone
        return message

    told = trio.Event()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write, websocket, stream, outbox, nursery.cancel_scope, told)
            if stream is not None and direct is not None:
                nursery.start_soon(complete, stream, direct, nursery.cancel_scope)
            nursery.start_soon(_listen, websocket, inbox)
            await connection.serve(receive)
            outbox.hang_up(HangUp(1000, ""))
    finally:
        inbox.close()
        if not (told.is_set() or outbox.closing):
            # The server is going and its worker cancels handlers: clients are told. Not one whose goodbye already
            # waits behind what it does not read: it had its time, and the end of the process waits for us.
            with trio.CancelScope(shield=True), trio.move_on_after(GOODBYE):
                await websocket.close(1012, "the server restarts")


async def share_stream() -> SharedStream | None:
    """Put a stream that we may write to under hypercorn's connection; its own sends then take turns with ours."""
    connection = connection_of_this_task()
    if connection is None:
        return None
    async with connection.send_lock:
        plain: object = connection.stream
        if not isinstance(plain, trio.SocketStream):
            return None  # TLS
        connection.stream = stream = SharedStream(plain)  # type: ignore[assignment]
    return stream


async def _listen(websocket: Any, inbox: Inbox) -> None:
    """What the intake leaves to the library. When the client goes, quart cancels the handler."""
    while True:
        message: str | bytes | None = await websocket.receive()
        await inbox.put(b"" if message is None else message)  # quart gives None for an empty binary message


async def _write(
    websocket: Any, stream: SharedStream | None, outbox: Outbox, scope: trio.CancelScope, told: trio.Event
) -> None:
    try:
        while True:
            for item in await outbox.take():
                if isinstance(item, HangUp):
                    told.set()
                    with trio.move_on_after(GOODBYE):
                        await websocket.close(item.code, item.reason)
                    scope.cancel()
                    return
                with trio.move_on_after(SEND_WITHIN) as patience:
                    if stream is None:
                        await websocket.send(item.payload if isinstance(item, Frame) else item)
                    elif isinstance(item, Frame):
                        item.framed = item.framed or websocket_frame(item.payload)
                        await stream.send_all(item.framed)
                    else:
                        await stream.send_all(websocket_frame(item.encode(), TEXT))
                if patience.cancelled_caught:
                    scope.cancel()
                    return
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        scope.cancel()
