"""A notebook that was renamed or moved finds its journal again: by the hash of the bytes that were saved last.

Only a journal whose recorded path is gone is taken: a copy of a notebook gets a journal of its own. Everything
moves file by file, the journal last and in one rename, so a server that dies in between finds the rest again: a
journal that names this notebook's path already, in another folder, is a move that was cut short.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from actors.disk import LockTaken, lock, sync_folder
from actors.journal_opening import SUFFIXES, BootError, open_journal
from actors.opened_file import OpenedFile
from actors.state_folders import About, about, folders, recorded_place
from protocol.messages.shared import Notice


def adopt(folder: Path, file: OpenedFile, new_epoch: str) -> tuple[Notice, ...]:
    """Move a journal of this notebook to ``folder``, which has none and whose lock is held. What to tell people.

    Raises BootError, JournalError and OSError.
    """
    path = file.path
    if file.data is None or any((folder / name).exists() for name in ("salvaged.sqlite", "journal.sqlite-wal")):
        return ()
    journal = folder / "journal.sqlite"
    if journal.exists() and journal.stat().st_size:
        return ()
    found = _candidates(folder, path, file.hash)
    notices: tuple[Notice, ...] = ()
    for n, candidate in enumerate(found):
        try:
            held = lock(candidate.folder / "lock")
        except LockTaken:
            text = f"The work of {candidate.name} fits {path.name}, but another Ganimede server has it open."
            notices += (Notice("journal_elsewhere", text, "warning"),)
            continue
        try:
            notices += _move(candidate.folder, folder, file, new_epoch)
        finally:
            os.close(held)
        text = f"The work on {path.name} was found again: the notebook was {candidate.name} before."
        notices += (Notice("journal_found", text, "info"),)
        for other in found[n + 1 :]:
            text = f"There is older work that fits {path.name}, too, of {other.name}: it stays in {other.folder}."
            notices += (Notice("journal_other", text, "warning"),)
        break
    return notices


def _candidates(folder: Path, path: Path, held: str) -> list[About]:
    """The newest first."""
    mine = os.fsdecode(os.fsencode(path.resolve()))
    found = []
    for each in folders(folder.parent.parent):
        place = recorded_place(each)
        if each == folder or (place != mine and place and os.path.lexists(place)):
            continue
        with suppress(OSError):  # what cannot be read is no candidate
            it = about(each)
            if it.place and held in it.hashes and (it.place == mine or not it.exists):
                found.append(it)
    return sorted(found, key=lambda it: (it.place == mine, it.changed), reverse=True)


def _move(source: Path, target: Path, file: OpenedFile, new_epoch: str) -> tuple[Notice, ...]:
    opened = open_journal(source, file, new_epoch)
    opened.journal.close()
    log = source / "journal.sqlite-wal"
    if log.exists() and log.stat().st_size:
        raise BootError(f"The journal in {source} cannot be moved: another program reads it. Try again.")
    for each in sorted(source.iterdir()):
        ours = each.name in ("lock", "notebook-path", *(f"journal.sqlite{suffix}" for suffix in SUFFIXES))
        if not ours and not (target / each.name).exists():
            each.rename(target / each.name)
    (source / "notebook-path").unlink(missing_ok=True)
    sync_folder(target)
    (source / "journal.sqlite").rename(target / "journal.sqlite")
    sync_folder(target)
    sync_folder(source)
    with suppress(OSError):  # an empty folder does no harm
        for name in ("journal.sqlite-wal", "journal.sqlite-shm", "lock"):
            (source / name).unlink(missing_ok=True)
        source.rmdir()
    return opened.notices
