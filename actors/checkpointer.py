"""The Checkpointer.

Owns: the disk, that is the journal and the notebook's file (both opened by boot.py, and outliving it).
Hears: CheckpointerMessage: the journal's mail is handled here, the file's by file_keeper.py, large
values' by blob_keeper.py.
Tells: nobody. It answers; it never asks the hub.
After a crash: an append in hand was not acknowledged, so the hub sends it again; a save in hand left the old file
or the new one, never a part.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import assert_never

import trio

from actors.blob_keeper import BlobKeeper
from actors.boot import OpenNotebook
from actors.disk import in_words, keep_for_report
from actors.file_keeper import FileKeeper
from actors.journal import Journal, JournalError
from actors.journal_renewal import renew
from actors.journal_thread import JournalThread
from actors.mailbox import Actor, Mailbox
from protocol.messages.checkpointer import (
    Append,
    Appended,
    AppendFailed,
    CheckpointerMessage,
    KeepBlobs,
    KeepVersion,
    Load,
    LookAtFile,
    Quarantine,
    ReadVersion,
    Recovered,
    Save,
    ShowVersions,
    StoreSnapshot,
    TidyBlobs,
)
from protocol.messages.shared import Done, Entry, Notice, Reply

log = logging.getLogger("ganimede.disk")


def checkpointer(notebook: OpenNotebook) -> Actor[CheckpointerMessage]:
    """The actor over an opened notebook."""

    async def run(mailbox: Mailbox[CheckpointerMessage]) -> None:
        # A save's slow fsync of the file is not the journal thread's: it must not hold up appends.
        async with JournalThread() as thread, trio.open_nursery() as watching:
            watching.start_soon(thread.watch)
            disk, blobs = _Disk(notebook, thread), BlobKeeper(notebook, thread)
            async with trio.open_nursery() as errands:
                await _serve(mailbox, disk, FileKeeper(notebook, thread, blobs), errands)
            watching.cancel_scope.cancel()

    return run


async def _serve(
    mailbox: Mailbox[CheckpointerMessage], disk: _Disk, keeper: FileKeeper, errands: trio.Nursery
) -> None:
    file_turn = trio.Lock()
    async for message in mailbox:
        match message:
            case Load(reply):
                reply(await disk.load())
            case Append(reply, updates, queue, content):
                disk.record(partial(disk.append, updates, queue, content), reply)
            case StoreSnapshot(reply, state, queue, content):
                disk.record(partial(disk.store_snapshot, state, queue, content), reply)
            case Quarantine(update, reason):
                errands.start_soon(disk.quarantine, update, reason)
            case Save():
                errands.start_soon(_save, keeper, file_turn, message)
            case KeepBlobs():
                errands.start_soon(keeper.blobs.keep, message)
            case TidyBlobs():
                errands.start_soon(_tidy, keeper.blobs, message)
            case _:
                errands.start_soon(_answer, keeper, message)


async def _tidy(blobs: BlobKeeper, message: TidyBlobs) -> None:
    await blobs.tidy(message.named)
    message.reply(Done())


async def _save(keeper: FileKeeper, turn: trio.Lock, message: Save) -> None:
    async with turn:
        message.reply(await keeper.save(message))


async def _answer(keeper: FileKeeper, message: LookAtFile | ShowVersions | ReadVersion | KeepVersion) -> None:
    match message:
        case LookAtFile(reply, at_once):
            reply(await keeper.look(at_once))
        case ShowVersions(reply):
            reply(await keeper.versions())
        case ReadVersion(reply, id_):
            reply(await keeper.read_version(id_))
        case KeepVersion(reply, notebook, reason):
            reply(await keeper.keep_version(notebook, reason))
        case _:
            assert_never(message)


class _Disk:
    """The blocking work, each piece in a thread."""

    def __init__(self, notebook: OpenNotebook, journal_thread: JournalThread) -> None:
        self._notebook = notebook
        self._thread = journal_thread

    @property
    def journal(self) -> Journal:
        return self._notebook.journal

    async def load(self) -> Recovered:
        return await self._thread.run(self._read)

    def _read(self) -> Recovered:
        notebook, journal = self._notebook, self._notebook.journal
        replayed = journal.replay()
        notices = () if notebook.loaded else notebook.notices
        if replayed.damaged:
            text = f"{replayed.damaged} records of the journal are damaged and were left out."
            notices += (Notice("journal_damaged", text, "warning"),)
        known = journal.known()
        recovered = Recovered(
            replayed.updates,
            replayed.queue,
            notebook.epoch,
            saved=known.content == known.saved,
            content=known.content,
            first=not notebook.loaded,
            old_queue=bool(replayed.queue) and replayed.queue == notebook.old_queue,
            notices=notices,
            seed=known.seed,
            gapless=not replayed.damaged,
        )
        notebook.loaded = True
        return recovered

    def append(self, updates: tuple[bytes, ...], queue: tuple[Entry, ...] | None, content: bool) -> int:
        return self.journal.append(updates, queue, content)

    def store_snapshot(self, state: bytes, queue: tuple[Entry, ...], content: bool) -> int:
        """Also where there is no journal any more: it holds everything that a new one needs."""
        if self.journal.gone:
            return renew(self._notebook, state, queue)
        return self.journal.store_snapshot(state, queue, content)

    def record(self, write: Callable[[], int], reply: Reply[Appended | AppendFailed]) -> None:
        """Returns at once; the answer goes straight to whoever asked, without another turn of this actor."""
        self._thread.submit(partial(self._write, write), reply)

    def _write(self, write: Callable[[], int]) -> Appended | AppendFailed:
        try:
            content = write()
        except sqlite3.Error as error:
            return AppendFailed(f"the journal cannot be written ({error})")
        except OSError as error:
            return AppendFailed(f"the journal cannot be written ({in_words(error)})")
        except JournalError as error:
            return AppendFailed(str(error))
        return Appended(self._notebook.journal.wants_snapshot, content)

    async def quarantine(self, update: bytes, reason: str) -> None:
        folder = self._notebook.folder / "quarantine"
        try:
            await trio.to_thread.run_sync(keep_for_report, folder, update, reason)
        except OSError as error:
            log.warning("the update that broke the document could not be kept: %s", in_words(error))
