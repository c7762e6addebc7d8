"""Three-way merges: what either side said is there afterwards (SPEC.md, section M)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import is_valid_cell_id
from protocol.merge import Report, in_words, merge
from protocol.notebook_file import dump, load
from protocol.three_way import hunks, merge_object, merge_order, merge_text
from protocol.values import CellValue, NotebookValue
from tests.protocol.notebooks import LINES, PATIENT, changed, notebooks, three

pytestmark = pytest.mark.pure

Three = tuple[NotebookValue, NotebookValue, NotebookValue]
TEXTS = st.lists(LINES, max_size=8).map("\n".join)
OUTPUT: dict[str, Any] = {"output_type": "stream", "name": "stdout", "text": "1\n"}
OTHER: dict[str, Any] = {"output_type": "stream", "name": "stdout", "text": "2\n"}


def cell(cell_id: str, source: str = "", **more: Any) -> CellValue:
    return CellValue(id=cell_id, **{"type": "code", "source": source, "top": 0, "left": 0, **more})


def notebook(*cells: CellValue, **more: Any) -> NotebookValue:
    return NotebookValue(cells=cells, **more)


def sources(value: NotebookValue) -> list[str]:
    return [each.source for each in value.cells]


def conflict(each: CellValue) -> Any:
    gm: Any = each.metadata.get("gm", {})
    return gm.get("conflict")


# ------------------------------------------------------------------------------------------------- properties


def lines_of(value: NotebookValue) -> dict[str, set[str]]:
    return {each.id: set(each.source.split("\n")) for each in value.cells}


@PATIENT
@given(three())
def test_no_line_that_either_side_wrote_is_lost(sides: Three) -> None:
    """M-3."""
    base, ours, theirs = sides
    merged = merge(base, ours, theirs).notebook
    held = lines_of(merged)
    for side in (ours, theirs):
        for each in side.cells:
            old = next((one for one in base.cells if one.id == each.id), None)
            if old is not None and each == old:
                continue
            written = set(each.source.split("\n")) - {"", *(old.source.split("\n") if old else ())}
            there = set().union(
                *(
                    held[one.id]
                    for one in merged.cells
                    if one.id == each.id or (conflict(one) or {}).get("with") == each.id
                )
            )
            assert written <= there


@PATIENT
@given(three())
def test_a_marked_pair_holds_both_texts_whole_side_by_side(sides: Three) -> None:
    """M-3."""
    base, ours, theirs = sides
    made = merge(base, ours, theirs)
    mine, yours = ({each.id: each for each in side.cells} for side in (ours, theirs))
    marks = 0
    for at, each in enumerate(made.notebook.cells):
        said = conflict(each)
        if said is None:
            continue
        if said.get("deleted"):
            kept = (mine if said["side"] == "notebook" else yours)[each.id]
            assert each.source == kept.source
            marks += 1
        elif said["side"] == "notebook":
            copy = made.notebook.cells[at + 1]
            assert conflict(copy) == {"side": "file", "with": each.id}
            assert copy.id == said["with"]
            assert (each.source, copy.source) == (mine[each.id].source, yours[each.id].source)
            assert (each.outputs, copy.outputs) == (mine[each.id].outputs, yours[each.id].outputs)
            marks += 1
    assert marks == made.report.conflicts


@PATIENT
@given(three())
def test_what_only_one_side_changed_is_taken_as_it_is(sides: Three) -> None:
    """M-1."""
    base, side, _ = sides
    assert merge(base, side, base).notebook == side
    assert merge(base, side, base).report == Report()
    assert merge(base, base, side).notebook == side
    assert merge(base, base, side).report.conflicts == 0


@PATIENT
@given(three())
def test_the_same_change_on_both_sides_is_no_conflict(sides: Three) -> None:
    base, side, _ = sides
    made = merge(base, side, side)
    assert (made.notebook, made.report) == (side, Report())


@PATIENT
@given(three())
def test_the_same_three_give_the_same_and_the_order_of_keys_does_not_matter(sides: Three) -> None:
    turned = [msgspec.structs.replace(each, np_graph=dict(reversed(each.np_graph.items()))) for each in sides]
    assert merge(*sides) == merge(*turned)


@PATIENT
@given(three())
def test_the_result_has_unique_ids_and_is_a_valid_file_that_reads_back(sides: Three) -> None:
    merged = merge(*sides).notebook
    ids = [each.id for each in merged.cells]
    assert len(set(ids)) == len(ids)
    assert all(map(is_valid_cell_id, ids))
    data = dump(merged)
    nbformat.validate(nbformat.from_dict(json.loads(data)))
    assert load(data) == merged


@PATIENT
@given(three())
def test_a_merge_that_is_done_again_makes_no_second_copy_of_a_conflict(sides: Three) -> None:
    """M-4: a crash between the merge and the save."""
    base, ours, theirs = sides
    once = merge(base, ours, theirs).notebook
    again = merge(base, once, theirs).notebook
    for each in once.cells:
        said = conflict(each) or {}
        if said.get("side") == "file" and "with" in said:
            copies = [one for one in again.cells if (conflict(one) or {}).get("with") == said["with"]]
            assert [(one.id, one.source) for one in copies] == [(each.id, each.source)]


def test_the_same_conflict_met_again_changes_nothing() -> None:
    """M-4."""
    base, ours, theirs = notebook(cell("a", "1")), notebook(cell("a", "2")), notebook(cell("a", "3"))
    once = merge(base, ours, theirs).notebook
    again = merge(base, once, theirs)
    assert (again.notebook, again.report) == (once, Report())


@PATIENT
@given(notebooks(), notebooks())
def test_without_a_base_both_sides_stay(ours: NotebookValue, theirs: NotebookValue) -> None:
    merged = merge(NotebookValue(), ours, theirs).notebook
    assert set(filter(str.strip, [*sources(ours), *sources(theirs)])) == set(filter(str.strip, sources(merged)))


@PATIENT
@given(TEXTS, TEXTS, TEXTS)
def test_text_merges_keep_every_new_line_or_say_that_they_cannot(base: str, ours: str, theirs: str) -> None:
    merged = merge_text(base, ours, theirs)
    assert merge_text(base, theirs, ours) == merged
    if merged is not None:
        for side in (ours, theirs):
            assert set(side.split("\n")) - {"", *base.split("\n")} <= set(merged.split("\n"))


@PATIENT
@given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9))
def test_hunks_make_the_new_of_the_old(old: list[int], new: list[int]) -> None:
    made = list(old)
    for start, end, fresh in reversed(hunks(old, new)):
        made[start:end] = fresh
    assert made == new


@PATIENT
@given(st.data())
def test_an_order_has_each_of_the_living_once(data: st.DataObject) -> None:
    some = st.lists(st.sampled_from("abcdef"), unique=True)
    base, ours, theirs = data.draw(some), data.draw(some), data.draw(some)
    alive = {*ours, *theirs}
    order = merge_order(base, ours, theirs, alive)
    assert sorted(order) == sorted(alive)


# ---------------------------------------------------------------------------------------------------- examples


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"),
        ("a\nb\nc", "a\nb\nc\nd", "0\na\nb\nc", "0\na\nb\nc\nd"),
        ("a\nb", "a\nb\nc", "A\nb", "A\nb\nc"),  # a line added at the end does not change the one before
        ("a\nb\nc", "a\nc", "a\nb\nc\nd", "a\nc\nd"),
        ("a\nb", "A\nb", "a\nB", None),  # lines that touch
        ("a", "b", "c", None),
        ("a\nb\nc", "a\nx\nc", "a\nx\nc\nd", "a\nx\nc\nd"),
        ("", "x", "y", None),
        ("a\nb\nc", "a\nc", "a\nB\nc", None),
    ],
)
def test_text_is_merged_line_by_line(base: str, ours: str, theirs: str, merged: str | None) -> None:
    assert merge_text(base, ours, theirs) == merged


def test_changes_of_one_cell_in_different_places_come_together() -> None:
    """M-2."""
    base = notebook(cell("a", "1\n2\n3", metadata={"tags": ["x"]}), cell("b"))
    ours = notebook(cell("a", "one\n2\n3", metadata={"tags": ["x"]}), cell("b", top=500))
    theirs = notebook(cell("a", "1\n2\nthree", metadata={"tags": ["y"]}, outputs=(OUTPUT,)), cell("b"))
    made = merge(base, ours, theirs)
    assert made.notebook == notebook(
        cell("a", "one\n2\nthree", metadata={"tags": ["y"]}, outputs=(OUTPUT,)), cell("b", top=500)
    )
    assert made.report == Report(taken=1)


def test_a_contradiction_keeps_both_cells_in_one_tissue_marked() -> None:
    """M-3."""
    base = notebook(cell("h", "# H", type="markdown"), cell("a", "1"), cell("b"), pc_graph={"h": ("a", "b")})
    ours = msgspec.structs.replace(base, cells=(base.cells[0], cell("a", "2"), base.cells[2]))
    theirs = msgspec.structs.replace(base, cells=(base.cells[0], cell("a", "3"), base.cells[2]))
    made = merge(base, ours, theirs)
    _, first, second, last = made.notebook.cells
    assert (first.id, first.source, second.source, last.id) == ("a", "2", "3", "b")
    assert conflict(first) == {"side": "notebook", "with": second.id}
    assert conflict(second) == {"side": "file", "with": "a"}
    assert (second.top, second.left) == (None, None)  # it does not lie on the other
    assert made.notebook.pc_graph == {"h": ("a", second.id, "b")}
    assert made.report == Report(conflicts=1)


@pytest.mark.parametrize("deleter", ["notebook", "file"])
def test_a_cell_that_one_deleted_and_the_other_changed_is_kept_and_marked(deleter: str) -> None:
    """M-3."""
    base, gone, edited = (
        notebook(cell("a", "1"), cell("b")),
        notebook(cell("b")),
        notebook(cell("a", "2"), cell("b")),
    )
    made = merge(base, gone, edited) if deleter == "notebook" else merge(base, edited, gone)
    kept = made.notebook.cells[0]
    assert (kept.id, kept.source) == ("a", "2")
    assert conflict(kept) == {"side": "file" if deleter == "notebook" else "notebook", "deleted": True}
    assert made.report.conflicts == 1


def test_a_cell_that_was_only_moved_may_be_deleted() -> None:
    base = notebook(cell("a", "1"))
    made = merge(base, notebook(cell("a", "1", top=900)), notebook())
    assert made.notebook.cells == ()
    assert made.report == Report(removed=1)


def test_outputs_follow_the_text_they_belong_to_and_are_no_conflict() -> None:
    """M-2."""
    base = notebook(cell("a", "1"))
    ours = notebook(cell("a", "1", outputs=(OUTPUT,), execution_count=1))
    theirs = notebook(cell("a", "2", outputs=(OTHER,), execution_count=2))
    assert merge(base, ours, theirs).notebook == theirs
    rerun = notebook(cell("a", "1", outputs=(OTHER,), execution_count=2))
    assert merge(base, ours, rerun).notebook == ours


def test_a_code_cell_that_ran_there_and_became_text_here_is_a_contradiction() -> None:
    base = notebook(cell("a", "1"))
    ours = notebook(cell("a", "1", type="markdown"))
    theirs = notebook(cell("a", "1", outputs=(OUTPUT,)))
    assert [each.outputs for each in merge(base, ours, theirs).notebook.cells] == [(), (OUTPUT,)]


def test_metadata_of_a_cell_that_both_changed_keeps_both_but_not_for_what_programs_write() -> None:
    """M-2."""
    base = notebook(cell("a", metadata={"tags": ["a"], "execution": {"at": "1"}}))
    ours = notebook(cell("a", metadata={"tags": ["a"], "execution": {"at": "2"}}))
    theirs = notebook(cell("a", metadata={"tags": ["a"], "execution": {"at": "3"}}))
    assert merge(base, ours, theirs).notebook == ours
    one, other = (notebook(cell("a", metadata={"tags": [tag]})) for tag in "bc")
    assert merge(base, one, other).report.conflicts == 1


def test_metadata_of_the_notebook_that_both_changed_stays_ours_and_is_told() -> None:
    base, ours, theirs = (notebook(metadata={"k": {"n": n, "m": n}, "x": 1}) for n in (1, 2, 3))
    theirs = msgspec.structs.replace(theirs, metadata={**theirs.metadata, "y": 2})
    made = merge(base, ours, theirs)
    assert made.notebook.metadata == {"k": {"n": 2, "m": 2}, "x": 1, "y": 2}
    assert made.report.clashes == ("k.n", "k.m")
    assert "k.n, k.m" in in_words("x.ipynb", made.report)


def test_what_one_removed_and_the_other_changed_stays() -> None:
    clashes: list[str] = []
    assert merge_object({"a": 1}, {}, {"a": 2}, clashes) == {"a": 2}
    assert clashes == ["a"]
    assert merge_object({"a": 1}, {}, {"a": 1}, []) == {}


def test_cells_added_on_both_sides_stand_where_they_were_added() -> None:
    base = notebook(*map(cell, "abc"))
    ours = notebook(*map(cell, "axbc"))
    theirs = notebook(*map(cell, "abyzc"))
    assert [each.id for each in merge(base, ours, theirs).notebook.cells] == list("axbyzc")


def test_a_move_here_and_an_edit_there_come_together() -> None:
    base = notebook(*map(cell, "abc"))
    moved = notebook(*map(cell, "cab"))
    edited = notebook(cell("a", "new"), cell("b"), cell("d"), cell("c"))
    for ours, theirs in ((moved, edited), (edited, moved)):
        merged = merge(base, ours, theirs).notebook
        assert [each.id for each in merged.cells] == list("cabd")
        assert merged.cells[1].source == "new"


def test_edges_and_tissues_of_both_sides_come_together() -> None:
    base = notebook(*map(cell, "habc"), np_graph={"h": ("c",)}, pc_graph={"h": ("a",)})
    ours = msgspec.structs.replace(base, np_graph={"h": ("c",), "c": ("b",)}, pc_graph={"h": ("b", "a")})
    theirs = msgspec.structs.replace(base, np_graph={}, pc_graph={"h": ("a", "c")})
    merged = merge(base, ours, theirs).notebook
    assert merged.np_graph == {"c": ("b",)}
    assert merged.pc_graph == {"h": ("b", "a", "c")}


def test_what_happened_is_said_in_words() -> None:
    assert in_words("x.ipynb", Report(taken=1)) == (
        "x.ipynb was changed by another program: 1 cell came from the file."
    )
    assert in_words("x.ipynb", Report(3, 2, 1)) == (
        "x.ipynb was changed by another program: 3 cells came from the file, 2 cells went with it."
        " 1 conflict: what both sides say there is kept, and marked."
    )


def test_a_cell_of_many_thousand_like_lines_is_merged_at_once() -> None:
    base = "\n".join(["x"] * 20_000)
    ours, theirs = base + "\ny", "z\n" + base
    assert merge_text(base, ours, theirs) == "z\n" + base + "\ny"
    torn = "\n".join(["x", "y"] * 10_000)
    assert merge_text(base, torn, "\n".join(["y", "x", "x"] * 6_000)) is None


@PATIENT
@given(notebooks().flatmap(lambda base: st.tuples(st.just(base), changed(base))))
def test_counts_say_what_came_from_the_file(sides: tuple[NotebookValue, NotebookValue]) -> None:
    base, theirs = sides
    report = merge(base, base, theirs).report
    old, new = ({each.id: each for each in side.cells} for side in (base, theirs))
    assert report.taken == sum(1 for each in new if new[each] != old.get(each))
    assert report.removed == len(old.keys() - new.keys())
