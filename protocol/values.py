"""A notebook as plain values: what the file, the document and the checkpointer exchange.

Nothing here is alive: no Doc, no socket, no dict that somebody else still changes. Outputs are in *document
form* (see SPEC.md, D-4): nbformat 4.5 output objects, text as one string, except that ``text/html`` and
``text/markdown`` in a mime bundle are one-element lists.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
JsonObject: TypeAlias = "dict[str, Json]"

Number: TypeAlias = int | float


class CellValue(msgspec.Struct, frozen=True, kw_only=True):
    """One cell. Pixel values are canvas pixels; whole numbers are ints."""

    id: str
    type: str  # "code", "markdown" or "raw"
    source: str = ""
    execution_count: int | None = None
    outputs: tuple[JsonObject, ...] = ()
    top: Number | None = None
    left: Number | None = None
    height: Number | None = None
    width: Number | None = None
    collapsed: str | None = None  # "i" input, "o" output, "b" both
    metadata: JsonObject = {}  # all but the five keys above under "gm"; foreign keys under "gm" stay here
    attachments: JsonObject | None = None


class NotebookValue(msgspec.Struct, frozen=True, kw_only=True):
    """A whole notebook. Graph keys and members name cells of ``cells``."""

    cells: tuple[CellValue, ...] = ()
    np_graph: dict[str, tuple[str, ...]] = {}
    pc_graph: dict[str, tuple[str, ...]] = {}
    metadata: JsonObject = {}  # all but gm.np_graph and gm.pc_graph; foreign keys under "gm" stay here
