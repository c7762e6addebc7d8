"""The formats by name, and what a file of each is called."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gateway.export.book import Book
from gateway.export.page import page
from gateway.export.script import extension, script

Format = Literal["script", "canvas", "document"]
FORMATS: Final[dict[Format, str]] = {
    "script": "a program in the notebook's language, with its text as comments",
    "canvas": "one HTML file with the canvas, to pan and zoom in any browser",
    "document": "one HTML file to read from top to bottom, and to print",
}


class Exported(msgspec.Struct, frozen=True):
    """``name``: what the file is called. ``kind``: its content type."""

    name: str
    kind: str
    body: bytes


def export(book: Book, to: Format) -> Exported:
    """The same notebook gives the same bytes. Raises :class:`gateway.export.page.NotBuilt`."""
    if to == "script":
        name, kind, text = f"{book.title}{extension(book)}", "text/plain; charset=utf-8", script(book)
    else:
        ending = ".canvas.html" if to == "canvas" else ".html"
        name, kind, text = f"{book.title}{ending}", "text/html; charset=utf-8", page(book, to)
    return Exported(name, kind, text.encode(errors="replace"))
