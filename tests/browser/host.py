"""A server that synchronous tests start, kill and start again, and a wire to it that can be cut."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import trio

from tests.server import Server, running_server
from tests.system.support import same_ports


class Host:
    """One notebook's server on ports that stay its own, with a loop of its own in a thread."""

    def __init__(
        self, notebook: Path, state_dir: Path, *arguments: str, env: dict[str, str] | None = None
    ) -> None:
        self.notebook = notebook
        self._state_dir = state_dir
        self._arguments = (*same_ports(), *arguments)
        self._env = env
        self._news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], None] = lambda: None
        self.server: Server

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="host", daemon=True)
        self._thread.start()
        self.server, self._stop = self._told(60)

    def kill(self) -> None:
        """-9, with whatever it had not written yet."""
        self.server.kill()
        self._end()

    def stop(self) -> None:
        """As Ctrl+C does; nothing went wrong in it."""
        if self._thread is None:
            return
        self.server.terminate()
        self._end()
        assert "Traceback" not in self.server.stderr, self.server.stderr

    def restart(self) -> None:
        self.kill()
        self.start()

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"{self.server.url}/?token={self.server.token}"

    def _end(self) -> None:
        assert self._thread is not None
        self._stop()
        self._told(30)
        self._thread.join()
        self._thread = None

    def _told(self, within: float) -> Any:
        news = self._news.get(timeout=within)
        if isinstance(news, BaseException):
            raise news
        return news

    def _run(self) -> None:
        async def serve() -> None:
            options = {"state_dir": self._state_dir, "env": self._env}
            async with running_server(self.notebook, *self._arguments, **options) as server:  # type: ignore[arg-type]
                stop = trio.Event()
                loop = trio.lowlevel.current_trio_token()
                self._news.put((server, lambda: loop.run_sync_soon(stop.set)))
                await stop.wait()
                await server.wait(20)

        try:
            trio.run(serve)
        except BaseException as error:
            self._news.put(error)
        else:
            self._news.put(None)

    def __enter__(self) -> Host:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Wire:
    """A port whose connections all go to another one, until it is cut."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._target = ("127.0.0.1", 0)
        self._whole = threading.Event()
        self._whole.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def lead_to(self, url: str) -> None:
        self._target = ("127.0.0.1", int(url.rpartition(":")[2]))

    def cut(self) -> None:
        """Every connection is reset, and so is every new one."""
        self._whole.clear()
        with self._lock:
            for end in self._open:
                _reset(end)

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self.cut()
        # A blocked accept() is woken by shutdown, not by close.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target, timeout=5)
                far.settimeout(None)
            except OSError:
                _reset(near)
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
                if not self._whole.is_set():
                    _reset(near)
                    _reset(far)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(65536):
                sink.sendall(block)
        with self._lock:
            for end in {source, sink} & self._open:
                self._open.remove(end)
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()


def _reset(end: socket.socket) -> None:
    """What it still holds is lost, as it is with a cable."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
