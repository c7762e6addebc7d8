"""A client for programs: a notebook on a running server as a document that can be read, edited and run.

    async with connect("http://localhost:8000/?token=…") as notebook:
        cell = notebook.add_cell("sum(range(10))")
        done = await notebook.run_cells(cell)
        print(done[0].outputs)

Edits are made at once and sent in order with what is asked, so what runs is what was written before. When the link
is lost it is made anew; edits of the meantime follow, what was asked and not answered fails with
:class:`RequestFailed` (``lost``). Protocols: SPEC.md, sections W and S.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal, TypeVar

import msgspec
import trio

from gateway.client_document import Cell, ClientDocument
from gateway.client_link import Beside, Dial, Link, LinkLost, LinkRefused, websocket_link
from protocol import lib0, sync, wire
from protocol.answers import PUSHES, ClearedOutputs, KernelSpecs, QueuedCells, Summary, Versions, answer_of
from protocol.kernel_requests import Complete, Completions, Inspect, Inspection
from protocol.messages.notebook import InputAsked, KernelChanged
from protocol.messages.shared import Notice, Saving
from protocol.values import CellValue, JsonObject

__all__ = ["Cell", "ClientError", "LinkRefused", "NotebookClient", "RequestFailed", "connect"]

A = TypeVar("A", bound=msgspec.Struct)

# Close codes after which the same question gets the same answer.
FINAL = frozenset({4401, 4403, 4404, 4409})
# Seconds before the first attempt to make a lost link anew; doubled each time, up to the second.
FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0


class ClientError(Exception):
    """The client is of no more use: the server refuses it, or serves another document now."""


class RequestFailed(Exception):
    """``code``: the server's (SPEC.md, W), or "lost": the link went before the answer came."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotebookClient:
    """Made by :func:`connect`. ``document`` is what this client knows now; the last pushes stand beside it."""

    def __init__(self, name: str) -> None:
        self.document = ClientDocument(self._edited)
        self.epoch = ""
        self.saving: Saving | None = None
        self.kernel: KernelChanged | None = None
        self.input: InputAsked | None = None
        self.notices: list[Notice] = []
        self.connected = False
        self._name = name
        self._ids = itertools.count(1)
        self._answers: dict[int, trio.MemorySendChannel[JsonObject]] = {}
        self._outgoing: list[str | bytes] = []
        self._wake = trio.Event()
        self._news = trio.Event()
        self._synced = False
        self._answered = False  # the server knows what this document holds
        self._sent = self._durable = self._filed = 0  # sync updates of this link
        self._failure: str | None = None
        self._refused = False

    # ------------------------------------------------------------------------------------------------ the link

    async def keep_linked(self, dial: Dial, again: bool) -> None:
        """Until cancelled, or until there is no use in going on: then whoever waits gets a ClientError."""
        delay = FIRST_DELAY
        while self._failure is None:
            try:
                async with dial() as link:
                    delay = FIRST_DELAY
                    await self._talk(link)
            except LinkLost as lost:
                if lost.code in FINAL or not again:
                    self._failure, self._refused = str(lost), not self.epoch
            except LinkRefused as refused:
                if refused.final or not again or not self.epoch:
                    self._failure, self._refused = str(refused), True
            self._unlink()
            if self._failure is None:
                await trio.sleep(delay)
                delay = min(LONGEST_DELAY, 2 * delay)

    async def _talk(self, link: Link) -> None:
        self._outgoing.clear()  # what it lacks the server asks for
        self._sent = self._durable = self._filed = 0
        self._synced = self._answered = False
        self._queue(sync.announce_message())
        self._queue(sync.step1_message(self.document.state()))
        self._queue(sync.awareness_message(self._introduction()))
        self.connected = True
        async with Beside() as nursery:
            nursery.start_soon(self._write, link, nursery.cancel_scope)
            while self._failure is None:
                self._hear(await link.receive())

    def _unlink(self) -> None:
        self.connected = self._synced = False
        for waiting in self._answers.values():
            waiting.close()
        self._answers.clear()
        self._changed()

    async def _write(self, link: Link, scope: trio.CancelScope) -> None:
        try:
            while True:
                while self._outgoing:
                    await link.send(self._outgoing.pop(0))
                self._wake = trio.Event()
                await self._wake.wait()
        except LinkLost:
            scope.cancel()  # the reader hears why; if not, the link is simply made anew

    def _queue(self, frame: str | bytes) -> None:
        self._outgoing.append(frame)
        self._wake.set()

    def _introduction(self) -> bytes:
        """An awareness update (y-protocols): one client, its clock, what it shows of itself."""
        state = json.dumps({"user": {"name": self._name}} if self._name else {}).encode()
        out = bytearray()
        for number in (1, self.document.doc.client_id, 1):
            lib0.write_uint(out, number)
        lib0.write_bytes(out, state)
        return bytes(out)

    def _changed(self) -> None:
        self._news.set()
        self._news = trio.Event()

    # -------------------------------------------------------------------------------------------- what is heard

    def _hear(self, frame: str | bytes) -> None:
        if isinstance(frame, str):
            self._hear_text(msgspec.json.decode(frame))
        else:
            self._hear_binary(frame)
        self._changed()

    def _hear_binary(self, frame: bytes) -> None:
        match sync.decode_from_server(frame):
            case sync.Step1(state):
                self._send_update(sync.step2_message(self.document.missing_in(state)))
                self._answered = True
            case sync.Update(update, answer):
                self.document.apply(update)
                self._synced = self._synced or answer
            case sync.Lineage(epoch):
                if self.epoch not in ("", epoch):
                    self._failure = "The server had to build the notebook anew: this copy is of an earlier one."
                self.epoch = epoch
            case sync.Receipt(count, filed):
                self._durable = max(self._durable, count)
                self._filed = max(self._filed, count if filed else 0)

    def _hear_text(self, frame: JsonObject) -> None:
        number = frame.get("id")
        waiting = self._answers.pop(number, None) if isinstance(number, int) else None
        if waiting is not None:
            waiting.send_nowait(frame)
            return
        key = (str(frame.get("channel")), str(frame.get("method")))
        if key not in PUSHES or "message" not in frame:
            return
        match msgspec.convert(frame["message"], PUSHES[key]):
            case Saving() as saving:
                self.saving = saving
            case KernelChanged() as kernel:
                self.kernel = kernel
            case InputAsked() as asked:
                self.input = asked if asked.request is not None else None
            case Notice() as notice:
                self.notices.append(notice)

    # ------------------------------------------------------------------------------------------------- editing

    def _edited(self, update: bytes) -> None:
        if self.connected and self._answered:
            self._send_update(sync.update_message(update))

    def _send_update(self, message: bytes) -> None:
        self._sent += 1
        self._queue(message)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """In document order."""
        return tuple(map(self.document.cell, self.document.ids))

    def cell(self, cell_id: str) -> Cell:
        """Raises KeyError."""
        return self.document.cell(cell_id)

    def add_cell(self, source: str, kind: str = "code", *, after: str | None = "") -> str:
        """A new cell behind ``after`` (empty: behind all, None: before all); its id."""
        last = self.document.ids[-1] if self.document.ids else None
        cell = CellValue(id=self.new_id(), type=kind, source=source)
        self.document.insert(cell, last if after == "" else after)
        return cell.id

    @staticmethod
    def new_id() -> str:
        return secrets.token_urlsafe(6)

    # ------------------------------------------------------------------------------------------------- waiting

    async def until(self, holds: Callable[[], object]) -> None:
        """Until it holds, looked at after each message. Raises :class:`ClientError` or :class:`LinkRefused` once
        that can be no more."""
        while not holds():
            if self._failure is not None:
                raise (LinkRefused if self._refused else ClientError)(self._failure)
            await self._news.wait()

    async def in_sync(self) -> None:
        """Until this document holds all that the server's does."""
        await self.until(lambda: self._synced)

    async def durable(self) -> None:
        """Until no crash of the server can lose what was edited here."""
        await self.until(lambda: self._answered and self._durable >= self._sent)

    async def filed(self) -> None:
        """Until the notebook's file says what was edited here."""
        await self.until(lambda: self._answered and self._filed >= self._sent)

    # -------------------------------------------------------------------------------------------------- asking

    async def ask(self, method: str, fields: msgspec.Struct | None = None) -> msgspec.Struct:
        """Any method of SPEC.md's table, as "channel.method"; ``fields`` and answer are the types of
        protocol/wire.py and answers.py. Raises :class:`RequestFailed` and :class:`ClientError`."""
        await self.until(lambda: self.connected and self._answered)
        channel, _, name = method.partition(".")
        number = next(self._ids)
        send, receive = trio.open_memory_channel[JsonObject](1)
        self._answers[number] = send
        message = msgspec.to_builtins(fields) if fields is not None else {}
        self._queue(wire.encode({"channel": channel, "method": name, "id": number, "message": message}))
        try:
            frame = await receive.receive()
        except trio.EndOfChannel:
            raise RequestFailed("lost", "The connection was lost before the server answered.") from None
        error = frame.get("error")
        if isinstance(error, dict):
            raise RequestFailed(str(error.get("code")), str(error.get("message")))
        return msgspec.convert(frame["message"], answer_of(channel, name))

    async def _ask(self, method: str, kind: type[A], fields: msgspec.Struct | None = None) -> A:
        answer = await self.ask(method, fields)
        assert isinstance(answer, kind)
        return answer

    async def summary(self) -> Summary:
        return await self._ask("notebook.get", Summary)

    async def run(self, what: wire.RunFields) -> tuple[str, ...]:
        """Queue cells; the ids of those that wait now because of it, in order. :meth:`ended` waits for them."""
        return (await self._ask("notebook.run", QueuedCells, what)).cells

    async def run_cells(self, *cell_ids: str) -> tuple[Cell, ...]:
        """Run these in this order and wait for their end; the cells as they are then."""
        await self.run(wire.RunFields("cells", cells=cell_ids))
        return await self.ended(*cell_ids)

    async def ended(self, *cell_ids: str) -> tuple[Cell, ...]:
        """Until none of these waits or runs any more; the cells as they are then, without those that were
        deleted."""
        await self.until(lambda: self._synced and not any(self._works(cell_id) for cell_id in cell_ids))
        held = set(self.document.ids)
        return tuple(self.document.cell(cell_id) for cell_id in cell_ids if cell_id in held)

    def _works(self, cell_id: str) -> bool:
        try:
            return self.document.cell(cell_id).state != "idle"
        except KeyError:
            return False

    async def save(self) -> None:
        """Returns when the file is written. Raises :class:`RequestFailed` (``not_saved``)."""
        await self.ask("notebook.checkpoint")

    async def interrupt(self) -> None:
        """The running cell; what waits runs then."""
        await self.ask("kernel.interrupt")

    async def interrupt_all(self) -> None:
        """Empty the queue, then interrupt the running cell."""
        await self.ask("notebook.interrupt_kernel")

    async def restart(self) -> None:
        """Returns when the fresh kernel is ready."""
        await self.ask("kernel.restart_kernel")

    async def change_kernel(self, name: str) -> None:
        await self.ask("kernel.change_kernel", wire.ChangeKernelFields(name))

    async def shut_down(self) -> None:
        await self.ask("kernel.shut_down")

    async def kernels(self) -> KernelSpecs:
        return await self._ask("kernel.specs", KernelSpecs)

    async def reply_input(self, value: str) -> None:
        """Answer the ``input()`` that waits (:attr:`input`)."""
        asked = self.input
        request_id = asked.request.id if asked is not None and asked.request is not None else ""
        await self.ask("kernel.input_reply", wire.InputReplyFields(value, request_id))

    async def complete(self, code: str, cursor: int) -> Completions:
        """``cursor``: in code points."""
        return await self._ask("kernel.complete", Completions, Complete(code, cursor))

    async def inspect(self, code: str, cursor: int, detail: Literal[0, 1] = 0) -> Inspection:
        return await self._ask("kernel.inspect", Inspection, Inspect(code, cursor, detail))

    async def clear_outputs(self, *cells: str) -> ClearedOutputs:
        """What these cells put out, or all of them; those that run keep it."""
        return await self._ask("notebook.clear_outputs", ClearedOutputs, wire.ClearOutputsFields(cells or None))

    async def versions(self) -> Versions:
        return await self._ask("notebook.versions", Versions)

    async def restore_version(self, version: int) -> None:
        await self.ask("notebook.restore_version", wire.RestoreVersionFields(version))


@asynccontextmanager
async def connect(address: str, token: str | None = None, *, name: str = "") -> AsyncIterator[NotebookClient]:
    """``address``: as the server's readiness line has it; ``name``: what other people see.

    Raises :class:`LinkRefused` with a sentence if there is no server or it lets nobody in.
    """
    async with connect_by(partial(websocket_link, address, token), name=name, again=True) as client:
        yield client


@asynccontextmanager
async def connect_by(dial: Dial, *, name: str = "", again: bool) -> AsyncIterator[NotebookClient]:
    """``again``: make a lost link anew."""
    client = NotebookClient(name)
    async with Beside() as nursery:
        nursery.start_soon(client.keep_linked, dial, again)
        await client.in_sync()
        yield client
