"""What the KernelActor tells whoever pulls: state, with as little of the outputs as the puller lacks."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import trio

from actors.kernel_connection import KernelHandle
from protocol.messages.kernel import KernelReport, KernelStatus, Pull, RunReport
from protocol.outputs import OutputFold

_SEEN = 8  # reports whose version of the outputs is remembered
_PATIENCE = 0.03  # seconds between reports that have nothing new but output: each becomes a write for everyone
_STUCK = "The kernel ignores interrupts. It can be killed and restarted; its variables are lost then."


class Reports:
    """One incarnation's. ``fold``: outputs of the run in hand. ``wake_at``: asked to call :meth:`changed` then."""

    def __init__(self, handle: KernelHandle, wake_at: Callable[[float], None]) -> None:
        handle.actors += 1
        handle.reports += 1  # above every number that an earlier incarnation reported
        self.fold: OutputFold | None = None
        self._handle = handle
        self._name = f"kernel-{handle.actors}"
        self._wake_at = wake_at
        self._puller: Pull | None = None
        self._versions: dict[int, tuple[str, int]] = {}  # report number → run, version of its outputs
        self._told: tuple[object, ...] = ()
        self._told_at = -inf

    def pull(self, message: Pull, status: KernelStatus) -> None:
        handle = self._handle
        handle.changes[:] = [each for each in handle.changes if each[0] > message.seen]
        if self._puller is not None:  # whoever asked before has gone, or asks no more
            self._puller.reply(self._report(-1, status))
        self._puller = message
        if message.seen != handle.reports:
            self._offer(status)

    def changed(self, status: KernelStatus) -> None:
        """Something may be new: whoever waits for it gets it now."""
        self._handle.reports += 1
        self._offer(status)

    def _offer(self, status: KernelStatus) -> None:
        """Answer whoever pulls: at once, except that output alone is reported every so often only."""
        if self._puller is None:
            return
        now, urgent = trio.current_time(), self._urgent(status)
        if urgent == self._told and now < self._told_at + _PATIENCE:
            self._wake_at(self._told_at + _PATIENCE)
            return
        self._told, self._told_at = urgent, now
        pull, self._puller = self._puller, None
        pull.reply(self._report(pull.seen, status))

    def _urgent(self, status: KernelStatus) -> tuple[object, ...]:
        """What people should see without delay: everything but output."""
        run = self._handle.run
        facts = () if run is None else (run.run, run.input, run.ended)
        return (status, self._handle.incarnation, len(self._handle.changes), *facts)

    def _report(self, seen: int, status: KernelStatus) -> KernelReport:
        handle = self._handle
        reason = handle.death if status is KernelStatus.DEAD else ""
        if status is KernelStatus.NOT_RESPONDING:
            reason = _STUCK
        run = self._run_report(seen)
        changes = tuple(change for _, change in handle.changes)
        return KernelReport(
            self._name,
            handle.reports,
            status,
            reason,
            handle.name,
            handle.incarnation,
            handle.language_info,
            run,
            changes,
        )

    def _run_report(self, seen: int) -> RunReport | None:
        run, fold = self._handle.run, self.fold
        if run is None or fold is None:
            return None
        known, version = self._versions.get(seen, ("", -1))
        start, outputs, version = fold.changed_since(version if known == run.run else -1)
        self._versions[self._handle.reports] = (run.run, version)
        while len(self._versions) > _SEEN:
            del self._versions[next(iter(self._versions))]
        run.unreported, run.told = False, fold.shape
        return run.report(start, outputs)
