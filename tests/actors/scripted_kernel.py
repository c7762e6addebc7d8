"""A kernel without ipykernel: sockets in this process that answer as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio
import zmq
from jupyter_client.session import Session

from actors.kernel_process import ConnectionInfo
from actors.kernel_spec import KernelSpec
from actors.zmq_socket import ZmqSocket

SPEC = KernelSpec("scripted", (), {}, "", "message")


class ScriptedKernel:
    """``on_execute(kernel, request, ident)`` is called for each execute_request; all else is answered here.

    ``welcome``: announces iopub subscriptions, as ipykernel does.
    """

    def __init__(self, folder: Path, on_execute: Callable[..., None], *, welcome: bool = True) -> None:
        self.spec = SPEC
        self.info = ConnectionInfo(str(folder / "k"), b"key")
        self.session = Session(key=b"key")
        self.on_execute = on_execute
        self.welcome = welcome
        self.executed: list[str] = []
        self.interrupts = 0
        self.about: dict[str, Any] = {"language_info": {"name": "script"}}  # the kernel_info_reply
        self.answers: dict[str, dict[str, Any]] = {}  # by the type of the request
        self.asked: list[tuple[str, str | None, str]] = []  # channel, subshell and type of what was answered so
        self.silent: set[str] = set()  # message types that are never answered
        self.dead = trio.Event()
        self._context: zmq.Context[Any] = zmq.Context()
        self.sockets: dict[str, ZmqSocket] = {}
        for channel, kind in {
            "shell": zmq.ROUTER,
            "control": zmq.ROUTER,
            "stdin": zmq.ROUTER,
            "iopub": zmq.XPUB,
        }.items():
            self.sockets[channel] = ZmqSocket(self._context, kind)
            self.sockets[channel].bind(self.info.url(channel))

    # What the actor sees of it.

    async def wait(self) -> None:
        await self.dead.wait()

    async def read_log(self) -> None:
        await trio.sleep_forever()

    def signal(self, number: int) -> None:
        if number in (9, 15):
            self.dead.set()

    def exit_reason(self) -> str:
        return "the script ended"

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        for socket in self.sockets.values():
            socket.close()
        self._context.destroy(linger=0)

    # What a script does.

    def publish(self, type_: str, content: Any, request: Any) -> None:
        message = self.session.msg(type_, content, parent=request)
        self.sockets["iopub"].send(self.session.serialize(message, type_.encode()))

    def status(self, state: str, request: Any) -> None:
        self.publish("status", {"execution_state": state}, request)

    def reply(self, request: Any, ident: Any, content: Any, channel: str = "shell") -> None:
        type_ = request["header"]["msg_type"].replace("request", "reply")
        self.sockets[channel].send(self.session.serialize(self.session.msg(type_, content, parent=request), ident))

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve, "shell")
            nursery.start_soon(self._serve, "control")
            nursery.start_soon(self._subscriptions)
            await self.dead.wait()
            nursery.cancel_scope.cancel()

    async def _subscriptions(self) -> None:
        while True:
            for (frame,) in await self.sockets["iopub"].receive():
                if frame[:1] == b"\x01" and self.welcome:
                    content = {"subscription": frame[1:].decode()}
                    message = self.session.msg("iopub_welcome", content)
                    self.sockets["iopub"].send(self.session.serialize(message, frame[1:]))

    async def _serve(self, channel: str) -> None:
        while True:
            for frames in await self.sockets[channel].receive():
                ident, parts = self.session.feed_identities(frames)
                request = self.session.deserialize(parts)
                type_ = request["header"]["msg_type"]
                if type_ in self.silent:
                    continue
                if type_ == "execute_request":
                    self.executed.append(request["content"]["code"])
                    self.on_execute(self, request, ident)
                elif type_ == "kernel_info_request":
                    self.status("busy", request)
                    self.reply(request, ident, {"status": "ok", **self.about}, channel)
                    self.status("idle", request)
                elif type_ in self.answers:
                    self.asked.append((channel, request["header"].get("subshell_id"), type_))
                    self.reply(request, ident, self.answers[type_], channel)
                elif type_ == "interrupt_request":
                    self.interrupts += 1
                elif type_ == "shutdown_request":
                    self.dead.set()


def stream(text: str) -> Any:
    return json.loads(json.dumps({"name": "stdout", "text": text}))
