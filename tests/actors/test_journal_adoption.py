"""P-8: a notebook that was renamed or moved finds its journal by the hash of the bytes that were saved last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.boot import OpenNotebook, open_notebook, state_folder
from actors.disk import digest
from protocol.document import Document
from protocol.messages.changes import SetCell
from protocol.notebook_file import dump
from protocol.values import CellValue, NotebookValue

NOTEBOOK = dump(NotebookValue(cells=(CellValue(id="a", type="code", source="1", top=0, left=0),)))


class Desk:
    """A folder of notebooks and their state."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.notes.mkdir()
        self.state = folder / "state"

    def path(self, name: str) -> Path:
        return self.notes / f"{name}.ipynb"

    def folder(self, name: str) -> Path:
        return state_folder(self.state, self.path(name))

    def open(self, name: str, epoch: str = "new") -> OpenNotebook:
        return open_notebook(self.path(name), self.state, epoch)

    def work(self, name: str, count: int) -> None:
        """Make the notebook if there is none, and an edit that reaches the journal only."""
        if not self.path(name).exists():
            self.path(name).write_bytes(NOTEBOOK)
        with closing(self.open(name, f"epoch of {name}".encode("ascii", "replace").decode())) as notebook:
            document = Document(notebook.journal.replay().updates, count)
            update = document.edit([SetCell("a", {"execution_count": count})])
            notebook.journal.append((update,), None, content=True)

    def rename(self, old: str, new: str) -> None:
        self.path(old).rename(self.path(new))

    def found(self, name: str) -> tuple[int | None, str, list[str]]:
        """The edit that is in the journal, the epoch, and the codes of the notices."""
        with closing(self.open(name)) as notebook:
            value = Document(notebook.journal.replay().updates, 99).value()
            assert notebook.journal.known().place == os.fsencode(self.path(name))
            return value.cells[0].execution_count, notebook.epoch, [each.code for each in notebook.notices]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_work_is_found_again_after_a_rename_and_people_are_told(desk: Desk) -> None:
    desk.work("old", 5)
    (desk.folder("old") / "replaced-1.ipynb").write_bytes(b"kept")
    desk.rename("old", "new")
    with closing(desk.open("new")) as notebook:
        [notice] = notebook.notices
        assert (
            notice.message == f"The work on new.ipynb was found again: the notebook was {desk.path('old')} before."
        )
        assert (notice.code, notice.level) == ("journal_found", "info")
    assert desk.found("new") == (5, "epoch of old", [])
    assert (desk.folder("new") / "replaced-1.ipynb").read_bytes() == b"kept"
    assert not desk.folder("old").exists()


def test_a_rename_after_a_save_that_was_not_recorded_is_found_too(desk: Desk) -> None:
    desk.work("old", 5)
    data = NOTEBOOK.replace(b'"1"', b'"2"')
    with closing(desk.open("old")) as notebook:
        notebook.journal.set_meta(saving_hash=digest(data))
    desk.path("old").write_bytes(data)
    desk.rename("old", "new")
    assert desk.found("new") == (5, "epoch of old", ["journal_found"])


def test_a_copy_gets_a_journal_of_its_own(desk: Desk) -> None:
    desk.work("old", 5)
    shutil.copy(desk.path("old"), desk.path("copy"))
    assert desk.found("copy") == (None, "new", [])
    assert desk.found("old") == (5, "epoch of old", [])


def test_a_file_that_says_something_else_is_another_notebook(desk: Desk) -> None:
    desk.work("old", 5)
    desk.path("old").unlink()
    desk.path("new").write_bytes(NOTEBOOK.replace(b'"1"', b'"2"'))
    assert desk.found("new") == (None, "new", [])
    assert desk.folder("old").exists()


def test_of_two_the_newest_is_taken_and_the_other_is_named(desk: Desk) -> None:
    desk.work("first", 1)
    desk.work("second", 2)
    for age, name in ((10, "second"), (500, "first")):
        journal = desk.folder(name) / "journal.sqlite"
        then = journal.stat().st_mtime - age
        os.utime(journal, (then, then))
    desk.rename("first", "new")
    desk.path("second").unlink()
    with closing(desk.open("new")) as notebook:
        assert [each.code for each in notebook.notices] == ["journal_found", "journal_other"]
        assert str(desk.path("second")) in notebook.notices[0].message
        assert str(desk.folder("first")) in notebook.notices[1].message
    assert desk.found("new") == (2, "epoch of second", [])
    assert desk.folder("first").exists()


def test_a_journal_that_a_server_has_open_is_left_to_it(desk: Desk) -> None:
    desk.work("old", 5)
    with closing(desk.open("old")):
        desk.rename("old", "new")
        assert desk.found("new") == (None, "new", ["journal_elsewhere"])
    assert (desk.folder("old") / "journal.sqlite").exists()


def test_a_damaged_journal_is_salvaged_and_found(desk: Desk) -> None:
    desk.work("old", 5)
    desk.work("old", 6)
    journal = desk.folder("old") / "journal.sqlite"
    data = bytearray(journal.read_bytes())
    data[64] ^= 1  # told only by the head, so that the rest can still be read
    journal.write_bytes(data)
    desk.rename("old", "new")
    count, epoch, codes = desk.found("new")
    assert (count, epoch) == (6, "epoch of old")
    assert codes == ["journal_salvaged", "journal_found", "file_kept"]


def test_a_journal_that_was_never_compacted_is_found_though_its_log_lost_its_head(desk: Desk) -> None:
    """What it is and whose is in the database itself, from the beginning."""
    desk.path("old").write_bytes(NOTEBOOK)
    with closing(desk.open("old", "epoch of old")) as notebook:
        document = Document(notebook.journal.replay().updates, 5)
        update = document.edit([SetCell("a", {"execution_count": 5})])
        notebook.journal.append((update,), None, content=True)
        shutil.copytree(desk.folder("old"), desk.notes / "killed")
    shutil.rmtree(desk.folder("old"))
    (desk.notes / "killed").rename(desk.folder("old"))
    log = desk.folder("old") / "journal.sqlite-wal"
    log.write_bytes(bytes(32) + log.read_bytes()[32:])
    desk.rename("old", "new")
    assert desk.found("new") == (5, "epoch of old", ["journal_salvaged", "journal_found", "file_kept"])


def test_a_path_that_is_not_text_is_recorded_as_it_is(desk: Desk) -> None:
    name = os.fsdecode(b"caf\xe9")
    desk.work(name, 5)
    desk.rename(name, "new")
    with closing(desk.open("new")) as notebook:
        notebook.notices[0].message.encode()
    assert desk.found("new") == (5, "epoch of caf?", [])


class Killed(BaseException):
    pass


class Steps:
    """Raises :class:`Killed` before or after the ``last`` of the calls that go through it."""

    def __init__(self, last: int, before: bool) -> None:
        self.last = last
        self.before = before
        self.done = 0

    def through(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            self.done += 1
            if self.done == self.last and self.before:
                raise Killed
            result = real(*arguments, **options)
            if self.done == self.last:
                raise Killed
            return result

        return step


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("last", range(1, 8))  # two files, the marker, three of the old folder, the folder
def test_a_server_that_dies_at_any_step_of_the_move_leaves_it_to_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, last: int, before: bool
) -> None:
    desk.work("old", 5)
    (desk.folder("old") / "replaced-1.ipynb").write_bytes(b"kept")
    desk.rename("old", "new")
    steps = Steps(last, before)
    with monkeypatch.context() as patch:
        for name in ("rename", "unlink", "rmdir"):
            patch.setattr(Path, name, steps.through(getattr(Path, name)))
        with pytest.raises(Killed):
            desk.open("new").close()
    count, epoch, codes = desk.found("new")
    assert (count, epoch) == (5, "epoch of old")
    assert (desk.folder("new") / "replaced-1.ipynb").read_bytes() == b"kept"
    assert set(codes) <= {"journal_found"}
