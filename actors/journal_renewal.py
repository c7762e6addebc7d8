"""A journal that was deleted while its server ran is made anew, and holds everything again.

Its files are still open, but whatever is written to them is lost with the process; so nothing is, and the next
snapshot of the whole document begins a new journal in their place. A server that took the place meanwhile keeps
it.
"""

from __future__ import annotations

import os
from pathlib import Path

from actors.boot import OpenNotebook
from actors.disk import LockTaken, describe_lock, lock, sync_folder
from actors.journal import Journal, JournalError
from actors.journal_opening import SUFFIXES, set_aside
from protocol.messages.shared import Entry


def renew(notebook: OpenNotebook, state: bytes, queue: tuple[Entry, ...]) -> int:
    """Store a snapshot in a new journal, which knows what the lost one knew. The content counter afterwards.

    Raises JournalError, OSError and sqlite3.Error; nothing has changed then.
    """
    folder, path = notebook.folder, notebook.folder / "journal.sqlite"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _lock_again(notebook)
    if any(Path(f"{path}{suffix}").exists() for suffix in SUFFIXES):
        set_aside(folder)
    lost = notebook.journal
    try:
        journal = Journal(path)
        try:
            count = journal.take_over(lost, state, queue)
            journal.settle()
            sync_folder(folder)
            sync_folder(folder.parent)
        except BaseException:
            journal.close()
            raise
    except BaseException:
        for suffix in SUFFIXES:
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        raise
    notebook.journal = journal
    lost.close()  # only now: until there is another, it is what a hub that begins again reads
    return count


def _lock_again(notebook: OpenNotebook) -> None:
    """The lock is on a file, which may have been deleted with the rest."""
    path = notebook.folder / "lock"
    if path.exists() and os.path.samestat(path.stat(), os.fstat(notebook.lock)):
        return
    try:
        held = lock(path)
    except LockTaken:
        raise JournalError(
            "the journal has disappeared, and another Ganimede server has the notebook open"
        ) from None
    describe_lock(held, os.pread(notebook.lock, 1000, 0).decode(errors="replace"))
    os.close(notebook.lock)
    notebook.lock = held
