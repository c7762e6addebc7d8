import random
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.graph import Graph, derive, heading_level, repair
from protocol.layout import GRID, layout
from protocol.values import CellValue, JsonObject

pytestmark = pytest.mark.pure


def markdown(cell_id: str, source: str) -> CellValue:
    return CellValue(id=cell_id, type="markdown", source=source)


def code(cell_id: str, source: str = "x = 1", **values: object) -> CellValue:
    return CellValue(id=cell_id, type="code", source=source, **values)  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------------- headings


@pytest.mark.parametrize(
    ("source", "level"),
    [
        ("# One", 1),
        ("###### Six", 6),
        ("#", 1),
        ("##\ttab", 2),
        ("   ## three spaces", 2),
        ("\n \t\n\r\n# after blank lines", 1),
        ("# One\n## Two", 1),
        ("# A # with # hashes #", 1),
        ("text\n# later", None),
        ("    # code", None),
        ("#hashtag", None),
        ("\\# escaped", None),
        ("", None),
        (" \n\t\n", None),
    ],
)
def test_a_heading_is_a_first_non_blank_line_in_atx_form(source: str, level: int | None) -> None:
    assert heading_level(source) == level


def test_fault_9_more_than_six_hashes_are_no_heading() -> None:
    assert heading_level("####### seven") is None
    cells = [markdown("a", "# Title"), markdown("b", "######## not a heading"), code("c")]
    assert derive(cells) == ({}, {"a": ("b", "c")})


def test_fault_9_hashes_below_the_first_line_do_not_count() -> None:
    source = "# Title\n\n## not\n### this\n# cell\n#### is"
    assert heading_level(source) == 1
    assert heading_level("## Two " + "#" * 40 + "\n" + "# " * 40) == 2


def test_a_long_run_of_blank_lines_is_refused_quickly() -> None:
    assert heading_level("\r\n" * 100_000 + "text") is None


def test_headings_nest_by_rank_and_parentless_cells_form_one_chain() -> None:
    cells = [
        code("intro"),
        markdown("h1", "# One"),
        code("a"),
        markdown("h2", "## Two"),
        code("b"),
        markdown("h3", "### Three"),
        code("c"),
        markdown("h2b", "## Two again"),
        markdown("h1b", "# Next"),
        code("d"),
    ]
    np_graph, pc_graph = derive(cells)
    assert pc_graph == {
        "h1": ("a", "h2", "h2b"),
        "h2": ("b", "h3"),
        "h3": ("c",),
        "h2b": (),
        "h1b": ("d",),
    }
    assert np_graph == {"intro": ("h1",), "h1": ("h1b",)}


def test_a_heading_without_a_cell_below_it_is_an_empty_tissue() -> None:
    assert derive([markdown("h", "## Alone")]) == ({}, {"h": ()})


def test_a_heading_of_lower_rank_may_come_first_and_stays_in_the_chain() -> None:
    cells = [markdown("h3", "### Three"), code("a"), markdown("h1", "# One")]
    assert derive(cells) == ({"h3": ("h1",)}, {"h3": ("a",), "h1": ()})


def test_hashes_in_code_cells_are_comments() -> None:
    assert derive([code("a", "# comment"), code("b")]) == ({"a": ("b",)}, {})


# ------------------------------------------------------------------------------------------------------- repair

NAMES = st.sampled_from("abcdefgh")
EDGES = st.dictionaries(NAMES, st.lists(NAMES, max_size=6), max_size=8)


def assert_invariants(cells: tuple[str, ...], np_graph: Graph, pc_graph: Graph) -> None:
    assert len(set(cells)) == len(cells)
    for graph in (np_graph, pc_graph):
        assert set(graph) <= set(cells)
        for key, members in graph.items():
            assert set(members) <= set(cells)
            assert len(set(members)) == len(members)
            assert key not in members
    parents: dict[str, str] = {}
    for parent, members in pc_graph.items():
        for child in members:
            assert child not in parents, "two parents"
            parents[child] = parent
    for cell in cells:
        seen = {cell}
        while cell in parents:
            cell = parents[cell]
            assert cell not in seen, "a cycle"
            seen.add(cell)


@given(st.lists(NAMES, max_size=12), EDGES, EDGES, st.randoms(use_true_random=False))
def test_whatever_is_repaired_keeps_the_invariants_the_same_way_everywhere(
    cells: list[str], np_graph: dict[str, list[str]], pc_graph: dict[str, list[str]], shuffle: random.Random
) -> None:
    repaired = repair(cells, np_graph, pc_graph)
    assert_invariants(repaired.cells, repaired.np_graph, repaired.pc_graph)
    assert repair(repaired.cells, repaired.np_graph, repaired.pc_graph) == repaired
    assert set(repaired.cells) == set(cells)
    replica = [dict(shuffle.sample(list(graph.items()), len(graph))) for graph in (np_graph, pc_graph)]
    again = repair(cells, *replica)
    assert again == repaired
    assert [*again.pc_graph] == [*repaired.pc_graph]


@given(st.permutations("abcdefgh"), st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=7), EDGES)
def test_a_valid_graph_comes_back_unchanged(
    cells: list[str], pairs: list[tuple[int, int]], np_edges: dict[str, list[str]]
) -> None:
    pc_graph: dict[str, tuple[str, ...]] = {}
    adopted: set[str] = set()
    # Edges that point one way in some order cannot form a cycle, whatever the order of the cells is.
    for one, other in pairs:
        parent, child = "hgfedcba"[min(one, other)], "hgfedcba"[max(one, other)]
        if parent != child and child not in adopted:
            adopted.add(child)
            pc_graph[parent] = (*pc_graph.get(parent, ()), child)
    np_graph = {key: tuple(dict.fromkeys(x for x in value if x != key)) for key, value in np_edges.items()}
    repaired = repair(cells, np_graph, pc_graph)
    assert (list(repaired.cells), repaired.np_graph, repaired.pc_graph) == (cells, np_graph, pc_graph)


def test_of_two_parents_the_first_in_document_order_keeps_the_child() -> None:
    repaired = repair(["a", "b", "x"], {}, {"b": ["x"], "a": ["x"]})
    assert repaired.pc_graph == {"a": ("x",), "b": ()}


def test_a_cycle_is_opened_at_the_last_edge_that_closes_it() -> None:
    assert repair(["a", "b", "c"], {}, {"c": ["a"], "b": ["c"], "a": ["b"]}).pc_graph == {
        "a": ("b",),
        "b": ("c",),
        "c": (),
    }


def test_an_empty_tissue_stays_one_and_an_unknown_key_goes() -> None:
    assert repair(["a"], {"zz": ["a"]}, {"a": [], "gone": ["a"]}) == repair(["a"], {}, {"a": []})


def test_edges_between_cells_inside_a_tissue_are_kept() -> None:
    assert repair(["h", "a", "b"], {"a": ["b"], "b": ["a"]}, {"h": ["a", "b"]}).np_graph == {
        "a": ("b",),
        "b": ("a",),
    }


def test_a_chain_and_a_cycle_of_ten_thousand_cells_are_repaired_at_once() -> None:
    cells = [f"c{number}" for number in range(10_000)]
    ring = {cell: [cells[number - 1]] for number, cell in enumerate(cells)}
    repaired = repair(cells, ring, ring)
    assert sum(len(members) for members in repaired.pc_graph.values()) == 9_999
    assert repaired.np_graph == {cell: (cells[number - 1],) for number, cell in enumerate(cells)}
    assert len(layout([code(cell) for cell in cells], repaired.np_graph, repaired.pc_graph)) == 10_000


# ------------------------------------------------------------------------------------------------------- layout


def overlap(one: JsonObject, other: JsonObject) -> bool:
    def number(box: JsonObject, key: str) -> float:
        value = box[key]
        assert isinstance(value, int | float)
        return value

    return (
        number(one, "top") < number(other, "top") + number(other, "height")
        and number(other, "top") < number(one, "top") + number(one, "height")
        and number(one, "left") < number(other, "left") + number(other, "width")
        and number(other, "left") < number(one, "left") + number(one, "width")
    )


def is_inside(inner: JsonObject, outer: JsonObject) -> bool:
    return bool(
        outer["top"] <= inner["top"]  # type: ignore[operator]
        and outer["left"] <= inner["left"]  # type: ignore[operator]
        and inner["top"] + inner["height"] <= outer["top"] + outer["height"]  # type: ignore[operator]
        and inner["left"] + inner["width"] <= outer["left"] + outer["width"]  # type: ignore[operator]
    )


def test_a_chain_is_laid_out_downwards_on_the_grid() -> None:
    cells = [code("a", "\n".join("x" * 300)), code("b"), code("c")]
    places = layout(cells, {"a": ["b"], "b": ["c"]}, {})
    assert places["a"]["top"] < places["b"]["top"] < places["c"]["top"]  # type: ignore[operator]
    assert {place["left"] for place in places.values()} == {places["a"]["left"]}
    assert all(
        isinstance(value, int) and value % GRID == 0 for place in places.values() for value in place.values()
    )
    assert places["a"]["height"] > places["b"]["height"]  # type: ignore[operator]


def test_alternatives_of_one_cell_lie_side_by_side_below_it() -> None:
    places = layout([code("a"), code("b"), code("c")], {"a": ["b", "c"]}, {})
    assert places["b"]["top"] == places["c"]["top"] > places["a"]["top"]  # type: ignore[operator]
    assert places["b"]["left"] < places["c"]["left"]  # type: ignore[operator]


def test_a_cell_that_has_a_place_is_not_moved_and_nothing_is_put_on_it() -> None:
    given_places: dict[str, Any] = {"top": 1160, "left": 5000, "height": 333.5, "width": 420}
    cells = [code("a"), code("fixed", **given_places), code("b")]
    places = layout(cells, {"a": ["b"]}, {})
    assert set(places) == {"a", "b"}
    assert not any(overlap(place, given_places) for place in places.values())
    assert not overlap(places["a"], places["b"])


def test_a_cell_without_a_size_keeps_its_place() -> None:
    places = layout([code("a", top=3.5, left=-7)], {}, {})
    assert (places["a"]["top"], places["a"]["left"]) == (3.5, -7)
    assert None not in places["a"].values()


def test_the_children_of_a_tissue_lie_inside_it_one_below_the_other() -> None:
    cells = [markdown("h", "# One"), code("a"), markdown("s", "## Two"), code("b"), code("c"), code("z")]
    np_graph, pc_graph = {"h": ["z"]}, {"h": ["a", "s", "c"], "s": ["b"]}
    places = layout(cells, np_graph, pc_graph)
    for parent, members in pc_graph.items():
        assert all(is_inside(places[child], places[parent]) for child in members)
        assert not any(overlap(places[one], places[other]) for one in members for other in members if one != other)
    assert not overlap(places["h"], places["z"])


def test_outputs_make_room_for_themselves() -> None:
    shown: JsonObject = {"output_type": "display_data", "data": {"image/png": "…"}, "metadata": {}}
    places = layout([code("a"), code("b", outputs=(shown,))], {}, {})
    assert places["b"]["height"] > places["a"]["height"]  # type: ignore[operator]


@pytest.mark.parametrize("branches", [1999, 40])
def test_a_very_wide_graph_is_laid_out_without_overlaps_and_without_delay(branches: int) -> None:
    names = [f"c{number}" for number in range(2000)]
    np_graph: dict[str, list[str]] = {names[0]: names[1 : branches + 1]}
    for one, after in zip(names[1:], names[branches + 1 :], strict=False):
        np_graph[one] = [after]
    began = time.perf_counter()
    places = layout([code(name) for name in names], np_graph, {})
    assert time.perf_counter() - began < 2
    corners = {(place["top"], place["left"]) for place in places.values()}  # all are of one size
    assert len(corners) == len(names)
    row = sorted(places.values(), key=lambda place: (str(place["top"]), place["left"]))
    assert not any(overlap(one, other) for one, other in pairwise(row))


PIXELS = st.one_of(
    st.none(),
    st.integers(-4000, 4000),
    st.floats(width=32),
    st.sampled_from([float("nan"), float("inf"), 1e300, True, "12", -5]),
)
CELLS = st.builds(
    CellValue,
    id=NAMES,
    type=st.sampled_from(["code", "markdown", "raw"]),
    source=st.sampled_from(["", "# One", "x\n" * 30, "y" * 3000]),
    top=PIXELS,
    left=PIXELS,
    height=PIXELS,
    width=PIXELS,
)


@settings(deadline=None)
@given(st.lists(CELLS, max_size=8, unique_by=lambda cell: cell.id), EDGES, EDGES)
def test_every_layout_is_complete_finite_and_puts_nothing_on_another(
    cells: list[CellValue], np_graph: dict[str, list[str]], pc_graph: dict[str, list[str]]
) -> None:
    places = layout(cells, np_graph, pc_graph)
    for place in places.values():
        assert set(place) == {"top", "left", "height", "width"}
        assert all(
            isinstance(value, int | float) and abs(value) < 1e11 and not isinstance(value, bool)
            for value in place.values()
        )
    repaired = repair([cell.id for cell in cells], np_graph, pc_graph)
    inside = {child for members in repaired.pc_graph.values() for child in members}
    new = [
        cell.id
        for cell in cells
        if cell.id not in inside and cell.id in places and (cell.top, cell.left) == (None, None)
    ]
    # A new cell's box is free, whatever the given places do among themselves.
    assert not any(overlap(places[one], places[other]) for one in new for other in new if one < other)
    given_places: list[JsonObject] = [
        {"top": cell.top, "left": cell.left, "height": cell.height, "width": cell.width}
        for cell in cells
        if cell.id not in inside and cell.id not in places and cell.id not in repaired.pc_graph
    ]
    assert not any(overlap(places[one], place) for one in new for place in given_places)


def test_a_thousand_cells_are_derived_and_laid_out_within_a_blink() -> None:
    cells = [markdown(f"h{n}", "# H") if n % 20 == 0 else code(f"c{n}", "x\n" * 30) for n in range(1000)]
    began = time.perf_counter()
    np_graph, pc_graph = derive(cells)
    assert len(layout(cells, np_graph, pc_graph)) == 1000
    assert time.perf_counter() - began < 1
