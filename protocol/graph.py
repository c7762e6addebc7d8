"""The two graphs over a notebook's cells.

``np_graph`` (next-previous) is the flow between top-level cells; ``pc_graph`` (parent-children) puts cells into
a *tissue*: a key's presence makes a cell one, even without a child.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import msgspec

from protocol.values import CellValue

Graph: TypeAlias = "dict[str, tuple[str, ...]]"
Edges: TypeAlias = "Mapping[str, Sequence[str]]"

# Blank lines, at most three spaces, one to six "#", then blank or end of line (CommonMark). Possessive, as "\r\n"
# could be read in two ways and a long run of them would otherwise take exponential time to refuse.
_ATX_HEADING = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*+ {0,3}(#{1,6})(?![^ \t\r\n])")


class Repair(msgspec.Struct, frozen=True):
    """What :func:`repair` answers: cells without duplicates and two graphs that keep the invariants."""

    cells: tuple[str, ...]
    np_graph: Graph
    pc_graph: Graph


def heading_level(source: str) -> int | None:
    """1 to 6 if the first non-blank line of this markdown is an ATX heading, else None."""
    found = _ATX_HEADING.match(source)
    return len(found[1]) if found else None


def derive(cells: Sequence[CellValue]) -> tuple[Graph, Graph]:
    """``(np_graph, pc_graph)`` from headings: for a notebook that carries no graphs of its own. Ids are unique.

    A heading's children are the cells after it up to the next heading of the same or a higher rank; a
    sub-heading is one child and has its own. Every heading is a tissue. Parent-less cells form one chain.
    """
    children: dict[str, list[str]] = {}
    top_level: list[str] = []
    open_headings: list[tuple[int, str]] = []
    for cell in cells:
        level = heading_level(cell.source) if cell.type == "markdown" else None
        while level is not None and open_headings and open_headings[-1][0] >= level:
            open_headings.pop()
        siblings = children[open_headings[-1][1]] if open_headings else top_level
        siblings.append(cell.id)
        if level is not None:
            children[cell.id] = []
            open_headings.append((level, cell.id))
    np_graph: Graph = {one: (after,) for one, after in pairwise(top_level)}
    return np_graph, {parent: tuple(members) for parent, members in children.items()}


def insert_after(graphs: Repair, after: str, new: str) -> Repair:
    """A new cell behind ``after``: behind it in its tissue, or between it and what follows it in its flow."""
    at = graphs.cells.index(after) + 1
    made = Repair((*graphs.cells[:at], new, *graphs.cells[at:]), dict(graphs.np_graph), dict(graphs.pc_graph))
    parent = next((cell for cell, members in graphs.pc_graph.items() if after in members), None)
    if parent is not None:
        members = graphs.pc_graph[parent]
        at = members.index(after) + 1
        made.pc_graph[parent] = (*members[:at], new, *members[at:])
        return made
    if nexts := graphs.np_graph.get(after):
        made.np_graph[new] = nexts
    made.np_graph[after] = (new,)
    return made


# ------------------------------------------------------------------------------------------------------- repair


def repair(cells: Sequence[str], np_graph: Edges, pc_graph: Edges) -> Repair:
    """The nearest cells and graphs that keep the invariants; what keeps them already comes back unchanged.

    The answer depends on content only, never on the order of dict keys, and repairing it again changes
    nothing. Of duplicates the first stays. Of several parents the first in the order of ``cells`` stays; an
    edge that would close a cycle is dropped. Edges of ``np_graph`` may form cycles (people draw loops), and an
    edge of a cell inside a tissue is kept: it means something again when the cell is taken out.
    """
    order = tuple(dict.fromkeys(cells))
    present = frozenset(order)
    nexts: Graph = {}
    for cell in order:
        if cell in np_graph:
            nexts[cell] = tuple(dict.fromkeys(x for x in np_graph[cell] if x in present and x != cell))
    return Repair(order, nexts, _forest(order, present, pc_graph))


def _forest(order: Sequence[str], present: frozenset[str], pc_graph: Edges) -> Graph:
    """``pc_graph`` without second parents and cycles. Near linear: union-find, not walks to the root."""
    above: dict[str, str] = {}  # towards the root of its tree, shortened on the way
    adopted: set[str] = set()

    def root(cell: str) -> str:
        top = cell
        while top in above:
            top = above[top]
        while cell in above:
            above[cell], cell = top, above[cell]
        return top

    forest: Graph = {}
    for parent in order:
        if parent not in pc_graph:
            continue
        kept: list[str] = []
        for child in pc_graph[parent]:
            # A child without a parent is the root of its tree: only then is it our own root, and a cycle.
            if child in present and child not in adopted and root(parent) != child:
                adopted.add(child)
                above[child] = root(parent)
                kept.append(child)
        forest[parent] = tuple(kept)
    return forest
