"""The notebook's file in the hands of the Checkpointer: saving it, seeing that somebody else changed it, versions.

A file is judged by its hash: what is neither what was saved last nor what was to be saved is somebody else's, and
is merged before anything is written over it. The merge is made here, in a thread, and applied by the hub.
"""

from __future__ import annotations

import sqlite3
import time

import trio

from actors.blob_keeper import BlobKeeper, Content
from actors.boot import OpenNotebook
from actors.disk import WrittenMeanwhile, digest, in_words
from actors.journal import JournalError, Known
from actors.journal_thread import JournalThread
from actors.opened_file import packed_file
from actors.versions import Packed
from protocol import notebook_file
from protocol.file_pieces import NoValue
from protocol.foreign import merge_file
from protocol.messages.checkpointer import FoundChange, Look, Save
from protocol.messages.shared import Done, Refused, Saving
from protocol.seed import arrange
from protocol.values import NotebookValue, Version, VersionReason

_NEVER = ()

# How often in one save a file that somebody wrote between our look and our rename is looked at again.
ATTEMPTS = 3


class FileKeeper:
    """Works on the file in trio's threads: a folder that hangs must not hold up the journal's."""

    def __init__(self, notebook: OpenNotebook, journal_thread: JournalThread, blobs: BlobKeeper) -> None:
        self._notebook = notebook
        self._thread = journal_thread
        self.blobs = blobs
        self._ours: object = _NEVER  # the signature of the file as it was when its hash was ours
        self._odd: object = _NEVER  # and of the one that was met last and was not that

    @property
    def _name(self) -> str:
        return self._notebook.path.name

    # -------------------------------------------------------------------------------------------------- saving

    async def save(self, message: Save) -> Saving | FoundChange:
        try:
            content = await trio.to_thread.run_sync(self.blobs.content, message.notebook)
            for _ in range(ATTEMPTS):
                answer = await self._attempt(message, content)
                if answer is not None:
                    return answer
            return Saving("not saved", f"{self._name} is being changed by another program again and again.")
        except OSError as error:
            return Saving("not saved", f"{self._name} could not be written: {in_words(error)}.")
        except NoValue:  # between our look and our writing; the next attempt says it with a reference
            return Saving("not saved", f"{self._name} could not be written: an output's value was lost meanwhile.")
        except (sqlite3.Error, JournalError) as error:
            return Saving("not saved", f"The journal could not be written ({error}).")

    async def _attempt(self, message: Save, content: Content) -> Saving | FoundChange | None:
        """None: somebody wrote the file at this moment."""
        file, journal = self._notebook.file, self._notebook.journal
        signature = await trio.to_thread.run_sync(file.signature)
        found = await trio.to_thread.run_sync(file.digest)
        known = await self._thread.run(journal.known)
        merged, new = message.merged, content.hash
        versions: list[Packed] = []
        if found and merged is not None and merged.hash == found:
            present = await trio.to_thread.run_sync(file.read)
            if present is None or digest(present) != found:
                return None
            versions.append(await trio.to_thread.run_sync(packed_file, self.blobs.store, present, "file"))
            if message.notebook == merged.theirs:
                new = found  # it says all of this in its own words
        elif found and found not in (known.file_hash, known.saving_hash, new):
            present = await trio.to_thread.run_sync(file.read)
            if present is None:
                return None
            answer = await self._merge(message, content, present, known)
            if answer is not None:
                return answer
        elif found and not message.edited and found == known.file_hash:
            new = found
        if not (new == found == known.file_hash or any(version.hash == new for version in versions)):
            versions.append(await _pack(content, len(message.notebook.cells), _reason(message)))
        if found != new or versions:
            # Recorded first: a crash between the rename and the last line must not look like a foreign file. With
            # what is there: a write that failed after its rename left neither of the two known before.
            base = found or known.file_hash
            await self._thread.run(lambda: journal.begin_save(versions, base, new))
        if found != new:
            try:
                await trio.to_thread.run_sync(lambda: file.write(self.blobs.pieces(content), signature))
            except WrittenMeanwhile:
                return None
        await self._thread.run(lambda: journal.end_save(new, message.content))
        return Saving("saved")

    async def _merge(
        self, message: Save, content: Content, present: bytes, known: Known
    ) -> Saving | FoundChange | None:
        """What to do about a file that somebody else changed; None: it was kept elsewhere and may be replaced."""
        journal = self._notebook.journal
        base = await self._thread.run(lambda: journal.versions.with_hash(known.file_hash))
        try:
            made = await trio.to_thread.run_sync(merge_file, base, message.notebook, present, self.blobs.slim)
        except notebook_file.NotebookFileError as error:
            if message.force:
                await trio.to_thread.run_sync(self._keep_aside, present)
                return None
            return Saving(
                "not saved",
                f"{self._name} was changed on disk by another program and cannot be merged. {error} Nothing is "
                "written over it by itself; saving by hand replaces it and keeps the other version.",
            )
        before = await _pack(content, len(message.notebook.cells), "before merge")
        await self._thread.run(lambda: journal.keep_version(before))
        return FoundChange(digest(present), made.merged, made.theirs, made.report)

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
        file = self._notebook.file
        signature = await trio.to_thread.run_sync(file.signature)
        if signature == self._ours:
            return "same"
        met, self._odd = self._odd, signature
        if signature != met and not at_once:  # perhaps it is being written at this moment
            return "moving"
        held = await trio.to_thread.run_sync(file.digest)
        known = await self._thread.run(self._notebook.journal.known)
        if not held:
            return "gone" if known.file_hash else "same"
        if held not in (known.file_hash, known.saving_hash):
            return "changed"
        self._ours = signature
        return "same"

    # ------------------------------------------------------------------------------------------------ versions

    async def versions(self) -> tuple[Version, ...] | Refused:
        try:
            return await self._thread.run(self._notebook.journal.versions.listed)
        except sqlite3.Error as error:
            return Refused("not_readable", f"The journal cannot be read ({error}).")

    async def read_version(self, id_: int) -> NotebookValue | Refused:
        try:
            data = await self._thread.run(lambda: self._notebook.journal.versions.with_id(id_))
        except sqlite3.Error as error:
            return Refused("not_readable", f"The journal cannot be read ({error}).")
        if data is None:
            return Refused("no_such_version", f"There is no version {id_} of this notebook.")
        try:
            return await trio.to_thread.run_sync(lambda: self.blobs.slim(arrange(notebook_file.load(data))))
        except OSError as error:
            return Refused("not_saved", f"Its outputs could not be kept ({in_words(error)}).")

    async def keep_version(self, notebook: NotebookValue, reason: VersionReason) -> Done | Refused:
        try:
            content = await trio.to_thread.run_sync(self.blobs.content, notebook)
            version = await _pack(content, len(notebook.cells), reason)
            await self._thread.run(lambda: self._notebook.journal.keep_version(version))
        except (sqlite3.Error, JournalError, OSError) as error:
            return Refused("not_saved", f"The journal could not be written ({error}).")
        return Done()


async def _pack(content: Content, cells: int, reason: VersionReason) -> Packed:
    return await trio.to_thread.run_sync(content.packed, cells, reason, time.time())


def _reason(message: Save) -> VersionReason:
    if message.merged is not None:
        return "merge"
    return "save" if message.force else "autosave"
