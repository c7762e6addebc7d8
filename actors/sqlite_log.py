"""SQLite's write-ahead log, read without SQLite: its frames, those behind the last whole one too, and what the
index beside it says of them. Format: https://sqlite.org/fileformat2.html, section 4; the index:
https://sqlite.org/walformat.html.
"""

from __future__ import annotations

import struct
import sys
from collections import Counter
from typing import Final

import msgspec

_HEAD: Final = 32
_FRAME_HEAD: Final = 24


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
    ends = range(_HEAD, len(log), _FRAME_HEAD + size)
    slots = [log[at : at + _FRAME_HEAD + size] for at in ends]
    slots = [slot for slot in slots if len(slot) > _FRAME_HEAD]
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
        if len(slot) == _FRAME_HEAD + size and ours == 2:
            # The sum goes on from the frame before; what is stored there may be damaged, or what it was made of.
            summed = slot[:8] + slot[_FRAME_HEAD:]
            possible = {_sum(summed, start, order) for start in {computed, stored}}
        stored = struct.unpack(">II", slot[16:24])
        computed = stored if stored in possible or not possible else min(possible)
        frames.append(Frame(page, commits > 0, slot[_FRAME_HEAD:], stored in possible, ours))
    rest = frames.pop() if len(slots[-1]) < _FRAME_HEAD + size else None
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
    begun_anew = len(log) >= _HEAD and log[16:24] != index[32:40]  # a head is written in one piece
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
