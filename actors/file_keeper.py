"""The notebook's file in the hands of the Checkpointer: saving it, seeing that somebody else changed it, versions.

A file is judged by its hash: what is neither what was saved last nor what was to be saved is somebody else's, and
is merged before anything is written over it. The merge is made here, in a thread, and applied by the hub.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

import trio

from actors.boot import OpenNotebook
from actors.disk import digest, in_words
from actors.journal import JournalError, Known
from actors.versions import Packed, packed
from protocol import notebook_file
from protocol.foreign import merge_file
from protocol.messages import Done, FoundChange, Look, Refused, Save, Saving, Version, VersionReason
from protocol.seed import arrange
from protocol.values import NotebookValue

T = TypeVar("T")

_NEVER = ()


class FileKeeper:
    """``journal_thread``: the journal is used by one thread at a time."""

    def __init__(self, notebook: OpenNotebook, journal_thread: trio.CapacityLimiter) -> None:
        self._notebook = notebook
        self._thread = journal_thread
        self._ours: object = _NEVER  # the signature of the file as it was when its hash was ours
        self._odd: object = _NEVER  # and of the one that was met last and was not that

    async def _in_journal(self, work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work, limiter=self._thread)

    @property
    def _name(self) -> str:
        return self._notebook.path.name

    # -------------------------------------------------------------------------------------------------- saving

    async def save(self, message: Save) -> Saving | FoundChange:
        try:
            return await self._save(message)
        except OSError as error:
            return Saving("not saved", f"{self._name} could not be written: {in_words(error)}.")
        except (sqlite3.Error, JournalError) as error:
            return Saving("not saved", f"The journal could not be written ({error}).")

    async def _save(self, message: Save) -> Saving | FoundChange:
        file, journal = self._notebook.file, self._notebook.journal
        data = await trio.to_thread.run_sync(notebook_file.dump, message.notebook)
        present = await trio.to_thread.run_sync(file.read)
        known = await self._in_journal(journal.known)
        found, merged = digest(present), message.merged
        versions: list[Packed] = []
        if present is not None and merged is not None and merged.hash == found:
            versions.append(await self._pack(present, len(merged.theirs.cells), "file"))
            if message.notebook == merged.theirs:
                data = present  # it says all of this in its own words
        elif present is not None and found not in (known.file_hash, known.saving_hash) and present != data:
            answer = await self._merge(message, data, present, known)
            if answer is not None:
                return answer
        elif not message.edited and found == known.file_hash:
            data = present or data
        new = digest(data)
        if new not in (known.file_hash, *(version.hash for version in versions)):
            versions.append(await self._pack(data, len(message.notebook.cells), _reason(message)))
        if present != data:
            # Recorded first: a crash between the rename and the next line must not look like a foreign file.
            await self._in_journal(lambda: journal.set_meta(saving_hash=new))
            await trio.to_thread.run_sync(file.write, data)
        await self._in_journal(
            lambda: journal.set_meta(*versions, file_hash=new, saving_hash=new, saved_content=message.content)
        )
        return Saving("saved")

    async def _merge(
        self, message: Save, data: bytes, present: bytes, known: Known
    ) -> Saving | FoundChange | None:
        """What to do about a file that somebody else changed; None: it was kept elsewhere and may be replaced."""
        journal = self._notebook.journal
        base = await self._in_journal(lambda: journal.versions.with_hash(known.file_hash))
        try:
            made = await trio.to_thread.run_sync(merge_file, base, message.notebook, present)
        except notebook_file.NotebookFileError as error:
            if message.force:
                await trio.to_thread.run_sync(self._keep_aside, present)
                return None
            return Saving(
                "not saved",
                f"{self._name} was changed on disk by another program and cannot be merged. {error} Nothing is "
                "written over it by itself; saving by hand replaces it and keeps the other version.",
            )
        before = await self._pack(data, len(message.notebook.cells), "before merge")
        await self._in_journal(lambda: journal.set_meta(before))
        return FoundChange(digest(present), made.merged, made.theirs, made.report)

    async def _pack(self, data: bytes, cells: int, reason: VersionReason) -> Packed:
        return await trio.to_thread.run_sync(packed, data, cells, reason, time.time())

    def _keep_aside(self, data: bytes) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self._notebook.folder / f"replaced-{stamp}-{digest(data)[:8]}.ipynb"
        aside.write_bytes(data)

    # ------------------------------------------------------------------------------------------------- looking

    async def look(self, at_once: bool) -> Look:
        """Whether somebody else changed the file. Cheap while nothing changes."""
        try:
            return await self._look(at_once)
        except (OSError, sqlite3.Error, JournalError):
            return "changed"  # a save says what is wrong

    async def _look(self, at_once: bool) -> Look:
        # Not in the journal's thread: a folder that hangs must not hold up appends.
        file = self._notebook.file
        signature = await trio.to_thread.run_sync(file.signature)
        if signature == self._ours:
            return "same"
        met, self._odd = self._odd, signature
        if signature != met and not at_once:  # perhaps it is being written at this moment
            return "moving"
        held = await trio.to_thread.run_sync(lambda: digest(file.read()))
        known = await self._in_journal(self._notebook.journal.known)
        if not held:
            return "gone" if known.file_hash else "same"
        if held not in (known.file_hash, known.saving_hash):
            return "changed"
        self._ours = signature
        return "same"

    # ------------------------------------------------------------------------------------------------ versions

    async def versions(self) -> tuple[Version, ...] | Refused:
        try:
            return await self._in_journal(self._notebook.journal.versions.listed)
        except sqlite3.Error as error:
            return Refused("not_readable", f"The journal cannot be read ({error}).")

    async def read_version(self, id_: int) -> NotebookValue | Refused:
        try:
            data = await self._in_journal(lambda: self._notebook.journal.versions.with_id(id_))
        except sqlite3.Error as error:
            return Refused("not_readable", f"The journal cannot be read ({error}).")
        if data is None:
            return Refused("no_such_version", f"There is no version {id_} of this notebook.")
        return await trio.to_thread.run_sync(lambda: arrange(notebook_file.load(data)))

    async def keep_version(self, notebook: NotebookValue, reason: VersionReason) -> Done | Refused:
        data = await trio.to_thread.run_sync(notebook_file.dump, notebook)
        version = await self._pack(data, len(notebook.cells), reason)
        try:
            await self._in_journal(lambda: self._notebook.journal.set_meta(version))
        except sqlite3.Error as error:
            return Refused("not_saved", f"The journal could not be written ({error}).")
        return Done()


def _reason(message: Save) -> VersionReason:
    if message.merged is not None:
        return "merge"
    return "save" if message.force else "autosave"
