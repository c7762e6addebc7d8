"""The notebooks that nbclient tests itself with: what ran here says what nbclient's own run left in them.

nbclient's own functions compare (tests/test_client.py of its sdist). In the default run some of the notebooks;
GANIMEDE_FULL=1 takes all, each by a client of a server and by `ganimede run`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import trio

from gateway.client import connect
from protocol.wire import RunFields
from tests.corpus import fetch_sdist
from tests.server import running_server

pytestmark = pytest.mark.system

FULL = bool(os.environ.get("GANIMEDE_FULL"))
# nbclient's list, and how it runs them.
COMPARABLE = (
    "Other Comms", "Clear Output", "Empty Cell", "Factorials", "HelloWorld", "Inline Image", "Interrupt",
    "JupyterWidgets", "Skip Exceptions with Cell Tags", "Skip Exceptions", "Skip Execution with Cell Tag", "SVG",
    "Unicode", "UnicodePy3", "update-display-id", "Check History in Memory",
)  # fmt: skip
ALLOWED = frozenset({"Interrupt", "Skip Exceptions"})
TRACEBACKS = frozenset({"Skip Exceptions with Cell Tags"})
SOME = ("Clear Output", "update-display-id")
# As wide as nbclient's terminal, for tracebacks.
TERMINAL = {"COLUMNS": "80", "LINES": "24"}

Compare = Callable[[Any, Any], None]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist's test folder."""
    folder = tmp_path_factory.mktemp("nbclient")
    with tarfile.open(fetch_sdist("nbclient")) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("*/tests"))


@pytest.fixture(scope="module")
def compare(files: Path) -> Compare:
    """nbclient's ``assert_notebooks_equal``, which takes what it compares apart."""
    name = "nbclient_tests"
    for each in ("", ".base", ".test_client"):
        path = files / (each.removeprefix(".") or "__init__")
        path = path.with_suffix(".py")
        if not each and not path.exists():
            path.write_text("")
        spec = importlib.util.spec_from_file_location(
            name + each, path, submodule_search_locations=[] if each else [str(files)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name + each] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    found: Compare = sys.modules[name + ".test_client"].assert_notebooks_equal
    return found


def stripped(files: Path, name: str, folder: Path) -> tuple[Any, Path]:
    """What nbclient stored, and the notebook without it in ``folder``, where kernels run."""
    source = files / "files" / f"{name}.ipynb"
    stored, bare = (nbformat.read(source, 4) for _ in range(2))
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = None, []
    path = folder / "ran.ipynb"
    nbformat.write(bare, path)
    (folder / "python.png").write_bytes((source.parent / "python.png").read_bytes())
    return stored, path


def ran_by_nbclient(path: Path) -> Any:
    """What it says now: tracebacks look different in another IPython than the one that made the stored ones."""
    copy = path.with_name("by-nbclient.ipynb")
    code = "import nbformat, nbclient, sys; nb = nbformat.read(sys.argv[1], 4); nbclient.execute(nb)\n"
    code += "nbformat.write(nb, sys.argv[2])"
    command = [sys.executable, "-W", "ignore", "-c", code, str(path), str(copy)]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, **TERMINAL}, capture_output=True)
    return nbformat.read(copy, 4)


def ganimede_run(path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", "run", str(path), "--state-dir", str(path.parent / "state"), *arguments],
        env={**os.environ, **TERMINAL, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip


def without_history(folder: Path) -> Path:
    """A Jupyter path whose python3 keeps its history in memory, as nbclient starts kernels."""
    spec = folder / "jupyter/kernels/python3"
    spec.mkdir(parents=True)
    argv = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.hist_file=:memory:"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    return folder / "jupyter"


def without_our_word(notebook: Any) -> Any:
    """A time limit says so in an output of its own, behind what the interrupted cell says."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("ename") != "TimeLimit"]
    return notebook


@pytest.mark.parametrize("name", COMPARABLE if FULL else SOME)
def test_run_from_the_terminal_they_say_what_nbclient_stored(
    files: Path, compare: Compare, tmp_path: Path, name: str
) -> None:
    stored, path = stripped(files, name, tmp_path)
    stored = ran_by_nbclient(path) if name in TRACEBACKS else stored
    arguments = ["--allow-errors"] if name in ALLOWED else []
    done = ganimede_run(path, *arguments, *(["--timeout", "3"] if name == "Interrupt" else []))
    assert done.returncode == 0, done.stderr
    compare(stored, without_our_word(nbformat.read(path, 4)))


@pytest.mark.parametrize("name", COMPARABLE if FULL else SOME[:1])
@pytest.mark.full
async def test_run_by_a_client_of_a_server_they_say_what_nbclient_stored(
    files: Path, compare: Compare, tmp_path: Path, name: str
) -> None:
    stored, path = stripped(files, name, tmp_path)
    stored = ran_by_nbclient(path) if name in TRACEBACKS else stored
    environment = TERMINAL | ({"JUPYTER_PATH": str(without_history(tmp_path))} if "History" in name else {})
    async with running_server(path, env=environment) as server, connect(server.url, server.token) as notebook:
        cells = await notebook.run(RunFields("all", stop_on_error=name not in ALLOWED))
        if name == "Interrupt":
            await notebook.until(lambda: any(cell.state == "running" for cell in notebook.cells))
            await trio.sleep(1)  # into the cell's own sleep, as nbclient's time limit comes
            await notebook.interrupt()
        await notebook.ended(*cells)
        await notebook.save()
    compare(stored, nbformat.read(path, 4))


def test_a_kernel_that_kills_itself_ends_the_run_in_words(files: Path, tmp_path: Path) -> None:
    _, path = stripped(files, "Autokill", tmp_path)
    done = ganimede_run(path)
    assert done.returncode == 1
    assert "The kernel died: killed (SIGTERM)" in done.stderr
    assert "Traceback (most recent call last)" not in done.stderr


def test_who_asks_for_input_where_nobody_can_answer_gets_an_error(files: Path, tmp_path: Path) -> None:
    _, path = stripped(files, "Disable Stdin", tmp_path)
    done = ganimede_run(path)
    assert done.returncode == 1
    [cell] = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert cell.outputs[0].ename == "StdinNotImplementedError"


def test_an_error_stops_the_run_and_is_in_the_file(files: Path, tmp_path: Path) -> None:
    _, path = stripped(files, "Error", tmp_path)
    done = ganimede_run(path)
    assert done.returncode == 1
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert nbformat.read(path, 4).cells[0].outputs[0].ename == "ZeroDivisionError"


@pytest.mark.full
async def test_two_at_once_wait_for_each_other_through_the_disk(files: Path, tmp_path: Path) -> None:
    paths = []
    for label in "AB":
        folder = tmp_path / label
        folder.mkdir()
        paths.append(stripped(files, f"Parallel Execute {label}", folder)[1])
    shared = {"NBEXECUTE_TEST_PARALLEL_TMPDIR": str(tmp_path)}
    done: list[subprocess.CompletedProcess[str]] = []

    async def run(path: Path) -> None:
        done.append(await trio.to_thread.run_sync(lambda: ganimede_run(path, **shared)))

    async with trio.open_nursery() as nursery:
        for path in paths:
            nursery.start_soon(run, path)
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
