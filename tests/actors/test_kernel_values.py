"""Large values of what a kernel shows: on the disk before anybody hears of them, in order, and never the run's end."""

from __future__ import annotations

import base64
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from kernel_support import Kernel, run_trio
from scripted_kernel import ScriptedKernel, stream
from test_kernel_scripted import OK, SETTINGS, scripted

from actors import kernel_values
from actors.supervisor import Child
from protocol.blobs import MIME
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.shared import Refused
from protocol.outputs import OutputLimits
from tests.actors.fakes import MemoryDisk, memory_checkpointer
from tests.actors.stage import stage

pytestmark = pytest.mark.actor

LIMITS = OutputLimits(blob=1000, values=10_000)
Script = Callable[[Callable[[str, Any], None]], object]


def image(seed: int, size: int = 3000) -> str:
    return base64.b64encode(random.Random(seed).randbytes(size)).decode()


def shown(value: str, display_id: str = "") -> dict[str, Any]:
    transient = {"display_id": display_id} if display_id else {}
    return {"data": {"image/png": value, "text/plain": "plot"}, "metadata": {}, "transient": transient}


@asynccontextmanager
async def running(
    folder: Path, script: Script, limits: OutputLimits = LIMITS
) -> AsyncIterator[tuple[Kernel, MemoryDisk, list[ScriptedKernel]]]:
    """A kernel that publishes what ``script`` says in each run, and perhaps dies, over a Checkpointer in memory."""

    def on_execute(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        kernel.status("busy", request)
        if script(lambda type_, content: kernel.publish(type_, content, request)) == "dies":
            kernel.dead.set()
            return
        kernel.reply(request, ident, OK)
        kernel.status("idle", request)

    disk = MemoryDisk()
    child: Child[CheckpointerMessage] = Child("disk", memory_checkpointer(disk), capacity=16)
    settings = msgspec.structs.replace(SETTINGS, limits=limits)
    async with stage(child), scripted(folder, on_execute, settings=settings, disk=child.address) as (kernel, made):
        yield kernel, disk, made


def kinds(kernel: Kernel) -> list[str]:
    """What each output says: its text, or the mimes that it has and refers to."""
    said = []
    for output in kernel.client.outputs["cell"]:
        data = output.get("data", {})
        said.append(
            output.get("text") or " ".join([*data, *data.get(MIME, {})])
            if MIME in data or "text" in output
            else data["text/plain"]
        )
    return said


REFERENCE = f"text/plain {MIME} image/png"


def test_a_large_value_is_told_when_it_is_durable_and_in_its_place(tmp_path: Path) -> None:
    def script(publish: Callable[[str, Any], None]) -> None:
        publish("stream", stream("before"))
        publish("display_data", shown(image(1)))
        publish("stream", stream("behind"))

    async def test() -> None:
        async with running(tmp_path, script) as (kernel, disk, _):
            disk.hold()
            run = await kernel.client.begin("x")
            await kernel.client.until(lambda report: report.run and report.run.outputs)
            assert kinds(kernel) == ["before"]
            with trio.move_on_after(0.1):
                await kernel.client.end(run)
                raise AssertionError("the value is not durable")
            assert kinds(kernel) == ["before"]
            disk.gate.set()
            await kernel.client.end(run)
            assert kinds(kernel) == ["before", REFERENCE, "behind"]
            (blob,) = disk.blobs.values()
            assert blob.data == base64.b64decode(image(1))

    run_trio(test)


def test_what_a_dying_kernel_said_last_comes_behind_the_value_that_is_on_its_way(tmp_path: Path) -> None:
    def script(publish: Callable[[str, Any], None]) -> str:
        publish("display_data", shown(image(1)))
        publish("stream", stream("last words"))
        return "dies"

    async def test() -> None:
        async with running(tmp_path, script) as (kernel, disk, _):
            disk.hold()
            run = await kernel.client.begin("x")
            await kernel.client.until(lambda report: report.run)
            with trio.move_on_after(0.1):
                await kernel.client.end(run)
            disk.gate.set()
            ended = (await kernel.client.end(run)).ended
            assert ended is not None
            assert ended.status == "died"
            assert kinds(kernel) == [REFERENCE, "last words"]

    run_trio(test)


def test_an_update_of_a_display_of_another_cell_is_a_reference_as_well(tmp_path: Path) -> None:
    contents = [("display_data", shown("small", "d")), ("update_display_data", shown(image(1), "d"))]

    async def test() -> None:
        async with running(tmp_path, lambda publish: publish(*contents.pop(0))) as (kernel, disk, _):
            await kernel.client.execute("x", cell="cell")
            await kernel.client.execute("y", cell="other")
            while not disk.blobs or kinds(kernel) != [REFERENCE]:
                await kernel.client.pull()

    run_trio(test)


def test_beyond_the_cells_budget_a_line_says_what_was_left_out(tmp_path: Path) -> None:
    def script(publish: Callable[[str, Any], None]) -> None:
        for n in range(5):
            publish("display_data", shown(image(n), "d" if n == 0 else ""))
        publish("update_display_data", shown(image(9, 2000), "d"))  # takes the place of the first
        publish("display_data", shown(image(10, 1900)))

    async def test() -> None:
        async with running(tmp_path, script) as (kernel, disk, _):
            await kernel.client.execute("x")
            gap = "[an output of 3.0 kB left out: the outputs of this cell exceed 10.0 kB]"
            assert kinds(kernel) == [REFERENCE, REFERENCE, REFERENCE, gap, gap, REFERENCE]
            assert len(disk.blobs) == 5
            await kernel.client.execute("x")  # each run has its own
            assert kinds(kernel).count(REFERENCE) == 4

    run_trio(test)


def test_what_the_disk_does_not_take_stays_if_it_is_bearable_and_is_named_if_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_values, "BEARABLE", 5000)

    def script(publish: Callable[[str, Any], None]) -> None:
        publish("display_data", shown(image(1)))
        publish("display_data", shown(image(2, 6000)))

    async def test() -> None:
        async with running(tmp_path, script) as (kernel, disk, _):
            disk.refused = Refused("not_saved", "it could not be kept (no space left on device)")
            await kernel.client.execute("x")
            first, second = kernel.client.outputs["cell"]
            assert first["data"] == {"image/png": image(1), "text/plain": "plot"}
            words = "[an output of 6.0 kB left out: it could not be kept (no space left on device)]"
            assert second["data"] == {"text/plain": words}
            disk.refused = Refused("over_budget", "the outputs of this notebook exceed 2.0 MB")
            await kernel.client.execute("x")
            assert kinds(kernel)[0].endswith("left out: the outputs of this notebook exceed 2.0 MB]")
            disk.refused = None
            await kernel.client.execute("x")
            assert kinds(kernel) == [REFERENCE, REFERENCE]

    run_trio(test)


def test_a_disk_that_hangs_ends_no_run_and_holds_up_only_the_first_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_values, "PATIENCE", 0.3)
    monkeypatch.setattr(kernel_values, "IMPATIENCE", 0.02)
    monkeypatch.setattr(kernel_values, "BEARABLE", 100)

    def script(publish: Callable[[str, Any], None]) -> None:
        for n in range(8):
            publish("display_data", shown(image(n)))
        publish("stream", stream("behind"))

    async def test() -> None:
        async with running(tmp_path, script, LIMITS) as (kernel, disk, _):
            disk.hold()
            await kernel.client.execute("x")
            gap = "[an output of 3.0 kB left out: the disk takes too long]"
            assert kinds(kernel) == [gap] * 8 + ["behind"]
            disk.gate.set()
            await kernel.client.execute("y")
            await kernel.client.execute("z")
            assert kinds(kernel)[:3] == [REFERENCE] * 3

    run_trio(test)


def test_a_value_that_was_on_its_way_when_the_actor_died_is_missed_in_words(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path, lambda publish: publish("display_data", shown(image(1)))) as (
            kernel,
            disk,
            _,
        ):
            disk.hold()
            run = await kernel.client.begin("x")
            await kernel.client.until(lambda report: report.run)
            while not disk.log:
                await trio.sleep(0.01)
            await kernel.crash()
            disk.gate.set()
            kernel.client.seen = 0
            await kernel.client.begin("x", run=run)
            assert (await kernel.client.end(run)).ended is not None
            assert "some output was lost here" in kinds(kernel)[0]

    run_trio(test)
