"""The file changes underneath a real server, or while none runs, and versions come back: SPEC.md, F-7, F-8, M, P."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.control_client import ControlClient, ControlError
from tests.server import running_server
from tests.system.support import (
    Page,
    code_cell,
    markdown_cell,
    names_in,
    read_notebook,
    same_ports,
    sources_of,
    write_notebook,
)

pytestmark = pytest.mark.system
# The same is tested of the actors by themselves; a server of its own takes seconds each.
full = pytest.mark.full

THREE = "one = 1\ntwo = 2\nthree = 3"


def note(path: Path, *more: dict[str, Any]) -> Path:
    return write_notebook(path, code_cell("first000", THREE), *more)


def change(path: Path, cell_id: str, old: str, new: str) -> None:
    """As an editor does: in the file as it is now."""
    content = json.loads(path.read_text())
    [cell] = [each for each in content["cells"] if each["id"] == cell_id]
    source = "".join(cell["source"])
    assert old in source
    cell["source"] = source.replace(old, new)
    path.write_text(json.dumps(content, indent=1))


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


async def merged_notice(control: ControlClient) -> dict[str, Any]:
    return await control.push("notebook", "notice", lambda message: message["code"] == "file_merged")


async def test_a_checkout_under_an_open_notebook_shows_by_itself_and_leaves_the_tree_clean(tmp_path: Path) -> None:
    """F-7, M-1."""
    path = note(tmp_path / "n.ipynb")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "n.ipynb")
    git(tmp_path, "commit", "-q", "-m", "one")
    git(tmp_path, "checkout", "-q", "-b", "other")
    note(path, markdown_cell("theirs00", "from the branch"))
    change(path, "first000", "two = 2", "two = 22")
    git(tmp_path, "commit", "-q", "-a", "-m", "two")
    git(tmp_path, "checkout", "-q", "main")
    async with running_server(path) as server, Page(server) as page:
        epoch = (await page.summary())["epoch"]
        git(tmp_path, "checkout", "-q", "other")
        theirs = path.read_bytes()
        notice = await merged_notice(page.control)
        assert "2 cells came from the file" in notice["message"]
        assert notice["level"] == "info"
        await page.refresh()
        assert list(page.array("cells")) == ["first000", "theirs00"]
        assert "two = 22" in page.cell("first000")["source"]
        await page.saved()
        git(tmp_path, "checkout", "-q", "main")
        await merged_notice(page.control)
        await page.refresh()
        assert list(page.array("cells")) == ["first000"]
        assert page.cell("first000")["source"] == THREE
        await page.saved()
        assert (await page.summary())["epoch"] == epoch
        git(tmp_path, "diff", "--exit-code")
        assert path.read_bytes() != theirs
        assert names_in(tmp_path) == [".git", "n.ipynb"]


@full
@pytest.mark.parametrize("asked", [True, False])
async def test_edits_here_and_in_the_file_come_together(tmp_path: Path, asked: bool) -> None:
    """F-7, M-2."""
    path = note(tmp_path / "n.ipynb", code_cell("second00", "2"))
    async with (
        running_server(path) as server,
        Page(server) as page,
        ControlClient(server.control_url, server.token) as other,
    ):
        page.insert("first000", 0, "zero = 0\n")
        await page.refresh()
        change(path, "first000", "three = 3", "three = 33")
        if asked:
            await page.ask("notebook", "checkpoint")
        for control in (page.control, other):
            assert "1 cell came from the file" in (await merged_notice(control))["message"]
        await page.saved()
        await page.refresh()
        both = "zero = 0\none = 1\ntwo = 2\nthree = 33"
        assert page.cell("first000")["source"] == both
        assert sources_of(path) == {"first000": both, "second00": "2"}


@full
async def test_a_contradiction_keeps_both_cells_marked_in_the_document_and_the_file(tmp_path: Path) -> None:
    """M-3."""
    path = note(tmp_path / "n.ipynb", markdown_cell("last0000", "end"))
    async with running_server(path) as server, Page(server) as page:
        page.insert("first000", 0, "ours = 1\n")
        await page.refresh()
        change(path, "first000", "one = 1", "theirs = 1")
        notice = await merged_notice(page.control)
        assert notice["level"] == "warning"
        assert "1 conflict" in notice["message"]
        await page.saved()
        first, second, last = read_notebook(path)["cells"]
        assert "".join(first["source"]) == f"ours = 1\n{THREE}"
        assert "".join(second["source"]) == THREE.replace("one", "theirs")
        assert first["metadata"]["gm"]["conflict"] == {"side": "notebook", "with": second["id"]}
        assert second["metadata"]["gm"]["conflict"] == {"side": "file", "with": "first000"}
        assert last["id"] == "last0000"
        await page.refresh()
        assert list(page.array("cells")) == ["first000", second["id"], "last0000"]
        await page.works()


@full
@pytest.mark.parametrize("unsaved", [True, False])
async def test_a_file_that_changed_while_no_server_ran_is_merged_and_the_lineage_stays(
    tmp_path: Path, unsaved: bool
) -> None:
    """P-3, M-1."""
    path, state, ports = note(tmp_path / "n.ipynb"), tmp_path / "state", same_ports()
    async with running_server(path, *ports, state_dir=state) as server:
        async with Page(server) as page:
            page.insert("first000", 0, "zero = 0\n")
            if not unsaved:
                await page.ask("notebook", "checkpoint")
            await page.refresh()
            epoch = (await page.summary())["epoch"]
        server.kill()
        await server.wait()
    change(path, "first000", "three = 3", "three = 33")
    both = "zero = 0\none = 1\ntwo = 2\nthree = 33"
    for _ in range(2):
        async with running_server(path, *ports, state_dir=state) as server, Page(server) as page:
            content = await page.dump()
            assert content["maps"]["first000"]["source"] == both
            assert (await page.summary())["epoch"] == epoch
            await page.saved()
            assert sources_of(path) == {"first000": both}
    assert list(state.rglob("journal-*.sqlite")) == []


@full
async def test_a_tool_that_drops_ids_and_places_changes_only_what_it_changed(tmp_path: Path) -> None:
    """M-5."""
    path = note(tmp_path / "n.ipynb", markdown_cell("text0000", "# Title"), code_cell("second00", "print(2)"))
    async with running_server(path) as server, Page(server) as page:
        page.map("second00")["top"] = 4000
        await page.ask("notebook", "checkpoint")
        content = read_notebook(path)
        content["nbformat_minor"] = 4
        del content["metadata"]["gm"]
        for each in content["cells"]:
            del each["id"]
            each["metadata"].pop("gm", None)
        content["cells"][0]["source"] = THREE.replace("2", "22")
        path.write_text(json.dumps(content))
        assert "1 cell came from the file" in (await merged_notice(page.control))["message"]
        await page.refresh()
        assert list(page.array("cells")) == ["first000", "text0000", "second00"]
        assert page.cell("first000")["source"] == THREE.replace("2", "22")
        assert page.cell("second00")["top"] == 4000
        await page.saved()


@full
async def test_a_file_that_was_deleted_is_written_again_by_itself_or_with_the_next_save(tmp_path: Path) -> None:
    """F-8."""
    path = note(tmp_path / "n.ipynb")
    async with running_server(path) as server, Page(server) as page:
        path.unlink()
        page.insert("first000", 0, "again = 1\n")
        await page.ask("notebook", "checkpoint")
        assert sources_of(path) == {"first000": f"again = 1\n{THREE}"}
        path.unlink()
        told = await page.control.push("notebook", "notice")
        assert told["code"] == "file_written_again"
        assert sources_of(path) == {"first000": f"again = 1\n{THREE}"}
        await page.saved()


@full
async def test_a_file_deleted_while_no_server_ran_comes_back_from_the_journal(tmp_path: Path) -> None:
    """F-8."""
    path, state = note(tmp_path / "n.ipynb"), tmp_path / "state"
    async with running_server(path, state_dir=state) as server, Page(server) as page:
        page.insert("first000", 0, "kept = 1\n")
        await page.ask("notebook", "checkpoint")
    path.unlink()
    async with running_server(path, state_dir=state) as server, Page(server) as page:
        assert (await page.dump())["maps"]["first000"]["source"] == f"kept = 1\n{THREE}"
        assert (await page.control.push("notebook", "notice"))["code"] == "file_written_again"
        await page.saved()
    assert sources_of(path) == {"first000": f"kept = 1\n{THREE}"}


@full
@pytest.mark.parametrize("odd", [b"no notebook", b"", "folder"])
async def test_a_file_that_is_no_notebook_any_more_is_told_and_merged_when_it_is_one_again(
    tmp_path: Path, odd: bytes | str
) -> None:
    """F-8, M-7."""
    path = note(tmp_path / "n.ipynb")
    async with running_server(path) as server, Page(server) as page:
        path.unlink()
        if isinstance(odd, bytes):
            path.write_bytes(odd)
        else:
            path.mkdir()
        told = await page.control.push("notebook", "saving", lambda message: message["status"] == "not saved")
        assert ("cannot be merged" if isinstance(odd, bytes) else "a folder has its name") in told["reason"]
        page.insert("first000", 0, "ours = 1\n")
        await page.refresh()
        if isinstance(odd, bytes):
            assert path.read_bytes() == odd
        else:
            path.rmdir()
        write_notebook(path, code_cell("first000", THREE), code_cell("new00000", "new"))
        await page.saved(within=20)
        assert sources_of(path) == {"first000": f"ours = 1\n{THREE}", "new00000": "new"}
        await page.refresh()
        assert list(page.array("cells")) == ["first000", "new00000"]


@full
async def test_saving_by_hand_replaces_what_is_no_notebook_and_keeps_it(tmp_path: Path) -> None:
    """F-8."""
    path, state = note(tmp_path / "n.ipynb"), tmp_path / "state"
    async with running_server(path, state_dir=state) as server, Page(server) as page:
        path.write_bytes(b"no notebook")
        await page.control.push("notebook", "saving", lambda message: message["status"] == "not saved")
        await page.ask("notebook", "checkpoint")
        assert sources_of(path) == {"first000": THREE}
        assert [each.read_bytes() for each in state.rglob("replaced-*.ipynb")] == [b"no notebook"]
        await page.saved()


async def test_a_version_comes_back_and_so_does_what_was_there_before(tmp_path: Path) -> None:
    """P-11, P-12."""
    path, state = note(tmp_path / "n.ipynb", code_cell("second00", "2")), tmp_path / "state"
    async with running_server(path, state_dir=state) as server, Page(server) as page:
        page.insert("first000", 0, "lost = 1\n")
        page.array("cells").pop(1)
        await page.ask("notebook", "checkpoint")
        [saved, opened] = (await page.ask("notebook", "versions"))["versions"]
        assert (saved["reason"], saved["cells"], opened["reason"], opened["cells"]) == ("save", 1, "opened", 2)
        assert saved["size"] == path.stat().st_size
        assert saved["time"] >= opened["time"] > 1.6e9
        page.insert("first000", 0, "not saved yet\n")
        await page.ask("notebook", "restore_version", {"id": opened["id"]})
        await page.refresh()
        assert list(page.array("cells")) == ["first000", "second00"]
        assert page.cell("first000")["source"] == THREE
        kept = (await page.ask("notebook", "versions"))["versions"][0]
        assert kept["reason"] == "before restore"
        server.kill()
        await server.wait()
    async with running_server(path, state_dir=state) as server, Page(server) as page:
        assert (await page.dump())["maps"]["first000"]["source"] == THREE
        await page.ask("notebook", "restore_version", {"id": kept["id"]})
        await page.refresh()
        assert list(page.array("cells")) == ["first000"]
        assert page.cell("first000")["source"] == f"not saved yet\nlost = 1\n{THREE}"
        await page.saved()
        assert sources_of(path) == {"first000": f"not saved yet\nlost = 1\n{THREE}"}


@full
async def test_both_sides_of_a_merge_can_be_restored(tmp_path: Path) -> None:
    """P-10, P-12."""
    path = note(tmp_path / "n.ipynb")
    async with running_server(path) as server, Page(server) as page:
        page.insert("first000", 0, "ours = 1\n")
        await page.refresh()
        change(path, "first000", "one = 1", "theirs = 1")
        await merged_notice(page.control)
        await page.saved()
        versions = {each["reason"]: each["id"] for each in (await page.ask("notebook", "versions"))["versions"]}
        for reason, text in (("before merge", f"ours = 1\n{THREE}"), ("file", THREE.replace("one", "theirs"))):
            await page.ask("notebook", "restore_version", {"id": versions[reason]})
            await page.refresh()
            assert [page.cell(str(each))["source"] for each in page.array("cells")] == [text]


@pytest.mark.parametrize(
    ("message", "code"), [({"id": 999}, "no_such_version"), ({"id": 0}, "bad_field"), ({}, "bad_field"),
                          ({"id": 2**64}, "bad_field"), ({"id": "1"}, "bad_field")],
)  # fmt: skip
@full
async def test_a_version_that_does_not_exist_is_refused(
    message: dict[str, Any], code: str, tmp_path: Path
) -> None:
    async with running_server(note(tmp_path / "n.ipynb")) as server, Page(server) as page:
        with pytest.raises(ControlError, match=code):
            await page.ask("notebook", "restore_version", message)
        assert page.cell("first000")["source"] == THREE


@full
async def test_a_cell_that_runs_while_the_file_changes_ends_with_its_outputs(tmp_path: Path) -> None:
    """M-6."""
    path = note(tmp_path / "n.ipynb")
    async with running_server(path) as server, Page(server) as page:
        cell = await page.begin("print('begun')\ninput()\nprint('ended')", until="begun")
        await page.until(lambda: page.last("kernel", "input_request") is not None)
        change(path, "first000", "one = 1", "one = 11")
        await merged_notice(page.control)
        await page.ask("kernel", "input_reply", {"value": "x"})
        await page.ended(cell)
        assert page.text(cell).startswith("begun\n")
        assert page.text(cell).endswith("ended\n")
        assert page.cell("first000")["source"].startswith("one = 11")
        await page.saved()
        assert set(sources_of(path)) == {"first000", cell}
