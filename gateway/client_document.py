"""The shared document as a client of this server sees and edits it. The shape is SPEC.md, section D."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from pycrdt import Array, Doc, Map, Text, TransactionEvent

from protocol import cells as shapes
from protocol import graph, rewrite
from protocol.document import fence
from protocol.values import CellValue, Json, JsonObject, NotebookValue, shareable


class Cell(msgspec.Struct, frozen=True):
    """One cell, as it is now. ``state``: "idle", "queued" or "running".

    Of its last run since the document began: ``status`` ("ok", "error", "interrupted", "aborted", "died", "time
    limit"; empty: it ran never), ``began`` (in seconds since 1970) and ``seconds`` (how long it took).
    """

    id: str
    type: str
    source: str
    state: str
    status: str
    began: float | None
    seconds: float | None
    execution_count: int | None
    outputs: tuple[JsonObject, ...]
    metadata: JsonObject

    @property
    def text(self) -> str:
        """All that its streams say."""
        streams = (each for each in self.outputs if each.get("output_type") == "stream")
        return "".join(str(each.get("text", "")) for each in streams)

    @property
    def error(self) -> JsonObject | None:
        """Its last error output."""
        return next((each for each in reversed(self.outputs) if each.get("output_type") == "error"), None)


class ClientDocument:
    """``send``: told each local edit, as an update. pycrdt's failures become DocumentBroken."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.doc: Doc[Any] = Doc()
        self._send = send
        self._remote = False
        self._watch = self.doc.observe(self._note)
        self.cell_order: Any = self.doc.get("cells", type=Array)
        self._np: Any = self.doc.get("np_graph", type=Map)
        self._pc: Any = self.doc.get("pc_graph", type=Map)
        self._notebook: Any = self.doc.get("notebook", type=Map)

    def _note(self, event: TransactionEvent) -> None:
        if not self._remote and event.update != b"\0\0":
            self._send(event.update)

    def apply(self, update: bytes) -> None:
        """The server's."""
        self._remote = True
        try:
            with fence():
                self.doc.apply_update(update)
        finally:
            self._remote = False

    def state(self) -> bytes:
        return self.doc.get_state()

    def missing_in(self, state: bytes) -> bytes:
        """What somebody with this state vector lacks."""
        with fence():
            return self.doc.get_update(state)

    @contextmanager
    def edit(self) -> Iterator[None]:
        """Edits inside become one update, and one step for others."""
        with fence(), self.doc.transaction():
            yield

    # ------------------------------------------------------------------------------------------------- reading

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each for each in self.cell_order if isinstance(each, str)))

    def _map(self, cell_id: str) -> Any:
        return self.doc.get(cell_id, type=Map)

    def value_of(self, cell_id: str) -> CellValue:
        return shapes.read(cell_id, self._map(cell_id), None)

    def cell(self, cell_id: str) -> Cell:
        """Raises KeyError if there is none."""
        if cell_id not in self.ids:
            raise KeyError(cell_id)
        shared = self._map(cell_id)
        owned, value = shapes.read_owned(shared), shapes.read(cell_id, shared, None)
        run = owned.run or {}
        began, ended = run.get("began"), run.get("ended")
        timed = isinstance(began, int | float) and isinstance(ended, int | float)
        return Cell(
            id=cell_id,
            type=value.type,
            source=value.source,
            state=owned.state,
            status=str(run.get("status") or ""),
            began=float(began) if isinstance(began, int | float) else None,
            seconds=round(float(ended) - float(began), 3) if timed else None,  # type: ignore[arg-type]
            execution_count=owned.execution_count,
            outputs=tuple(owned.outputs),
            metadata=shapes.plain_of(shared.get("metadata")) or {},
        )

    @property
    def np_graph(self) -> dict[str, tuple[str, ...]]:
        return shapes.read_graph(self._np)

    @property
    def pc_graph(self) -> dict[str, tuple[str, ...]]:
        return shapes.read_graph(self._pc)

    @property
    def metadata(self) -> JsonObject:
        return shapes.plain_of(self._notebook.get("metadata")) or {}

    def value(self) -> NotebookValue:
        cells = tuple(self.value_of(cell_id) for cell_id in self.ids)
        return NotebookValue(cells=cells, np_graph=self.np_graph, pc_graph=self.pc_graph, metadata=self.metadata)

    # ------------------------------------------------------------------------------------------------- editing

    def set_source(self, cell_id: str, source: str) -> None:
        """By the smallest edit: others' carets stay where they are."""
        with self.edit():
            rewrite.write_source(self._map(cell_id), source)

    def set_metadata(self, cell_id: str, metadata: JsonObject) -> None:
        with self.edit():
            self._map(cell_id)["metadata"] = shareable(metadata)

    def insert(self, cell: CellValue, after: str | None) -> None:
        """A new cell behind ``after``, in its tissue and in its flow; None: before all others."""
        keys: dict[str, Json | Text | Array[Any]] = {
            "id": cell.id, "type": cell.type, "source": Text(cell.source), "execution_count": None,
            "outputs": Array([]), "top": None, "left": None, "height": None, "width": None, "collapsed": None,
            "state": "idle", "metadata": cell.metadata,
        }  # fmt: skip
        with self.edit():
            shared = self._map(cell.id)
            for key, value in keys.items():
                shared[key] = value
            if after is None:
                self.cell_order.insert(0, cell.id)
                return
            whole = graph.repair(list(self.ids), self.np_graph, self.pc_graph)
            made = graph.insert_after(whole, after, cell.id)
            rewrite.write_ids(self.cell_order, made.cells)
            shapes.write_graph(self._np, self._np.to_py() or {}, made.np_graph)
            shapes.write_graph(self._pc, self._pc.to_py() or {}, made.pc_graph)

    def delete(self, cell_id: str) -> None:
        """The server mends the graphs."""
        with self.edit():
            rewrite.write_ids(self.cell_order, tuple(each for each in self.ids if each != cell_id))
