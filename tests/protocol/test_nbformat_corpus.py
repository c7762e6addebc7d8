"""nbformat's own test data: format 2 to 4.5, notebooks from the future, invalid and broken ones."""

import json
from copy import deepcopy
from typing import Any

import nbformat
import pytest

from protocol.notebook_file import NotebookFileError, dump, load

pytest_plugins = ["tests.corpus"]

# Everything else in the corpus opens.
REFUSED = {
    "test3_no_worksheets.ipynb": "is of format 3, but part of it is missing",
    "test3_worksheet_with_no_cells.ipynb": "is of format 3, but part of it is missing",
    "test4plus.ipynb": "is of format 4.99 and holds something that the format 4.5 does not know",
}

# A heading cell has no place in format 4, where it is met all the same: it becomes "## Printed Using Python".
HEADING = ["('cell_type',): 'heading'", "('level',): 2", "('source',): 'Printed Using Python'"]


@pytest.fixture(scope="module")
def opened(nbformat_corpus: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in nbformat_corpus.items() if name not in REFUSED}


def test_the_corpus_is_there_with_its_old_and_broken_notebooks(nbformat_corpus: dict[str, bytes]) -> None:
    assert len(nbformat_corpus) >= 20
    assert {"test2.ipynb", "test3.ipynb", "test4.5.ipynb", "invalid.ipynb", *REFUSED} <= set(nbformat_corpus)


def test_the_broken_ones_are_refused_in_a_sentence(nbformat_corpus: dict[str, bytes]) -> None:
    for name, words in REFUSED.items():
        with pytest.raises(NotebookFileError) as refusal:
            load(nbformat_corpus[name])
        assert words in str(refusal.value), name
        assert str(refusal.value).endswith("."), name


def test_every_other_one_opens_and_is_saved_as_valid_nbformat_4_5(
    opened: dict[str, bytes], subtests: pytest.Subtests
) -> None:
    for name, data in opened.items():
        with subtests.test(notebook=name):
            content = json.loads(dump(load(data)))
            nbformat.validate(deepcopy(content))
            assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)


def test_what_is_saved_reopens_to_the_same_value_and_saves_to_the_same_bytes(
    opened: dict[str, bytes], subtests: pytest.Subtests
) -> None:
    for name, data in opened.items():
        with subtests.test(notebook=name):
            value = load(data)
            saved = dump(value)
            assert load(data) == value
            assert load(saved) == value
            assert dump(load(saved)) == saved


def test_what_is_saved_is_in_nbformats_own_formatting(opened: dict[str, bytes], subtests: pytest.Subtests) -> None:
    for name, data in opened.items():
        with subtests.test(notebook=name):
            saved = dump(load(data)).decode()
            assert nbformat.writes(nbformat.reads(saved, as_version=4)) + "\n" == saved


def test_a_valid_4_5_notebook_saves_byte_identically(nbformat_corpus: dict[str, bytes]) -> None:
    data = nbformat_corpus["test4.5.ipynb"]
    assert dump(load(data)) == data


def test_everything_in_a_notebook_of_format_4_is_kept(opened: dict[str, bytes], subtests: pytest.Subtests) -> None:
    for name, data in opened.items():
        before = json.loads(data)
        if before["nbformat"] != 4:
            continue
        with subtests.test(notebook=name):
            after = json.loads(dump(load(data)))
            missing = [text for text in leaves(normal(before)) if text not in leaves(normal(after))]
            assert missing == (HEADING if name == "invalid.ipynb" else [])


def test_notebooks_of_formats_2_and_3_read_as_nbformat_reads_them(
    opened: dict[str, bytes], subtests: pytest.Subtests
) -> None:
    for name, data in opened.items():
        content = json.loads(data)
        if content["nbformat"] not in (2, 3) or "metadata" not in content:
            continue  # nbformat itself reads none of these without metadata
        with subtests.test(notebook=name):
            theirs = nbformat.reads(data.decode(), as_version=4)
            ours = nbformat.reads(dump(load(data)).decode(), as_version=4)
            assert [without_id(cell) for cell in ours.cells] == [without_id(cell) for cell in theirs.cells]


def without_id(cell: Any) -> dict[str, Any]:
    return {key: value for key, value in cell.items() if key != "id"}


def normal(notebook: Any) -> Any:
    """Without what the format itself changes on an upgrade: versions, ids, how text is split into lines."""
    if isinstance(notebook, dict):
        dropped = {"nbformat", "nbformat_minor", "orig_nbformat", "orig_nbformat_minor", "signature", "id"}
        return {key: normal(value) for key, value in notebook.items() if key not in dropped}
    if isinstance(notebook, list):
        if notebook and all(isinstance(one, str) for one in notebook):
            return "".join(notebook)
        return [normal(one) for one in notebook]
    return notebook


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Each scalar with the name of the key that holds it, as text: wherever in the file it went."""
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in leaves(one, (key,))]
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one, path)]
    return [f"{path}: {value!r}"]
