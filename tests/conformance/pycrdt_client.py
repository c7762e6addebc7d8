"""A client of the y-websocket protocol over pycrdt and trio, for tests and measurements."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import trio
from pycrdt import (
    Array,
    Decoder,
    Doc,
    Map,
    Text,
    TransactionEvent,
    create_sync_message,
    create_update_message,
    handle_sync_message,
    write_message,
    write_var_uint,
)
from trio_websocket import ConnectionClosed

from tests.conformance.connection import Connection, ShowToken

SYNC, AWARENESS, QUERY_AWARENESS = 0, 1, 3
STEP_2 = 1


class PycrdtClient:
    """One document; local changes are sent as they are made, also those made while it was not connected.

    ``async with PycrdtClient(url, token) as client`` connects and waits for the first sync. ``doc`` may be changed
    directly, in transactions.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        show: ShowToken = "query",
        doc: Doc[Any] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.doc: Doc[Any] = Doc() if doc is None else doc
        self.connection = Connection(url, token, show=show, headers=headers)
        self.synced = trio.Event()
        self.states: dict[int, tuple[int, Any]] = {}  # awareness of others: clock and state
        self.other_messages: list[bytes] = []  # of types that stock clients do not know
        self.updates = 0
        self._state: Any = None
        self._clock = 0
        self._applying = False
        self._outgoing: list[bytes] = []
        self._wake = trio.Event()
        self._subscription = self.doc.observe(self._changed)

    async def __aenter__(self) -> PycrdtClient:
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
        self.doc.unobserve(self._subscription)
        await self.connection.__aexit__(kind, error, trace)

    # ------------------------------------------------------------------------------------------- the connection

    async def connect(self, *, wait: bool = True, within: float = 5.0) -> None:
        """Also again, after ``disconnect``, ``drop`` or the server's end."""
        await self.connection.drop()
        self.synced = trio.Event()
        self.states.clear()
        self._outgoing.clear()  # the handshake brings what the server lacks
        self._greet()
        await self.connection.connect(self._hear, self._write, within)
        if wait:
            with trio.fail_after(within):
                await self.synced.wait()

    def _greet(self) -> None:
        """What a connection begins with."""
        self._queue(create_sync_message(self.doc))
        if self._state is not None:
            self.set_awareness(self._state)

    async def refresh(self) -> None:
        """Hold what the server holds now."""
        self.synced = trio.Event()
        self._queue(create_sync_message(self.doc))
        with trio.fail_after(10):
            await self.synced.wait()

    async def disconnect(self) -> None:
        await self.connection.disconnect()

    async def drop(self) -> None:
        await self.connection.drop()

    async def send(self, message: bytes) -> None:
        """Any bytes, at once."""
        await self.connection.send(message)

    def _queue(self, message: bytes) -> None:
        self._outgoing.append(message)
        self._wake.set()

    async def _write(self) -> None:
        while self.connection.connected:
            while self._outgoing:
                try:
                    await self.connection.send(self._outgoing.pop(0))
                except ConnectionClosed:
                    return
            self._wake = trio.Event()
            await self._wake.wait()

    def _changed(self, event: TransactionEvent) -> None:
        if not self._applying and event.update != b"\0\0":
            self._queue(create_update_message(event.update))

    def _hear(self, message: str | bytes) -> None:
        assert isinstance(message, bytes), f"a text message: {message}"
        if message[0] == SYNC:
            self._hear_sync(message[1:])
        elif message[0] == AWARENESS:
            self._hear_awareness(Decoder(message[1:]).read_message() or b"")
        elif message[0] == QUERY_AWARENESS:
            self.set_awareness(self._state)
        else:
            self.other_messages.append(message)

    def _hear_sync(self, message: bytes) -> None:
        self._applying = True
        try:
            answer = handle_sync_message(message, self.doc)
        finally:
            self._applying = False
        if answer is not None:
            self._queue(answer)
        elif message[0] == STEP_2:
            self.synced.set()
        else:
            self.updates += 1

    def _hear_awareness(self, update: bytes) -> None:
        decoder = Decoder(update)
        for _ in range(decoder.read_var_uint()):
            client, clock = decoder.read_var_uint(), decoder.read_var_uint()
            state = json.loads(decoder.read_var_string())
            if clock >= self.states.get(client, (-1, None))[0]:
                self.states[client] = (clock, state)

    def set_awareness(self, state: Any) -> None:
        self._state = state
        self._clock += 1
        self._queue(awareness_message({self.doc.client_id: (self._clock, state)}))

    def present(self) -> dict[int, Any]:
        """The states of others that are there."""
        others = self.states.items()
        return {
            client: state for client, (_, state) in others if state is not None and client != self.doc.client_id
        }

    # --------------------------------------------------------------------------------------------- the document

    def array(self, name: str) -> Array[Any]:
        array = self.doc.get(name, type=Array)
        assert isinstance(array, Array)
        return array

    def map(self, name: str) -> Map[Any]:
        found = self.doc.get(name, type=Map)
        assert isinstance(found, Map)
        return found

    def source(self, cell: str) -> Text:
        text = self.map(cell)["source"]
        assert isinstance(text, Text)
        return text

    def insert(self, cell: str, index: int, text: str) -> None:
        """``index`` counts characters."""
        source = self.source(cell)
        source.insert(len(str(source)[:index].encode()), text)

    def remove(self, cell: str, index: int, length: int) -> None:
        source = self.source(cell)
        before = str(source)
        start = len(before[:index].encode())
        del source[start : start + len(before[index : index + length].encode())]

    def create(
        self, cell: str, source: str = "", *, type: str = "code", index: int | None = None, **values: object
    ) -> None:
        """With every key of the contract, in one transaction."""
        keys: dict[str, Any] = {
            "id": cell, "type": type, "source": Text(source), "execution_count": None, "outputs": Array(),
            "top": None, "left": None, "height": None, "width": None, "collapsed": None, "state": "idle",
        }  # fmt: skip
        cells, content = self.array("cells"), self.map(cell)
        with self.doc.transaction():
            for key, value in {**keys, **values}.items():
                content[key] = value
            cells.insert(len(cells) if index is None else index, cell)

    def delete(self, cell: str) -> None:
        graphs = [self.map("np_graph"), self.map("pc_graph")]
        cells = self.array("cells")
        with self.doc.transaction():
            for graph in graphs:
                if cell in graph:
                    del graph[cell]
                for key in list(graph.keys()):
                    _without(graph[key], cell)
            _without(cells, cell)

    async def dump(self) -> dict[str, Any]:
        """The same shape as a Node client's."""
        ids = [str(cell) for cell in self.array("cells")]
        return {
            "cells": ids,
            "maps": {cell: _plain(self.map(cell)) for cell in ids},
            "np_graph": _plain(self.map("np_graph")),
            "pc_graph": _plain(self.map("pc_graph")),
            "run_queue": _plain(self.array("run_queue")),
            "kernel": _plain(self.map("kernel")),
            "nb_path": str(self.doc.get("nb_path", type=Text)),
            "notebook": _plain(self.map("notebook")),
        }


def awareness_message(states: Mapping[int, tuple[int, Any]]) -> bytes:
    """A whole awareness frame: client id → clock and state (None: gone)."""
    parts = [write_var_uint(len(states))]
    for client, (clock, state) in states.items():
        parts += [write_var_uint(client), write_var_uint(clock), write_message(json.dumps(state).encode())]
    return bytes([AWARENESS]) + write_message(b"".join(parts))


def _without(array: Array[Any], cell: str) -> None:
    for index in reversed(range(len(array))):
        if array[index] == cell:
            del array[index]


def _plain(value: Any) -> Any:
    """As JavaScript's ``toJSON``: shared types become plain ones, whole floats integers."""
    match value:
        case Map():
            return {key: _plain(item) for key, item in value.items()}
        case Array():
            return [_plain(item) for item in value]
        case Text():
            return str(value)
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
