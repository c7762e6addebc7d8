"""The notebook's file and the lock beside its journal. Everything here blocks: call it in a thread.

Saving goes temp file in the same folder, fsync, rename, fsync of the folder: the file on disk is at any moment
the old notebook or the new one, whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import stat
from pathlib import Path


class LockTaken(Exception):
    """Another server has this notebook open. ``args[0]``: what it wrote about itself, may be empty."""


def digest(data: bytes | None) -> str:
    """The hash by which two versions of a file are told apart; "" for a missing file."""
    return "" if data is None else hashlib.sha256(data).hexdigest()


class NotebookFile:
    """The file that was opened; a symlink is followed at each use, so that the link itself stays."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def target(self) -> Path:
        return self.path.resolve()

    def read(self) -> bytes | None:
        """The bytes, or None if there is no file. Raises OSError."""
        try:
            return self.target.read_bytes()
        except FileNotFoundError:
            return None

    def signature(self) -> tuple[int, ...] | None:
        """Another one whenever the file was written or replaced, also with the old size and time of change; None
        if there is no file. Raises OSError."""
        try:
            about = self.target.stat()
        except FileNotFoundError:
            return None
        return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns

    def write(self, data: bytes) -> None:
        """Replace the file's content atomically, keeping its permissions. Raises OSError."""
        target = self.target
        mode: int | None = None
        if target.exists():
            mode = stat.S_IMODE(target.stat().st_mode)
            if not mode & 0o222:
                raise PermissionError(13, "the file is read-only", str(target))
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                if mode is not None:
                    os.fchmod(handle, mode)
                with open(handle, "wb", closefd=False) as stream:
                    stream.write(data)
                os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(temporary, target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
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
    """Write who holds the lock into it, for the sentence that a second server prints."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, about.encode(), 0)


def in_words(error: OSError) -> str:
    """An OSError as the end of a sentence, without a traceback's noise."""
    text = error.strerror or type(error).__name__
    return text[0].lower() + text[1:] if text else text
