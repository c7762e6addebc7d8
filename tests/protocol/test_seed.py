"""The seed: the same file always gives the same document, byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from protocol.document import Document
from protocol.guard import Guard
from protocol.seed import arrange, client_id, seed
from protocol.values import MAX_DEPTH, CellValue, JsonObject, NotebookValue
from tests.protocol.clients import Browser

pytestmark = pytest.mark.pure
ROOT = Path(__file__).resolve().parents[2]
DIGEST = bytes(range(32))

PROGRAM = """
import sys
from protocol.notebook_file import load
from protocol.seed import arrange, seed
from hashlib import sha256
data = sys.stdin.buffer.read()
sys.stdout.write(seed(arrange(load(data)), sha256(data).digest()).hex())
"""


def seed_elsewhere(data: bytes, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], input=data, env=environment, capture_output=True, check=True
    ).stdout.decode()


def test_two_processes_give_the_same_bytes_for_the_same_file() -> None:
    data = (ROOT / "examples" / "tour.ipynb").read_bytes()
    first, second = (seed_elsewhere(data, hash_seed) for hash_seed in ("1", "4242"))
    assert first == second
    assert len(first) > 1000
    assert seed_elsewhere(data + b"\n", "1") != first


def nested(depth: int) -> JsonObject:
    value: JsonObject = {"x": 1}
    for _ in range(depth - 1):
        value = {"x": value}
    return value


FULL = NotebookValue(
    cells=(
        CellValue(id="empty", type="code"),
        CellValue(
            id="full", type="code", source="x = 'é 😀 \u2028'\n\ty\r\n\0", execution_count=7,
            outputs=(
                {"output_type": "stream", "name": "stdout", "text": "größer\n"},
                {"output_type": "display_data", "data": {"text/html": ["<b>"], "application/json": {"a": [1, 2.5]}},
                 "metadata": {}},
            ),
            top=20, left=-40, height=100.5, width=2**31, collapsed="o",
            metadata={"tags": ["a"], "gm": {"locked": True}, "deep": nested(MAX_DEPTH - 1)},
        ),
        CellValue(id="words", type="markdown", source="# 漢字", attachments={"a.png": {"image/png": "AA=="}}),
        CellValue(id="raw", type="raw", top=0, left=0),
    ),
    np_graph={"full": ("words", "raw"), "empty": ()},
    pc_graph={"words": ("empty",), "raw": ()},
    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}, "big": 2**53, "é": None},
)  # fmt: skip


@pytest.mark.parametrize("notebook", [NotebookValue(), FULL], ids=["empty", "full"])
def test_a_document_made_of_the_seed_has_the_notebooks_value(notebook: NotebookValue) -> None:
    document = Document([seed(notebook, DIGEST)], client_id=5)
    assert document.value() == notebook
    assert Document([seed(arrange(notebook), DIGEST)], client_id=5).repair() == b""


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(text, plain, max_size=3)
numbers = st.none() | st.integers(-(2**40), 2**40)


@st.composite
def notebooks(draw: st.DrawFn) -> NotebookValue:
    ids = draw(st.lists(st.from_regex(r"[a-z]{3,6}", fullmatch=True), unique=True, max_size=5))
    cells = tuple(
        CellValue(
            id=cell_id,
            type=draw(st.sampled_from(("code", "markdown", "raw"))),
            source=draw(text),
            execution_count=draw(st.none() | st.integers(0, 2**31)),
            outputs=tuple(draw(st.lists(objects, max_size=3))),
            top=draw(numbers), left=draw(numbers), height=draw(numbers), width=draw(numbers),
            collapsed=draw(st.sampled_from((None, "i", "o", "b"))),
            metadata=draw(objects),
            attachments=draw(st.none() | objects),
        )
        for cell_id in ids
    )  # fmt: skip
    return NotebookValue(cells=cells, np_graph=dict.fromkeys(ids, ()), metadata=draw(objects))


@settings(max_examples=80, deadline=None)
@given(notebooks())
def test_any_notebook_survives_the_way_through_the_document(notebook: NotebookValue) -> None:
    value = Document([seed(notebook, DIGEST)], client_id=5).value()
    assert value == notebook


def test_numbers_beyond_64_bits_and_broken_surrogates_become_what_can_be_shared() -> None:
    cell = CellValue(
        id="a", type="code", source="\ud83d\ude00 \ud800", metadata={"n": 2**63, "m": -(2**64), "f": float("nan")}
    )
    [value] = Document([seed(NotebookValue(cells=(cell,)), DIGEST)], client_id=5).value().cells
    assert value.source == "😀 \ufffd"
    assert value.metadata == {"n": float(2**63), "m": float(-(2**64)), "f": None}


def test_64_bit_integers_are_exact() -> None:
    numbers = {"a": 2**53 + 1, "b": 2**63 - 1, "c": -(2**63), "d": -(2**31), "e": 2**31}
    value = Document([seed(NotebookValue(metadata={"n": numbers}), DIGEST)], client_id=5).value()
    assert value.metadata == {"n": numbers}


def test_the_guard_takes_a_seed_from_a_client() -> None:
    """A browser that held the document before the journal was lost brings it back."""
    cells = (CellValue(id="a", type="code", source="x", outputs=({"output_type": "stream", "text": "y"},)),)
    update = seed(NotebookValue(cells=cells), DIGEST)
    verdict = Guard().check(update)
    assert type(verdict).__name__ == "Accepted", verdict


def test_merging_the_seed_of_the_same_file_again_changes_nothing() -> None:
    update = seed(FULL, DIGEST)
    browser = Browser(9, update)
    typed = browser.type("full", " more")
    document = Document([update, typed], client_id=5)
    before = document.value()
    assert not document.apply(seed(FULL, DIGEST))
    assert document.value() == before
    assert [cell.id for cell in before.cells] == ["empty", "full", "words", "raw"]


def test_a_stock_client_reads_the_types_of_the_contract() -> None:
    doc = Doc()
    doc.apply_update(seed(FULL, DIGEST))
    cell = doc.get("full", type=Map)
    assert isinstance(cell["source"], Text)
    assert isinstance(cell["outputs"], Array)
    assert isinstance(doc.get("np_graph", type=Map)["full"], Array)
    assert doc.get("cells", type=Array).to_py() == ["empty", "full", "words", "raw"]
    assert doc.get("notebook", type=Map)["aligned"] is True


@pytest.mark.parametrize("digest", [bytes(4), b"\x00\x00\x00\x01", b"\xff" * 4], ids=bytes.hex)
def test_the_client_id_is_never_zero_and_has_32_bits(digest: bytes) -> None:
    assert 0 < client_id(digest) < 2**32


def test_a_file_of_another_program_gets_graphs_from_its_headings_and_a_place_for_every_cell() -> None:
    cells = (
        CellValue(id="head", type="markdown", source="# One"),
        CellValue(id="a", type="code"),
        CellValue(id="two", type="markdown", source="# Two"),
    )
    arranged = arrange(NotebookValue(cells=cells, drawn=False))
    assert arranged.pc_graph == {"head": ("a",), "two": ()}
    assert arranged.np_graph == {"head": ("two",)}
    assert all(cell.top is not None and cell.left is not None for cell in arranged.cells)
    assert arrange(arranged) == arranged
