"""The Checkpointer.

Owns: the disk, that is the journal and the notebook's file (both opened by boot.py, and outliving it).
Hears: Load, Append, StoreSnapshot, Save.
Tells: nobody. It answers; it never asks the hub.
After a crash: an append in hand was not acknowledged, so the hub sends it again; a save in hand left the old file
or the new one, never a part.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import assert_never

import trio

from actors.boot import OpenNotebook
from actors.disk import digest, in_words
from actors.journal import JournalError
from actors.mailbox import Actor, Mailbox
from protocol import notebook_file
from protocol.messages import (
    Append,
    Appended,
    AppendFailed,
    CheckpointerMessage,
    Load,
    Notice,
    Recovered,
    Save,
    Saving,
    StoreSnapshot,
)


def checkpointer(notebook: OpenNotebook) -> Actor[CheckpointerMessage]:
    """The actor over an opened notebook."""

    async def run(mailbox: Mailbox[CheckpointerMessage]) -> None:
        # SQLite is used by one thread at a time; a save's slow fsync of the file must not hold up appends.
        journal_thread = trio.CapacityLimiter(1)
        file_turn = trio.Lock()
        disk = _Disk(notebook, journal_thread)
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
                        nursery.start_soon(_save, disk, file_turn, message)
                    case _:
                        assert_never(message)

    return run


async def _save(disk: _Disk, turn: trio.Lock, message: Save) -> None:
    async with turn:
        message.reply(await disk.save(message))


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
            gapless=not replayed.damaged,
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

    async def _meta(self, **values: str | int | None) -> None:
        await trio.to_thread.run_sync(lambda: self._notebook.journal.set_meta(**values), limiter=self._thread)

    async def save(self, message: Save) -> Saving:
        file, journal = self._notebook.file, self._notebook.journal
        name = self._notebook.path.name
        try:
            data = await trio.to_thread.run_sync(notebook_file.dump, message.notebook)
            present = await trio.to_thread.run_sync(file.read)
            known = await trio.to_thread.run_sync(journal.known, limiter=self._thread)
            ours = (known.file_hash, known.saving_hash)
            if present is not None and digest(present) not in ours and present != data:
                if not message.force:
                    return Saving(
                        "not saved",
                        f"{name} was changed on disk by another program. Saving by hand replaces it; "
                        "the other version is kept.",
                    )
                await trio.to_thread.run_sync(self._keep_aside, present)
            if present != data:
                # Recorded first: a crash between the rename and the next line must not look like a foreign file.
                await self._meta(saving_hash=digest(data))
                await trio.to_thread.run_sync(file.write, data)
            await self._meta(file_hash=digest(data), saving_hash=digest(data), saved_content=message.content)
        except OSError as error:
            return Saving("not saved", f"{name} could not be written: {in_words(error)}.")
        except (sqlite3.Error, JournalError) as error:
            return Saving("not saved", f"The journal could not be written ({error}).")
        return Saving("saved")

    def _keep_aside(self, data: bytes) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self._notebook.folder / f"replaced-{stamp}-{digest(data)[:8]}.ipynb"
        aside.write_bytes(data)
        return aside
