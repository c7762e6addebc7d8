"""The clients of the other tests, against each other, through the smallest server that could be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Literal

import pytest
import trio
from pycrdt import Doc, create_sync_message, handle_sync_message
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    WebSocketRequest,
    wrap_server_stream,
)

from tests.conformance.clients import NodeClient, NodeError, converged, until
from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.node_tools import HERE
from tests.conformance.pycrdt_client import PycrdtClient

pytestmark = pytest.mark.system

TOKEN = "right-token"


class Relay:
    """A y-websocket room, and a control socket at ``/`` that echoes; only with the token."""

    def __init__(self) -> None:
        self.doc: Doc[Any] = Doc()
        self.sockets: set[WebSocketConnection] = set()

    async def serve(self, stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as nursery:
            await self._answer(await wrap_server_stream(nursery, stream))
            nursery.cancel_scope.cancel()

    async def _answer(self, request: WebSocketRequest) -> None:
        headers = dict(request.headers)
        if f"token={TOKEN}" not in request.path and headers.get(b"authorization") != f"Bearer {TOKEN}".encode():
            await request.reject(403)
            return
        socket = await request.accept()
        try:
            await (self._room(socket) if request.path.startswith("/g-y-room") else self._control(socket))
        except ConnectionClosed:
            pass
        finally:
            self.sockets.discard(socket)

    async def _room(self, socket: WebSocketConnection) -> None:
        self.sockets.add(socket)
        await socket.send_message(create_sync_message(self.doc))
        while True:
            message = await socket.get_message()
            assert isinstance(message, bytes)
            if message[0] == 1:
                await self._pass_on(message, set())
            elif message[0] == 0:
                answer = handle_sync_message(message[1:], self.doc)
                if answer is not None:
                    await socket.send_message(answer)
                else:
                    await self._pass_on(b"\0\2" + message[2:], {socket})

    async def _pass_on(self, message: bytes, excepted: set[WebSocketConnection]) -> None:
        for socket in self.sockets - excepted:
            with suppress(ConnectionClosed):
                await socket.send_message(message)

    async def _control(self, socket: WebSocketConnection) -> None:
        while True:
            message = await socket.get_message()
            if isinstance(message, bytes):
                await socket.send_message(message[::-1])
                continue
            request = json.loads(message)
            head = {"channel": request["channel"], "method": request["method"]}
            await socket.send_message(json.dumps({"channel": "news", "method": "heard", "message": {"of": "it"}}))
            if request["method"] == "close":
                await socket.aclose(4400, "as asked")
            elif request["method"] == "fail":
                error = {"code": "failed", "message": "as asked"}
                await socket.send_message(json.dumps({**head, "id": request["id"], "error": error}))
            else:
                answer = {**head, "id": request["id"], "message": request.get("message", {})}
                await socket.send_message(json.dumps(answer))


@asynccontextmanager
async def relaying() -> AsyncIterator[str]:
    relay = Relay()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, relay.serve, 0, host="127.0.0.1"))
            yield f"ws://127.0.0.1:{listener.socket.getsockname()[1]}"
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("version", [1, 3])
def test_a_stock_client_and_pycrdt_hold_the_same(version: Literal[1, 3]) -> None:
    async def main() -> None:
        async with (
            relaying() as url,
            NodeClient(version) as node,
            PycrdtClient(f"{url}/g-y-room", TOKEN) as python,
        ):
            await node.connect(url, TOKEN)
            await node.call("create", cell="aaaaaaaa", source="x = 1")
            await node.call("create", cell="bbbbbbbb", type="markdown", source="# Ü 🌒", after="aaaaaaaa")
            python.create("cccccccc", "y = 2", top=20, left=40)
            content = await converged(node, python)
            assert sorted(content["cells"]) == ["aaaaaaaa", "bbbbbbbb", "cccccccc"]
            assert content["np_graph"] == {"aaaaaaaa": ["bbbbbbbb"]}
            assert set(content["maps"]["aaaaaaaa"]) == set(content["maps"]["cccccccc"])
            assert content["maps"]["cccccccc"]["top"] == 20

            python.insert("bbbbbbbb", 5, "!")  # behind the surrogate pair
            python.remove("cccccccc", 0, 4)
            await node.call("edit", cell="aaaaaaaa", index=4, remove=1, insert="3")
            await node.call("set", cell="cccccccc", key="left", value=60)
            content = await converged(node, python)
            assert [content["maps"][cell]["source"] for cell in ("aaaaaaaa", "bbbbbbbb", "cccccccc")] == [
                "x = 3",
                "# Ü 🌒!",
                "2",
            ]
            assert content["maps"]["cccccccc"]["left"] == 60

            await node.call("delete", cell="bbbbbbbb")
            python.delete("cccccccc")
            content = await converged(node, python)
            assert content["cells"] == ["aaaaaaaa"]
            assert content["np_graph"] == {"aaaaaaaa": []}
            assert (await node.call("status"))["complaints"] == []

    trio.run(main)


def test_all_three_kinds_see_each_other() -> None:
    async def main() -> None:
        async with (
            relaying() as url,
            NodeClient(1) as old,
            NodeClient(3) as new,
            PycrdtClient(f"{url}/g-y-room", TOKEN, show="header") as python,
        ):
            await old.connect(url, TOKEN)
            await new.connect(url, TOKEN)
            await old.call("awareness", state={"id": "old", "cursor": {"x": 1, "y": 2}})
            await new.call("awareness", state={"id": "new"})
            python.set_awareness({"id": "pycrdt", "name": "Jörg"})

            async def seen() -> bool:
                named = [
                    {state.get("id") for state in (await node.call("states")).values()} for node in (old, new)
                ]
                named.append({"pycrdt", *(state["id"] for state in python.present().values() if state)})
                return all(names == {"old", "new", "pycrdt"} for names in named)

            await until(seen)

    trio.run(main)


@pytest.mark.parametrize("version", [1, 3])
def test_what_was_changed_while_away_arrives_after_the_return(version: Literal[1, 3]) -> None:
    async def main() -> None:
        async with (
            relaying() as url,
            NodeClient(version) as node,
            PycrdtClient(f"{url}/g-y-room", TOKEN) as python,
        ):
            await node.connect(url, TOKEN)
            python.create("aaaaaaaa", "x")
            await converged(node, python)
            await node.call("disconnect")
            await python.disconnect()
            await node.call("edit", cell="aaaaaaaa", insert="node ")
            python.insert("aaaaaaaa", 1, " python")
            await python.connect()
            await node.connect(url, TOKEN)
            content = await converged(node, python)
            assert content["maps"]["aaaaaaaa"]["source"] == "node x python"
            await node.call("drop")
            await python.drop()
            assert not python.connection.connected
            python.insert("aaaaaaaa", 0, "> ")
            await python.connect()
            content = await converged(node, python)  # the provider returned by itself
            assert content["maps"]["aaaaaaaa"]["source"] == "> node x python"

    trio.run(main)


def test_refusals_are_seen_as_refusals() -> None:
    async def main() -> None:
        async with relaying() as url:
            for show in ("query", "header", "cookie"):
                with pytest.raises(ConnectionRejected) as rejected:
                    async with PycrdtClient(f"{url}/g-y-room", "wrong", show=show):
                        pass
                assert rejected.value.status_code == 403
            async with NodeClient(3) as node:
                await node.call("connect", url=url)
                with pytest.raises(NodeError, match="no sync within 200 ms"):
                    await node.call("synced", timeout=200)
                with pytest.raises(NodeError, match="is not a function"):
                    await node.call("nonsense")

    trio.run(main)


def test_a_control_client_tells_answers_pushes_and_binary_apart() -> None:
    async def main() -> None:
        async with relaying() as url, ControlClient(url, TOKEN) as control:
            assert await control.ask("comms", "ping", {"a": 1}) == {"a": 1}
            assert await control.push("news", "heard", lambda message: message["of"] == "it") == {"of": "it"}
            assert control.pushes == []
            with pytest.raises(ControlError, match="failed: as asked"):
                await control.ask("comms", "fail")
            await control.send(b"abc")
            await control.ask("comms", "ping")
            assert control.binary == [b"cba"]
            with pytest.raises(ConnectionError, match="4400"):
                await control.ask("comms", "close")
            assert await control.connection.wait_closed() == 4400
            assert control.connection.close_reason == "as asked"
            await control.connect()
            assert await control.ask("comms", "ping") == {}

    trio.run(main)


def test_a_paused_client_reads_nothing_until_it_resumes() -> None:
    async def main() -> None:
        async with relaying() as url, ControlClient(url, TOKEN) as control:
            control.connection.pause()
            with pytest.raises(trio.TooSlowError):
                await control.ask("comms", "ping", within=0.2)
                await control.ask("comms", "ping", within=0.2)
            control.connection.resume()
            await until(lambda: _has(control.pushes), within=5)

    trio.run(main)


async def _has(pushes: list[Any]) -> bool:
    return bool(pushes)


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    versions = {name: package.get("version") for name, package in lock["packages"].items()}
    assert versions["node_modules/y-websocket-1"] == "1.5.4"
    assert versions["node_modules/y-websocket-3"] == "3.1.0"
    assert [name for name in versions if name.endswith("/yjs")] == ["node_modules/yjs"]
    assert [name for name in versions if name.endswith("/y-protocols")] == ["node_modules/y-protocols"]
