"""The journal: what it returned from is on the disk, and damage is told apart from what is whole."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.disk import digest
from actors.journal import COMPACT_BYTES, Journal, JournalError, NoJournalHere, Replayed
from actors.versions import packed
from protocol.messages import Entry, VersionReason

ROOT = Path(__file__).resolve().parents[2]
QUEUE = (Entry("1", "a", "x = 'é'\n", "me", begun=True), Entry("2", "b", "", ""))


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
    assert reopened(journal).known().content == 2


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
    assert Journal(journal.path).replay() == Replayed((b"base", b"one", b"three"), QUEUE, 1, True)


def test_a_damaged_snapshot_is_told(journal: Journal) -> None:
    journal.append((b"one",), None, content=True)
    journal.close()
    damage(journal.path, "UPDATE snapshot SET data = X'00'")
    assert Journal(journal.path).replay() == Replayed((b"one",), (), 1, False)


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


def test_a_journal_of_another_version_is_not_touched(journal: Journal) -> None:
    journal.close()
    damage(journal.path, "PRAGMA user_version=99")
    before = journal.path.read_bytes()
    with pytest.raises(JournalError, match="another version"):
        Journal(journal.path)
    assert journal.path.read_bytes() == before


def test_a_folder_that_cannot_be_used_says_nothing_against_the_journal(tmp_path: Path) -> None:
    with pytest.raises(NoJournalHere, match="cannot be read"):
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
from collections.abc import Iterator
from pathlib import Path
from actors.journal import Journal
from actors.versions import packed
from protocol.messages import Entry, VersionReason
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


def keep(journal: Journal, text: str, reason: VersionReason, now: float, base: str | None = None) -> None:
    data = text.encode()
    journal.set_meta(packed(data, 1, reason, now), file_hash=digest(data) if base is None else base)


def texts(journal: Journal) -> list[str]:
    found = [journal.versions.with_id(version.id) for version in journal.versions.listed()]
    return [data.decode() for data in found if data is not None]


def test_the_last_ten_versions_are_kept_and_the_base_of_the_next_merge(journal: Journal) -> None:
    """P-6."""
    keep(journal, "base", "save", 0)
    for number in range(12):
        keep(journal, str(number), "before merge", number, digest(b"base"))
    assert texts(reopened(journal)) == [*map(str, reversed(range(2, 12))), "base"]


def test_a_version_is_recorded_with_what_it_is_the_base_of_or_not_at_all(journal: Journal) -> None:
    """P-6."""
    keep(journal, "one", "save", 0)
    with pytest.raises(sqlite3.Error):
        journal.set_meta(packed(b"two", 1, "save", 1), file_hash=object())  # type: ignore[arg-type]
    with pytest.raises(sqlite3.Error):
        journal.set_meta(packed(b"two", object(), "save", 1), file_hash="two")  # type: ignore[arg-type]
    assert texts(journal) == ["one"]
    assert journal.known().file_hash == digest(b"one")


def test_saves_that_nobody_asked_for_do_not_drive_out_the_others(journal: Journal) -> None:
    """P-6."""
    keep(journal, "opened", "opened", 0)
    for now in range(10, 1000, 10):
        keep(journal, f"at {now}", "autosave", now)
    assert texts(journal) == ["at 990", "at 870", "at 580", "at 290", "opened"]
    keep(journal, "asked", "save", 1001)
    keep(journal, "asked again", "save", 1002)
    assert texts(journal)[:3] == ["asked again", "asked", "at 990"]


def test_the_same_again_is_one_version(journal: Journal) -> None:
    for text in ("a", "a", "b", "a"):
        keep(journal, text, "save", 0)
    assert texts(journal) == ["a", "b"]


def test_a_damaged_version_is_none(journal: Journal) -> None:
    keep(journal, "one", "save", 0)
    journal.close()
    damage(journal.path, "UPDATE versions SET data = substr(data, 1, 5)")
    again = Journal(journal.path)
    _opened.append(again)
    assert texts(again) == []
    assert again.versions.with_hash(digest(b"one")) is None
    assert len(again.versions.listed()) == 1


def test_a_journal_of_format_1_gets_what_it_lacks_and_loses_nothing(journal: Journal) -> None:
    """P-6."""
    journal.append((b"one",), QUEUE, content=True)
    journal.close()
    damage(journal.path, "DROP TABLE versions")
    damage(journal.path, "PRAGMA user_version=1")
    for _ in range(2):
        again = Journal(journal.path)
        _opened.append(again)
        assert again.replay() == Replayed((b"base", b"one"), QUEUE, 0, True)
        assert again.versions.listed() == ()


def test_a_journal_of_a_later_format_is_left_alone(journal: Journal) -> None:
    journal.close()
    damage(journal.path, "PRAGMA user_version=3")
    with pytest.raises(JournalError, match="another version"):
        Journal(journal.path)
