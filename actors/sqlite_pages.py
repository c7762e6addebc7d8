"""Reads the records of an SQLite database and of its write-ahead log without SQLite, as far as the bytes go.

For databases that SQLite refuses. Every version of every page is looked at, in the database and in each frame of
the log, also where SQLite would stop: a log counts for it only up to the first frame that is not whole. Nothing is
believed here; whoever reads the records knows them by their checksums. Formats: https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import re
import struct
import sys
from bisect import bisect_right
from collections.abc import Generator, Iterator
from typing import Final, TypeAlias

import msgspec

from actors.sqlite_log import page_size, read_log

Value: TypeAlias = None | int | float | str | bytes

_INDEX_LEAF: Final = 0x0A
_TABLE_LEAF: Final = 0x0D
_BRANCHES: Final = (0x02, 0x05)
_INTEGER_BYTES: Final = (0, 1, 2, 3, 4, 6, 8)
# Pages without a readable head that are searched, some milliseconds each.
_SEARCHED: Final = 200


class Record(msgspec.Struct, frozen=True):
    """``time``: 0 in the database, then the number of the frame. ``searched``: not found where the page says that
    it is, so it may have been deleted long ago. ``newest``: in the last version of its page."""

    time: int
    rowid: int | None
    values: tuple[Value, ...]
    searched: bool
    newest: bool


def records(database: bytes, log: bytes) -> Iterator[Record]:
    """Whatever looks like a record, in no order."""
    return _Reader(database, log).records()


class _Cell(msgspec.Struct, frozen=True):
    """``end``: behind its last byte in its page."""

    rowid: int | None
    values: tuple[Value, ...]
    end: int


class _Reader:
    def __init__(self, database: bytes, log: bytes) -> None:
        self.size = size = page_size(database, log)
        read = read_log(log, size)
        frames = read.frames + ((read.rest,) if read.rest else ())
        self.pages: list[tuple[int, int, bytes]] = []  # time, number, content; the last one may be cut short
        for at in range(0, len(database), size):
            self.pages.append((0, at // size + 1, database[at : at + size].ljust(size, b"\0")))
        # There is no page 0: a flipped bit made it of another, whichever that was.
        self.pages += [
            (n, frame.page or -n, frame.data.ljust(size, b"\0")) for n, frame in enumerate(frames, 1) if frame.ours
        ]
        # A page belongs together with those that its transaction wrote, also behind it.
        self.ends = [n for n, frame in enumerate(frames, 1) if frame.commits]
        self.versions: dict[int, list[tuple[int, bytes]]] = {}
        for time, number, data in self.pages:
            self.versions.setdefault(number, []).append((time, data))
        self.limit = len(database) + len(log)
        self.used: set[tuple[int, int]] = set()  # overflow pages: time, number

    def records(self) -> Iterator[Record]:
        odd = []
        for time, number, data in self.pages:
            start = 100 if number == 1 else 0
            kind = data[start]
            if kind in (_TABLE_LEAF, _INDEX_LEAF):
                in_order = yield from self.leaf(time, number, data, start, kind)
                if not in_order:
                    odd.append((time, number, data))
            elif number == 1 or not self.is_branch(data):
                odd.append((time, number, data))
        searched = 0
        for time, number, data in odd:
            if (time, number) in self.used or not any(data):
                continue
            if searched == _SEARCHED:
                return
            searched += 1
            for at, kind in _likely(data):
                found = self.cell(time, data, at, kind)
                if found:
                    yield Record(
                        time, found.rowid, found.values, searched=True, newest=self.is_newest(time, number)
                    )

    def is_newest(self, time: int, number: int) -> bool:
        return self.versions[number][-1][0] == time

    def is_branch(self, data: bytes) -> bool:
        """Not what a flipped bit made of a leaf: its first records' places stand where the last child would."""
        return data[0] in _BRANCHES and int.from_bytes(data[8:12], "big") in self.versions

    def leaf(self, time: int, number: int, data: bytes, start: int, kind: int) -> Generator[Record, None, bool]:
        """The records that the page's head points to. Returns whether they and what is free are all of the page: a
        smaller count, or a place named twice, would point to some of them only."""
        count, content = struct.unpack_from(">HH", data, start + 3)
        pointers = start + 8
        in_order = pointers + 2 * count <= content
        taken = _free(data, start)
        for n in range(min(count, (self.size - pointers) // 2)):
            (at,) = struct.unpack_from(">H", data, pointers + 2 * n)
            found = self.cell(time, data, at, kind) if at < self.size else None
            if found:
                taken.append((at, max(found.end, at + 4)))  # no cell is smaller
                yield Record(time, found.rowid, found.values, searched=False, newest=self.is_newest(time, number))
            else:
                in_order = False
        return in_order and _gaps(taken, content, self.size) == data[start + 7]

    def cell(self, time: int, data: bytes, at: int, kind: int) -> _Cell | None:
        length, at = _varint(data, at)
        rowid = None
        if kind == _TABLE_LEAF:
            rowid, at = _varint(data, at)
        if not 3 <= length <= self.limit or at >= self.size or not 2 <= data[at] <= min(length, 127):
            return None
        local = self.local(length, kind)
        if at + local > self.size:
            return None
        payload = data[at : at + local]
        kinds = _kinds(payload)
        # Known before the rest is fetched: a record's parts fill it exactly.
        if kinds is None or payload[0] + sum(map(_width, kinds)) != length:
            return None
        end = at + local
        if local < length:
            if end + 4 > self.size:
                return None
            payload += self.overflow(time, int.from_bytes(data[end : end + 4], "big"), length - local)
            end += 4
        return _Cell(rowid, _values(payload, kinds), end) if len(payload) == length else None

    def local(self, length: int, kind: int) -> int:
        """How many bytes of a payload lie in its page."""
        most = self.size - 35 if kind == _TABLE_LEAF else (self.size - 12) * 64 // 255 - 23
        if length <= most:
            return length
        least = (self.size - 12) * 32 // 255 - 23
        fitting = least + (length - least) % (self.size - 4)
        return fitting if fitting <= most else least

    def overflow(self, time: int, number: int, length: int) -> bytes:
        after = bisect_right(self.ends, time - 1) if time else len(self.ends)
        end = 0 if not time else self.ends[after] if after < len(self.ends) else sys.maxsize
        parts = []
        while length > 0 and number in self.versions:
            versions = self.versions[number]
            seen = bisect_right(versions, end, key=lambda version: version[0])
            when, page = versions[max(seen - 1, 0)]
            self.used.add((when, number))
            parts.append(page[4 : 4 + min(length, self.size - 4)])
            length -= self.size - 4
            number = int.from_bytes(page[:4], "big")
        return b"".join(parts)


def _free(data: bytes, start: int) -> list[tuple[int, int]]:
    """The blocks of a page that its list of free ones names, from where to where."""
    blocks: list[tuple[int, int]] = []
    at = int.from_bytes(data[start + 1 : start + 3], "big")
    while at and at + 4 <= len(data) and len(blocks) < len(data) // 4:
        following, length = struct.unpack_from(">HH", data, at)
        blocks.append((at, at + length))
        at = following
    return blocks


def _gaps(taken: list[tuple[int, int]], start: int, end: int) -> int:
    """How many bytes from ``start`` to ``end`` nothing has taken; -1 if some are taken twice or lie outside."""
    gaps = 0
    for begin, stop in sorted(taken):
        if begin < start:
            return -1
        gaps += begin - start
        start = stop
    return gaps + end - start if start <= end else -1


def _likely(data: bytes) -> Iterator[tuple[int, int]]:
    """Where records of the journal's tables may begin: before a head that starts with its own length and the kind
    of the first value, which is null (the row number stands outside) or the key of an index as text."""
    for match in re.finditer(rb"(?=[\x03-\x14]\0)", data):
        for at in range(max(0, match.start() - 12), match.start() - 1):
            yield at, _TABLE_LEAF
    for match in re.finditer(rb"(?=[\x03-\x0c][\x0d-\x7f])", data):
        for at in range(max(0, match.start() - 2), match.start()):
            yield at, _INDEX_LEAF


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of up to nine bytes, and where it ends. Beyond the end there are zeros."""
    value = 0
    for n in range(9):
        byte = data[at + n] if at + n < len(data) else 0
        if n == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 127)
        if byte < 128:
            return value, at + n + 1
    raise AssertionError("unreachable")


def _kinds(payload: bytes) -> list[int] | None:
    kinds = []
    at = 1
    while at < payload[0]:
        kind, at = _varint(payload, at)
        if kind in (10, 11):
            return None
        kinds.append(kind)
    return kinds if at == payload[0] else None


def _width(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else 0 if kind >= 8 else _INTEGER_BYTES[kind]


def _values(payload: bytes, kinds: list[int]) -> tuple[Value, ...]:
    values: list[Value] = []
    at = payload[0]
    for kind in kinds:
        part = payload[at : at + _width(kind)]
        at += len(part)
        if kind == 0:
            values.append(None)
        elif kind >= 12:
            values.append(part if kind % 2 == 0 else part.decode(errors="replace"))
        elif kind == 7:
            values.append(float(struct.unpack(">d", part)[0]))
        else:
            values.append(kind - 8 if kind >= 8 else int.from_bytes(part, "big", signed=True))
    return tuple(values)
