"""A notebook that is worked on while the disk fails at the n-th call: run under the shim, by sweeps.py.

Each case is a fork: it opens the notebook, writes markers through the real Recorder, Checkpointer and journal, and
says through a pipe what it was told. Then its files are looked at by another fork, as the next server would.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import trio

from actors import recorder
from actors.boot import BootError, OpenNotebook, open_notebook
from actors.checkpointer import checkpointer
from actors.mailbox import again
from actors.supervisor import Child
from protocol.document import Document
from protocol.messages.checkpointer import CheckpointerMessage, Load, Save, StoreSnapshot
from protocol.messages.shared import Entry
from protocol.notebook_file import dump, load
from protocol.values import CellValue, NotebookValue
from tests.actors.stage import stage
from tests.faults.bugs import BUGS
from tests.faults.calls import Call, Deed, Faults

# How it ends: with kill -9 as soon as a fault was met, or at the end of all the work; or as a clean stop.
End = Literal["killed at once", "killed", "stopped"]
# Whether the power goes then; or only when the next server was killed, too, which built upon what it saw and what may
# not be on the disk.
Power = Literal["stays", "goes", "goes later"]
NOTEBOOK = dump(
    NotebookValue(cells=tuple(CellValue(id=id_, type="code", source="#", top=0, left=0) for id_ in "ab"))
)
STEPS = 7
DELETED = 5
# Seconds for a whole case.
PATIENCE = 30


class Case(msgspec.Struct, frozen=True):
    """``first`` and ``count``: which of the calls are spoiled. ``name``: only on paths that contain it. ``before``: a
    server worked on the notebook before, and was killed. ``bug``: planted into all that runs. ``well``: seconds
    within which a disk that is well again is used, many times what it takes. ``deleted``: the state folder, while it
    is in use, and only then calls begin to fail."""

    call: Call
    deed: Deed
    error: int
    first: int
    count: int
    end: End
    power: Power = "stays"
    name: str = ""
    before: bool = False
    bug: str = ""
    well: float = 10.0
    deleted: bool = False

    def begin(self, faults: Faults) -> None:
        faults.begin(self.deed, self.call, error=self.error, first=self.first, count=self.count, name=self.name)


class Told(msgspec.Struct):
    """What a case was told: markers it tried to write, those that were acknowledged, the files it tried to write and
    the one that was last acknowledged. ``refused``: the sentence with which the notebook was not opened."""

    tried: list[int] = []
    kept: list[int] = []
    files: list[bytes] = []
    saved: bytes = b""
    degraded: str = ""
    refused: str = ""
    broken: str = ""


class Report(msgspec.Struct):
    """``faults``: spoiled calls. ``lost``: pages that went with the power."""

    cases: int = 0
    faults: int = 0
    refused: int = 0
    sentences: list[str] = []
    degraded: int = 0
    lost: int = 0
    broken: list[str] = []


class Sweep:
    """Cases in one folder."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        self._folder = folder
        self._faults = faults
        self.report = Report()

    def run(self, case: Case) -> bool:
        """False: there are no so many calls."""
        place = self._folder / f"case-{self.report.cases}"
        place.mkdir()
        path = place / "x.ipynb"
        path.write_bytes(NOTEBOOK)
        faults = self._faults
        faults.look_at(place)
        faults.spin(self._folder / "platter" if case.power != "stays" else None)
        told = Told(files=[NOTEBOOK])
        if case.before:
            self._fork(case, told, lambda tell: look(path, told, tell, 100, False))
        if not case.deleted:
            case.begin(faults)
        self._fork(case, told, lambda tell: Work(path, faults, case, tell).run(told))
        faults.end()
        if not faults.count:
            return False
        self.report.cases += 1
        self.report.faults += faults.count
        self.report.refused += bool(told.refused)
        self.report.sentences += [told.refused] if told.refused else []
        self.report.degraded += bool(told.degraded)
        self._aftermath(path, case, told)
        if told.broken:
            met = ", ".join(f"{each.call} {each.path}" for each in faults.met()[:2])
            self.report.broken.append(f"{case} at {met}: {told.broken}")
        return True

    def _aftermath(self, path: Path, case: Case, told: Told) -> None:
        """Twice opened again, and written to in between: the second time shows whether the first could be built on."""
        for again_, cuts in ((1, ("goes",)), (2, ("goes", "goes later"))):
            if case.power in cuts:
                self.report.lost += self._faults.cut_power()
            if told.broken:
                return
            self._fork(case, told, lambda tell, n=again_: look(path, told, tell, -n, case.power != "stays"))

    def _fork(self, case: Case, told: Told, work: Callable[[Tell], None]) -> None:
        def planted(tell: Tell) -> None:
            if case.bug:
                BUGS[case.bug](setattr)
            work(tell)

        in_fork(told, planted)


Tell = Callable[[Told], None]


def in_fork(told: Told, work: Callable[[Tell], None]) -> None:
    """``work`` in a child that may die; ``told`` becomes what it told last."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)

        def tell(now: Told) -> None:
            data = msgspec.msgpack.encode(now)
            os.write(writable, len(data).to_bytes(4, "big") + data)

        try:
            work(tell)
        except BaseException:
            told.broken = traceback.format_exc()[-3000:]
            tell(told)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        heard = pipe.read()
    _, status = os.waitpid(child, 0)
    while len(heard) >= 4:
        length = int.from_bytes(heard[:4], "big")
        newest = msgspec.msgpack.decode(heard[4 : 4 + length], type=Told)
        for field in Told.__struct_fields__:
            setattr(told, field, getattr(newest, field))
        heard = heard[4 + length :]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        told.broken = f"it came to no end within {PATIENCE} s; told was {told.kept}"


class Work:
    """The first life of the notebook."""

    def __init__(self, path: Path, faults: Faults, case: Case, tell: Tell) -> None:
        self._path, self._faults, self._case, self._tell = path, faults, case, tell
        self._told = Told()
        self._covered: list[int] = []

    def run(self, told: Told) -> None:
        self._told = told
        self._tell(told)
        try:
            notebook = open_notebook(self._path, self._path.parent / "state", "e1")
        except BootError as error:
            told.refused = str(error)
            self._tell(told)
            return
        trio.run(self._work, notebook)
        if self._case.end != "stopped":
            os.kill(os.getpid(), signal.SIGKILL)
        notebook.close()

    async def _work(self, notebook: OpenNotebook) -> None:
        child: Child[CheckpointerMessage] = Child("disk", checkpointer(notebook), capacity=16)
        async with stage(child), trio.open_nursery() as nursery:
            address = child.address
            recovered = await again(lambda: address.ask(Load))
            self._doc = Document(recovered.updates, 77)
            unsaved = recorder.Unsaved()

            async def state() -> bytes:
                self._covered = list(self._told.tried)
                return self._doc.full_update()

            self._recorder = recorder.Recorder(address, state, self._hear, unsaved)
            self._recorder.resume(recovered)
            self._recorder.start(nursery)
            for step in range(STEPS):
                if step == DELETED and self._case.deleted:
                    shutil.rmtree(self._path.parent / "state")
                    self._case.begin(self._faults)
                await self._step(step, address)
                if self._case.end == "killed at once" and self._faults.count:
                    os.kill(os.getpid(), signal.SIGKILL)
            if self._case.deleted:  # what fails on the way to a new journal fails once
                await self._goes_on()
            if self._faults.count:
                await self._becomes_well(address)
            nursery.cancel_scope.cancel()

    def _hear(self, reason: str) -> None:
        """Degraded mode began, or ended."""
        if reason:
            self._told.degraded = reason
        else:
            self._told.kept = list(self._told.tried)
        self._tell(self._told)

    async def _step(self, step: int, address: object) -> None:
        told, queue = self._told, (Entry(f"run-{step}", "a", f"s{step}"),) if step % 3 == 2 else None
        told.tried.append(step)
        self._tell(told)
        update = write(self._doc, step)
        if await self._recorder.record((update,), queue, True):
            told.kept = list(told.tried)
            self._tell(told)
        if step == 2:
            await self._save(address)
        if step == 4:
            await address.ask(StoreSnapshot, self._doc.full_update(), self._recorder.queue, False)  # type: ignore[attr-defined]

    async def _save(self, address: object) -> bool:
        told, value = self._told, self._doc.value()
        told.files.append(dump(value))
        self._tell(told)
        answer = await address.ask(Save, value, False, self._recorder.content)  # type: ignore[attr-defined]
        if answer.status == "saved":
            told.saved = told.files[-1]
            self._tell(told)
        else:
            assert answer.reason, "not saved, and no reason"
        return bool(answer.status == "saved")

    async def _goes_on(self) -> None:
        with trio.fail_after(self._case.well):
            while not self._recorder.durable:
                await trio.sleep(0.002)

    async def _becomes_well(self, address: object) -> None:
        """Whatever the disk did before: now that it works, all that was tried is kept, and can be saved."""
        self._faults.end()
        await self._goes_on()
        await self._step(STEPS, address)
        assert self._told.kept == self._told.tried, "the disk is well, and an edit is not kept"
        if not self._case.deleted:  # where the journal alone has to hold it
            assert await self._save(address), "the disk is well, and the file is not saved"


def look(path: Path, told: Told, tell: Tell, marker: int, torn: bool) -> None:
    """As the next server: all that was acknowledged is there, and nothing else; and it goes on. ``torn``: by a power
    cut, after which a transaction that nobody was told of may look like damage."""
    held = path.read_bytes()
    assert held in told.files, "the file is none of those that were written"
    assert not told.saved or held in told.files[told.files.index(told.saved) :], (
        "the file is older than it was said"
    )
    load(held)
    strays = [each.name for each in path.parent.iterdir() if each.name not in ("x.ipynb", "state")]
    notebook = open_notebook(path, path.parent / "state", "e2")
    assert not [each for each in strays if (path.parent / each).exists()], f"left beside the notebook: {strays}"
    replayed = notebook.journal.replay()
    codes = [each.code for each in notebook.notices if each.level == "warning"]
    found = markers(Document(replayed.updates, 99))
    assert not replayed.damaged, f"{replayed.damaged} records are damaged"
    assert torn or not codes or not told.kept, f"people are told of {codes}"
    assert set(told.kept) <= found, f"acknowledged and lost: {sorted(set(told.kept) - found)} of {told.kept}"
    assert found <= set(told.tried), f"never written: {sorted(found - set(told.tried))}"
    update = write(Document(replayed.updates, 500 - marker), marker)
    told.tried.append(marker)
    tell(told)
    notebook.journal.append((update,), None, content=True)
    told.kept.append(marker)
    tell(told)
    os.kill(os.getpid(), signal.SIGKILL)


def write(document: Document, marker: int) -> bytes:
    """An edit of about a page: the update."""
    return document._transact(lambda: document._maps["b"]["source"].insert(0, f"<{marker}>" + "x" * 3000))


def markers(document: Document) -> set[int]:
    return {int(each) for each in re.findall(r"<(-?\d+)>", document.source("b"))}


async def _warm_up() -> None:
    """What is imported at its first use is imported once, and not in each fork."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.ipynb"
        path.write_bytes(NOTEBOOK)
        open_notebook(path, path.parent / "state", "e0").close()
        dump(Document((), 1).value())
    gc.collect()
    gc.freeze()


def main() -> None:
    """By line on stdin a case, how many at most, and how far from one to the next of the sweep; by line on stdout
    what came of it."""
    logging.disable()
    recorder.RETRY = 0.01
    trio.run(_warm_up)
    folder = Path(sys.argv[1])
    faults = Faults(folder, Path(os.environ["GANIMEDE_TEST_FAULTS"]))
    for number, line in enumerate(sys.stdin):
        case, at_most, step = msgspec.json.decode(line, type=tuple[Case, int, int])
        place = folder / f"sweep-{number}"
        place.mkdir()
        sweep = Sweep(place, faults)
        for first in range(case.first, case.first + at_most * step, step):
            if not sweep.run(msgspec.structs.replace(case, first=first)):
                break
        sys.stdout.write(msgspec.json.encode(sweep.report).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
