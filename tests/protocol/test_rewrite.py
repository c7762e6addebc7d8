"""A document that becomes another notebook, by edits that leave alone what stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, StickyIndex, Text

from protocol.document import Document
from protocol.rewrite import write_ids, write_text
from protocol.seed import arrange, seed
from protocol.values import CellValue, NotebookValue
from tests.protocol.clients import Browser
from tests.protocol.notebooks import LINES, PATIENT, three

pytestmark = pytest.mark.pure

OUTPUT: dict[str, Any] = {"output_type": "stream", "name": "stdout", "text": "1\n"}


def code(cell_id: str, source: str = "", **more: Any) -> CellValue:
    return CellValue(id=cell_id, **{"type": "code", "source": source, "top": 0, "left": 0, **more})


def document(notebook: NotebookValue) -> Document:
    return Document([seed(notebook, bytes(32))], client_id=1000)


@PATIENT
@given(three())
def test_the_document_says_what_it_became_and_so_does_every_replica(sides: Any) -> None:
    one, other, _ = map(arrange, sides)
    doc = document(one)
    browser = Browser(7, doc.full_update())
    update = doc.become(other, ())
    assert doc.value() == other
    assert (update == b"") == (one == other)
    if update:
        browser.hear(update)
    assert Document([browser.doc.get_update()], 5).value() == other
    assert doc.become(other, ()) == b""


@PATIENT
@given(
    st.lists(LINES, max_size=8).map("\n".join), st.text(max_size=30) | st.lists(LINES, max_size=8).map("\n".join)
)
def test_text_becomes_other_text(old: str, new: str) -> None:
    doc: Doc[Any] = Doc()
    text = doc.get("t", type=Text)
    text += old
    write_text(text, new)
    assert str(text) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("é\U0001f600a", "é\U0001f600b"),
        ("\U0001f600\U0001f600", "\U0001f600"),
        ("aé\n", "aé"),
        ("é\nx", "é\né\nx"),
    ],
)
def test_text_beyond_ascii_is_changed_where_it_differs(old: str, new: str) -> None:
    doc: Doc[Any] = Doc()
    text = doc.get("t", type=Text)
    text += old
    write_text(text, new)
    assert str(text) == new


@PATIENT
@given(st.lists(st.sampled_from("abcde"), max_size=6), st.lists(st.sampled_from("abcde"), max_size=5, unique=True))
def test_ids_become_other_ids(old: list[str], new: list[str]) -> None:
    doc: Doc[Any] = Doc()
    array = doc.get("a", type=Array)
    array.extend([*old, 5.0, {"x": 1.0}])
    write_ids(array, new)
    assert [each for each in dict.fromkeys(map(str, array.to_py() or [])) if len(each) == 1] == new


def test_a_changed_source_keeps_its_text_and_the_cursors_in_it() -> None:
    """M-6."""
    doc = document(NotebookValue(cells=(code("a", "one\ntwo e\nthree"), code("b", "b"))))
    browser = Browser(7, doc.full_update())
    text = browser.cell("a")["source"]
    cursor = StickyIndex.new(text, len(b"one\ntwo e\nth"), 0)
    before = cursor.get_index()
    update = doc.become(NotebookValue(cells=(code("a", "zero\none\ntwo f\nthree"), code("b", "b"))), ())
    browser.hear(update)
    assert browser.cell("a")["source"] is not None
    assert str(text) == "zero\none\ntwo f\nthree"
    assert cursor.get_index() == before + len("zero\n")
    assert len(update) < 120


def test_what_somebody_types_meanwhile_stays() -> None:
    doc = document(NotebookValue(cells=(code("a", "one\ntwo"),)))
    browser = Browser(7, doc.full_update())
    typed = browser.type("a", "!")
    update = doc.become(NotebookValue(cells=(code("a", "ONE\ntwo"),)), ())
    browser.hear(update)
    doc.apply(typed)
    assert doc.source("a") == browser.read("a")["source"] == "ONE\ntwo!"


def test_a_cell_that_comes_back_is_whole_and_stays_the_servers() -> None:
    whole = NotebookValue(cells=(code("a", "1", outputs=(OUTPUT,), execution_count=3), code("b")))
    doc = document(whole)
    browser = Browser(7, doc.full_update())
    doc.apply(browser.edit(lambda: browser.cells.pop(0)))
    doc.enforce()
    assert [each.id for each in doc.value().cells] == ["b"]
    browser.hear(doc.become(whole, ()))
    assert doc.value() == whole
    doc.apply(browser.edit(lambda: browser.cell("a").__setitem__("execution_count", 99)))
    assert doc.enforce()
    assert doc.value() == whole


def test_a_new_cell_is_whole_and_its_outputs_are_the_servers() -> None:
    doc = document(NotebookValue(cells=(code("b"),)))
    browser = Browser(7, doc.full_update())
    wanted = NotebookValue(cells=(code("n", "x", outputs=(OUTPUT,), metadata={"k": [1]}), code("b")))
    browser.hear(doc.become(wanted, ()))
    assert doc.enforce() == b""
    assert doc.value() == wanted
    assert browser.read("n")["state"] == "idle"
    assert browser.read("n")["source"] == "x"


def test_a_running_cell_keeps_its_outputs() -> None:
    """M-6."""
    doc = document(NotebookValue(cells=(code("a", "1", outputs=(OUTPUT,)),)))
    doc.become(NotebookValue(cells=(code("a", "2"),)), ("a",))
    [cell] = doc.value().cells
    assert (cell.source, cell.outputs) == ("2", (OUTPUT,))
