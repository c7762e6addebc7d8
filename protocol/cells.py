"""One cell's Map in the shared document: reading it into values, writing the keys that the server owns.

Clients may have written anything: each reader accepts anything and gives a value of the right type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

import msgspec
from pycrdt import Array, Map, Text

from protocol.ids import ROOT_NAMES
from protocol.messages.changes import ReplaceOutput, SetCell, WriteOutputs
from protocol.run_words import source_crc
from protocol.values import CellValue, Json, JsonObject, Number, alike, shareable

Shared = Any

OWNED_KEYS = frozenset({"state", "execution_count", "outputs", "queued", "run"})
CELL_TYPES = ("code", "markdown", "raw")
COLLAPSED = ("i", "o", "b")


class Owned(msgspec.Struct):
    """The server's own copy of what it owns of one cell; ``outputs`` in document form."""

    state: str = "idle"
    execution_count: int | None = None
    outputs: list[JsonObject] = msgspec.field(default_factory=list)
    queued: JsonObject | None = None
    run: JsonObject | None = None


def may_name_a_cell(item: object) -> bool:
    """Whether an item of ``cells`` can be a cell's id."""
    return isinstance(item, str) and 0 < len(item) <= 64 and item not in ROOT_NAMES


def text_of(shared: object) -> str:
    return str(shared) if isinstance(shared, str | Text) else ""


def _whole(value: object) -> Number | None:
    """A finite number, as an int where it is whole: the document holds floats only."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if float(value).is_integer() else value


def _count(value: object) -> int | None:
    number = _whole(value)
    return number if isinstance(number, int) else None


def read_owned(shared: Shared) -> Owned:
    outputs = shared.get("outputs")
    held = outputs.to_py() if isinstance(outputs, Array) else outputs
    return Owned(
        state=str(shared.get("state") or "idle"),
        execution_count=_count(shared.get("execution_count")),
        outputs=[item for item in held or [] if isinstance(item, dict)] if isinstance(held, list) else [],
        queued=plain_of(shared.get("queued")),
        run=plain_of(shared.get("run")),
    )


def read(cell_id: str, shared: Shared, owned: Owned | None) -> CellValue:
    """The cell as a value. ``owned``: the server's copy of its own keys, cheaper than reading them back."""
    held = owned or read_owned(shared)
    kind = shared.get("type")
    collapsed = shared.get("collapsed")
    metadata, attachments = shared.get("metadata"), shared.get("attachments")
    source = text_of(shared.get("source"))
    return CellValue(
        id=cell_id,
        type=kind if kind in CELL_TYPES else "raw" if kind is not None else "code",
        source=source,
        execution_count=held.execution_count,
        outputs=tuple(held.outputs),
        top=_whole(shared.get("top")),
        left=_whole(shared.get("left")),
        height=_whole(shared.get("height")),
        width=_whole(shared.get("width")),
        collapsed=collapsed if collapsed in COLLAPSED else None,
        metadata=with_run(plain_of(metadata) or {}, held.run, source),
        attachments=plain_of(attachments),
    )


def with_run(metadata: JsonObject, run: JsonObject | None, source: str) -> JsonObject:
    """A cell's metadata as the file has it: with what the last run left to tell. Nothing is known of it: as it is.

    ``execution``: when the kernel said what, as JupyterLab records it. ``gm.source_crc``: of what ran, only where
    the source says something else by now, so that a notebook that ran as it is has nothing more in its file.
    """
    if run is None:
        return metadata
    told = {key: value for key, value in metadata.items() if key not in ("execution", "gm")}
    gm = metadata.get("gm")
    ours = {key: value for key, value in gm.items() if key != "source_crc"} if isinstance(gm, dict) else {}
    if run.get("source_crc") != source_crc(source):
        ours["source_crc"] = run.get("source_crc")
    if ours:
        told["gm"] = ours
    if execution := run.get("execution"):
        told["execution"] = execution
    return told


def plain_of(value: object) -> JsonObject | None:
    held = value.to_py() if isinstance(value, Map) else value
    return held if isinstance(held, dict) else None


def change(shared: Shared, owned: Owned, wanted: SetCell | WriteOutputs | ReplaceOutput) -> None:
    """Make one of the server's changes in one cell, in the document and in the server's own copy."""
    match wanted:
        case SetCell(_, values):
            for key, value in values.items():
                _set_key(shared, owned, key, shareable(value))
        case WriteOutputs(_, start, outputs):
            _write_outputs(shared, owned, start, outputs)
        case ReplaceOutput(_, index, data, metadata):
            if 0 <= index < len(owned.outputs):
                _replace_output(shared, owned, index, {"data": data, "metadata": metadata})
        case _:
            assert_never(wanted)


def _set_key(shared: Shared, owned: Owned, key: str, value: Json) -> None:
    """Set one plain key, remembering it if it is the server's; writes nothing that is there already."""
    if key == "state":
        owned.state = str(value)
    elif key == "execution_count":
        owned.execution_count = _count(value)
    elif key == "queued":
        owned.queued = value if isinstance(value, dict) else None
    elif key == "run":
        owned.run = value if isinstance(value, dict) else None
    if value is None and key in ("queued", "run") and key not in shared:
        return
    if key not in shared or shared.get(key) != value:
        shared[key] = value


def _write_outputs(shared: Shared, owned: Owned, start: int, outputs: Iterable[JsonObject]) -> None:
    """Replace ``outputs[start:]``. Whole objects: an operation per line of output would be quadratic."""
    fresh = [clean for item in outputs if isinstance(clean := shareable(item), dict)]
    start = min(max(start, 0), len(owned.outputs))
    array = shared.get("outputs")
    if not isinstance(array, Array) or len(array) != len(owned.outputs):
        owned.outputs = owned.outputs[:start] + fresh
        shared["outputs"] = Array(owned.outputs)
        return
    if start < len(owned.outputs):
        del array[start:]
    owned.outputs = owned.outputs[:start] + fresh
    if fresh:
        array.extend(fresh)


def _replace_output(shared: Shared, owned: Owned, index: int, fresh: JsonObject) -> None:
    """Give the output at ``index`` other data and metadata, keeping its type and execution count."""
    new = shareable({**owned.outputs[index], **fresh})
    if not isinstance(new, dict):
        return
    owned.outputs[index] = new
    array = shared.get("outputs")
    if isinstance(array, Array) and index < len(array):
        array[index] = new


def restore_owned(shared: Shared, owned: Owned) -> None:
    """Put the server's keys back as the server knows them."""
    for key, value in (("state", owned.state), ("execution_count", owned.execution_count)):
        if key not in shared or not alike(shared.get(key), value):
            shared[key] = value
    for key, told in (("queued", owned.queued), ("run", owned.run)):
        if not alike(shared.get(key), told):
            shared[key] = told
    array = shared.get("outputs")
    if not isinstance(array, Array) or not alike(list(array), owned.outputs):
        shared["outputs"] = Array(owned.outputs)


def read_graph(shared: Shared) -> dict[str, tuple[str, ...]]:
    """A graph root as values; whatever is not an id is left out."""
    return {
        str(key): tuple(item for item in members if isinstance(item, str))
        for key, members in (shared.to_py() or {}).items()
        if isinstance(members, list)
    }


def write_graph(shared: Shared, held: Mapping[str, object], wanted: Mapping[str, tuple[str, ...]]) -> None:
    """Make a graph root equal ``wanted``, changing only the keys that differ from ``held``."""
    for key in held:
        if key not in wanted:
            del shared[key]
    for key, members in wanted.items():
        if held.get(key) != list(members):
            shared[key] = Array(list(members))
