"""Opening a notebook: lock, journal, file; which of them holds the truth is decided here, once, before any actor.

A journal whose file is still the one it last saw is replayed. A file that changed while no server ran wins: the
journal is set aside under another name, and people are told (a three-way merge takes this place later). Without
a journal the document is seeded from the file alone.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import msgspec

from actors.disk import LockTaken, NotebookFile, digest, in_words, lock
from actors.journal import Journal, JournalError
from protocol import notebook_file
from protocol.messages import Notice
from protocol.seed import arrange, seed


class BootError(Exception):
    """One sentence for people: this notebook cannot be opened."""


class OpenNotebook(msgspec.Struct):
    """What outlives every actor of one notebook. ``loaded``: some incarnation of the hub has read the journal."""

    path: Path
    file: NotebookFile
    journal: Journal
    folder: Path
    lock: int
    epoch: str
    notices: tuple[Notice, ...]
    loaded: bool = False

    def close(self) -> None:
        self.journal.close()
        os.close(self.lock)


def state_folder(state_dir: Path, path: Path) -> Path:
    """Where the journal of the notebook at ``path`` lives: named by the resolved path's hash."""
    return state_dir / "notebooks" / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:24]


def open_notebook(path: Path, state_dir: Path, new_epoch: str) -> OpenNotebook:
    """Lock, read and decide. Blocks. Raises :class:`BootError`."""
    folder = state_folder(state_dir, path)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        state_dir.chmod(0o700)
        held = lock(folder / "lock")
    except LockTaken as taken:
        about = taken.args[0]
        where = f" ({about})" if about else ""
        raise BootError(f"{path.name} is already open in another Ganimede server{where}.") from None
    except OSError as error:
        raise BootError(f"The state folder {folder} cannot be used: {in_words(error)}.") from None
    try:
        return _open_locked(path, folder, held, new_epoch)
    except BaseException:
        os.close(held)
        raise


def _open_locked(path: Path, folder: Path, held: int, new_epoch: str) -> OpenNotebook:
    file = NotebookFile(path)
    try:
        data = file.read()
    except OSError as error:
        raise BootError(f"{path} cannot be read: {in_words(error)}.") from None
    _sweep(file)
    journal, notices = _open_journal(folder, path)
    epoch = journal.meta("epoch")
    if epoch and digest(data) not in (journal.meta("file_hash"), journal.meta("saving_hash")):
        journal.close()
        aside = _set_aside(folder)
        notices += (
            Notice(
                "journal_set_aside",
                f"{path.name} was changed while no server had it open, so the file was loaded. "
                f"What Ganimede held before is kept in {aside}.",
                "warning",
            ),
        )
        journal, epoch = Journal(folder / "journal.sqlite"), None
    try:
        if not epoch:
            epoch = new_epoch
            _seed(journal, path, data, epoch)
    except BaseException:
        journal.close()
        raise
    return OpenNotebook(path, file, journal, folder, held, str(epoch), notices)


def _seed(journal: Journal, path: Path, data: bytes | None, epoch: str) -> None:
    try:
        value = notebook_file.load(data or b"")
    except notebook_file.NotebookFileError as error:
        raise BootError(f"{path} cannot be opened: {error}") from None
    update = seed(arrange(value), hashlib.sha256(data or b"").digest())
    journal.store_snapshot(update, (), content=False)
    journal.set_meta(epoch=epoch, file_hash=digest(data), saving_hash=digest(data), saved_content=0, content=0)


def _open_journal(folder: Path, path: Path) -> tuple[Journal, tuple[Notice, ...]]:
    try:
        return Journal(folder / "journal.sqlite"), ()
    except JournalError as error:
        if "--state-dir" in str(error):
            raise BootError(str(error)) from None
        aside = _set_aside(folder)
        text = f"{error} It is kept as {aside}, and {path.name} was loaded from its file."
        return Journal(folder / "journal.sqlite"), (Notice("journal_unreadable", text, "warning"),)


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
    for stray in target.parent.glob(f".{target.name}.????????.tmp"):
        stray.unlink(missing_ok=True)
