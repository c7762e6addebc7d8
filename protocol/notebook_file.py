"""Notebook files: nbformat JSON in bytes to :class:`NotebookValue` and back.

Reading is liberal: what nbformat 4.5 does not allow but people's files hold is repaired where nothing is lost
by it, and what has no place in a valid file moves to ``metadata.gm.extra`` of its cell or notebook. Writing is
strict: every :func:`dump` is a valid nbformat 4.5 file in nbformat's own formatting, whatever clients wrote.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from protocol.file_schema import filled, pop_gm, settle_metadata, unknown_keys, with_gm
from protocol.graph import Graph, repair
from protocol.ids import settle_ids
from protocol.old_formats import NotebookFileError, as_v4, upgrade_cell
from protocol.output_form import (
    Raw,
    as_count,
    as_pixels,
    document_output,
    fitting,
    joined,
    merge_streams,
    mime_bundle,
    plain_object,
    split_bundle,
    split_output,
    words,
)
from protocol.values import MAX_DEPTH, CellValue, JsonObject, NotebookValue, TooDeep, encodable, plain

__all__ = ["NotebookFileError", "dump", "load"]

_KINDS = ("code", "markdown", "raw")
_PLACE = ("top", "left", "height", "width")
_TOO_DEEP = f"This notebook holds something nested deeper than {MAX_DEPTH} levels."


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
    except (TooDeep, RecursionError):
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
    raw = as_v4(raw)
    found = raw.get("cells")
    if not isinstance(found, list):
        raise NotebookFileError("This file is JSON but not a notebook: it has no list of cells.")
    for number, cell in enumerate(found, 1):
        if not isinstance(cell, dict):
            raise NotebookFileError(f"This notebook's cell {number} is not an object.")
    ids = settle_ids([cell.get("id") for cell in found], digest)
    cells = tuple(
        _cell(cell, cell_id, number) for number, (cell, cell_id) in enumerate(zip(found, ids, strict=True), 1)
    )
    extra = unknown_keys(raw, "notebook")
    metadata = settle_metadata(raw.get("metadata"), "notebook", extra)
    gm = pop_gm(metadata)
    drawn = isinstance(gm.get("np_graph"), dict) or isinstance(gm.get("pc_graph"), dict)
    graphs = repair(ids, _edges(gm.pop("np_graph", None)), _edges(gm.pop("pc_graph", None)))
    return NotebookValue(
        cells=cells,
        np_graph=graphs.np_graph,
        pc_graph=graphs.pc_graph,
        metadata=plain_object(with_gm(metadata, gm, extra)),
        drawn=drawn,
    )


def _cell(raw: Raw, cell_id: str, number: int) -> CellValue:
    kind = raw.get("cell_type")
    extra: Raw = {}
    if kind in ("heading", "html"):  # format 3's, also met in files that say 4
        raw = upgrade_cell(raw)
        kind = "markdown"
    if kind not in _KINDS:
        kind, extra = "raw", filled({"cell_type": kind})
    extra |= unknown_keys(raw, kind)
    source = joined(raw.get("source") or "")
    if source is None:
        raise NotebookFileError(f"This notebook's cell {number} has a source that is not text.")
    outputs = _load_outputs(raw.get("outputs"), extra) if kind == "code" else ()
    attachments = _attachments(raw.get("attachments"), extra) if kind != "code" else None
    metadata = settle_metadata(raw.get("metadata"), kind, extra)
    gm = pop_gm(metadata)
    collapsed = gm.pop("collapsed", None)
    top, left, height, width = (as_pixels(gm.pop(key, None)) for key in _PLACE)
    return CellValue(
        id=cell_id,
        type=kind,
        source=source,
        execution_count=as_count(raw.get("execution_count")) if kind == "code" else None,
        outputs=outputs,
        top=top,
        left=left,
        height=height,
        width=width,
        collapsed=collapsed if collapsed in ("i", "o", "b") else None,
        metadata=plain_object(with_gm(metadata, gm, extra)),
        attachments=attachments,
    )


def _load_outputs(found: Any, extra: Raw) -> tuple[JsonObject, ...]:
    if not isinstance(found, list):
        extra.update(filled({"outputs": found}))
        return ()
    left_over: Raw = {}
    outputs: list[JsonObject] = []
    for index, raw in enumerate(found):
        output = plain_object(raw) if isinstance(raw, dict) else {"value": plain(raw)}
        kind = output.get("output_type")
        if isinstance(kind, str) and (unknown := unknown_keys(output, kind)):
            left_over[str(index)] = unknown
        outputs.append(document_output(output))
    if left_over:
        extra["outputs"] = left_over
    return tuple(merge_streams(outputs))


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
    metadata = settle_metadata(fitting(notebook.metadata), "notebook", extra)
    whole = {
        "cells": [_file_cell(cell, cell_id) for cell, cell_id in zip(listed, ids, strict=True)],
        "metadata": fitting(with_gm(metadata, pop_gm(metadata) | gm, extra)),
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
    file: Raw = {"cell_type": kind, "id": cell_id, "source": words(cell.source).splitlines(True)}
    if kind == "code":
        file["execution_count"] = as_count(cell.execution_count)
        outputs = merge_streams(document_output(output) for output in cell.outputs if isinstance(output, dict))
        file["outputs"] = [split_output(output) for output in outputs]
        extra |= filled({"attachments": cell.attachments})
    else:
        attachments = _attachments(cell.attachments, extra)
        if attachments is not None:
            file["attachments"] = {name: split_bundle(bundle) for name, bundle in attachments.items()}
    metadata = settle_metadata(fitting(cell.metadata), kind, extra)
    gm = pop_gm(metadata)
    for key in _PLACE:
        gm[key] = as_pixels(getattr(cell, key))
    gm["collapsed"] = cell.collapsed if cell.collapsed in ("i", "o", "b") else None
    unused = [key for key in (*_PLACE, "collapsed") if gm[key] is None]
    for key in unused:
        del gm[key]
    return file | {"metadata": fitting(with_gm(metadata, gm, extra))}


# ---------------------------------------------------------------------------------------------------- both ways


def _edges(found: object) -> Graph:
    """What of this is a graph: names to sequences of names."""
    if not isinstance(found, dict):
        return {}
    return {
        key: tuple(name for name in names if isinstance(name, str))
        for key, names in found.items()
        if isinstance(key, str) and isinstance(names, list | tuple)
    }


def _attachments(found: Any, extra: Raw) -> JsonObject | None:
    if isinstance(found, dict) and all(isinstance(bundle, dict) for bundle in found.values()):
        return {encodable(name): mime_bundle(bundle) for name, bundle in found.items()}
    extra.update(filled({"attachments": found}))
    return None
