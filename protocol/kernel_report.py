"""What a kernel's reports change in the document: they are state, and only what differs is written."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

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
from protocol.messages.kernel import KernelReport, KernelStatus, RunReport
from protocol.values import JsonObject

_AT_WORK = (KernelStatus.BUSY, KernelStatus.INTERRUPTING, KernelStatus.NOT_RESPONDING)
_BUSY: JsonObject = {"busy": True, "status": str(KernelStatus.BUSY)}


class Shown:
    """What was written of the kernel (``kernel``) and of the outputs of the run in hand (``outputs``)."""

    def __init__(self) -> None:
        self.kernel: JsonObject = {}
        self.outputs: list[JsonObject] = []
        self._language: JsonObject = {}

    def busy(self) -> SetKernel:
        """An idle kernel is busy from now on: one append less than when it says so itself."""
        return SetKernel(_BUSY)

    def was_busy(self) -> None:
        """:meth:`busy` was written."""
        self.kernel = {**self.kernel, **_BUSY}  # the old dict has travelled

    def of_kernel(self, report: KernelReport) -> tuple[Change, ...]:
        shown: JsonObject = {
            "busy": report.status in _AT_WORK,
            "status": str(report.status),
            "name": report.name,
            "reason": report.reason,
            "incarnation": report.incarnation,
        }
        changes: list[Change] = []
        if shown != self.kernel:
            self.kernel = shown
            changes.append(SetKernel(shown))
        if report.status is KernelStatus.IDLE and report.language_info not in ({}, self._language):
            self._language = report.language_info
            changes.append(SetNotebookMetadata({"language_info": report.language_info}))
        return tuple(changes)

    def of_run(self, run: RunReport) -> tuple[Change, ...]:
        changes: list[Change] = []
        if run.start < len(self.outputs) or run.outputs:
            self.outputs[run.start :] = run.outputs
            changes.append(WriteOutputs(run.cell_id, run.start, run.outputs))
        if run.execution_count is not None:
            changes.append(SetCell(run.cell_id, {"execution_count": run.execution_count}))
        return tuple(changes)


def of_displays(report: KernelReport) -> tuple[Change, ...]:
    return tuple(ReplaceOutput(each.cell_id, each.index, each.data, each.metadata) for each in report.displays)


def of_next_inputs(run: RunReport) -> tuple[Change, ...]:
    """Texts that the code asked for: in its own cell, the last of them, or each in a new one below."""
    own = [each.text for each in run.next_inputs if each.replace]
    changes: list[Change] = [SetSource(run.cell_id, own[-1])] if own else []
    after = run.cell_id
    for number, each in enumerate(each for each in run.next_inputs if not each.replace):
        # An id that comes from the run's: written twice, the cell is there once.
        digest = hashlib.sha256(f"{run.run} {number}".encode()).digest()
        cell_id = urlsafe_b64encode(digest[:6]).decode()
        changes.append(InsertCell(after, cell_id, each.text))
        after = cell_id
    return tuple(changes)
