"""A browser's side of the shared document, for tests: a Doc of its own that exchanges updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycrdt import Array, Doc, Map, Text

Shared = Any


class Browser:
    """Edits its own copy; each edit gives the update that it would send."""

    def __init__(self, client_id: int, state: bytes = b"") -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id)
        if state:
            self.doc.apply_update(state)
        self._made: list[bytes] = []
        self._watch = self.doc.observe(lambda event: self._made.append(event.update))
        get = self.doc.get
        self.cells: Shared = get("cells", type=Array)
        self.np: Shared = get("np_graph", type=Map)
        self.pc: Shared = get("pc_graph", type=Map)
        self.queue: Shared = get("run_queue", type=Array)
        self.kernel: Shared = get("kernel", type=Map)
        self.path: Shared = get("nb_path", type=Text)
        self.notebook: Shared = get("notebook", type=Map)
        self._made.clear()

    def cell(self, cell_id: str) -> Shared:
        return self.doc.get(cell_id, type=Map)

    def edit(self, change: Callable[[], object]) -> bytes:
        self._made.clear()
        with self.doc.transaction():
            change()
        [update] = self._made
        return update

    def hear(self, update: bytes) -> None:
        self.doc.apply_update(update)

    def add(self, cell_id: str, source: str = "", kind: str = "code", **more: Any) -> bytes:
        """What the browser UI sends for a new cell."""

        def change() -> None:
            cell = self.cell(cell_id)
            plain = {
                "id": cell_id, "type": kind, "execution_count": None, "state": "idle", "top": 0, "left": 0,
                "height": 80, "width": 600, "collapsed": None,
            }  # fmt: skip
            for key, value in {**plain, **more}.items():
                cell[key] = value
            cell["source"] = Text(source)
            if "outputs" not in more:
                cell["outputs"] = Array([])
            self.cells.append(cell_id)

        return self.edit(change)

    def type(self, cell_id: str, text: str) -> bytes:
        source = self.cell(cell_id)["source"]
        return self.edit(lambda: source.insert(len(str(source).encode()), text))

    def read(self, cell_id: str) -> dict[str, Any]:
        return dict(self.cell(cell_id).to_py())

    def content(self) -> dict[str, Any]:
        """Everything, by content."""
        roots: dict[str, Any] = {
            "cells": self.cells.to_py(), "np": self.np.to_py(), "pc": self.pc.to_py(), "queue": self.queue.to_py(),
            "kernel": self.kernel.to_py(), "path": str(self.path), "notebook": self.notebook.to_py(),
        }  # fmt: skip
        return roots | {f"cell {cell_id}": self.read(cell_id) for cell_id in roots["cells"]}
