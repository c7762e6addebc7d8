"""`ganimede run`, as a person and as a script meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import trio

from tests.server import running_server
from tests.system.support import Page, code_cell, markdown_cell, read_notebook, write_notebook

pytestmark = pytest.mark.system

TOUR = Path(__file__).resolve().parents[2] / "examples/tour.ipynb"


def command(path: Path, *arguments: str) -> list[str]:
    state = path.parent / "state"
    return [sys.executable, "-m", "gateway.cli", "run", str(path), "--state-dir", str(state), *arguments]


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(path, *arguments), capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback (most recent call last):\n  File" not in done.stderr, done.stderr
    return done


def outputs(path: Path) -> list[str]:
    """What each code cell printed."""
    cells = nbformat.read(path, 4).cells
    return ["".join(each.get("text", "") for each in cell.outputs) for cell in cells if cell.cell_type == "code"]


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    sources = ("print('one')", "1 / 0", "print('three')")
    return write_notebook(tmp_path / "x.ipynb", *(code_cell(f"c{n}", text) for n, text in enumerate(sources)))


def test_the_tour_runs_green_and_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "tour.ipynb"
    path.write_bytes(TOUR.read_bytes())
    done = run(path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "8 ran in" in done.stderr
    assert outputs(path)[0].startswith("Hello, canvas!")
    nbformat.validate(nbformat.read(path, 4))


def test_an_error_stops_and_is_shown_and_the_rest_is_named(failing: Path) -> None:
    done = run(failing)
    assert done.returncode == 1
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "1 ran, 1 failed, 1 did not run" in done.stderr
    assert outputs(failing) == ["one\n", "", ""]
    assert run(failing, "--allow-errors").returncode == 0
    assert outputs(failing) == ["one\n", "", "three\n"]


@pytest.mark.full
def test_json_says_what_became_of_each_cell(failing: Path) -> None:
    done = run(failing, "--json")
    said = json.loads(done.stdout)
    assert said["status"] == "error"
    assert [(cell["id"], cell["status"]) for cell in said["cells"]] == [
        ("c0", "ok"), ("c1", "error"), ("c2", "not run"),
    ]  # fmt: skip
    assert said["cells"][1]["error"]["ename"] == "ZeroDivisionError"
    assert said["cells"][0]["execution_count"] == 1


@pytest.mark.full
def test_out_leaves_the_notebook_as_it_is_and_runs_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("beside the notebook")
    path = write_notebook(tmp_path / "x.ipynb", code_cell("one", "print(open('data.txt').read())"))
    before = path.read_bytes()
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "elsewhere/out.ipynb"
    done = run(path, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == before
    assert outputs(out) == ["beside the notebook\n"]


def test_parameters_are_injected_behind_their_defaults_and_replaced_by_the_next(tmp_path: Path) -> None:
    cells: list[dict[str, Any]] = [
        code_cell("defaults", "a, b = 1, 'x'", metadata={"tags": ["parameters"]}),
        code_cell("use", "print(a, b)"),
    ]
    graphs = {"gm": {"np_graph": {"defaults": ["use"]}, "pc_graph": {}}}
    path = write_notebook(tmp_path / "x.ipynb", *cells, metadata=graphs)
    assert run(path, "--param", "a=[2, true]", "--param", "b=text here").returncode == 0
    assert outputs(path)[-1] == "[2, True] text here\n"
    assert run(path, "--param", "a=3").returncode == 0
    assert outputs(path)[-1] == "3 x\n"
    saved = read_notebook(path)
    assert len(saved["cells"]) == 3
    assert saved["cells"][1]["metadata"]["tags"] == ["injected-parameters"]
    assert saved["metadata"]["gm"]["np_graph"]["defaults"] == [saved["cells"][1]["id"]]


@pytest.mark.full
def test_one_cell_a_tissue_and_from_a_cell_on(tmp_path: Path) -> None:
    cells = [code_cell("a", "print('a')"), markdown_cell("h", "# Part"), code_cell("b", "print('b')")]
    graphs = {"gm": {"np_graph": {"a": ["h"], "h": ["c"]}, "pc_graph": {"h": ["b"]}}}
    path = write_notebook(tmp_path / "x.ipynb", *cells, code_cell("c", "print('c')"), metadata=graphs)
    assert run(path, "--cell", "c").returncode == 0
    assert outputs(path) == ["", "", "c\n"]
    assert run(path, "--tissue", "b").returncode == 0
    assert outputs(path) == ["", "b\n", "c\n"]
    said = json.loads(run(path, "--from", "h", "--json").stdout)
    assert [cell["id"] for cell in said["cells"]] == ["b", "c"]


@pytest.mark.full
def test_a_time_limit_fails_the_cell_in_words(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "x.ipynb", code_cell("one", "import time; time.sleep(60)"))
    done = run(path, "--timeout", "1")
    assert done.returncode == 1
    assert "longer than the 1 s that a cell may take" in done.stderr


def test_ctrl_c_interrupts_saves_and_says_so(tmp_path: Path) -> None:
    sources = ("import time; print('begun', flush=True); time.sleep(60)", "print('never')")
    path = write_notebook(tmp_path / "x.ipynb", *(code_cell(f"c{n}", text) for n, text in enumerate(sources)))
    marker = tmp_path / "begun"
    text = f"open({str(marker)!r}, 'w').close(); {sources[0]}"
    path = write_notebook(tmp_path / "x.ipynb", code_cell("c0", text), code_cell("c1", sources[1]))
    with subprocess.Popen(command(path), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for _ in range(600):
            if marker.exists():
                break
            trio.run(trio.sleep, 0.1)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130, told
    assert "1 did not run" in told
    cells = read_notebook(path)["cells"]
    assert cells[0]["outputs"][-1]["ename"] == "KeyboardInterrupt"
    assert cells[1]["outputs"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cell", "nowhere"], "There is no cell 'nowhere'"),
        (["--param", "no assignment"], "name=value"),
        (["--timeout", "soon"], "no number of seconds"),
        (["--kernel", "cobol"], "There is no Jupyter kernel named 'cobol'"),
        (["--out", "/nowhere/at/all.ipynb"], "cannot be written"),
        (["--cell", "one", "--tissue", "one"], "not allowed with"),
    ],
)
@pytest.mark.full
def test_what_cannot_begin_is_one_sentence_and_code_2(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    path = write_notebook(tmp_path / "x.ipynb", code_cell("one", "1"))
    done = run(path, *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_notebook_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(tmp_path / "none.ipynb")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "There is no notebook" in done.stderr


async def test_where_a_server_has_it_open_it_runs_there_and_both_see_it(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "x.ipynb", code_cell("one", "kept = 5"), code_cell("two", "print(kept)"))
    async with running_server(path, state_dir=tmp_path / "state") as server, Page(server) as ann:
        ann.insert("two", 0, "# from ann\n")
        await ann.saved()
        done = await trio.to_thread.run_sync(run, path, "--out", str(tmp_path / "out.ipynb"))
        assert done.returncode == 0, done.stderr
        assert "is open in a server" in done.stderr
        await ann.until(lambda: ann.text("two") == "5\n")
        again = await ann.run("print(kept + 1)")
        assert ann.text(again) == "6\n", "the kernel is the server's, and lives on"
    assert outputs(tmp_path / "out.ipynb") == ["", "5\n"]
    assert "# from ann" in (tmp_path / "out.ipynb").read_text()


@pytest.mark.full
def test_a_killed_servers_leavings_lead_nobody_astray(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "x.ipynb", code_cell("one", "print('here')"))
    assert run(path).returncode == 0
    [folder] = [each.parent for each in (tmp_path / "state").rglob("journal.sqlite")]
    assert not (folder / "server.json").exists()
    (folder / "server.json").write_text('{"address": "http://localhost:1/"}')
    os.chmod(folder / "server.json", 0o600)
    assert run(path).returncode == 0
    assert outputs(path) == ["here\n"]
