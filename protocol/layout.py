"""Where the cells lie on the canvas: a place and a size for each cell that has none.

Positions are canvas pixels from the top left corner of the canvas, also for the cells inside a tissue; a tissue's
height and width include its children.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from protocol.graph import Edges, Repair, heading_level, repair
from protocol.values import CellValue, Json, JsonObject, Number

GRID = 20
ORIGIN_TOP, ORIGIN_LEFT = 1000, 5000  # where the original's UI begins its own first layout: it scrolls there
DEFAULT_WIDTH = 600
GAP = 2 * GRID
INSET = GRID  # a child's distance from the left edge of its tissue

_LIMIT = 1e9  # a position beyond this is nobody's intention; such a cell is laid out anew
_LINE = 18  # pixels of one line of text
_MOST_COMPARISONS = 150_000  # about 0.2 s; in a graph so wide the rest goes below everything
_COLUMNS = 80  # characters in a line at the default width
_HEADING_LINES = {1: 3, 2: 2}  # how many lines tall a heading's first line is drawn


class _Box(msgspec.Struct):
    """A cell's rectangle while the layout is made."""

    top: float
    left: float
    height: float
    width: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def right(self) -> float:
        return self.left + self.width


def layout(cells: Sequence[CellValue], np_graph: Edges, pc_graph: Edges) -> dict[str, JsonObject]:
    """``{top, left, height, width}`` for each cell that lacks a position or a size; others are not moved.

    A top-level cell goes below its np predecessor, alternatives of one predecessor side by side, no top-level
    box on another; the children of a tissue go inside it, one below the other. What is computed is a multiple
    of 20. Heights are estimates from the source and the outputs, until a browser measures them.
    """
    graphs = repair([cell.id for cell in cells], np_graph, pc_graph)
    by_id = {cell.id: cell for cell in reversed(cells)}  # of duplicates the first, as repair has it
    boxes, placed = _measure(graphs, by_id)
    _place_top_level(graphs, boxes, placed)
    _place_children(graphs, boxes, placed)
    return {
        cell_id: _as_json(cell, boxes[cell_id])
        for cell_id in graphs.cells
        if None in _stored(cell := by_id[cell_id])
    }


def _as_json(cell: CellValue, box: _Box) -> JsonObject:
    """The cell's own numbers where it has them, as they were, and the computed ones elsewhere."""
    top, left, height, width = _stored(cell)
    if top is None or left is None:
        top, left = int(box.top), int(box.left)
    answer: dict[str, Json] = {"top": top, "left": left}
    answer["height"] = int(box.height) if height is None else height
    answer["width"] = int(box.width) if width is None else width
    return answer


def _stored(cell: CellValue) -> tuple[Number | None, Number | None, Number | None, Number | None]:
    """Top, left, height, width; None for what a client wrote that is no such number. One of top and left
    without the other is no position."""
    top, left = _within(cell.top, -_LIMIT), _within(cell.left, -_LIMIT)
    if top is None or left is None:
        top = left = None
    return top, left, _within(cell.height, 1), _within(cell.width, 1)


def _within(value: object, least: float) -> Number | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= _LIMIT:
        return value  # NaN compares false
    return None


def _measure(graphs: Repair, by_id: Mapping[str, CellValue]) -> tuple[dict[str, _Box], set[str]]:
    """A box for each cell, children before their parents, and the cells whose position is given."""
    boxes: dict[str, _Box] = {}
    placed: set[str] = set()
    for cell_id in reversed(list(_parents_first(graphs))):
        cell = by_id[cell_id]
        top, left, height, width = _stored(cell)
        inside = [boxes[child] for child in graphs.pc_graph.get(cell_id, ())]
        needed = _title_height(cell) + _stacked(inside)
        widest = max((box.width for box in inside), default=0)
        boxes[cell_id] = _Box(
            top=0 if top is None else float(top),
            left=0 if left is None else float(left),
            # A tissue grows around its children, whatever it was when it was saved.
            height=max(height or 0, needed) if inside or height is None else height,
            width=max(width or 0, _snap(widest + 2 * INSET)) if inside and width else _width(width, widest),
        )
        if top is not None:
            placed.add(cell_id)
    return boxes, placed


def _stacked(boxes: Iterable[_Box]) -> int:
    """The height of these boxes one below the other, each on the grid."""
    return sum(_snap(box.height) + GRID for box in boxes)


def _width(width: Number | None, widest: float) -> float:
    return max(DEFAULT_WIDTH, _snap(widest + 2 * INSET)) if width is None else width


def _parents_first(graphs: Repair) -> Iterator[str]:
    """Every cell after its parent. A stack, as a tissue may be nested deeper than Python recurses."""
    children = {child for members in graphs.pc_graph.values() for child in members}
    stack = [cell for cell in reversed(graphs.cells) if cell not in children]
    while stack:
        cell = stack.pop()
        yield cell
        stack.extend(reversed(graphs.pc_graph.get(cell, ())))


def _place_top_level(graphs: Repair, boxes: Mapping[str, _Box], placed: set[str]) -> None:
    children = {child for members in graphs.pc_graph.values() for child in members}
    top_level = [cell for cell in graphs.cells if cell not in children]
    before: dict[str, str] = {}
    for one in top_level:
        for after in graphs.np_graph.get(one, ()):
            if after not in children:
                before.setdefault(after, one)
    taken = [boxes[cell] for cell in top_level if cell in placed]
    floor = max((box.bottom for box in taken), default=-math.inf)
    previous: str | None = None
    comparisons = 0
    for cell in top_level:
        for waiting in _waiting_chain(cell, before, placed):
            box = boxes[waiting]
            above = before.get(waiting)
            top, left = _below(above if above in placed else previous, boxes)
            if top >= floor + GAP:  # below everything nothing can be in the way: the usual case, and cheap
                box.top, box.left = top, left
            elif (comparisons := comparisons + len(taken)) <= _MOST_COMPARISONS:
                _put(box, (top, left), taken)
            else:
                box.top, box.left = _snap(floor + GAP), left
            taken.append(box)
            floor = max(floor, box.bottom)
            placed.add(waiting)
        previous = cell


def _waiting_chain(cell: str, before: Mapping[str, str], placed: set[str]) -> Iterable[str]:
    """``cell`` and those it must go below, the first of them first; nothing if it has its place."""
    chain: dict[str, None] = {}
    step: str | None = cell
    while step is not None and step not in placed and step not in chain:
        chain[step] = None
        step = before.get(step)
    return reversed(chain)


def _below(other: str | None, boxes: Mapping[str, _Box]) -> tuple[int, int]:
    if other is None:
        return ORIGIN_TOP, ORIGIN_LEFT
    return _snap(boxes[other].bottom + GAP), _snap(boxes[other].left)


def _put(box: _Box, wish: tuple[int, int], taken: Sequence[_Box]) -> None:
    """Move ``box`` to ``wish`` or, where that is taken, to the right of what is in the way."""
    box.top, box.left = wish
    row = [other for other in taken if box.top < other.bottom + GAP and other.top < box.bottom + GAP]
    for other in sorted(row, key=lambda one: one.left):
        # From left to right, so what was passed is never met again.
        if box.left < other.right + GAP and other.left < box.right + GAP:
            box.left = _snap(other.right + GAP)


def _place_children(graphs: Repair, boxes: Mapping[str, _Box], placed: set[str]) -> None:
    for parent in _parents_first(graphs):
        members = graphs.pc_graph.get(parent, ())
        if not members:
            continue
        tissue = boxes[parent]
        top = _snap(tissue.bottom - _stacked(boxes[child] for child in members))
        for child in members:
            box = boxes[child]
            if child not in placed:
                box.top, box.left = top, _snap(tissue.left + INSET)
                placed.add(child)
            top = _snap(box.bottom + GRID)


# ---------------------------------------------------------------------------------------------- estimated sizes


def _snap(value: float) -> int:
    """Up to the grid."""
    return math.ceil(value / GRID) * GRID


def _title_height(cell: CellValue) -> int:
    """The height of a cell without children, or of what a tissue shows above its children."""
    lines = _lines(cell.source, most=200)
    if cell.type == "markdown":
        lines += _HEADING_LINES.get(heading_level(cell.source) or 0, 1) - 1
    outputs = sum(_output_height(output) for output in cell.outputs[:20] if isinstance(output, dict))
    return _snap(GAP + lines * _LINE + min(outputs, 800))


def _lines(text: object, most: int) -> int:
    """Lines that ``text`` takes when wrapped, at least 1, at most ``most``."""
    total = 0
    for line in str(text)[: most * _COLUMNS].split("\n"):
        total += max(1, math.ceil(len(line) / _COLUMNS))
    return min(total, most)


def _output_height(output: JsonObject) -> int:
    data = output.get("data")
    if not isinstance(data, dict):
        text = output.get("text", output.get("traceback"))
        return _LINE * (len(text) if isinstance(text, list) else _lines(text, most=40))
    if any(mime.startswith("image/") for mime in data):
        return 400
    if "text/html" in data:
        return 300
    return _LINE * _lines(data.get("text/plain", ""), most=40)
