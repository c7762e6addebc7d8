"""The listener for y-websocket clients, apart from the server around it."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
import trio

from gateway.access import Policy, make_policy
from gateway.settings import Limits
from gateway.sync_listener import serve_sync

pytestmark = pytest.mark.pure


async def test_a_bug_in_one_connection_ends_that_one_alone(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    def policy() -> Policy:
        asked.append("once more")
        if len(asked) == 1:
            raise RuntimeError("a bug")
        return make_policy("token-of-tests", 80)

    services: Any = SimpleNamespace(limits=Limits())
    handshake = b"GET /g-y-room HTTP/1.1\r\nHost: nobody\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    handshake += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_sync, listening, services, policy, nursery)
            async with await trio.open_tcp_stream(*listening.getsockname()) as first:
                assert await first.receive_some() == b""
            async with await trio.open_tcp_stream(*listening.getsockname()) as second:
                await second.send_all(handshake)
                assert (await second.receive_some()).startswith(b"HTTP/1.1 403")
            nursery.cancel_scope.cancel()
    assert "a sync connection failed" in caplog.text
