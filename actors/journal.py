"""The journal: one SQLite database per notebook, the durable form of the shared document and the run queue.

Tables, as journal_format.py has them: ``updates`` (raw Yjs updates in order, each with a CRC-32 and the content
counter), ``snapshot`` (at most one full update, which replaced all updates before it), ``queue`` (the recorded run
queue), ``meta`` (epoch, hashes, the notebook's path, counters), ``versions`` (versions.py). An update is one new
row in one table: each other page of a commit costs as much as the row. A row whose checksum does not hold is left
out and counted. WAL with ``synchronous=FULL``: what ``append`` returned from is on the disk. All methods block:
call them in a thread, one at a time.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from actors.journal_format import (
    FORMAT,
    FormatDamaged,
    NewerFormat,
    bring_up,
    entry_of,
    flags_of,
    put_meta,
    sum_of,
    transaction,
)
from actors.versions import KEPT, Packed, Versions
from protocol.messages.shared import Entry

# A snapshot is due when the updates since the last one outweigh this many bytes and FACTOR times the snapshot.
COMPACT_BYTES = 1 << 20
COMPACT_FACTOR = 4

_INSERT = "INSERT INTO updates(data, crc, content) VALUES (?, ?, ?)"


# Primary result codes that say nothing against the file: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL,
# CANTOPEN.
_NOT_ITS_FAULT = frozenset({3, 5, 6, 7, 8, 10, 13, 14})


# SHMOPEN, SHMLOCK and SHMMAP of IOERR, and PROTOCOL: what WAL needs besides files.
_NO_SHARED_MEMORY = frozenset({4618, 5130, 5386, 15})


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


class JournalGone(JournalError):
    """Its files were deleted or replaced under us: what is written now is nowhere to be found."""


EMPTY = Replayed((), (), 0, False)


def _unreadable(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> JournalError:
    """The second: SQLite complains and quotes what is no text any more."""
    code = getattr(
        error, "sqlite_errorcode", sqlite3.SQLITE_ERROR
    )  # not every error comes from the library itself
    if code in _NO_SHARED_MEMORY:
        return _no_wal(path)
    if code & 0xFF in _NOT_ITS_FAULT and code != sqlite3.SQLITE_IOERR_SHORT_READ:
        return NoJournalHere(
            f"The journal {path} cannot be used ({error}). Another folder is named by --state-dir."
        )
    return JournalError(f"The journal {path} cannot be read ({error}).")


def _no_wal(path: Path) -> NoJournalHere:
    return NoJournalHere(
        f"The folder {path.parent} cannot hold a journal (SQLite's WAL does not work there): "
        "choose another with --state-dir."
    )


class Known(msgspec.Struct, frozen=True):
    """What the journal knows of itself and the file. ``saving_hash``: of the bytes that were to be written last,
    which are the file's if the server was killed before it could set ``file_hash``. ``content`` counts appends
    that changed what the file would say, ``saved`` how many of them it says. ``seed``: the client id of what the
    document began with, 0 if that was not recorded. ``place``: the notebook's resolved path, empty if an older
    Ganimede did not record it."""

    epoch: str
    file_hash: str
    saving_hash: str
    content: int
    saved: int
    seed: int = 0
    place: bytes = b""


class Journal:
    """An open journal. Raises :class:`JournalError` when the file cannot be used as one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._weight = 0
        self._snapshot_weight = 0
        self._settled = False
        self._names = str(path), f"{path}-wal"
        try:
            # Used by one thread at a time, though not always by the same one.
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
            self._db.text_factory = lambda text: text.decode(errors="replace")  # damaged text fails its checksum
            self.versions = Versions(self._db)
            self._prepare()
            self._inode = os.stat(path).st_ino
        except (sqlite3.Error, UnicodeDecodeError, OSError, JournalError) as error:
            if hasattr(self, "_db"):
                self._db.close()
            if isinstance(error, OSError | JournalError):
                raise
            raise _unreadable(path, error) from error

    def _prepare(self) -> None:
        (mode,) = self._db.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise _no_wal(self.path)
        self._db.execute("PRAGMA synchronous=FULL")
        try:
            bring_up(self._db)
        except NewerFormat as newer:
            raise NoJournalHere(
                f"The journal {self.path} was written by a newer Ganimede (format {newer}; this one reads up to "
                f"{FORMAT}): open the notebook with that one."
            ) from None
        except FormatDamaged as damaged:
            raise JournalError(f"The journal {self.path} cannot be read. {damaged}") from None
        (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":  # damage that reading every row need not meet, and the next write would
            raise JournalError(f"The journal {self.path} cannot be read (its pages do not fit together).")
        self._weigh()

    def _weigh(self) -> None:
        (counted,) = self._db.execute(
            "SELECT coalesce(max(content), 0) FROM updates WHERE typeof(content) = 'integer'"
        ).fetchone()
        self._content = int(max(counted, self.meta("content") or 0))
        (self._weight,) = self._db.execute("SELECT coalesce(sum(length(data)), 0) FROM updates").fetchone()
        (self._snapshot_weight,) = self._db.execute(
            "SELECT coalesce(sum(length(data)), 0) FROM snapshot"
        ).fetchone()

    def _transaction(self) -> AbstractContextManager[None]:
        self._make_sure()
        return transaction(self._db)

    @property
    def gone(self) -> bool:
        """The files under our names are not those that we have open: a few microseconds to know, at every write.

        The log is only looked for: asked for its times, the system would give it a new one at each write, and each
        sync would have that to write, too.
        """
        try:
            return os.stat(self._names[0]).st_ino != self._inode or not os.access(self._names[1], os.F_OK)
        except FileNotFoundError:
            return True

    def _make_sure(self) -> None:
        """Before a write: it goes where it will be looked for, and builds upon what is on the disk."""
        if self.gone:
            raise JournalGone(f"the journal has disappeared from {self.path.parent}")
        if not self._settled:
            self.settle()

    def settle(self) -> None:
        """Write all that the log holds once more, into the database, and begin the log anew.

        After a sync that failed the system takes pages for written that never reached the disk, and no later sync
        writes them. Within one process SQLite writes them again; but a server that is killed in that state leaves
        the next one a log that looks whole, and whatever that one appends and syncs would go with the power.
        Raises sqlite3.Error; as long as it does, nothing is appended.
        """
        (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("another program reads it")
        self._settled = True

    def replay(self) -> Replayed:
        """Everything whose checksum holds, in order. Raises :class:`JournalError` for what SQLite cannot read."""
        try:
            return self._replay()
        except sqlite3.Error as error:
            raise _unreadable(self.path, error) from error

    def _replay(self) -> Replayed:
        snapshot = list(self._db.execute("SELECT data, crc FROM snapshot"))
        rows = [*snapshot, *self._db.execute("SELECT data, crc FROM updates ORDER BY seq")]
        crc32 = zlib.crc32
        whole = tuple([data for data, crc in rows if type(data) is bytes and crc32(data) == crc])
        listed = list(self._db.execute("SELECT id, cell_id, source, who, begun, crc FROM queue ORDER BY position"))
        queue = [
            entry_of(id_, cell_id, source, who, flags)
            for id_, cell_id, source, who, flags, crc in listed
            if sum_of(id_, cell_id, source, who, flags) == crc
        ]
        facts = list(self._db.execute("SELECT key, value, crc FROM meta"))
        unsound = sum(sum_of(key, value) != crc for key, value, crc in facts)
        damaged = len(rows) - len(whole) + len(listed) - len(queue) + unsound + self.versions.damaged()
        return Replayed(whole, tuple(queue), damaged, any(_is_whole(*row) for row in snapshot))

    def append(self, updates: tuple[bytes, ...], queue: tuple[Entry, ...] | None, content: bool) -> int:
        """Record updates (and replace the queue) in one transaction. The content counter afterwards."""
        count = self._content + content
        rows = [(data, zlib.crc32(data), count) for data in updates]
        if len(rows) == 1 and queue is None:  # by far the most: one statement is a transaction of its own
            self._make_sure()
            self._db.execute(_INSERT, rows[0])
        else:
            with self._transaction():
                self._db.executemany(_INSERT, rows)
                if queue is not None:
                    self._write_queue(queue)
                if content and not rows:
                    put_meta(self._db, "content", count)
        self._content = count
        self._weight += sum(map(len, updates))
        return count

    def store_snapshot(self, state: bytes, queue: tuple[Entry, ...], content: bool) -> int:
        """Let one full update take the place of all others, in one transaction."""
        with self._transaction():
            return self._replace(state, queue, {"content": self._content + content})

    def take_over(self, lost: Journal, state: bytes, queue: tuple[Entry, ...]) -> int:
        """Go on where another journal had to end, with a snapshot of everything. Like :meth:`store_snapshot`."""
        known, versions = lost.known(), lost.versions.whole()
        with self._transaction():
            self.versions.put_all(versions)
            return self._replace(state, queue, {
                "content": known.content + 1, "saved_content": known.saved, "epoch": known.epoch,
                "seed": known.seed, "file_hash": known.file_hash, "saving_hash": known.saving_hash,
                "place": known.place,
            })  # fmt: skip

    def _replace(self, state: bytes, queue: tuple[Entry, ...], meta: dict[str, Any]) -> int:
        self._db.execute("DELETE FROM updates")
        self._db.execute("DELETE FROM snapshot")
        self._db.execute("INSERT INTO snapshot VALUES (1, ?, ?)", (state, zlib.crc32(state)))
        self._write_queue(queue)
        self._put(**meta)
        self._content = meta["content"]
        self._weight, self._snapshot_weight = 0, len(state)
        return self._content

    def _write_queue(self, queue: tuple[Entry, ...]) -> None:
        self._db.execute("DELETE FROM queue")
        rows = [(each.id, each.cell_id, each.source, each.who, flags_of(each)) for each in queue]
        self._db.executemany(
            "INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(n, *row, sum_of(*row)) for n, row in enumerate(rows)],
        )

    @property
    def wants_snapshot(self) -> bool:
        return self._weight > max(COMPACT_BYTES, COMPACT_FACTOR * self._snapshot_weight)

    def meta(self, key: str) -> Any:
        """What :meth:`set_meta` wrote; None if nothing or no longer readable."""
        row = self._db.execute("SELECT value, crc FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row and sum_of(key, row[0]) == row[1] else None

    def known(self) -> Known:
        """Raises :class:`JournalError` for what SQLite cannot read."""
        try:
            epoch, file_hash, saving_hash, saved, seed, place = map(
                self.meta, ("epoch", "file_hash", "saving_hash", "saved_content", "seed", "place")
            )
        except sqlite3.Error as error:
            raise _unreadable(self.path, error) from error
        return Known(
            epoch or "", file_hash or "", saving_hash or "", self._content, saved or 0, seed or 0, place or b""
        )

    def set_meta(self, **values: str | int | bytes | None) -> None:
        with self._transaction():
            self._put(**values)

    def _put(self, **values: str | int | bytes | None) -> None:
        for key, value in values.items():
            put_meta(self._db, key, value)

    def begin_save(self, versions: Sequence[Packed], present: str, new: str) -> None:
        """The file is about to be written. ``present``, ``new``: hashes of what it holds, and will hold."""
        with self._transaction():
            self._put(file_hash=present, saving_hash=new)
            for version in versions:
                self.versions.add(version)
            self.versions.tidy(present, KEPT + 1)  # which of them the new one replaces shows when it is saved

    def end_save(self, held: str, content: int) -> None:
        """The file holds this."""
        with self._transaction():
            self._put(file_hash=held, saving_hash=held, saved_content=content)
            self.versions.tidy(held)

    def keep_version(self, version: Packed) -> None:
        with self._transaction():
            self.versions.add(version)
            self.versions.tidy(str(self.meta("file_hash") or ""))

    def put_versions(self, versions: dict[int, Packed]) -> None:
        """Of another journal, under their ids there."""
        with self._transaction():
            self.versions.put_all(versions)

    def record_place(self, place: bytes, epoch: str) -> None:
        """Write what a journal must be able to say of itself. Also shows whether it can be written to at all.

        Raises :class:`JournalError` if the reason why not is in its file, or if SQLite could open a file of it for
        reading only: as long as it is open, that does not pass with the disk's trouble.
        """
        try:
            with transaction(self._db):
                put_meta(self._db, "place", place)
                put_meta(self._db, "epoch", epoch or None)
        except sqlite3.Error as error:
            failure = _unreadable(self.path, error)
            if not isinstance(failure, NoJournalHere) or error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
                raise failure from error

    def size(self) -> int:
        """Bytes on the disk, of the database and what is still to be written into it. From any thread."""
        return sum(os.path.getsize(name) for name in (self.path, f"{self.path}-wal") if os.path.exists(name))

    def close(self) -> None:
        self._db.close()
