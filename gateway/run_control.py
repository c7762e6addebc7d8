"""The control methods about the run queue, and those that give the notebook another kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from protocol import answers, wire
from protocol.messages.gateway import NameSession
from protocol.messages.hub import DraftRun
from protocol.messages.notebook import (
    CancelCell,
    ChangeKernel,
    DismissQueue,
    MoveCell,
    PauseQueue,
    QueueCell,
    QueueCells,
    ResumeQueue,
    RunNext,
    ShutDown,
)
from protocol.messages.shared import Refused, Terms
from protocol.selection import Selection

if TYPE_CHECKING:
    from gateway.connection import Services

METHODS = frozenset(
    {
        ("notebook", "queue_cell"),
        ("notebook", "run"),
        ("notebook", "run_next"),
        ("notebook", "cancel_cell"),
        ("notebook", "move_cell"),
        ("notebook", "pause"),
        ("notebook", "resume"),
        ("notebook", "resume_queue"),
        ("notebook", "dismiss_queue"),
        ("kernel", "change_kernel"),
        ("kernel", "shut_down"),
        ("kernel", "specs"),
    }
)


class RunControl:
    """``session``: of the connection, recorded with what it asks to run where its person shows no name."""

    def __init__(self, services: Services, session: str) -> None:
        self._services = services
        self._session = session

    async def obey(self, request: wire.Request, accepted: Callable[[], None]) -> msgspec.Struct:
        """The answer. ``accepted`` is called once the order among requests is settled."""
        match request.fields:
            case wire.QueueCellFields() | wire.RunFields() | wire.ResumeQueueFields():
                return await self._run(request.fields, accepted)
            case wire.CellFields(cell_id) if request.method == "run_next":
                who = await self._who()
                answer = await self._services.notebook.ask(RunNext, cell_id, who)
                accepted()
                return answer
            case wire.CellFields() | wire.MoveFields():
                return await self._order(request.fields, accepted)
            case wire.ChangeKernelFields(name):
                return await self._change_kernel(name, accepted)
            case _:
                return await self._plainly(request.method, accepted)

    async def _who(self) -> str:
        return await self._services.gateway.ask(NameSession, self._session) or self._session

    async def _run(
        self,
        fields: wire.QueueCellFields | wire.RunFields | wire.ResumeQueueFields,
        accepted: Callable[[], None],
    ) -> msgspec.Struct:
        """Awaited before the next frame: a later edit must not be in the source that runs."""
        notebook = self._services.notebook
        who = await self._who()
        match fields:
            case wire.QueueCellFields(cell_id):
                answer: msgspec.Struct = await notebook.ask(QueueCell, cell_id, who)
            case wire.ResumeQueueFields(interrupted):
                answer = await notebook.ask(ResumeQueue, interrupted, who)
            case wire.RunFields():
                selection = Selection(fields.what, fields.cell_id, fields.cells)
                terms = Terms(fields.stop_on_error, fields.cell_seconds, fields.run_seconds)
                drafts = await self._services.hub.ask(DraftRun, selection, who, terms)
                if isinstance(drafts, Refused):
                    return drafts
                waiting = await notebook.request(QueueCells, drafts, fields.restart)
                accepted()  # a restart takes seconds
                queued = await waiting()
                answer = queued if isinstance(queued, Refused) else answers.QueuedCells(queued)
        accepted()
        return answer

    async def _order(
        self, fields: wire.CellFields | wire.MoveFields, accepted: Callable[[], None]
    ) -> msgspec.Struct:
        notebook = self._services.notebook
        match fields:
            case wire.CellFields(cell_id):
                waiting = await notebook.request(CancelCell, cell_id)
            case wire.MoveFields(cell_id, place):
                waiting = await notebook.request(MoveCell, cell_id, place)
        accepted()
        return await waiting()

    async def _change_kernel(self, name: str, accepted: Callable[[], None]) -> msgspec.Struct:
        installed = await self._services.specs()
        found = next((each for each in installed if each.name == name.lower()), None)
        if found is None:
            names = ", ".join(each.name for each in installed) or "none"
            return Refused("unknown_kernel", f"There is no kernel named “{name}” here. Installed: {names}.")
        waiting = await self._services.notebook.request(ChangeKernel, found)
        accepted()
        return await waiting()

    async def _plainly(self, method: str, accepted: Callable[[], None]) -> msgspec.Struct:
        notebook = self._services.notebook
        match method:
            case "pause" | "resume":
                waiting = await notebook.request(PauseQueue, method == "pause")
            case "dismiss_queue":
                waiting = await notebook.request(DismissQueue)
            case "shut_down":
                waiting = await notebook.request(ShutDown)
            case _:
                accepted()
                kernels = await self._services.specs()
                return answers.KernelSpecs(tuple(each.name for each in kernels), kernels)
        accepted()
        return await waiting()
