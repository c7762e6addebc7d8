"""The large values of outputs in the hands of the Checkpointer: out of files and versions, and back into them.

What lies in :class:`BlobStore` was taken from a kernel's output or from the file. Where it is missing, the file
may still have it: it is looked for there before a save could write over it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import partial

import msgspec
import trio

from actors.blob_store import BlobStore, OverBudget
from actors.boot import OpenNotebook
from actors.disk import digest, in_words
from actors.journal import JournalError
from actors.journal_thread import JournalThread
from actors.opened_file import slim
from actors.versions import Packed, packed, packed_slim
from protocol import notebook_file
from protocol.blobs import Blob, carve_notebook, named_in
from protocol.file_pieces import NoValue, Pieces, length_and_hash
from protocol.messages.checkpointer import KeepBlobs
from protocol.messages.shared import Done, Refused
from protocol.values import NotebookValue, VersionReason

# Values that are on their way to the disk.
AT_ONCE = 4


class Content(msgspec.Struct, frozen=True):
    """What the file is to hold. ``slim``: the same with references; without any, the very bytes."""

    hash: str
    size: int
    slim: bytes
    pieces: Pieces | None = None

    def packed(self, cells: int, reason: VersionReason, now: float) -> Packed:
        if self.pieces is None:
            return packed(self.slim, cells, reason, now)
        return packed_slim(self.slim, (self.hash, self.size), cells, reason, now)


class BlobKeeper:
    def __init__(self, notebook: OpenNotebook, journal_thread: JournalThread) -> None:
        self._notebook = notebook
        self._thread = journal_thread
        # The file that was looked through, and for what in vain.
        self._sought: tuple[object, frozenset[str]] = (None, frozenset())
        self._keeping = trio.CapacityLimiter(AT_ONCE)
        self._versions: dict[int, frozenset[str]] = {}  # what each of them refers to

    @property
    def store(self) -> BlobStore:
        return self._notebook.blobs

    # ----------------------------------------------------------------------------------------------- answering

    async def keep(self, message: KeepBlobs) -> None:
        keep = self.store.keep_within_budget if message.bounded else self.store.keep
        if not self._keeping.available_tokens:  # who asked for those waits no longer, and each is in memory
            message.reply(Refused("not_saved", "the disk takes too long"))
            return
        try:
            await trio.to_thread.run_sync(keep, message.blobs, limiter=self._keeping)
        except OverBudget as over:
            message.reply(Refused("over_budget", str(over)))
        except OSError as error:
            message.reply(Refused("not_saved", f"it could not be kept ({in_words(error)})"))
        else:
            message.reply(Done())

    async def tidy(self, named: frozenset[str]) -> None:
        if not named and not self.store.used:
            return
        await trio.to_thread.run_sync(self._find, named)
        if any(self._notebook.folder.glob("journal-*.sqlite")):
            return  # whoever rescues something from a journal that was set aside finds its values, too
        with suppress(sqlite3.Error, JournalError, OSError):  # another time
            versions = await self._named_by_versions()
            await trio.to_thread.run_sync(self.store.sweep, named, versions)

    async def _named_by_versions(self) -> frozenset[str]:
        ids = await self._thread.run(lambda: self._notebook.journal.versions.ids())
        known = {id_: self._versions[id_] for id_ in ids if id_ in self._versions}
        for id_ in ids:
            if id_ not in known:
                data = await self._thread.run(partial(self._version, id_))
                known[id_] = await trio.to_thread.run_sync(_named_by_file, data)
        self._versions = known
        return frozenset().union(*known.values())

    def _version(self, id_: int) -> bytes:
        return self._notebook.journal.versions.with_id(id_) or b""

    # ------------------------------------------------------------------------------------- files; these block

    def slim(self, notebook: NotebookValue) -> NotebookValue:
        """What a file says, as the document says it. Raises OSError."""
        return slim(self.store, notebook)

    def content(self, notebook: NotebookValue) -> Content:
        """Raises OSError."""
        data = notebook_file.dump(notebook)
        names = frozenset(named_in(notebook))
        if not names:
            return Content(digest(data), len(data), data)
        missing = set(self._find(names))
        while True:
            pieces = Pieces(notebook, data, missing)
            try:
                size, hash_ = length_and_hash(pieces.read(self.store.data))
            except NoValue as lost:  # it is damaged
                name = lost.args[0]
                self._look_in_file({name})
                if self.store.read(name) is None:
                    missing.add(name)
                continue
            return Content(hash_, size, data, pieces)

    def pieces(self, content: Content) -> bytes | Iterable[bytes]:
        """What to write. Raises :class:`NoValue` while it is read."""
        return content.slim if content.pieces is None else content.pieces.read(self.store.data)

    def _find(self, names: Iterable[str]) -> frozenset[str]:
        """Those that are neither here nor in the file."""
        missing = self.store.missing(names)
        if missing:
            self._look_in_file(missing)
            missing = self.store.missing(missing)
        return missing

    def _look_in_file(self, names: Collection[str]) -> None:
        """Keep again what the file has of these. One that was looked through in vain is not read again."""
        found: dict[str, Blob] = {}
        with suppress(OSError, notebook_file.NotebookFileError):
            signature = self._notebook.file.signature()
            vain = self._sought[1] if signature == self._sought[0] else frozenset()
            if vain.issuperset(names):
                return
            data = self._notebook.file.read()
            if data is not None:
                carve_notebook(notebook_file.load(data), 0, lambda blob: _take(found, blob, names))
            self.store.keep(found.values())
            self._sought = signature, vain.union(names) - found.keys()


def _take(found: dict[str, Blob], blob: Blob, names: Collection[str]) -> None:
    if blob.name in names:
        found[blob.name] = blob


def _named_by_file(data: bytes) -> frozenset[str]:
    try:
        return frozenset(named_in(notebook_file.load(data)))
    except notebook_file.NotebookFileError:
        return frozenset()
