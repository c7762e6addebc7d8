"""hypercorn as it is run here: real workers, trivial applications, real sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from hypercorn.trio import serve
from quart import websocket
from quart_trio import QuartTrio
from trio_websocket import open_websocket_url
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request

from gateway import hypercorn_overrides as overrides
from gateway.access import make_policy
from gateway.access_middleware import AccessMiddleware, keep_token_out_of_logs
from gateway.control_socket import share_stream
from gateway.settings import Limits, SettingError, StartError, from_arguments
from gateway.sync_listener import websocket_frame

pytestmark = pytest.mark.system

HANDSHAKE = (
    b"GET /flood HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def make_app(gave_up: trio.Event | None = None) -> QuartTrio:
    app = QuartTrio(__name__)

    @app.websocket("/flood")
    async def flood() -> None:
        while True:
            await websocket.send(b"x" * 100_000)
            await trio.lowlevel.checkpoint()  # a send to a closed connection is none

    @app.websocket("/patient")
    async def patient() -> None:
        assert gave_up is not None
        try:
            with trio.move_on_after(0.2):
                while True:
                    await websocket.send(b"x" * 100_000)
                    await trio.lowlevel.checkpoint()
        finally:
            gave_up.set()
        await trio.sleep_forever()

    @app.websocket("/echo")
    async def echo() -> None:
        while True:
            await websocket.send(await websocket.receive())

    @app.websocket("/direct")
    async def direct() -> None:
        await websocket.accept()
        stream = await share_stream()
        assert stream is not None, "the connection was not found"
        assert await share_stream() is None, "one stream for one connection"
        for _ in range(3):  # between the sends that hypercorn makes itself, in the order made
            await websocket.send(b"long way")
            assert stream.try_send(websocket_frame(b"short way"))
        await trio.sleep_forever()

    @app.get("/")
    async def page() -> str:
        return "page"

    return app


@asynccontextmanager
async def running(app: Any, tmp_path: Path, *arguments: str, **changes: object) -> AsyncIterator[int]:
    """A hypercorn worker in this process, with our configuration; gives the port."""
    overrides.install()
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    settings = from_arguments([str(tmp_path / "x.ipynb"), *arguments], {"GANIMEDE_LIMIT_BINARY_FRAME": "100000"})
    config = overrides.make_config(settings, [listener])
    for name, value in changes.items():
        setattr(config, name, value)
    stop = trio.Event()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve, app, config, shutdown_trigger=stop.wait))
            yield port
            stop.set()


async def open_raw(port: int, path: bytes, extra: bytes = b"") -> trio.SocketStream:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(HANDSHAKE.replace(b"/flood", path) + extra + b"\r\n")
    return stream


def test_a_client_that_stops_reading_does_not_keep_the_server_from_exiting(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(make_app(), tmp_path, graceful_timeout=0.2) as port:
            deaf = await open_raw(port, b"/flood")
            await trio.sleep(0.5)  # until every buffer between the two is full
            began = trio.current_time()
        assert trio.current_time() - began < 2.0
        await deaf.aclose()

    trio.run(main)


def test_a_send_can_be_given_up_and_the_connection_then_ends(tmp_path: Path) -> None:
    async def main() -> None:
        gave_up = trio.Event()
        async with running(make_app(gave_up), tmp_path, graceful_timeout=0.2) as port:
            deaf = await open_raw(port, b"/patient")
            await gave_up.wait()
            with suppress(trio.BrokenResourceError):
                while await deaf.receive_some(1_000_000):
                    pass  # what lay in the buffers; then the end, though the handler still sleeps
            await deaf.aclose()

    trio.run(main)


def test_compression_is_not_granted_when_offered(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(make_app(), tmp_path, graceful_timeout=0.2) as port:
            offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            stream = await open_raw(port, b"/flood", offer)
            answer = await stream.receive_some(1000)
            assert answer.startswith(b"HTTP/1.1 101")
            assert b"sec-websocket-extensions" not in answer.lower()
            await stream.aclose()

    trio.run(main)


def test_a_handler_may_write_frames_straight_to_its_own_connection(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            running(make_app(), tmp_path) as port,
            open_websocket_url(f"ws://localhost:{port}/direct") as client,
        ):
            heard = [await client.get_message() for _ in range(6)]
            assert heard == [b"long way", b"short way"] * 3
        assert overrides.connection_of_this_task() is None  # outside of a handler

    trio.run(main)


async def close_code(port: int, path: str, message: bytes) -> tuple[int, int]:
    """Send what is allowed, and once that is echoed the whole; how many bytes came, and the code of the close."""
    connection = WSConnection(ConnectionType.CLIENT)
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    received = 0
    async with stream:
        await stream.send_all(connection.send(Request(host="localhost", target=path)))
        while True:
            connection.receive_data(await stream.receive_some())
            for event in connection.events():
                match event:
                    case AcceptConnection() if message:
                        await stream.send_all(connection.send(BytesMessage(message[:100_000])))
                    case BytesMessage(data=data):
                        received += len(data)
                        if received == 100_000:
                            await stream.send_all(connection.send(BytesMessage(message)))
                    case CloseConnection(code=code):
                        return received, code


def test_a_message_over_the_limit_closes_with_1009(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(make_app(), tmp_path, graceful_timeout=0.2) as port:
            assert await close_code(port, "/echo", b"y" * 100_001) == (100_000, 1009)

    trio.run(main)


def test_other_versions_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overrides, "version", lambda package: "0.19.0" if package == "hypercorn" else "1.3.2")
    with pytest.raises(StartError, match=r"replaces parts of hypercorn 0\.18\.0 and found 0\.19\.0"):
        overrides.install()
    assert issubclass(SettingError, StartError)


def test_the_sockets_given_are_the_sockets_served_and_found(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        found = overrides.listening_addresses()
        assert listener.getsockname() in found
        assert idle.getsockname() not in found
        settings = from_arguments([str(tmp_path / "x.ipynb")], {})
        config = overrides.make_config(settings, [listener])
        assert config.bind[0].startswith("fd://")
        os.close(int(config.bind[0].removeprefix("fd://")))
        assert config.websocket_max_message_size == Limits().binary_frame


def test_the_token_does_not_reach_even_an_access_log_that_prints_whole_addresses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        app = make_app()
        keep_token_out_of_logs("secret-token")
        policy = make_policy("secret-token", 0)
        guarded = AccessMiddleware(app, policy)
        options = {"accesslog": "-", "loglevel": "INFO", "access_log_format": "%(R)s %(Uq)s %({cookie}i)s %(s)s"}
        async with running(guarded, tmp_path, graceful_timeout=0.2, **options) as port:
            with pytest.raises(httpx.HTTPStatusError):
                await get(port, "/?token=wrong")
            answer = await get(port, "/?token=secret-token")
            assert answer.text == "page"
            assert "server" not in answer.headers
            socket_stream = await open_raw(port, b"/echo?token=secret-token")
            assert (await socket_stream.receive_some(1000)).startswith(b"HTTP/1.1 101")
            await socket_stream.aclose()
            raw = await open_raw(port, b"/?token=secret-token", b"Sec-WebSocket-Version: 12\r\n")
            await raw.receive_some(1000)
            await raw.aclose()

    trio.run(main)
    printed = "".join(capsys.readouterr())
    assert "GET / " in printed
    assert "GET /echo" in printed
    assert "secret-token" not in printed


async def get(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        return (await client.get(path)).raise_for_status()


def test_websockets_are_refused_by_status_or_by_close_code(tmp_path: Path) -> None:
    async def main() -> None:
        guarded = AccessMiddleware(make_app(), make_policy("secret-token", 0))
        async with running(guarded, tmp_path, graceful_timeout=0.2) as port:
            evil = await open_raw(port, b"/echo?token=secret-token", b"Origin: http://evil.example\r\n")
            assert (await evil.receive_some(1000)).startswith(b"HTTP/1.1 403")
            await evil.aclose()
            assert await close_code(port, "/echo", b"") == (0, 4401)

    trio.run(main)


# --------------------------------------------------------------------------------------- under hypercorn's master

MODULE = """
import os, trio
from quart_trio import QuartTrio
from gateway.hypercorn_overrides import listening_addresses
from gateway.worker import refuse_wrong_worker, watch_parent

(HOST, PORT), = listening_addresses() or [("", 0)]
app = QuartTrio(__name__)
inner = app.asgi_app

async def asgi_app(scope, receive, send):
    if scope["type"] == "lifespan":
        refuse_wrong_worker()
    await inner(scope, receive, send)

app.asgi_app = asgi_app

@app.before_serving
async def begin():
    app.nursery.start_soon(watch_parent)
    print(f"serving {os.getpid()} {HOST} {PORT}", flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.py").write_text(MODULE)
    return tmp_path


def hypercorn(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hypercorn", "-b", "127.0.0.1:0", *arguments, "small:app"]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{root}"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-k", "asyncio"], "Ganimede needs hypercorn's trio worker: start it with `hypercorn -k trio"),
        (["-k", "asyncio", "-w", "0"], "Ganimede needs hypercorn's trio worker: start it with `hypercorn -k trio"),
        (["-k", "trio", "-w", "2"], "One notebook is served by one process: start hypercorn without -w 2"),
    ],
)
def test_a_wrong_worker_ends_with_one_sentence_and_is_not_started_again(
    folder: Path, arguments: list[str], sentence: str
) -> None:
    process = hypercorn(folder, *arguments)
    try:
        printed, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert errors.count(sentence) == 1
    assert "Traceback" not in errors
    assert "serving" not in printed


def test_a_worker_learns_its_port_and_ends_when_its_master_is_killed(folder: Path) -> None:
    process = hypercorn(folder, "-k", "trio")
    assert process.stdout is not None
    try:
        word, pid, host, port = process.stdout.readline().split()
        assert (word, host) == ("serving", "127.0.0.1")
        with socket.create_connection((host, int(port)), timeout=5):
            pass
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=10)  # the worker holds the pipe: this waits for its end
    finally:
        process.kill()
    assert "master process is gone" in errors
    wait_until_gone(int(pid))


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} still serves")
