"""The real server as a subprocess, by either of its two commands, for tests and measurements."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

import trio

TOKEN = "token-of-tests"
READY = re.compile(r"^Ganimede is ready: (http://[^/\s]+)/(?:\?token=(\S+))?$", re.MULTILINE)
SYNC = re.compile(r"^Sync for y-websocket clients: (ws://[^/\s]+)/g-y-room$", re.MULTILINE)


class ServerEnded(Exception):
    """The server ended before it was ready."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        super().__init__(f"exit code {code}\n{stdout}{stderr}")
        self.code = code
        self.stdout = stdout
        self.stderr = stderr


class Server:
    """A running one. ``url`` and ``sync_url`` have no path: rooms are ``f"{sync_url}/g-y-room"``."""

    def __init__(self, process: trio.Process, token: str | None, state_dir: Path) -> None:
        self.process = process
        self.token = token
        self.state_dir = state_dir
        self.url = ""
        self.sync_url = ""
        self._stdout = b""
        self._stderr = b""
        self._news = trio.Event()

    @property
    def pid(self) -> int:
        """Of the process that was started: under plain hypercorn its master."""
        return self.process.pid

    @property
    def control_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/"

    @property
    def room_url(self) -> str:
        return f"{self.sync_url}/g-y-room"

    @property
    def stdout(self) -> str:
        return self._stdout.decode(errors="replace")

    @property
    def stderr(self) -> str:
        return self._stderr.decode(errors="replace")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def wait(self, within: float = 10.0) -> int:
        """Its exit code."""
        with trio.fail_after(within):
            return await self.process.wait()

    async def ready(self, sync: bool, within: float) -> None:
        with trio.fail_after(within):
            while True:
                ready, synced = READY.search(self.stdout), SYNC.search(self.stdout)
                if ready and (synced or not sync):
                    self.url, self.token = ready[1], ready[2]
                    self.sync_url = synced[1] if synced else ""
                    return
                if (code := self.process.poll()) is not None:
                    await self.process.wait()
                    await trio.sleep(0.05)  # the rest of what it wrote
                    raise ServerEnded(code, self.stdout, self.stderr)
                with trio.move_on_after(0.1):
                    await self._news.wait()

    async def collect(self, *, errors: bool) -> None:
        stream = self.process.stderr if errors else self.process.stdout
        assert stream is not None
        async with stream:
            async for chunk in stream:
                if errors:
                    self._stderr += chunk
                else:
                    self._stdout += chunk
                self._news.set()
                self._news = trio.Event()


@asynccontextmanager
async def running_server(
    notebook: Path | str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    command: Literal["ganimede", "hypercorn"] = "ganimede",
    module: str = "",
    token: str | None = TOKEN,
    state_dir: Path | None = None,
    cwd: Path | None = None,
    within: float = 30.0,
) -> AsyncIterator[Server]:
    """Started, ready, and always ended. ``arguments`` go to the command; ``token`` None: none is asked.

    ``module``: has the command's ``main``, or hypercorn's ``app``, in place of the real one's.
    Without ``state_dir`` each run has a new one: give it to start again where a killed server stood.
    Raises :class:`ServerEnded` if the server ends instead of becoming ready.
    """
    with tempfile.TemporaryDirectory(prefix="ganimede-") as temporary:
        state = state_dir or Path(temporary)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GANIMEDE_")}
        environment.pop("NOTEBOOK_LOC", None)
        environment |= {"GANIMEDE_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"}
        environment |= {"GANIMEDE_NO_TOKEN": "1"} if token is None else {"GANIMEDE_TOKEN": token}
        if command == "hypercorn":
            environment |= {"NOTEBOOK_LOC": str(notebook), "GANIMEDE_SYNC_PORT": "0"}
            bind = [] if "-b" in arguments else ["-b", "127.0.0.1:0"]
            line = ["-m", "hypercorn", "-k", "trio", *bind, *arguments, module or "gateway.app"]
        else:
            line = [
                "-m",
                module or "gateway.cli",
                str(notebook),
                "--port",
                "0",
                "--sync-port",
                "0",
                "--no-open",
                *arguments,
            ]
        environment |= env or {}
        sync = "off" not in (*arguments, environment.get("GANIMEDE_SYNC_PORT"))
        process = await trio.lowlevel.open_process(
            [sys.executable, *line],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=cwd,
            start_new_session=True,  # a group of its own, to be ended as one
        )
        server = Server(process, token, state)
        failure: ServerEnded | trio.TooSlowError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_collect, server, False)
            nursery.start_soon(_collect, server, True)
            try:
                try:
                    await server.ready(sync, within)
                except (ServerEnded, trio.TooSlowError) as error:
                    failure = error
                else:
                    yield server
            finally:
                with trio.CancelScope(shield=True):
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
                nursery.cancel_scope.cancel()
        if failure is not None:  # outside, so that it is raised as it is
            raise failure


async def _collect(server: Server, errors: bool) -> None:
    await server.collect(errors=errors)
