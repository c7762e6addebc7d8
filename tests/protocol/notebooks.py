"""Notebooks and changes of them, made up by hypothesis."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from protocol.graph import repair
from protocol.values import CellValue, NotebookValue

# No deadline for a single example: machines are busy with other things.
PATIENT = settings(deadline=None, max_examples=60)

IDS = tuple("abcdefgh")
LINES = st.sampled_from(["", "x = 1", "y = 2", "print(x)", "é\U0001f600", "# head", "pass", "z"])
SOURCES = st.lists(LINES, max_size=7).map("\n".join)
STREAMS = st.sampled_from(["1\n", "2\n"]).map(
    lambda text: {"output_type": "stream", "name": "stdout", "text": text}
)
METADATA = st.dictionaries(
    st.sampled_from(["label", "note", "ExecuteTime", "deep"]),
    st.sampled_from([1, "s", {"k": 1}, {"k": 2, "l": 1}, ["t"]]),
    max_size=2,
)
PIXELS = st.none() | st.sampled_from([0, 20, 400])


@st.composite
def cells(draw: Any, cell_id: str) -> CellValue:
    kind = draw(st.sampled_from(["code", "code", "markdown"]))
    code = kind == "code"
    return CellValue(
        id=cell_id,
        type=kind,
        source=draw(SOURCES),
        execution_count=draw(st.none() | st.integers(1, 3)) if code else None,
        outputs=tuple(draw(st.lists(STREAMS, max_size=1))) if code else (),
        top=(place := draw(PIXELS)),
        left=place,
        metadata=draw(METADATA),
    )


def graphs(draw: Any, ids: list[str]) -> dict[str, Any]:
    some = st.lists(st.sampled_from(ids), max_size=2, unique=True).map(tuple) if ids else st.just(())
    edges = st.dictionaries(st.sampled_from(ids), some, max_size=3) if ids else st.just({})
    fixed = repair(ids, draw(edges), draw(edges))
    return {"np_graph": fixed.np_graph, "pc_graph": fixed.pc_graph}


@st.composite
def notebooks(draw: Any) -> NotebookValue:
    ids = draw(st.lists(st.sampled_from(IDS), max_size=5, unique=True))
    held = tuple(draw(cells(cell_id)) for cell_id in ids)
    return NotebookValue(cells=held, metadata=draw(METADATA), **graphs(draw, ids))


@st.composite
def changed(draw: Any, base: NotebookValue) -> NotebookValue:
    """What somebody makes of it: cells edited, deleted, added, moved."""
    held: list[CellValue] = []
    for cell in base.cells:
        match draw(st.sampled_from(["keep", "keep", "edit", "delete", "replace", "move"])):
            case "keep":
                held.append(cell)
            case "edit":
                lines = cell.source.split("\n")
                at = draw(st.integers(0, len(lines)))
                lines[at : at + draw(st.integers(0, 1))] = draw(st.lists(LINES, max_size=2))
                held.append(msgspec.structs.replace(cell, source="\n".join(lines)))
            case "replace":
                held.append(draw(cells(cell.id)))
            case "move":
                held.insert(draw(st.integers(0, len(held))), cell)
    free = [cell_id for cell_id in IDS if cell_id not in {cell.id for cell in base.cells}]
    for cell_id in draw(st.lists(st.sampled_from(free), max_size=2, unique=True)):
        held.insert(draw(st.integers(0, len(held))), draw(cells(cell_id)))
    ids = [cell.id for cell in held]
    edges = graphs(draw, ids) if draw(st.booleans()) else None
    if edges is None:
        fixed = repair(ids, base.np_graph, base.pc_graph)
        edges = {"np_graph": fixed.np_graph, "pc_graph": fixed.pc_graph}
    metadata = draw(st.just(base.metadata) | METADATA)
    return NotebookValue(cells=tuple(held), metadata=metadata, **edges)


@st.composite
def three(draw: Any) -> tuple[NotebookValue, NotebookValue, NotebookValue]:
    base = draw(notebooks())
    return base, draw(changed(base)), draw(changed(base))
