"""What people are told about runs: the kernel's state, an open ``input()``, what may be run again, notices.

Owned by the NotebookActor. Each is told when it changes, and whoever begins to watch hears how it stands.
"""

from __future__ import annotations

from protocol.messages.kernel import InputRequest, KernelReport
from protocol.messages.notebook import InputAsked, KernelChanged, OfferedCell, QueueOffered, RunNews
from protocol.messages.shared import Notice, Outlet


class Watchers:
    """``input``: the question that waits. ``offered``: what may be run again."""

    def __init__(self) -> None:
        self.input: InputRequest | None = None
        self.offered: tuple[OfferedCell, ...] = ()
        self._input_cell = ""
        self._kernel: KernelChanged | None = None
        self._outlets: list[Outlet[RunNews]] = []

    def close(self) -> None:
        for outlet in self._outlets:
            outlet.close()

    def watch(self, outlet: Outlet[RunNews]) -> None:
        self._outlets.append(outlet)
        if self._kernel is not None:
            outlet.offer(self._kernel)
        if self.input is not None:
            outlet.offer(InputAsked(self._input_cell, self.input))
        # Also that there is none: an incarnation that let it go may have died before it could say so.
        outlet.offer(QueueOffered(self.offered))

    def tell_kernel(self, report: KernelReport) -> None:
        told = KernelChanged(report.status, report.reason, report.name)
        if self._kernel is None or (self._kernel.status, self._kernel.reason) != (told.status, told.reason):
            self.tell(told)
        self._kernel = told

    def tell_input(self, request: InputRequest | None, cell_id: str = "") -> None:
        """``cell_id`` of the cell that asks; that nothing asks any more is told of the one that did."""
        if request == self.input:
            return
        if request is not None:
            self._input_cell = cell_id
        self.input = request
        self.tell(InputAsked(self._input_cell, request))

    def tell_offer(self, offered: tuple[OfferedCell, ...]) -> None:
        if offered != self.offered:
            self.offered = offered
            self.tell(QueueOffered(offered))

    def tell(self, news: InputAsked | KernelChanged | QueueOffered | Notice) -> None:
        for outlet in self._outlets[:]:
            if not outlet.offer(news):
                outlet.close()
                self._outlets.remove(outlet)
