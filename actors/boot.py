"""Opening a notebook: lock, journal, file; which of them holds the truth is decided here, once, before any actor.

A journal is replayed, whatever became of the file meanwhile: where the file changed, the hub merges it into the
document before anybody sees that. Without a journal the document is seeded from the file alone.
"""

from __future__ import annotations

import glob
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from actors.blob_store import BlobLimits, BlobStore
from actors.disk import LockTaken, NotebookFile, digest, in_words, lock, temporary_stem
from actors.journal import Journal, JournalError
from actors.journal_adoption import adopt
from actors.journal_opening import BootError, open_journal, seed_or_refuse
from actors.opened_file import OpenedFile, packed_file
from actors.state_folders import state_folder
from protocol import notebook_file
from protocol.messages.shared import Entry, Notice

__all__ = ["AlreadyOpen", "BootError", "OpenNotebook", "is_open", "open_notebook", "state_folder"]


class AlreadyOpen(BootError):
    """Another server has the notebook open. ``folder``: where its journal and its lock lie."""

    def __init__(self, sentence: str, folder: Path) -> None:
        super().__init__(sentence)
        self.folder = folder


class OpenNotebook(msgspec.Struct):
    """What outlives every actor of one notebook.

    ``loaded``: some incarnation of the hub has read the journal. ``old_queue``: the run queue as an earlier server
    left it.
    """

    path: Path
    file: NotebookFile
    journal: Journal
    folder: Path
    lock: int
    epoch: str
    notices: tuple[Notice, ...]
    blobs: BlobStore
    loaded: bool = False
    old_queue: tuple[Entry, ...] = ()

    def close(self) -> None:
        self.journal.close()
        os.close(self.lock)


def open_notebook(path: Path, state_dir: Path, new_epoch: str, limits: BlobLimits | None = None) -> OpenNotebook:
    """Lock, read and decide. Blocks. Raises :class:`BootError`."""
    try:
        folder = state_folder(state_dir, path)
    except (OSError, RuntimeError):  # a loop of symlinks is a RuntimeError before Python 3.13
        raise BootError(f"{path} cannot be read: its symlinks lead nowhere.") from None
    try:
        # A folder that was there may be anybody's: only what is made here is closed to others.
        for each in (state_dir, folder.parent, folder):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = lock(folder / "lock")
    except LockTaken as taken:
        about = taken.args[0]
        where = f" ({about})" if about else ""
        raise AlreadyOpen(f"{path.name} is already open in another Ganimede server{where}.", folder) from None
    except OSError as error:
        raise _no_state(folder, error) from None
    try:
        return _open_locked(path, BlobStore(folder / "blobs", limits), held, new_epoch)
    except BaseException as error:
        os.close(held)
        if isinstance(error, JournalError):
            raise BootError(str(error)) from None
        if isinstance(error, OSError):
            raise _no_state(folder, error) from None
        raise


def is_open(path: Path, state_dir: Path) -> bool:
    """Whether a server has the notebook open now. Blocks. Raises OSError."""
    try:
        os.close(lock(state_folder(state_dir, path) / "lock"))
    except FileNotFoundError:
        return False
    except LockTaken:
        return True
    return False


def _no_state(folder: Path, error: OSError) -> BootError:
    return BootError(
        f"The state folder {folder} cannot be used: {in_words(error)}. Another is named by --state-dir."
    )


def _open_locked(path: Path, blobs: BlobStore, held: int, new_epoch: str) -> OpenNotebook:
    file, folder = NotebookFile(path), blobs.folder.parent
    try:
        data = file.read()
    except OSError as error:
        raise BootError(f"{path} cannot be read: {in_words(error)}.") from None
    _sweep(file)
    found = OpenedFile(path, data, blobs)
    adopted = adopt(folder, found, new_epoch)
    opened = open_journal(folder, found, new_epoch)
    journal, replayed, known, notices = opened.journal, opened.replayed, opened.known, adopted + opened.notices
    epoch = known.epoch
    try:
        if epoch and data is not None and digest(data) in (known.file_hash, known.saving_hash):
            _learn_base(journal, found, data)
        if data is not None and (opened.remains or any(each.code == "journal_salvaged" for each in adopted)):
            notices += (_keep_copy(folder, path, data),)
        if not epoch:
            epoch = new_epoch
            _seed(journal, found, epoch)
        # From now on the database itself says whose it is, whatever becomes of its log.
        with suppress(sqlite3.Error):  # a disk in trouble: the first write tries again, and people are told
            journal.settle()
    except BaseException:
        journal.close()
        raise
    return OpenNotebook(path, file, journal, folder, held, epoch, notices, blobs, old_queue=replayed.queue)


def _learn_base(journal: Journal, file: OpenedFile, data: bytes) -> None:
    """The file is what was saved last: what a later change is compared with, also where the journal was written
    before it kept versions, or the server was killed before it could say that the file was written."""
    held = digest(data)
    with suppress(
        sqlite3.Error, OSError, notebook_file.NotebookFileError
    ):  # a merge without a base loses nothing either
        if journal.meta("file_hash") != held or not journal.versions.has(held):
            journal.keep_version(packed_file(file.blobs, data, "opened"))
            journal.set_meta(file_hash=held, saving_hash=held)


def _keep_copy(folder: Path, path: Path, data: bytes) -> Notice:
    """The file as it is, before what remains of a damaged journal is saved over it."""
    copy = folder / f"before-{time.strftime('%Y%m%d-%H%M%S')}-{digest(data)[:8]}.ipynb"
    copy.write_bytes(data)
    return Notice("file_kept", f"{path.name} as it was before is kept in {copy}.", "warning")


def _seed(journal: Journal, file: OpenedFile, epoch: str) -> None:
    seeded = seed_or_refuse(file)
    held = file.hash
    try:
        count = journal.store_snapshot(seeded.update, (), content=False)
        if file.data is not None:
            journal.keep_version(packed_file(file.blobs, file.data, "opened"))
        journal.set_meta(epoch=epoch, file_hash=held, saving_hash=held, saved_content=count, seed=seeded.client)
    except sqlite3.Error as error:
        raise BootError(f"The journal {journal.path} cannot be written ({error}).") from None


def _sweep(file: NotebookFile) -> None:
    """Remove temporary files that a killed server left beside the notebook: the lock says nobody writes one."""
    target = file.target
    with suppress(OSError):  # a folder that we may not write: nothing can lie there
        for stray in target.parent.glob(f"{glob.escape(temporary_stem(target))}.????????.tmp"):
            stray.unlink(missing_ok=True)
