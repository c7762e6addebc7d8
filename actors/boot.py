"""Opening a notebook: lock, journal, file; which of them holds the truth is decided here, once, before any actor.

A journal is replayed, whatever became of the file meanwhile: where the file changed, the hub merges it into the
document before anybody sees that. Without a journal the document is seeded from the file alone.
"""

from __future__ import annotations

import glob
import hashlib
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from actors.disk import LockTaken, NotebookFile, digest, in_words, lock
from actors.journal import EMPTY, Journal, JournalError, Known, NoJournalHere, Replayed
from actors.versions import packed
from protocol import notebook_file
from protocol.messages import Entry, Notice
from protocol.seed import arrange, seed


class BootError(Exception):
    """One sentence for people: this notebook cannot be opened."""


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
    loaded: bool = False
    old_queue: tuple[Entry, ...] = ()

    def close(self) -> None:
        self.journal.close()
        os.close(self.lock)


def state_folder(state_dir: Path, path: Path) -> Path:
    """Where the journal of the notebook at ``path`` lives: named by the resolved path's hash."""
    return state_dir / "notebooks" / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:24]


def open_notebook(path: Path, state_dir: Path, new_epoch: str) -> OpenNotebook:
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
        raise BootError(f"{path.name} is already open in another Ganimede server{where}.") from None
    except OSError as error:
        raise BootError(f"The state folder {folder} cannot be used: {in_words(error)}.") from None
    try:
        return _open_locked(path, folder, held, new_epoch)
    except BaseException as error:
        os.close(held)
        if isinstance(error, JournalError):
            raise BootError(str(error)) from None
        if isinstance(error, OSError):
            raise BootError(f"The state folder {folder} cannot be used: {in_words(error)}.") from None
        raise


def _open_locked(path: Path, folder: Path, held: int, new_epoch: str) -> OpenNotebook:
    file = NotebookFile(path)
    try:
        data = file.read()
    except OSError as error:
        raise BootError(f"{path} cannot be read: {in_words(error)}.") from None
    _sweep(file)
    journal, replayed, known, notices = _open_journal(folder, path)
    epoch = known.epoch
    try:
        if epoch and data is not None and digest(data) in (known.file_hash, known.saving_hash):
            _learn_base(journal, data)
        if replayed.damaged and data is not None:
            notices += (_keep_copy(folder, path, data),)
        if not epoch:
            epoch = new_epoch
            _seed(journal, path, data, epoch)
    except BaseException:
        journal.close()
        raise
    return OpenNotebook(path, file, journal, folder, held, epoch, notices, old_queue=replayed.queue)


def _learn_base(journal: Journal, data: bytes) -> None:
    """The file is what was saved last: what a later change is compared with, also where the journal was written
    before it kept versions, or the server was killed before it could say that the file was written."""
    held = digest(data)
    with suppress(sqlite3.Error, notebook_file.NotebookFileError):  # a merge without a base loses nothing either
        if journal.meta("file_hash") != held or not journal.versions.has(held):
            version = packed(data, len(notebook_file.load(data).cells), "opened", time.time())
            journal.set_meta(version, file_hash=held, saving_hash=held)


def _keep_copy(folder: Path, path: Path, data: bytes) -> Notice:
    """The file as it is, before what remains of a damaged journal is saved over it."""
    copy = folder / f"before-{time.strftime('%Y%m%d-%H%M%S')}-{digest(data)[:8]}.ipynb"
    copy.write_bytes(data)
    return Notice("file_kept", f"{path.name} as it was before is kept in {copy}.", "warning")


def _seed(journal: Journal, path: Path, data: bytes | None, epoch: str) -> None:
    try:
        value = notebook_file.load(data or b"")
    except notebook_file.NotebookFileError as error:
        raise BootError(f"{path} cannot be opened: {error}") from None
    update = seed(arrange(value), hashlib.sha256(data or b"").digest())
    held = digest(data)
    try:
        journal.store_snapshot(update, (), content=False)
        opened = () if data is None else (packed(data, len(value.cells), "opened", time.time()),)
        journal.set_meta(*opened, epoch=epoch, file_hash=held, saving_hash=held, saved_content=0, content=0)
    except sqlite3.Error as error:
        raise BootError(f"The journal {journal.path} cannot be written ({error}).") from None


def _open_journal(folder: Path, path: Path) -> tuple[Journal, Replayed, Known, tuple[Notice, ...]]:
    """A journal of which every page can be read; one that cannot is set aside, and people are told."""
    try:
        journal = Journal(folder / "journal.sqlite")
        try:
            replayed, known = journal.replay(), journal.known()
            if known.epoch and not replayed.based:
                raise JournalError(f"The journal {journal.path} has lost what all the rest builds upon.")
            return journal, replayed, known, ()
        except JournalError:
            journal.close()
            raise
    except NoJournalHere:
        raise
    except JournalError as error:
        aside = _set_aside(folder)
        text = f"{error} It is kept as {aside}, and {path.name} was loaded from its file."
        journal = Journal(folder / "journal.sqlite")
        return journal, EMPTY, journal.known(), (Notice("journal_unreadable", text, "warning"),)


def _set_aside(folder: Path) -> Path:
    """Rename the journal with its -wal and -shm; nothing is ever deleted here."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = folder / f"journal-{stamp}.sqlite"
    number = 1
    while aside.exists():
        number += 1
        aside = folder / f"journal-{stamp}-{number}.sqlite"
    for suffix in ("-wal", "-shm", ""):
        source = folder / f"journal.sqlite{suffix}"
        if source.exists():
            source.rename(f"{aside}{suffix}")
    return aside


def _sweep(file: NotebookFile) -> None:
    """Remove temporary files that a killed server left beside the notebook: the lock says nobody writes one."""
    target = file.target
    with suppress(OSError):  # a folder that we may not write: nothing can lie there
        for stray in target.parent.glob(f".{glob.escape(target.name)}.????????.tmp"):
            stray.unlink(missing_ok=True)
