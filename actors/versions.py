"""The versions in a journal: what the notebook was at its last saves and merges; one is the next merge's base.

Used by whoever owns the journal's database, inside its transactions. Every method blocks.
"""

from __future__ import annotations

import sqlite3
import zlib

import msgspec

from actors.disk import digest
from protocol.messages import Version, VersionReason

KEPT = 10
# Seconds: of saves that nobody asked for, only the newest stays until the one before it is this old. Else a minute
# of typing would drive out everything before it.
APART = 300.0

TABLE = """
CREATE TABLE versions(id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, reason TEXT NOT NULL,
    cells INTEGER NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL, data BLOB NOT NULL)
"""


class Packed(msgspec.Struct, frozen=True):
    """A version on its way into the journal: compressed before the transaction, which others wait for."""

    time: float
    reason: VersionReason
    cells: int
    size: int
    hash: str
    data: bytes


def packed(data: bytes, cells: int, reason: VersionReason, now: float) -> Packed:
    return Packed(now, reason, cells, len(data), digest(data), zlib.compress(data, 1))


class Versions:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, version: Packed, base: str) -> None:
        """Record a version; what was the same before gives way to it. ``base``: hash of the one that must stay."""
        newest = self._db.execute("SELECT hash, reason FROM versions ORDER BY id DESC LIMIT 1").fetchone()
        if newest and newest[0] == version.hash:
            return
        self._db.execute("DELETE FROM versions WHERE hash = ?", (version.hash,))
        if version.reason == "autosave":
            self._thin(version.time)
        self._db.execute(
            "INSERT INTO versions(time, reason, cells, size, hash, data) VALUES (?, ?, ?, ?, ?, ?)",
            (version.time, version.reason, version.cells, version.size, version.hash, version.data),
        )
        newest_ids = "SELECT id FROM versions ORDER BY id DESC LIMIT ?"
        self._db.execute(f"DELETE FROM versions WHERE hash <> ? AND id NOT IN ({newest_ids})", (base, KEPT))  # noqa: S608

    def _thin(self, now: float) -> None:
        last = self._db.execute("SELECT id, reason, time FROM versions ORDER BY id DESC LIMIT 2").fetchall()
        if len(last) == 2 and last[0][1] == "autosave" and abs(now - last[1][2]) < APART:
            self._db.execute("DELETE FROM versions WHERE id = ?", (last[0][0],))

    def listed(self) -> tuple[Version, ...]:
        """The newest first."""
        rows = self._db.execute("SELECT id, time, reason, cells, size FROM versions ORDER BY id DESC")
        return tuple(Version(*row) for row in rows)

    def has(self, hash_: str) -> bool:
        return self._db.execute("SELECT 1 FROM versions WHERE hash = ?", (hash_,)).fetchone() is not None

    def with_hash(self, hash_: str) -> bytes | None:
        """The bytes, or None if they are not there or not whole."""
        return _whole(self._db.execute("SELECT data, hash FROM versions WHERE hash = ?", (hash_,)).fetchone())

    def with_id(self, id_: int) -> bytes | None:
        return _whole(self._db.execute("SELECT data, hash FROM versions WHERE id = ?", (id_,)).fetchone())


def _whole(row: tuple[bytes, str] | None) -> bytes | None:
    if row is None:
        return None
    try:
        data = zlib.decompress(row[0])
    except (zlib.error, TypeError):
        return None
    return data if digest(data) == row[1] else None
