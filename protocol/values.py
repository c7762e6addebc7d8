"""A notebook as plain values: what the file, the document and the checkpointer exchange.

Nothing here is alive: no Doc, no socket, no dict that somebody else still changes. Outputs are in *document
form* (see SPEC.md, D-4): nbformat 4.5 output objects, text as one string, except that ``text/html`` and
``text/markdown`` in a mime bundle are one-element lists.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

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


VersionReason: TypeAlias = Literal["opened", "autosave", "save", "before merge", "file", "merge", "before restore"]


class Version(msgspec.Struct, frozen=True):
    """What the notebook was once. ``time``: seconds since 1970. ``size``: of the file, in bytes.

    ``reason``: the file as it was "opened"; an "autosave", or a "save" that somebody asked for; a "merge" of what
    another program had written, "before merge" ours and "file" theirs; "before restore" of another version.
    """

    id: int
    time: float
    reason: VersionReason
    cells: int
    size: int


# Nesting some hundred times deeper crashes the document library's reader for everyone.
MAX_DEPTH = 64
_INT64 = 2**63


class TooDeep(Exception):
    """More containers inside one another than a notebook may hold."""


def plain(value: object, depth: int = MAX_DEPTH, instead: str | None = None) -> Json:
    """JSON in new containers that nothing downstream stumbles over: whole numbers as ints, no NaN or infinity
    (null, as browsers have it), no lone surrogates, no int beyond 64 bits (a float), no other types (null).

    What lies deeper than ``depth`` containers is replaced by ``instead``; without it :class:`TooDeep`.
    """
    if isinstance(value, str):
        return encodable(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return finite(value)
    if not isinstance(value, dict | list | tuple):
        return None
    if depth <= 0:
        if instead is None:
            raise TooDeep
        return instead
    if isinstance(value, dict):
        return {
            encodable(key): plain(one, depth - 1, instead) for key, one in value.items() if isinstance(key, str)
        }
    return [plain(one, depth - 1, instead) for one in value]


def alike(held: object, wanted: object) -> bool:
    """Whether a value in the document is this plain value, to everyone who reads it: no shared type that only
    reads the same, and no number that Python takes for true or false."""
    if isinstance(wanted, dict):
        return (
            isinstance(held, dict)
            and held.keys() == wanted.keys()
            and all(alike(held[key], value) for key, value in wanted.items())
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(held, list)
            and len(held) == len(wanted)
            and all(alike(inner, value) for inner, value in zip(held, wanted, strict=True))
        )
    if isinstance(held, bool) or isinstance(wanted, bool):
        return held is wanted
    return held == wanted and isinstance(held, int | float | str | bytes | bytearray | None)


def shareable(value: object) -> Json:
    """``value`` as the shared document can hold it: :func:`plain`, with a note in place of what is too deep."""
    return plain(value, instead=f"(nested deeper than {MAX_DEPTH} levels: left out)")


def finite(value: int | float) -> Number | None:
    """As JSON and the document can hold it: whole numbers of up to 64 bits as ints, None for what is infinite."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        # Beyond 2**53 a float is no exact integer, and its digits would be invented ones.
        return int(value) if value.is_integer() and abs(value) <= 2**53 else value
    if -_INT64 <= value < _INT64:
        return value
    try:
        return float(value)
    except OverflowError:
        return None


def encodable(value: str) -> str:
    """Text that has a UTF-8 form."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
