"""Opening a notebook: which of journal and file holds the truth."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.boot import BootError, OpenNotebook, open_notebook, state_folder
from actors.disk import digest
from protocol.document import Document
from protocol.messages.changes import SetCell
from protocol.messages.shared import Entry
from protocol.notebook_file import dump
from protocol.values import CellValue, NotebookValue

NOTEBOOK = NotebookValue(cells=(CellValue(id="a", type="code", source="1", top=0, left=0),))


class Place:
    """A notebook's file and its state folder; opens it again and again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notebooks" / "x.ipynb"
        self.path.parent.mkdir()
        self.state_dir = folder / "state"
        self.opened: list[OpenNotebook] = []

    def open(self, epoch: str = "e1") -> OpenNotebook:
        notebook = open_notebook(self.path, self.state_dir, epoch)
        self.opened.append(notebook)
        return notebook

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()

    def reopen(self, epoch: str = "e2") -> OpenNotebook:
        self.close()
        return self.open(epoch)

    @property
    def folder(self) -> Path:
        return state_folder(self.state_dir, self.path)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def value(notebook: OpenNotebook) -> NotebookValue:
    return Document(notebook.journal.replay().updates, 1).value()


def write_title(notebook: OpenNotebook, count: int) -> None:
    """An edit that reaches the journal only."""
    document = Document(notebook.journal.replay().updates, 1)
    update = document.edit([SetCell("a", {"execution_count": count})])
    notebook.journal.append((update,), None, content=True)


def codes(notebook: OpenNotebook) -> list[str]:
    return [notice.code for notice in notebook.notices]


def test_a_file_becomes_a_document_and_stays_as_it_is(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    notebook = place.open()
    assert value(notebook) == NOTEBOOK
    assert notebook.epoch == "e1"
    assert codes(notebook) == []
    assert place.path.read_bytes() == dump(NOTEBOOK)


def test_a_missing_file_is_an_empty_notebook_and_is_not_made(place: Place) -> None:
    assert value(place.open()) == NotebookValue()
    assert codes(place.reopen()) == []
    assert not place.path.exists()


def test_the_journal_holds_the_truth_while_the_file_is_the_one_it_saw(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    write_title(place.open(), 9)
    notebook = place.reopen()
    assert value(notebook).cells[0].execution_count == 9
    assert (notebook.epoch, codes(notebook)) == ("e1", [])


def test_a_file_that_changed_meanwhile_leaves_the_journal_its_lineage(place: Place) -> None:
    """P-3: the hub merges it (test_sync_hub_merging.py)."""
    place.path.write_bytes(dump(NOTEBOOK))
    write_title(place.open(), 9)
    place.close()
    theirs = dump(NOTEBOOK).replace(b'"1"', b'"2"')
    for data in (theirs, b"no notebook", None):
        place.path.unlink()
        if data is not None:
            place.path.write_bytes(data)
        notebook = place.reopen("e2")
        assert value(notebook).cells[0].execution_count == 9
        assert (notebook.epoch, codes(notebook)) == ("e1", [])
        known = notebook.journal.known()
        assert notebook.journal.versions.with_hash(known.file_hash) == dump(NOTEBOOK)  # what a merge begins with
        place.path.write_bytes(b"")
    assert list(place.folder.glob("journal-*.sqlite")) == []


def test_journals_set_aside_in_one_second_are_both_kept(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    for _ in range(3):
        place.reopen()
        place.close()
        (place.folder / "journal.sqlite").write_bytes(b"garbage" * 1000)
    assert len(list(place.folder.glob("journal-*.sqlite"))) == 2


def test_what_a_merge_begins_with_is_learned_from_the_file_where_the_journal_has_no_versions(place: Place) -> None:
    """P-10."""
    place.path.write_bytes(dump(NOTEBOOK))
    write_title(place.open(), 9)
    place.close()
    db = sqlite3.connect(place.folder / "journal.sqlite")
    db.execute("DELETE FROM versions")
    db.commit()
    db.close()
    notebook = place.open()
    assert value(notebook).cells[0].execution_count == 9
    assert notebook.journal.versions.with_hash(digest(dump(NOTEBOOK))) == dump(NOTEBOOK)
    [version] = notebook.journal.versions.listed()
    assert (version.reason, version.cells, version.size) == ("opened", 1, len(dump(NOTEBOOK)))


def test_a_server_that_died_between_the_rename_and_its_record_is_no_other_program(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    notebook = place.open()
    write_title(notebook, 9)
    new = dump(value(notebook))
    notebook.journal.set_meta(saving_hash=digest(new))
    notebook.file.write(new)
    notebook = place.reopen()
    assert (notebook.epoch, codes(notebook)) == ("e1", [])
    assert notebook.journal.known().file_hash == digest(new)
    assert notebook.journal.versions.with_hash(digest(new)) == new


def test_a_server_that_died_before_the_rename_finds_the_old_file_its_own(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    place.open().journal.set_meta(saving_hash=digest(b"never written"))
    assert codes(place.reopen()) == []


def test_a_seed_that_was_cut_short_is_made_again(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    notebook = place.open()
    notebook.journal.set_meta(epoch=None)
    notebook = place.reopen("e2")
    assert notebook.epoch == "e2"
    assert value(notebook) == NOTEBOOK


def test_the_queue_of_an_earlier_server_is_known_as_such(place: Place) -> None:
    queue = (Entry("1", "a", "1", begun=True),)
    notebook = place.open()
    assert notebook.old_queue == ()
    notebook.journal.append((), queue, content=False)
    assert place.reopen().old_queue == queue


# ------------------------------------------------------------------------------------------------------- damage


def test_a_journal_that_cannot_be_read_is_set_aside_and_the_file_is_loaded(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    place.open()
    place.close()
    journal = place.folder / "journal.sqlite"
    for suffix in ("-wal", "-shm"):
        Path(f"{journal}{suffix}").unlink(missing_ok=True)
    journal.write_bytes(b"garbage" * 1000)
    notebook = place.open("e2")
    assert codes(notebook) == ["journal_unreadable"]
    assert value(notebook) == NOTEBOOK
    assert notebook.epoch == "e2"
    [aside] = place.folder.glob("journal-*.sqlite")
    assert aside.read_bytes() == b"garbage" * 1000


def test_damaged_pages_that_show_only_when_read_are_found_at_boot(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    notebook = place.open()
    for _ in range(50):
        notebook.journal.append((os.urandom(2000),), None, content=True)
    place.close()
    journal = place.folder / "journal.sqlite"
    data = bytearray(journal.read_bytes())
    data[20480:61440] = os.urandom(40960)
    journal.write_bytes(data)
    notebook = place.open("e2")
    assert codes(notebook) == ["journal_salvaged", "file_kept"]
    assert "Its last snapshot and 0 updates were put together again" in notebook.notices[0].message
    assert value(notebook) == NOTEBOOK
    assert notebook.epoch == "e1"  # whoever has more of it may bring it back


def test_a_journal_that_lost_its_base_builds_upon_the_file_again(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    notebook = place.open()
    write_title(notebook, 5)
    place.close()
    db = sqlite3.connect(place.folder / "journal.sqlite")
    db.execute("UPDATE snapshot SET crc = crc + 1")
    db.commit()
    db.close()
    notebook = place.open("e2")
    assert codes(notebook) == ["journal_salvaged", "file_kept"]
    assert "The notebook's file and 1 update were put together again" in notebook.notices[0].message
    assert value(notebook).cells[0].execution_count == 5
    assert notebook.epoch == "e2"


def test_the_file_is_kept_before_what_remains_of_a_journal_is_saved_over_it(place: Place) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    notebook = place.open()
    for count in (1, 2):
        write_title(notebook, count)
    place.close()
    db = sqlite3.connect(place.folder / "journal.sqlite")
    db.execute("UPDATE updates SET crc = crc + 1 WHERE seq = 1")
    db.commit()
    db.close()
    notebook = place.open()
    assert codes(notebook) == ["file_kept"]
    [copy] = place.folder.glob("before-*.ipynb")
    assert copy.read_bytes() == dump(NOTEBOOK)
    assert str(copy) in notebook.notices[0].message


# ------------------------------------------------------------------------------------------------------ refusals


def test_a_second_server_is_refused_with_the_address_of_the_first(place: Place) -> None:
    from actors.disk import describe_lock

    first = place.open()
    describe_lock(first.lock, "http://localhost:8000/")
    with pytest.raises(BootError) as caught:
        place.open()
    assert str(caught.value) == ("x.ipynb is already open in another Ganimede server (http://localhost:8000/).")
    place.reopen()


def test_a_link_to_the_same_file_is_the_same_notebook(place: Place, tmp_path: Path) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    place.open()
    link = tmp_path / "link.ipynb"
    link.symlink_to(place.path)
    with pytest.raises(BootError, match="already open"):
        open_notebook(link, place.state_dir, "e")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"no json", "not valid JSON"), (b"[]", "not a notebook"), (b'{"cells": 5}', "has no cells")],
)
def test_a_file_that_is_no_notebook_is_refused_whole_and_unlocked(
    place: Place, content: bytes, sentence: str
) -> None:
    place.path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(BootError, match=sentence):
            place.open()
    assert place.path.read_bytes() == content
    place.path.write_bytes(dump(NOTEBOOK))
    assert value(place.open()) == NOTEBOOK


def test_a_folder_in_the_place_of_the_file_is_refused(place: Place) -> None:
    place.path.mkdir()
    with pytest.raises(BootError, match="cannot be read: a folder has its name"):
        place.open()


def test_symlinks_that_go_in_circles_are_refused(place: Place) -> None:
    place.path.symlink_to(place.path)
    with pytest.raises(BootError, match="cannot be read"):
        place.open()


def test_a_state_folder_that_cannot_be_made_is_refused(place: Place) -> None:
    place.state_dir.write_text("a file")
    with pytest.raises(BootError, match="state folder .* cannot be used"):
        place.open()


def test_a_disk_that_is_full_at_boot_does_not_cost_the_journal(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.path.write_bytes(dump(NOTEBOOK))
    write_title(place.open(), 9)
    place.close()
    connect = sqlite3.connect

    def full(*args: Any, **kwargs: Any) -> Any:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(BootError, match="disk is full"):
        place.open()
    monkeypatch.setattr(sqlite3, "connect", connect)
    notebook = place.open()
    assert value(notebook).cells[0].execution_count == 9
    assert list(place.folder.glob("journal-*")) == []


def test_the_state_of_a_notebook_is_closed_to_others_and_a_folder_of_the_user_stays_as_it_was(
    place: Place,
) -> None:
    place.state_dir.mkdir(mode=0o755)
    place.state_dir.chmod(0o755)
    place.open()
    assert stat.S_IMODE(place.state_dir.stat().st_mode) == 0o755
    assert stat.S_IMODE((place.state_dir / "notebooks").stat().st_mode) == 0o700
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_strays_of_a_killed_server_are_removed_and_nothing_else(place: Place) -> None:
    place.path = place.path.with_name("x[1]*.ipynb")
    folder = place.path.parent
    stray, other = folder / ".x[1]*.ipynb.0123abcd.tmp", folder / ".x1y.ipynb.0123abcd.tmp"
    stray.write_bytes(b"")
    other.write_bytes(b"")
    place.open()
    assert (stray.exists(), other.exists()) == (False, True)


def test_what_foreign_programs_left_out_is_laid_out_in_the_document_only(place: Place) -> None:
    plain: dict[str, Any] = {
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": "# A", "id": "head"},
            {"cell_type": "code", "metadata": {}, "source": "1", "id": "a", "outputs": [], "execution_count": None},
        ],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    data = json.dumps(plain).encode()
    place.path.write_bytes(data)
    loaded = value(place.open())
    assert loaded.pc_graph == {"head": ("a",)}
    assert all(cell.top is not None for cell in loaded.cells)
    assert place.path.read_bytes() == data
