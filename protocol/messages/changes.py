"""What the server writes into the document, as values."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from protocol.values import JsonObject


class SetCell(msgspec.Struct, frozen=True):
    """Set server-owned or layout keys of one cell's Map. Unknown cells are ignored."""

    cell_id: str
    values: JsonObject


class WriteOutputs(msgspec.Struct, frozen=True):
    """Replace ``outputs[start:]`` of one cell. ``start`` beyond the end means: from the end (not idempotent)."""

    cell_id: str
    start: int
    outputs: tuple[JsonObject, ...]


class ReplaceOutput(msgspec.Struct, frozen=True):
    """Replace the one output at ``index`` if it exists (``update_display_data`` in another cell)."""

    cell_id: str
    index: int
    data: JsonObject
    metadata: JsonObject


class SetKernel(msgspec.Struct, frozen=True):
    """Set keys of the ``kernel`` Map."""

    values: JsonObject


class SetNotebookMetadata(msgspec.Struct, frozen=True):
    """Merge keys into the notebook's metadata (``language_info``, ``kernelspec``)."""

    values: JsonObject


class SetSource(msgspec.Struct, frozen=True):
    """Let a cell say something else, by the smallest edits. Unknown cells are ignored."""

    cell_id: str
    source: str


class InsertCell(msgspec.Struct, frozen=True):
    """A new code cell behind ``after``, in its tissue or its flow. Idempotent; without ``after``, nothing."""

    after: str
    cell_id: str
    source: str


Change: TypeAlias = (
    SetCell | WriteOutputs | ReplaceOutput | SetKernel | SetNotebookMetadata | SetSource | InsertCell
)
