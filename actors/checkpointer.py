"""The Checkpointer.

Owns: the disk, that is the journal and the notebook's file (both opened by boot.py, and outliving it).
Hears: CheckpointerMessage: the journal's mail is handled here, the file's by file_keeper.py.
Tells: nobody. It answers; it never asks the hub.
After a crash: an append in hand was not acknowledged, so the hub sends it again; a save in hand left the old file
or the new one, never a part.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import assert_never

import trio

from actors.boot import OpenNotebook
from actors.disk import in_words
from actors.file_keeper import FileKeeper
from actors.mailbox import Actor, Mailbox
from protocol.messages import (
    Append,
    Appended,
    AppendFailed,
    CheckpointerMessage,
    KeepVersion,
    Load,
    LookAtFile,
    Notice,
    ReadVersion,
    Recovered,
    Save,
    ShowVersions,
    StoreSnapshot,
)


def checkpointer(notebook: OpenNotebook) -> Actor[CheckpointerMessage]:
    """The actor over an opened notebook."""

    async def run(mailbox: Mailbox[CheckpointerMessage]) -> None:
        # SQLite is used by one thread at a time; a save's slow fsync of the file must not hold up appends.
        journal_thread = trio.CapacityLimiter(1)
        file_turn = trio.Lock()
        disk = _Disk(notebook, journal_thread)
        keeper = FileKeeper(notebook, journal_thread)
        async with trio.open_nursery() as nursery:
            async for message in mailbox:
                match message:
                    case Load(reply):
                        reply(await disk.load())
                    case Append(reply, updates, queue, content):
                        write = partial(notebook.journal.append, updates, queue, content)
                        reply(await disk.record(write))
                    case StoreSnapshot(reply, state, queue, content):
                        write = partial(notebook.journal.store_snapshot, state, queue, content)
                        reply(await disk.record(write))
                    case Save():
                        nursery.start_soon(_save, keeper, file_turn, message)
                    case _:
                        nursery.start_soon(_answer, keeper, message)

    return run


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

    def __init__(self, notebook: OpenNotebook, journal_thread: trio.CapacityLimiter) -> None:
        self._notebook = notebook
        self._thread = journal_thread

    async def load(self) -> Recovered:
        return await trio.to_thread.run_sync(self._read, limiter=self._thread)

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
        )
        notebook.loaded = True
        return recovered

    async def record(self, write: Callable[[], int]) -> Appended | AppendFailed:
        try:
            content = await trio.to_thread.run_sync(write, limiter=self._thread)
        except sqlite3.Error as error:
            return AppendFailed(f"the journal cannot be written ({error})")
        except OSError as error:
            return AppendFailed(f"the journal cannot be written ({in_words(error)})")
        return Appended(self._notebook.journal.wants_snapshot, content)
