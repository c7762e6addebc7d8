"""The whole tree over a real notebook; no kernel is started here."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.lowlevel

from actors.boot import OpenNotebook, open_notebook
from actors.kernel_connection import KernelHandle
from actors.mailbox import ActorDied, ActorStopped, again
from actors.runs import RunSettings
from actors.supervisor import Child, ChildStatus, Kill, Retry, Status
from actors.system import RootFailed, System
from protocol.guard import Limits
from protocol.messages.changes import SetCell
from protocol.messages.hub import DescribeDocument, Edit, ReadNotebook
from protocol.messages.notebook import DescribeRuns
from protocol.messages.shared import Done
from protocol.notebook_file import dump, load
from protocol.values import CellValue, NotebookValue

NOTEBOOK = NotebookValue(cells=(CellValue(id="a", type="code", source="1", top=0, left=0),))


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[OpenNotebook]:
    path = tmp_path / "x.ipynb"
    path.write_bytes(dump(NOTEBOOK))
    notebook = open_notebook(path, tmp_path / "state", "epoch")
    yield notebook
    notebook.close()


def system_over(notebook: OpenNotebook, report: Callable[[str, ChildStatus], None] = lambda *_: None) -> System:
    numbers = itertools.count(1000)
    return System(
        notebook,
        runs=RunSettings("", lambda: str(next(numbers))),
        limits=Limits(),
        new_client_id=lambda: next(numbers),
        report=report,
        kernel_handle=KernelHandle(notebook.path.parent),
    )


@asynccontextmanager
async def running(system: System) -> AsyncIterator[System]:
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        yield system
        system.stop()
        await system.ended.wait()
    await system.close()


async def test_when_the_tree_is_up_every_actor_answers(notebook: OpenNotebook) -> None:
    async with running(system_over(notebook)) as system:
        assert await system.hub.ask(ReadNotebook) == NOTEBOOK
        assert (await system.notebook.ask(DescribeRuns)).running is None
        states = await system.notebook_tree.ask(Status)
        assert {name: status.state for name, status in states.items()} == {
            "checkpointer": "up",
            "hub": "up",
            "kernel": "up",
            "runs": "up",
        }


@pytest.mark.parametrize("victim", ["checkpointer", "hub", "kernel", "runs"])
async def test_each_actor_is_restarted_and_nothing_that_was_answered_is_lost(
    notebook: OpenNotebook, victim: str
) -> None:
    async with running(system_over(notebook)) as system:
        await system.hub.ask(Edit, (SetCell("a", {"execution_count": 7}),))
        assert await system.notebook_tree.ask(Kill, victim) == Done()
        value = await again(lambda: system.hub.ask(ReadNotebook))
        assert value.cells[0].execution_count == 7
        await again(lambda: system.notebook.ask(DescribeRuns))


async def test_a_clean_stop_saves_the_file_and_an_untouched_one_is_left_alone(notebook: OpenNotebook) -> None:
    before = notebook.path.stat()
    async with running(system_over(notebook)):
        pass
    assert notebook.path.stat().st_ino == before.st_ino
    async with running(system_over(notebook)) as system:
        await system.hub.ask(Edit, (SetCell("a", {"execution_count": 7}),))
    assert load(notebook.path.read_bytes()).cells[0].execution_count == 7


async def test_a_notebook_that_gives_up_says_why_and_can_be_started_again(notebook: OpenNotebook) -> None:
    reports: list[tuple[str, str]] = []
    failed, up = trio.Event(), trio.Event()

    def report(name: str, status: ChildStatus) -> None:
        reports.append((status.state, status.reason))
        if status.state == "failed":
            failed.set()
        elif failed.is_set() and status.state == "up":
            up.set()

    async with running(system_over(notebook, report)) as system:
        while not failed.is_set():
            with suppress(ActorDied), trio.fail_after(60):  # asked while it gives up, too, nobody waits for ever
                await system.notebook_tree.ask(Kill, "hub")
            await trio.lowlevel.checkpoint()
        assert reports[-1] == ("failed", "hub crashed 4 times: Killed: hub")
        assert await system.root.ask(Retry, "notebook") == Done()
        await up.wait()
        assert await system.hub.ask(ReadNotebook) == NOTEBOOK


async def test_a_root_that_gives_up_is_the_end_and_says_why(notebook: OpenNotebook) -> None:
    async def ill(mailbox: Any) -> None:
        mailbox.up()
        raise OSError("no port")

    system = system_over(notebook)
    system.add(Child("gateway", ill))
    with pytest.raises(RootFailed, match="gateway crashed 4 times: OSError: no port"):
        await system.run()
    with pytest.raises(ActorStopped):
        await system.hub.ask(DescribeDocument)
    await system.close()


async def test_after_a_cancel_of_everything_nobody_waits_for_an_answer(notebook: OpenNotebook) -> None:
    system = system_over(notebook)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        nursery.cancel_scope.cancel()
    for address in (system.hub, system.notebook, system.notebook_tree, system.root):
        with pytest.raises(ActorStopped):
            await address.ask(Status)  # type: ignore[arg-type]
    await system.close()
