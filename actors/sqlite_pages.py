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
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Final, TypeAlias

import msgspec

Value: TypeAlias = None | int | float | str | bytes

_INDEX_LEAF: Final = 0x0A
_TABLE_LEAF: Final = 0x0D
_BRANCHES: Final = (0x02, 0x05)
_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
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


class Frame(msgspec.Struct, frozen=True):
    """``whole``: its checksum follows from the frame before. ``ours``: how many of its two salts are the log's."""

    page: int
    commits: bool
    data: bytes
    whole: bool
    ours: int


class Log(msgspec.Struct, frozen=True):
    """``headed``: SQLite can read its head. ``rest``: a last frame of which only the beginning is there."""

    headed: bool
    frames: tuple[Frame, ...]
    rest: Frame | None = None

    @property
    def readable(self) -> int:
        """How many frames SQLite can read: it stops at the first that is not whole."""
        return next((n for n, frame in enumerate(self.frames) if not frame.whole), len(self.frames))

    @property
    def damaged(self) -> bool:
        """SQLite would leave out something, and say nothing. Frames of an earlier generation behind the last one
        are no damage. A transaction that a power cut tore looks like damage, too."""
        behind = self.frames[self.readable :] + ((self.rest,) if self.rest else ())
        return any(frame.ours or frame.whole for frame in behind) or not (self.headed or not self.frames)


def page_size(database: bytes, log: bytes) -> int:
    """The database's, or the log's, or SQLite's usual one; the usual one wins where they disagree."""
    said = set()
    if len(database) >= 18:
        said.add({1: 65536}.get(int.from_bytes(database[16:18], "big"), int.from_bytes(database[16:18], "big")))
    if len(log) >= 12:
        said.add(int.from_bytes(log[8:12], "big"))
    fit = [size for size in said if 512 <= size <= 65536 and size & (size - 1) == 0]
    return 4096 if 4096 in said or len(fit) != 1 else fit[0]


def read_log(log: bytes, size: int) -> Log:
    """The frames of a ``-wal`` file."""
    ends = range(_LOG_HEADER, len(log), _FRAME_HEADER + size)
    slots = [log[at : at + _FRAME_HEADER + size] for at in ends]
    slots = [slot for slot in slots if len(slot) > _FRAME_HEADER]
    if not slots:
        return Log(True, ())
    order = ">" if log[3] == 0x83 else "<" if log[3] == 0x82 else "<>"[sys.byteorder == "big"]
    computed = _sum(log[:24], (0, 0), order)
    stored = struct.unpack(">II", log[24:32])
    headed = computed == stored and log[:4] in (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
    salts = log[16:24]
    if not headed:
        [(salts, _)] = Counter(slot[8:16] for slot in slots).most_common(1)
    frames = []
    for slot in slots:
        page, commits = struct.unpack(">II", slot[:8])
        ours = (slot[8:12] == salts[:4]) + (slot[12:16] == salts[4:])
        possible: set[tuple[int, int]] = set()
        if len(slot) == _FRAME_HEADER + size and ours == 2:
            # The sum goes on from the frame before; what is stored there may be damaged, or what it was made of.
            summed = slot[:8] + slot[_FRAME_HEADER:]
            possible = {_sum(summed, start, order) for start in {computed, stored}}
        stored = struct.unpack(">II", slot[16:24])
        computed = stored if stored in possible or not possible else min(possible)
        frames.append(Frame(page, commits > 0, slot[_FRAME_HEADER:], stored in possible, ours))
    rest = frames.pop() if len(slots[-1]) < _FRAME_HEADER + size else None
    return Log(headed, tuple(frames), rest)


def committed(log: bytes, index: bytes) -> int | None:
    """How many frames of the log hold what is nowhere else, says the ``-shm`` file that a killed server leaves
    behind; None: it does not know this log."""
    if len(index) < 136 or index[:48] != index[48:96]:
        return None
    frames, done = (int.from_bytes(index[at : at + 4], sys.byteorder) for at in (16, 96))
    if done == frames:  # also if a new generation of the log has begun: nothing of it was committed yet
        return 0
    return frames if log[16:24] == index[32:40] else None


def is_cut_short(log: bytes, index: bytes, size: int) -> bool:
    """The ``-shm`` file, which a killed server leaves behind, knows of more frames than the log has."""
    if len(index) < 136 or index[:48] != index[48:96]:
        return False
    frames, done = (int.from_bytes(index[at : at + 4], sys.byteorder) for at in (16, 96))
    begun_anew = len(log) >= _LOG_HEADER and log[16:24] != index[32:40]  # a head is written in one piece
    there = frames if begun_anew else read_log(log, size).readable
    return done < frames and there < frames


def _sum(data: bytes, start: tuple[int, ...], order: str) -> tuple[int, int]:
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    rest = len(words) % 6
    six = iter(words[: len(words) - rest])
    # Masked once in six, which is nearly twice as fast.
    for a, b, c, d, e, f in zip(six, six, six, six, six, six, strict=True):
        first += a + second
        second += b + first
        first += c + second
        second += d + first
        first = (first + e + second) & 0xFFFFFFFF
        second = (second + f + first) & 0xFFFFFFFF
    for at in range(len(words) - rest, len(words), 2):
        first = (first + words[at] + second) & 0xFFFFFFFF
        second = (second + words[at + 1] + first) & 0xFFFFFFFF
    return first, second


def records(database: bytes, log: bytes) -> Iterator[Record]:
    """Whatever looks like a record, in no order."""
    return _Reader(database, log).records()


class _Reader:
    def __init__(self, database: bytes, log: bytes) -> None:
        self.size = size = page_size(database, log)
        read = read_log(log, size)
        frames = read.frames + ((read.rest,) if read.rest else ())
        self.pages: list[tuple[int, int, bytes]] = []  # time, number, content; the last one may be cut short
        for at in range(0, len(database), size):
            self.pages.append((0, at // size + 1, database[at : at + size].ljust(size, b"\0")))
        self.pages += [
            (n, frame.page, frame.data.ljust(size, b"\0"))
            for n, frame in enumerate(frames, 1)
            if frame.page and frame.ours
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
            elif kind not in _BRANCHES or number == 1:
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
                    yield Record(time, *found, searched=True, newest=self.is_newest(time, number))

    def is_newest(self, time: int, number: int) -> bool:
        return self.versions[number][-1][0] == time

    def leaf(self, time: int, number: int, data: bytes, start: int, kind: int) -> Generator[Record, None, bool]:
        """The records that the page's head points to. Returns whether all of that is in order."""
        count = int.from_bytes(data[start + 3 : start + 5], "big")
        in_order = start + 8 + 2 * count <= self.size
        for n in range(min(count, (self.size - start - 8) // 2)):
            (at,) = struct.unpack_from(">H", data, start + 8 + 2 * n)
            found = self.cell(time, data, at, kind) if at < self.size else None
            if found:
                yield Record(time, *found, searched=False, newest=self.is_newest(time, number))
            else:
                in_order = False
        return in_order

    def cell(self, time: int, data: bytes, at: int, kind: int) -> tuple[int | None, tuple[Value, ...]] | None:
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
        if local < length:
            if at + local + 4 > self.size:
                return None
            following = int.from_bytes(data[at + local : at + local + 4], "big")
            payload += self.overflow(time, following, length - local)
        return (rowid, _values(payload, kinds)) if len(payload) == length else None

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
