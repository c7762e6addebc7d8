"""The notebook's file under a real server: SPEC.md, section F, and durability, section P."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest
import trio

from tests.conformance.clients import until
from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import ServerEnded, running_server
from tests.system.support import (
    Page,
    code_cell,
    names_in,
    read_notebook,
    same_ports,
    sources_of,
    text_of,
    write_notebook,
)

pytest_plugins = ["tests.corpus"]
pytestmark = pytest.mark.system

TOUR = Path(__file__).parents[2] / "examples" / "tour.ipynb"


def copy_tour(tmp_path: Path) -> Path:
    return Path(shutil.copyfile(TOUR, tmp_path / "tour.ipynb"))


def identity(path: Path) -> tuple[bytes, int, int]:
    """Its bytes, and what tells whether it was written or replaced."""
    about = path.stat()
    return path.read_bytes(), about.st_ino, about.st_mtime_ns


def note(path: Path, *more: dict[str, object]) -> Path:
    return write_notebook(path, code_cell("first000", "1 + 1"), *more)


async def test_the_tour_opens_runs_green_from_top_to_bottom_and_is_saved(tmp_path: Path) -> None:
    path = copy_tour(tmp_path)
    async with running_server(path) as server, Page(server) as page:
        cells = [str(cell) for cell in page.array("cells")]
        code = [cell for cell in cells if page.map(cell)["type"] == "code"]
        for cell in code:
            await page.queue(cell)
            while cell in ((await page.summary())["running"], *(await page.summary())["queued"]):
                if asked := (await page.summary())["input"]:
                    await page.ask("kernel", "input_reply", {"value": "Galileo", "id": asked["id"]})
                await trio.sleep(0.05)
        await page.ended(*code)
        for cell in code:
            assert [each for each in page.outputs(cell) if each["output_type"] == "error"] == []
            assert page.cell(cell)["execution_count"] is not None
        await page.ask("notebook", "checkpoint")
    saved = {cell["id"]: cell for cell in read_notebook(path)["cells"]}
    assert list(saved) == cells
    assert all(saved[cell]["execution_count"] for cell in code)
    assert any(saved[cell]["outputs"] for cell in code)
    assert sources_of(path) == sources_of(TOUR)


async def test_opening_without_an_edit_never_writes(tmp_path: Path) -> None:
    """F-5."""
    path = copy_tour(tmp_path)
    before = identity(path)
    async with running_server(path) as server:
        async with Page(server) as page:
            assert (await page.summary())["saving"] == {"status": "saved", "reason": ""}
            page.set_awareness({"id": "looks"})
            await page.ask("kernel", "specs")
            await page.ask("notebook", "checkpoint")
        server.terminate()
        assert await server.wait() == 0
    assert identity(path) == before
    assert names_in(tmp_path) == ["tour.ipynb"]


async def test_a_checkpoint_is_answered_when_the_bytes_are_on_the_disk_and_twice_gives_the_same(
    tmp_path: Path,
) -> None:
    """F-1, F-5."""
    path = note(tmp_path / "n.ipynb")
    async with running_server(path) as server, Page(server) as page:
        for number in range(5):
            page.insert("first000", 0, f"{number} + ")
            await page.ask("notebook", "checkpoint")
            assert sources_of(path)["first000"].startswith(f"{number} + ")
        before = path.read_bytes()
        await page.ask("notebook", "checkpoint")
        assert path.read_bytes() == before
        assert names_in(tmp_path) == ["n.ipynb"]


async def test_an_edit_is_saved_by_itself_after_some_seconds(tmp_path: Path) -> None:
    path = note(tmp_path / "n.ipynb")
    async with running_server(path) as server, Page(server) as page:
        page.insert("first000", 0, "0 + ")
        await page.control.push("notebook", "saving", lambda message: message["status"] == "saving")
        await page.saved()
        assert sources_of(path)["first000"] == "0 + 1 + 1"


async def test_a_new_notebook_is_created_at_the_first_save(tmp_path: Path) -> None:
    path = tmp_path / "new.ipynb"
    async with running_server(path) as server:
        async with Page(server) as page:
            assert not path.exists()
            cell = page.add("1")
            await page.ask("notebook", "checkpoint")
            assert sources_of(path) == {cell: "1"}
        umask = os.umask(0)
        os.umask(umask)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


async def test_a_read_only_file_is_told_to_all_loses_nothing_and_recovers(tmp_path: Path) -> None:
    """F-6."""
    path = note(tmp_path / "n.ipynb")
    before = path.read_bytes()
    path.chmod(0o444)
    async with (
        running_server(path) as server,
        Page(server) as page,
        ControlClient(server.control_url, server.token) as other,
    ):
        page.insert("first000", 0, "kept + ")
        for control in (page.control, other):
            told = await control.push("notebook", "saving", lambda message: message["status"] == "not saved")
            assert "n.ipynb could not be written" in told["reason"]
            assert "read-only" in told["reason"]
        with pytest.raises(ControlError, match=r"not_saved.*read-only"):
            await page.ask("notebook", "checkpoint")
        assert path.read_bytes() == before
        async with ControlClient(server.control_url, server.token) as later:
            assert (await later.push("notebook", "saving"))["status"] == "not saved"
        page.insert("first000", 0, "still ")
        path.chmod(0o644)
        await page.saved(within=15)
        assert sources_of(path)["first000"] == "still kept + 1 + 1"
        await other.push("notebook", "saving", lambda message: message["status"] == "saved")


async def test_who_stops_a_server_that_could_not_save_reads_so_and_the_next_start_has_the_edits(
    tmp_path: Path,
) -> None:
    path, state = note(tmp_path / "n.ipynb"), tmp_path / "state"
    path.chmod(0o444)
    async with running_server(path, state_dir=state) as server:
        async with Page(server) as page:
            page.insert("first000", 0, "0 + ")
            await page.control.push("notebook", "saving", lambda message: message["status"] == "saving")
        server.terminate()
        assert await server.wait() == 0
        (line,) = server.stderr.splitlines()
        assert "Not saved: n.ipynb could not be written: the file is read-only. The edits are kept" in line
    path.chmod(0o644)
    async with running_server(path, state_dir=state) as server, Page(server) as page:
        await page.saved()
        assert sources_of(path)["first000"] == "0 + 1 + 1"


async def test_permissions_are_kept_and_a_symlink_is_followed(tmp_path: Path) -> None:
    """F-4."""
    (tmp_path / "real").mkdir()
    path = note(tmp_path / "real" / "n.ipynb")
    path.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(path)
    async with running_server(link) as server, Page(server) as page:
        page.insert("first000", 0, "0 + ")
        await page.ask("notebook", "checkpoint")
    assert link.is_symlink()
    assert sources_of(path)["first000"] == "0 + 1 + 1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


async def test_what_was_not_saved_survives_kill_9_and_is_saved_after_the_restart(tmp_path: Path) -> None:
    """P-1, P-3."""
    path, state, ports = note(tmp_path / "n.ipynb"), tmp_path / "state", same_ports()
    before = path.read_bytes()
    async with (
        running_server(path, *ports, state_dir=state) as server,
        PycrdtClient(server.room_url, server.token) as writer,
        PycrdtClient(server.room_url, server.token) as reader,
    ):
        writer.insert("first000", 0, "durable + ")
        writer.create("second00", "2")

        async def arrived() -> bool:
            return "second00" in list(reader.array("cells"))

        await until(arrived)
        server.kill()
        await server.wait()
    assert path.read_bytes() == before
    async with running_server(path, *ports, state_dir=state) as server, Page(server) as page:
        content = await page.dump()
        assert content["cells"] == ["first000", "second00"]
        assert content["maps"]["first000"]["source"] == "durable + 1 + 1"
        await page.saved()
        assert sources_of(path) == {"first000": "durable + 1 + 1", "second00": "2"}
        assert not [push for push in page.control.pushes if push["method"] == "notice"]


async def test_whatever_clients_write_the_saved_file_is_a_valid_notebook(tmp_path: Path) -> None:
    """F-1."""
    path = note(tmp_path / "n.ipynb")
    async with running_server(path) as server, Page(server) as page:
        odd = page.add("x", type="tapestry", metadata=[1], attachments={"a": 5}, collapsed="?", top="high")
        page.map(odd)["source"] = 7
        page.map("first000")["type"] = "markdown"
        page.map("first000")["metadata"] = {"tags": "no list", "gm": 3}
        page.array("cells").append("nowhere0")
        page.map("notebook")["metadata"] = {"kernelspec": 5, "authors": {"name": 1}}
        run = await page.run("print(1)")
        await page.ask("notebook", "checkpoint")
        cells = {cell["id"]: cell for cell in read_notebook(path)["cells"]}
        assert cells[run]["outputs"][0]["text"] == ["1\n"]
        assert "nowhere0" in cells or "first000" in cells
        await page.saved()  # the graphs may just be repaired


CORPUS = ["test2.ipynb", "test3.ipynb", "test4.ipynb", "invalid.ipynb"]


@pytest.mark.parametrize("name", CORPUS)
async def test_old_and_broken_files_open_and_save_valid_or_are_refused_with_a_sentence(
    name: str, nbformat_corpus: dict[str, bytes], tmp_path: Path
) -> None:
    """F-3."""
    path = tmp_path / name
    path.write_bytes(nbformat_corpus[name])
    refused: list[ServerEnded] = []
    try:
        async with running_server(path) as server, Page(server) as page:
            cell = page.add("added")
            await page.ask("notebook", "checkpoint")
            notebook = read_notebook(path)
            assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
            assert cell in [each["id"] for each in notebook["cells"]]
    except ServerEnded as ended:
        refused.append(ended)
    for ended in refused:
        assert (ended.code, ended.stderr.count("\n")) == (1, 1)
        assert path.read_bytes() == nbformat_corpus[name]


async def test_a_file_of_a_newer_format_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "newer.ipynb"
    text = json.dumps({"nbformat": 99, "cells": []})
    path.write_text(text)
    with pytest.raises(ServerEnded) as ended:
        async with running_server(path):
            pass
    assert (ended.value.code, ended.value.stderr.count("\n")) == (1, 1)
    assert path.name in ended.value.stderr
    assert text_of(path) == text
