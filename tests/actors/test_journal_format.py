"""P-6: every older format is led to this one, a newer one is refused, and a number alone proves nothing."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from actors import journal_format
from actors.journal import Journal, JournalError, NoJournalHere, Replayed
from actors.journal_format import FORMAT, STEPS
from actors.versions import packed
from protocol.messages.shared import Entry

QUEUE = (Entry("1", "a", "x = 'é'\n", "me", begun=True), Entry("2", "b", "", ""))
META = {"epoch": "e", "file_hash": "f", "saving_hash": "s", "saved_content": 2, "content": 3}
_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE snapshot(one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE queue(position INTEGER PRIMARY KEY, id TEXT, cell_id TEXT, source TEXT, who TEXT, begun INTEGER);
"""


def _common(db: sqlite3.Connection) -> None:
    db.executemany("INSERT INTO meta VALUES (?, ?)", META.items())
    db.execute("INSERT INTO snapshot VALUES (1, ?, ?)", (b"base", zlib.crc32(b"base")))
    rows = [(n, each.id, each.cell_id, each.source, each.who, each.begun) for n, each in enumerate(QUEUE)]
    db.executemany("INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?)", rows)


def format_1(db: sqlite3.Connection) -> None:
    db.executescript(
        _TABLES
        + "CREATE TABLE updates(seq INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL, crc INTEGER NOT NULL);"
    )
    _common(db)
    db.executemany(
        "INSERT INTO updates(data, crc) VALUES (?, ?)", [(data, zlib.crc32(data)) for data in (b"1", b"2")]
    )


def format_2(db: sqlite3.Connection) -> None:
    db.executescript(
        _TABLES + "CREATE TABLE updates(seq INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL, "
        "content INTEGER NOT NULL);"
    )
    _common(db)
    rows = [(data, zlib.crc32(data), 3) for data in (b"1", b"2")]
    db.executemany("INSERT INTO updates(data, crc, content) VALUES (?, ?, ?)", rows)


def format_3(db: sqlite3.Connection) -> None:
    """A checksum in each row of each table."""
    format_2(db)
    meta = db.execute("SELECT key, value FROM meta").fetchall()
    queue = db.execute("SELECT * FROM queue").fetchall()
    db.executescript("""
        DROP TABLE meta; DROP TABLE queue;
        CREATE TABLE meta(key TEXT PRIMARY KEY, value, crc INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE queue(position INTEGER PRIMARY KEY, id TEXT, cell_id TEXT, source TEXT, who TEXT,
            begun INTEGER, crc INTEGER NOT NULL);
    """)
    facts = [(*row, zlib.crc32(repr(row).encode())) for row in (*meta, ("format", 3))]
    db.executemany("INSERT INTO meta VALUES (?, ?, ?)", facts)
    entries = [(*row, zlib.crc32(repr(row[1:]).encode())) for row in queue]
    db.executemany("INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?, ?)", entries)


def format_4(db: sqlite3.Connection) -> None:
    """Versions, and all that outputs say in the document itself."""
    format_3(db)
    db.executescript("""
        CREATE TABLE versions(id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, reason TEXT NOT NULL,
            cells INTEGER NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL, crc INTEGER NOT NULL,
            data BLOB NOT NULL);
        UPDATE meta SET value = 4 WHERE key = 'format';
    """)
    db.execute("UPDATE meta SET crc = ? WHERE key = 'format'", (zlib.crc32(repr(("format", 4)).encode()),))


# A new format adds the one before it here.
OLDER: tuple[Callable[[sqlite3.Connection], None], ...] = (format_1, format_2, format_3, format_4)


def make(path: Path, number: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        OLDER[number - 1](db)
        db.execute(f"PRAGMA user_version={number}")


def number_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        (number,) = db.execute("PRAGMA user_version").fetchone()
        return int(number)


def test_every_older_format_is_tested_here() -> None:
    assert len(OLDER) == len(STEPS) == FORMAT - 1


@pytest.mark.parametrize("number", range(1, FORMAT))
def test_a_journal_of_an_older_format_is_led_to_this_one_and_goes_on(tmp_path: Path, number: int) -> None:
    path = tmp_path / "journal.sqlite"
    make(path, number)
    with closing(Journal(path)) as journal:
        assert journal.replay() == Replayed((b"base", b"1", b"2"), QUEUE, 0, True)
        known = journal.known()
        assert (known.epoch, known.file_hash, known.saving_hash) == ("e", "f", "s")
        assert (known.content, known.saved) == (3, 2)
        assert journal.append((b"3",), QUEUE[1:], content=True) == 4
        assert journal.versions.listed() == ()
        journal.keep_version(packed(b"kept", 1, "save", 1.5))
    with closing(Journal(path)) as journal:
        assert journal.replay() == Replayed((b"base", b"1", b"2", b"3"), QUEUE[1:], 0, True)
        assert [journal.versions.with_id(each.id) for each in journal.versions.listed()] == [b"kept"]
    assert number_of(path) == FORMAT


@pytest.mark.parametrize("number", range(1, FORMAT))
def test_a_step_that_fails_leaves_the_old_format_whole(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    make(path, number)

    def failing(db: sqlite3.Connection) -> None:
        STEPS[-1](db)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(journal_format, "STEPS", (*STEPS[:-1], failing))
    with pytest.raises(JournalError):
        Journal(path)
    monkeypatch.undo()
    assert number_of(path) == number
    with closing(Journal(path)) as journal:
        assert journal.replay() == Replayed((b"base", b"1", b"2"), QUEUE, 0, True)


def test_a_journal_of_a_newer_format_is_refused_in_a_sentence_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
        db.execute("UPDATE meta SET value = 99 WHERE key = 'format'")
        db.execute("ALTER TABLE meta ADD COLUMN more")
        db.commit()
    before = path.read_bytes()
    with pytest.raises(NoJournalHere, match=rf"newer Ganimede \(format 99; this one reads up to {FORMAT}\)"):
        Journal(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", ["PRAGMA user_version=99", "PRAGMA user_version=1", "PRAGMA user_version=0",
                                       "PRAGMA user_version=-1", "UPDATE meta SET value = 99 WHERE key = 'format'",
                                       "DELETE FROM meta", "ALTER TABLE queue ADD COLUMN more",
                                       "DROP TABLE snapshot"])  # fmt: skip
def test_a_number_that_the_tables_do_not_bear_out_is_damage(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(JournalError) as caught:
        Journal(path)
    assert not isinstance(caught.value, NoJournalHere)
