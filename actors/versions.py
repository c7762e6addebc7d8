"""The versions in a journal: what the notebook was at its last saves and merges; one is the next merge's base.

Used by whoever owns the journal's database, inside its transactions. Every method blocks.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from typing import cast, get_args

import msgspec

from actors.disk import digest
from actors.journal_format import sum_of
from protocol.values import Version, VersionReason

KEPT = 10
# Seconds: of saves that nobody asked for, only the newest stays until the one before it is this old. Else a minute
# of typing would drive out everything before it.
APART = 300.0

# How a version with references begins. No notebook does.
_SLIM = b"ganimede: values elsewhere\n"

_REASONS = frozenset(get_args(VersionReason))
_COLUMNS = "time, reason, cells, size, hash, crc, data"


class Packed(msgspec.Struct, frozen=True):
    """A version on its way into the journal: compressed before the transaction, which others wait for."""

    time: float
    reason: VersionReason
    cells: int
    size: int
    hash: str
    data: bytes


def packed(data: bytes, cells: int, reason: VersionReason, now: float) -> Packed:
    return Packed(float(now), reason, cells, len(data), digest(data), zlib.compress(data, 1))


def found(values: Sequence[object]) -> Packed | None:
    """The version in what may be its row without the id, if nothing of it is damaged."""
    match values:
        case (
            int() | float() as time,
            str() as reason,
            int() as cells,
            int() as size,
            str() as hash_,
            crc,
            bytes() as data,
        ):
            whole = reason in _REASONS and _sum(float(time), reason, cells, size, hash_) == crc
            if whole and unpacked(data, hash_) is not None:
                return Packed(float(time), cast(VersionReason, reason), cells, size, hash_, data)
    return None


def packed_slim(slim: bytes, full: tuple[str, int], cells: int, reason: VersionReason, now: float) -> Packed:
    """A version whose large values lie elsewhere. ``full``: hash and size of the file with them in it."""
    held = _SLIM + digest(slim).encode() + b"\n" + slim
    return Packed(float(now), reason, cells, full[1], full[0], zlib.compress(held, 1))


def unpacked(data: object, hash_: str) -> bytes | None:
    """The bytes, or None if they are not what the hash says. Of a version whose large values lie elsewhere: with
    references in it."""
    try:
        held = zlib.decompress(data) if isinstance(data, bytes) else b""
    except zlib.error:
        return None
    if held.startswith(_SLIM):
        own, _, held = held.removeprefix(_SLIM).partition(b"\n")
        hash_ = own.decode("ascii", "replace")
    return held if digest(held) == hash_ else None


def _sum(time: float, reason: str, cells: int, size: int, hash_: str) -> int:
    """Of all but the bytes, for which the hash stands: to list versions is not to read them."""
    return sum_of(time, reason, cells, size, hash_)


class Versions:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, version: Packed) -> None:
        """Record a version; what was the same before gives way to it."""
        newest = self._db.execute("SELECT hash, reason FROM versions ORDER BY id DESC LIMIT 1").fetchone()
        known = newest and newest[0] == version.hash and version.reason in (newest[1], "autosave")
        if known and self.has(version.hash):
            return
        self._db.execute("DELETE FROM versions WHERE hash = ?", (version.hash,))
        self.put(None, version)

    def tidy(self, base: str, kept: int = KEPT) -> None:
        """Let go of what is too old or too close together. ``base``: hash of the one that must stay."""
        last = list(self._db.execute("SELECT id, reason, CAST(time AS REAL), hash FROM versions ORDER BY id DESC"))
        at = 1
        while at + 1 < len(last) and last[0][1] == last[at][1] == "autosave":
            if abs(last[0][2] - last[at + 1][2]) >= APART:
                break
            if last[at][3] == base:
                at += 1
            else:
                self._db.execute("DELETE FROM versions WHERE id = ?", (last.pop(at)[0],))
        for id_, _, _, hash_ in last[kept:]:
            if hash_ != base:
                self._db.execute("DELETE FROM versions WHERE id = ?", (id_,))

    def put(self, id_: int | None, version: Packed) -> None:
        """``id_``: of one that comes from another journal; None: the next."""
        crc = _sum(version.time, version.reason, version.cells, version.size, version.hash)
        self._db.execute(
            f"INSERT INTO versions(id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (id_, version.time, version.reason, version.cells, version.size, version.hash, crc, version.data),
        )

    def put_all(self, versions: dict[int, Packed]) -> None:
        for id_, version in versions.items():
            self.put(id_, version)

    def whole(self) -> dict[int, Packed]:
        """By their ids, without those that are damaged."""
        rows = self._db.execute(f"SELECT id, {_COLUMNS} FROM versions ORDER BY id")  # noqa: S608
        return {id_: version for id_, *row in rows if (version := found(row)) is not None}

    def listed(self) -> tuple[Version, ...]:
        """The newest first, without those that are damaged."""
        rows = self._db.execute("SELECT id, time, reason, cells, size, hash, crc FROM versions ORDER BY id DESC")
        return tuple(Version(*row[:5]) for row in rows if _sum(*row[1:6]) == row[6])

    def damaged(self) -> int:
        """How many rows are not what was written, as far as it shows without reading the bytes."""
        (count,) = self._db.execute("SELECT count(*) FROM versions").fetchone()
        return int(count) - len(self.listed())

    def has(self, hash_: str) -> bool:
        """Whether the bytes with this hash are here and whole."""
        return self.with_hash(hash_) is not None

    def with_hash(self, hash_: str) -> bytes | None:
        """The bytes, or None if they are not there or not whole."""
        row = self._db.execute("SELECT data FROM versions WHERE hash = ?", (hash_,)).fetchone()
        return unpacked(row[0], hash_) if row else None

    def ids(self) -> list[int]:
        return [row[0] for row in self._db.execute("SELECT id FROM versions")]

    def with_id(self, id_: int) -> bytes | None:
        row = self._db.execute("SELECT data, hash FROM versions WHERE id = ?", (id_,)).fetchone()
        return unpacked(*row) if row else None
