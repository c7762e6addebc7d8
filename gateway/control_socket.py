"""The control socket under quart-trio: text frames and the y-websocket protocol on one WebSocket."""

from __future__ import annotations

from typing import Any

import trio

from gateway.connection import Connection, Services
from gateway.outbox import Outbox
from protocol.messages import Frame, HangUp

# Seconds for one send, after which the client is taken for gone; for a last close frame.
SEND_WITHIN = 30.0
GOODBYE = 1.0


async def serve_control_socket(websocket: Any, services: Services) -> None:
    """One accepted WebSocket, until it ends. ``websocket``: quart's, with receive, send and close."""
    outbox = Outbox(services.limits.outbox_frames, services.limits.outbox_bytes)
    connection = Connection(services, outbox, text=True, merges=True)

    async def receive() -> str | bytes:
        message: str | bytes | None = await websocket.receive()
        return b"" if message is None else message  # quart gives None for an empty binary message

    told = trio.Event()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write, websocket, outbox, nursery.cancel_scope, told)
            await connection.serve(receive)
            outbox.hang_up(HangUp(1000, ""))
    finally:
        if not told.is_set():
            # The server is going and its worker cancels handlers: clients are told, if they still read.
            with trio.CancelScope(shield=True), trio.move_on_after(GOODBYE):
                await websocket.close(1012, "the server restarts")


async def _write(websocket: Any, outbox: Outbox, scope: trio.CancelScope, told: trio.Event) -> None:
    while True:
        for item in await outbox.take():
            if isinstance(item, HangUp):
                told.set()
                with trio.move_on_after(GOODBYE):
                    await websocket.close(item.code, item.reason)
                scope.cancel()
                return
            with trio.move_on_after(SEND_WITHIN) as patience:
                await websocket.send(item.payload if isinstance(item, Frame) else item)
            if patience.cancelled_caught:
                scope.cancel()
                return
