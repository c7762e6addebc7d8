"""A real server whose disk fails while people write: nobody is told that an edit is safe, everyone that it is not,
editing goes on, and a disk that is well again is used by itself. P-1, P-2, P-20, P-22."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec
import nbformat
import pytest
import trio

from actors.state_folders import state_folder
from protocol import sync
from tests.conformance.clients import until
from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.pycrdt_client import PycrdtClient
from tests.faults.bugs import BUGS
from tests.faults.calls import CHANGES, Call, Deed, Faults
from tests.server import Server, ServerEnded, running_server
from tests.system.support import FULL, code_cell, write_notebook
from tests.system.test_receipts import Announced

pytestmark = pytest.mark.system

Command = Literal["ganimede", "hypercorn"]
COMMANDS: list[Command] = ["ganimede", "hypercorn"] if FULL else ["ganimede"]
# What a server does before it begins. In full counts it waits between attempts as it does for people.
QUICK = "" if FULL else "from actors import recorder, saver\nrecorder.RETRY, saver.AGAIN = 0.1, 0.2\n"
# Seconds: far more than a disk that is well again needs to be used.
SOON = 15.0


class Weather(msgspec.Struct, frozen=True):
    """What befalls which file, and what people are told."""

    deed: Deed
    error: int
    calls: tuple[Call, ...]
    words: str


JOURNAL: Final = {
    "full": Weather("fail", errno.ENOSPC, ("write",), "database or disk is full"),
    "no sync": Weather("fail", errno.EIO, ("sync",), "disk I/O error"),
    "torn": Weather("tear", errno.EIO, ("write",), "disk I/O error"),
    "read-only": Weather("fail", errno.EROFS, CHANGES, "disk I/O error"),
    "hung": Weather("hang", 0, ("sync",), "the disk takes too long"),
}
FILE: Final = {
    "full": Weather("fail", errno.ENOSPC, ("write",), "no space left on device"),
    "no sync": Weather("fail", errno.EIO, ("sync",), "input/output error"),
    "torn": Weather("tear", errno.EIO, ("write",), "input/output error"),
    "no rename": Weather("fail", errno.EIO, ("rename",), "input/output error"),
    "read-only": Weather("fail", errno.EROFS, CHANGES, "read-only file system"),
    "forbidden": Weather("fail", errno.EACCES, ("open",), "permission denied"),
}


class Place:
    """A notebook, its state, and what befalls them."""

    def __init__(self, folder: Path) -> None:
        self.notebook = write_notebook(folder / "notes" / "n.ipynb", code_cell("one", ""))
        self.state = folder / "state"
        self.faults = Faults(folder, folder.parent / f"{folder.name}.control")
        self._startup = folder.parent / f"{folder.name}.startup"
        self._startup.mkdir()
        self.begins_with(QUICK)

    def begins_with(self, program: str) -> None:
        """Have the server's process do this first."""
        (self._startup / "sitecustomize.py").write_text(program)

    @property
    def env(self) -> dict[str, str]:
        return self.faults.env | {"PYTHONPATH": f"{self._startup}:{Path(__file__).parents[2]}"}

    @property
    def journal(self) -> Path:
        return state_folder(self.state, self.notebook) / "journal.sqlite"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "notes").mkdir()
    return Place(tmp_path)


class Scene:
    """Somebody who writes and is told what is safe, and two others: one sees the document, one what is said of it."""

    def __init__(self, server: Server, place: Place) -> None:
        self.place = place
        self.faults = place.faults
        self.writer = Announced(server.room_url, server.token or "")
        self.other = PycrdtClient(server.room_url, server.token)
        self.control = ControlClient(server.control_url, server.token)
        self.written = ""

    async def write(self, text: str) -> None:
        self.written += text
        await self.writer.type("one", text)

    def acknowledged(self) -> bool:
        return self.writer.told.get(sync.DURABLE) == self.writer.sent

    async def seen(self) -> None:
        """By everyone."""

        async def holds() -> bool:
            return str(self.other.source("one")) == self.written

        await until(holds)

    def said(self, status: str, words: str = "") -> bool:
        pushes = [each["message"] for each in self.control.pushes if each["method"] == "saving"]
        return any(each["status"] == status and words in each["reason"] for each in pushes)

    async def says(self, status: str, words: str = "") -> None:
        await self.becomes_true(lambda: self.said(status, words))

    async def becomes_true(self, holds: Callable[[], bool]) -> None:
        async def asked() -> bool:
            return holds()

        await until(asked, within=SOON)

    async def well(self) -> None:
        """The disk is: what was held back is acknowledged, and everyone hears that it is saved."""
        self.faults.end()
        with trio.fail_after(SOON):
            await self.writer.settle()


@asynccontextmanager
async def scene(place: Place, command: Command = "ganimede") -> AsyncIterator[Scene]:
    async with running_server(place.notebook, env=place.env, command=command, state_dir=place.state) as server:
        made = Scene(server, place)
        async with made.writer.connection, made.other, made.control:
            await made.writer.connect()
            yield made
            os.killpg(server.pid, signal.SIGKILL)


async def found(place: Place) -> tuple[str, int | str]:
    """What the next server has, and of which lineage it is."""
    async with scene(place) as here:
        return str(here.other.source("one")), here.writer.told[sync.LINEAGE]


async def befalls_the_journal(here: Scene, weather: Weather) -> None:
    faults = here.faults
    here.control.pushes.clear()
    faults.begin(weather.deed, *weather.calls, error=weather.error, name="journal.sqlite")
    await here.write(f"<{weather.words}>")
    await here.becomes_true(lambda: here.acknowledged() or here.said("not saved", weather.words))
    assert not here.acknowledged(), "acknowledged, and not on the disk"
    await here.write("<meanwhile>")
    await here.seen()
    if weather.deed != "hang":
        failed = faults.count
        await here.becomes_true(lambda: faults.count > failed)  # it was tried again, and failed again
    assert not here.acknowledged(), "acknowledged, and not on the disk"
    assert {each.call for each in faults.met()} <= set(weather.calls)
    await here.well()


@pytest.mark.parametrize("command", ["hypercorn", *COMMANDS[:-1]])
async def test_what_befalls_the_journal_is_told_and_what_was_acknowledged_is_kept(
    place: Place, command: Command
) -> None:
    async with scene(place, command) as here:
        for weather in JOURNAL.values():
            await befalls_the_journal(here, weather)
            if weather is JOURNAL["full"]:
                await here.says("saved")
        written, epoch = here.written, here.writer.told[sync.LINEAGE]
    assert await found(place) == (written, epoch)


async def befalls_the_file(here: Scene, weather: Weather) -> None:
    """Edits are acknowledged all the same: the journal holds them."""
    faults, notebook = here.faults, here.place.notebook
    old = notebook.read_bytes()
    here.control.pushes.clear()
    faults.begin(weather.deed, *weather.calls, error=weather.error, name="n.ipynb")
    await here.write(f"<{weather.words}>")
    await here.writer.settle()
    with pytest.raises(ControlError, match=weather.words):
        await here.control.ask("notebook", "checkpoint")
    await here.says("not saved", weather.words)
    assert faults.count
    assert notebook.read_bytes() == old
    assert here.writer.told.get(sync.FILED) != here.writer.sent
    here.control.pushes.clear()
    faults.end()


@pytest.mark.parametrize("command", COMMANDS)
async def test_what_befalls_the_file_is_told_and_leaves_the_old_one_whole(place: Place, command: Command) -> None:
    async with scene(place, command) as here:
        for number, weather in enumerate(FILE.values()):
            await befalls_the_file(here, weather)
            if number and not FULL:  # the first time, and in full counts each time, it is saved by itself
                await here.control.ask("notebook", "checkpoint")
            await here.says("saved")
        assert here.written in place.notebook.read_text()
        assert [each.name for each in place.notebook.parent.iterdir()] == ["n.ipynb"]
        nbformat.validate(nbformat.read(place.notebook, as_version=4))


async def deletes_the_journal(place: Place) -> None:
    place.journal.unlink()
    Path(f"{place.journal}-wal").unlink()


async def deletes_the_log(place: Place) -> None:
    Path(f"{place.journal}-wal").unlink()


async def deletes_the_folder(place: Place) -> None:
    shutil.rmtree(place.journal.parent)


async def deletes_all_state(place: Place) -> None:
    shutil.rmtree(place.state)


async def puts_a_copy_in_its_place(place: Place) -> None:
    aside = place.journal.parent.with_suffix(".aside")
    place.journal.parent.rename(aside)
    shutil.copytree(aside, place.journal.parent)


LOSSES: Final[list[Callable[[Place], Awaitable[None]]]] = [
    deletes_the_journal, deletes_the_log, deletes_the_folder, deletes_all_state, puts_a_copy_in_its_place,
]  # fmt: skip


async def test_a_journal_that_is_deleted_while_it_is_open_is_told_and_made_again(place: Place) -> None:
    async with scene(place) as here:
        epoch = here.writer.told[sync.LINEAGE]
        for lose in LOSSES:
            here.control.pushes.clear()
            await lose(place)
            await here.write(f"<{lose.__name__}>")
            await here.says("not saved", "the journal has disappeared")
            await here.seen()
            await here.well()
            assert place.journal.exists()
        with pytest.raises(ServerEnded) as ended:  # the lock, too, is made again
            async with running_server(place.notebook, state_dir=place.state):
                pass
        assert "already open" in ended.value.stderr
        assert "http://" in ended.value.stderr
        written = here.written
    assert await found(place) == (written, epoch)


# ------------------------------------------------------------------------------------------------- at the first start

STARTS: Final = {
    "no folder": (Weather("fail", errno.EROFS, ("make",), "read-only file system. Another is named by --state-dir"), "state"),
    "no lock": (Weather("fail", errno.EACCES, ("open",), "permission denied. Another is named by --state-dir"), "/lock"),
    "full": (Weather("fail", errno.ENOSPC, ("write",), "database or disk is full"), "journal.sqlite"),
    "no sync": (Weather("fail", errno.EIO, ("sync",), "disk I/O error"), "journal.sqlite"),
    "no WAL": (Weather("fail", errno.ENODEV, ("map",), "WAL does not work there): choose another with --state-dir"), "-shm"),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS if FULL else ["ganimede"])
@pytest.mark.parametrize("start", STARTS if FULL else ["no folder", "full", "no WAL"])
async def test_a_state_folder_that_cannot_be_used_is_refused_in_one_sentence(
    place: Place, start: str, command: Command
) -> None:
    weather, name = STARTS[start]
    place.faults.begin(weather.deed, *weather.calls, error=weather.error, name=name)
    with pytest.raises(ServerEnded) as ended:
        async with scene(place, command):
            pass
    assert place.faults.count
    told = [line for line in ended.value.stderr.splitlines() if weather.words in line]
    assert len(told) == 1, ended.value.stderr
    assert "Traceback" not in ended.value.stderr
    if command == "ganimede":  # hypercorn's master returns 0 whatever its worker ended with
        assert ended.value.code == 1
        assert ended.value.stderr.count("\n") == 1


async def test_a_lock_that_cannot_be_written_into_keeps_nobody_from_starting(place: Place) -> None:
    place.faults.begin("fail", "truncate", error=errno.EIO, name="/lock", first=2)
    async with scene(place, "ganimede") as here:
        assert here.faults.count
        await here.write("it serves")
        await here.writer.settle()


# ----------------------------------------------------------------------------------------------------------- the check


PLANTED: Final = {
    "takes_a_failed_sync_for_done": AssertionError,
    "never_takes_a_disk_for_well_again": trio.TooSlowError,
}


@pytest.mark.parametrize("bug", PLANTED if FULL else ["takes_a_failed_sync_for_done"])
async def test_a_planted_bug_turns_the_check_red(place: Place, bug: str) -> None:
    assert bug in BUGS
    place.begins_with(f"{QUICK}from tests.faults.bugs import BUGS\nBUGS[{bug!r}](setattr)\n")
    async with scene(place) as here:
        with pytest.raises(PLANTED[bug]):
            await befalls_the_journal(here, JOURNAL["full"])
