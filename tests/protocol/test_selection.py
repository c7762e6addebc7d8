"""Which cells a command means, and in which order."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.graph import repair
from protocol.selection import NoSelection, Selection, Which, choose, reading_order
from protocol.values import CellValue, NotebookValue

pytestmark = pytest.mark.pure


def code(name: str, source: str | None = None, *tags: str) -> CellValue:
    text = f"{name} = 1" if source is None else source
    return CellValue(id=name, type="code", source=text, metadata={"tags": list(tags)} if tags else {})


def text(name: str) -> CellValue:
    return CellValue(id=name, type="markdown", source=f"# {name}")


# a → b → H(c, K(d), e) → f, and g beside.
NOTEBOOK = NotebookValue(
    cells=(*map(code, "ab"), text("H"), code("c"), text("K"), *map(code, "defg")),
    np_graph={"a": ("b",), "b": ("H",), "H": ("f",)},
    pc_graph={"H": ("c", "K", "e"), "K": ("d",)},
)


def chosen(which: Which, cell: str = "", notebook: NotebookValue = NOTEBOOK) -> str:
    found = choose(notebook, Selection(which, cell))
    assert not isinstance(found, NoSelection), found
    return "".join(found)


@pytest.mark.parametrize(
    ("which", "cell", "expected"),
    [
        ("all", "", "abcdefg"),
        ("above", "d", "abc"),
        ("above", "a", ""),
        ("to", "d", "abcd"),
        ("below", "d", "defg"),
        ("below", "H", "cdefg"),
        ("tissue", "H", "cde"),
        ("tissue", "K", "d"),
        ("tissue", "c", "cde"),
        ("downstream", "a", "abcdef"),
        ("downstream", "H", "cdef"),
        ("downstream", "d", "def"),
        ("downstream", "g", "g"),
    ],
)
def test_a_command_means_these_cells_in_this_order(which: Which, cell: str, expected: str) -> None:
    assert chosen(which, cell) == expected


def test_a_command_for_many_leaves_out_what_nbclient_leaves_out() -> None:
    cells = (code("a"), code("b", "  \n"), code("c", None, "skip-execution"), code("d", None, "raises-exception"))
    notebook = NotebookValue(cells=cells)
    assert chosen("all", notebook=notebook) == "ad"
    assert choose(notebook, Selection("cells", cells=("d", "c", "b", "d"))) == ("d", "c", "b")


@pytest.mark.parametrize(
    ("wanted", "code_"),
    [
        (Selection("to", "nowhere"), "no_such_cell"),
        (Selection("cells", cells=("a", "nowhere")), "no_such_cell"),
        (Selection("cells", cells=("a", "H")), "not_code"),
        (Selection("tissue", "a"), "no_tissue"),
    ],
)
def test_what_means_nothing_is_refused_in_a_sentence(wanted: Selection, code_: str) -> None:
    found = choose(NOTEBOOK, wanted)
    assert isinstance(found, NoSelection)
    assert found.code == code_
    assert found.message.endswith(".")


def test_downstream_runs_each_cell_behind_all_that_lead_to_it() -> None:
    notebook = NotebookValue(
        cells=tuple(map(code, "adcbe")), np_graph={"a": ("d", "b", "c"), "b": ("d",), "c": ("b",), "e": ("b",)}
    )
    assert chosen("downstream", "a", notebook) == "acbd"


@pytest.mark.parametrize("start", "ab")
def test_a_circle_downstream_is_refused_and_named(start: str) -> None:
    cells = (code("a"), code("b"), code("c", "\n  a very long line of code that nobody reads"), code("d"))
    notebook = NotebookValue(cells=cells, np_graph={"a": ("b",), "b": ("c",), "c": ("b",), "d": ("a",)})
    found = choose(notebook, Selection("downstream", start))
    assert isinstance(found, NoSelection)
    assert found.code == "circle"
    assert found.message == (
        "The flow goes in a circle: “b = 1” → “a very long line of code that…” → “b = 1”. "
        "Remove one of these edges."
    )


def test_a_circle_that_is_not_reached_is_nobodys_business() -> None:
    notebook = NotebookValue(cells=tuple(map(code, "abc")), np_graph={"b": ("c",), "c": ("b", "a")})
    assert chosen("downstream", "a", notebook) == "a"


def test_a_flow_of_thousands_of_cells_is_chosen() -> None:
    names = [f"c{n}" for n in range(20_000)]
    edges = {one: (after,) for one, after in pairwise(names)}
    notebook = NotebookValue(cells=tuple(map(code, names)), np_graph=edges)
    assert choose(notebook, Selection("downstream", "c0")) == tuple(names)
    assert choose(notebook, Selection("all")) == tuple(names)


ORDERS = Path(__file__).with_name("reading_orders.json")
NAMES = st.sampled_from("abcdefgh")
EDGES = st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=8)


@st.composite
def notebooks(draw: st.DrawFn) -> NotebookValue:
    ids = draw(st.permutations("abcdefgh"))
    made = repair(ids, draw(EDGES), draw(EDGES))
    skipped = draw(st.frozensets(NAMES, max_size=2))
    cells = tuple(code(name, None, *(("skip-execution",) if name in skipped else ())) for name in made.cells)
    return NotebookValue(cells=cells, np_graph=made.np_graph, pc_graph=made.pc_graph)


@settings(max_examples=300, deadline=None)
@given(notebook=notebooks(), cell=NAMES)
def test_every_command_is_a_part_of_all_and_they_fit_together(notebook: NotebookValue, cell: str) -> None:
    ids = [each.id for each in notebook.cells]
    order = reading_order(ids, notebook.np_graph, notebook.pc_graph)
    assert sorted(order) == sorted(ids)
    above, to, below = (chosen(which, cell, notebook) for which in ("above", "to", "below"))
    assert above + below == chosen("all", notebook=notebook)
    assert to.removesuffix(cell) == above
    inside = choose(notebook, Selection("tissue", cell))
    if not isinstance(inside, NoSelection):
        assert "".join(inside) in chosen("all", notebook=notebook), "a tissue is read in one go"


def test_where_flows_meet_all_that_lead_there_comes_before() -> None:
    """Two ways from one beginning, drawn in an order in which the second would be read too late."""
    edges = {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ("e",)}
    notebook = NotebookValue(cells=tuple(map(code, "adebc")), np_graph=edges)
    assert chosen("all", notebook=notebook) == "abcde"
    assert chosen("to", "d", notebook) == "abcd"


def test_a_circle_is_read_from_where_it_is_entered() -> None:
    notebook = NotebookValue(cells=tuple(map(code, "cbax")), np_graph={"a": ("b",), "b": ("c",), "c": ("b", "x")})
    assert chosen("all", notebook=notebook) == "abcx"


@settings(max_examples=300, deadline=None)
@given(notebook=notebooks())
def test_reading_follows_every_edge_where_there_is_no_circle(notebook: NotebookValue) -> None:
    order = reading_order([cell.id for cell in notebook.cells], notebook.np_graph, notebook.pc_graph)
    inner = {child for children in notebook.pc_graph.values() for child in children}
    edges = [
        (one, after)
        for one, nexts in notebook.np_graph.items()
        for after in nexts
        if one not in inner and after not in inner
    ]
    if not _has_circle(edges):
        assert all(order.index(one) < order.index(after) for one, after in edges)


def test_the_page_reads_in_the_same_order() -> None:
    """frontend/test/doc/graph.test.ts reads the same file. `python -m tests.protocol.test_selection` writes it."""
    for each in json.loads(ORDERS.read_text()):
        cells, np_graph, pc_graph, order = each
        assert list(reading_order(cells, np_graph, pc_graph)) == order


def write_orders() -> None:
    chance, cases = random.Random(5), []
    for _ in range(150):
        ids = list("abcdefghij")
        chance.shuffle(ids)
        draw = [{id_: tuple(chance.sample(ids, chance.randrange(3))) for id_ in ids} for _ in range(2)]
        inside = {id_: draw[1][id_] for id_ in chance.sample(ids, 2)}
        made = repair(ids, draw[0], inside)
        cases.append(
            [made.cells, made.np_graph, made.pc_graph, reading_order(made.cells, made.np_graph, made.pc_graph)]
        )
    ORDERS.write_text(json.dumps(cases, indent=None, separators=(",", ":")) + "\n")


@settings(max_examples=300, deadline=None)
@given(notebook=notebooks(), cell=NAMES)
def test_downstream_follows_the_edges_or_there_is_a_circle(notebook: NotebookValue, cell: str) -> None:
    found = choose(notebook, Selection("downstream", cell))
    inner = {child for children in notebook.pc_graph.values() for child in children}
    edges = [
        (one, after)
        for one, nexts in notebook.np_graph.items()
        for after in nexts
        if one not in inner and after not in inner
    ]
    if isinstance(found, NoSelection):
        assert found.code == "circle"
        assert _has_circle(edges)
        return
    place = {name: n for n, name in enumerate(found)}
    assert len(place) == len(found)
    assert all(place[one] < place[after] for one, after in edges if one in place and after in place)
    assert choose(notebook, Selection("downstream", cell)) == found


def _has_circle(edges: list[tuple[str, str]]) -> bool:
    left = list(edges)
    while left:
        entered = {after for _, after in left}
        rest = [edge for edge in left if edge[0] in entered]
        if len(rest) == len(left):
            return True
        left = rest
    return False


if __name__ == "__main__":
    write_orders()
