"""The journal's format, and the way to it from every older one.

To change the format: change SCHEMA and add one function at the end of STEPS. A step gets the database as the step
before left it and does nothing but SQL; all of them run in one transaction, so a journal is of its old format or
of the new one. After the last step the tables must be, word for word, those of SCHEMA.

``PRAGMA user_version`` is the format's number, and ``meta`` has it a second time under "format": a newer Ganimede
writes both, so a number that stands alone is damage.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache

from protocol.messages.shared import Entry

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE updates(seq INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL,
    content INTEGER NOT NULL);
CREATE TABLE snapshot(one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE queue(position INTEGER PRIMARY KEY, id TEXT, cell_id TEXT, source TEXT, who TEXT,
    begun INTEGER, crc INTEGER NOT NULL);
CREATE TABLE versions(id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, reason TEXT NOT NULL,
    cells INTEGER NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL);
"""


class NewerFormat(Exception):
    """``args[0]``: the number of a format that this program does not know."""


class FormatDamaged(Exception):
    """The tables are not those that the format's number promises."""


def sum_of(*values: object) -> int:
    """The checksum of a row of plain values."""
    return zlib.crc32(repr(values).encode(errors="backslashreplace"))


def put_meta(db: sqlite3.Connection, key: str, value: str | int | bytes | None) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (key, value, sum_of(key, value)))


# Bits of the queue's column "begun". A Ganimede that knows only the first takes what is offered for begun, and
# lets it go.
_BEGUN, _OFFERED = 1, 2


def flags_of(entry: Entry) -> int:
    return entry.begun * _BEGUN | entry.offered * _OFFERED


def entry_of(id_: str, cell_id: str, source: str, who: str, flags: int) -> Entry:
    return Entry(id_, cell_id, source, who, begun=bool(flags & _BEGUN), offered=bool(flags & _OFFERED))


def _run(db: sqlite3.Connection, script: str) -> None:
    for statement in filter(str.strip, script.split(";")):  # executescript would commit
        db.execute(statement)


def _content_in_the_row(db: sqlite3.Connection) -> None:
    """Format 1 counted content in ``meta`` and numbered rows for ever: three pages a commit instead of one."""
    _run(db, """
        ALTER TABLE updates RENAME TO old;
        CREATE TABLE updates(seq INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL,
    content INTEGER NOT NULL);
        INSERT INTO updates SELECT seq, data, crc, 0 FROM old;
        DROP TABLE old;
    """)  # fmt: skip


def _a_checksum_each(db: sqlite3.Connection) -> None:
    """Format 2 had checksums for updates and the snapshot only."""
    meta = db.execute("SELECT key, value FROM meta").fetchall()
    queue = db.execute("SELECT position, id, cell_id, source, who, begun FROM queue").fetchall()
    _run(db, """
        DROP TABLE meta;
        CREATE TABLE meta(key TEXT PRIMARY KEY, value, crc INTEGER NOT NULL) WITHOUT ROWID;
        DROP TABLE queue;
        CREATE TABLE queue(position INTEGER PRIMARY KEY, id TEXT, cell_id TEXT, source TEXT, who TEXT,
    begun INTEGER, crc INTEGER NOT NULL);
    """)  # fmt: skip
    for key, value in meta:
        put_meta(db, key, value)
    db.executemany("INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?, ?)", [(*row, sum_of(*row[1:])) for row in queue])


def _versions(db: sqlite3.Connection) -> None:
    """Format 3 kept nothing of what the file had been. The data stands last: whatever is before it can be read
    without it."""
    _run(
        db,
        """
        CREATE TABLE versions(id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, reason TEXT NOT NULL,
    cells INTEGER NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL);
    """,
    )


def _references(_: sqlite3.Connection) -> None:
    """The tables are the same. But a server of format 4 would write the document's references into the notebook's
    file, in place of the values that lie beside this journal."""


Step = Callable[[sqlite3.Connection], None]

# STEPS[n] leads from format n + 1 to format n + 2.
STEPS: tuple[Step, ...] = (_content_in_the_row, _a_checksum_each, _versions, _references)
FORMAT = len(STEPS) + 1


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def bring_up(db: sqlite3.Connection) -> None:
    """Make the tables, or lead those of an older format to this one. Nothing is changed on an error."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0 and not _tables(db):
        with transaction(db):
            _run(db, SCHEMA)
            _number(db)
        return
    _check_number(db, version)
    if version < FORMAT:
        with transaction(db):
            for step in STEPS[version - 1 :]:
                step(db)
            _number(db)
    if _tables(db) != _promised():
        raise FormatDamaged("Its tables are not those of its format.")


def _check_number(db: sqlite3.Connection, version: int) -> None:
    row = db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    if row is None:  # formats 1 and 2 had only the one number
        known = version in (1, 2)
    elif version > FORMAT and row[0] == version:
        raise NewerFormat(version)
    else:
        known = row[0] == version <= FORMAT
    if not known:
        raise FormatDamaged(f"Its format cannot be {version}.")


def _number(db: sqlite3.Connection) -> None:
    put_meta(db, "format", FORMAT)
    db.execute(f"PRAGMA user_version={FORMAT}")


def _tables(db: sqlite3.Connection) -> dict[str, str]:
    return {
        str(name): " ".join(str(sql).split())
        for name, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    }


@cache
def _promised() -> dict[str, str]:
    with closing(sqlite3.connect(":memory:")) as db:
        _run(db, SCHEMA)
        return _tables(db)
