"""The Checkpointer with a real journal and a real file."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import EllipsisType
from typing import Any

import pytest
import trio
import trio.testing

from actors.boot import OpenNotebook, open_notebook
from actors.checkpointer import checkpointer
from actors.disk import NotebookFile, Signature, digest
from actors.mailbox import ActorDied, Address, again
from actors.supervisor import Child
from protocol.document import Document
from protocol.merge import Report
from protocol.messages.changes import SetCell
from protocol.messages.checkpointer import (
    Append,
    Appended,
    AppendFailed,
    CheckpointerMessage,
    FoundChange,
    KeepVersion,
    Load,
    Look,
    LookAtFile,
    Merged,
    Quarantine,
    ReadVersion,
    Recovered,
    Save,
    ShowVersions,
    StoreSnapshot,
)
from protocol.messages.shared import Done, Entry, Notice, Refused, Saving
from protocol.notebook_file import dump, load
from protocol.update import read
from protocol.values import CellValue, NotebookValue
from tests.actors.stage import Stage, stage

NOTEBOOK = NotebookValue(cells=(CellValue(id="a", type="code", source="1", top=0, left=0),))
CHANGED = NotebookValue(cells=(CellValue(id="a", type="code", source="2", top=0, left=0),))
QUEUE = (Entry("1", "a", "1"),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.ipynb"
    path.write_bytes(dump(NOTEBOOK))
    return path


@pytest.fixture
def notebook(path: Path) -> Iterator[OpenNotebook]:
    notebook = open_notebook(path, path.parent / "state", "e1")
    yield notebook
    notebook.close()


class Disk:
    """Asks of a Checkpointer that runs."""

    def __init__(self, address: Address[CheckpointerMessage], stage: Stage) -> None:
        self.address = address
        self.stage = stage

    async def load(self) -> Recovered:
        return await again(lambda: self.address.ask(Load))

    async def append(self, *updates: bytes, queue: Any = None, content: bool = True) -> Appended | AppendFailed:
        return await again(lambda: self.address.ask(Append, updates, queue, content))

    async def save(
        self,
        value: NotebookValue,
        force: bool = False,
        content: int = 0,
        merged: Merged | None = None,
        edited: bool = True,
    ) -> Saving | FoundChange:
        return await again(lambda: self.address.ask(Save, value, force, content, merged, edited))

    async def look(self, at_once: bool = False) -> Look:
        return await again(lambda: self.address.ask(LookAtFile, at_once))


@asynccontextmanager
async def running(notebook: OpenNotebook) -> AsyncIterator[Disk]:
    child: Child[CheckpointerMessage] = Child("disk", checkpointer(notebook), capacity=16)
    async with stage(child) as made:
        yield Disk(child.address, made)


def edited(recovered: Recovered, count: int) -> bytes:
    return Document(recovered.updates, 1).edit([SetCell("a", {"execution_count": count})])


async def test_appends_are_loaded_again_by_every_incarnation(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        first = await disk.load()
        assert (first.first, first.saved, first.epoch, first.queue) == (True, True, "e1", ())
        update = edited(first, 5)
        assert await disk.append(update, queue=QUEUE) == Appended(wants_snapshot=False, content=1)
        for _ in range(2):
            again_ = await disk.load()
            assert again_.updates == (*first.updates, update)
            assert (again_.first, again_.saved, again_.queue, again_.old_queue) == (False, False, QUEUE, False)
            await disk.stage.kill("disk")


async def test_a_snapshot_replaces_and_is_loaded(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        await disk.append(b"one", queue=QUEUE)
        answer = await disk.address.ask(StoreSnapshot, b"all", (), False)
        assert answer == Appended(wants_snapshot=False, content=1)
        loaded = await disk.load()
        assert (loaded.updates, loaded.queue) == ((b"all",), ())


async def test_a_queue_of_the_last_server_is_old_until_another_one_is_recorded(path: Path) -> None:
    notebook = open_notebook(path, path.parent / "state", "e1")
    async with running(notebook) as disk:
        await disk.append(queue=QUEUE, content=False)
    notebook.close()
    notebook = open_notebook(path, path.parent / "state", "e2")
    async with running(notebook) as disk:
        for _ in range(2):
            assert (await disk.load()).old_queue
            await disk.append(b"x")
            await disk.stage.kill("disk")
        await disk.append(queue=(), content=False)
        assert not (await disk.load()).old_queue
        await disk.append(queue=(Entry("2", "a", ""),), content=False)
        assert not (await disk.load()).old_queue
    notebook.close()


async def test_boot_notices_are_told_once(notebook: OpenNotebook) -> None:
    notebook.notices = (Notice("x", "y"),)
    async with running(notebook) as disk:
        assert (await disk.load()).notices == (Notice("x", "y"),)
        assert (await disk.load()).notices == ()


async def test_damaged_records_are_left_out_and_told(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        await disk.append(b"one", b"two", b"three")
        notebook.journal._db.execute("UPDATE updates SET crc = 0 WHERE data = X'74776F'")
        loaded = await disk.load()
        assert loaded.updates[1:] == (b"one", b"three")
        [notice] = loaded.notices
        assert (notice.code, notice.level) == ("journal_damaged", "warning")
        assert notice.message.startswith("1 records")
        assert not loaded.gapless  # whatever builds upon it is left out, too


async def test_a_save_writes_the_file_and_remembers_it(notebook: OpenNotebook, path: Path) -> None:
    async with running(notebook) as disk:
        loaded = await disk.load()
        appended = await disk.append(edited(loaded, 1))
        assert isinstance(appended, Appended)
        assert await disk.save(CHANGED, content=appended.content) == Saving("saved")
        assert load(path.read_bytes()) == CHANGED
        assert (await disk.load()).saved
    known = notebook.journal.known()
    assert known.file_hash == known.saving_hash


async def test_saving_what_the_file_says_already_does_not_write_it(notebook: OpenNotebook, path: Path) -> None:
    async with running(notebook) as disk:
        before = path.stat()
        assert await disk.save(NOTEBOOK) == Saving("saved")
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        await disk.save(CHANGED)
        assert path.stat().st_ino != before.st_ino


async def test_a_file_that_is_no_notebook_any_more_is_left_alone_unless_a_person_asks(
    notebook: OpenNotebook, path: Path
) -> None:
    """F-8."""
    async with running(notebook) as disk:
        path.write_bytes(b"somebody else's")
        answer = await disk.save(CHANGED)
        assert isinstance(answer, Saving)
        assert answer.status == "not saved"
        assert "changed on disk by another program and cannot be merged" in answer.reason
        assert "not valid JSON" in answer.reason
        assert path.read_bytes() == b"somebody else's"
        assert await disk.save(CHANGED, force=True) == Saving("saved")
        assert load(path.read_bytes()) == CHANGED
        [kept] = notebook.folder.glob("replaced-*.ipynb")
        assert kept.read_bytes() == b"somebody else's"
        assert await disk.save(NOTEBOOK) == Saving("saved")


THEIRS = NotebookValue(cells=(*NOTEBOOK.cells, CellValue(id="t", type="code", source="theirs", top=200, left=0)))
BOTH = NotebookValue(cells=(*CHANGED.cells, THEIRS.cells[1]))


@pytest.mark.parametrize("force", [False, True])
async def test_a_file_changed_by_another_program_is_merged_and_only_then_replaced(
    notebook: OpenNotebook, path: Path, force: bool
) -> None:
    """F-7."""
    async with running(notebook) as disk:
        path.write_bytes(dump(THEIRS))
        found = await disk.save(CHANGED, force)
        assert isinstance(found, FoundChange)
        assert path.read_bytes() == dump(THEIRS)
        assert (found.notebook, found.theirs, found.report) == (BOTH, THEIRS, Report(taken=1))
        merged = Merged(found.hash, found.theirs)
        assert await disk.save(found.notebook, force, merged=merged) == Saving("saved")
        assert load(path.read_bytes()) == BOTH
    listed = notebook.journal.versions.listed()
    assert [version.reason for version in listed] == ["merge", "file", "before merge", "opened"]
    kept = [load(notebook.journal.versions.with_id(version.id) or b"") for version in listed]
    assert kept == [BOTH, THEIRS, CHANGED, NOTEBOOK]


async def test_a_file_that_says_everything_in_its_own_words_is_not_rewritten(
    notebook: OpenNotebook, path: Path
) -> None:
    """F-7."""
    own_words = dump(THEIRS).replace(b"\n ", b"\n    ")
    path.write_bytes(own_words)
    async with running(notebook) as disk:
        found = await disk.save(NOTEBOOK)
        assert isinstance(found, FoundChange)
        assert await disk.save(found.notebook, merged=Merged(found.hash, found.theirs)) == Saving("saved")
        assert await disk.look(at_once=True) == "same"
        assert await disk.save(found.notebook, edited=False) == Saving("saved")
    assert path.read_bytes() == own_words
    assert notebook.journal.known().file_hash == digest(own_words)


async def test_a_file_that_changed_again_before_the_merge_was_saved_is_merged_again(
    notebook: OpenNotebook, path: Path
) -> None:
    async with running(notebook) as disk:
        path.write_bytes(dump(THEIRS))
        found = await disk.save(CHANGED)
        assert isinstance(found, FoundChange)
        path.write_bytes(
            dump(NotebookValue(cells=(*THEIRS.cells, CellValue(id="u", type="raw", top=400, left=0))))
        )
        more = await disk.save(found.notebook, merged=Merged(found.hash, found.theirs))
        assert isinstance(more, FoundChange)
        assert [cell.id for cell in more.notebook.cells] == ["a", "t", "u"]


class Contested(NotebookFile):
    """Somebody else writes it, too: after each look of ours, and before our rename."""

    def __init__(self, path: Path, *theirs: NotebookValue) -> None:
        super().__init__(path)
        self.theirs = list(theirs)

    def write(self, data: bytes, over: Signature | EllipsisType = ...) -> None:
        if self.theirs:
            self.path.write_bytes(dump(self.theirs.pop(0)))
        super().write(data, over)


async def test_a_file_that_changes_while_it_is_saved_is_merged_and_not_replaced(
    notebook: OpenNotebook, path: Path
) -> None:
    """F-7."""
    notebook.file = Contested(path, THEIRS)
    async with running(notebook) as disk:
        found = await disk.save(CHANGED)
        assert isinstance(found, FoundChange)
        assert path.read_bytes() == dump(THEIRS)
        assert found.notebook == BOTH
        assert await disk.save(BOTH, merged=Merged(found.hash, found.theirs)) == Saving("saved")
    assert load(path.read_bytes()) == BOTH
    assert list(path.parent.glob(".*.tmp")) == []


async def test_a_file_that_is_written_all_the_time_is_left_alone_and_told(
    notebook: OpenNotebook, path: Path
) -> None:
    notebook.file = Contested(path, *[NOTEBOOK] * 9)  # what was saved last, so there is nothing to merge
    async with running(notebook) as disk:
        answer = await disk.save(CHANGED)
        assert answer == Saving("not saved", "x.ipynb is being changed by another program again and again.")
        assert path.read_bytes() == dump(NOTEBOOK)


async def test_a_look_finds_what_changed_by_its_content_also_with_the_old_size_and_time(
    notebook: OpenNotebook, path: Path
) -> None:
    """F-7."""
    async with running(notebook) as disk:
        assert [await disk.look(), await disk.look()] == ["moving", "same"]
        before = path.stat()
        path.write_bytes(dump(CHANGED))  # of the same length
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size
        assert [await disk.look(), await disk.look(), await disk.look()] == ["moving", "changed", "changed"]
        path.write_bytes(dump(NOTEBOOK))
        assert await disk.look(at_once=True) == "same"
        path.unlink()
        assert [await disk.look(at_once=True), await disk.look()] == ["gone", "gone"]
        path.mkdir()
        assert [await disk.look(), await disk.look()] == ["moving", "changed"]


async def test_our_own_saves_are_nobody_elses(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        await disk.save(CHANGED)
        assert await disk.look(at_once=True) == "same"


async def test_versions_are_listed_read_and_kept(notebook: OpenNotebook) -> None:
    """P-10."""
    async with running(notebook) as disk:
        await disk.save(CHANGED, force=True)
        assert await disk.address.ask(KeepVersion, THEIRS, "before restore") == Done()
        listed = await disk.address.ask(ShowVersions)
        assert not isinstance(listed, Refused)
        assert [(version.reason, version.cells) for version in listed] == [
            ("before restore", 2),
            ("save", 1),
            ("opened", 1),
        ]
        assert [await disk.address.ask(ReadVersion, version.id) for version in listed] == [
            THEIRS,
            CHANGED,
            NOTEBOOK,
        ]
        refused = await disk.address.ask(ReadVersion, 99)
        assert isinstance(refused, Refused)
        assert refused.code == "no_such_version"


async def test_a_death_between_the_rename_and_its_record_is_no_other_program(
    notebook: OpenNotebook, path: Path
) -> None:
    async with running(notebook) as disk:
        notebook.journal.set_meta(saving_hash=digest(dump(CHANGED)))
        path.write_bytes(dump(CHANGED))
        assert await disk.save(NOTEBOOK) == Saving("saved")
        assert path.read_bytes() == dump(NOTEBOOK)


async def test_a_deleted_file_is_made_again(notebook: OpenNotebook, path: Path) -> None:
    async with running(notebook) as disk:
        path.unlink()
        assert await disk.save(CHANGED) == Saving("saved")
        assert load(path.read_bytes()) == CHANGED


async def test_a_file_that_cannot_be_written_is_told_in_words_and_loses_nothing(
    notebook: OpenNotebook, path: Path
) -> None:
    async with running(notebook) as disk:
        path.chmod(0o444)
        assert await disk.save(CHANGED) == Saving(
            "not saved", "x.ipynb could not be written: the file is read-only."
        )
        assert path.read_bytes() == dump(NOTEBOOK)
        path.chmod(0o644)
        assert await disk.save(CHANGED) == Saving("saved")
        path.unlink()
        path.mkdir()
        answer = await disk.save(NOTEBOOK)
        assert answer == Saving("not saved", "x.ipynb could not be written: a folder has its name.")
        path.rmdir()
        assert await disk.save(NOTEBOOK) == Saving("saved")


async def test_a_missing_folder_is_told_and_nothing_is_made_up(notebook: OpenNotebook, path: Path) -> None:
    async with running(notebook) as disk:
        notebook.file.path = path.parent / "gone" / "x.ipynb"
        answer = await disk.save(CHANGED)
        assert answer == Saving("not saved", "x.ipynb could not be written: no such file or directory.")
        assert not (path.parent / "gone").exists()
        assert await disk.append(b"goes on") == Appended(wants_snapshot=False, content=1)


class FullDisk:
    """A journal whose writes fail for a while, in front of the real one."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.full = True

    def __getattr__(self, name: str) -> Any:
        if self.full and name in ("append", "store_snapshot", "begin_save"):
            return self.fail
        return getattr(self.inner, name)

    def fail(self, *_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")


async def test_a_full_disk_is_an_answer_and_not_a_crash(notebook: OpenNotebook, path: Path) -> None:
    real = notebook.journal
    full: Any = FullDisk(real)
    notebook.journal = full
    async with running(notebook) as disk:
        failed = AppendFailed("the journal cannot be written (database or disk is full)")
        assert await disk.append(b"x", queue=QUEUE) == failed
        assert await disk.address.ask(StoreSnapshot, b"x", (), True) == failed
        answer = await disk.save(CHANGED)
        assert answer == Saving("not saved", "The journal could not be written (database or disk is full).")
        assert path.read_bytes() == dump(NOTEBOOK)
        full.full = False
        assert await disk.append(b"x") == Appended(wants_snapshot=False, content=1)
        assert await disk.save(CHANGED) == Saving("saved")
    notebook.journal = real


async def test_a_slow_save_does_not_hold_up_appends(
    notebook: OpenNotebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, go = trio.Event(), trio.Event()
    write = notebook.file.write

    def slow(data: bytes, over: Signature) -> None:
        trio.from_thread.run_sync(written.set)
        trio.from_thread.run(go.wait)
        write(data, over)

    monkeypatch.setattr(notebook.file, "write", slow)
    async with running(notebook) as disk, trio.open_nursery() as nursery:
        nursery.start_soon(disk.save, CHANGED)
        await written.wait()
        assert isinstance(await disk.append(b"meanwhile"), Appended)
        go.set()


async def test_a_kill_during_an_append_leaves_it_whole_and_the_asker_knows(notebook: OpenNotebook) -> None:
    entered, go, token = trio.Event(), threading.Event(), trio.lowlevel.current_trio_token()
    append = notebook.journal.append

    class Slow(FullDisk):
        def __getattr__(self, name: str) -> Any:
            return self.slowly if name == "append" else getattr(self.inner, name)

        def slowly(self, *arguments: Any) -> int:
            trio.from_thread.run_sync(entered.set, trio_token=token)
            go.wait()
            return append(*arguments)

    real = notebook.journal
    slow: Any = Slow(real)
    notebook.journal = slow
    outcome: list[Appended | AppendFailed | None] = []

    async def ask() -> None:
        try:
            outcome.append(await disk.address.ask(Append, (b"in hand",), None, True))
        except ActorDied:
            outcome.append(None)

    async with running(notebook) as disk:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await entered.wait()
            nursery.start_soon(disk.stage.kill, "disk")
            await trio.testing.wait_all_tasks_blocked()
            go.set()
        assert outcome in ([Appended(wants_snapshot=False, content=1)], [None])  # it ends, one way or the other
        notebook.journal = real
        assert (await disk.load()).updates[-1] == b"in hand"


async def test_a_clean_stop_ends_the_save_under_way(notebook: OpenNotebook, path: Path) -> None:
    async with running(notebook) as disk:
        await disk.address.request(Save, CHANGED, False, 0)
    assert load(path.read_bytes()) == CHANGED


async def test_an_append_that_fails_in_an_unknown_way_is_a_crash_and_the_asker_knows(
    notebook: OpenNotebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", died.append)

    class Broken(FullDisk):
        def fail(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("a bug")

    real = notebook.journal
    broken: Any = Broken(real)
    notebook.journal = broken
    async with running(notebook) as disk:
        with pytest.raises(ActorDied):
            await disk.address.ask(Append, (b"one",), None, True)
        notebook.journal = real
        assert await disk.append(b"two") == Appended(wants_snapshot=False, content=1)
    while not died:  # the thread itself says why, a moment after the actor knows
        await trio.sleep(0.001)


async def test_appends_are_in_the_order_asked_and_a_load_behind_them_sees_them(notebook: OpenNotebook) -> None:
    async with running(notebook) as disk:
        answers = [await disk.address.request(Append, (mark,), None, True) for mark in (b"1", b"2", b"3")]
        assert (await disk.load()).updates[-3:] == (b"1", b"2", b"3")
        assert [await answer() for answer in answers] == [Appended(False, count) for count in (1, 2, 3)]


async def test_what_broke_the_document_is_kept_beside_the_journal_and_not_in_it(notebook: OpenNotebook) -> None:
    """S-12."""
    async with running(notebook) as disk:
        await disk.address.tell(Quarantine(b"poison", "a panic"))
        await disk.load()
        with trio.fail_after(10):
            while not list((notebook.folder / "quarantine").glob("*.txt")):
                await trio.sleep(0.01)
        [kept] = (notebook.folder / "quarantine").glob("*.update")
        assert kept.read_bytes() == b"poison"
        assert not any(b"poison" in update for update in (await disk.load()).updates)


async def test_the_seeds_id_is_told_to_the_hub(notebook: OpenNotebook) -> None:
    """S-13."""
    async with running(notebook) as disk:
        recovered = await disk.load()
        [section] = read(recovered.updates[0]).sections
        assert recovered.seed == section.client


async def test_a_save_that_failed_after_its_rename_is_not_taken_for_a_foreign_file(
    notebook: OpenNotebook, path: Path
) -> None:
    """Found by simulation: the next start set the journal aside, and with it what was acknowledged since."""

    class FailingFile(NotebookFile):
        renames = True

        def write(self, data: bytes, over: Signature | EllipsisType = ...) -> None:
            if self.renames:
                super().write(data, over)
            raise OSError(28, "No space left on device")

    later = NotebookValue(cells=(CellValue(id="a", type="code", source="3", top=0, left=0),))
    notebook.file = file = FailingFile(path)
    async with running(notebook) as disk:
        assert (await disk.save(CHANGED)).status == "not saved"
        file.renames = False
        assert (await disk.save(later)).status == "not saved"
    known = notebook.journal.known()
    assert digest(path.read_bytes()) in (known.file_hash, known.saving_hash)
