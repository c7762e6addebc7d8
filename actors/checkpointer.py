"""The Checkpointer.

Owns: the disk, that is the journal and the notebook's file (both opened by boot.py, and outliving it).
Hears: Load, Append, StoreSnapshot, Save, Quarantine.
Tells: nobody. It answers; it never asks the hub.
After a crash: an append in hand was not acknowledged, so the hub sends it again; a save in hand left the old file
or the new one, never a part.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import assert_never

import trio

from actors.boot import OpenNotebook
from actors.disk import digest, in_words, keep_for_report
from actors.journal import Journal, JournalError
from actors.journal_renewal import renew
from actors.journal_thread import JournalThread
from actors.mailbox import Actor, Mailbox
from protocol import notebook_file
from protocol.messages import (
    Append,
    Appended,
    AppendFailed,
    CheckpointerMessage,
    Entry,
    Load,
    Notice,
    Quarantine,
    Recovered,
    Reply,
    Save,
    Saving,
    StoreSnapshot,
)

log = logging.getLogger("ganimede.disk")


def checkpointer(notebook: OpenNotebook) -> Actor[CheckpointerMessage]:
    """The actor over an opened notebook."""

    async def run(mailbox: Mailbox[CheckpointerMessage]) -> None:
        # A save's slow fsync of the file is not the journal thread's: it must not hold up appends.
        async with JournalThread() as thread, trio.open_nursery() as watching:
            watching.start_soon(thread.watch)
            async with trio.open_nursery() as saves:
                await _serve(mailbox, _Disk(notebook, thread), saves)
            watching.cancel_scope.cancel()

    return run


async def _serve(mailbox: Mailbox[CheckpointerMessage], disk: _Disk, saves: trio.Nursery) -> None:
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
                saves.start_soon(disk.quarantine, update, reason)
            case Save():
                saves.start_soon(_save, disk, file_turn, message)
            case _:
                assert_never(message)


async def _save(disk: _Disk, turn: trio.Lock, message: Save) -> None:
    async with turn:
        message.reply(await disk.save(message))


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

    async def _meta(self, **values: str | int | None) -> None:
        await self._thread.run(lambda: self._notebook.journal.set_meta(**values))

    async def save(self, message: Save) -> Saving:
        file, journal = self._notebook.file, self.journal
        name = self._notebook.path.name
        try:
            data = await trio.to_thread.run_sync(notebook_file.dump, message.notebook)
            present = await trio.to_thread.run_sync(file.read)
            known = await self._thread.run(journal.known)
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
                # With what is there: a write that failed after its rename left neither of the two known before.
                await self._meta(file_hash=digest(present), saving_hash=digest(data))
                await trio.to_thread.run_sync(file.write, data)
            await self._meta(file_hash=digest(data), saving_hash=digest(data), saved_content=message.content)
        except OSError as error:
            return Saving("not saved", f"{name} could not be written: {in_words(error)}.")
        except (sqlite3.Error, JournalError) as error:
            return Saving("not saved", f"The journal could not be written ({error}).")
        return Saving("saved")

    async def quarantine(self, update: bytes, reason: str) -> None:
        folder = self._notebook.folder / "quarantine"
        try:
            await trio.to_thread.run_sync(keep_for_report, folder, update, reason)
        except OSError as error:
            log.warning("the update that broke the document could not be kept: %s", in_words(error))

    def _keep_aside(self, data: bytes) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self._notebook.folder / f"replaced-{stamp}-{digest(data)[:8]}.ipynb"
        aside.write_bytes(data)
        return aside
