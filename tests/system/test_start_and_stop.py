"""How a server starts, what it refuses to start with, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

import httpx
import pytest
import trio
from trio_websocket import ConnectionClosed

from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import READY, TOKEN, ServerEnded, running_server
from tests.system.support import FULL, Page, code_cell, free_ports, read_notebook, sources_of, write_notebook
from tests.system.test_kernels import pid_of, runs

pytestmark = pytest.mark.system

Command = Literal["ganimede", "hypercorn"]
COMMANDS: list[Command] = ["ganimede", "hypercorn"]


def clean_environment(state: Path, **more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GANIMEDE_") and name != "NOTEBOOK_LOC"
    }
    return {**kept, "GANIMEDE_STATE_DIR": str(state), "GANIMEDE_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1", **more}


async def refusal(state: Path, *argv: str, code: int | None = 1, **env: str) -> str:
    """The one sentence with which a command ends."""
    with trio.fail_after(20):
        done = await trio.run_process(
            [sys.executable, *argv],
            env=clean_environment(state, **env),
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    stderr = done.stderr.decode()
    assert "Traceback" not in stderr
    assert "is ready" not in done.stdout.decode()
    assert code is None or done.returncode == code, stderr
    return stderr


@asynccontextmanager
async def started(
    *argv: str, state: Path, cwd: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[trio.Process, str]]:
    """A command given as it is, and what it said until it was ready."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "gateway.cli", *argv],
        env={**clean_environment(state), **(env or {})},
        cwd=cwd,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        said = ""
        with trio.fail_after(20):
            while "g-y-room\n" not in said:
                chunk = await process.stdout.receive_some()
                assert chunk, said
                said += chunk.decode()
        yield process, said
    finally:
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()
            await process.stdout.aclose()


# ------------------------------------------------------------------------------------------------------- starting


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_server_says_once_that_it_is_ready_and_serves_both_sockets(
    tmp_path: Path, command: Command
) -> None:
    async with running_server(tmp_path / "n.ipynb", command=command) as server:
        async with Page(server) as page, PycrdtClient(server.room_url, server.token) as client:
            await page.works()
            client.create("by-sync0", "x")
            await page.until(lambda: "by-sync0" in list(page.array("cells")))
            async with httpx.AsyncClient() as http:
                answer = await http.get(f"{server.url}/", params={"token": str(server.token)})
                assert answer.status_code == 200
        assert len(READY.findall(server.stdout)) == 1
        assert server.stdout.count("\n") == 2
        assert str(server.token) not in server.stderr
        assert "Traceback" not in server.stderr


async def test_without_a_file_a_new_notebook_gets_a_free_name_in_this_folder(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    write_notebook(folder / "untitled.ipynb", code_cell("theirs00", "1"))
    ports = ("--port", "0", "--sync-port", "0", "--no-open")
    async with started(*ports, state=tmp_path / "state", cwd=folder) as (_, said):
        found = READY.search(said)
        assert found is not None
        async with ControlClient(found[1].replace("http", "ws"), TOKEN) as control:
            assert (await control.ask("notebook", "get"))["path"] == str(folder / "untitled-2.ipynb")
            await control.ask("notebook", "checkpoint")
    assert read_notebook(folder / "untitled-2.ipynb")["cells"] == []


async def test_a_taken_default_port_moves_on_to_the_next_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as first, socket.socket() as second:
        for each, port in ((first, 8000), (second, 1234)):
            with suppress(OSError):  # somebody else has it: just as taken
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                each.bind(("127.0.0.1", port))
                each.listen()
        async with started(str(tmp_path / "n.ipynb"), "--no-open", state=tmp_path / "state", cwd=tmp_path) as (
            _,
            said,
        ):
            http, sync = re.findall(r"^Port (?:8000|1234) is taken: using (\d+)\.$", said, re.MULTILINE)
            assert f"Ganimede is ready: http://localhost:{http}/" in said
            assert f"ws://localhost:{sync}/g-y-room" in said
            assert int(http) > 8000
            assert int(sync) > 1234


REFUSED = {
    "no notebook": (["broken.ipynb"], {}, "broken.ipynb cannot be opened"),
    "no token, for all the world": (["n.ipynb", "--host", "0.0.0.0", "--no-token"], {"GANIMEDE_TOKEN": ""}, "--no-token"),
    "an unknown argument": (["n.ipynb", "--nonsense"], {}, "--nonsense"),
    "a bad variable": (["n.ipynb"], {"GANIMEDE_LIMIT_CONNECTIONS": "many"}, "GANIMEDE_LIMIT_CONNECTIONS"),
    "an unknown kernel": (["n.ipynb", "--kernel", "befunge"], {}, "befunge"),
    "a state folder that is a file": (["n.ipynb", "--state-dir", "broken.ipynb"], {}, "--state-dir"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_is_refused_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    argv, env, words = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "broken.ipynb").write_text("not json")
    ports = [] if "--port" in argv else ["--port", "0"]
    stderr = await refusal(tmp_path / "state", "-m", "gateway.cli", *argv, *ports, "--sync-port", "0", **env)
    assert words in stderr
    assert stderr.startswith("ganimede: ")
    assert stderr.count("\n") == 1
    assert stderr.endswith(".\n")


async def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for flag, other in (("--port", "--sync-port"), ("--sync-port", "--port")):
            stderr = await refusal(
                tmp_path / "state", "-m", "gateway.cli", str(tmp_path / "n.ipynb"), flag, port, other, "0"
            )
            assert stderr == f"ganimede: {flag} {port} on 127.0.0.1 cannot be used: address already in use.\n"


async def test_a_second_server_for_one_notebook_is_told_where_the_first_is(tmp_path: Path) -> None:
    """P-4."""
    path, state = tmp_path / "n.ipynb", tmp_path / "state"
    (tmp_path / "link.ipynb").symlink_to(path)
    async with running_server(path, state_dir=state) as server:
        with pytest.raises(ServerEnded) as ended:
            async with running_server(tmp_path / "link.ipynb", state_dir=state):
                pass
        assert ended.value.code == 1
        assert "already open" in ended.value.stderr
        assert f"{server.url}/" in ended.value.stderr
        assert TOKEN not in ended.value.stderr
        assert ended.value.stderr.count("\n") == 1
        async with Page(server) as page:
            await page.works()


async def test_a_start_with_nobody_to_read_what_it_says_serves_all_the_same(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    ports = ("--port", str(port), "--sync-port", "0", "--no-open")
    for name, flags in (("/dev/full", os.O_WRONLY), ("/dev/null", os.O_RDONLY)):  # a full disk, a closed stream
        unwritable = os.open(name, flags)
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "gateway.cli", str(tmp_path / "n.ipynb"), *ports],
            env=clean_environment(tmp_path / "state"),
            stdout=unwritable,
            stderr=subprocess.PIPE,
        )
        os.close(unwritable)
        async with httpx.AsyncClient() as http:
            with trio.fail_after(20):
                while True:
                    try:
                        assert (await http.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
                        break
                    except httpx.TransportError:
                        assert process.poll() is None
                        await trio.sleep(0.05)
        process.terminate()
        assert process.stderr is not None
        with trio.fail_after(10):
            said = b"".join([chunk async for chunk in process.stderr]).decode()
            assert await process.wait() == 0, said
        await process.stderr.aclose()
        assert "Traceback" not in said
        assert f"Ganimede is ready: http://localhost:{port}/" in said  # so somebody may still learn of it


async def test_ctrl_c_during_the_start_ends_it_without_a_traceback(tmp_path: Path) -> None:
    interrupted = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background inherits that it is ignored
from gateway import cli

class Interrupt:
    def find_spec(self, name, *more):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
cli.main(sys.argv[2:])
"""
    for module in ("trio", "quart", "jupyter_client", "gateway.server"):
        stderr = await refusal(
            tmp_path, "-c", interrupted, module, str(tmp_path / "n.ipynb"), "--no-open", code=-signal.SIGINT
        )
        assert stderr == ""


# Its master returns 0 whatever its only worker ended with: what it must do is end.
HYPERCORN = ["-m", "hypercorn", "-b", "127.0.0.1:0"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "hypercorn -k trio gateway.app"),
        (["-k", "trio", "-w", "2"], "without -w 2"),
    ],
    ids=["asyncio", "two workers"],
)
async def test_under_hypercorn_a_wrong_worker_is_refused_with_a_sentence(
    tmp_path: Path, argv: list[str], words: str
) -> None:
    env = {"NOTEBOOK_LOC": str(tmp_path / "n.ipynb"), "GANIMEDE_SYNC_PORT": "0"}
    stderr = await refusal(tmp_path / "state", *HYPERCORN, *argv, "gateway.app", code=None, **env)
    assert len([line for line in stderr.splitlines() if words in line]) == 1


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "NOTEBOOK_LOC"),
        ({"NOTEBOOK_LOC": "/tmp/never-made.ipynb", "GANIMEDE_KERNEL": "befunge"}, "befunge"),
    ],
)
async def test_under_hypercorn_a_refusal_is_a_sentence_too(
    tmp_path: Path, env: dict[str, str], words: str
) -> None:
    stderr = await refusal(
        tmp_path / "state", *HYPERCORN, "-k", "trio", "gateway.app", code=None, GANIMEDE_SYNC_PORT="0", **env
    )
    assert words in stderr


# ------------------------------------------------------------------------------------------------------- stopping


@pytest.mark.parametrize(
    ("command", "number"),
    [("ganimede", signal.SIGTERM), ("ganimede", signal.SIGINT), ("hypercorn", signal.SIGTERM)],
    ids=["SIGTERM", "SIGINT", "hypercorn"],
)
async def test_a_signal_drains_saves_tells_everyone_and_ends_the_kernel(
    tmp_path: Path, command: Command, number: signal.Signals
) -> None:
    """S-9."""
    path = write_notebook(tmp_path / "n.ipynb", code_cell("first000", "1"))
    async with (
        running_server(path, command=command) as server,
        Page(server) as page,
        PycrdtClient(server.room_url, server.token) as client,
        ControlClient(server.control_url, server.token) as control,
    ):
        kernel = await pid_of(page)
        running = await page.begin("import time\nprint('on', flush=True)\ntime.sleep(60)", until="on")
        page.insert("first000", 0, "just typed + ")
        await page.refresh()
        asked = trio.current_time()
        server.process.send_signal(number)
        for connection in (page.connection, client.connection, control.connection):
            assert await connection.wait_closed(5) == 1012
        assert await server.wait() == 0
        assert trio.current_time() - asked < 5
        assert not runs(kernel)
        assert sources_of(path)["first000"] == "just typed + 1"
        assert running in sources_of(path)
        assert "Traceback" not in server.stderr


@pytest.mark.parametrize("command", COMMANDS)
async def test_clients_that_do_not_read_hold_up_nothing(tmp_path: Path, command: Command) -> None:
    path = write_notebook(tmp_path / "n.ipynb", code_cell("first000", "1"))
    async with (
        running_server(path, command=command) as server,
        Page(server) as page,
        Page(server) as slow_page,
        PycrdtClient(server.room_url, server.token) as slow_client,
    ):
        await stall(page, slow_page, slow_client)
        asked = trio.current_time()
        server.terminate()
        assert await page.connection.wait_closed(5) == 1012
        assert await server.wait() == 0
        assert trio.current_time() - asked < 5
        assert "first000" in sources_of(path)


async def stall(page: Page, *slow: PycrdtClient) -> None:
    """Send more than these clients' sockets hold, while they do not read."""
    for client in slow:
        client.connection.pause()
    for number in range(60):
        page.map("notebook")["ballast"] = f"{number}" + "x" * 150_000
    await page.refresh()


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    async with (
        running_server(tmp_path / "n.ipynb") as server,
        Page(server) as page,
        Page(server) as slow_page,
    ):
        await stall(page, slow_page)
        server.terminate()
        await page.connection.wait_closed(5)  # it is on its way, and waits for the slow one
        asked = trio.current_time()
        server.terminate()
        assert await server.wait() == 128 + signal.SIGTERM
        assert trio.current_time() - asked < 0.5
        assert "second signal" in server.stderr


@pytest.mark.parametrize("command", COMMANDS if FULL else COMMANDS[:1])
async def test_the_process_ends_when_the_root_gives_up(tmp_path: Path, command: Command) -> None:
    async with running_server(tmp_path / "n.ipynb", command=command, env={"GANIMEDE_CHAOS": "1"}) as server:
        with trio.fail_after(20):
            while server.process.poll() is None:
                with suppress(ConnectionError, ConnectionClosed, OSError, trio.TooSlowError):
                    async with ControlClient(server.control_url, server.token) as control:
                        await control.ask("chaos", "kill", {"actor": "gateway"}, within=1)
                await trio.sleep(0.01)
        assert await server.wait() == (1 if command == "ganimede" else 0)  # hypercorn's master says 0 of any end
        assert "Ganimede's actors failed" in server.stderr
        assert "gateway crashed 4 times" in server.stderr


async def test_a_notebook_whose_actors_failed_says_so_until_a_retry_starts_them_again(tmp_path: Path) -> None:
    """P-1: what was seen before is there afterwards."""
    async with running_server(tmp_path / "n.ipynb", "--chaos") as server, Page(server) as page:
        cell = page.add("kept")
        await page.refresh()
        with trio.fail_after(10):
            while page.last("notebook", "failed") is None:
                with suppress(ControlError):  # it may still be starting
                    await page.ask("chaos", "kill", {"actor": "hub"})
                await trio.sleep(0.02)
        failed = await page.control.push("notebook", "failed", within=5)
        assert "hub crashed 4 times" in failed["reason"]
        for channel, method in (("notebook", "get"), ("notebook", "checkpoint"), ("kernel", "start_kernel")):
            with pytest.raises(ControlError, match="notebook_failed"):
                await page.ask(channel, method)
        with pytest.raises(ControlError, match="not_running"):
            await page.ask("chaos", "kill", {"actor": "hub"})
        assert await page.ask("comms", "ping") == {"pong": True}
        async with httpx.AsyncClient(base_url=server.url, params={"token": str(server.token)}) as http:
            assert (await http.get("/healthz")).status_code == 200
            assert (await http.get("/readyz")).status_code == 503
            assert (await http.get("/metrics")).status_code == 200
            async with ControlClient(server.control_url, server.token) as newcomer:
                assert await newcomer.push("notebook", "failed") == failed
                offline = page.add("made meanwhile")
                await newcomer.ask("notebook", "retry")
            assert (await page.control.push("notebook", "failed"))["reason"] == ""
            with trio.fail_after(10):
                while (await http.get("/readyz")).status_code != 200:
                    await trio.sleep(0.02)
        async with Page(server) as fresh:
            await fresh.until(lambda: {cell, offline} <= set(fresh.array("cells")))
        assert page.connection.connected
        await page.works()
