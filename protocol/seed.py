"""The seed: a new document made from a file alone, byte for byte the same each time.

The update is written here and not by a Doc, because the document library encodes maps in an order that changes
from process to process. A browser that held the document before a rebuild merges a byte-equal seed without
duplicating a cell. Format: Yjs update encoding version 1 (yjs, UpdateEncoderV1; contents ContentAny 8,
ContentString 4, ContentType 7), values in lib0's Any encoding.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from protocol import graph
from protocol.layout import layout
from protocol.lib0 import write_any, write_string, write_uint
from protocol.values import MAX_DEPTH, CellValue, Json, NotebookValue, shareable

# Raised whenever the same file would give other bytes: an old browser's copy is then another lineage.
FORMAT = 1

_ANY, _STRING, _TYPE = 8, 4, 7
_ARRAY, _MAP, _TEXT = 0, 1, 2
_HAS_KEY, _HAS_ORIGIN = 0x20, 0x80


def client_id(digest: bytes) -> int:
    """The seed's Yjs client id: from the file's hash and the format, used for nothing else. 32 bits, not 0."""
    return (int.from_bytes(digest[:4], "big") ^ FORMAT) or FORMAT


def arrange(notebook: NotebookValue) -> NotebookValue:
    """Decide, from the file alone, what it leaves open: the graphs if it has none, and missing positions."""
    np_graph, pc_graph = notebook.np_graph, notebook.pc_graph
    if not notebook.drawn:
        np_graph, pc_graph = graph.derive(notebook.cells)
    places = layout(notebook.cells, np_graph, pc_graph)
    return msgspec.structs.replace(
        notebook,
        cells=tuple(_placed(cell, places.get(cell.id)) for cell in notebook.cells),
        np_graph=np_graph,
        pc_graph=pc_graph,
        drawn=True,
    )


def _placed(cell: CellValue, place: Mapping[str, Json] | None) -> CellValue:
    if place is None or (cell.top is not None and cell.left is not None):
        return cell
    return msgspec.structs.replace(cell, **{key: n for key, n in place.items() if getattr(cell, key) is None})


def seed(notebook: NotebookValue, digest: bytes) -> bytes:
    """The whole document as one update. ``digest``: hash of the file's bytes, at least 4 bytes."""
    return _Seed(client_id(digest)).build(notebook)


class _Seed:
    def __init__(self, client: int) -> None:
        self._client = _uint(client)
        self._structs: list[bytes] = []
        self._clock = 0

    def build(self, notebook: NotebookValue) -> bytes:
        self._key("notebook", "aligned", True)
        self._key("notebook", "metadata", shareable(notebook.metadata))
        self._items(_root("cells"), [cell.id for cell in notebook.cells])
        for cell in notebook.cells:
            self._cell(cell)
        for name, edges in (("np_graph", notebook.np_graph), ("pc_graph", notebook.pc_graph)):
            for source in sorted(edges):
                self._items(self._nested(_root(name), source, _ARRAY), list(edges[source]))
        head = b"\x01" + _uint(len(self._structs)) + self._client + b"\x00"
        return head + b"".join(self._structs) + b"\x00"

    def _cell(self, cell: CellValue) -> None:
        root = _root(cell.id)
        plain: dict[str, Json] = {
            "id": cell.id, "type": cell.type, "execution_count": cell.execution_count, "top": cell.top,
            "left": cell.left, "height": cell.height, "width": cell.width, "collapsed": cell.collapsed,
            "state": "idle",
        }  # fmt: skip
        if cell.metadata:
            plain["metadata"] = cell.metadata
        if cell.attachments is not None:
            plain["attachments"] = cell.attachments
        for key, value in plain.items():
            self._key(cell.id, key, shareable(value))
        self._text(self._nested(root, "source", _TEXT), str(shareable(cell.source)))
        self._items(self._nested(root, "outputs", _ARRAY), [shareable(item) for item in cell.outputs])

    def _add(self, struct: bytes, length: int) -> int:
        """Append one struct; the clock of its first item."""
        start = self._clock
        self._structs.append(struct)
        self._clock += length
        return start

    def _key(self, root: str, key: str, value: Json) -> None:
        self._add(bytes((_ANY | _HAS_KEY,)) + _root(root) + _string(key) + b"\x01" + _any(value), 1)

    def _nested(self, parent: bytes, key: str, kind: int) -> bytes:
        """A shared type under ``key``; the encoding of it as a parent."""
        clock = self._add(bytes((_TYPE | _HAS_KEY,)) + parent + _string(key) + bytes((kind,)), 1)
        return b"\x00" + self._client + _uint(clock)

    def _items(self, parent: bytes, items: list[Json]) -> None:
        if items:
            body = b"".join(map(_any, items))
            self._add(bytes((_ANY,)) + parent + _uint(len(items)) + body, len(items))

    def _text(self, parent: bytes, text: str) -> None:
        if text:
            self._add(bytes((_STRING,)) + parent + _string(text), len(text.encode("utf-16-le")) // 2)


def _root(name: str) -> bytes:
    return b"\x01" + _string(name)


def _string(text: str) -> bytes:
    out = bytearray()
    write_string(out, text)
    return bytes(out)


def _uint(number: int) -> bytes:
    out = bytearray()
    write_uint(out, number)
    return bytes(out)


def _any(value: Json) -> bytes:
    out = bytearray()
    write_any(out, value, MAX_DEPTH)
    return bytes(out)
