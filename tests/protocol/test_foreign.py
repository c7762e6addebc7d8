"""Files that other programs wrote, merged into a live notebook (SPEC.md, section M)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from protocol.blobs import carve_notebook
from protocol.foreign import as_known, merge_file
from protocol.merge import Report
from protocol.notebook_file import NotebookFileError, dump, load
from protocol.seed import arrange
from protocol.values import CellValue, JsonObject, NotebookValue
from tests.protocol.notebooks import PATIENT, three

pytestmark = pytest.mark.pure

Three = tuple[NotebookValue, NotebookValue, NotebookValue]


def code(cell_id: str, source: str, top: int = 0) -> CellValue:
    return CellValue(id=cell_id, type="code", source=source, top=top, left=0, height=80, width=600)


NOTEBOOK = NotebookValue(
    cells=(
        msgspec.structs.replace(code("head", "# Data"), type="markdown"),
        code("load", "import numpy as np\ndata = np.load('x')", 100),
        code("plot", "plot(data)", 300),
        code("tail", "print('end')", 500),
    ),
    np_graph={"head": ("tail",), "load": ("plot",)},
    pc_graph={"head": ("load", "plot")},
)


def raw(value: NotebookValue) -> Any:
    return json.loads(dump(value))


def written(content: Any) -> bytes:
    return json.dumps(content, indent=1).encode()


def without_ids(value: NotebookValue) -> Any:
    """As a tool of format 4.4 that knows nothing of a canvas writes it."""
    content = raw(value)
    content["nbformat_minor"] = 4
    content["metadata"].pop("gm", None)
    for each in content["cells"]:
        del each["id"]
        each["metadata"].pop("gm", None)
    return content


def test_a_file_that_lost_ids_places_and_graphs_is_the_same_notebook() -> None:
    """M-5."""
    assert as_known(written(without_ids(NOTEBOOK)), NOTEBOOK) == NOTEBOOK


def test_cells_without_ids_are_known_by_their_content_also_when_it_changed_a_little() -> None:
    """M-5."""
    content = without_ids(NOTEBOOK)
    content["cells"][1]["source"] = "import numpy as np\ndata = np.load('other')"
    content["cells"].insert(3, {"cell_type": "code", "metadata": {}, "source": "brand new",
                                "outputs": [], "execution_count": None})  # fmt: skip
    del content["cells"][4]
    found = as_known(written(content), NOTEBOOK)
    assert [each.id for each in found.cells[:3]] == ["head", "load", "plot"]
    assert found.cells[1].source.endswith("np.load('other')")
    assert found.cells[3].id not in ("head", "load", "plot", "tail")


def test_a_file_that_kept_its_graphs_but_not_its_ids_keeps_the_tissues() -> None:
    content = without_ids(NOTEBOOK)
    content["metadata"]["gm"] = raw(NOTEBOOK)["metadata"]["gm"]
    found = as_known(written(content), NOTEBOOK)
    assert (found.np_graph, found.pc_graph) == (NOTEBOOK.np_graph, NOTEBOOK.pc_graph)


def test_new_ids_for_unchanged_cells_are_no_change() -> None:
    content = raw(NOTEBOOK)
    for number, each in enumerate(content["cells"]):
        each["id"] = f"fresh{number}"
    content["metadata"].pop("gm")
    assert as_known(written(content), NOTEBOOK) == NOTEBOOK


def test_a_cell_added_by_a_program_without_a_canvas_follows_the_one_before_and_gets_a_place() -> None:
    content = raw(NOTEBOOK)
    for at, name in ((4, "after"), (2, "inside")):
        content["cells"].insert(
            at,
            {
                "cell_type": "code",
                "id": name,
                "metadata": {},
                "source": name,
                "outputs": [],
                "execution_count": None,
            },
        )
    found = as_known(written(content), NOTEBOOK)
    assert found.pc_graph == {"head": ("load", "inside", "plot")}
    assert found.np_graph == {"head": ("tail",), "load": ("plot",), "tail": ("after",), "after": ()} or (
        found.np_graph["tail"] == ("after",)
    )
    assert all(each.top is not None for each in found.cells)


def test_a_free_cell_of_another_canvas_stays_free() -> None:
    free = msgspec.structs.replace(NOTEBOOK, cells=(*NOTEBOOK.cells, code("free", "1", 900)))
    assert as_known(dump(free), NOTEBOOK) == free


def test_a_file_changed_alone_becomes_the_notebook() -> None:
    """M-1."""
    changed = msgspec.structs.replace(NOTEBOOK, cells=(*NOTEBOOK.cells[:3], code("tail", "print('other')", 500)))
    made = merge_file(dump(NOTEBOOK), NOTEBOOK, dump(changed))
    assert made.merged == made.theirs == changed
    assert made.report == Report(taken=1)
    assert made.merged.cells[0] is NOTEBOOK.cells[0]  # nothing to write there


def test_both_changes_come_together_from_bytes() -> None:
    ours = msgspec.structs.replace(NOTEBOOK, cells=(*NOTEBOOK.cells[:3], code("tail", "ours", 500)))
    content = without_ids(NOTEBOOK)
    content["cells"][2]["source"] = "plot(data)\nshow()"
    made = merge_file(dump(NOTEBOOK), ours, written(content))
    assert [each.source for each in made.merged.cells[2:]] == ["plot(data)\nshow()", "ours"]
    assert made.merged != made.theirs
    assert made.report == Report(taken=1)


def test_a_first_file_without_a_canvas_is_compared_as_it_was_opened() -> None:
    data = written(without_ids(NOTEBOOK))
    live = arrange(load(data))
    changed = without_ids(NOTEBOOK)
    changed["cells"][3]["source"] = "print('end of it')"
    made = merge_file(data, live, written(changed))
    assert made.report == Report(taken=1)
    assert [each.id for each in made.merged.cells] == [each.id for each in live.cells]
    assert made.merged.pc_graph == live.pc_graph


def test_without_a_known_base_nothing_is_lost_on_either_side() -> None:
    theirs = msgspec.structs.replace(NOTEBOOK, cells=(*NOTEBOOK.cells[:2], code("tail", "print('theirs')", 500)))
    made = merge_file(None, NOTEBOOK, dump(theirs))
    assert {each.source for each in NOTEBOOK.cells} | {"print('theirs')"} == {
        each.source for each in made.merged.cells
    }
    assert made.report.conflicts == 1


def test_what_the_file_cannot_hold_of_the_live_notebook_is_no_change_of_ours() -> None:
    odd = CellValue(id="odd id!", type="markdown", source="o", execution_count=5, top=0, left=0)
    live = NotebookValue(cells=(odd, code("a", "1")), np_graph={"odd id!": ("a",)})
    saved = dump(live)
    content = json.loads(saved)
    content["cells"][0]["source"] = "o\nmore"
    made = merge_file(saved, live, written(content))
    assert made.report == Report(taken=1)
    assert [(each.id, each.source) for each in made.merged.cells] == [("odd id!", "o\nmore"), ("a", "1")]
    assert made.merged.np_graph == {"odd id!": ("a",)}


@pytest.mark.parametrize("data", [b"", b" \n", b"{", b"[]", dump(NOTEBOOK)[:-20]])
def test_a_file_that_is_no_notebook_or_half_written_is_never_merged(data: bytes) -> None:
    """M-7."""
    with pytest.raises(NotebookFileError):
        merge_file(dump(NOTEBOOK), NOTEBOOK, data)


@PATIENT
@given(three())
def test_from_bytes_what_only_the_file_changed_is_taken_and_what_only_we_changed_stays(sides: Three) -> None:
    base, ours, theirs = (arrange(each) for each in sides)
    made = merge_file(dump(base), base, dump(theirs))
    assert made.theirs == made.merged
    assert made.report.conflicts == 0
    kept = merge_file(dump(base), ours, dump(base))
    assert (kept.merged, kept.report) == (ours, Report())
    both = merge_file(dump(base), ours, dump(theirs)).merged
    for side in (ours, made.theirs):
        assert words_of(side) - words_of(base) <= words_of(both)


def words_of(value: NotebookValue) -> set[str]:
    return {line for each in value.cells for line in each.source.split("\n") if line}


def test_large_outputs_of_a_base_that_has_them_whole_are_no_change_of_ours() -> None:
    output: JsonObject = {"output_type": "display_data", "data": {"text/html": ["<p>" * 100]}, "metadata": {}}
    cells = tuple(CellValue(id=name, type="code", outputs=(output,), top=0, left=0) for name in "ab")
    whole = arrange(NotebookValue(cells=cells))

    def slim(found: NotebookValue) -> NotebookValue:
        return carve_notebook(found, 100, lambda blob: None)

    theirs = msgspec.structs.replace(whole, cells=whole.cells[:1], np_graph={})
    made = merge_file(dump(whole), slim(whole), dump(theirs), slim)
    assert made.merged.cells == slim(theirs).cells
    assert (made.report.removed, made.report.conflicts) == (1, 0)
