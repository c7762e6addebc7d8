"""The SyncHub: batches, what clients may do, the run queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing
from pycrdt import merge_updates

from actors.mailbox import open_subscription
from protocol.document import Document
from protocol.messages.changes import SetCell, SetKernel, WriteOutputs
from protocol.messages.hub import (
    AnswerSync,
    Checkpoint,
    ClearedOutputs,
    ClearOutputs,
    ClientUpdate,
    DocumentSummary,
    Edit,
    Enqueue,
    RecordedQueue,
    Subscribe,
    Unsubscribe,
    WatchDocument,
)
from protocol.messages.shared import Entry, Notice, Saving
from protocol.sync import Step1, Update, decode
from protocol.sync_requests import PATIENCE, PAUSE
from tests.actors.fakes import Inbox, MemoryDisk
from tests.actors.hub_stage import SEED, STREAM, hub_over, on_disk, settled
from tests.protocol.clients import Browser

pytestmark = pytest.mark.actor


# ------------------------------------------------------------------------------------------------------------ batches


async def test_mail_that_waits_becomes_one_append_and_then_leaves(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        disk.log.clear()
        for letter in "xyz":
            assert hub.address.offer(ClientUpdate("s1", one.browser.type("a", letter)))
        await hub.edit(SetCell("b", {"top": 40}))
        assert disk.log == ["Append"]
        await two.hear()
        assert two.browser.content() == on_disk(disk)
        assert two.browser.read("a")["source"] == "1xyz"
        await one.hear()
        assert one.browser.content() == two.browser.content()


async def test_nothing_leaves_before_it_is_durable(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        heard = len(two.inbox.items)
        disk.hold()
        answers: list[str] = []

        async def ask(name: str, question: Callable[[], Any]) -> None:
            await question()
            answers.append(name)

        await one.send(one.browser.type("a", "2"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "edit", lambda: hub.edit(SetCell("a", {"top": 1})))
            nursery.start_soon(ask, "read", hub.notebook)
            entry = await hub.draft("e", "a")  # only the kernel hears of it before it is recorded
            assert isinstance(entry, Entry)
            nursery.start_soon(ask, "queue", lambda: hub.address.ask(Enqueue, entry))
            nursery.start_soon(ask, "subscribe", lambda: hub.subscribe("s3", b"\x00"))
            await hub.address.tell(AnswerSync("s2", b"\x00"))
            await trio.sleep(0.9)
            assert len(two.inbox.items) == heard
            assert answers == []
            disk.gate.set()
        assert set(answers) == {"edit", "read", "queue", "subscribe"}
        await two.hear()
        assert two.browser.read("a")["source"] == "12"


async def test_the_author_does_not_hear_its_own_update(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        heard = len(one.inbox.frames), len(two.inbox.frames)
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        assert (len(one.inbox.frames), len(two.inbox.frames)) == (heard[0], heard[1] + 1)


async def test_merging_subscribers_get_fewer_frames_while_the_hub_is_busy(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        merging = await hub.subscribe("s2", b"\x00", merged=True)
        direct = await hub.subscribe("s3", b"\x00")
        await hub.settle()
        before = len(merging.frames), len(direct.frames)
        for letter in "abcdefghij":
            await one.send(one.browser.type("a", letter))
            await hub.settle()
        assert len(direct.frames) - before[1] == 10
        await trio.sleep(0.01)
        assert len(merging.frames) - before[0] == 2  # the first at once, the others together
        copy = Browser(50)
        for frame in merging.frames:
            match decode(frame):
                case Update(update):
                    copy.hear(update)
        assert copy.read("a")["source"] == "1abcdefghij"


async def test_what_waits_to_be_merged_leaves_at_a_clean_stop(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        merging = await hub.subscribe("s2", b"\x00", merged=True)
        for letter in "xy":
            await one.send(one.browser.type("a", letter))
            await hub.settle()
        before = len(merging.frames)
    assert len(merging.frames) == before + 1
    assert merging.closed


async def test_a_subscription_and_its_end_in_one_batch_leave_nobody(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        inbox = Inbox()
        disk.hold()
        await hub.address.tell(Edit(lambda _: None, (SetCell("a", {"top": 9}),)))
        await settled()
        asked = await hub.address.request(Subscribe, "s", inbox, None, False)
        await hub.address.tell(Unsubscribe("s"))
        disk.gate.set()
        await asked()
        assert (await hub.summary()).subscribers == 0
        assert inbox.closed


async def test_a_session_that_subscribes_again_has_one_subscription(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        first, second = await hub.subscribe("s"), await hub.subscribe("s")
        assert (first.closed, second.closed) == (True, False)
        assert (await hub.summary()).subscribers == 1


async def test_a_full_subscriber_is_closed_and_the_others_go_on(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        slow = await hub.subscribe("slow", b"\x00", capacity=3)
        for letter in "uvwxyz":
            await one.send(one.browser.type("a", letter))
        await hub.settle()
        await two.hear()
        assert slow.closed
        assert len(slow.items) == 3
        assert two.browser.read("a")["source"] == "1uvwxyz"
        assert (await hub.summary()).subscribers == 2


# ------------------------------------------------------------------------------------------------ what clients may do


async def test_server_owned_keys_are_reverted_for_everyone(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.edit(SetCell("a", {"execution_count": 4}), WriteOutputs("a", 0, (STREAM,)))
        await one.hear()

        def cheat() -> None:
            one.browser.cell("a")["state"] = "running"
            one.browser.cell("a")["outputs"] = []
            one.browser.queue.append("a")
            one.browser.kernel["busy"] = True

        await one.send(one.browser.edit(cheat))
        await hub.settle()
        for client in (one, two):
            await client.hear()
            read = client.browser.read("a")
            assert (read["state"], read["outputs"], read["execution_count"]) == ("idle", [STREAM], 4)
            assert client.browser.queue.to_py() == []
            assert "busy" not in client.browser.kernel
        assert on_disk(disk) == one.browser.content()


@pytest.mark.parametrize("wanted", [None, ("b", "a", "a", "nowhere")], ids=["all", "these"])
async def test_outputs_are_cleared_for_everybody_but_where_a_run_goes_on_writing(
    disk: MemoryDisk, wanted: tuple[str, ...] | None
) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        ran = {"execution_count": 4, "run": {"who": "ada", "status": "ok"}}
        await hub.edit(
            SetCell("a", ran), WriteOutputs("a", 0, (STREAM, STREAM)), SetCell("b", {**ran, "state": "running"})
        )
        await hub.edit(WriteOutputs("b", 0, (STREAM,)))
        disk.log.clear()
        assert await hub.address.ask(ClearOutputs, wanted) == ClearedOutputs(("a",), ("b",))
        assert disk.log == ["Append"]  # durable when it is answered
        await one.hear()
        cleared, running = one.browser.read("a"), one.browser.read("b")
        assert (cleared["outputs"], cleared["execution_count"], cleared["run"]) == ([], None, None)
        assert cleared["source"] == "1"
        assert (running["outputs"], running["execution_count"]) == ([STREAM], 4)
        # What the run writes next has its place.
        await hub.edit(WriteOutputs("b", 1, (STREAM,)))
        assert await hub.address.ask(ClearOutputs, ("a",)) == ClearedOutputs((), ())
        await one.hear()
        assert one.browser.read("b")["outputs"] == [STREAM, STREAM]
        assert on_disk(disk) == one.browser.content()


async def test_graphs_are_repaired_after_a_second_of_quiet(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await one.send(one.browser.edit(lambda: one.browser.np.update({"ghost": ["a"]})))
        for _ in range(4):  # as long as somebody works, nothing is undone
            await trio.sleep(0.9)
            await one.hear()
            assert "ghost" in one.browser.np
            await one.send(one.browser.type("a", "x"))
            await hub.settle()
        await trio.sleep(0.99)
        await one.hear()
        assert "ghost" in one.browser.np
        await trio.sleep(0.02)
        await one.hear()
        assert "ghost" not in one.browser.np
        assert on_disk(disk) == one.browser.content()


@pytest.mark.parametrize("update", [b"\xff\xff\xff", b"\x01"], ids=bytes.hex)
async def test_malformed_updates_cut_their_sender_alone_and_are_never_journaled(
    disk: MemoryDisk, update: bytes
) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        before = list(disk.updates)
        await one.send(update)
        await one.send(one.browser.type("a", "sent before it heard of it"))
        await hub.settle()
        assert [item.code for item in one.inbox.hung_up] == [4400]
        assert one.inbox.closed
        assert disk.updates == before
        assert not two.inbox.closed
        await two.send(two.browser.type("a", "2"))
        assert (await hub.notebook()).cells[0].source == "12"


async def test_an_update_that_breaks_the_document_in_spite_of_the_guard_costs_nobody_anything(
    disk: MemoryDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such update is known, so the guard is made blind and the bytes are truncated ones."""
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await hub.settle()
        apply = Document.apply

        def breaks(document: Document, update: bytes) -> bool:
            if b"poison" in update:
                apply(document, update)
                return apply(document, b"\xff")
            return apply(document, update)

        monkeypatch.setattr(Document, "apply", breaks)
        disk.hold()
        await hub.address.tell(Edit(lambda _: None, (SetKernel({"x": 1}),)))
        await settled()
        await two.send(two.browser.type("a", "before"))
        await one.send(one.browser.type("b", "poison"))
        await two.send(two.browser.type("a", " after"))
        await hub.address.tell(Checkpoint(lambda _: None))
        disk.gate.set()
        assert (await hub.notebook()).cells[0].source == "1before after"
        assert (await hub.notebook()).cells[1].source == ""
        assert [item.code for item in one.inbox.hung_up] == [4400]
        assert not two.inbox.closed
        assert not any(b"poison" in update for update in disk.updates)
        await trio.sleep(5)
        assert disk.file is not None
        assert disk.file.cells[0].source == "1before after"
        [(kept, reason)] = disk.quarantined
        assert b"poison" in kept
        assert reason


async def test_an_update_that_is_applied_in_part_is_kept_aside_and_the_document_built_anew(
    disk: MemoryDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-12: no such update is known, so the Doc is made to forget a part."""
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        outlet, heard = open_subscription(100)
        await hub.address.ask(WatchDocument, outlet)
        await hub.settle()
        apply = Document.apply
        half = one.browser.type("b", "half ")
        whole = one.browser.type("b", "poison")

        def partly(document: Document, update: bytes) -> bool:
            return apply(document, half if b"poison" in update else update)

        monkeypatch.setattr(Document, "apply", partly)
        await one.send(merge_updates(half, whole))
        await two.send(two.browser.type("a", "2"))
        assert [cell.source for cell in (await hub.notebook()).cells] == ["12", ""]
        assert [item.code for item in one.inbox.hung_up] == [4400]
        assert [update for update, _ in disk.quarantined] == [merge_updates(half, whole)]
        assert not any(b"half" in update for update in disk.updates)
        codes = []
        while "edit_quarantined" not in codes:
            item = await heard.receive()
            codes.append(item.code if isinstance(item, Notice) else "")


async def test_nobody_looks_at_a_broken_document_while_it_is_remade(
    disk: MemoryDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hub_over(disk) as hub:
        one, two = await hub.connect("s1", 7), await hub.connect("s2", 8)
        await two.send(two.browser.type("a", "2"))
        await hub.settle()
        apply = Document.apply

        def breaks(document: Document, update: bytes) -> bool:
            changed = apply(document, update)
            return apply(document, b"\xff") if b"poison" in update else changed

        monkeypatch.setattr(Document, "apply", breaks)
        await trio.sleep(1.9)
        disk.hold()
        await one.send(one.browser.type("b", "poison"))
        await trio.sleep(1)  # the journal is slow, and the file is due
        assert disk.saves == []
        disk.gate.set()
        await hub.settle()
        await trio.sleep(0.1)
        [(_, save)] = disk.saves
        assert [cell.source for cell in save.notebook.cells] == ["12", ""]


async def test_a_gap_is_answered_with_a_question_for_everything(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await hub.settle()
        one.browser.type("a", "lost ")
        asked = len(one.inbox.frames)
        for letter in "xyz":  # all under way before the question is heard
            await one.send(one.browser.type("a", letter))
            await hub.settle()
        assert len(one.inbox.frames) == asked + 1
        await one.hear()
        assert (await hub.notebook()).cells[0].source == "1lost xyz"
        assert on_disk(disk)["cell a"]["source"] == "1lost xyz"


async def test_a_client_that_never_answers_while_its_updates_have_a_gap_is_refused(disk: MemoryDisk) -> None:
    """S-3."""
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        one.browser.type("a", "lost")
        orphan = one.browser.type("a", "x")
        await hub.settle()
        await trio.sleep(PAUSE)
        asked = len(one.inbox.frames)
        began = trio.current_time()
        while not one.inbox.hung_up:
            await one.send(orphan)
            await hub.settle()
            await trio.sleep(0.5)
        assert trio.current_time() - began == pytest.approx(PATIENCE, abs=1)
        assert len(one.inbox.frames) == asked + 1  # one request at a time
        assert [item.code for item in one.inbox.hung_up] == [4400]


async def test_a_malformed_state_vector_closes_its_connection(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        inbox = await hub.subscribe("s", b"\x00")
        await hub.address.tell(AnswerSync("s", b"\xff"))
        await hub.settle()
        assert [item.code for item in inbox.hung_up] == [1007]


async def test_a_subscriber_is_asked_for_its_edits_and_given_what_it_lacks(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        inbox = await hub.subscribe("s", b"\x00")
        kinds = [type(decode(frame)) for frame in inbox.frames]
        assert kinds == [Step1, Update]
        assert [type(decode(frame)) for frame in (await hub.subscribe("t")).frames] == [Step1]


# ------------------------------------------------------------------------------------------------------ the run queue


async def test_an_entry_is_recorded_before_it_is_answered(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await one.send(one.browser.type("a", "+1"))
        entry = await hub.enqueue("e1", "a")
        assert entry == Entry("e1", "a", "1+1", "me")
        assert disk.queue == (entry,)
        assert await hub.enqueue("e1", "a") == entry
        assert disk.queue == (entry,)
        await one.hear()
        assert (one.browser.read("a")["state"], one.browser.queue.to_py()) == ("queued", ["a"])
        await hub.stage.kill("hub")
        assert await hub.queue() == RecordedQueue((entry,), recovered=False)


async def test_a_queue_of_the_last_server_stays_recovered_until_it_is_replaced() -> None:
    queue = (Entry("e", "a", "1", begun=True),)
    disk = MemoryDisk(SEED, queue=queue, old_queue=True)
    async with hub_over(disk) as hub:
        for _ in range(2):
            assert await hub.queue() == RecordedQueue(queue, recovered=True)
            await hub.stage.kill("hub")
        await hub.edit(SetCell("a", {"state": "idle"}), queue=())
        assert await hub.queue() == RecordedQueue((), recovered=False)


async def test_the_summary_says_what_there_is(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        await hub.subscribe("s")
        assert await hub.summary() == DocumentSummary("/n/x.ipynb", "epoch", 2, 1, Saving("saved"), "")
