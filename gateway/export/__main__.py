"""``python -m gateway.export FORMAT TITLE FOLDER BLOBS``: the child in which a server makes an export.

It reads a :class:`NotebookValue` as JSON and writes the file's name, its content type and its bytes, a line each
before the last. In a process of its own an export of any size holds up nobody, and what it needs is not kept.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from actors.blob_store import BlobStore
from gateway.export.book import Book
from gateway.export.formats import FORMATS, export
from gateway.export.page import NotBuilt
from protocol.values import CellValue, NotebookValue

NOT_BUILT = 3


def main() -> None:
    to, title, folder, blobs = sys.argv[1:]
    notebook = _notebook(msgspec.json.decode(sys.stdin.buffer.read()))
    [wanted] = [name for name in FORMATS if name == to]
    try:
        made = export(Book(notebook, title, Path(folder), BlobStore(Path(blobs)).data), wanted)
    except NotBuilt:
        sys.exit(NOT_BUILT)
    sys.stdout.buffer.write(f"{made.name}\n{made.kind}\n".encode() + made.body)


def _notebook(told: dict[str, Any]) -> NotebookValue:
    """From our own server: by hand, since JSON's own type is recursive, which msgspec does not decode."""
    cells = (CellValue(**{**cell, "outputs": tuple(cell["outputs"])}) for cell in told.pop("cells"))
    return NotebookValue(cells=tuple(cells), **told)


if __name__ == "__main__":
    main()
