"""The hub and what the document refers to: old journals are relieved, and nothing that may come back is swept."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest
import trio

from actors.blob_care import EVERY
from protocol.blobs import LIMIT, carve_output, references
from protocol.messages.changes import WriteOutputs
from protocol.messages.shared import Refused
from protocol.seed import seed
from protocol.values import CellValue, NotebookValue
from tests.actors.fakes import MemoryDisk
from tests.actors.hub_stage import hub_over, on_disk

pytestmark = pytest.mark.actor

IMAGE = base64.b64encode(random.Random(3).randbytes(LIMIT)).decode()
LARGE: Any = {"output_type": "display_data", "data": {"image/png": IMAGE}, "metadata": {"image/png": {"width": 3}}}
SMALL: Any = {"output_type": "stream", "name": "stdout", "text": "hi"}
SLIM = carve_output(LARGE, LIMIT, lambda _: None)
(NAME,) = (each.sha256 for each in references(SLIM["data"]).values())  # type: ignore[arg-type]


def notebook(*outputs: Any) -> NotebookValue:
    cells = (CellValue(id="a", type="code", outputs=outputs), CellValue(id="b", type="code"))
    return NotebookValue(cells=cells)


async def test_a_journal_of_before_is_relieved_of_large_values_without_a_word_to_the_file() -> None:
    disk = MemoryDisk(seed(notebook(SMALL, LARGE, SMALL), bytes(32)))
    async with hub_over(disk) as hub:
        value = await hub.notebook()
        assert value.cells[0].outputs == (SMALL, SLIM, SMALL)
        assert disk.blobs.keys() == {NAME}
        assert on_disk(disk)["cell a"]["outputs"] == [SMALL, SLIM, SMALL]
        assert disk.content == 0
        late = await hub.connect("late", 5)
        assert len(late.browser.doc.get_update()) < 5000


async def test_what_cannot_be_kept_stays_in_the_document() -> None:
    disk = MemoryDisk(seed(notebook(LARGE), bytes(32)))
    disk.refused = Refused("not_saved", "it could not be kept (no space left on device)")
    async with hub_over(disk) as hub:
        assert (await hub.notebook()).cells[0].outputs == (LARGE,)
    disk.refused = None
    async with hub_over(disk) as hub:  # the same server: only a new one tries again
        assert (await hub.notebook()).cells[0].outputs == (LARGE,)


async def test_the_checkpointer_hears_what_the_document_refers_to_also_in_deleted_cells() -> None:
    disk = MemoryDisk(seed(notebook(), bytes(32)))
    async with hub_over(disk) as hub:
        await trio.sleep(EVERY + 1)
        assert disk.named == frozenset()
        await hub.edit(WriteOutputs("a", 0, (SLIM,)))
        await trio.sleep(EVERY)
        assert disk.named == {NAME}
        client = await hub.connect("one", 5)
        await client.send(client.browser.edit(lambda: client.browser.cells.pop(0)))
        await hub.settle()
        assert [cell.id for cell in (await hub.notebook()).cells] == ["b"]
        for _ in range(2):
            await trio.sleep(EVERY)
            assert disk.named == {NAME}  # undo brings it back
            await hub.stage.kill("hub")  # also where nobody has seen it alive
    disk.loads = 0
    async with hub_over(disk):  # a new server: nobody can undo it
        await trio.sleep(EVERY)
        assert disk.named == frozenset()


@pytest.mark.parametrize("trouble", ["full", "hung"])
async def test_while_the_journal_lacks_something_nothing_is_swept(trouble: str) -> None:
    disk = MemoryDisk(seed(notebook(SLIM), bytes(32)))
    async with hub_over(disk) as hub:
        await trio.sleep(EVERY)
        assert disk.named == {NAME}
        if trouble == "full":
            disk.failing = "full"
        else:
            disk.hold()
        await hub.edit(WriteOutputs("a", 0, ()))
        await trio.sleep(3 * EVERY)
        assert disk.named == {NAME}
        disk.failing = ""
        disk.gate.set()
        await trio.sleep(2 * EVERY)
        assert disk.named == frozenset()


async def test_what_is_still_on_its_way_into_the_journal_is_not_taken_for_said() -> None:
    disk = MemoryDisk(seed(notebook(SLIM), bytes(32)))
    async with hub_over(disk) as hub, trio.open_nursery() as nursery:
        await trio.sleep(2 * EVERY - 0.3)
        disk.hold()
        nursery.start_soon(hub.edit, WriteOutputs("a", 0, ()))
        await trio.sleep(0.6)  # it is time to tidy, and the append is in hand
        disk.failing = "full"
        disk.gate.set()
        await trio.sleep(2 * EVERY)
        assert disk.named == {NAME}
        disk.failing = ""
