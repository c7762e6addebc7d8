"""A client of the control socket: text requests with ids, collected pushes, binary frames on the side."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeAlias

import trio

from tests.conformance.connection import Connection, ShowToken

Message: TypeAlias = dict[str, Any]


class ControlError(Exception):
    """The server answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ControlClient:
    """``async with ControlClient(url, token) as control: await control.ask("comms", "ping")``.

    ``pushes``: every message without an id, errors that name none included, in order. ``binary``: binary frames.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        show: ShowToken = "header",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.connection = Connection(url, token, show=show, headers=headers)
        self.pushes: list[Message] = []
        self.binary: list[bytes] = []
        self._ids = itertools.count(1)
        self._answers: dict[object, Message] = {}
        self._news = trio.Event()

    async def __aenter__(self) -> ControlClient:
        await self.connection.__aenter__()
        try:
            await self.connect()
        except BaseException as error:
            await self.connection.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.connection.__aexit__(kind, error, trace)

    async def connect(self, within: float = 5.0) -> None:
        """Also again, after ``disconnect``, ``drop`` or the server's end."""
        await self.connection.connect(self._hear, within=within)

    async def disconnect(self) -> None:
        await self.connection.disconnect()

    async def drop(self) -> None:
        await self.connection.drop()

    def _hear(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.binary.append(message)
        else:
            found = json.loads(message)
            assert isinstance(found, dict), f"not a JSON object: {message}"
            if found.get("id") is not None:
                self._answers[found["id"]] = found
            else:
                self.pushes.append(found)
        self._news.set()
        self._news = trio.Event()

    async def send(self, message: str | bytes) -> None:
        """Any text or bytes, as they are."""
        await self.connection.send(message)

    async def ask(
        self, channel: str, method: str, message: Message | None = None, *, within: float = 10.0
    ) -> Message:
        """The answer's message; raises :class:`ControlError` if it is an error."""
        answer = await self.answer(channel, method, message, within=within)
        if "error" in answer:
            raise ControlError(answer["error"]["code"], answer["error"]["message"])
        return dict(answer["message"])

    async def answer(
        self, channel: str, method: str, message: Message | None = None, *, within: float = 10.0
    ) -> Message:
        """The whole answer, success or error."""
        number = next(self._ids)
        request = {"channel": channel, "method": method, "id": number}
        await self.send(json.dumps(request if message is None else {**request, "message": message}))
        return await self.answer_to(number, within=within)

    async def answer_to(self, number: object, *, within: float = 10.0) -> Message:
        """The answer to a request that was sent by ``send`` with this id."""
        await self._until(lambda: number in self._answers, within)
        return self._answers.pop(number)

    async def push(
        self,
        channel: str,
        method: str,
        where: Callable[[Message], bool] = lambda message: True,
        *,
        within: float = 10.0,
    ) -> Message:
        """Take the first push (also an earlier one) of this kind out of ``pushes``; its message, or its error."""

        def found() -> list[Message]:
            return [
                push
                for push in self.pushes
                if (push.get("channel"), push.get("method")) == (channel, method) and where(_content(push))
            ]

        await self._until(lambda: bool(found()), within)
        push = found()[0]
        self.pushes.remove(push)
        return _content(push)

    async def _until(self, holds: Callable[[], bool], within: float) -> None:
        with trio.fail_after(within):
            while not holds():
                if self.connection.ended.is_set():
                    raise ConnectionError(f"the connection ended: {self.connection.close_code}")
                news = self._news
                with trio.move_on_after(0.5):  # the end of the connection is no news
                    await news.wait()


def _content(push: Message) -> Message:
    return dict(push["message"] if "message" in push else push["error"])
