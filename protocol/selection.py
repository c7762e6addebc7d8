"""Which cells a command means, and in which order they run.

The order is the one in which one reads (the page numbers cells by it): each flow from its beginning along
``np_graph``, where flows meet behind all that lead there, the inside of a tissue before what follows it.
"Downstream" runs along the drawn edges, so that whatever leads to a cell runs before it.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal, TypeAlias

import msgspec

from protocol.graph import Edges
from protocol.values import CellValue, NotebookValue

Which: TypeAlias = Literal["cells", "all", "above", "to", "below", "tissue", "downstream"]

SKIP, RAISES = "skip-execution", "raises-exception"  # tags, as nbclient has them
_WORDS = 30  # characters by which a cell is known in a sentence


class Selection(msgspec.Struct, frozen=True):
    """``cells``: these, in this order, whatever their tags. Seen from ``cell_id``: ``above`` without it, ``to``
    and ``below`` with it; the ``tissue`` that it is or is in; what is ``downstream`` of it, itself first."""

    which: Which
    cell_id: str = ""
    cells: tuple[str, ...] = ()


class NoSelection(msgspec.Struct, frozen=True):
    """Why it means nothing: ``code`` for programs, ``message`` for people."""

    code: Literal["no_such_cell", "not_code", "no_tissue", "circle"]
    message: str


def tags_of(metadata: Mapping[str, object]) -> tuple[str, ...]:
    tags = metadata.get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list | tuple) else ()


def runs(cell: CellValue) -> bool:
    """Whether a command that means many cells runs this one: as in nbclient, not a blank one, nor one that its
    tags leave out."""
    return cell.type == "code" and bool(cell.source.strip()) and SKIP not in tags_of(cell.metadata)


def choose(notebook: NotebookValue, wanted: Selection) -> tuple[str, ...] | NoSelection:
    """The cells to run, in order; each once."""
    cells = {cell.id: cell for cell in notebook.cells}
    asked = wanted.cells if wanted.which == "cells" else () if wanted.which == "all" else (wanted.cell_id,)
    for cell_id in asked:
        if cell_id not in cells:
            return NoSelection("no_such_cell", f"There is no cell {cell_id[:80]!r} in this notebook.")
    if wanted.which == "cells":
        if any(cells[cell_id].type != "code" for cell_id in asked):
            return NoSelection("not_code", "Only code cells can be run.")
        return tuple(dict.fromkeys(asked))
    found = _Plan(notebook).find(wanted)
    if isinstance(found, NoSelection):
        return found
    return tuple(cell_id for cell_id in found if runs(cells[cell_id]))


def reading_order(cells: Sequence[str], np_graph: Edges, pc_graph: Edges) -> tuple[str, ...]:
    """Every cell once. A flow goes on with the first of what follows and is ready: whatever leads to it was read.
    Where only a circle holds a cell up, the one that was reached first goes on; else beginnings, and circles that
    nothing leads to, come in document order. The graphs keep their invariants (graph.repair)."""
    parents = _parents(pc_graph)
    roots = [cell for cell in cells if cell not in parents]
    nexts = {cell: [after for after in np_graph.get(cell, ()) if after not in parents] for cell in roots}
    leading = Counter(chain.from_iterable(nexts.values()))  # how many that are not read yet lead to it
    reached: deque[str] = deque()
    order: dict[str, None] = {}

    def read(start: str) -> None:
        waiting = [start]  # a stack of its own: a flow may be thousands of cells long
        while waiting:
            at = waiting.pop()
            if at in order:
                continue
            order.update(dict.fromkeys(_inside(at, pc_graph)))
            for after in nexts[at]:
                leading[after] -= 1
            reached.extend(nexts[at])
            waiting += [after for after in reversed(nexts[at]) if leading[after] == 0]

    for cell in [cell for cell in roots if not leading[cell]]:
        read(cell)
    for cell in ("", *roots):
        if cell:
            read(cell)
        while reached:  # what a circle held up, and what that leads to
            read(reached.popleft())
    return tuple(order)


def _parents(pc_graph: Edges) -> dict[str, str]:
    return {child: parent for parent, children in pc_graph.items() for child in children}


def _inside(cell: str, pc_graph: Edges) -> Iterator[str]:
    """The cell and all that is inside it, depth first."""
    waiting = [cell]
    while waiting:
        at = waiting.pop()
        yield at
        waiting += reversed(pc_graph.get(at, ()))


class _Plan:
    def __init__(self, notebook: NotebookValue) -> None:
        self._cells = {cell.id: cell for cell in notebook.cells}
        self._np, self._pc = notebook.np_graph, notebook.pc_graph
        self._parents = _parents(self._pc)
        self._order = reading_order(tuple(self._cells), self._np, self._pc)

    def find(self, wanted: Selection) -> Sequence[str] | NoSelection:
        order, cell = self._order, wanted.cell_id
        match wanted.which:
            case "above":
                return order[: order.index(cell)]
            case "to":
                return order[: order.index(cell) + 1]
            case "below":
                return order[order.index(cell) :]
            case "tissue":
                return self._tissue(cell)
            case "downstream":
                return self._downstream(cell)
            case _:
                return order

    def _tissue(self, cell: str) -> Sequence[str] | NoSelection:
        head = cell if cell in self._pc else self._parents.get(cell)
        if head is None:
            return NoSelection("no_tissue", "This cell is in no tissue.")
        return tuple(_inside(head, self._pc))

    # ----------------------------------------------------------------------------------------------- downstream

    def _downstream(self, cell: str) -> Sequence[str] | NoSelection:
        """From inside a tissue: the rest of the outermost one first, for the edges are drawn between those."""
        root = cell
        while root in self._parents:
            root = self._parents[root]
        flow = self._flow(root)
        if isinstance(flow, NoSelection):
            return flow
        first = tuple(_inside(root, self._pc))
        return (*first[first.index(cell) :], *chain.from_iterable(_inside(at, self._pc) for at in flow[1:]))

    def _flow(self, root: str) -> Sequence[str] | NoSelection:
        """What is reached from ``root``, each cell behind all that lead to it (of what is reached), ties in the
        order in which one reads."""
        reached = self._reached(root)
        missing = dict.fromkeys(reached, 0)
        for at in reached:
            for after in self._nexts(at):
                missing[after] += 1
        if missing[root]:
            return self._circle(reached)
        place = {cell: n for n, cell in enumerate(self._order)}
        ready, flow = [(place[root], root)], []
        while ready:
            _, at = heapq.heappop(ready)
            flow.append(at)
            for after in self._nexts(at):
                missing[after] -= 1
                if not missing[after]:
                    heapq.heappush(ready, (place[after], after))
        return flow if len(flow) == len(reached) else self._circle(cell for cell in reached if cell not in flow)

    def _nexts(self, cell: str) -> Iterator[str]:
        """Edges to and from the inside of a tissue mean nothing until the cell is taken out."""
        return (after for after in self._np.get(cell, ()) if after not in self._parents)

    def _reached(self, root: str) -> dict[str, None]:
        found, waiting = {root: None}, [root]
        while waiting:
            for after in self._nexts(waiting.pop()):
                if after not in found:
                    found[after] = None
                    waiting.append(after)
        return found

    def _circle(self, among: Iterable[str]) -> NoSelection:
        """Names one: of the cells that lie on or behind circles, back along the edges until one comes again."""
        left = frozenset(among)
        before: dict[str, str] = {}
        for at in self._order:
            if at in left:
                for after in self._nexts(at):
                    before.setdefault(after, at)
        at = next(cell for cell in self._order if cell in left and cell in before)
        path: dict[str, None] = {}
        while at not in path:
            path[at] = None
            at = before[at]
        names = list(path)[list(path).index(at) :]
        named = " → ".join(f"“{self._name(cell)}”" for cell in (at, *reversed(names)))
        return NoSelection("circle", f"The flow goes in a circle: {named}. Remove one of these edges.")

    def _name(self, cell: str) -> str:
        line = next((line.strip() for line in self._cells[cell].source.splitlines() if line.strip()), cell)
        return line if len(line) <= _WORDS else f"{line[: _WORDS - 1]}…"
