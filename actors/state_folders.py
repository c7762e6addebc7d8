"""The state directory: a folder per notebook. What each one is about, read without changing anything in it.

A journal that a server holds open is read beside it. One that a killed server left is copied first: opening it in
its place would make SQLite forget what it cannot read.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from actors.disk import lock


class About(msgspec.Struct, frozen=True):
    """``place``: the notebook's path, empty if it was not recorded. ``open_in``: what the server that has it open
    says of itself, None if none has. ``unsaved``: the file lacks something of it. ``trouble``: why the journal
    cannot be read; then the numbers are zero. ``values``: large ones of outputs, kept beside it. ``others``:
    journals and files that were set aside here."""

    folder: Path
    place: str
    size: int
    changed: float
    open_in: str | None
    trouble: str = ""
    epoch: str = ""
    hashes: tuple[str, ...] = ()
    unsaved: bool = False
    format: int = 0
    updates: int = 0
    update_bytes: int = 0
    snapshot_bytes: int = 0
    queued: int = 0
    versions: int = 0
    values: int = 0
    value_bytes: int = 0
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The notebook's path as people can read it."""
        text = os.fsencode(self.place).decode(errors="replace")
        return "".join(each if each.isprintable() else "\ufffd" for each in text)

    @property
    def exists(self) -> bool:
        return bool(self.place) and os.path.lexists(self.place)


def state_folder(state_dir: Path, path: Path) -> Path:
    """Where the journal of the notebook at ``path`` lives: named by the resolved path's hash."""
    return state_dir / "notebooks" / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:24]


def folders(state_dir: Path) -> list[Path]:
    """Those in which there is a journal. Raises OSError."""
    home = state_dir / "notebooks"
    if not home.is_dir():
        return []
    return sorted(
        each for each in home.iterdir() if each.suffix != ".removed" and (each / "journal.sqlite").is_file()
    )


def recorded_place(folder: Path) -> str:
    """The notebook's path as the folder itself says, or "". Cheaper than :func:`about`."""
    try:
        return os.fsdecode((folder / "notebook-path").read_bytes())
    except OSError:
        return ""


def about(folder: Path) -> About:
    """Raises OSError for a folder that cannot be read at all."""
    files = [each for each in folder.iterdir() if each.is_file()]
    sizes = [each.stat() for each in files]
    journal = [each.stat().st_mtime for each in files if each.name in ("journal.sqlite", "journal.sqlite-wal")]
    values = _sizes(folder / "blobs")
    known: dict[str, Any] = {
        "folder": folder,
        "place": recorded_place(folder),
        "size": sum(each.st_size for each in sizes) + sum(values),
        "values": len(values),
        "value_bytes": sum(values),
        "changed": max(journal, default=0.0),
        "open_in": open_in(folder),
        "others": tuple(sorted(each.name for each in files if each.suffix in (".ipynb", ".sqlite")
                               and each.name != "journal.sqlite")),
    }  # fmt: skip
    try:
        with _database(folder / "journal.sqlite", known["open_in"] is not None) as db:
            found = _read(db)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the second quotes damaged text
        return About(**known, trouble=str(error))
    place = found.pop("place")
    return About(**known | found | ({"place": os.fsdecode(place)} if isinstance(place, bytes) else {}))


def _sizes(folder: Path) -> list[int]:
    """Of the files in a folder that a server may be working in."""
    sizes = []
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for each in found:
            with suppress(FileNotFoundError):
                sizes.append(each.stat().st_size)
    return sizes


def remove(folder: Path) -> None:
    """Delete a notebook's folder. Raises :class:`LockTaken` if a server has it open, and OSError.

    It loses its name first: a server that comes meanwhile starts anew, and never meets one that is half deleted.
    """
    held = lock(folder / "lock")
    try:
        doomed = folder.with_name(f"{folder.name}.removed")
        shutil.rmtree(doomed, ignore_errors=True)  # of a removal that was cut short
        folder.rename(doomed)
        shutil.rmtree(doomed)
    finally:
        os.close(held)


def open_in(folder: Path) -> str | None:
    """What the server that has the notebook open wrote about itself; None if there is none."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(handle, 1000).decode(errors="replace").strip()
    finally:
        os.close(handle)
    return None


@contextmanager
def _database(path: Path, live: bool) -> Iterator[sqlite3.Connection]:
    log = Path(f"{path}-wal")
    with tempfile.TemporaryDirectory(prefix="ganimede-") as scratch:
        how = "mode=ro"
        if not live and log.exists() and log.stat().st_size:
            path = Path(shutil.copy(path, scratch))
            shutil.copy(log, scratch)
        elif not live:
            how = "mode=ro&immutable=1"
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5)) as db:
            yield db


def _read(db: sqlite3.Connection) -> dict[str, Any]:
    """Also of formats older and newer than ours, which share these tables."""

    def one(query: str) -> Any:
        (value,) = db.execute(query).fetchone()
        return value

    has_versions = one("SELECT count(*) FROM sqlite_master WHERE name = 'versions'")
    meta = {str(row[0]): row[1] for row in db.execute("SELECT * FROM meta")}
    content = _number(meta.get("content"))
    if any(column[1] == "content" for column in db.execute("PRAGMA table_info(updates)")):
        content = max(content, _number(one("SELECT max(content) FROM updates")))
    return {
        "place": meta.get("place"),
        "epoch": str(meta.get("epoch") or ""),
        "hashes": tuple(str(meta.get(key) or "") for key in ("file_hash", "saving_hash")),
        "unsaved": content != _number(meta.get("saved_content")),
        "format": _number(one("PRAGMA user_version")),
        "updates": _number(one("SELECT count(*) FROM updates")),
        "update_bytes": _number(one("SELECT sum(length(data)) FROM updates")),
        "snapshot_bytes": _number(one("SELECT sum(length(data)) FROM snapshot")),
        "queued": _number(one("SELECT count(*) FROM queue")),
        "versions": _number(one("SELECT count(*) FROM versions")) if has_versions else 0,
    }


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
