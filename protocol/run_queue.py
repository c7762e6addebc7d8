"""The run queue as a pure state machine: ``step(state, event) -> (state, effects)``.

One cell runs at a time; the rest wait in order. The recorded queue (journal and ``run_queue`` root) is the
running entry followed by the waiting ones. Invariant: every cell whose ``state`` is "queued" or "running" has an
entry, and each entry leaves by an event that also writes its cell back to "idle" (promise I4 of the design).
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

import msgspec

from protocol.messages import Change, Entry, Refused, RunEnded, SetCell, WriteOutputs
from protocol.values import JsonObject


class State(msgspec.Struct, frozen=True):
    running: Entry | None = None
    waiting: tuple[Entry, ...] = ()

    @property
    def recorded(self) -> tuple[Entry, ...]:
        return ((self.running,) if self.running else ()) + self.waiting


# ------------------------------------------------------------------------------------------------------- events


class Queued(msgspec.Struct, frozen=True):
    """The hub recorded ``entry``."""

    entry: Entry


class Ended(msgspec.Struct, frozen=True):
    """Run ``run`` ended. ``last``: changes that belong in the same edit (its last outputs, its count).
    ``outputs``: how many outputs its cell has after these."""

    run: str
    ended: RunEnded
    last: tuple[Change, ...] = ()
    outputs: int = 0


class Emptied(msgspec.Struct, frozen=True):
    """Waiting cells go back to idle."""


class Found(msgspec.Struct, frozen=True):
    """After a restart of the actor or the server: the recorded queue. ``alive``: its head's run may still be
    in the kernel (same server), otherwise it ended with the server that ran it. ``outputs``: how many outputs the
    head's cell has."""

    entries: tuple[Entry, ...]
    alive: bool
    outputs: int = 0


Event: TypeAlias = Queued | Ended | Emptied | Found


# ------------------------------------------------------------------------------------------------------ effects


class Write(msgspec.Struct, frozen=True):
    """Edit the document and the recorded queue, in one."""

    changes: tuple[Change, ...]
    queue: tuple[Entry, ...]


class Run(msgspec.Struct, frozen=True):
    """Hand ``entry`` to the kernel. ``resumed``: it may be there already, with outputs in the document."""

    entry: Entry
    resumed: bool = False


Effect: TypeAlias = Write | Run


def refusal(state: State, cell_id: str) -> Refused | None:
    """Why ``cell_id`` may not be queued now, or None."""
    if state.running is not None and state.running.cell_id == cell_id:
        return Refused("running", "This cell is running.")
    return None


def is_queued(state: State, cell_id: str) -> bool:
    return any(entry.cell_id == cell_id for entry in state.waiting)


def step(state: State, event: Event) -> tuple[State, tuple[Effect, ...]]:
    match event:
        case Queued(entry):
            if state.running is None and entry.begun:  # recorded so, together with what begins a run
                return State(entry, state.waiting), (Run(entry),)
            if state.running is None:
                return _begin(State(None, (*state.waiting, entry)), ())
            return State(state.running, (*state.waiting, entry)), ()
        case Ended(run, ended, last, outputs):
            if state.running is None or state.running.id != run:
                return state, ()
            done = (*last, *_explained(state.running, ended, outputs), _idle(state.running))
            if ended.status in ("ok", "interrupted"):
                return _begin(State(None, state.waiting), done)
            return _write(State(), (*done, *map(_idle, state.waiting)))
        case Emptied():
            if not state.waiting:
                return state, ()
            return _write(State(state.running), tuple(map(_idle, state.waiting)))
        case Found(entries, alive, outputs):
            return _found(entries, alive, outputs)
        case _:
            assert_never(event)


def _begin(state: State, changes: tuple[Change, ...]) -> tuple[State, tuple[Effect, ...]]:
    """Start the first waiting entry, if any; ``changes`` go into the same edit."""
    if not state.waiting:
        return _write(State(), changes) if changes else (State(), ())
    head, rest = msgspec.structs.replace(state.waiting[0], begun=True), state.waiting[1:]
    begun = State(head, rest)
    return begun, (Write((*changes, *beginning(head.cell_id)), begun.recorded), Run(head))


def beginning(cell_id: str) -> tuple[Change, ...]:
    """What the document says when a run of ``cell_id`` begins."""
    return (
        SetCell(cell_id, {"state": "running", "execution_count": None}),
        WriteOutputs(cell_id, 0, ()),
    )


def _found(entries: tuple[Entry, ...], alive: bool, outputs: int) -> tuple[State, tuple[Effect, ...]]:
    if not entries:
        return State(), ()
    head, rest = entries[0], entries[1:]
    if not alive:
        ended = RunEnded("died", "The kernel ended with the server.")
        explained = _explained(head, ended, outputs) if head.begun else ()
        return _write(State(), (*explained, *map(_idle, entries)))
    queued = tuple(SetCell(entry.cell_id, {"state": "queued"}) for entry in rest)
    if not head.begun:  # the actor died just before it began this one
        return _begin(State(None, entries), queued)
    state = State(head, rest)
    running = SetCell(head.cell_id, {"state": "running"})
    return state, (Write((running, *queued), state.recorded), Run(head, resumed=True))


def _explained(entry: Entry, ended: RunEnded, outputs: int) -> tuple[Change, ...]:
    """An output that says in words why a run has no proper end, after the ``outputs`` that it has."""
    if ended.status not in ("died", "aborted"):
        return ()
    name = "KernelDied" if ended.status == "died" else "RunAborted"
    reason = ended.reason or "The kernel did not run this cell."
    output: JsonObject = {
        "output_type": "error",
        "ename": name,
        "evalue": reason,
        "traceback": [f"{name}: {reason}"],
    }
    # At a place of its own and not "at the end": written twice, it is there once.
    return (WriteOutputs(entry.cell_id, outputs, (output,)),)


def _idle(entry: Entry) -> SetCell:
    return SetCell(entry.cell_id, {"state": "idle"})


def _write(state: State, changes: tuple[Change, ...]) -> tuple[State, tuple[Effect, ...]]:
    return state, (Write(changes, state.recorded),)
