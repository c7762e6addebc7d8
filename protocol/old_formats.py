"""Notebook files of formats 1 to 3, brought to format 4's keys, and the refusal of formats that cannot be read."""

from __future__ import annotations

import importlib
from typing import Any

from protocol.output_form import Raw, joined
from protocol.values import plain


def _nbformat(module: str = "") -> Any:
    """nbformat (which has no annotations here), loaded when a file needs it. Few do, and with the checkers that
    JupyterLab brings along its validator takes 1.7 s."""
    return importlib.import_module(f"nbformat{module}")


class NotebookFileError(ValueError):
    """These bytes are no notebook that we can read. ``str(error)`` is one sentence for people."""


def as_v4(raw: Raw) -> Raw:
    """The notebook with format 4's keys, its cells not yet looked at."""
    major = plain(raw["nbformat"]) if "nbformat" in raw else _guess_format(raw)
    if isinstance(major, bool) or not isinstance(major, int) or major < 1:
        raise NotebookFileError("This file is JSON but not a notebook: it names no format that exists.")
    if major > 4:
        raise NotebookFileError(f"This notebook is of format {major}, newer than the format 4 that can be read.")
    if major < 4:
        return _from_old_format(raw, major)
    minor = plain(raw.get("nbformat_minor", 0))
    if isinstance(minor, int) and minor > 5 and any(_nbformat(".validator").get_validator(4, 5).iter_errors(raw)):
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
        node = _nbformat().versions[major].to_notebook_json(raw)
        if major == 1:
            node = _nbformat(".v2.convert").upgrade(node, 1)
        if major <= 2:
            node = _nbformat(".v3.convert").upgrade(node, 2)
        convert = _nbformat(".v4.convert").upgrade_cell
        cells = [convert(cell) for sheet in node["worksheets"] for cell in sheet["cells"]]
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        raise NotebookFileError(
            f"This notebook is of format {major}, but part of it is missing or wrong."
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


def upgrade_cell(cell: Raw) -> Raw:
    """A cell of format 3's kinds "heading" and "html", which files that say 4 hold as well."""
    upgraded: Raw = _nbformat(".v4.convert").upgrade_cell(_nbformat().from_dict(_tame_heading(cell)))
    return upgraded


def _tame_heading(cell: Raw) -> Raw:
    """A heading's level is a count of "#" to nbformat: 10**12 of them would take all memory."""
    if cell.get("cell_type") == "heading":
        level = cell.get("level")
        cell["level"] = level if level in range(1, 7) else 1
        cell["source"] = joined(cell.get("source") or "") or ""
    return cell
