"""`make dev`: Vite with hot reload in front of a running server.

GANIMEDE_URL: the address that a running server printed, with its token. Without it a server is started here, with
--chaos, on a free port; it ends with Vite.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import hatch_build


def main(notebook: str, *arguments: str) -> None:
    if os.environ.get("GANIMEDE_URL"):
        vite()
        return
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    os.environ["GANIMEDE_TOKEN"] = secrets.token_urlsafe()
    os.environ["GANIMEDE_URL"] = f"http://127.0.0.1:{port}"
    line = [sys.executable, "-m", "gateway.cli", notebook, "--port", str(port), "--no-open", "--chaos", *arguments]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # as Ctrl+C: nothing of it stays behind
    server = subprocess.Popen(line, cwd=hatch_build.ROOT)
    try:
        vite()
    finally:
        server.terminate()
        server.wait(30)


def vite() -> None:
    hatch_build.install()
    with suppress(KeyboardInterrupt):
        hatch_build.node("node_modules/vite/bin/vite.js")


if __name__ == "__main__":
    main(*sys.argv[1:])
