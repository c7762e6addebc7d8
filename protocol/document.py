"""The shared document's shape, in one place: which roots there are, who owns which keys, how it becomes values.

Contract section 4. A :class:`Document` owns one pycrdt ``Doc`` and belongs to one thread. Everything that calls
into pycrdt passes through one fence: some malformed updates raise a Rust panic (a ``BaseException``), and after a
failed apply the Doc may be half changed, so any error means :class:`DocumentBroken`: build a new one from the
journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, assert_never

from pycrdt import Array, Doc, Map, Text, merge_updates

from protocol import cells, graph
from protocol.messages import (
    Change,
    ReplaceOutput,
    SetCell,
    SetKernel,
    SetNotebookMetadata,
    WriteOutputs,
)
from protocol.values import CellValue, JsonObject, NotebookValue, shareable

T = TypeVar("T")

Shared = Any  # pycrdt's containers are generic over their content, which is mixed here

# Merging 100,000 updates at once is quadratic in pycrdt; in groups of this size it is not.
MERGE_GROUP = 64


class DocumentBroken(Exception):
    """pycrdt failed; the Doc may be half changed and must not be used again."""


@contextmanager
def fence() -> Iterator[None]:
    """The one place where whatever pycrdt raises becomes :class:`DocumentBroken`."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, DocumentBroken):
        raise
    except BaseException as error:  # a Rust panic is not an Exception
        raise DocumentBroken(f"{type(error).__name__}: {error}") from error


def merged(updates: Iterable[bytes]) -> list[bytes]:
    """The same updates in fewer pieces, in order."""
    waiting = list(updates)
    with fence():
        return [
            group[0] if len(group) == 1 else merge_updates(*group)
            for group in (waiting[i : i + MERGE_GROUP] for i in range(0, len(waiting), MERGE_GROUP))
        ]


class Document:
    """``updates``: what the journal holds, in order. ``client_id``: fresh and random for each incarnation."""

    def __init__(self, updates: Iterable[bytes], client_id: int) -> None:
        self._values: dict[str, CellValue] = {}
        self._owned: dict[str, cells.Owned] = {}
        self._touched: dict[str, set[str]] = {}
        self._roots_touched: set[str] = set()
        self._subscriptions: list[object] = []
        self._maps: dict[str, Shared] = {}
        self._produced: list[bytes] = []
        self._full: bytes | None = None
        self._mine = False  # a transaction of the server's own is under way: nothing in it is suspect
        self._server_kernel: JsonObject = {}
        self._server_queue: list[str] = []
        self._server_path = ""
        with fence():
            self._doc: Doc[Any] = Doc(client_id=client_id)
            for update in merged(updates):
                self._doc.apply_update(update)
            self._open_roots()
            self._attach_cells()
            self._adopt_all()

    def _open_roots(self) -> None:
        get = self._doc.get
        self._cells: Shared = get("cells", type=Array)
        self._np: Shared = get("np_graph", type=Map)
        self._pc: Shared = get("pc_graph", type=Map)
        self._queue: Shared = get("run_queue", type=Array)
        self._kernel: Shared = get("kernel", type=Map)
        self._path: Shared = get("nb_path", type=Text)
        self._notebook: Shared = get("notebook", type=Map)
        roots = {
            "cells": self._cells, "np_graph": self._np, "pc_graph": self._pc, "run_queue": self._queue,
            "kernel": self._kernel, "nb_path": self._path, "notebook": self._notebook,
        }  # fmt: skip
        for name, root in roots.items():
            self._subscriptions.append(root.observe_deep(self._root_observer(name)))
        self._subscriptions.append(self._doc.observe(lambda event: self._produced.append(event.update)))

    def _root_observer(self, name: str) -> Callable[[list[Any]], None]:
        def observe(events: list[Any]) -> None:
            if not self._mine:
                self._roots_touched.add(name)

        return observe

    def _cell_observer(self, cell_id: str) -> Callable[[list[Any]], None]:
        # Only the event may be touched in an observer: reading the doc there raises.
        def observe(events: list[Any]) -> None:
            keys = self._touched.setdefault(cell_id, set())
            if self._mine:
                return
            for event in events:
                if event.path:
                    keys.add(str(event.path[0]))
                else:
                    keys.update(event.keys)

        return observe

    def _attach_cells(self) -> None:
        for cell_id in self.cell_ids():
            if cell_id not in self._maps:
                shared: Shared = self._doc.get(cell_id, type=Map)
                self._maps[cell_id] = shared
                self._subscriptions.append(shared.observe_deep(self._cell_observer(cell_id)))
                self._touched.setdefault(cell_id, set()).update(cells.OWNED_KEYS)
        self._roots_touched.discard("cells")

    def _adopt_all(self) -> None:
        """Take what the journal holds of server-owned keys as the server's own."""
        for cell_id, shared in self._maps.items():
            self._owned[cell_id] = cells.read_owned(shared)
        self._server_kernel = dict(self._kernel.to_py() or {})
        self._server_queue = [str(item) for item in self._queue.to_py() or []]
        self._server_path = str(self._path)
        self._roots_touched.clear()
        self._touched = {cell_id: set() for cell_id in self._maps}
        self._produced.clear()

    # ------------------------------------------------------------------------------------------------ reading

    def cell_ids(self) -> list[str]:
        """The ids in document order; nothing but non-empty strings, each once."""
        with fence():
            listed = self._cells.to_py() or []
        return list(dict.fromkeys(item for item in listed if cells.may_name_a_cell(item)))

    def has_cell(self, cell_id: str) -> bool:
        return cell_id in self._maps and cell_id in self.cell_ids()

    def cell_type(self, cell_id: str) -> str:
        with fence():
            return str(self._maps[cell_id].get("type", "code"))

    def source(self, cell_id: str) -> str:
        with fence():
            return cells.text_of(self._maps[cell_id].get("source"))

    def state_vector(self) -> bytes:
        with fence():
            return bytes(self._doc.get_state())

    def diff(self, state: bytes) -> bytes:
        """What a replica with state vector ``state`` lacks. Raises :class:`ValueError` for a malformed one."""
        if state in (b"", b"\x00"):
            return self.full_update()
        try:
            with fence():
                return bytes(self._doc.get_update(state))
        except DocumentBroken as error:  # nothing was changed: reading is safe to fail
            raise ValueError("malformed state vector") from error

    def full_update(self) -> bytes:
        """Everything, as one update (cached until the next change)."""
        if self._full is None:
            with fence():
                self._full = bytes(self._doc.get_update())
        return self._full

    def value(self) -> NotebookValue:
        """The whole notebook as plain values; only cells touched since the last call are read again."""
        with fence():
            ids = self.cell_ids()
            for cell_id in ids:
                if self._touched.pop(cell_id, None) is not None or cell_id not in self._values:
                    self._values[cell_id] = cells.read(cell_id, self._maps[cell_id], self._owned.get(cell_id))
            np_graph, pc_graph = self._graphs()
            metadata = self._notebook.get("metadata")
        fixed = graph.repair(ids, np_graph, pc_graph)
        return NotebookValue(
            cells=tuple(self._values[cell_id] for cell_id in fixed.cells),
            np_graph=fixed.np_graph,
            pc_graph=fixed.pc_graph,
            metadata=metadata if isinstance(metadata, dict) else {},
        )

    def kernel_spec(self) -> str:
        """The kernelspec's name in the notebook's metadata; empty if there is none."""
        with fence():
            metadata = self._notebook.get("metadata")
        spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
        name = spec.get("name") if isinstance(spec, dict) else None
        return name if isinstance(name, str) else ""

    def _graphs(self) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
        return cells.read_graph(self._np), cells.read_graph(self._pc)

    # ----------------------------------------------------------------------------------------------- changing

    def apply(self, update: bytes) -> bool:
        """Apply a client's guarded update. True if it changed anything."""
        self._produced.clear()
        with fence():
            self._doc.apply_update(update)
        changed = bool(self._produced)
        self._produced.clear()
        if changed:
            self._full = None
        return changed

    def _transact(self, change: Callable[[], None]) -> bytes:
        """Run ``change`` in one transaction; the update that it made, empty if nothing changed."""
        self._produced.clear()
        self._mine = True
        with fence():
            try:
                with self._doc.transaction():
                    change()
            finally:
                self._mine = False
            made = [bytes(update) for update in self._produced]
            self._produced.clear()
            if not made:
                return b""
            self._full = None
            return made[0] if len(made) == 1 else bytes(merge_updates(*made))

    def edit(self, changes: Iterable[Change], queue: Iterable[str] | None = None) -> bytes:
        """Make the server's own changes. The update, empty if nothing changed."""

        def change() -> None:
            for item in changes:
                self._change(item)
            if queue is not None:
                self._server_queue = list(queue)
                self._write_queue()

        return self._transact(change)

    def _change(self, change: Change) -> None:
        match change:
            case SetKernel(values):
                self._server_kernel.update({key: shareable(value) for key, value in values.items()})
                self._write_kernel()
            case SetNotebookMetadata(values):
                held = self._notebook.get("metadata")
                new = {**(held if isinstance(held, dict) else {}), **values}
                if new != held:
                    self._notebook["metadata"] = shareable(new)
            case SetCell(cell_id) | WriteOutputs(cell_id) | ReplaceOutput(cell_id):
                shared = self._maps.get(cell_id)
                if shared is not None:
                    cells.change(shared, self._owned.setdefault(cell_id, cells.Owned()), change)
            case _:
                assert_never(change)

    def _write_kernel(self) -> None:
        for key in set(self._kernel.keys()) - set(self._server_kernel):
            del self._kernel[key]
        for key, value in self._server_kernel.items():
            if key not in self._kernel or self._kernel.get(key) != value:
                self._kernel[key] = value

    def _write_queue(self) -> None:
        if self._queue.to_py() != self._server_queue:
            del self._queue[:]
            self._queue.extend(self._server_queue)

    def set_path(self, path: str) -> bytes:
        """Write ``nb_path``, ours alone."""
        self._server_path = path
        return self._transact(self._write_path)

    def _write_path(self) -> None:
        if str(self._path) != self._server_path:
            del self._path[:]
            self._path.insert(0, self._server_path)

    # ------------------------------------------------------------------------- what clients must not have done

    def enforce(self) -> bytes:
        """Revert what clients wrote to server-owned keys since the last call. The update, empty if nothing."""
        if "cells" in self._roots_touched:
            with fence():
                self._attach_cells()
        suspects = [cell_id for cell_id, keys in self._touched.items() if keys & cells.OWNED_KEYS]
        roots = self._roots_touched & {"run_queue", "kernel", "nb_path"}
        self._roots_touched -= roots
        if not suspects and not roots:
            return b""
        return self._transact(lambda: self._revert(suspects, roots))

    def _revert(self, suspects: Iterable[str], roots: set[str]) -> None:
        for cell_id in suspects:
            owned = self._owned.setdefault(cell_id, cells.Owned())
            if cell_id in self._maps:
                cells.restore_owned(self._maps[cell_id], owned)
            self._touched[cell_id] -= cells.OWNED_KEYS  # but still touched, for the cache
        if "run_queue" in roots:
            self._write_queue()
        if "nb_path" in roots:
            self._write_path()
        if "kernel" in roots:
            self._write_kernel()

    def repair(self) -> bytes:
        """Restore the graphs' invariants and place cells that have no position. The update, empty if nothing."""
        with fence():
            listed = [item for item in self._cells.to_py() or []]
            np_graph, pc_graph = self._graphs()
            raw_np, raw_pc = self._np.to_py() or {}, self._pc.to_py() or {}
        fixed = graph.repair(self.cell_ids(), np_graph, pc_graph)
        value = self.value()
        placed = {
            cell_id: place
            for cell_id, place in graph.layout(value.cells, fixed.np_graph, fixed.pc_graph).items()
            if self._values[cell_id].top is None or self._values[cell_id].left is None
        }

        def change() -> None:
            if listed != list(fixed.cells):
                del self._cells[:]
                self._cells.extend(list(fixed.cells))
            cells.write_graph(self._np, raw_np, fixed.np_graph)
            cells.write_graph(self._pc, raw_pc, fixed.pc_graph)
            for cell_id, place in placed.items():
                for key, number in place.items():
                    self._maps[cell_id][key] = number
            if self._notebook.get("aligned") is not True:
                self._notebook["aligned"] = True

        return self._transact(change)

    def clear_deleted(self) -> bytes:
        """Empty the Maps of cells that are in no list: only while nobody is connected, for undo needs them."""
        with fence():
            alive = set(self.cell_ids()) | cells.ROOTS
            deleted = [name for name in list(self._doc.keys()) if name not in alive]

        def change() -> None:
            for name in deleted:
                shared: Shared = self._doc.get(name, type=Map)
                for key in list(shared.keys()):
                    del shared[key]

        return self._transact(change) if deleted else b""
