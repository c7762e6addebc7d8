"""Runs cells of a notebook without a page: on actors of this process, or on the server that has it open."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
import trio

from actors.boot import is_open
from actors.disk import in_words
from gateway import rendezvous
from gateway.client import NotebookClient, RequestFailed, connect_by
from gateway.client_document import Cell
from gateway.client_link import Beside, LinkRefused, direct_link, websocket_link
from gateway.server import NotebookTaken, Server, policy_of
from gateway.settings import Settings, StartError
from gateway.terminal import end_process
from protocol import parameters
from protocol.parameters import INJECTED, ParameterError
from protocol.selection import RAISES, tags_of
from protocol.values import CellValue, JsonObject
from protocol.wire import CellFields, RunFields


class Wanted(msgspec.Struct, frozen=True):
    """``out``: run in a copy there, and leave the notebook as it is."""

    settings: Settings
    run: RunFields
    out: Path | None = None
    parameters: Mapping[str, parameters.Value] = {}
    allow_errors: bool = False


class CellReport(msgspec.Struct, frozen=True):
    """``status``: as in the document (SPEC.md, D-7), or "not run". ``error``: ``{ename, evalue, traceback}``."""

    id: str
    status: str
    execution_count: int | None
    seconds: float | None
    error: JsonObject | None
    expected: bool  # an error that the cell's tags expect


class Report(msgspec.Struct, frozen=True):
    """``status``: "ok", "error" or "interrupted"."""

    notebook: str
    status: str
    seconds: float
    cells: tuple[CellReport, ...]


class Audience(Protocol):
    """Who is told how it goes."""

    def note(self, sentence: str) -> None: ...
    def begin(self, cells: Sequence[str]) -> None: ...
    def cell_begins(self, cell: Cell) -> None: ...
    def cell_ends(self, cell: Cell, report: CellReport) -> None: ...


async def run_notebook(wanted: Wanted, audience: Audience) -> Report:
    """Raises :class:`StartError` with a sentence for what cannot be done."""
    try:
        async with _client(wanted, audience) as (client, finish):
            report = await _Run(client, wanted, audience).run()
            await client.save()
            await finish()
            return report
    except (RequestFailed, LinkRefused, ParameterError) as error:
        raise StartError(str(error)) from None


Finish = Callable[[], Awaitable[None]]


@asynccontextmanager
async def _client(wanted: Wanted, audience: Audience) -> AsyncIterator[tuple[NotebookClient, Finish]]:
    """A client of the server that has the notebook open, or of one without sockets that lives as long as this.
    What is yielded second is to be done when all is saved."""
    settings, out = wanted.settings, wanted.out
    if not settings.notebook.exists():
        raise StartError(f"There is no notebook {settings.notebook}.")
    if out is not None and not await trio.to_thread.run_sync(_open_elsewhere, settings):
        await trio.to_thread.run_sync(_copy, settings.notebook, out)
        settings = msgspec.structs.replace(settings, notebook=out, kernel_folder=settings.notebook.parent)
    try:
        server = await Server.open(settings, policy_of(settings, 0, []), None)
    except NotebookTaken as taken:
        address = await trio.to_thread.run_sync(rendezvous.find, taken.folder)
        if address is None:
            raise
        audience.note(f"{settings.notebook.name} is open in a server: it runs there.")
        async with connect_by(partial(websocket_link, address), name="ganimede run", again=True) as client:
            copy = partial(_copy, settings.notebook, out) if out is not None else lambda: None
            yield client, partial(trio.to_thread.run_sync, copy)
        return
    async with Beside() as nursery:
        await nursery.start(server.run)
        try:
            async with connect_by(partial(direct_link, server.services), again=False) as client:
                yield client, trio.lowlevel.checkpoint
        finally:
            with trio.CancelScope(shield=True):
                await server.stop()


def _open_elsewhere(settings: Settings) -> bool:
    """Then a copy of the file would lack what is not saved yet."""
    try:
        return is_open(settings.notebook, settings.state_dir)
    except OSError:
        return False  # opening says why


def _copy(source: Path, target: Path) -> None:
    try:
        if source.resolve() != target.resolve():
            shutil.copyfile(source, target)
    except OSError as error:
        raise StartError(f"{target} cannot be written: {in_words(error)}.") from None


class _Run:
    def __init__(self, client: NotebookClient, wanted: Wanted, audience: Audience) -> None:
        self._client = client
        self._wanted = wanted
        self._audience = audience
        self._before: dict[str, float | None] = {}
        self._cells: tuple[str, ...] = ()
        self._interrupted = False

    async def run(self) -> Report:
        started = time.monotonic()
        client, wanted = self._client, self._wanted
        if wanted.parameters:
            self._inject()
        self._before = {cell.id: cell.began for cell in client.cells}
        self._cells = await client.run(wanted.run)
        self._audience.begin(self._cells)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._obey_signals)
            reports = await self._follow()
            nursery.cancel_scope.cancel()
        failed = any(self._failed(report) for report in reports)
        status = "interrupted" if self._interrupted else "error" if failed else "ok"
        seconds = round(time.monotonic() - started, 3)
        return Report(str(wanted.out or wanted.settings.notebook), status, seconds, reports)

    def _inject(self) -> None:
        document = self._client.document
        cells = document.value().cells
        spec = document.metadata.get("kernelspec")
        about = document.metadata.get("language_info")
        language = _word(about, "name") or _word(spec, "language") or "python"
        source = parameters.source_of(self._wanted.parameters, language)
        earlier, after = parameters.place_of(cells)
        if earlier is not None:
            document.set_source(earlier.id, source)
            return
        cell = CellValue(id=self._client.new_id(), type="code", source=source, metadata={"tags": [INJECTED]})
        document.insert(cell, after)

    async def _follow(self) -> tuple[CellReport, ...]:
        """Until the last has ended, telling of each as it begins and ends."""
        client = self._client
        began: set[str] = set()
        ended: dict[str, CellReport] = {}

        def look() -> bool:
            held = set(client.document.ids)
            for cell_id in self._cells:
                if cell_id in ended:
                    continue
                if cell_id not in held:
                    ended[cell_id] = CellReport(cell_id, "not run", None, None, None, expected=False)
                    continue
                cell = client.cell(cell_id)
                if cell_id not in began and (cell.state == "running" or cell.began != self._before.get(cell_id)):
                    began.add(cell_id)
                    self._audience.cell_begins(cell)
                if cell.state == "idle":
                    ended[cell_id] = self._report(cell)
                    self._audience.cell_ends(cell, ended[cell_id])
            return len(ended) == len(self._cells)

        await client.until(look)
        return tuple(ended[cell_id] for cell_id in self._cells)

    def _report(self, cell: Cell) -> CellReport:
        if cell.began == self._before.get(cell.id):
            return CellReport(cell.id, "not run", None, None, None, expected=False)
        shown = cell.error if cell.status != "ok" else None
        error = {key: shown.get(key) for key in ("ename", "evalue", "traceback")} if shown is not None else None
        expected = cell.status == "error" and RAISES in tags_of(cell.metadata)
        return CellReport(cell.id, cell.status, cell.execution_count, cell.seconds, error, expected)

    def _failed(self, report: CellReport) -> bool:
        if report.status == "ok" or report.expected:
            return False
        return not (self._wanted.allow_errors and report.status in ("error", "time limit"))

    async def _obey_signals(self) -> None:
        """The first takes back what waits and interrupts what runs, of this command's own; the second ends."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                if self._interrupted:
                    end_process("ganimede: ended at once by a second signal.", 128 + int(number))
                self._interrupted = True
                self._audience.note("Interrupting; once more ends it at once.")
                await self._take_back()

    async def _take_back(self) -> None:
        client = self._client
        for cell_id in reversed(self._cells):
            if client.cell(cell_id).state == "queued":
                await _whatever(client.ask("notebook.cancel_cell", CellFields(cell_id)))
        if any(client.cell(cell_id).state == "running" for cell_id in self._cells):
            await _whatever(client.interrupt())


def _word(held: object, key: str) -> str:
    word = held.get(key) if isinstance(held, dict) else None
    return word if isinstance(word, str) else ""


async def _whatever(asking: Awaitable[object]) -> None:
    """Between the look and the question a cell may have ended."""
    with suppress(RequestFailed):
        await asking
