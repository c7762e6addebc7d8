"""Runs on real kernels, and kernels that die, hang or are not there: SPEC.md, sections R and K."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from actors.kernel_process import folder_prefix
from tests.conformance.clients import until
from tests.conformance.control_client import ControlError
from tests.server import Server, running_server
from tests.system.support import FULL, Page, code_cell, names_in, shared_server, write_notebook

pytestmark = pytest.mark.system

PID = "import os\nprint(os.getpid(), flush=True)\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared_server(tmp_path_factory.mktemp("kernels") / "n.ipynb") as server:
        yield server


async def pid_of(page: Page) -> int:
    """The kernel's; starts one if none runs."""
    return int(page.text(await page.run(PID)))


def children(pid: int) -> set[int]:
    """All descendants of a process."""
    parents: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(parent, []).append(int(each.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        new = parents.get(waiting.pop(), [])
        found.update(new)
        waiting += new
    return found


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_opening_a_notebook_starts_nothing(tmp_path: Path) -> None:
    """K-1."""
    path = write_notebook(tmp_path / "n.ipynb", code_cell("first000", "1"))
    async with running_server(path) as server, Page(server) as page:
        assert (await page.summary())["kernel"]["status"] == "none"
        assert children(server.pid) == set()


FIRST = "import sys\nprint('a' * 2000)\nprint('error', file=sys.stderr)\ndisplay('shown')\n'result'"


@pytest.mark.parametrize("batch", range(5 if FULL else 2))
async def test_the_output_of_the_first_cell_of_a_new_kernel_is_complete(server: Server, batch: int) -> None:
    """K-2: a kernel is ready when its iopub reaches us."""
    async with Page(server) as page:
        for _ in range(10):
            cell = page.add(FIRST)
            await page.run("import os\nos._exit(0)")
            await page.queue(cell)
            await page.ended(cell)
            kinds = [each["output_type"] for each in page.outputs(cell)]
            assert sorted(kinds) == ["display_data", "execute_result", "stream", "stream"]
            streams = {each["name"]: each["text"] for each in page.outputs(cell) if "name" in each}
            assert streams == {"stdout": "a" * 2000 + "\n", "stderr": "error\n"}
            assert page.cell(cell)["execution_count"] == 1


STATES = ["no kernel", "starting", "busy", "input", "idle"]
DISTURBANCES = [("kernel", "interrupt"), ("notebook", "interrupt_kernel"), ("kernel", "restart_kernel")]


@pytest.mark.parametrize("disturbance", DISTURBANCES, ids=[method for _, method in DISTURBANCES])
@pytest.mark.parametrize("state", STATES)
async def test_whatever_is_asked_in_whatever_state_no_cell_stays_and_the_next_run_works(
    server: Server, state: str, disturbance: tuple[str, str]
) -> None:
    """R-3."""
    async with Page(server) as page:
        if state in ("no kernel", "starting"):
            await page.run("import os\nos._exit(0)")
        source = "input()" if state == "input" else "import time\nprint('on', flush=True)\ntime.sleep(1.0)"
        cell, second, third = page.add(source), page.add("print('second')"), page.add("1 / 0")
        if state not in ("no kernel", "idle"):
            for each in (cell, second, third):
                await page.queue(each)
        match state:
            case "starting":
                await page.until(lambda: page.map("kernel").get("status") == "starting")
            case "busy":
                await page.until(lambda: "on" in page.text(cell))
            case "input":
                await page.control.push("kernel", "input_request", lambda message: message["cell_id"] == cell)
        await page.ask(*disturbance, within=30)
        await page.ended(cell, second, third)
        if state in ("busy", "input"):
            assert page.said(cell)["output_type"] == "error"
        goes_on = disturbance == ("kernel", "interrupt") and state in ("starting", "busy", "input")
        assert page.text(second) == ("second\n" if goes_on else "")
        await page.works()


async def test_after_a_storm_of_requests_no_cell_stays_and_the_next_run_works(server: Server) -> None:
    """R-3: two people ask for whatever there is, in any order, without waiting for answers."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # shown if it fails
    rng = random.Random(seed)
    sources = [
        "1",
        "1 / 0",
        "import time\ntime.sleep(0.2)",
        "input()",
        "import os\nos._exit(1)",
        "for i in range(2000):\n    print(i)",
    ]
    requests = ["kernel.interrupt", "notebook.interrupt_kernel", "kernel.restart_kernel", "kernel.start_kernel"]
    requests += ["kernel.input_reply", "notebook.get", "notebook.checkpoint"]
    async with Page(server) as one, Page(server) as two:
        cells = []
        for number in range(400 if FULL else 60):
            page = rng.choice((one, two))
            if rng.random() < 0.6:
                cell = page.add(rng.choice(sources))
                cells.append(cell)
                channel, method, message = "notebook", "queue_cell", {"cell_id": cell}
            else:
                channel, method = rng.choice(requests).split(".")
                message = {"value": "x"} if method == "input_reply" else {}
            request = {"channel": channel, "method": method, "message": message, "id": f"storm {number}"}
            page.send_in_order(json.dumps(request))
            await trio.sleep(rng.choice((0, 0.01, 0.1)))
        await one.ask("notebook", "interrupt_kernel")
        await one.ask("kernel", "restart_kernel", within=30)
        await one.ended(*cells)
        await one.works()
        await two.refresh()
        assert [two.cell(cell)["state"] for cell in cells] == ["idle"] * len(cells)


DEATHS = {
    "os._exit": ("import os\nprint('on', flush=True)\nos._exit(7)", "exited with code 7"),
    "kill -9 by itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed (SIGKILL)"),
    "a crash": ("import ctypes\nctypes.string_at(0)", "killed (SIGSEGV)"),
    "sys.exit in a thread's place": ("import os\nos.abort()", "killed (SIGABRT)"),
}


@pytest.mark.parametrize("death", DEATHS)
async def test_a_kernel_that_dies_in_a_cell_says_why_and_the_queue_is_cleared(server: Server, death: str) -> None:
    """K-4, R-2."""
    source, words = DEATHS[death]
    async with Page(server) as page:
        cell, waits = page.add(f"input()\n{source}"), page.add("print('never')")
        await page.queue(cell)
        await page.queue(waits)
        await page.until(lambda: (page.last("kernel", "input_request") or {}).get("request"))
        await page.ask("kernel", "input_reply", {"value": ""})  # both are queued: now it may die
        await page.ended(cell, waits)
        assert (page.said(cell)["ename"], page.outputs(waits)) == ("KernelDied", [])
        assert words in page.said(cell)["evalue"]
        await page.until(lambda: words in (page.last("kernel", "status") or {})["reason"])
        assert words in (await page.summary())["kernel"]["reason"]
        await page.works()


@pytest.mark.parametrize("moment", ["start", "run", "input", "idle"])
async def test_a_kernel_killed_from_outside_is_noticed_at_once(server: Server, moment: str) -> None:
    """K-4."""
    async with Page(server) as page:
        if moment == "start":
            await page.run("import os\nos._exit(0)")
            before = children(server.pid)
        else:
            kernel = await pid_of(page)
        source = "input()" if moment == "input" else "import time\nprint('on', flush=True)\ntime.sleep(60)"
        cell, waits = page.add(source), page.add("1")
        if moment != "idle":
            await page.queue(cell)
            await page.queue(waits)
        match moment:
            case "start":
                await until(lambda: _more(server.pid, before), within=10)
                kernel = min(children(server.pid) - before)
            case "run":
                await page.until(lambda: "on" in page.text(cell))
            case "input":
                await page.control.push("kernel", "input_request", lambda message: message["cell_id"] == cell)
        os.kill(kernel, signal.SIGKILL)
        started = trio.current_time()
        await page.until(lambda: (page.last("kernel", "status") or {})["status"] == "dead", within=10)
        assert trio.current_time() - started < 1
        await page.ended(cell, waits)
        if moment != "idle":
            assert "killed (SIGKILL)" in page.said(cell)["evalue"]
            assert page.outputs(waits) == []
            assert (await page.summary())["input"] is None
        await page.works()


async def _more(pid: int, before: set[int]) -> bool:
    return bool(children(pid) - before)


async def test_a_stopped_kernel_is_not_responding_and_a_restart_helps(server: Server) -> None:
    """K-3."""
    async with Page(server) as page:
        kernel = await pid_of(page)
        cell = await page.begin("import time\nprint('on', flush=True)\ntime.sleep(60)", until="on")
        os.kill(kernel, signal.SIGSTOP)
        try:
            await page.ask("kernel", "interrupt")
            await page.until(lambda: (page.last("kernel", "status") or {})["status"] == "not responding")
            assert "restart" in (page.last("kernel", "status") or {})["reason"]
            await page.ask("kernel", "restart_kernel", within=30)
        finally:
            if runs(kernel):
                os.kill(kernel, signal.SIGCONT)
        await page.ended(cell)
        assert not runs(kernel)
        await page.works()


async def test_variables_live_until_a_restart(server: Server) -> None:
    async with Page(server) as page:
        await page.run("kept = 41")
        assert page.said(await page.run("kept + 1"))["data"]["text/plain"] == "42"
        await page.ask("kernel", "restart_kernel", within=30)
        assert page.said(await page.run("kept + 1"))["ename"] == "NameError"


async def test_the_output_of_a_loud_cell_is_bounded_and_says_so(server: Server) -> None:
    """R-4."""
    async with Page(server) as page:
        cell = await page.run("for i in range(120_000):\n    print('line', i)")
        text = page.text(cell)
        assert text.startswith("line 0\nline 1\n")
        assert text.endswith("line 119999\n")
        assert 500_000 < len(text) < 1_500_000
        assert [each["name"] for each in page.outputs(cell)] == ["stdout", "stderr", "stdout"]
        assert "left out" in page.outputs(cell)[1]["text"]
        await page.works()


async def test_a_kernel_that_is_not_installed_is_told_and_another_can_be_chosen(tmp_path: Path) -> None:
    """K-1."""
    spec = {"kernelspec": {"name": "befunge", "display_name": "Befunge"}}
    path = write_notebook(tmp_path / "n.ipynb", code_cell("first000", "6 * 7"), metadata=spec)
    async with running_server(path) as server, Page(server) as page:
        await page.queue("first000")
        await page.ended("first000")
        notice = await page.control.push("notebook", "notice")
        assert notice["code"] == "unknown_kernel"
        assert "befunge" in notice["message"]
        assert "python3" in notice["message"]
        assert "befunge" in page.said("first000")["evalue"]
        with pytest.raises(ControlError, match="unknown_kernel"):
            await page.ask("kernel", "start_kernel")
        for name in ("../python3", "/bin/sh", "nothing"):
            with pytest.raises(ControlError, match="unknown_kernel"):
                await page.ask("kernel", "start_kernel", {"name": name})
        assert "python3" in (await page.ask("kernel", "specs"))["kernelspecs"]
        await page.ask("kernel", "start_kernel", {"name": "python3"}, within=30)
        assert (await page.summary())["kernel"]["name"] == "python3"
        await page.queue("first000")
        await page.ended("first000")
        assert page.said("first000")["data"]["text/plain"] == "42"


async def test_the_kernel_works_in_the_notebooks_folder(server: Server) -> None:
    """K-2."""
    async with Page(server) as page:
        cell = await page.run("import os\nprint(os.getcwd())")
        assert page.text(cell) == os.path.dirname((await page.summary())["path"]) + "\n"


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_nothing_is_left_of_a_server_that_ended(tmp_path: Path, how: str) -> None:
    """K-2. What a killed one could not take away, the next one does."""
    path = tmp_path / "n.ipynb"
    async with running_server(path) as server:
        mine = folder_prefix(server.pid)
        async with Page(server) as page:
            kernel = await pid_of(page)
            (private,) = Path("/tmp").glob(f"{mine}*")
            assert len(str(private)) <= 21, "xeus keeps no longer endpoints"
            assert mode_of(private) == 0o700
            assert any(each.startswith("k-") for each in names_in(private))
            child = await page.run("import subprocess\nprint(subprocess.Popen(['sleep', '1000']).pid)")
            family = children(server.pid) | {kernel, int(page.text(child))}
        if how == "stopped":
            server.terminate()
        else:
            server.kill()
        await server.wait()

    async def gone() -> bool:
        return not runs(kernel)

    await until(gone, within=10)  # a killed server's kernel looks for its parent every second
    if how == "stopped":
        assert not [pid for pid in family if runs(pid)]
    else:
        async with running_server(path) as server, Page(server) as page:
            await page.works()
    assert not private.exists()
    for pid in filter(runs, family):
        os.kill(pid, signal.SIGKILL)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777
