"""The run queue as a pure state machine: ``step(state, event) -> (state, effects)``.

One cell runs at a time; the rest wait in order. The recorded queue (journal and ``run_queue`` root) is the
running entry followed by the waiting ones. Invariant: every cell whose ``state`` is "queued" or "running" has an
entry, and each entry leaves by an event that also writes its cell back to "idle" (promise I4 of the design).

What ran or waited when a server stopped is *offered*: behind the others in the journal, not in the document, its
cells idle. It never runs by itself: the variables that it may build upon ended with the kernel, and the cell that
ran may be what brought the server down. A cell is offered until people take the offer up or dismiss it, or until
it is queued by hand; other cells that run meanwhile, and further restarts, leave it as it is. What had begun is
part of the offer, because what waited behind it mostly builds upon it; whether it runs again is asked apart,
because half of it was done.
"""

from __future__ import annotations

import zlib
from typing import TypeAlias, assert_never

import msgspec

from protocol.messages import Change, Entry, OfferedCell, Refused, RunEnded, SetCell, WriteOutputs
from protocol.values import JsonObject, NotebookValue


class State(msgspec.Struct, frozen=True):
    running: Entry | None = None
    waiting: tuple[Entry, ...] = ()
    offered: tuple[Entry, ...] = ()

    @property
    def recorded(self) -> tuple[Entry, ...]:
        return ((self.running,) if self.running else ()) + self.waiting + self.offered

    @property
    def free(self) -> bool:
        """Nothing runs or waits: what is queued now begins at once."""
        return self.running is None and not self.waiting


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


Event: TypeAlias = Queued | Ended | Emptied | TakenUp | Dismissed | Found


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


def live(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Of recorded entries, what runs and waits."""
    return tuple(entry for entry in entries if not entry.offered)


def with_entry(entries: tuple[Entry, ...], new: Entry) -> tuple[Entry, ...]:
    """Recorded entries and one that waits: last of those, and its cell is not offered any more."""
    return (*live(entries), new, *_still_offered(entries, new))


def _still_offered(entries: tuple[Entry, ...], new: Entry) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.offered and entry.cell_id != new.cell_id)


def chosen(state: State, interrupted: bool) -> tuple[Entry, ...]:
    """What of the offer is to run; ``interrupted``: also what had begun."""
    return tuple(entry for entry in state.offered if interrupted or not entry.begun)


def offer(state: State) -> tuple[OfferedCell, ...]:
    """What people are told of it."""
    return tuple(
        OfferedCell(entry.cell_id, entry.who, entry.begun, zlib.crc32(entry.source.encode(errors="replace")))
        for entry in state.offered
    )


def recovered(entries: tuple[Entry, ...], notebook: NotebookValue) -> Found:
    """What a server finds of the one before it."""
    runnable = {cell.id: len(cell.outputs) for cell in notebook.cells if cell.type == "code"}
    gone = frozenset(entry.cell_id for entry in entries) - runnable.keys()
    outputs = runnable.get(entries[0].cell_id, 0) if entries else 0
    return Found(entries, alive=False, outputs=outputs, gone=gone)


def step(state: State, event: Event) -> tuple[State, tuple[Effect, ...]]:
    match event:
        case Queued(entry):
            return _queued(State(state.running, state.waiting, _still_offered(state.offered, entry)), entry)
        case Ended(run, ended, last, outputs):
            if state.running is None or state.running.id != run:
                return state, ()
            done = (*last, *_explained(state.running, ended, outputs), _idle(state.running))
            if ended.status in ("ok", "interrupted"):
                return _begin(State(None, state.waiting, state.offered), done)
            return _write(State(offered=state.offered), (*done, *map(_idle, state.waiting)))
        case Emptied():
            if not state.waiting:
                return state, ()
            return _write(State(state.running, (), state.offered), tuple(map(_idle, state.waiting)))
        case TakenUp(entries):
            taken = State(state.running, (*state.waiting, *entries))
            return _begin(taken, ()) if taken.running is None else (taken, ())
        case Dismissed():
            return _write(State(state.running, state.waiting), ()) if state.offered else (state, ())
        case Found():
            return _found(event) if event.alive else _recovered(event)
        case _:
            assert_never(event)


def _queued(state: State, entry: Entry) -> tuple[State, tuple[Effect, ...]]:
    if state.running is None and entry.begun:  # recorded so, together with what begins a run
        return State(entry, state.waiting, state.offered), (Run(entry),)
    state = State(state.running, (*state.waiting, entry), state.offered)
    return _begin(state, ()) if state.running is None else (state, ())


def _begin(state: State, changes: tuple[Change, ...]) -> tuple[State, tuple[Effect, ...]]:
    """Start the first waiting entry, if any; ``changes`` go into the same edit."""
    if not state.waiting:
        return _write(state, changes) if changes else (state, ())
    head, rest = msgspec.structs.replace(state.waiting[0], begun=True), state.waiting[1:]
    begun = State(head, rest, state.offered)
    return begun, (Write((*changes, *beginning(head.cell_id)), begun.recorded), Run(head))


def beginning(cell_id: str) -> tuple[Change, ...]:
    """What the document says when a run of ``cell_id`` begins."""
    return (
        SetCell(cell_id, {"state": "running", "execution_count": None}),
        WriteOutputs(cell_id, 0, ()),
    )


def _recovered(found: Found) -> tuple[State, tuple[Effect, ...]]:
    """Nothing goes on after a restart of the server: all that did is offered, in the order in which it was asked
    for, so behind what an earlier server left."""
    went_on = live(found.entries)
    before = tuple(entry for entry in found.entries if entry.offered)
    state = State(
        offered=tuple(
            msgspec.structs.replace(entry, offered=True)
            for entry in (*before, *went_on)
            if entry.cell_id not in found.gone
        )
    )
    if state.recorded == found.entries:
        return state, ()
    ended = RunEnded("died", "The kernel ended with the server.")
    explained = _explained(went_on[0], ended, found.outputs) if went_on and went_on[0].begun else ()
    return _write(state, (*explained, *map(_idle, went_on)))


def _found(found: Found) -> tuple[State, tuple[Effect, ...]]:
    entries = live(found.entries)
    offered = tuple(entry for entry in found.entries if entry.offered)
    if not entries:
        return State(offered=offered), ()
    head, rest = entries[0], entries[1:]
    queued = tuple(SetCell(entry.cell_id, {"state": "queued"}) for entry in rest)
    if not head.begun:  # the actor died just before it began this one
        return _begin(State(None, entries, offered), queued)
    state = State(head, rest, offered)
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
