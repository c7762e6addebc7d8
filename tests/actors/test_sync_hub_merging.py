"""A file that changes under the hub, and versions that come back: what happens to the document, and what is said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio

from actors.mailbox import again
from protocol.merge import merge
from protocol.messages.changes import SetCell
from protocol.messages.checkpointer import FoundChange
from protocol.messages.hub import ClientUpdate, ListVersions, RestoreVersion, WatchDocument
from protocol.messages.shared import Done, Entry, Notice, Refused, Saving
from protocol.values import CellValue, NotebookValue
from tests.actors.fakes import MemoryDisk
from tests.actors.hub_stage import NOTEBOOK, Hub, hub_over, on_disk, settled

pytestmark = pytest.mark.actor

NEW = CellValue(id="n", type="code", source="from the file", top=400, left=0)
THEIRS = msgspec.structs.replace(NOTEBOOK, cells=(*NOTEBOOK.cells, NEW))


def change_to(theirs: NotebookValue) -> Any:
    """The Checkpointer finds this in the place of what was saved."""

    def found(ours: NotebookValue) -> FoundChange:
        made = merge(NOTEBOOK, ours, theirs)
        return FoundChange("hash of theirs", made.notebook, theirs, made.report)

    return found


class Ears:
    """Hears what everyone is told."""

    def __init__(self) -> None:
        self.heard: list[Saving | Notice] = []

    def offer(self, item: Saving | Notice, /) -> bool:
        self.heard.append(item)
        return True

    def close(self) -> None:
        pass

    @property
    def notices(self) -> list[Notice]:
        return [item for item in self.heard if isinstance(item, Notice)]


async def ears(hub: Hub) -> Ears:
    made = Ears()
    await hub.address.ask(WatchDocument, made)
    await hub.settle()
    return made


async def sources(hub: Hub) -> dict[str, str]:
    return {cell.id: cell.source for cell in (await hub.notebook()).cells}


async def test_a_file_that_changed_while_nobody_edits_comes_in_by_itself(disk: MemoryDisk) -> None:
    """F-7."""
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        heard = await ears(hub)
        await trio.sleep(20)
        assert (disk.saves, disk.looks > 5) == ([], True)
        disk.look, disk.changes = "changed", [change_to(THEIRS)]
        await trio.sleep(3)
        await one.hear()
        assert one.browser.read("n")["source"] == "from the file"
        assert (await hub.notebook()) == THEIRS
        [notice] = heard.notices
        assert (notice.code, notice.level) == ("file_merged", "info")
        assert notice.message == "x.ipynb was changed by another program: 1 cell came from the file."
        [_, (_, save)] = disk.saves
        assert (save.notebook, save.merged is not None and save.merged.hash) == (THEIRS, "hash of theirs")
        assert await hub.saving() == Saving("saved")
        await trio.sleep(100)
        assert len(disk.saves) == 2
    assert "cell n" in on_disk(disk)


async def test_a_save_that_finds_the_file_changed_merges_and_goes_on(disk: MemoryDisk) -> None:
    """F-7."""
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        disk.changes = [change_to(THEIRS)]
        await one.send(one.browser.type("a", " ours"))
        await trio.sleep(3)
        assert await sources(hub) == {"a": "1 ours", "b": "", "n": "from the file"}
        assert disk.file == await hub.notebook()
        assert await hub.saving() == Saving("saved")


async def test_what_is_typed_while_the_file_is_merged_stays(disk: MemoryDisk) -> None:
    """M-6."""
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        theirs = msgspec.structs.replace(
            THEIRS, cells=(msgspec.structs.replace(NOTEBOOK.cells[0], source="0\nx\n1"), *THEIRS.cells[1:])
        )
        base = msgspec.structs.replace(
            NOTEBOOK, cells=(msgspec.structs.replace(NOTEBOOK.cells[0]), NOTEBOOK.cells[1])
        )
        assert base == NOTEBOOK
        disk.save_takes = 5
        disk.look, disk.changes = "changed", [change_to(theirs)]
        await trio.sleep(4)  # the save is under way, with what there was before
        await one.send(one.browser.type("b", "typed"))
        await trio.sleep(30)
        assert await sources(hub) == {"a": "0\nx\n1", "b": "typed", "n": "from the file"}
        assert disk.file == await hub.notebook()


async def test_a_contradiction_keeps_both_and_warns(disk: MemoryDisk) -> None:
    """M-3."""
    theirs = msgspec.structs.replace(
        NOTEBOOK, cells=(msgspec.structs.replace(NOTEBOOK.cells[0], source="theirs"), NOTEBOOK.cells[1])
    )
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        heard = await ears(hub)
        disk.changes = [change_to(theirs)]
        await one.send(one.browser.type("a", " ours"))
        await trio.sleep(3)
        await one.hear()
        first, second, _ = (await hub.notebook()).cells
        assert (first.source, second.source) == ("1 ours", "theirs")
        assert second.top is not None
        assert one.browser.read(second.id)["metadata"] == {"gm": {"conflict": {"side": "file", "with": "a"}}}
        [notice] = heard.notices
        assert notice.level == "warning"
        assert "1 conflict" in notice.message
        later = await ears(hub)
        assert later.notices == [notice]


async def test_a_file_that_changed_while_no_server_ran_is_merged_before_anybody_sees_the_document(
    disk: MemoryDisk,
) -> None:
    """P-3."""
    disk.look, disk.changes = "changed", [change_to(THEIRS)]
    async with hub_over(disk) as hub:
        assert (await hub.summary()).cells == 3
        heard = await ears(hub)
        assert [notice.code for notice in heard.notices] == ["file_merged"]
        assert "cell n" in on_disk(disk)
        await trio.sleep(3)
        assert await hub.saving() == Saving("saved")
        assert disk.file == THEIRS


async def test_a_folder_that_hangs_keeps_nobody_from_editing(disk: MemoryDisk) -> None:
    disk.look_hangs = True
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await one.send(one.browser.type("a", "!"))
        assert (await sources(hub))["a"] == "1!"
        await trio.sleep(3)
        assert await hub.saving() == Saving("saved")


async def test_a_hub_that_dies_between_the_merge_and_the_save_has_lost_nothing(disk: MemoryDisk) -> None:
    """M-4."""
    async with hub_over(disk) as hub:
        disk.save_takes = 1
        disk.look, disk.changes = "changed", [change_to(THEIRS), change_to(THEIRS)]
        await trio.sleep(3.5)  # merged; the save with it is under way
        assert (await hub.notebook()) == THEIRS
        await hub.stage.kill("hub")
        await trio.sleep(20)
        assert (await hub.notebook()) == THEIRS
        assert disk.file == THEIRS


async def test_a_file_that_is_changed_again_and_again_is_told_and_tried_later(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        disk.changes = [change_to(THEIRS)] * 3
        await one.send(one.browser.type("a", "!"))
        await trio.sleep(2.5)
        state = await hub.saving()
        assert (state.status, "again and again" in state.reason) == ("not saved", True)
        await trio.sleep(6)
        assert await hub.saving() == Saving("saved")
        assert disk.file == await hub.notebook()


async def test_a_file_that_is_gone_is_written_again_and_told(disk: MemoryDisk) -> None:
    """F-8."""
    async with hub_over(disk) as hub:
        heard = await ears(hub)
        disk.look = "gone"
        await trio.sleep(3)
        assert disk.file == NOTEBOOK
        assert [notice.code for notice in heard.notices] == ["file_written_again"]
        assert await hub.saving() == Saving("saved")


async def test_a_file_that_cannot_be_merged_is_told_and_tried_again_until_it_can(disk: MemoryDisk) -> None:
    """F-8."""
    async with hub_over(disk) as hub:
        disk.look, disk.saving = "changed", "It is no notebook."
        await trio.sleep(3)
        assert await hub.saving() == Saving("not saved", "It is no notebook.")
        disk.saving = ""
        await trio.sleep(6)
        assert await hub.saving() == Saving("saved")


async def test_a_clean_stop_merges_what_it_finds(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        disk.changes = [change_to(THEIRS)]
        await hub.edit(SetCell("a", {"execution_count": 4}))
    assert disk.file is not None
    assert [cell.id for cell in disk.file.cells] == ["a", "b", "n"]
    assert disk.file.cells[0].execution_count == 4


async def test_a_running_cell_keeps_its_outputs_when_the_file_has_others(disk: MemoryDisk) -> None:
    """M-6."""
    cleared = msgspec.structs.replace(
        NOTEBOOK,
        cells=(msgspec.structs.replace(NOTEBOOK.cells[0], source="new", execution_count=9), NOTEBOOK.cells[1]),
    )
    async with hub_over(disk) as hub:
        await hub.edit(SetCell("a", {"state": "running"}), queue=(Entry("e", "a", "1"),))
        disk.look, disk.changes = "changed", [change_to(cleared)]
        await trio.sleep(3)
        cell = (await hub.notebook()).cells[0]
        assert (cell.source, cell.execution_count) == ("new", None)


# ------------------------------------------------------------------------------------------------------ versions


async def restore(hub: Hub, version: int) -> Done | Refused:
    return await again(lambda: hub.address.ask(RestoreVersion, version))


async def test_a_version_comes_back_as_edits_and_what_was_there_is_kept(disk: MemoryDisk) -> None:
    """P-12."""
    disk.versions = [NOTEBOOK]
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await one.send(one.browser.type("a", " more"))
        await one.send(one.browser.add("c", "new"))
        before = await hub.notebook()
        assert await restore(hub, 1) == Done()
        await one.hear()
        assert await hub.notebook() == NOTEBOOK
        assert one.browser.read("a")["source"] == "1"
        assert disk.versions == [NOTEBOOK, before]
        assert "cell c" not in on_disk(disk)  # durable when it is answered
        listed = await again(lambda: hub.address.ask(ListVersions))
        assert not isinstance(listed, Refused)
        assert len(listed) == 2
        assert await restore(hub, 2) == Done()
        await one.hear()
        assert await hub.notebook() == before
        assert one.browser.read("c")["source"] == "new"
        await trio.sleep(3)
        assert disk.file == before


async def test_what_is_typed_while_a_version_is_kept_is_in_the_version(disk: MemoryDisk) -> None:
    """P-12."""
    disk.versions = [NOTEBOOK]
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        typed = [one.browser.type("a", " late")]

        def type_once() -> None:
            if typed:
                hub.address.offer(ClientUpdate("s1", typed.pop()))

        disk.on_keep = type_once
        assert await restore(hub, 1) == Done()
        assert await hub.notebook() == NOTEBOOK
        assert any(version.cells[0].source == "1 late" for version in disk.versions)
        await settled()


async def test_a_version_that_is_not_there_is_refused_and_changes_nothing(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        refused = await restore(hub, 5)
        assert isinstance(refused, Refused)
        assert refused.code == "no_such_version"
        assert await hub.notebook() == NOTEBOOK
        assert disk.saves == []
