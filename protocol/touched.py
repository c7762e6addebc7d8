"""What changed in the document since somebody last looked, and how much of it clients did.

Only the event may be touched in an observer: reading the document there raises. So the observers sit at pycrdt's
``integrated`` type, below the wrapping of each event and all that it holds: at every key pressed only the path of
the change is wanted.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

Shared = Any


class Touched:
    """``cells``: id of each touched cell → those of its keys that clients touched. ``roots``: names of the other
    roots that clients touched. ``mine`` is true while the server itself writes."""

    def __init__(self) -> None:
        self.cells: dict[str, set[str]] = {}
        self.roots: set[str] = set()
        self.mine = False
        self._subscriptions: list[object] = []  # alive as long as they are held

    def watch_root(self, name: str, root: Shared) -> None:
        def observe(events: list[Any]) -> None:
            if not self.mine:
                self.roots.add(name)

        self._subscriptions.append(root.integrated.observe_deep(observe))

    def watch_cell(self, cell_id: str, shared: Shared, suspect: Collection[str]) -> None:
        """``suspect``: keys that count as touched already, for clients may have written them before."""

        def observe(events: list[Any]) -> None:
            keys = self.cells.setdefault(cell_id, set())
            if self.mine:
                return
            for event in events:
                if event.path:
                    keys.add(str(event.path[0]))
                else:
                    keys.update(event.keys)

        self.cells.setdefault(cell_id, set()).update(suspect)
        self._subscriptions.append(shared.integrated.observe_deep(observe))

    def trust(self) -> None:
        """Whatever is there now is nobody's fault: it comes from the journal."""
        self.roots.clear()
        for keys in self.cells.values():
            keys.clear()
