"""The roots that only the server writes (``run_queue``, ``kernel``, ``nb_path``) and its own copy of them.

All writing happens inside a transaction of the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from protocol.values import JsonObject, alike, shareable

Shared = Any

NAMES = frozenset({"run_queue", "kernel", "nb_path"})


class OwnedRoots:
    def __init__(self, queue: Shared, kernel: Shared, path: Shared) -> None:
        self._queue_root, self._kernel_root, self._path_root = queue, kernel, path
        self._queue = [str(item) for item in queue.to_py() or []]
        self._kernel: JsonObject = dict(kernel.to_py() or {})
        self._path = str(path)

    def set_queue(self, cell_ids: Iterable[str]) -> None:
        self._queue = list(cell_ids)
        self._write_queue()

    @property
    def paused(self) -> bool:
        return self._kernel.get("paused") is True

    def set_kernel(self, values: JsonObject) -> None:
        self._kernel.update({key: shareable(value) for key, value in values.items()})
        self._write_kernel()

    def set_path(self, path: str) -> None:
        self._path = str(shareable(path))
        self._write_path()

    def restore(self, names: Collection[str]) -> None:
        """Put back what clients wrote to these."""
        if "run_queue" in names:
            self._write_queue()
        if "kernel" in names:
            self._write_kernel()
        if "nb_path" in names:
            self._write_path()

    def _write_queue(self) -> None:
        if not alike(list(self._queue_root), self._queue):
            del self._queue_root[:]
            self._queue_root.extend(self._queue)

    def _write_kernel(self) -> None:
        root = self._kernel_root
        for key in sorted(set(root.keys()) - set(self._kernel)):
            del root[key]
        for key, value in self._kernel.items():
            if key not in root or not alike(root.get(key), value):
                root[key] = value

    def _write_path(self) -> None:
        # Not the characters alone: bold ones and pictures are no path either.
        if self._path_root.diff() != ([(self._path, None)] if self._path else []):
            del self._path_root[:]
            self._path_root.insert(0, self._path)
