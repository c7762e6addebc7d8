"""The file of a notebook whose large values lie elsewhere, in pieces: one of them at a time is in memory.

The pieces joined are what :func:`protocol.notebook_file.dump` makes of the notebook with the values in it. Their
places are found by writing marks there: what stands around a value does not depend on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256

import msgspec

from protocol.blobs import Read, Reference, value_of, with_values
from protocol.notebook_file import dump
from protocol.output_form import is_json, is_split, words
from protocol.values import CellValue, Json, JsonObject, NotebookValue


class NoValue(Exception):
    """``args[0]``: the name of a value that is not there, or is not what was kept."""


class _Place(msgspec.Struct, frozen=True):
    mime: str
    reference: Reference


class Pieces:
    """``slim``: the file with references in it. ``missing``: names of values that are not there: their references
    stay in the file."""

    def __init__(self, notebook: NotebookValue, slim: bytes, missing: Collection[str] = ()) -> None:
        self._missing = missing
        self._places: list[_Place] = []
        # No file contains its own hash, so nothing in it looks like a mark.
        self._mark = f"blob-{sha256(slim).hexdigest()}-"
        marked = msgspec.structs.replace(notebook, cells=tuple(map(self._marked, notebook.cells)))
        self._template = dump(marked) if self._places else slim

    def _marked(self, cell: CellValue) -> CellValue:
        return msgspec.structs.replace(cell, outputs=tuple(map(self._marked_output, cell.outputs)))

    def _marked_output(self, output: JsonObject) -> JsonObject:
        data = output.get("data")
        return {**output, "data": with_values(data, self._mark_of)} if isinstance(data, dict) else output

    def _mark_of(self, mime: str, reference: Reference) -> Json:
        if reference.sha256 in self._missing:
            raise KeyError(mime)
        self._places.append(_Place(mime, reference))
        return f"{self._mark}{len(self._places) - 1}"

    def read(self, read: Read) -> Iterator[bytes]:
        """Raises :class:`NoValue`."""
        done = 0
        for found in re.finditer(rb'"%s(\d+)"' % self._mark.encode(), self._template):
            yield self._template[done : found.start()]
            line = self._template.rfind(b"\n", 0, found.start()) + 1
            indent = len(self._template[line : found.start()]) - len(self._template[line : found.start()].lstrip())
            yield _written(self._places[int(found[1])], read, indent)
            done = found.end()
        yield self._template[done:]


def _written(place: _Place, read: Read, indent: int) -> bytes:
    """A value as the file says it, at the depth of its line."""
    data = read(place.reference.sha256)
    if data is None:
        raise NoValue(place.reference.sha256)
    try:
        value = value_of(place.mime, place.reference, data)
    except ValueError:
        raise NoValue(place.reference.sha256) from None
    break_ = "\n" + " " * indent
    if is_json(place.mime):
        text = json.dumps(
            value, indent=1, sort_keys=True, separators=(",", ": "), ensure_ascii=False, allow_nan=False
        )
        return text.replace("\n", break_).encode()
    if is_split(place.mime):
        lines = words(value).splitlines(True)
        return f",{break_}".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    return json.dumps(words(value), ensure_ascii=False).encode()


def length_and_hash(pieces: Iterable[bytes]) -> tuple[int, str]:
    """Of all of them joined, the hash as SHA-256 in hex."""
    size, hash_ = 0, sha256()
    for piece in pieces:
        size += len(piece)
        hash_.update(piece)
    return size, hash_.hexdigest()
