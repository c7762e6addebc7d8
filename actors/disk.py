"""The notebook's file and the lock beside its journal. Everything here blocks: call it in a thread.

Saving goes temp file in the same folder, fsync, rename, fsync of the folder: the file on disk is at any moment
the old notebook or the new one, whole.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from types import EllipsisType
from typing import TypeAlias

# Bytes of a name that leave room for what a temporary file's name adds, below the 255 of common file systems.
_LONG = 200
# What is kept of updates that broke a document: so many, of so many bytes in all.
QUARANTINED = 16
QUARANTINED_BYTES = 16 * 1024 * 1024


class LockTaken(Exception):
    """Another server has this notebook open. ``args[0]``: what it wrote about itself, may be empty."""


def digest(data: bytes | None) -> str:
    """The hash by which two versions of a file are told apart; "" for a missing file."""
    return "" if data is None else hashlib.sha256(data).hexdigest()


class WrittenMeanwhile(Exception):
    """Somebody wrote the file between our look at it and our rename. It was left alone."""


Signature: TypeAlias = tuple[int, ...] | None


class NotebookFile:
    """The file that was opened; a symlink is followed at each use, so that the link itself stays."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def target(self) -> Path:
        return self.path.resolve()

    def read(self) -> bytes | None:
        """The bytes, or None if there is no file. Raises OSError."""
        with self._opened() as stream:
            return None if stream is None else stream.read()

    def digest(self) -> str:
        """:func:`digest` of the bytes, which are never in memory at once. Raises OSError."""
        with self._opened() as stream:
            return "" if stream is None else hashlib.file_digest(stream, "sha256").hexdigest()

    @contextmanager
    def _opened(self) -> Iterator[BufferedReader | None]:
        try:
            # A pipe that somebody put there would keep us waiting for whoever writes to it.
            handle = os.open(self.target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        try:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                what = "a folder" if stat.S_ISDIR(mode) else "something that is no file"
                raise OSError(errno.EINVAL, f"{what} has its name")
            with open(handle, "rb", closefd=False) as stream:
                yield stream
        finally:
            os.close(handle)

    def signature(self) -> Signature:
        """Another one whenever the file was written or replaced, also with the old size and time of change; None
        if there is no file. Raises OSError."""
        try:
            about = self.target.stat()
        except FileNotFoundError:
            return None
        return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns

    def write(self, pieces: bytes | Iterable[bytes], over: Signature | EllipsisType = ...) -> None:
        """Replace the file's content atomically, keeping its permissions. ``over``: the signature of what may be
        replaced; else anything. Raises OSError, :class:`WrittenMeanwhile` and what ``pieces`` raise."""
        target = self.target
        mode: int | None = None
        if target.exists():
            mode = stat.S_IMODE(target.stat().st_mode)
            if not mode & 0o222:
                raise PermissionError(13, "the file is read-only", str(target))
        temporary = target.with_name(f"{temporary_stem(target)}.{secrets.token_hex(4)}.tmp")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                if mode is not None:
                    os.fchmod(handle, mode)
                with open(handle, "wb", closefd=False) as stream:
                    stream.writelines((pieces,) if isinstance(pieces, bytes) else pieces)
                os.fsync(handle)
            finally:
                os.close(handle)
            if over is not ... and self.signature() != over:
                raise WrittenMeanwhile
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)


def temporary_stem(target: Path) -> str:
    """What the names of temporary files for ``target`` begin with, however long its own name is."""
    name = os.fsencode(target.name)
    if len(name) > _LONG:
        name = name[: _LONG - 16] + hashlib.sha256(name).hexdigest()[:16].encode()
    return "." + os.fsdecode(name)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock(path: Path) -> int:
    """Take the lock file ``path`` until the descriptor is closed or the process ends.

    Raises :class:`LockTaken` if somebody else holds it, OSError if it cannot be taken at all. The kernel does not
    inherit the descriptor.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
    except BlockingIOError:
        about = os.read(handle, 1000).decode(errors="replace").strip()
        os.close(handle)
        raise LockTaken(about) from None
    except OSError:
        os.close(handle)
        raise
    return handle


def describe_lock(handle: int, about: str) -> None:
    """Write who holds the lock into it, for the sentence that a second server prints. A disk that does not take it
    keeps nobody from serving."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, about.encode(), 0)


def in_words(error: OSError) -> str:
    """An OSError as the end of a sentence, without a traceback's noise."""
    text = error.strerror or type(error).__name__
    return text[0].lower() + text[1:] if text else text


def keep_for_report(folder: Path, data: bytes, reason: str) -> None:
    """Keep what broke the document, with the reason, and the newest of those before it that there is room for.
    Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    stem = f"{time.time_ns():020}-{digest(data)[:8]}"
    (folder / f"{stem}.update").write_bytes(data)
    (folder / f"{stem}.txt").write_text(f"{reason[:2000]}\n")
    size = 0
    for number, kept in enumerate(sorted(folder.glob("*.update"), reverse=True)):
        size += kept.stat().st_size
        if number >= QUARANTINED or (number and size > QUARANTINED_BYTES):
            kept.unlink()
            kept.with_suffix(".txt").unlink(missing_ok=True)
