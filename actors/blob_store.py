"""Large values of a notebook's outputs, one file each, in the folder of its journal.

A file is named by the SHA-256 of the value's bytes, and holds a line with the mime before them. What a name
promises is checked whenever it is read: damaged is missing. Every method blocks and may be called from any thread.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock

import msgspec

from actors.disk import sync_folder
from protocol.blobs import LIMIT, Blob, is_name
from protocol.output_gap import size_in_words

# Seconds that a value may lie here which nothing refers to: it comes before the document that does.
GRACE = 60.0

_TEMPORARY = ".tmp"


class BlobLimits(msgspec.Struct, frozen=True):
    """Bytes. ``limit``: larger values are kept here; ``notebook``: what a notebook's kernel may have kept."""

    limit: int = LIMIT
    notebook: int = 2_000_000_000


class OverBudget(Exception):
    """``args[0]``: what is exceeded, as the end of a sentence."""


class Stored(msgspec.Struct, frozen=True):
    mime: str
    data: bytes


class BlobStore:
    """``folder`` comes into being with the first value."""

    def __init__(self, folder: Path, limits: BlobLimits | None = None) -> None:
        self.folder = folder
        self.limits = limits or BlobLimits()
        self._lock = Lock()  # a value that is kept again must not be swept at that moment
        self._named: dict[str, int] = {}  # what the document referred to when it was last asked, and its sizes
        self._fresh: dict[str, tuple[float, int]] = {}  # what was kept since: when, and how much

    # ------------------------------------------------------------------------------------------------- keeping

    def keep(self, blobs: Iterable[Blob]) -> None:
        """Durable when this returns. Raises OSError; then some of them may be there."""
        with self._lock:
            kept = False
            for blob in blobs:
                self._keep(blob)
                self._fresh[blob.name] = (time.monotonic(), len(blob.data))
                kept = True
            if kept:  # also if all were there: the sync that was to make their names durable may have failed
                sync_folder(self.folder)

    def keep_within_budget(self, blobs: tuple[Blob, ...]) -> None:
        """For what comes without end. Raises :class:`OverBudget` and OSError."""
        with self._lock:
            sizes = self._named | {name: size for name, (_, size) in self._fresh.items()}
        if sum((sizes | {blob.name: len(blob.data) for blob in blobs}).values()) > self.limits.notebook:
            raise OverBudget(f"the outputs of this notebook exceed {size_in_words(self.limits.notebook)}")
        self.keep(blobs)

    def _keep(self, blob: Blob) -> None:
        path = self.folder / blob.name
        head = f"{_tame(blob.mime)}\n".encode()
        with suppress(OSError):
            if path.read_bytes().partition(b"\n")[2] == blob.data:
                return
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.folder.parent)
        temporary = self.folder / f"{blob.name}{_TEMPORARY}"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                with open(handle, "wb", closefd=False) as stream:
                    stream.write(head)
                    stream.write(blob.data)
                os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    # ------------------------------------------------------------------------------------------------- reading

    def read(self, name: str) -> Stored | None:
        """None if it is missing, which includes damaged."""
        if not is_name(name):
            return None
        try:
            handle = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(handle, "rb") as stream:
                mime, _, data = stream.read().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != name:
            return None
        return Stored(mime.decode("ascii", "replace"), data)

    def data(self, name: str) -> bytes | None:
        stored = self.read(name)
        return None if stored is None else stored.data

    # ------------------------------------------------------------------------------------------------ sweeping

    def missing(self, names: Iterable[str]) -> frozenset[str]:
        """Those that are not there; whether what is there is whole shows when it is read."""
        there = self._listed()
        return frozenset(name for name in names if name not in there)

    def sweep(self, document: frozenset[str], versions: frozenset[str], grace: float = GRACE) -> None:
        """Let go of what neither ``document`` nor ``versions`` names and nobody kept within ``grace``."""
        with self._lock:
            there = self._listed()
            self._named = {name: there[name].st_size for name in document if name in there}
            now = time.monotonic()
            self._fresh = {
                name: (kept, size)
                for name, (kept, size) in self._fresh.items()
                if name not in document and now - kept < grace
            }
            doomed = [
                name
                for name, status in there.items()
                if name not in document
                and name not in versions
                and name not in self._fresh
                # Kept by a server before this one, or by another program; and a clock may have been set back.
                and abs(time.time() - status.st_mtime) >= grace
            ]
            for name in doomed:
                with suppress(OSError):
                    (self.folder / name).unlink(missing_ok=True)

    def _listed(self) -> dict[str, os.stat_result]:
        try:
            with os.scandir(self.folder) as found:
                files = list(found)
        except FileNotFoundError:
            return {}
        listed: dict[str, os.stat_result] = {}
        for each in files:
            if is_name(each.name.removesuffix(_TEMPORARY)):
                with suppress(OSError):  # gone meanwhile
                    listed[each.name] = each.stat(follow_symlinks=False)
        return listed

    @property
    def used(self) -> bool:
        """Whether anything was ever kept here, as far as a look at the folder's name tells."""
        return self.folder.is_dir()


def _tame(mime: str) -> str:
    """A mime as it can stand in a line and in a header."""
    return mime if mime.isascii() and mime.isprintable() and " " not in mime else "application/octet-stream"
