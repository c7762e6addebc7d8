"""The journal: what it returned from is on the disk, and damage is told apart from what is whole."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.disk import digest
from actors.journal import COMPACT_BYTES, Journal, JournalError, NoJournalHere, Replayed
from actors.versions import Packed, packed
from protocol.messages.shared import Entry
from protocol.values import VersionReason

ROOT = Path(__file__).resolve().parents[2]
QUEUE = (
    Entry("1", "a", "x = 'é'\n", "me", begun=True),
    Entry("2", "b", "", ""),
    Entry("3", "c", "", "", True, True),
    Entry("4", "d", "", "", offered=True),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


_opened: list[Journal] = []


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    journal.store_snapshot(b"base", (), content=False)
    _opened.append(journal)
    yield journal
    while _opened:
        _opened.pop().close()


def reopened(journal: Journal) -> Journal:
    journal.close()
    again = Journal(journal.path)
    _opened.append(again)
    return again


def damage(path: Path, statement: str, *values: object) -> None:
    """Change the database behind the journal's back."""
    db = sqlite3.connect(path)
    db.execute(statement, values)
    db.commit()
    db.close()


def test_what_was_appended_is_replayed_in_order(journal: Journal) -> None:
    journal.append((b"one", b"two"), None, content=True)
    journal.append((b"", b"\x00" * 1000), QUEUE, content=True)
    journal.append((), (), content=False)
    journal.append((), QUEUE, content=False)
    replayed = reopened(journal).replay()
    assert replayed == Replayed((b"base", b"one", b"two", b"", b"\x00" * 1000), QUEUE, 0, True)


def test_a_snapshot_takes_the_place_of_everything_before(journal: Journal) -> None:
    journal.append((b"one",), QUEUE, content=True)
    journal.store_snapshot(b"all", QUEUE[1:], content=False)
    journal.append((b"two",), None, content=True)
    assert reopened(journal).replay() == Replayed((b"all", b"two"), QUEUE[1:], 0, True)


def test_the_content_counter_counts_content_only(journal: Journal) -> None:
    assert journal.append((b"1",), None, content=True) == 1
    assert journal.append((b"2",), None, content=False) == 1
    assert journal.store_snapshot(b"3", (), content=True) == 2
    journal = reopened(journal)
    assert journal.known().content == 2
    assert journal.append((), QUEUE, content=True) == 3
    journal = reopened(journal)
    assert journal.append((b"4", b"5"), QUEUE, content=True) == 4
    assert reopened(journal).known().content == 4


def test_a_snapshot_is_wanted_when_updates_outweigh_the_last_one(journal: Journal) -> None:
    half = bytes(COMPACT_BYTES // 2)
    journal.append((half,), None, content=True)
    assert not journal.wants_snapshot
    journal.append((half, b"x"), None, content=True)
    assert journal.wants_snapshot
    journal = reopened(journal)
    assert journal.wants_snapshot
    journal.store_snapshot(bytes(COMPACT_BYTES), (), content=False)
    assert not journal.wants_snapshot
    journal.append((half, half, half), None, content=True)
    assert not journal.wants_snapshot  # a big document is not rewritten for every megabyte


def test_an_append_that_fails_changes_nothing(journal: Journal) -> None:
    journal.append((b"one",), QUEUE, content=True)
    with pytest.raises(sqlite3.Error):
        journal.append((b"two",), (Entry("1", object(), ""),), content=True)  # type: ignore[arg-type]
    assert journal.replay() == Replayed((b"base", b"one"), QUEUE, 0, True)
    assert journal.known().content == 1
    assert journal.append((b"three",), None, content=True) == 2


@pytest.mark.parametrize("statement", ["UPDATE updates SET data = X'00' WHERE seq = 2",
                                       "UPDATE updates SET data = 'text' WHERE seq = 2",
                                       "UPDATE updates SET crc = crc + 1 WHERE seq = 2"])  # fmt: skip
def test_a_damaged_record_is_left_out_and_counted(journal: Journal, statement: str) -> None:
    journal.append((b"one", b"two", b"three"), QUEUE, content=True)
    journal.close()
    damage(journal.path, statement)
    assert reopened(journal).replay() == Replayed((b"base", b"one", b"three"), QUEUE, 1, True)


def test_a_damaged_snapshot_is_told(journal: Journal) -> None:
    journal.append((b"one",), None, content=True)
    journal.close()
    damage(journal.path, "UPDATE snapshot SET data = X'00'")
    assert reopened(journal).replay() == Replayed((b"one",), (), 1, False)


@pytest.mark.parametrize("garbage", [b"not a database at all" * 100, b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_journal_is_an_error(path: Path, garbage: bytes) -> None:
    path.write_bytes(garbage)
    with pytest.raises(JournalError, match="cannot be read") as caught:
        Journal(path).replay()
    assert not isinstance(caught.value, NoJournalHere)


def test_torn_pages_are_an_error_of_the_journal_and_not_of_sqlite(journal: Journal) -> None:
    for _ in range(50):
        journal.append((os.urandom(2000),), None, content=True)
    journal.close()
    data = bytearray(journal.path.read_bytes())
    data[8192:40960] = os.urandom(32768)
    journal.path.write_bytes(data)
    with pytest.raises(JournalError, match="cannot be read"):
        Journal(journal.path).replay()


FORMAT_1 = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE updates(seq INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE snapshot(one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE queue(position INTEGER PRIMARY KEY, id TEXT, cell_id TEXT, source TEXT, who TEXT, begun INTEGER);
INSERT INTO meta VALUES ('epoch', 'e'), ('content', 7), ('saved_content', 5);
PRAGMA user_version=1;
"""


def test_a_journal_of_the_first_format_is_taken_over_whole(path: Path) -> None:
    rows = [(data, zlib.crc32(data)) for data in (b"one", b"two", b"three")]
    with closing(sqlite3.connect(path)) as db:
        db.executescript(FORMAT_1)
        db.execute("INSERT INTO snapshot VALUES (1, ?, ?)", (b"base", zlib.crc32(b"base")))
        db.executemany("INSERT INTO updates(data, crc) VALUES (?, ?)", rows)
        db.execute("UPDATE updates SET crc = crc + 1 WHERE seq = 2")
        db.commit()
    for _ in range(2):  # once taken over, it is one of ours
        with closing(Journal(path)) as journal:
            assert journal.replay().updates[:3] == (b"base", b"one", b"three")
            assert journal.replay().damaged == 1
            assert (journal.known().epoch, journal.known().saved) == ("e", 5)
            assert journal.append((b"four",), None, content=True) == journal.known().content
    with closing(Journal(path)) as journal:
        assert journal.known().content == 9
        assert journal.replay().updates == (b"base", b"one", b"three", b"four", b"four")


def test_an_append_of_one_update_writes_one_page(journal: Journal) -> None:
    """Each further page costs as much as the row itself, at every key that anybody presses."""
    journal.append((b"one",), None, content=True)
    wal = Path(f"{journal.path}-wal")
    before = wal.stat().st_size
    for _ in range(10):
        journal.append((b"two",), None, content=True)
    (page,) = journal._db.execute("PRAGMA page_size").fetchone()
    assert wal.stat().st_size - before == 10 * (page + 24)  # each with the head of its frame


def test_a_folder_that_cannot_be_used_says_nothing_against_the_journal(tmp_path: Path) -> None:
    with pytest.raises(NoJournalHere, match="cannot be used .*--state-dir"):
        Journal(tmp_path / "missing" / "journal.sqlite")


def test_a_refused_journal_is_closed(journal: Journal) -> None:
    """Nothing of it stays open: it can be renamed and forgotten."""
    journal.close()
    damage(journal.path, "PRAGMA user_version=99")
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(JournalError):
            Journal(journal.path)
    assert set(os.listdir("/proc/self/fd")) == before


def test_every_commit_reaches_the_disk_itself(journal: Journal) -> None:
    """A power cut cannot be tested here, so the two settings that it depends on are."""
    assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_meta_is_kept(journal: Journal) -> None:
    journal.set_meta(epoch="e", file_hash="f", saving_hash="s", saved_content=3)
    known = reopened(journal).known()
    assert (known.epoch, known.file_hash, known.saving_hash, known.saved) == ("e", "f", "s", 3)


WRITER = """
import sys
from pathlib import Path
from actors.journal import Journal
from protocol.messages.shared import Entry
journal = Journal(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    number += 1
    mark = b"%d" % number
    if number % 40 == 0:
        state = b"".join(b"[%d]" % n for n in range(number + 1))
        journal.store_snapshot(state, (Entry(str(number), "c", ""),), content=False)
    else:
        journal.append((b"[" + mark + b"]",), (Entry(str(number), "c", ""),), content=True)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_kill_9_loses_nothing_that_was_acknowledged(path: Path) -> None:
    acknowledged = 0
    journal = Journal(path)
    journal.store_snapshot(b"[0]", (), content=False)
    journal.close()
    for round_ in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(acknowledged)], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert writer.stdout is not None
        last = acknowledged
        for _ in range(15 + 17 * round_):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()  # acknowledged while the signal was on its way
        writer.wait()
        writer.stdout.close()
        last = int(rest[-1]) if rest else last
        assert last > acknowledged
        journal = Journal(path)
        replayed = journal.replay()
        journal.close()
        assert replayed.damaged == 0
        present = b"".join(replayed.updates)
        assert all(b"[%d]" % number in present for number in range(last + 1))
        assert int(replayed.queue[0].id) in (last, last + 1)  # the one in hand, or not
        acknowledged = int(replayed.queue[0].id)


# ------------------------------------------------------------------------------------------------------ versions


def save(journal: Journal, text: str, reason: VersionReason, now: float) -> None:
    """As the Checkpointer does around its write of the file."""
    data = text.encode()
    journal.begin_save([packed(data, 1, reason, now)], journal.known().file_hash, digest(data))
    journal.end_save(digest(data), 0)


def texts(journal: Journal) -> list[str]:
    found = [journal.versions.with_id(version.id) for version in journal.versions.listed()]
    return [data.decode() for data in found if data is not None]


def test_the_last_ten_versions_are_kept_and_the_base_of_the_next_merge(journal: Journal) -> None:
    """P-10."""
    save(journal, "base", "save", 0)
    for number in range(12):
        journal.keep_version(packed(b"%d" % number, 1, "before merge", number))
    assert texts(reopened(journal)) == [*map(str, reversed(range(2, 12))), "base"]


@pytest.mark.parametrize("values", [(b"two", object()), (object(), 0)])
def test_a_save_is_recorded_with_its_version_or_not_at_all(journal: Journal, values: tuple[Any, Any]) -> None:
    """P-10."""
    save(journal, "one", "save", 0)
    data, cells = values
    with pytest.raises(sqlite3.Error):
        broken = Packed(1.0, "save", cells, 3, "two", data)
        journal.begin_save([packed(b"sound", 1, "save", 1), broken], "one", "two")
    assert texts(journal) == ["one"]
    assert journal.known().file_hash == journal.known().saving_hash == digest(b"one")


def test_saves_that_nobody_asked_for_do_not_drive_out_the_others(journal: Journal) -> None:
    """P-10."""
    save(journal, "opened", "opened", 0)
    for now in range(10, 1000, 10):
        save(journal, f"at {now}", "autosave", now)
    assert texts(journal) == ["at 990", "at 870", "at 580", "at 290", "opened"]
    save(journal, "asked", "save", 1001)
    save(journal, "asked again", "save", 1002)
    assert texts(journal)[:3] == ["asked again", "asked", "at 990"]


def test_the_base_stays_while_a_save_is_under_way_and_ten_versions_are_no_fewer(journal: Journal) -> None:
    """P-10."""
    for number in range(9):
        save(journal, f"asked {number}", "save", number)
    save(journal, "base", "autosave", 9)
    new = packed(b"new", 1, "autosave", 10)
    journal.begin_save([new], digest(b"base"), new.hash)
    assert texts(journal)[:3] == ["new", "base", "asked 8"]
    journal.end_save(new.hash, 0)
    assert texts(journal) == ["new", *(f"asked {number}" for number in reversed(range(9)))]


def test_saves_that_never_reach_the_file_do_not_fill_the_journal(journal: Journal) -> None:
    save(journal, "base", "autosave", 0)
    for now in range(1, 100):
        data = b"%d" % now
        journal.begin_save([packed(data, 1, "autosave", now)], digest(b"base"), digest(data))
    assert texts(journal) == ["99", "base"]


def test_the_same_again_is_one_version(journal: Journal) -> None:
    for text in ("a", "a", "b", "a"):
        save(journal, text, "save", 0)
    assert texts(journal) == ["a", "b"]


def test_a_version_whose_bytes_are_damaged_is_none_until_it_is_recorded_again(journal: Journal) -> None:
    save(journal, "one", "save", 0)
    journal.close()
    damage(journal.path, "UPDATE versions SET data = substr(data, 1, 5)")
    again = reopened(journal)
    assert texts(again) == []
    assert again.versions.with_hash(digest(b"one")) is None
    assert len(again.versions.listed()) == 1
    save(again, "one", "save", 1)
    assert texts(again) == ["one"]


@pytest.mark.parametrize("column", ["time", "reason", "cells", "size", "hash", "crc"])
def test_a_version_that_is_not_what_was_written_is_left_out_and_counted(journal: Journal, column: str) -> None:
    """P-7."""
    save(journal, "one", "save", 0)
    save(journal, "two", "save", 1)
    journal.close()
    damage(journal.path, f"UPDATE versions SET {column} = 'x' WHERE id = 1")
    again = reopened(journal)
    assert [version.id for version in again.versions.listed()] == [2]
    assert again.replay().damaged == 1
    save(again, "three", "autosave", 2)
