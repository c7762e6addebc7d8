"""Notebook files: nbformat JSON in bytes to :class:`NotebookValue` and back.

Reading is liberal: what nbformat 4.5 does not allow but people's files hold is repaired where nothing is lost
by it, and what has no place in a valid file moves to ``metadata.gm.extra`` of its cell or notebook. Writing is
strict: every :func:`dump` is a valid nbformat 4.5 file in nbformat's own formatting, whatever clients wrote.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import groupby
from typing import Any, TypeAlias

import nbformat
from nbformat import v2, v3, v4, validator

from protocol.graph import Graph, repair
from protocol.ids import settle_ids
from protocol.values import MAX_DEPTH, CellValue, Json, JsonObject, NotebookValue, Number

Raw: TypeAlias = "dict[str, Any]"  # an object as it was found: nothing is known about its values

# nbformat has no annotations here.
_get_validator: Callable[..., Any] = validator.get_validator
_upgrade_to_v2: Callable[..., Any] = v2.convert.upgrade
_upgrade_to_v3: Callable[..., Any] = v3.convert.upgrade
_upgrade_cell: Callable[..., Any] = v4.convert.upgrade_cell
_as_node: Callable[..., Any] = nbformat.from_dict

_KINDS = ("code", "markdown", "raw")
_PLACE = ("top", "left", "height", "width")
_KNOWN_KEYS = {
    "notebook": {"cells", "metadata", "nbformat", "nbformat_minor", "orig_nbformat", "orig_nbformat_minor"},
    "code": {"id", "cell_type", "metadata", "source", "outputs", "execution_count"},
    "markdown": {"id", "cell_type", "metadata", "source", "attachments"},
    "raw": {"id", "cell_type", "metadata", "source", "attachments"},
    "stream": {"output_type", "name", "text"},
    "error": {"output_type", "ename", "evalue", "traceback"},
    "display_data": {"output_type", "data", "metadata"},
    "execute_result": {"output_type", "data", "metadata", "execution_count"},
}
# What nbformat itself leaves out on reading and writing.
_TRANSIENT = {"notebook": {"orig_nbformat", "orig_nbformat_minor", "signature"}}
_TRANSIENT_IN_CELLS = {"trusted"}

_TOO_DEEP = f"This notebook cannot be opened: something in it is nested deeper than {MAX_DEPTH} levels."
_TOO_DEEP_NOTE = f"[left out: nested deeper than {MAX_DEPTH} levels]"


class NotebookFileError(ValueError):
    """These bytes are no notebook that we can read. ``str(error)`` is one sentence for people."""


class _TooDeep(Exception):
    pass


# ----------------------------------------------------------------------------------------------- reading a file


def load(data: bytes) -> NotebookValue:
    """The notebook in a file's bytes. An empty file is an empty notebook. :class:`NotebookFileError` otherwise.

    Formats 1 to 4.5 are read, and a newer 4.x that holds nothing new. Cells keep their ids where valid; others
    get one that depends on nothing but ``data``. Graphs are repaired; they are not derived from headings here:
    ``drawn`` says whether the file carried any.
    """
    text = _decoded(data)
    if not text.strip():
        return NotebookValue(drawn=False)
    try:
        return _notebook(_parse(text), sha256(data).digest())
    except (_TooDeep, RecursionError):
        raise NotebookFileError(_TOO_DEEP) from None


def _decoded(data: bytes) -> str:
    try:
        return data.decode(json.detect_encoding(data))  # knows a BOM
    except UnicodeDecodeError:
        raise NotebookFileError("This file is not a notebook: it is not UTF-8 text.") from None


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if re.search(r"^(<<<<<<<|>>>>>>>) ", text, re.MULTILINE):
            sentence = "This notebook holds the marks of a merge conflict: resolve it first, then open it again."
        else:
            sentence = (
                "This file is not a notebook: it is not valid JSON "
                f"(line {error.lineno}, column {error.colno}: {error.msg})."
            )
        raise NotebookFileError(sentence) from None
    except ValueError:  # a number of more digits than Python converts; as a float it is merely imprecise
        return json.loads(text, parse_int=float)


def _notebook(raw: object, digest: bytes) -> NotebookValue:
    if not isinstance(raw, dict):
        raise NotebookFileError("This file is JSON but not a notebook: it does not hold an object.")
    raw = _as_v4(raw)
    found = raw.get("cells")
    if not isinstance(found, list):
        raise NotebookFileError("This file is JSON but not a notebook: it has no list of cells.")
    for number, cell in enumerate(found, 1):
        if not isinstance(cell, dict):
            raise NotebookFileError(f"This notebook cannot be opened: its cell {number} is not an object.")
    ids = settle_ids([cell.get("id") for cell in found], digest)
    cells = tuple(
        _cell(cell, cell_id, number) for number, (cell, cell_id) in enumerate(zip(found, ids, strict=True), 1)
    )
    extra = _unknown(raw, "notebook")
    metadata = _settle_metadata(raw.get("metadata"), "notebook", extra)
    gm = _pop_gm(metadata)
    drawn = isinstance(gm.get("np_graph"), dict) or isinstance(gm.get("pc_graph"), dict)
    graphs = repair(ids, _edges(gm.pop("np_graph", None)), _edges(gm.pop("pc_graph", None)))
    return NotebookValue(
        cells=cells,
        np_graph=graphs.np_graph,
        pc_graph=graphs.pc_graph,
        metadata=_plain_object(_with_gm(metadata, gm, extra)),
        drawn=drawn,
    )


def _cell(raw: Raw, cell_id: str, number: int) -> CellValue:
    kind = raw.get("cell_type")
    extra: Raw = {}
    if kind in ("heading", "html"):  # format 3's, also met in files that say 4
        raw = _upgrade_cell(_as_node(_tame_heading(raw)))
        kind = "markdown"
    if kind not in _KINDS:
        kind, extra = "raw", _filled({"cell_type": kind})
    extra |= _unknown(raw, kind)
    source = _joined(raw.get("source") or "")
    if source is None:
        raise NotebookFileError(f"This notebook cannot be opened: the source of its cell {number} is not text.")
    outputs = _load_outputs(raw.get("outputs"), extra) if kind == "code" else ()
    attachments = _attachments(raw.get("attachments"), extra) if kind != "code" else None
    metadata = _settle_metadata(raw.get("metadata"), kind, extra)
    gm = _pop_gm(metadata)
    collapsed = gm.pop("collapsed", None)
    top, left, height, width = (_pixels(gm.pop(key, None)) for key in _PLACE)
    return CellValue(
        id=cell_id,
        type=kind,
        source=source,
        execution_count=_count(raw.get("execution_count")) if kind == "code" else None,
        outputs=outputs,
        top=top,
        left=left,
        height=height,
        width=width,
        collapsed=collapsed if collapsed in ("i", "o", "b") else None,
        metadata=_plain_object(_with_gm(metadata, gm, extra)),
        attachments=attachments,
    )


def _load_outputs(found: Any, extra: Raw) -> tuple[JsonObject, ...]:
    if not isinstance(found, list):
        extra.update(_filled({"outputs": found}))
        return ()
    left_over: Raw = {}
    outputs: list[JsonObject] = []
    for index, raw in enumerate(found):
        output = _plain_object(raw) if isinstance(raw, dict) else {"value": plain(raw)}
        kind = output.get("output_type")
        if isinstance(kind, str) and (unknown := _unknown(output, kind)):
            left_over[str(index)] = unknown
        outputs.append(document_output(output))
    if left_over:
        extra["outputs"] = left_over
    return tuple(_merge_streams(outputs))


# ------------------------------------------------------------------------------------------------ older formats


def _as_v4(raw: Raw) -> Raw:
    """The notebook with format 4's keys, its cells not yet looked at."""
    major = plain(raw["nbformat"]) if "nbformat" in raw else _guess_format(raw)
    if isinstance(major, bool) or not isinstance(major, int) or major < 1:
        raise NotebookFileError("This file is JSON but not a notebook: it names no format that exists.")
    if major > 4:
        raise NotebookFileError(f"This notebook is of format {major}, newer than the format 4 that can be read.")
    if major < 4:
        return _from_old_format(raw, major)
    minor = plain(raw.get("nbformat_minor", 0))
    if isinstance(minor, int) and minor > 5 and any(_get_validator(4, 5).iter_errors(raw)):
        raise NotebookFileError(
            f"This notebook is of format 4.{minor} and holds something that the format 4.5 does not know."
        )
    return raw


def _guess_format(raw: Raw) -> int:
    """For a file that names none: format 1 never did; its cells hold "code" or "text", not "source"."""
    cells = raw.get("cells")
    if not isinstance(cells, list):
        raise NotebookFileError("This file is JSON but not a notebook: it names no format and has no cells.")
    return 4 if any(isinstance(cell, dict) and "source" in cell for cell in cells) else 1


def _from_old_format(raw: Raw, major: int) -> Raw:
    """Formats 1 to 3, upgraded cell by cell: nbformat's own ``convert`` also validates, logs, warns, and gives
    random ids (these here are random too, and dropped)."""
    try:
        for cell in _old_cells(raw, major):
            _tame_heading(cell)
        node = nbformat.versions[major].to_notebook_json(raw)
        if major == 1:
            node = _upgrade_to_v2(node, 1)
        if major <= 2:
            node = _upgrade_to_v3(node, 2)
        cells = [_upgrade_cell(cell) for sheet in node["worksheets"] for cell in sheet["cells"]]
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        raise NotebookFileError(
            f"This notebook cannot be opened: it is of format {major}, but part of it is missing or wrong."
        ) from None
    metadata = node.get("metadata")
    if isinstance(metadata, dict) and major <= 3:
        metadata.pop("name", None)  # the file's own name, in those days
    kept = {key: value for key, value in node.items() if key not in ("worksheets", "cells")}
    return kept | {"cells": [{k: v for k, v in cell.items() if k != "id"} for cell in cells]}


def _old_cells(raw: Raw, major: int) -> list[Raw]:
    if major == 1:
        cells = list(raw["cells"])
        if any(cell["cell_type"] not in ("code", "text") for cell in cells):
            raise ValueError("nbformat would repeat the cell before in place of this one")
        return cells
    return [cell for sheet in raw["worksheets"] for cell in sheet["cells"]]


def _tame_heading(cell: Raw) -> Raw:
    """A heading's level is a count of "#" to nbformat: 10**12 of them would take all memory."""
    if cell.get("cell_type") == "heading":
        level = cell.get("level")
        cell["level"] = level if level in range(1, 7) else 1
        cell["source"] = _joined(cell.get("source") or "") or ""
    return cell


# ----------------------------------------------------------------------------------------------- writing a file


def dump(notebook: NotebookValue) -> bytes:
    """The file's bytes: valid nbformat 4.5 for any value, the same bytes for the same value. Never raises.

    A cell that is listed twice is written once. What the format does not allow moves to ``metadata.gm.extra``
    or, where it is no JSON at all, is left out.
    """
    # By the id's repr, as nothing keeps a client from writing a list there.
    first: dict[str, CellValue] = {}
    for cell in notebook.cells:
        first.setdefault(repr(cell.id), cell)
    listed = list(first.values())
    ids = settle_ids([cell.id for cell in listed], sha256(repr([cell.id for cell in listed]).encode()).digest())
    graphs = repair(ids, _edges(notebook.np_graph), _edges(notebook.pc_graph))
    gm: Raw = {}
    if notebook.drawn or graphs.np_graph or graphs.pc_graph:  # also empty ones: they say "nothing to derive"
        gm["np_graph"] = {key: list(value) for key, value in graphs.np_graph.items()}
        gm["pc_graph"] = {key: list(value) for key, value in graphs.pc_graph.items()}
    extra: Raw = {}
    metadata = _settle_metadata(_fitting(notebook.metadata), "notebook", extra)
    whole = {
        "cells": [_file_cell(cell, cell_id) for cell, cell_id in zip(listed, ids, strict=True)],
        "metadata": _fitting(_with_gm(metadata, _pop_gm(metadata) | gm, extra)),
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    text = json.dumps(whole, indent=1, sort_keys=True, separators=(",", ": "), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _file_cell(cell: CellValue, cell_id: str) -> Raw:
    extra: Raw = {}
    kind = cell.type if cell.type in _KINDS else "raw"
    if kind != cell.type:
        extra["cell_type"] = cell.type
    file: Raw = {"cell_type": kind, "id": cell_id, "source": _words(cell.source).splitlines(True)}
    if kind == "code":
        file["execution_count"] = _count(cell.execution_count)
        outputs = _merge_streams(document_output(output) for output in cell.outputs if isinstance(output, dict))
        file["outputs"] = [_split(output) for output in outputs]
        extra |= _filled({"attachments": cell.attachments})
    else:
        attachments = _attachments(cell.attachments, extra)
        if attachments is not None:
            file["attachments"] = {name: _split_bundle(bundle) for name, bundle in attachments.items()}
    metadata = _settle_metadata(_fitting(cell.metadata), kind, extra)
    gm = _pop_gm(metadata)
    for key in _PLACE:
        gm[key] = _pixels(getattr(cell, key))
    gm["collapsed"] = cell.collapsed if cell.collapsed in ("i", "o", "b") else None
    unused = [key for key in (*_PLACE, "collapsed") if gm[key] is None]
    for key in unused:
        del gm[key]
    return file | {"metadata": _fitting(_with_gm(metadata, gm, extra))}


# ------------------------------------------------------------------------------------------------------ outputs


def document_output(output: Raw) -> JsonObject:
    """One output in document form: valid nbformat 4.5, text as one string, ``text/html`` and ``text/markdown``
    as a one-element list, JSON mime values as JSON. For outputs of files and of live kernels. Never raises.

    What is nested too deep is replaced by a ``text/plain`` note. An unknown kind becomes ``display_data`` that
    shows it. Doing it twice changes nothing.
    """
    kind = output.get("output_type")
    if kind == "stream":
        name = output.get("name")
        return {
            "output_type": kind,
            "name": _text(name) if isinstance(name, str) else "stdout",
            "text": _words(output.get("text")),
        }
    if kind == "error":
        traceback = output.get("traceback")
        return {
            "output_type": kind,
            "ename": _words(output.get("ename")),
            "evalue": _words(output.get("evalue")),
            "traceback": [_words(line) for line in (traceback if isinstance(traceback, list) else [traceback])],
        }
    if kind not in ("display_data", "execute_result"):
        text = _joined(output.get("text")) or f"[an output of an unknown kind: {_words(kind)[:80]}]"
        bundle = {"application/json": output, "text/plain": text}
        return {"output_type": "display_data", "data": _bundle(bundle), "metadata": {}}
    shown: JsonObject = {
        "output_type": kind,
        "data": _bundle(output.get("data"), listed=("text/html", "text/markdown")),
        "metadata": _fitting(output.get("metadata")),
    }
    if kind == "execute_result":
        shown["execution_count"] = _count(output.get("execution_count"))
    return shown


def file_output(output: JsonObject) -> JsonObject:
    """One output in file form: as :func:`document_output`, with text split into lines as nbformat does."""
    return _split(document_output(output))


def _split(output: Raw) -> JsonObject:
    if output["output_type"] == "stream":
        return output | {"text": str(output["text"]).splitlines(True)}
    return output | {"data": _split_bundle(output["data"])} if "data" in output else output


def _split_bundle(bundle: Any) -> Raw:
    return {mime: _words(value).splitlines(True) if _is_split(mime) else value for mime, value in bundle.items()}


def _is_split(mime: str) -> bool:
    return mime.startswith("text/") or mime in ("application/javascript", "image/svg+xml")


def _merge_streams(outputs: Iterable[JsonObject]) -> list[JsonObject]:
    """Neighbours of one stream become one output."""
    merged: list[JsonObject] = []
    for name, group in groupby(outputs, key=lambda one: one.get("name")):
        if name is None:
            merged.extend(group)
        else:
            text = "".join(str(one["text"]) for one in group)
            merged.append({"output_type": "stream", "name": name, "text": text})
    return merged


def _bundle(found: object, listed: tuple[str, ...] = ()) -> JsonObject:
    """A mime bundle: JSON mime values as they are, everything else as text."""
    bundle: JsonObject = {}
    for mime, value in found.items() if isinstance(found, dict) else ():
        try:
            if re.fullmatch(r"application/(.*\+)?json", mime):
                bundle[_text(mime)] = plain(value, 3)
            elif value is not None:
                bundle[_text(mime)] = [_words(value)] if mime in listed else _words(value)
        except _TooDeep:
            bundle.setdefault("text/plain", _TOO_DEEP_NOTE)
    return bundle


def _attachments(found: Any, extra: Raw) -> JsonObject | None:
    if isinstance(found, dict) and all(isinstance(bundle, dict) for bundle in found.values()):
        return {_text(name): _bundle(bundle) for name, bundle in found.items()}
    extra.update(_filled({"attachments": found}))
    return None


# ----------------------------------------------------------------------------------------------------- metadata


def _strings(value: Any, *keys: str) -> bool:
    """An object whose ``keys``, those of them that it has, are strings."""
    return isinstance(value, dict) and all(isinstance(value.get(key, ""), str) for key in keys)


def _is_kernelspec(value: Any) -> bool:
    return _strings(value, "name", "display_name") and {"name", "display_name"} <= set(value)


def _is_language_info(value: Any) -> bool:
    known = ("name", "file_extension", "mimetype", "pygments_lexer")
    return _strings(value, *known) and "name" in value and isinstance(value.get("codemirror_mode", ""), str | dict)


def _are_tags(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(tag, str) and tag and "," not in tag for tag in value):
        return False
    return len(set(value)) == len(value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


# What nbformat 4.5's schema says about metadata; all other keys are free.
_IN_EVERY_CELL: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str) and re.fullmatch(r".+", value) is not None,
    "tags": _are_tags,
    "jupyter": _is_object,
    "gm": _is_object,
}
_METADATA_RULES: dict[str, dict[str, Callable[[Any], bool]]] = {
    "notebook": {
        "kernelspec": _is_kernelspec,
        "language_info": _is_language_info,
        "title": lambda value: isinstance(value, str),
        "authors": lambda value: isinstance(value, list),
        "gm": _is_object,
    },
    "code": _IN_EVERY_CELL
    | {
        "execution": lambda value: _strings(value, *(value if isinstance(value, dict) else ())),
        "collapsed": lambda value: isinstance(value, bool),
        "scrolled": lambda value: isinstance(value, bool) or value == "auto",
    },
    "markdown": _IN_EVERY_CELL,
    "raw": _IN_EVERY_CELL | {"format": lambda value: isinstance(value, str)},
}


def _settle_metadata(found: Any, kind: str, extra: Raw) -> Raw:
    """Metadata that the schema takes, in a new dict; what it does not take goes to ``extra``."""
    if not isinstance(found, dict):
        extra.update(_filled({"metadata": found}))
        return {}
    transient = _TRANSIENT.get(kind, _TRANSIENT_IN_CELLS)
    kept = {key: value for key, value in found.items() if key not in transient}
    spec: Any = kept.get("kernelspec")
    if kind == "notebook" and _strings(spec, "name", "display_name") and "name" in spec:
        kept["kernelspec"] = {"display_name": spec["name"]} | spec  # often missing, and harmless
    rules = _METADATA_RULES[kind]
    odd = {key: kept.pop(key) for key in rules if key in kept and not rules[key](kept[key])}
    if odd:
        extra["metadata"] = odd
    return kept


def _pop_gm(metadata: Raw) -> Raw:
    gm = metadata.pop("gm", None)
    return dict(gm) if isinstance(gm, dict) else {}


def _with_gm(metadata: Raw, gm: Raw, extra: Raw) -> Raw:
    if extra:
        before = gm.get("extra", {})
        gm = gm | {"extra": (before if isinstance(before, dict) else {"extra": before}) | extra}
    return metadata | {"gm": gm} if gm else metadata


def _unknown(found: Raw, kind: str) -> Raw:
    known = _KNOWN_KEYS.get(kind)
    return {} if known is None else _filled({key: found[key] for key in found if key not in known})


def _filled(found: Raw) -> Raw:
    """Without the values that say nothing."""
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def _edges(found: object) -> Graph:
    """What of this is a graph: names to sequences of names."""
    if not isinstance(found, dict):
        return {}
    return {
        key: tuple(name for name in names if isinstance(name, str))
        for key, names in found.items()
        if isinstance(key, str) and isinstance(names, list | tuple)
    }


# --------------------------------------------------------------------------------------------------- plain JSON


def plain(value: object, depth: int = 1) -> Json:
    """JSON in new containers that nothing downstream stumbles over: whole numbers as ints, no NaN or infinity
    (null, as browsers have it), no lone surrogates, no int beyond 64 bits (a float), no other types (null)."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if not isinstance(value, dict | list | tuple):
        return None
    if depth > MAX_DEPTH:
        raise _TooDeep
    if isinstance(value, dict):
        return {_text(key): plain(one, depth + 1) for key, one in value.items() if isinstance(key, str)}
    return [plain(one, depth + 1) for one in value]


def _plain_object(value: Raw) -> JsonObject:
    return {_text(key): plain(one, 2) for key, one in value.items()}


def _fitting(found: object) -> JsonObject:
    """A plain object without the members that are nested too deep."""
    fitting: JsonObject = {}
    for key, value in found.items() if isinstance(found, dict) else ():
        try:
            if isinstance(key, str):
                fitting[_text(key)] = plain(value, 2)
        except _TooDeep:
            continue
    return fitting


def _number(value: int | float) -> Number | None:
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        # Beyond 2**53 a float is no exact integer, and its digits would be invented ones.
        return int(value) if value.is_integer() and abs(value) <= 2**53 else value
    if -(2**63) <= value < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return None


def _pixels(value: object) -> Number | None:
    return _number(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    """An execution count: nbformat takes no negative ones."""
    number = _pixels(value)
    return number if isinstance(number, int) and number >= 0 else None


def _text(value: str) -> str:
    """Text that has a UTF-8 form."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _joined(value: object) -> str | None:
    """Text of one string or a list of them; None for anything else."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return _text("".join(value))
    return None


def _words(value: object) -> str:
    """Text of anything: what is no text in its JSON form, nothing for null. Never raises."""
    text = _joined(value)
    if text is not None or value is None:
        return text or ""
    try:
        return json.dumps(plain(value), ensure_ascii=False, sort_keys=True)
    except _TooDeep:
        return _TOO_DEEP_NOTE
