"""Large values of outputs, kept beside the document, which holds references: the hashes of their bytes.

A bundle that gave values away has ``application/vnd.ganimede.blobs+json``: mime → ``{"sha256", "size"}``, and
``"base64"`` where the bytes are what the value was base64 of (how its lines were broken, so that it can be put
back to the letter). ``"text/plain": null`` in it: the bundle had no such text, and the line that stands there says
to clients that know no references what is missing. A reference depends on the value alone, so that the same file
always seeds the same document. SPEC.md, section B.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

import msgspec

from protocol.output_form import LISTED, as_count, is_json
from protocol.output_gap import shortened, size_in_words
from protocol.packed_text import FORMS, pack, unpack
from protocol.values import CellValue, Json, JsonObject, NotebookValue

MIME = "application/vnd.ganimede.blobs+json"
LIMIT = 65_536

PLAIN = "text/plain"
_GLIMPSE = 2_000  # characters of a large text that stay in the document
_NAME = re.compile(r"[0-9a-f]{64}")
_TEXT = re.compile(r"text/.*|application/(javascript|xml)|.*\+xml")


class Blob(msgspec.Struct, frozen=True):
    """One value on its way to the disk. ``name``: SHA-256 of ``data``."""

    name: str
    mime: str
    data: bytes


class Reference(msgspec.Struct, frozen=True):
    """``base64``: empty if the bytes are the value's text in UTF-8; else the value is base64 of them, "plain", in
    one "line" with its end, or in "lines" of 76 characters."""

    sha256: str
    size: int
    base64: str = ""


Keep = Callable[[Blob], None]
Read = Callable[[str], "bytes | None"]


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


# ------------------------------------------------------------------------------------------------- taking apart


def carve(bundle: JsonObject, limit: int) -> tuple[JsonObject, tuple[Blob, ...]]:
    """The bundle, in document form, with references in place of values of more than ``limit`` bytes, and these."""
    held = references(bundle)
    if MIME in bundle and not held:
        return bundle, ()  # somebody else's
    kept: JsonObject = {}
    entries: JsonObject = dict(_entries(bundle))
    blobs: list[Blob] = []
    for mime, value in bundle.items():
        carved = _carved(mime, value, limit) if mime != MIME and mime not in entries else None
        if carved is None:
            kept[mime] = value
            continue
        blob, form = carved
        blobs.append(blob)
        entry: JsonObject = {"sha256": blob.name, "size": len(blob.data)}
        entries[mime] = entry | {"base64": form} if form else entry
        if mime == PLAIN:
            kept[PLAIN] = shortened(str(value), _GLIMPSE)
    if not blobs:
        return bundle, ()
    if PLAIN not in kept:
        kept[PLAIN] = " ".join(f"[{blob.mime} of {size_in_words(len(blob.data))}]" for blob in blobs)
        entries[PLAIN] = None
    kept[MIME] = {mime: entries[mime] for mime in sorted(entries)}
    return kept, tuple(blobs)


def _carved(mime: str, value: Json, limit: int) -> tuple[Blob, str] | None:
    """The value's bytes, and how it is base64 of them; None if it stays."""
    data, form = b"", ""
    if is_json(mime):
        if isinstance(value, bool | int | float | None):
            return None
        data = msgspec.json.encode(value, order="deterministic")
    else:
        if isinstance(value, list) and mime in LISTED and len(value) == 1:
            value = value[0]
        if not isinstance(value, str) or len(value) * 4 <= limit:
            return None
        try:
            data = value.encode()
        except UnicodeEncodeError:
            return None
    if len(data) <= limit:
        return None
    if not is_json(mime) and not _TEXT.fullmatch(mime):
        data, form = unpack(data) or (data, "")
    return Blob(sha256(data).hexdigest(), mime, data), form


def carve_output(output: JsonObject, limit: int, keep: Keep) -> JsonObject:
    """An output in document form; ``keep`` gets what it gives away, before this returns."""
    data = output.get("data")
    if not isinstance(data, dict):
        return output
    carved, blobs = carve(data, limit)
    for blob in blobs:
        keep(blob)
    return {**output, "data": carved} if blobs else output


def carve_notebook(notebook: NotebookValue, limit: int, keep: Keep) -> NotebookValue:
    """The notebook with references; cells that give nothing away are the same objects."""
    cells = tuple(_carve_cell(cell, limit, keep) for cell in notebook.cells)
    if all(new is old for new, old in zip(cells, notebook.cells, strict=True)):
        return notebook
    return msgspec.structs.replace(notebook, cells=cells)


def _carve_cell(cell: CellValue, limit: int, keep: Keep) -> CellValue:
    outputs = tuple(carve_output(output, limit, keep) for output in cell.outputs)
    if all(new is old for new, old in zip(outputs, cell.outputs, strict=True)):
        return cell
    return msgspec.structs.replace(cell, outputs=outputs)


# ------------------------------------------------------------------------------------------------- put together


def references(bundle: JsonObject) -> dict[str, Reference]:
    """What a bundle refers to, by mime; nothing of what only looks like references."""
    found = {mime: reference for mime, entry in _entries(bundle).items() if (reference := _reference(entry))}
    return {} if any(not (mime in found or _is_line(mime, e)) for mime, e in _entries(bundle).items()) else found


def _entries(bundle: JsonObject) -> JsonObject:
    entries = bundle.get(MIME)
    return entries if isinstance(entries, dict) else {}


def _is_line(mime: str, entry: Json) -> bool:
    return mime == PLAIN and entry is None


def _reference(entry: Json) -> Reference | None:
    if not isinstance(entry, dict):
        return None
    name, form = entry.get("sha256"), entry.get("base64", "")
    size = as_count(entry.get("size"))  # the document holds floats only
    if not isinstance(name, str) or not is_name(name) or size is None or form not in ("", *FORMS):
        return None
    return Reference(name, size, str(form))


def value_of(mime: str, reference: Reference, data: bytes) -> Json:
    """The value in document form that the bytes were made of. Raises ValueError for bytes that are none."""
    if is_json(mime):
        decoded: Json = msgspec.json.decode(data)
        return decoded
    text = (pack(data, reference.base64) if reference.base64 else data).decode()
    return [text] if mime in LISTED else text


def with_values(bundle: JsonObject, value: Callable[[str, Reference], Json]) -> JsonObject:
    """The bundle with values for references. ``value`` raises KeyError where there is none; then it stays one."""
    held = references(bundle)
    values: JsonObject = {}
    for mime, reference in held.items():
        try:
            values[mime] = value(mime, reference)
        except KeyError:
            continue
    if not values:
        return bundle
    entries = _entries(bundle)
    left: JsonObject = {mime: entry for mime, entry in entries.items() if mime not in values}
    whole = {mime: each for mime, each in bundle.items() if mime != MIME} | values
    if left.keys() - {PLAIN}:
        whole[MIME] = left
    elif PLAIN in left:
        if left[PLAIN] is None:
            del whole[PLAIN]
        else:
            whole[MIME] = left
    return whole


def whole_output(output: JsonObject, read: Read) -> JsonObject:
    """The output with the values themselves, of those that ``read`` finds."""

    def value(mime: str, reference: Reference) -> Json:
        data = read(reference.sha256)
        if data is None:
            raise KeyError(mime)
        try:
            return value_of(mime, reference, data)
        except ValueError:
            raise KeyError(mime) from None

    data = output.get("data")
    return {**output, "data": with_values(data, value)} if isinstance(data, dict) and MIME in data else output


# -------------------------------------------------------------------------------------------------- looking at


def named_by(outputs: Iterable[JsonObject]) -> Iterator[Reference]:
    """What outputs refer to, in order."""
    for output in outputs:
        data = output.get("data")
        if isinstance(data, dict) and MIME in data:
            yield from references(data).values()


def named_in(notebook: NotebookValue) -> list[str]:
    return [reference.sha256 for cell in notebook.cells for reference in named_by(cell.outputs)]


def weight(bundle: JsonObject) -> int:
    """Bytes of what a bundle refers to."""
    return sum(reference.size for reference in references(bundle).values())
