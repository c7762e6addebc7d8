"""The Checkpointer with large outputs: beside the journal, whole in the file, found again where they got lost."""

from __future__ import annotations

import base64
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.blob_store import BlobLimits
from actors.boot import OpenNotebook, open_notebook
from actors.disk import digest
from actors.mailbox import again
from protocol.blobs import MIME, Blob, carve_notebook, named_in
from protocol.document import Document
from protocol.messages.checkpointer import (
    FoundChange,
    KeepBlobs,
    KeepVersion,
    ReadVersion,
    ShowVersions,
    TidyBlobs,
)
from protocol.messages.shared import Done, Refused, Saving
from protocol.notebook_file import dump, load
from protocol.values import CellValue, NotebookValue
from tests.actors.test_checkpointer import Disk, running

LIMITS = BlobLimits(limit=1000, notebook=100_000)


def plot(seed: int, size: int = 3000) -> Any:
    image = base64.encodebytes(random.Random(seed).randbytes(size)).decode()
    data = {"image/png": image, "text/html": ["<p>\n" * 500]}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def notebook_of(*seeds: int, source: str = "1") -> NotebookValue:
    cells = [CellValue(id=f"c{n}", type="code", source=source, outputs=(plot(n),), top=0, left=0) for n in seeds]
    return NotebookValue(cells=tuple(cells))


WHOLE = notebook_of(1, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.ipynb"
    path.write_bytes(dump(WHOLE))
    return path


def opened(path: Path, state: str = "state", limits: BlobLimits = LIMITS) -> OpenNotebook:
    return open_notebook(path, path.parent / state, "e", limits)


@pytest.fixture
def notebook(path: Path) -> Iterator[OpenNotebook]:
    notebook = opened(path)
    yield notebook
    notebook.close()


async def value_of(disk: Disk) -> NotebookValue:
    return Document((await disk.load()).updates, 7).value()


def kept(notebook: OpenNotebook) -> set[str]:
    return {each.name for each in notebook.blobs.folder.iterdir()}


async def test_the_document_has_references_and_the_file_is_saved_to_the_byte(notebook: OpenNotebook) -> None:
    before = notebook.path.read_bytes()
    async with running(notebook) as disk:
        recovered = await disk.load()
        assert sum(map(len, recovered.updates)) < 3000 < len(before)
        value = await value_of(disk)
        assert kept(notebook) == set(named_in(value))
        assert len(kept(notebook)) == 3  # two images and, once, the same text
        for force in (False, True):
            assert await disk.save(value, force) == Saving("saved")
            assert notebook.path.read_bytes() == before
        changed = NotebookValue(cells=value.cells[:1])
        assert await disk.save(changed) == Saving("saved")
        assert notebook.path.read_bytes() == dump(NotebookValue(cells=WHOLE.cells[:1]))


def test_the_same_file_seeds_the_same_bytes_and_another_limit_another_lineage(path: Path) -> None:
    def seeded(state: str, limit: int) -> tuple[tuple[bytes, ...], int]:
        notebook = opened(path, state, BlobLimits(limit))
        try:
            return notebook.journal.replay().updates, notebook.journal.known().seed
        finally:
            notebook.close()

    one = seeded("one", 1000)
    assert seeded("two", 1000) == one
    assert seeded("three", 1001) == one  # the same references
    assert len({one[1], seeded("four", 2500)[1], seeded("five", 10**6)[1]}) == 3


async def test_a_version_refers_to_values_and_brings_them_back(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        value = await value_of(disk)
        assert await disk.address.ask(KeepVersion, value, "before restore") == Done()
        assert await disk.save(notebook_of(3), force=True) == Saving("saved")
        versions = await disk.address.ask(ShowVersions)
        assert not isinstance(versions, Refused)
        assert [each.reason for each in versions] == ["save", "before restore"]
        assert versions[-1].size == len(dump(WHOLE))
        rows = notebook.journal._db.execute("SELECT length(data) FROM versions WHERE reason != 'save'").fetchall()
        assert all(length < 2000 for (length,) in rows)
        assert await disk.address.ask(ReadVersion, versions[-1].id) == value


async def test_what_another_program_changed_comes_as_references(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        value = await value_of(disk)
        theirs = notebook_of(1, 2)
        changed = NotebookValue(cells=(theirs.cells[0], notebook_of(9, source="other").cells[0]))
        notebook.path.write_bytes(dump(changed))
        answer = await disk.save(value)
        assert isinstance(answer, FoundChange)
        found = answer.notebook
        held: list[Blob] = []
        assert found.cells == carve_notebook(changed, LIMITS.limit, held.append).cells
        assert {blob.name for blob in held} <= kept(notebook)
        assert (answer.report.taken, answer.report.removed, answer.report.conflicts) == (1, 1, 0)


async def test_an_edit_of_another_program_beside_large_outputs_is_no_conflict(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        value = await value_of(disk)
        text = notebook.path.read_text().replace('"source": [\n    "1"', '"source": [\n    "2"', 1)
        notebook.path.write_text(text)
        answer = await disk.save(value)
        assert isinstance(answer, FoundChange)
        assert (answer.report.taken, answer.report.conflicts) == (1, 0)
        assert [cell.outputs for cell in answer.notebook.cells] == [cell.outputs for cell in value.cells]


@pytest.mark.parametrize("harm", ["deleted", "damaged", "folder deleted"])
async def test_a_value_that_got_lost_is_found_in_the_file_before_it_is_written(
    notebook: OpenNotebook, harm: str
) -> None:
    before = notebook.path.read_bytes()
    async with running(notebook) as disk:
        value = await value_of(disk)
        for each in list(notebook.blobs.folder.iterdir()):
            if harm == "damaged":
                each.write_bytes(each.read_bytes()[:-1] + b"?")
            else:
                each.unlink()
        if harm == "folder deleted":
            notebook.blobs.folder.rmdir()
        assert await disk.save(value, True) == Saving("saved")
        assert notebook.path.read_bytes() == before
        assert all(notebook.blobs.read(name) for name in named_in(value))


async def test_a_value_that_is_nowhere_leaves_its_reference_in_the_file_until_it_is_there(
    notebook: OpenNotebook,
) -> None:
    held: list[Blob] = []
    ghost = carve_notebook(notebook_of(7), LIMITS.limit, held.append)
    async with running(notebook) as disk:
        value = await value_of(disk)
        value = NotebookValue(cells=(*value.cells, *ghost.cells))
        (image,) = (blob for blob in held if blob.mime == "image/png")
        assert await disk.save(value) == Saving("saved")
        data = json.loads(notebook.path.read_bytes())["cells"][2]["outputs"][0]["data"]
        assert data.keys() == {"text/html", "text/plain", MIME}
        assert data[MIME].keys() == {"image/png", "text/plain"}
        assert carve_notebook(load(notebook.path.read_bytes()), LIMITS.limit, held.append).cells == value.cells
        assert await disk.address.ask(KeepBlobs, (image,), False) == Done()
        assert await disk.save(value) == Saving("saved")
        assert notebook.path.read_bytes() == dump(notebook_of(1, 2, 7))


async def test_tidying_keeps_what_document_and_versions_name_and_finds_what_is_missing(
    notebook: OpenNotebook,
) -> None:
    async with running(notebook) as disk:
        value = await value_of(disk)
        names = frozenset(named_in(value))
        stray = Blob(digest(b"stray"), "image/png", b"stray")
        assert await disk.address.ask(KeepBlobs, (stray,)) == Done()
        os.utime(notebook.blobs.folder / stray.name, (0, 0))
        notebook.blobs._fresh.clear()
        lost = next(iter(names))
        (notebook.blobs.folder / lost).unlink()
        aside = notebook.folder / "journal-20260101-000000.sqlite"
        aside.write_bytes(b"")
        assert await disk.address.ask(TidyBlobs, names) == Done()
        assert kept(notebook) == names | {stray.name}  # what was set aside may need it
        aside.unlink()
        for each in notebook.blobs.folder.iterdir():
            os.utime(each, (0, 0))
        notebook.blobs._fresh.clear()
        assert await disk.address.ask(TidyBlobs, frozenset()) == Done()
        assert kept(notebook) == names  # the version that was opened names them
        assert notebook.blobs.data(lost) is not None


async def test_values_that_cannot_be_kept_are_refused_in_words(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        large = Blob(digest(bytes(200_000)), "image/png", bytes(200_000))
        answer = await again(lambda: disk.address.ask(KeepBlobs, (large,)))
        assert answer == Refused("over_budget", "the outputs of this notebook exceed 100.0 kB")
        assert await disk.address.ask(KeepBlobs, (large,), False) == Done()
        for each in notebook.blobs.folder.iterdir():
            each.unlink()
        notebook.blobs.folder.rmdir()
        notebook.blobs.folder.write_bytes(b"a file has its place")
        answer = await disk.address.ask(KeepBlobs, (large,), False)
        assert answer == Refused("not_saved", "it could not be kept (file exists)")
        notebook.blobs.folder.unlink()


async def test_moving_a_notebook_takes_its_values_along(path: Path) -> None:
    notebook = opened(path)
    names = kept(notebook)
    notebook.close()
    moved = path.rename(path.with_name("y.ipynb"))
    notebook = opened(moved)
    assert kept(notebook) == names
    notebook.close()
