"""What can be read of a journal that SQLite cannot read, or would read only in part without a word.

Everything is known by its own checksum. An update is taken from whichever version of a page has it: applying an
old one again changes nothing. The queue is taken as it was last, since an old one would be about runs long over.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from actors.journal_format import entry_of, sum_of
from actors.sqlite_log import committed, is_cut_short, page_size, read_log
from actors.sqlite_pages import Record, Value, records
from actors.versions import KEPT, Packed, found
from protocol.messages.shared import Entry

_MAGIC = b"SQLite format 3\0"
# Offsets in the database's head of what every journal has there: a WAL database without vacuum.
_HEAD = ((0, _MAGIC), (18, b"\x02\x02"), (21, b"\x40\x20\x20"), (52, bytes(4)), (64, bytes(4)))


class Salvaged(msgspec.Struct, frozen=True):
    """``updates``: whole ones, oldest first, perhaps with some that ``snapshot`` holds already. ``meta``: what
    could be read of it. ``versions``: the newest by their ids, and what the next merge begins with."""

    snapshot: bytes | None
    updates: tuple[bytes, ...]
    queue: tuple[Entry, ...]
    meta: dict[str, Value]
    versions: dict[int, Packed]


def silent_damage(path: Path) -> bool:
    """Whether SQLite would open the journal at ``path`` as if nothing were missing, or not know it for a journal.

    Raises OSError. To be asked before SQLite touches it: it forgets for good what it does not read.
    """
    log, index = _bytes(Path(f"{path}-wal")), _bytes(Path(f"{path}-shm"))
    head = b""
    if path.exists():
        with path.open("rb") as stream:
            head = stream.read(100)
    size = page_size(head, log)
    frames = read_log(log, size)
    if not head:
        return bool(frames.frames)
    if len(head) < 100 or any(head[at : at + len(value)] != value for at, value in _HEAD):
        return True
    if frames.headed and (needed := committed(log, index)) is not None:
        return frames.readable < needed  # what lies behind was never committed: a server was killed in the middle
    return frames.damaged or is_cut_short(log, index, size)


def salvage(path: Path) -> Salvaged:
    """Read what there is. Raises OSError; nothing else, whatever the bytes are."""
    read = _Found()
    # By time; within one time what was searched for is the older.
    for record in sorted(records(_bytes(path), _bytes(Path(f"{path}-wal"))), key=_age):
        read.take(record)
    snapshots = list(read.snapshots)
    if not read.numbered:  # format 1, in which updates look like snapshots
        return Salvaged(snapshots[0] if snapshots else None, tuple(read.updates), (), {}, {})
    newest = snapshots[-1] if snapshots else None
    queue = tuple(read.queue[position] for position in sorted(read.queue))
    return Salvaged(newest, tuple(read.updates), queue, read.meta, read.kept())


def _age(record: Record) -> tuple[int, bool, int]:
    return record.time, not record.searched, record.rowid or 0


class _Found:
    """Records by what they are; later ones take the place of earlier ones."""

    def __init__(self) -> None:
        self.snapshots: dict[bytes, None] = {}
        self.updates: dict[bytes, None] = {}
        self.queue: dict[int, Entry] = {}
        self.meta: dict[str, Value] = {}
        self.versions: dict[int, Packed] = {}
        self.numbered = False

    def take(self, record: Record) -> None:
        match record.values:
            case (None, bytes() as data, int() as crc, int()) if zlib.crc32(data) == crc:
                self.numbered = True
                self.updates[data] = None
            case (None, bytes() as data, int() as crc) if zlib.crc32(data) == crc:
                if record.rowid == 1:
                    self.snapshots.pop(data, None)
                    self.snapshots[data] = None
                self.updates |= {data: None} if record.rowid != 1 else {}
            case (str() as key, value, int() as crc) if record.rowid is None and sum_of(key, value) == crc:
                self.numbered = True
                self.meta[key] = value
            case (
                None,
                str() as id_,
                str() as cell_id,
                str() as source,
                str() as who,
                int() as flags,
                int() as crc,
            ):
                known = sum_of(id_, cell_id, source, who, flags) == crc
                if known and record.newest and record.rowid is not None:
                    self.queue[record.rowid] = entry_of(id_, cell_id, source, who, flags)
            case (None, *rest) if record.rowid is not None and (version := found(rest)) is not None:
                self.versions[record.rowid] = version

    def kept(self) -> dict[int, Packed]:
        """Without most of those that were deleted long ago. Of one text only the newest, as it was."""
        last = {version.hash: id_ for id_, version in sorted(self.versions.items())}
        newest = sorted(last.values())[-KEPT:]
        base = last.get(str(self.meta.get("file_hash")))
        return {id_: self.versions[id_] for id_ in sorted({*newest, *([base] if base is not None else [])})}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
