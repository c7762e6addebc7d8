"""`ganimede export` and the server's /export, as people and scripts meet them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from gateway.client import connect
from tests.server import running_server
from tests.system.support import code_cell, markdown_cell, write_notebook

pytestmark = pytest.mark.system


def run(path: Path | str, *arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", "export", str(path), "--state-dir", str(state), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = (markdown_cell("m", "# Notes"), code_cell("c", "print('saved')"))
    return write_notebook(tmp_path / "my notes.ipynb", *cells)


def test_a_file_is_written_beside_the_notebook_and_nothing_is_written_over(notebook: Path, tmp_path: Path) -> None:
    target = tmp_path / "my notes.py"
    done = run(notebook, "--to=script", state=tmp_path / "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(target) in done.stdout
    assert "print('saved')" in target.read_text()
    target.write_text("mine")
    done = run(notebook, "--to=script", state=tmp_path / "state")
    assert done.returncode == 2
    assert (
        done.stderr == f"ganimede: {target} is there already: name a file with --out, which may be the same one.\n"
    )
    assert target.read_text() == "mine"
    assert run(notebook, "--to=script", "-o", str(target), state=tmp_path / "state").returncode == 0
    assert "print('saved')" in target.read_text()
    assert run(notebook, "--to=script", "--out=-", state=tmp_path / "state").stdout == target.read_text()
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]


def test_what_cannot_be_exported_is_said_in_a_sentence(notebook: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{ this is no notebook")
    for arguments, words in (
        ([tmp_path / "none.ipynb"], "There is no notebook"),
        ([broken], "not a notebook"),
        ([notebook, "--to=pdf"], "--to: invalid choice: 'pdf'"),
        ([notebook, "-o", str(tmp_path / "no/where.html")], "cannot be written"),
        ([notebook, "-o", str(notebook)], "That is the notebook itself"),
    ):
        done = run(*arguments, state=state)  # type: ignore[arg-type,misc]
        assert done.returncode != 0
        assert done.stdout == ""
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1


async def test_what_people_see_is_exported_saved_or_not(notebook: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with running_server(notebook, state_dir=state) as server:
        async with connect(f"{server.url}/?token={server.token}") as client:
            client.add_cell("print('typed just now')")
            await client.durable()
            headers = {"Authorization": f"Bearer {server.token}"}
            async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as asking:
                answer = await asking.get("/export?to=script")
                assert answer.status_code == 200
                assert "typed just now" in answer.text
                assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''my%20notes.py"
                assert answer.headers["content-security-policy"].startswith("sandbox;")
                assert answer.headers["x-content-type-options"] == "nosniff"
                document = await asking.get("/export?to=document")
                assert "typed just now" in document.text
                assert (await asking.get("/export?to=pdf")).status_code == 400
                assert (await asking.get("/export")).status_code == 400
            async with httpx.AsyncClient(base_url=server.url) as stranger:
                assert (await stranger.get("/export?to=script")).status_code in (401, 403)
            done = run(notebook, "--to=script", "--out=-", state=state)
            assert "typed just now" in done.stdout
