"""``GET /export?to=FORMAT``: the notebook as everybody sees it now, as a file to keep."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final
from urllib.parse import quote

import msgspec
import trio
from quart import Response

from actors.mailbox import ActorDied, ActorStopped, again
from gateway.server import Server
from protocol.messages.hub import ReadNotebook
from protocol.values import NotebookValue

# As gateway/export/formats.py has them, which imports more than a server should hold.
FORMATS: Final = ("script", "canvas", "document")
# Seconds for one, and exports at one time.
WITHIN = 120.0
AT_ONCE = 2
NOT_BUILT = 3
# Opened in a browser at our address, a notebook's export is nobody's page: it has no origin and loads nothing.
_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_SENTENCES: Final = {
    400: f"Ask for one of the formats: /export?to={'|'.join(FORMATS)}.",
    503: "The notebook's actors are down; nothing can be exported now.",
    500: "The notebook could not be exported.",
    501: "The page was not built when Ganimede was installed: only scripts can be exported.",
    504: f"The export took longer than {WITHIN:g} s.",
}


class ExportRoute:
    def __init__(self) -> None:
        self._free = trio.CapacityLimiter(AT_ONCE)

    async def answer(self, server: Server, to: str) -> Response:
        if to not in FORMATS:
            return _refuse(400)
        if server.services.failed:
            return _refuse(503)
        try:
            notebook: NotebookValue = await again(lambda: server.services.hub.ask(ReadNotebook))
        except (ActorDied, ActorStopped):
            return _refuse(503)
        async with self._free:
            with trio.move_on_after(WITHIN):
                return await _made(server, to, notebook)
        return _refuse(504)


async def _made(server: Server, to: str, notebook: NotebookValue) -> Response:
    path = server.settings.notebook
    command = [sys.executable, "-m", "gateway.export", to, path.stem, str(path.parent), str(server.blobs.folder)]
    child = await trio.run_process(
        command,
        stdin=msgspec.json.encode(notebook),
        capture_stdout=True,
        stderr=subprocess.DEVNULL,
        check=False,
        # What lies beside a notebook is not to be imported as if it were ours.
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    if child.returncode != 0:
        return _refuse(501 if child.returncode == NOT_BUILT else 500)
    name, kind, body = child.stdout.split(b"\n", 2)
    disposition = f"attachment; filename*=UTF-8''{quote(name.decode())}"
    return Response(body, headers={**_HEADERS, "Content-Disposition": disposition}, content_type=kind.decode())


def _refuse(status: int) -> Response:
    return Response(f"{_SENTENCES[status]}\n", status, headers=_HEADERS, content_type="text/plain; charset=utf-8")
