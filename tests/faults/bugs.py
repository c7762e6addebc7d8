"""Bugs to plant: each breaks what the disk is trusted with, and a sweep must notice."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from actors import checkpointer, journal_salvage, recorder
from actors.disk import NotebookFile
from actors.journal import Journal, JournalError
from protocol.messages.checkpointer import Appended, AppendFailed

Plant = Callable[[Any, str, Any], None]  # as setattr


def acknowledges_before_the_commit(plant: Plant) -> None:
    """One append behind."""
    sound, held = Journal.append, []

    def append(self: Journal, *batch: Any) -> int:
        held.append(batch)
        if len(held) > 1:
            sound(self, *held.pop(0))
        return self._content + 1

    plant(Journal, "append", append)


def takes_a_failed_sync_for_done(plant: Plant) -> None:
    def write(disk: Any, work: Callable[[], int]) -> Appended | AppendFailed:
        try:
            return Appended(False, work())
        except sqlite3.OperationalError:
            return Appended(False, 0)

    plant(checkpointer._Disk, "_write", write)


def builds_upon_a_log_that_only_looks_whole(plant: Plant) -> None:
    plant(Journal, "settle", lambda self: None)


def does_not_wait_for_the_disk(plant: Plant) -> None:
    sound = Journal._prepare

    def prepare(self: Journal) -> None:
        sound(self)
        self._db.execute("PRAGMA synchronous=OFF")

    plant(Journal, "_prepare", prepare)


def takes_a_commit_that_was_cut_short_for_damage(plant: Plant) -> None:
    plant(journal_salvage, "committed", lambda log, index: None)


def writes_into_a_journal_that_is_gone(plant: Plant) -> None:
    plant(Journal, "gone", False)


def keeps_a_journal_that_was_opened_for_reading(plant: Plant) -> None:
    sound = Journal.record_place

    def record_place(self: Journal, place: bytes, epoch: str) -> None:
        with suppress(JournalError):
            sound(self, place, epoch)

    plant(Journal, "record_place", record_place)


def writes_the_file_in_place(plant: Plant) -> None:
    plant(NotebookFile, "write", lambda self, data, *_: self.target.write_bytes(data))


def renames_what_was_not_synced(plant: Plant) -> None:
    sound = NotebookFile.write

    def write(self: NotebookFile, data: bytes, *over: Any) -> None:
        synced = os.fsync
        plant(os, "fsync", lambda handle: None)
        try:
            sound(self, data, *over)
        finally:
            plant(os, "fsync", synced)

    plant(NotebookFile, "write", write)


def never_takes_a_disk_for_well_again(plant: Plant) -> None:
    async def catch_up(self: Any) -> bool:
        return False

    plant(recorder.Recorder, "_catch_up", catch_up)


BUGS = {
    bug.__name__: bug
    for bug in (
        acknowledges_before_the_commit,
        takes_a_failed_sync_for_done,
        builds_upon_a_log_that_only_looks_whole,
        does_not_wait_for_the_disk,
        takes_a_commit_that_was_cut_short_for_damage,
        writes_into_a_journal_that_is_gone,
        keeps_a_journal_that_was_opened_for_reading,
        writes_the_file_in_place,
        renames_what_was_not_synced,
        never_takes_a_disk_for_well_again,
    )
}
