"""What the system tests share: one server per module, and a client that does what a page does on one socket."""

from __future__ import annotations

import json
import os
import queue
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import trio

from tests.conformance.control_client import ControlClient, Message
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server, running_server

FULL = bool(os.environ.get("GANIMEDE_FULL"))


@contextmanager
def shared_server(notebook: Path, *arguments: str, **options: Any) -> Iterator[Server]:
    """A server for all tests of a module, in a thread with a loop of its own. It must end cleanly and quietly."""
    news: queue.SimpleQueue[Any] = queue.SimpleQueue()

    async def serve() -> None:
        async with running_server(notebook, *arguments, **options) as server:
            stop = trio.Event()
            loop = trio.lowlevel.current_trio_token()
            news.put((server, lambda: loop.run_sync_soon(stop.set)))
            await stop.wait()
            server.terminate()
            assert await server.wait() == 0
            assert "Traceback" not in server.stderr, server.stderr

    def run() -> None:
        try:
            trio.run(serve)
        except BaseException as error:
            news.put(error)
        else:
            news.put(None)

    thread = threading.Thread(target=run)
    thread.start()
    started = news.get(timeout=60)
    if isinstance(started, BaseException):
        raise started
    server, stop = started
    try:
        yield server
    finally:
        stop()
        ended = news.get(timeout=30)
        thread.join()
        if ended is not None:
            raise ended


def free_ports(count: int = 2) -> list[int]:
    """Ports that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def same_ports() -> tuple[str, ...]:
    """Arguments for a server and the one that follows it."""
    http, sync = free_ports()
    return "--port", str(http), "--sync-port", str(sync)


def code_cell(cell_id: str, source: str, **more: Any) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": cell_id, "metadata": {}, "source": source, "execution_count": None,
        "outputs": [], **more,
    }  # fmt: skip


def markdown_cell(cell_id: str, source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": source, **more}


def write_notebook(path: Path, *cells: dict[str, Any], metadata: dict[str, Any] | None = None) -> Path:
    notebook = {"cells": list(cells), "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return path


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def read_notebook(path: Path) -> dict[str, Any]:
    """The file as JSON, which it is with every save; nbformat finds nothing wrong with it."""
    found: dict[str, Any] = json.loads(text_of(path))
    nbformat.validate(nbformat.from_dict(found))
    return found


def sources_of(path: Path) -> dict[str, str]:
    """What the file says, by cell id."""
    return {cell["id"]: "".join(cell["source"]) for cell in read_notebook(path)["cells"]}


class _Control(ControlClient):
    """Text through the page's socket, behind whatever the page has sent before."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.connection.url, page.connection.token)
        self.connection = page.connection
        self._page = page

    async def send(self, message: str | bytes) -> None:
        self._page.send_in_order(message)


class Page(PycrdtClient):
    """The document and the control messages on the control socket; everything leaves in the order it was asked.

    ``control`` for requests and pushes, the document as with any :class:`PycrdtClient`.
    """

    def __init__(self, server: Server) -> None:
        super().__init__(server.control_url, server.token)
        self.control = _Control(self)
        self._heard = trio.Event()
        self._last: dict[tuple[str, str], Message] = {}

    def _hear(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self.control._hear(message)
            found = json.loads(message)
            if "message" in found:
                self._last[found["channel"], found["method"]] = found["message"]
        else:
            super()._hear(message)
        self._heard.set()
        self._heard = trio.Event()

    def send_in_order(self, message: str | bytes) -> None:
        self._queue(message)  # type: ignore[arg-type]

    # ---------------------------------------------------------------------------------------------- waiting

    async def until(self, holds: Callable[[], object], within: float = 30.0) -> None:
        """Until it holds, looked at after each message."""
        with trio.move_on_after(within):
            while not holds():
                await self._heard.wait()
            return
        raise AssertionError(f"not within {within:g} s; the document says {await self.dump()}")

    async def ask(self, channel: str, method: str, message: Message | None = None, **more: Any) -> Message:
        return await self.control.ask(channel, method, message, **more)

    async def summary(self) -> Message:
        return await self.ask("notebook", "get")

    async def saved(self, within: float = 15.0) -> None:
        """Until the newest word on it is that the file says everything."""
        await self.until(lambda: self.last("notebook", "saving") == {"status": "saved", "reason": ""}, within)

    def last(self, channel: str, method: str) -> Message | None:
        """The newest message of a kind, also one that was taken from ``pushes``."""
        return self._last.get((channel, method))

    # ------------------------------------------------------------------------------------------------ cells

    def add(self, source: str = "", **more: Any) -> str:
        """A new cell; its id."""
        cell_id = secrets.token_urlsafe(6)
        self.create(cell_id, source, **more)
        return cell_id

    def cell(self, cell_id: str) -> dict[str, Any]:
        return dict(self.map(cell_id).to_py() or {})

    def outputs(self, cell_id: str) -> list[Any]:
        return list(self.cell(cell_id)["outputs"])

    def text(self, cell_id: str) -> str:
        """Everything that its streams say."""
        return "".join(each["text"] for each in self.outputs(cell_id) if each["output_type"] == "stream")

    def said(self, cell_id: str) -> dict[str, Any]:
        """Its last output."""
        return dict(self.outputs(cell_id)[-1])

    async def queue(self, cell_id: str) -> None:
        await self.ask("notebook", "queue_cell", {"cell_id": cell_id})

    async def begin(self, source: str, until: str | None = None) -> str:
        """Queue a new cell and wait until it says ``until``, or else until it runs."""
        cell_id = self.add(source)
        await self.queue(cell_id)
        if until is not None:
            await self.until(lambda: until in self.text(cell_id))
        else:
            await self.until(lambda: self.cell(cell_id)["state"] == "running")
        return cell_id

    async def ended(self, *cell_ids: str, within: float = 30.0) -> None:
        """Until none of these waits or runs any more, and this document says so."""
        with trio.fail_after(within):
            while True:
                summary = await self.summary()
                if not {summary["running"], *summary["queued"]} & set(cell_ids):
                    break
                heard = self._heard
                with trio.move_on_after(0.2):
                    await heard.wait()
        await self.refresh()
        assert [self.cell(cell_id)["state"] for cell_id in cell_ids] == ["idle"] * len(cell_ids)

    async def run(self, source: str, within: float = 30.0) -> str:
        """Run a new cell to its end; its id."""
        cell_id = self.add(source)
        await self.queue(cell_id)
        await self.ended(cell_id, within=within)
        return cell_id

    async def works(self) -> None:
        """A run does what runs do."""
        marker = secrets.token_hex(4)
        cell_id = await self.run(f"print('{marker}')")
        assert self.text(cell_id) == f"{marker}\n", self.outputs(cell_id)
        summary = await self.summary()
        assert (summary["running"], summary["queued"]) == (None, [])
        assert list(self.array("run_queue")) == []
