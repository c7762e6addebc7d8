"""P-22: a journal that was deleted while it is open is noticed and made again, and loses nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.boot import BootError, OpenNotebook, open_notebook
from actors.disk import describe_lock
from actors.journal import Journal, JournalError, JournalGone
from actors.journal_renewal import renew
from actors.versions import packed
from protocol.messages.shared import Entry
from protocol.notebook_file import dump
from protocol.values import CellValue, NotebookValue

NOTEBOOK = dump(NotebookValue(cells=(CellValue(id="a", type="code", source="1", top=0, left=0),)))
QUEUE = (Entry("run-1", "a", "1"),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.ipynb"
    path.write_bytes(NOTEBOOK)
    return path


@pytest.fixture
def notebook(path: Path) -> Iterator[OpenNotebook]:
    with closing(open_notebook(path, path.parent / "state", "e1")) as notebook:
        describe_lock(notebook.lock, "the one that knows")
        notebook.journal.append((b"one",), QUEUE, content=True)
        yield notebook


def everything(notebook: OpenNotebook) -> None:
    shutil.rmtree(notebook.folder.parent)


def the_files(notebook: OpenNotebook) -> None:
    for name in ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"):
        (notebook.folder / name).unlink()


def the_log(notebook: OpenNotebook) -> None:
    (notebook.folder / "journal.sqlite-wal").unlink()


def a_folder_has_its_name(notebook: OpenNotebook) -> None:
    aside = notebook.folder.with_suffix(".aside")
    notebook.folder.rename(aside)
    shutil.copytree(aside, notebook.folder)


LOSSES = [everything, the_files, the_log, a_folder_has_its_name]


@pytest.mark.parametrize("lose", LOSSES)
def test_nothing_is_written_to_a_journal_that_is_gone(
    notebook: OpenNotebook, lose: Callable[[OpenNotebook], None]
) -> None:
    lose(notebook)
    journal = notebook.journal
    with pytest.raises(JournalGone, match="the journal has disappeared from"):
        journal.append((b"two",), None, content=True)
    with pytest.raises(JournalGone):
        journal.append((b"two",), QUEUE, content=True)
    with pytest.raises(JournalGone):
        journal.set_meta(saved_content=1)
    assert journal.replay().updates[1:] == (b"one",)  # it can still be read


@pytest.mark.parametrize("lose", LOSSES)
def test_its_successor_holds_everything_and_knows_what_it_knew(
    notebook: OpenNotebook, path: Path, lose: Callable[[OpenNotebook], None]
) -> None:
    notebook.journal.keep_version(packed(NOTEBOOK, 1, "save", 1.0))
    before, versions = notebook.journal.known(), notebook.journal.versions.whole()
    assert versions
    lose(notebook)
    assert renew(notebook, b"all", QUEUE) == before.content + 1
    known = notebook.journal.known()
    assert (known.epoch, known.place, known.file_hash, known.seed, known.saved) == (
        before.epoch, before.place, before.file_hash, before.seed, before.saved,
    )  # fmt: skip
    assert notebook.journal.versions.whole() == versions
    notebook.journal.append((b"two",), None, content=True)
    with pytest.raises(BootError, match="the one that knows"):
        open_notebook(path, path.parent / "state", "e2")
    notebook.close()
    with closing(open_notebook(path, path.parent / "state", "e2")) as later:
        assert (later.epoch, later.old_queue) == ("e1", QUEUE)
        assert later.journal.replay().updates == (b"all", b"two")
        assert later.notices == ()
    notebook.lock = os.open(os.devnull, os.O_RDONLY)  # for the fixture to close


def test_a_server_that_took_its_place_keeps_it(notebook: OpenNotebook, path: Path) -> None:
    everything(notebook)
    with closing(open_notebook(path, path.parent / "state", "e2")) as other:
        for _ in range(2):
            with pytest.raises(JournalError, match="another Ganimede server has the notebook open"):
                renew(notebook, b"all", QUEUE)
        other.journal.append((b"theirs",), None, content=True)
        assert other.journal.replay().updates[1:] == (b"theirs",)
    assert notebook.journal.replay().updates[1:] == (b"one",)


def test_a_renewal_that_fails_changes_nothing_and_can_be_tried_again(
    notebook: OpenNotebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(notebook)
    lost, handles = notebook.journal, set(os.listdir("/proc/self/fd"))

    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "take_over", full)
        for _ in range(3):
            with pytest.raises(sqlite3.OperationalError):
                renew(notebook, b"all", QUEUE)
        assert notebook.journal is lost
        assert [each.name for each in notebook.folder.iterdir()] == ["lock"]
        assert len(os.listdir("/proc/self/fd")) == len(handles)
    renew(notebook, b"all", QUEUE)
    assert notebook.journal.replay().updates == (b"all",)


def test_what_a_killed_server_left_is_in_the_database_before_anything_is_appended(path: Path) -> None:
    """Its log may be in the system's memory only, although it looks whole: P-21."""
    state = path.parent / "state"
    with closing(open_notebook(path, state, "e1")) as notebook:
        notebook.journal.append((b"one",), None, content=True)
        copy = path.parent / "copy"
        shutil.copytree(state, copy)
    shutil.rmtree(state)
    copy.rename(state)
    with closing(open_notebook(path, state, "e2")) as notebook:
        log = Path(f"{notebook.journal.path}-wal")
        assert log.stat().st_size == 0
        assert b"one" in notebook.journal.path.read_bytes()


def test_while_the_log_cannot_be_settled_nothing_is_appended(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Journal) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with closing(open_notebook(path, path.parent / "state", "e1")):
        pass
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "settle", fail)
        notebook = open_notebook(path, path.parent / "state", "e1")  # the disk may become well: it opens
        with pytest.raises(sqlite3.OperationalError):
            notebook.journal.append((b"one",), None, content=True)
    with closing(notebook):
        notebook.journal.append((b"one",), None, content=True)
        assert notebook.journal.replay().updates[1:] == (b"one",)


def test_another_program_that_reads_the_log_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_notebook(path, path.parent / "state", "e1")) as notebook:
        journal = notebook.journal
        journal._db.execute("PRAGMA busy_timeout=0")
        journal.append((b"one",), None, content=True)
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM updates").fetchone()
            journal.append((b"two",), None, content=True)
            with pytest.raises(sqlite3.OperationalError, match="another program reads it"):
                journal.settle()
        journal.settle()
