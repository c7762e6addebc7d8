"""SPEC.md, section B: values kept beside the document, and put back to the letter."""

from __future__ import annotations

import base64
import random
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.blobs import (
    MIME,
    Blob,
    carve,
    carve_notebook,
    carve_output,
    named_in,
    references,
    weight,
    whole_output,
)
from protocol.document import Document
from protocol.file_pieces import NoValue, Pieces
from protocol.notebook_file import dump, load
from protocol.output_form import document_output
from protocol.packed_text import _STEP, FORMS, pack, unpack
from protocol.seed import arrange, seed
from protocol.values import CellValue, JsonObject, NotebookValue

LIMIT = 100
PNG = base64.b64encode(random.Random(1).randbytes(300)).decode()

alphabet = st.sampled_from('ab \n\r\u2028é"\\😀=')
strings = st.text(alphabet, max_size=60)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | strings,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet, max_size=9), inner, max_size=4),
    max_leaves=12,
)
texts = strings | st.builds(lambda text, count: text * count, strings, st.integers(0, 30))
packed = st.builds(
    lambda seed, size, form: form(random.Random(seed).randbytes(size)),
    st.integers(0, 99),
    st.integers(0, 400),
    st.sampled_from(
        [
            lambda data: base64.b64encode(data).decode(),
            lambda data: base64.b64encode(data).decode() + "\n",
            lambda data: base64.encodebytes(data).decode(),
            lambda data: base64.b64encode(data).decode().rstrip("="),
            lambda data: "\n" + base64.b64encode(data).decode(),
        ]
    ),
)
bundles = st.dictionaries(
    st.sampled_from(
        [
            "text/plain",
            "text/html",
            "text/markdown",
            "text/latex",
            "image/png",
            "image/svg+xml",
            "application/json",
            "application/pdf",
            "application/vnd.x+json",
            "application/javascript",
        ]
    ),
    texts | packed | json_values,
    max_size=5,
)
outputs = st.builds(
    lambda bundle, kind: document_output({"output_type": kind, "data": bundle, "metadata": {}}),
    bundles,
    st.sampled_from(["display_data", "execute_result"]),
)


def kept(output: JsonObject, limit: int = LIMIT) -> tuple[JsonObject, dict[str, Blob]]:
    held: dict[str, Blob] = {}
    slim = carve_output(output, limit, lambda blob: held.setdefault(blob.name, blob) and None)
    return slim, held


def shown(**bundle: Any) -> JsonObject:
    data = {key.replace("__", "+").replace("_", "/"): value for key, value in bundle.items()}
    return document_output({"output_type": "display_data", "data": data, "metadata": {}})


@given(outputs)
def test_a_value_is_put_back_to_the_letter(output: JsonObject) -> None:
    slim, held = kept(output)
    assert whole_output(slim, lambda name: held[name].data) == output
    assert document_output(slim) == slim  # it is an output like any other
    assert kept(slim) == (slim, {})


@given(outputs)
def test_a_blob_is_named_by_its_bytes_and_a_reference_says_how_many(output: JsonObject) -> None:
    slim, held = kept(output)
    for blob in held.values():
        assert blob.name == sha256(blob.data).hexdigest()
    data: Any = slim["data"]
    assert {each.sha256: each.size for each in references(data).values()} == {
        blob.name: len(blob.data) for blob in held.values()
    }


@given(st.lists(outputs, max_size=4))
def test_the_pieces_of_a_file_are_the_file_with_the_values_in_it(found: list[JsonObject]) -> None:
    whole = NotebookValue(cells=(CellValue(id="a", type="code", outputs=tuple(found)),))
    held: dict[str, bytes] = {}
    slim = carve_notebook(whole, LIMIT, lambda blob: held.update({blob.name: blob.data}))
    assert b"".join(Pieces(slim, dump(slim)).read(held.get)) == dump(whole)


@given(st.lists(outputs, max_size=3), st.randoms(use_true_random=False))
def test_what_is_missing_stays_a_reference_in_the_file_and_is_found_again(
    found: list[JsonObject], rng: random.Random
) -> None:
    whole = load(dump(NotebookValue(cells=(CellValue(id="a", type="code", outputs=tuple(found)),))))
    held: dict[str, bytes] = {}
    slim = carve_notebook(whole, LIMIT, lambda blob: held.update({blob.name: blob.data}))
    gone = {name for name in held if rng.random() < 0.5}
    data = b"".join(Pieces(slim, dump(slim), gone).read(held.get))
    assert carve_notebook(load(data), LIMIT, lambda blob: None) == slim


def test_a_missing_value_is_named_while_the_pieces_are_read() -> None:
    slim, held = kept(shown(image_png=PNG))
    (name,) = held
    pieces = Pieces(
        notebook := NotebookValue(cells=(CellValue(id="a", type="code", outputs=(slim,)),)), dump(notebook)
    )
    with pytest.raises(NoValue, match=name):
        list(pieces.read(lambda _: None))


def test_an_image_is_kept_as_its_bytes_and_leaves_a_line_for_clients_that_know_no_references() -> None:
    slim, held = kept(shown(image_png=PNG + "\n"))
    raw = base64.b64decode(PNG)
    name = sha256(raw).hexdigest()
    assert held == {name: Blob(name, "image/png", raw)}
    assert slim["data"] == {
        "text/plain": "[image/png of 300 bytes]",
        MIME: {"image/png": {"sha256": name, "size": 300, "base64": "line"}, "text/plain": None},
    }
    assert weight(slim["data"]) == 300


def test_text_of_the_same_bundle_stays_and_a_large_text_leaves_its_two_ends() -> None:
    slim: Any = kept(shown(image_png=PNG, text_plain="<Figure>"))[0]
    assert slim["data"]["text/plain"] == "<Figure>"
    assert slim["data"][MIME].keys() == {"image/png"}
    slim = kept(shown(text_plain="a" * 10_000))[0]
    assert slim["data"]["text/plain"].startswith("aaa")
    assert "left out" in slim["data"]["text/plain"]
    assert len(slim["data"]["text/plain"]) < 3000


@pytest.mark.parametrize("size", [300, _STEP - 1, _STEP, _STEP + 1, 2 * _STEP + 2])
@pytest.mark.parametrize("form", FORMS)
def test_base64_is_taken_apart_and_made_again_in_steps_to_the_letter(size: int, form: str) -> None:
    data = random.Random(size).randbytes(size)
    text = {
        "plain": base64.b64encode,
        "line": lambda it: base64.b64encode(it) + b"\n",
        "lines": base64.encodebytes,
    }
    assert pack(data, form) == text[form](data)
    assert unpack(text[form](data)) == (data, form)


@pytest.mark.parametrize(
    "text", [b"QQ", b"QQ=", b"QQ==QQ==", b"QR==", b"QQ==\n\n", b"\nQQ==", b"Q Q=", b"Q-_=", b"QQ==QQQQ", b"=QQQ"]
)
def test_what_is_not_made_again_to_the_letter_is_no_base64(text: bytes) -> None:
    assert unpack(text) is None


def test_what_only_looks_like_references_is_somebody_elses_value() -> None:
    for odd in ([], "x", {}, {"image/png": {"sha256": "../../etc/passwd", "size": 1}}, {"image/png": None}):
        bundle: JsonObject = {MIME: odd, "image/png": PNG}  # type: ignore[dict-item]
        assert carve(bundle, LIMIT) == (bundle, ())
        assert references(bundle) == {}


def test_a_reference_read_from_the_document_is_the_same_reference() -> None:
    slim, held = kept(shown(image_png=PNG))
    notebook = arrange(NotebookValue(cells=(CellValue(id="a", type="code", outputs=(slim,)),)))
    document = Document((seed(notebook, bytes(32)),), 7)
    assert named_in(document.value()) == list(held)
