"""The shared document: what clients may and may not do to it, and what it becomes as values."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Array, Map, Text

from protocol.document import MERGE_GROUP, Document, DocumentBroken, merged
from protocol.messages.changes import ReplaceOutput, SetCell, SetKernel, SetNotebookMetadata, WriteOutputs
from protocol.seed import seed
from protocol.values import CellValue, NotebookValue
from tests.protocol.clients import Browser, Shared

pytestmark = pytest.mark.pure

STREAM: dict[str, Any] = {"output_type": "stream", "name": "stdout", "text": "hi\n"}
ERROR: dict[str, Any] = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}


def cell(cell_id: str, **more: Any) -> CellValue:
    return CellValue(id=cell_id, **{"type": "code", "top": 0, "left": 0, **more})


def document(*cells: CellValue, **more: Any) -> Document:
    return Document([seed(NotebookValue(cells=cells, **more), bytes(32))], client_id=1000)


def hear(doc: Document, browser: Browser, update: bytes) -> bytes:
    """A client's update, as the hub takes it; the server's answer reaches the client."""
    assert doc.apply(update)
    answer = doc.enforce()
    if answer:
        browser.hear(answer)
    return answer


def browser_of(doc: Document, client_id: int = 7) -> Browser:
    return Browser(client_id, doc.full_update())


# ------------------------------------------------------------------------------------------------------ reading


def test_a_cell_that_a_client_adds_is_there_with_its_source() -> None:
    doc = document(cell("a", source="1"))
    browser = browser_of(doc)
    assert hear(doc, browser, browser.add("b", "print(2)")) == b""
    assert doc.cell_ids() == ["a", "b"]
    assert doc.source("b") == "print(2)"
    assert doc.has_cell("b")
    assert doc.value().cells[1] == CellValue(
        id="b", type="code", source="print(2)", top=0, left=0, height=80, width=600
    )


def test_the_whole_update_follows_every_change() -> None:
    doc = document(cell("a"))
    browser = browser_of(doc)
    for source in ("x", "xy"):
        hear(doc, browser, browser.type("a", source[-1]))
        assert browser_of(doc, 50).read("a")["source"] == source
    doc.edit([SetCell("a", {"execution_count": 3})])
    assert browser_of(doc, 51).read("a")["execution_count"] == 3


def test_the_value_follows_every_touched_cell() -> None:
    doc = document(cell("a", source="1"), cell("b"))
    browser = browser_of(doc)
    before = doc.value()
    assert doc.value().cells[1] is before.cells[1]  # nothing was read again
    hear(doc, browser, browser.type("a", "2"))
    doc.edit([SetCell("b", {"execution_count": 4}), WriteOutputs("b", 0, (STREAM,))])
    after = doc.value()
    assert (after.cells[0].source, after.cells[1].execution_count) == ("12", 4)
    assert after.cells[1].outputs == (STREAM,)
    assert before.cells[1].outputs == ()  # what was handed out stays as it was


@pytest.mark.parametrize("garbage", [None, 1, "", "x" * 65, "cells", True, {"a": 1}], ids=repr)
def test_what_cannot_name_a_cell_is_no_cell(garbage: object) -> None:
    doc = document(cell("a"))
    browser = browser_of(doc)
    hear(doc, browser, browser.edit(lambda: browser.cells.extend([garbage, "a", "b"])))
    assert doc.cell_ids() == ["a", "b"]
    assert [each.id for each in doc.value().cells] == ["a", "b"]
    browser.hear(doc.repair())
    assert browser.cells.to_py() == ["a", "b"]


@pytest.mark.parametrize(
    ("key", "garbage"),
    [
        ("type", 5), ("type", "html"), ("top", "far"), ("top", True), ("height", [1]), ("collapsed", "yes"), ("source", 9),
        ("metadata", "none"), ("attachments", [1]), ("id", None),
    ],
)  # fmt: skip
def test_a_reader_accepts_whatever_a_client_wrote(key: str, garbage: object) -> None:
    doc = document(cell("a", source="x"))
    browser = browser_of(doc)

    def change() -> None:
        browser.cell("a")[key] = garbage

    hear(doc, browser, browser.edit(change))
    [value] = doc.value().cells
    assert value.id == "a"
    assert value.type in ("code", "markdown", "raw")
    assert isinstance(value.source, str)
    assert isinstance(value.metadata, dict)


def test_a_diff_holds_what_a_replica_lacks_and_no_more() -> None:
    doc = document(cell("a", source="x" * 1000))
    browser = browser_of(doc)
    doc.edit([SetKernel({"busy": True})])
    diff = doc.diff(browser.doc.get_state())
    assert len(diff) < 100
    browser.hear(diff)
    assert browser.kernel["busy"] is True
    assert doc.diff(b"") == doc.diff(b"\x00") == doc.full_update()


@pytest.mark.parametrize(
    "state", [b"\xff", b"\x05", b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"], ids=bytes.hex
)
def test_a_malformed_state_vector_is_a_value_error(state: bytes) -> None:
    doc = document(cell("a"))
    with pytest.raises(ValueError, match="state vector"):
        doc.diff(state)
    assert doc.cell_ids() == ["a"]


def test_the_kernel_spec_comes_from_the_metadata_or_is_empty() -> None:
    assert document(metadata={"kernelspec": {"name": "julia"}}).kernel_spec() == "julia"
    for metadata in ({}, {"kernelspec": 5}, {"kernelspec": {"name": 5}}):
        assert document(metadata=metadata).kernel_spec() == ""


# ---------------------------------------------------------------------------------------------- the server's keys


def test_the_servers_edits_reach_a_client() -> None:
    doc = document(cell("a"))
    browser = browser_of(doc)
    browser.hear(
        doc.edit(
            [
                SetCell("a", {"state": "running", "execution_count": 3, "top": 40}),
                WriteOutputs("a", 0, (STREAM, ERROR)),
                SetKernel({"busy": True, "status": "busy"}),
                SetNotebookMetadata({"language_info": {"name": "python"}}),
            ],
            ["a"],
        )
    )
    browser.hear(doc.set_path("/x.ipynb"))
    read = browser.read("a")
    assert (read["state"], read["execution_count"], read["outputs"], read["top"]) == (
        "running",
        3,
        [STREAM, ERROR],
        40,
    )
    assert browser.queue.to_py() == ["a"]
    assert browser.kernel.to_py() == {"busy": True, "status": "busy"}
    assert str(browser.path) == "/x.ipynb"
    assert doc.value().metadata == {"language_info": {"name": "python"}}


def test_an_edit_that_changes_nothing_makes_no_update() -> None:
    doc = document(cell("a"))
    changes = [SetCell("a", {"state": "queued"}), SetKernel({"busy": False}), WriteOutputs("a", 0, (STREAM,))]
    assert doc.edit(changes, ["a"])
    assert doc.edit(changes[:2], ["a"]) == b""
    assert doc.edit([WriteOutputs("a", 1, ()), SetCell("nobody", {"state": "idle"})], ["a"]) == b""
    assert doc.set_path("/x")
    assert doc.set_path("/x") == b""


def test_outputs_are_replaced_from_a_place_on_and_one_by_one() -> None:
    doc = document(cell("a"))
    browser = browser_of(doc)
    lines = [{**STREAM, "text": str(n)} for n in range(4)]
    browser.hear(doc.edit([WriteOutputs("a", 0, tuple(lines))]))
    browser.hear(doc.edit([WriteOutputs("a", 3, (ERROR,))]))
    browser.hear(doc.edit([WriteOutputs("a", 99, (STREAM,))]))
    browser.hear(doc.edit([ReplaceOutput("a", 1, {"text/plain": "new"}, {})]))
    browser.hear(doc.edit([ReplaceOutput("a", 9, {"text/plain": "new"}, {})]) or doc.full_update())
    expected = [lines[0], {**lines[1], "data": {"text/plain": "new"}, "metadata": {}}, lines[2], ERROR, STREAM]
    assert browser.read("a")["outputs"] == expected == list(doc.value().cells[0].outputs)


@pytest.mark.parametrize(
    ("key", "value"), [("state", "running"), ("execution_count", 99), ("outputs", []), ("outputs", "gone")]
)
def test_a_clients_write_to_a_server_key_is_reverted(key: str, value: object) -> None:
    doc = document(cell("a"))
    doc.edit([SetCell("a", {"state": "queued", "execution_count": 3}), WriteOutputs("a", 0, (STREAM,))])
    browser = browser_of(doc)

    def change() -> None:
        browser.cell("a")[key] = value

    assert hear(doc, browser, browser.edit(change))
    read = browser.read("a")
    assert (read["state"], read["execution_count"], read["outputs"]) == ("queued", 3, [STREAM])
    assert doc.enforce() == b""


def test_outputs_changed_in_their_midst_and_deleted_keys_are_put_back() -> None:
    doc = document(cell("a"))
    doc.edit([WriteOutputs("a", 0, (STREAM,))])
    browser = browser_of(doc)
    hear(doc, browser, browser.edit(lambda: browser.cell("a")["outputs"].append({"fake": True})))
    assert browser.read("a")["outputs"] == [STREAM]
    hear(doc, browser, browser.edit(lambda: browser.cell("a").pop("outputs")))
    hear(doc, browser, browser.edit(lambda: browser.cell("a").pop("state")))
    assert browser.read("a")["outputs"] == [STREAM]
    assert browser.read("a")["state"] == "idle"
    assert doc.value().cells[0].outputs == (STREAM,)


def test_the_servers_roots_are_put_back() -> None:
    doc = document(cell("a"), cell("b"))
    doc.edit([SetKernel({"busy": True})], ["a"])
    doc.set_path("/x")
    browser = browser_of(doc)

    def change() -> None:
        browser.queue.append("b")
        browser.kernel["busy"] = False
        browser.kernel["mine"] = 1
        browser.path.insert(0, "evil")

    hear(doc, browser, browser.edit(change))
    assert (browser.queue.to_py(), browser.kernel.to_py(), str(browser.path)) == (["a"], {"busy": True}, "/x")


def _set(shared: Shared, key: str, value: object) -> None:
    shared[key] = value


SNEAKY: dict[str, Callable[[Browser], object]] = {
    "a shared type in an output's place, that reads the same": lambda browser: (
        browser.cell("a")["outputs"].pop(0),
        browser.cell("a")["outputs"].insert(0, Map(STREAM)),
    ),
    "a shared type behind the outputs": lambda browser: browser.cell("a")["outputs"].append(
        Map({"x": Array([1])})
    ),
    "true for 1": lambda browser: _set(browser.cell("a"), "execution_count", True),
    "a Text for a word": lambda browser: _set(browser.cell("a"), "state", Text("queued")),
    "a Map for the outputs": lambda browser: _set(browser.cell("a"), "outputs", Map({"0": 1})),
    "a Text in the queue, that reads the same": lambda browser: (
        browser.queue.pop(0),
        browser.queue.insert(0, Text("a")),
    ),
    "a nested list in the queue": lambda browser: browser.queue.append(Array(["b"])),
    "1 for true": lambda browser: _set(browser.kernel, "busy", 1),
    "a Map in the kernel": lambda browser: _set(browser.kernel, "name", Map({"x": Text("y")})),
    "a deleted key of the kernel": lambda browser: browser.kernel.pop("busy"),
    "bold letters in the path": lambda browser: browser.path.format(0, 1, {"bold": True}),
    "a picture in the path": lambda browser: browser.path.insert_embed(1, {"image": "x"}),
    "no path": lambda browser: browser.path.clear(),
}


@pytest.mark.parametrize("how", SNEAKY)
def test_whatever_clients_write_to_what_the_server_owns_is_reverted(how: str) -> None:
    """D-3, nested writes and values that only look the same included."""
    doc = document(cell("a"), cell("b"))
    doc.edit(
        [
            SetKernel({"busy": True}),
            SetCell("a", {"state": "queued", "execution_count": 1}),
            WriteOutputs("a", 0, (STREAM,)),
        ],
        ["a"],
    )
    doc.set_path("/x/y")
    browser = browser_of(doc)
    before = exactly(browser)
    hear(doc, browser, browser.edit(lambda: SNEAKY[how](browser)))
    assert exactly(browser) == before
    assert doc.enforce() == b""


def exactly(browser: Browser) -> str:
    """What the server owns, with the types of everything."""
    cell = browser.cell("a")
    outputs = [sorted(each.items()) if isinstance(each, dict) else each for each in cell["outputs"]]
    owned = [cell["state"], cell["execution_count"], outputs, list(browser.queue)]
    return repr([*owned, sorted(browser.kernel.items()), browser.path.diff()])


def test_a_new_cell_starts_idle_and_empty_whatever_its_maker_says_in_whatever_order() -> None:
    doc = document()
    browser = browser_of(doc)
    hear(doc, browser, browser.add("a", state="running", execution_count=5, outputs=[STREAM]))
    assert [doc.value().cells[0].outputs, browser.read("a")["state"]] == [(), "idle"]

    def map_first() -> None:
        browser.cell("b")["state"] = "running"

    update = browser.edit(map_first)
    doc.apply(update)
    assert doc.enforce() == b""  # nobody knows yet that this is a cell
    hear(doc, browser, browser.edit(lambda: browser.cells.append("b")))
    assert browser.read("b")["state"] == "idle"
    assert "b" not in doc.busy_cells()


def test_what_clients_may_write_is_left_alone() -> None:
    doc = document(cell("a", source="x"))
    browser = browser_of(doc)

    def change() -> None:
        browser.cell("a")["top"] = 200
        browser.cell("a")["collapsed"] = "b"
        browser.np["a"] = ["a"]
        browser.notebook["aligned"] = True

    assert hear(doc, browser, browser.edit(change)) == b""
    assert hear(doc, browser, browser.type("a", "y")) == b""


def test_a_deleted_cell_comes_back_whole_by_undo_and_is_cleared_when_nobody_can() -> None:
    doc = document(cell("a", source="keep me"), cell("b"))
    doc.edit([SetCell("a", {"execution_count": 8})])
    browser = browser_of(doc)
    hear(doc, browser, browser.edit(lambda: browser.cells.pop(0)))
    assert [each.id for each in doc.value().cells] == ["b"]
    hear(doc, browser, browser.edit(lambda: browser.cells.append("a")))
    back = doc.value().cells[1]
    assert (back.source, back.execution_count) == ("keep me", 8)
    hear(doc, browser, browser.edit(lambda: browser.cells.pop(1)))
    browser.hear(doc.clear_deleted())
    assert browser.read("a") == {}
    assert browser.read("b") != {}
    assert doc.clear_deleted() == b""


def test_a_document_remade_from_its_updates_is_the_same_and_trusts_them() -> None:
    doc = document(cell("a"), cell("b"))
    updates = [doc.full_update()]
    browser = browser_of(doc)
    updates.append(doc.edit([SetCell("a", {"state": "running"}), WriteOutputs("a", 0, (STREAM,))], ["a"]))
    typed = browser.type("b", "typed")
    updates.append(typed)
    doc.apply(typed)
    again = Document(updates, client_id=2000)
    assert again.value() == doc.value()
    assert again.busy_cells() == ("a",)
    assert again.enforce() == b""
    assert again.edit([], ["a"]) == b""


# ------------------------------------------------------------------------------------------------------- repair


def test_broken_graphs_and_duplicates_are_repaired_for_everyone() -> None:
    doc = document(cell("a"), cell("b"), cell("c"))
    browser = browser_of(doc)

    def change() -> None:
        browser.cells.extend(["b", "a"])
        browser.pc["a"] = ["b"]
        browser.pc["b"] = ["a", "ghost"]
        browser.pc["c"] = "text"
        browser.np["ghost"] = ["a"]
        browser.np["a"] = ["b", "ghost", 5]

    hear(doc, browser, browser.edit(change))
    browser.hear(doc.repair())
    assert browser.cells.to_py() == ["a", "b", "c"]
    assert browser.np.to_py() == {"a": ["b"]}
    assert browser.pc.to_py() == {"a": ["b"], "b": []}
    assert doc.repair() == b""
    value = doc.value()
    assert (value.np_graph, value.pc_graph) == ({"a": ("b",)}, {"a": ("b",), "b": ()})


def test_a_cell_without_a_position_gets_one_and_the_layout_is_said_to_be_done() -> None:
    doc = Document([], client_id=1000)
    browser = browser_of(doc)
    hear(doc, browser, browser.add("a", top=None, left=None))
    hear(doc, browser, browser.add("b", top=100, left=None))
    browser.hear(doc.repair())
    assert isinstance(browser.read("a")["top"], int | float)
    assert isinstance(browser.read("b")["left"], int | float)
    assert browser.notebook["aligned"] is True
    assert doc.repair() == b""


# ------------------------------------------------------------------------------------------------- broken updates


@pytest.mark.parametrize("update", [b"", b"\xff", b"\x01\x01\x01\x00", bytes(50)[:1] + b"\x09"], ids=bytes.hex)
def test_what_cannot_be_applied_breaks_the_document_and_nothing_else(update: bytes) -> None:
    doc = document(cell("a"))
    with pytest.raises(DocumentBroken):
        doc.apply(update)
    with pytest.raises(DocumentBroken):
        Document([update], client_id=1)


def test_merging_keeps_the_content_in_a_fraction_of_the_pieces() -> None:
    browser = Browser(7)
    updates = [browser.add("a")] + [browser.type("a", str(n)) for n in range(3 * MERGE_GROUP)]
    pieces = merged(updates)
    assert len(pieces) == 4
    assert Document(pieces, 1).source("a") == Document(updates, 1).source("a") == browser.read("a")["source"]
    assert merged([]) == []


@pytest.mark.parametrize("seed_", range(6))
def test_replicas_converge_whatever_clients_and_the_server_write_at_once(seed_: int) -> None:
    print("seed", seed_)
    rng = random.Random(seed_)
    doc = document(cell("a"), cell("b"), cell("c"))
    browsers = [browser_of(doc, client_id) for client_id in (7, 8, 9)]
    inboxes: list[list[bytes]] = [[], [], []]

    def tell(update: bytes, but: int = -1) -> None:
        for number, inbox in enumerate(inboxes):
            if update and number != but:
                inbox.append(update)

    def change(browser: Browser) -> bytes:
        ids = [each for each in dict.fromkeys(browser.cells.to_py()) if each]
        target = rng.choice(ids)
        match rng.randrange(6):
            case 0:
                return browser.add(f"n{rng.randrange(10**6)}", "x")
            case 1:
                return browser.type(target, rng.choice("xyz😀"))
            case 2:
                return browser.edit(
                    lambda: browser.cell(target).update({"state": "running", "top": rng.randrange(99)})
                )
            case 3:
                return browser.edit(lambda: browser.pc.update({target: [rng.choice(ids), rng.choice(ids)]}))
            case 4:
                return browser.edit(lambda: browser.queue.append(target))
            case _:
                return browser.edit(lambda: browser.cells.append(target))

    for _ in range(150):
        number = rng.randrange(3)
        match rng.randrange(4):
            case 0:
                update = change(browsers[number])
                doc.apply(update)
                tell(update, but=number)
                tell(doc.enforce())
            case 1 if inboxes[number]:
                browsers[number].hear(inboxes[number].pop(0))
            case 2:
                target = rng.choice(doc.cell_ids())
                tell(
                    doc.edit([SetCell(target, {"state": "queued"}), WriteOutputs(target, 0, (STREAM,))], [target])
                )
            case 3:
                tell(doc.repair())
    tell(doc.repair())
    for browser, inbox in zip(browsers, inboxes, strict=True):
        for update in inbox:
            browser.hear(update)
    contents = [browser.content() for browser in browsers]
    assert contents[0] == contents[1] == contents[2]
    server = Browser(99, doc.full_update()).content()
    assert server == contents[0]
    assert doc.value() == Document([doc.full_update()], 5).value()
    states = {each["state"] for key, each in server.items() if key.startswith("cell ")}
    assert states <= {"idle", "queued"}
