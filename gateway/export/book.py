"""What an export reads: the notebook whole, its cells in reading order, and the images beside it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import msgspec

from gateway.files import NotServed, read_image
from protocol.blobs import whole_output
from protocol.selection import reading_order
from protocol.values import CellValue, JsonObject, NotebookValue

# Takes a path as a notebook's text has it, and gives a data: address; None where there is no such image.
ReadImage = Callable[[str], str | None]


class Book:
    """``title``: the file's name without its ending. ``folder``: where its images lie. ``read_blob``: the bytes of
    a large value by its name, None where it is missing."""

    def __init__(
        self, notebook: NotebookValue, title: str, folder: Path, read_blob: Callable[[str], bytes | None]
    ) -> None:
        self.notebook = notebook
        self.title = title
        self._folder = folder
        self._read_blob = read_blob

    @cached_property
    def cells(self) -> tuple[CellValue, ...]:
        """In the order in which one reads, with large values in their places."""
        held = {cell.id: cell for cell in self.notebook.cells}
        order = reading_order(tuple(held), self.notebook.np_graph, self.notebook.pc_graph)
        return tuple(self._whole(held[cell_id]) for cell_id in order)

    def _whole(self, cell: CellValue) -> CellValue:
        outputs = tuple(whole_output(output, self._read_blob) for output in cell.outputs)
        return msgspec.structs.replace(cell, outputs=outputs)

    @property
    def language(self) -> JsonObject:
        """``language_info`` of the notebook, with the kernelspec's language where it has no name."""
        info = self.notebook.metadata.get("language_info")
        spec = self.notebook.metadata.get("kernelspec")
        named = spec.get("language") if isinstance(spec, dict) else None
        return {"name": named or "python"} | (info if isinstance(info, dict) else {})

    def image(self, path: str) -> str | None:
        """An image beside the notebook. Raises nothing: what cannot be read is not there."""
        try:
            found = read_image(self._folder, path)
        except NotServed:
            return None
        return None if found.body is None else data_address(found.kind, found.body)


def data_address(kind: str, body: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"
