"""A notebook as plain values: what the file, the document and the checkpointer exchange.

Nothing here is alive: no Doc, no socket, no dict that somebody else still changes. Outputs are in *document
form* (see SPEC.md, D-4): nbformat 4.5 output objects, text as one string, except that ``text/html`` and
``text/markdown`` in a mime bundle are one-element lists.
"""

from __future__ import annotations

from math import isfinite
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
    """A whole notebook. Graph keys and members name cells of ``cells``.

    ``drawn``: somebody (the file, the server) has decided the graphs; False for a file of another program.
    """

    cells: tuple[CellValue, ...] = ()
    np_graph: dict[str, tuple[str, ...]] = {}
    pc_graph: dict[str, tuple[str, ...]] = {}
    metadata: JsonObject = {}  # all but gm.np_graph and gm.pc_graph; foreign keys under "gm" stay here
    drawn: bool = True


# Deeper nesting than this crashes the document library's reader for everyone: it never gets in.
MAX_DEPTH = 64
_INT64 = 2**63


def shareable(value: object, depth: int = MAX_DEPTH) -> Json:
    """``value`` as the shared document can hold it, at every depth.

    Integers beyond int64 become floats, NaN and infinities null, lone surrogates U+FFFD, keys strings, tuples
    lists; what is nested deeper than ``depth`` becomes a string that says so; other objects their ``str``.
    """
    match value:
        case None | bool():
            return value
        case str():
            return _encodable(value)
        case int():
            return value if -_INT64 <= value < _INT64 else _finite(value)
        case float():
            return _finite(value)
        case dict() if depth:
            return {_encodable(str(key)): shareable(item, depth - 1) for key, item in value.items()}
        case list() | tuple() if depth:
            return [shareable(item, depth - 1) for item in value]
        case dict() | list() | tuple():
            return f"(nested deeper than {MAX_DEPTH} levels: left out)"
        case _:
            return _encodable(str(value))


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
