"""The journal: one SQLite database per notebook, the durable form of the shared document and the run queue.

Tables: ``updates`` (raw Yjs updates in order, each with a CRC-32), ``snapshot`` (at most one full update that
replaces all updates up to its ``seq``), ``queue`` (the recorded run queue), ``meta`` (epoch, hashes, counters),
``versions`` (versions.py; since format 2).
``PRAGMA user_version`` is the format's version. WAL with ``synchronous=FULL``: what ``append`` returned from is
on the disk. All methods block: call them in a thread, one at a time.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from actors import versions
from actors.versions import Packed, Versions
from protocol.messages import Entry

FORMAT = 2

# A snapshot is due when the updates since the last one outweigh this many bytes and FACTOR times the snapshot.
COMPACT_BYTES = 1 << 20
COMPACT_FACTOR = 4

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE updates(seq INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE snapshot(one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE queue(position INTEGER PRIMARY KEY, id TEXT, cell_id TEXT, source TEXT, who TEXT, begun INTEGER);
"""


# What each format added: a new journal gets all of it, an older one what it lacks.
_SINCE = {1: _SCHEMA, 2: versions.TABLE}

# Primary result codes that say nothing against the file: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL,
# CANTOPEN.
_NOT_ITS_FAULT = frozenset({3, 5, 6, 7, 8, 10, 13, 14})


def _is_whole(data: object, crc: object) -> bool:
    return isinstance(data, bytes) and zlib.crc32(data) == crc


class JournalError(Exception):
    """A sentence for people: the journal cannot be used."""


class NoJournalHere(JournalError):
    """The journal may be whole: it is the disk or the folder that cannot be used now."""


class Replayed(msgspec.Struct, frozen=True):
    """``damaged``: records that were left out because their checksum did not hold. ``based``: the snapshot, which
    the updates build upon, is there and whole."""

    updates: tuple[bytes, ...]
    queue: tuple[Entry, ...]
    damaged: int
    based: bool


EMPTY = Replayed((), (), 0, False)


def _unreadable(path: Path, error: sqlite3.Error) -> JournalError:
    kind = NoJournalHere if error.sqlite_errorcode & 0xFF in _NOT_ITS_FAULT else JournalError
    return kind(f"The journal {path} cannot be read ({error}).")


class Known(msgspec.Struct, frozen=True):
    """What the journal knows of itself and the file. ``saving_hash``: of the bytes that were to be written last,
    which are the file's if the server was killed before it could set ``file_hash``. ``content`` counts appends
    that changed what the file would say, ``saved`` how many of them it says."""

    epoch: str
    file_hash: str
    saving_hash: str
    content: int
    saved: int


class Journal:
    """An open journal. Raises :class:`JournalError` when the file cannot be used as one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._weight = 0
        self._snapshot_weight = 0
        try:
            # Used by one thread at a time, though not always by the same one.
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
            self.versions = Versions(self._db)
            self._prepare()
        except (sqlite3.Error, JournalError) as error:
            if hasattr(self, "_db"):
                self._db.close()
            if isinstance(error, JournalError):
                raise
            raise _unreadable(path, error) from error

    def _prepare(self) -> None:
        (mode,) = self._db.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise NoJournalHere(
                f"The folder {self.path.parent} cannot hold a journal (SQLite's WAL does not work there): "
                "choose another with --state-dir."
            )
        self._db.execute("PRAGMA synchronous=FULL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if 0 <= version < FORMAT:
            with self._transaction():
                for step in range(version + 1, FORMAT + 1):
                    for statement in filter(str.strip, _SINCE[step].split(";")):
                        self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={FORMAT}")
        elif version != FORMAT:
            raise JournalError(
                f"The journal {self.path} was written by another version of Ganimede (format {version})."
            )
        self._weigh()

    def _weigh(self) -> None:
        (self._weight,) = self._db.execute("SELECT coalesce(sum(length(data)), 0) FROM updates").fetchone()
        (self._snapshot_weight,) = self._db.execute(
            "SELECT coalesce(sum(length(data)), 0) FROM snapshot"
        ).fetchone()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def replay(self) -> Replayed:
        """Everything whose checksum holds, in order. Raises :class:`JournalError` for what SQLite cannot read."""
        try:
            return self._replay()
        except sqlite3.Error as error:
            raise _unreadable(self.path, error) from error

    def _replay(self) -> Replayed:
        snapshot = list(self._db.execute("SELECT data, crc FROM snapshot"))
        rows = [*snapshot, *self._db.execute("SELECT data, crc FROM updates ORDER BY seq")]
        whole = tuple(data for data, crc in rows if _is_whole(data, crc))
        queue = tuple(
            Entry(str(id_), str(cell_id), str(source), str(who), bool(begun))
            for id_, cell_id, source, who, begun in self._db.execute(
                "SELECT id, cell_id, source, who, begun FROM queue ORDER BY position"
            )
        )
        return Replayed(whole, queue, len(rows) - len(whole), any(_is_whole(*row) for row in snapshot))

    def append(self, updates: tuple[bytes, ...], queue: tuple[Entry, ...] | None, content: bool) -> int:
        """Record updates (and replace the queue) in one transaction. The content counter afterwards."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO updates(data, crc) VALUES (?, ?)", [(data, zlib.crc32(data)) for data in updates]
            )
            if queue is not None:
                self._write_queue(queue)
            count = self._count_content(content)
        self._weight += sum(map(len, updates))
        return count

    def store_snapshot(self, state: bytes, queue: tuple[Entry, ...], content: bool) -> int:
        """Let one full update take the place of all others, in one transaction."""
        with self._transaction():
            self._db.execute("DELETE FROM updates")
            self._db.execute("DELETE FROM snapshot")
            self._db.execute("INSERT INTO snapshot VALUES (1, ?, ?)", (state, zlib.crc32(state)))
            self._write_queue(queue)
            count = self._count_content(content)
        self._weight, self._snapshot_weight = 0, len(state)
        return count

    def _write_queue(self, queue: tuple[Entry, ...]) -> None:
        self._db.execute("DELETE FROM queue")
        self._db.executemany(
            "INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?)",
            [(n, each.id, each.cell_id, each.source, each.who, each.begun) for n, each in enumerate(queue)],
        )

    def _count_content(self, content: bool) -> int:
        count = int(self.meta("content") or 0)
        if content:
            count += 1
            self._set("content", count)
        return count

    @property
    def wants_snapshot(self) -> bool:
        return self._weight > max(COMPACT_BYTES, COMPACT_FACTOR * self._snapshot_weight)

    def meta(self, key: str) -> Any:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def known(self) -> Known:
        """Raises :class:`JournalError` for what SQLite cannot read."""
        try:
            epoch, file_hash, saving_hash = map(self.meta, ("epoch", "file_hash", "saving_hash"))
            content, saved = map(self.meta, ("content", "saved_content"))
        except sqlite3.Error as error:
            raise _unreadable(self.path, error) from error
        return Known(
            str(epoch or ""), str(file_hash or ""), str(saving_hash or ""), int(content or 0), int(saved or 0)
        )

    def set_meta(self, *added: Packed, **values: str | int | None) -> None:
        """Set keys and add versions, in one transaction."""
        with self._transaction():
            for key, value in values.items():
                self._set(key, value)
            for version in added:
                self.versions.add(version, str(self.meta("file_hash") or ""))

    def _set(self, key: str, value: str | int | None) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def close(self) -> None:
        self._db.close()
