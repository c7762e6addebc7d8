"""A journal that can be used, whatever became of its files: found whole, or made anew of what can be read of it.

A damaged journal is never written to. What can be read of it goes into ``salvaged.sqlite``, which takes its place
once it is complete and the damaged one lies aside under another name; a server that dies in between finds
``salvaged.sqlite`` and goes on from there.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec

from actors.disk import sync_folder
from actors.journal import Journal, JournalError, Known, NoJournalHere, Replayed
from actors.journal_salvage import Salvaged, salvage, silent_damage
from actors.opened_file import OpenedFile, Seeded, seed_of
from protocol import notebook_file
from protocol.messages.shared import Notice
from protocol.salvage import sound_in_any_order

SUFFIXES = ("-wal", "-shm", "")  # in this order: what has its name still can still be read


class BootError(Exception):
    """One sentence for people: this notebook cannot be opened."""


class Opened(msgspec.Struct, frozen=True):
    """``remains``: something of the journal is missing, or may be."""

    journal: Journal
    replayed: Replayed
    known: Known
    notices: tuple[Notice, ...]
    remains: bool


def open_journal(folder: Path, file: OpenedFile, new_epoch: str) -> Opened:
    """Raises :class:`NoJournalHere`, BootError and OSError."""
    path = file.path
    journal = folder / "journal.sqlite"
    marker = folder / "notebook-path"
    notices: tuple[Notice, ...] = ()
    place = os.fsencode(path.resolve())
    if (folder / "salvaged.sqlite").exists():
        notices = (_salvaged(path, "What could be read of it was kept.", _take_place(folder)),)
    try:
        if silent_damage(journal):
            raise JournalError(f"The journal {journal} is damaged.")
        gone = marker.exists() and not (journal.exists() and journal.stat().st_size)
        opened = _open_whole(journal, place, new_epoch)
        if gone:
            text = f"The journal of {path.name} has disappeared, and with it every edit that is not in the file."
            notices += (Notice("journal_gone", text, "warning"),)
    except NoJournalHere:
        raise
    except JournalError as error:
        notices = (_make_anew(folder, file, new_epoch, str(error)),)
        opened = _open_whole(journal, place, new_epoch)
    _mark(marker, place)
    remains = bool(opened.replayed.damaged or (notices and opened.known.epoch))
    return msgspec.structs.replace(opened, notices=notices, remains=remains)


def _open_whole(path: Path, place: bytes, new_epoch: str) -> Opened:
    """Raises :class:`JournalError` for a journal that cannot be read to its end and written to."""
    journal = Journal(path)
    try:
        replayed, known = journal.replay(), journal.known()
        if known.epoch and not replayed.based:
            raise JournalError(f"The journal {path} has lost what all the rest builds upon.")
        lost_epoch = not known.epoch and replayed.based and replayed.damaged > 0
        journal.record_place(place, new_epoch if lost_epoch else known.epoch)
        return Opened(journal, replayed, journal.known(), (), False)
    except BaseException:
        journal.close()
        raise


def _mark(marker: Path, place: bytes) -> None:
    """Whoever looks into the folder sees which notebook it is about, and so do we when the journal is gone."""
    if not marker.exists() or marker.read_bytes() != place:
        marker.write_bytes(place)


def seed_or_refuse(file: OpenedFile) -> Seeded:
    """Raises :class:`BootError` and OSError."""
    try:
        return seed_of(file)
    except notebook_file.NotebookFileError as error:
        raise BootError(f"{file.path} cannot be opened: {error}") from None


def set_aside(folder: Path) -> Path:
    """Rename the journal with its -wal and -shm; nothing is ever deleted here."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = folder / f"journal-{stamp}.sqlite"
    number = 1
    while aside.exists() or Path(f"{aside}-wal").exists():
        number += 1
        aside = folder / f"journal-{stamp}-{number}.sqlite"
    for suffix in SUFFIXES:
        source = folder / f"journal.sqlite{suffix}"
        if source.exists():
            source.rename(f"{aside}{suffix}")
    return aside


def _make_anew(folder: Path, file: OpenedFile, new_epoch: str, why: str) -> Notice:
    path = file.path
    found = salvage(folder / "journal.sqlite")
    base, epoch, began = found.snapshot, found.meta.get("epoch"), found.meta.get("seed")
    if base is None:  # the updates of a notebook that was never compacted build upon its file
        seeded = seed_or_refuse(file)
        base, epoch, began = seeded.update, None, seeded.client
    updates, left_out = sound_in_any_order((base, *found.updates))
    kept = len(updates) - 1
    if found.snapshot is None and not kept:
        aside = set_aside(folder)
        return Notice(
            "journal_unreadable",
            f"{why} It is kept as {aside}, and {path.name} was loaded from its file: edits that are not in the "
            "file are lost.",
            "warning",
        )
    lineage = epoch if isinstance(epoch, str) and epoch else new_epoch
    hashes = _hashes(found, file.hash)
    meta: dict[str, str | int] = {"epoch": lineage, "saved_content": 0, **hashes}
    _write(folder, updates, found, {**meta, "seed": began if isinstance(began, int) else 0})
    return _salvaged(path, _count(found, kept, left_out), _take_place(folder))


def _hashes(found: Salvaged, held: str) -> dict[str, str]:
    """What the new journal knows of the file. Where the damaged one says what was saved last, a file that says
    something else is merged like any other. Else what is there now is kept, and then saved over."""
    saved, saving = found.meta.get("file_hash"), found.meta.get("saving_hash")
    known = found.snapshot is not None and any(each.hash == saved for each in found.versions.values())
    if known and isinstance(saved, str):
        return {"file_hash": saved, "saving_hash": saving if isinstance(saving, str) else saved}
    return {"file_hash": held, "saving_hash": held}


def _count(found: Salvaged, kept: int, left_out: int) -> str:
    parts = ["Its last snapshot" if found.snapshot else "The notebook's file", f"{kept} update{'s'[: kept != 1]}"]
    lost = f", {left_out} that build upon something lost were left out" if left_out else ""
    return f"{' and '.join(parts)} were put together again{lost}; what was written in the damaged places is lost."


def _salvaged(path: Path, what: str, aside: Path) -> Notice:
    text = f"The journal of {path.name} was damaged. {what} The damaged one is kept as {aside}."
    return Notice("journal_salvaged", text, "warning")


def _write(folder: Path, updates: tuple[bytes, ...], found: Salvaged, meta: dict[str, str | int]) -> None:
    making = folder / "salvaging.sqlite"
    for suffix in SUFFIXES:
        Path(f"{making}{suffix}").unlink(missing_ok=True)
    try:
        with closing(Journal(making)) as journal:
            journal.store_snapshot(updates[0], found.queue, content=True)
            journal.append(updates[1:], None, content=True)
            journal.set_meta(**meta)
            journal.put_versions(found.versions)
    except sqlite3.Error as error:
        raise BootError(f"The journal {making} cannot be written ({error}).") from None
    if Path(f"{making}-wal").exists():
        raise BootError(f"The journal {making} cannot be completed: another program has it open.")
    making.rename(folder / "salvaged.sqlite")
    sync_folder(folder)


def _take_place(folder: Path) -> Path:
    aside = set_aside(folder)
    (folder / "salvaged.sqlite").rename(folder / "journal.sqlite")
    sync_folder(folder)
    return aside
