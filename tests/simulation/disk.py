"""A disk with weather: the real journal and the real file, in a folder that can be slow, full, broken or cut off.

What SQLite committed is on the disk, what it did not is not: a crash copies the folder as it is at that moment and
goes on with the copy, so that the next server has to recover from the write-ahead log.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import EllipsisType
from typing import Any, Literal

import trio

from actors.blob_store import BlobStore
from actors.boot import OpenNotebook, open_notebook, state_folder
from actors.disk import NotebookFile, Signature
from actors.journal import Journal, Replayed
from protocol.blobs import Blob
from tests.simulation.ledger import PromiseBroken

Weather = Literal["fine", "slow", "hung", "full", "file full"]
WEATHERS: tuple[Weather, ...] = ("slow", "slow", "hung", "full", "file full")

# The path that the document and the trace say, wherever the folder is.
SHOWN = Path("/simulated/n.ipynb")


class PowerCut(BaseException):
    """The process ends here and now. Not an Exception: no actor's cleanup may take it for a bug."""


class Disk:
    """``on``: false between a crash and the next start. ``cut_in``: so many operations later the power goes."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._rng = rng
        self._folder = folder / "disk"
        self._copy = folder / "copy"
        self.on = False
        self.threads: set[trio.CancelScope] = set()
        self.weather: Weather = "fine"
        self.cut_in = 0
        self.committed = bytearray()
        self.versions: list[bytes] = []  # of the file: the last whole one, and the one that is being written
        self._notebook: OpenNotebook | None = None
        self._folder.mkdir(parents=True)

    @property
    def path(self) -> Path:
        return self._folder / "n.ipynb"

    def create(self, *cells: str) -> None:
        """A notebook file of code cells."""
        listed: list[dict[str, object]] = [
            {
                "cell_type": "code",
                "id": cell,
                "metadata": {},
                "source": header(cell),
                "execution_count": None,
                "outputs": [],
            }
            for cell in cells
        ]
        data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": listed}).encode()
        self.path.write_bytes(data)
        self.versions = [data]
        self.committed += data

    # ------------------------------------------------------------------------------------------------- a server's

    def open(self, epoch: str) -> OpenNotebook:
        notebook = open_notebook(self.path, self._folder / "state", epoch)
        notebook.path = SHOWN
        notebook.file = FaultyFile(self.path, self)
        notebook.blobs = FaultyBlobs(notebook.blobs, self)
        notebook.journal = FaultyJournal(notebook.journal, self)  # type: ignore[assignment]
        self.on = True
        self._notebook = notebook
        return notebook

    def close(self) -> None:
        """The server ended, or the simulation did."""
        self.off()
        if self._notebook is not None:
            self._notebook.close()
            self._notebook = None

    def crash(self) -> None:
        """Nothing more is written; what lies on the disk is what the next server finds."""
        self.off()
        shutil.copytree(self._folder, self._copy, ignore=shutil.ignore_patterns("*-shm"))
        self.close()  # may write into a folder that is no more the disk
        shutil.rmtree(self._folder)
        self._copy.rename(self._folder)

    def off(self) -> None:
        self.on = False
        for scope in list(self.threads):
            scope.cancel()

    # --------------------------------------------------------------------------------------------------- weather

    def pace(self) -> float:
        """Seconds for half of what a thread does."""
        match self.weather:
            case "slow":
                return self._rng.uniform(0.05, 0.4)
            case "hung":
                return self._rng.uniform(0.5, 3.0)
            case _:
                return self._rng.uniform(0.0, 0.002)

    @contextmanager
    def operation(self) -> Iterator[None]:
        """One write of the journal: it may fail before, or after it was done, or be the last thing that happens."""
        self.tick()
        if self.weather == "full" and self._rng.random() < 0.8:
            raise sqlite3.OperationalError("database or disk is full")
        yield
        if self.weather == "full" and self._rng.random() < 0.3:
            raise sqlite3.OperationalError("disk I/O error")
        self.tick()

    def tick(self) -> None:
        if not self.on:
            raise PowerCut
        if self.cut_in:
            self.cut_in -= 1
            if not self.cut_in:
                self.off()
                raise PowerCut

    def system_call(self) -> None:
        """Between two system calls of a write of the file: it is whole, and the next one may fail."""
        self.check_file()
        self.tick()
        if self.weather == "file full" and self._rng.random() < 0.5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    # ---------------------------------------------------------------------------------------------------- looking

    def check_file(self) -> None:
        """I7: the file is one of the notebooks that were written, whole."""
        if self.path.read_bytes() not in self.versions:
            raise PromiseBroken("I7", "the file on disk is neither the old notebook nor the new one")

    def in_journal(self, name: str) -> bool:
        """It was committed: edits are made of whole strings, so their bytes are in what was appended."""
        return name.encode() in self.committed

    def in_file(self, name: str) -> bool:
        return name.encode() in self.path.read_bytes()

    def holds(self, name: str) -> bool:
        """The value of this name, whole."""
        return BlobStore(state_folder(self._folder / "state", self.path) / "blobs").read(name) is not None

    def probe(self) -> Replayed:
        """What a server would find if the power went now."""
        copy = self._copy / "probe"
        shutil.copytree(
            state_folder(self._folder / "state", self.path), copy, ignore=shutil.ignore_patterns("*-shm")
        )
        journal = Journal(copy / "journal.sqlite")
        try:
            return journal.replay()
        finally:
            journal.close()
            shutil.rmtree(self._copy)


class FaultyJournal:
    """The real journal, behind a disk with weather."""

    def __init__(self, inner: Journal, disk: Disk) -> None:
        self._inner = inner
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in ("append", "store_snapshot", "set_meta", "begin_save", "end_save", "keep_version"):
            return found

        def write(*args: Any, **named: Any) -> Any:
            with self._disk.operation():
                done = found(*args, **named)
                for update in {"append": args[0], "store_snapshot": args[:1]}.get(name, ()):
                    self._disk.committed += update
                return done

        return write


class FaultyFile(NotebookFile):
    """The real file, with a look and perhaps a fault before each sync and rename."""

    def __init__(self, path: Path, disk: Disk) -> None:
        super().__init__(path)
        self._disk = disk

    def write(self, pieces: bytes | Iterable[bytes], over: Signature | EllipsisType = ...) -> None:
        disk = self._disk
        data = pieces if isinstance(pieces, bytes) else b"".join(pieces)
        disk.check_file()
        disk.versions = [self.path.read_bytes(), data]  # an earlier write that failed left one of its two
        with _watched("fsync", disk), _watched("replace", disk):
            super().write(data, over)
        disk.check_file()
        disk.versions = [data]


class FaultyBlobs(BlobStore):
    """The real values, with a fault before each sync and rename."""

    def __init__(self, sound: BlobStore, disk: Disk) -> None:
        super().__init__(sound.folder, sound.limits)
        self._disk = disk

    def keep(self, blobs: Iterable[Blob]) -> None:
        with _watched("fsync", self._disk), _watched("replace", self._disk):
            super().keep(blobs)


@contextmanager
def _watched(name: str, disk: Disk) -> Iterator[None]:
    real: Callable[..., Any] = getattr(os, name)

    def call(*args: Any) -> Any:
        disk.system_call()
        return None if name == "fsync" else real(*args)

    setattr(os, name, call)
    try:
        yield
    finally:
        setattr(os, name, real)


def header(cell: str) -> str:
    """The first line of a cell's source: whatever runs it knows whose it is."""
    return f"#{cell}\n"
