"""The shared document's shape, in one place: which roots there are, who owns which keys, how it becomes values.

Contract section 4. A :class:`Document` owns one pycrdt ``Doc`` and belongs to one thread. Everything that calls
into pycrdt passes through one fence: some malformed updates raise a Rust panic (a ``BaseException``), and after a
failed apply the Doc may be half changed, so any error means :class:`DocumentBroken`: build a new one from the
journal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, assert_never

from pycrdt import Array, Doc, Map, Text, TransactionEvent, merge_updates

from protocol import cells, graph, owned_roots, rewrite
from protocol.blobs import named_by
from protocol.ids import ROOT_NAMES
from protocol.layout import layout
from protocol.messages.changes import (
    Change,
    InsertCell,
    ReplaceOutput,
    SetCell,
    SetKernel,
    SetNotebookMetadata,
    SetSource,
    WriteOutputs,
)
from protocol.owned_roots import OwnedRoots
from protocol.selection import tags_of
from protocol.touched import Touched
from protocol.update import ARRAY, MAP, TEXT
from protocol.values import CellValue, NotebookValue, shareable

T = TypeVar("T")

Shared = Any  # pycrdt's containers are generic over their content, which is mixed here

# Merging 100,000 updates at once is quadratic in pycrdt; in groups of this size it is not.
MERGE_GROUP = 64


class DocumentBroken(Exception):
    """pycrdt failed; the Doc may be half changed and must not be used again."""


_ROOT_TYPES = {"cells": ARRAY, "run_queue": ARRAY, "nb_path": TEXT}


def root_type(name: str) -> int:
    """Which shared type a root is, for the guard: content of another kind in it can hang whoever reads it."""
    return _ROOT_TYPES.get(name, MAP)


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
        self._maps: dict[str, Shared] = {}
        self._touched = Touched()
        self._produced: list[bytes] = []
        self._full: bytes | None = None
        self.applied = b""  # what the last client's update came to
        with fence():
            self._doc: Doc[Any] = Doc(client_id=client_id)
            for update in merged(updates):
                self._doc.apply_update(update)
            self._open_roots()
            self._attach_cells()
            self._owned = {cell_id: cells.read_owned(shared) for cell_id, shared in self._maps.items()}
        self._touched.trust()

    def _open_roots(self) -> None:
        get = self._doc.get
        self._cells: Shared = get("cells", type=Array)
        self._np: Shared = get("np_graph", type=Map)
        self._pc: Shared = get("pc_graph", type=Map)
        self._notebook: Shared = get("notebook", type=Map)
        queue: Shared = get("run_queue", type=Array)
        kernel: Shared = get("kernel", type=Map)
        path: Shared = get("nb_path", type=Text)
        self._mine = OwnedRoots(queue, kernel, path)
        for name, root in (("cells", self._cells), ("run_queue", queue), ("kernel", kernel), ("nb_path", path)):
            self._touched.watch_root(name, root)
        self._watch = self._doc.observe(self._note)

    def _note(self, event: TransactionEvent) -> None:
        # Asking the event for the update encodes it: what a client brought is there as bytes already.
        self._produced.append(event.update if self._touched.mine else b"")

    def _attach_cells(self) -> None:
        """Watch the Maps of cells that are new in ``cells``; whatever clients wrote there before is suspect."""
        self._touched.roots.discard("cells")
        for cell_id in self.cell_ids():
            if cell_id not in self._maps:
                shared: Shared = self._doc.get(cell_id, type=Map)
                self._maps[cell_id] = shared
                self._touched.watch_cell(cell_id, shared, cells.OWNED_KEYS)

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

    def tags(self, cell_id: str) -> tuple[str, ...]:
        with fence():
            return tags_of(cells.plain_of(self._maps[cell_id].get("metadata")) or {})

    @property
    def paused(self) -> bool:
        """The run queue is."""
        return self._mine.paused

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
                if self._touched.cells.pop(cell_id, None) is not None or cell_id not in self._values:
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

    def named_blobs(self) -> frozenset[str]:
        """Which values beside the document it refers to, also in cells that were deleted and may come back."""
        with fence():
            known = self._owned.keys() | ROOT_NAMES
            shelved = [name for name in list(self._doc.keys()) if name not in known]
            outputs = [cells.read_owned(self._doc.get(name, type=Map)).outputs for name in shelved]
        outputs += [owned.outputs for owned in self._owned.values()]
        return frozenset(reference.sha256 for each in outputs for reference in named_by(each))

    def busy_cells(self) -> tuple[str, ...]:
        """Cells whose state says that they are queued or running."""
        return tuple(cell_id for cell_id, owned in self._owned.items() if owned.state != "idle")

    def clearable(self, wanted: Iterable[str] | None) -> tuple[str, ...]:
        """Of these cells, or of all, those that put something out or ran."""
        ids = self.cell_ids() if wanted is None else [id_ for id_ in dict.fromkeys(wanted) if self.has_cell(id_)]
        return tuple(
            id_
            for id_ in ids
            if (owned := self._owned.get(id_))
            if owned.outputs or owned.execution_count is not None or owned.run is not None
        )

    def state(self, cell_id: str) -> str:
        return self._owned[cell_id].state

    def _graphs(self) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
        return cells.read_graph(self._np), cells.read_graph(self._pc)

    # ----------------------------------------------------------------------------------------------- changing

    def apply(self, update: bytes) -> bool:
        """Apply a client's guarded update. True if it changed anything."""
        self._produced.clear()
        with fence():
            self._doc.apply_update(update)
        changed = bool(self._produced)
        self.applied = bytes(self._produced[0]) if changed else b""
        self._produced.clear()
        if changed:
            self._full = None
        return changed

    def _transact(self, change: Callable[[], None]) -> bytes:
        """Run ``change`` in one transaction; the update that it made, empty if nothing changed."""
        self._produced.clear()
        self._touched.mine = True
        with fence():
            try:
                with self._doc.transaction():
                    change()
            finally:
                self._touched.mine = False
            made = [bytes(update) for update in self._produced]
            self._produced.clear()
            if not made:
                return b""
            self._full = None
            return made[0] if len(made) == 1 else bytes(merge_updates(*made))

    def edit(self, changes: Collection[Change], queue: Iterable[str] | None = None) -> bytes:
        """Make the server's own changes. The update, empty if nothing changed."""

        def change() -> None:
            for item in changes:
                self._change(item)
            if queue is not None:
                self._mine.set_queue(queue)

        made = self._transact(change)
        if any(isinstance(item, InsertCell) for item in changes):
            with fence():
                self._attach_cells()
        return made

    def _change(self, change: Change) -> None:
        match change:
            case SetKernel(values):
                self._mine.set_kernel(values)
            case SetNotebookMetadata(values):
                held = self._notebook.get("metadata")
                new = {**(held if isinstance(held, dict) else {}), **values}
                if new != held:
                    self._notebook["metadata"] = shareable(new)
            case SetCell(cell_id) | WriteOutputs(cell_id) | ReplaceOutput(cell_id):
                shared = self._maps.get(cell_id)
                if shared is not None:
                    cells.change(shared, self._owned.setdefault(cell_id, cells.Owned()), change)
            case SetSource(cell_id, source):
                if cell_id in self._maps:
                    rewrite.write_source(self._maps[cell_id], str(shareable(source)))
            case InsertCell():
                self._insert(change)
            case _:
                assert_never(change)

    def _insert(self, wanted: InsertCell) -> None:
        ids = self.cell_ids()
        if wanted.after not in ids or wanted.cell_id in ids:
            return
        shared: Shared = self._doc.get(wanted.cell_id, type=Map)
        owned = self._owned[wanted.cell_id] = cells.read_owned(shared)
        cell = CellValue(id=wanted.cell_id, type="code", source=wanted.source)
        rewrite.write_cell(shared, owned, cell, finished=True)
        np_graph, pc_graph = self._graphs()
        made = graph.insert_after(graph.repair(ids, np_graph, pc_graph), wanted.after, wanted.cell_id)
        rewrite.write_ids(self._cells, made.cells)
        cells.write_graph(self._np, self._np.to_py() or {}, made.np_graph)
        cells.write_graph(self._pc, self._pc.to_py() or {}, made.pc_graph)

    def set_path(self, path: str) -> bytes:
        """Write ``nb_path``, ours alone."""
        return self._transact(lambda: self._mine.set_path(path))

    # ------------------------------------------------------------------------- what clients must not have done

    def enforce(self) -> bytes:
        """Revert what clients wrote to server-owned keys since the last call. The update, empty if nothing."""
        touched = self._touched
        if "cells" in touched.roots:
            with fence():
                self._attach_cells()
        suspects = [cell_id for cell_id, keys in touched.cells.items() if keys & cells.OWNED_KEYS]
        roots = touched.roots & owned_roots.NAMES
        touched.roots -= roots
        if not suspects and not roots:
            return b""
        return self._transact(lambda: self._revert(suspects, roots))

    def _revert(self, suspects: Iterable[str], roots: set[str]) -> None:
        for cell_id in suspects:
            cells.restore_owned(self._maps[cell_id], self._owned.setdefault(cell_id, cells.Owned()))
            self._touched.cells[cell_id] -= cells.OWNED_KEYS  # but still touched, for the cache
        self._mine.restore(roots)

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
            for cell_id, place in layout(value.cells, fixed.np_graph, fixed.pc_graph).items()
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

    def become(self, wanted: NotebookValue, busy: Collection[str]) -> bytes:
        """Say what ``wanted`` says, by the smallest edits. ``busy``: cells whose outputs are being written; they
        stay. The update, empty if nothing changed."""
        held = {cell.id: cell for cell in self.value().cells}

        def change() -> None:
            for cell in wanted.cells:
                if held.get(cell.id) != cell and cells.may_name_a_cell(cell.id):
                    shared: Shared = self._doc.get(cell.id, type=Map)
                    owned = self._owned.get(cell.id) or cells.read_owned(shared)
                    self._owned[cell.id] = owned
                    rewrite.write_cell(shared, owned, cell, finished=cell.id not in busy)
            rewrite.write_ids(self._cells, [cell.id for cell in wanted.cells])
            cells.write_graph(self._np, self._np.to_py() or {}, wanted.np_graph)
            cells.write_graph(self._pc, self._pc.to_py() or {}, wanted.pc_graph)
            if self._notebook.get("metadata") != (metadata := shareable(wanted.metadata)):
                self._notebook["metadata"] = metadata

        made = self._transact(change)
        with fence():
            self._attach_cells()
        return made

    def clear_deleted(self) -> bytes:
        """Empty the Maps of cells that are in no list: only while nobody is connected, for undo needs them."""
        with fence():
            alive = set(self.cell_ids()) | ROOT_NAMES
            deleted = [name for name in list(self._doc.keys()) if name not in alive]

        def change() -> None:
            for name in deleted:
                shared: Shared = self._doc.get(name, type=Map)
                for key in list(shared.keys()):
                    del shared[key]

        return self._transact(change) if deleted else b""
