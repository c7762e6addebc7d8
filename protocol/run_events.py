"""What the run queue is, what happens to it and what it makes happen: the words of run_queue.py."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TypeAlias

import msgspec

from protocol.messages.changes import Change
from protocol.messages.kernel import RunEnded
from protocol.messages.shared import Entry


class Moment(msgspec.Struct, frozen=True):
    """``clock``: seconds that no change of the date moves, for limits. ``date``: since 1970, for people."""

    clock: float = 0.0
    date: float = 0.0


class State(msgspec.Struct, frozen=True):
    running: Entry | None = None
    waiting: tuple[Entry, ...] = ()
    offered: tuple[Entry, ...] = ()
    paused: bool = False

    @property
    def recorded(self) -> tuple[Entry, ...]:
        return ((self.running,) if self.running else ()) + self.waiting + self.offered

    @property
    def free(self) -> bool:
        """What is queued now begins at once."""
        return self.running is None and not self.waiting and not self.paused

    @property
    def due(self) -> float:
        """When the next limit is over."""
        own = self.running.due if self.running and not self.running.overdue else inf
        return min((own, *(entry.run_due for entry in self.recorded if not (entry.overdue or entry.offered))))


# ------------------------------------------------------------------------------------------------------- events


class Queued(msgspec.Struct, frozen=True):
    """The hub recorded ``entry``."""

    entry: Entry


class Added(msgspec.Struct, frozen=True):
    """The hub recorded ``entries`` behind those that wait."""

    entries: tuple[Entry, ...]


class Cancelled(msgspec.Struct, frozen=True):
    """A waiting cell goes back to idle."""

    cell_id: str


class Moved(msgspec.Struct, frozen=True):
    """A waiting cell is the ``place``-th of those from now on, from 1; the last, where there are fewer."""

    cell_id: str
    place: int


class Paused(msgspec.Struct, frozen=True):
    """Nothing begins from now on, or (not ``paused``) it goes on."""

    paused: bool


class Started(msgspec.Struct, frozen=True):
    """The kernel said that it began with run ``run``: its time counts from now. ``changes``: of the same edit."""

    run: str
    changes: tuple[Change, ...] = ()


class Expired(msgspec.Struct, frozen=True):
    """Some limit may be over."""


class Ended(msgspec.Struct, frozen=True):
    """Run ``run`` ended. ``last``: changes that belong in the same edit (its last outputs, its count).
    ``outputs``: how many outputs its cell has after these. ``times``: to be kept with the cell."""

    run: str
    ended: RunEnded
    last: tuple[Change, ...] = ()
    outputs: int = 0
    times: Mapping[str, str] = {}


class Emptied(msgspec.Struct, frozen=True):
    """Waiting cells go back to idle, and nothing is held back any more."""


class TakenUp(msgspec.Struct, frozen=True):
    """The hub recorded ``entries``, which were offered, as waiting; the offer is gone."""

    entries: tuple[Entry, ...]


class Dismissed(msgspec.Struct, frozen=True):
    """What is offered is forgotten."""


class Found(msgspec.Struct, frozen=True):
    """After a restart of the actor or the server: the recorded queue. ``alive``: its head's run may still be
    in the kernel (same server), otherwise it ended with the server that ran it. ``outputs``: how many outputs the
    head's cell has. ``gone``: cells that cannot be run any more."""

    entries: tuple[Entry, ...]
    alive: bool
    outputs: int = 0
    gone: frozenset[str] = frozenset()
    paused: bool = False


Event: TypeAlias = (
    Queued | Added | Cancelled | Moved | Paused | Started | Expired | Ended | Emptied | TakenUp | Dismissed | Found
)


# ------------------------------------------------------------------------------------------------------ effects


class Write(msgspec.Struct, frozen=True):
    """Edit the document and the recorded queue, in one."""

    changes: tuple[Change, ...]
    queue: tuple[Entry, ...]


class Run(msgspec.Struct, frozen=True):
    """Hand ``entry`` to the kernel. ``resumed``: it may be there already, with outputs in the document."""

    entry: Entry
    resumed: bool = False


class Interrupt(msgspec.Struct, frozen=True):
    """Interrupt what runs."""


Effect: TypeAlias = Write | Run | Interrupt
