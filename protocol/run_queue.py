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

A *paused* queue lets what runs come to its end and begins nothing. That is a person's wish: it lasts until
somebody lets the queue go on, empties it as a whole, or the server ends.
"""

from __future__ import annotations

from math import inf
from typing import assert_never

from msgspec.structs import replace

from protocol.messages.changes import Change, SetKernel
from protocol.messages.kernel import RunEnded
from protocol.messages.notebook import OfferedCell
from protocol.messages.shared import Entry, Refused
from protocol.run_events import (
    Added,
    Cancelled,
    Dismissed,
    Effect,
    Emptied,
    Ended,
    Event,
    Expired,
    Found,
    Interrupt,
    Moment,
    Moved,
    Paused,
    Queued,
    Run,
    Started,
    State,
    TakenUp,
    Write,
)
from protocol.run_words import beginning, ending, explained, going_on, idle, source_crc, waiting
from protocol.values import NotebookValue


def refusal(state: State, cell_id: str) -> Refused | None:
    """Why ``cell_id`` may not be queued now, or None."""
    if state.running is not None and state.running.cell_id == cell_id:
        return Refused("running", "This cell is running.")
    return None


def not_waiting(state: State, cell_id: str) -> Refused | None:
    """Why ``cell_id`` may not be cancelled or moved, or None."""
    if is_queued(state, cell_id):
        return None
    if state.running is not None and state.running.cell_id == cell_id:
        return Refused("running", "This cell is running already: interrupt it to end it.")
    return Refused("not_queued", "This cell does not wait in the run queue any more.")


def is_queued(state: State, cell_id: str) -> bool:
    return any(entry.cell_id == cell_id for entry in state.waiting)


def live(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Of recorded entries, what runs and waits."""
    return tuple(entry for entry in entries if not entry.offered)


def with_entries(entries: tuple[Entry, ...], *new: Entry) -> tuple[Entry, ...]:
    """Recorded entries and some that wait: last of those, and their cells are not offered any more."""
    return (*live(entries), *new, *_still_offered(entries, new))


def _still_offered(entries: tuple[Entry, ...], new: tuple[Entry, ...]) -> tuple[Entry, ...]:
    cells = frozenset(entry.cell_id for entry in new)
    return tuple(entry for entry in entries if entry.offered and entry.cell_id not in cells)


def fresh(state: State, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Of these, those whose cells neither wait nor run."""
    busy = frozenset(entry.cell_id for entry in live(state.recorded))
    return tuple(entry for entry in entries if entry.cell_id not in busy)


def chosen(state: State, interrupted: bool) -> tuple[Entry, ...]:
    """What of the offer is to run; ``interrupted``: also what had begun."""
    return tuple(entry for entry in state.offered if interrupted or not entry.begun)


def offer(state: State) -> tuple[OfferedCell, ...]:
    """What people are told of it."""
    return tuple(
        OfferedCell(entry.cell_id, entry.who, entry.begun, source_crc(entry.source)) for entry in state.offered
    )


def recovered(entries: tuple[Entry, ...], notebook: NotebookValue, paused: bool = False) -> Found:
    """What a server finds of the one before it."""
    runnable = {cell.id: len(cell.outputs) for cell in notebook.cells if cell.type == "code"}
    gone = frozenset(entry.cell_id for entry in entries) - runnable.keys()
    outputs = runnable.get(entries[0].cell_id, 0) if entries else 0
    return Found(entries, alive=False, outputs=outputs, gone=gone, paused=paused)


_AT_ONCE = Moment()


def step(state: State, event: Event, now: Moment = _AT_ONCE) -> tuple[State, tuple[Effect, ...]]:
    match event:
        case Queued(entry):
            offered = _still_offered(state.offered, (entry,))
            return _queued(replace(state, offered=offered), entry, now)
        case Added(entries):
            offered = _still_offered(state.offered, entries)
            added = replace(state, waiting=(*state.waiting, *entries), offered=offered)
            return _go_on(added, now)
        case TakenUp(entries):
            return _go_on(replace(state, waiting=(*state.waiting, *entries), offered=()), now)
        case Started(run, changes):
            return _started(state, run, changes, now)
        case Ended():
            return _ended(state, event, now)
        case Expired():
            return _expired(state, now)
        case Found():
            return _found(event, now) if event.alive else _recovered(event)
        case Cancelled() | Moved() | Paused() | Emptied() | Dismissed():
            return _commanded(state, event, now)
        case _:
            assert_never(event)


def _commanded(
    state: State, event: Cancelled | Moved | Paused | Emptied | Dismissed, now: Moment
) -> tuple[State, tuple[Effect, ...]]:
    match event:
        case Cancelled(cell_id):
            gone = tuple(entry for entry in state.waiting if entry.cell_id == cell_id)
            left = tuple(entry for entry in state.waiting if entry.cell_id != cell_id)
            return _write(replace(state, waiting=left), tuple(map(idle, gone))) if gone else (state, ())
        case Moved(cell_id, place):
            moved = replace(state, waiting=_moved(state.waiting, cell_id, place))
            return _write(moved, ()) if moved != state else (state, ())
        case Paused(paused):
            if paused == state.paused:
                return state, ()
            return _begin(replace(state, paused=paused), (SetKernel({"paused": paused}),), now)
        case Emptied():
            if not (state.waiting or state.paused):
                return state, ()
            going: tuple[Change, ...] = (SetKernel({"paused": False}),) if state.paused else ()
            return _write(replace(state, waiting=(), paused=False), (*map(idle, state.waiting), *going))
        case Dismissed():
            return _write(replace(state, offered=()), ()) if state.offered else (state, ())
        case _:
            assert_never(event)


def _moved(entries: tuple[Entry, ...], cell_id: str, place: int) -> tuple[Entry, ...]:
    others = [entry for entry in entries if entry.cell_id != cell_id]
    at = max(place, 1) - 1
    return (*others[:at], *(entry for entry in entries if entry.cell_id == cell_id), *others[at:])


def _queued(state: State, entry: Entry, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    if state.running is None and entry.begun:  # recorded so, together with what begins a run
        return replace(state, running=entry), (Run(entry),)
    return _go_on(replace(state, waiting=(*state.waiting, entry)), now)


def _go_on(state: State, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    """More waits now, and is recorded."""
    return _begin(state, (), now) if state.running is None else (state, ())


def _begin(state: State, changes: tuple[Change, ...], now: Moment) -> tuple[State, tuple[Effect, ...]]:
    """Start the first waiting entry, if any may; ``changes`` go into the same edit."""
    if state.running is not None or state.paused or not state.waiting:
        return _write(state, changes) if changes else (state, ())
    head = replace(state.waiting[0], begun=True, began=now.date)
    begun = replace(state, running=head, waiting=state.waiting[1:])
    return begun, (Write((*changes, *beginning(head)), begun.recorded), Run(head))


# ------------------------------------------------------------------------------------------------- a run's course


def _started(state: State, run: str, changes: tuple[Change, ...], now: Moment) -> tuple[State, tuple[Effect, ...]]:
    running = state.running
    if running is None or running.id != run or running.started:
        return state, ()
    limits = running.terms
    due = inf if limits.cell_seconds is None else now.clock + limits.cell_seconds
    running = replace(running, started=True, began=now.date, due=due)
    state = replace(state, running=running)
    if running.run_due == inf and limits.run_seconds is not None:  # the first of its command
        state = _limited(state, running.command, now.clock + limits.run_seconds)
    assert state.running is not None
    return _write(state, (*changes, going_on(state.running)))


def _limited(state: State, command: str, due: float) -> State:
    """All entries of a command end at the same time."""

    def limit(entry: Entry) -> Entry:
        return replace(entry, run_due=due) if entry.command == command else entry

    running = state.running and limit(state.running)
    return replace(state, running=running, waiting=tuple(map(limit, state.waiting)))


def _expired(state: State, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    """What waited too long goes back to idle, what ran too long is interrupted."""
    if state.due > now.clock:
        return state, ()
    late = tuple(entry for entry in state.waiting if entry.run_due <= now.clock)
    left = tuple(entry for entry in state.waiting if entry.run_due > now.clock)
    running = state.running
    over = running is not None and not running.overdue and min(running.due, running.run_due) <= now.clock
    if running is not None and over:
        running = replace(running, overdue=_overdue(running, now))
    state, effects = _write(replace(state, running=running, waiting=left), tuple(map(idle, late)))
    return state, (*effects, Interrupt()) if over else effects


def _overdue(entry: Entry, now: Moment) -> str:
    if entry.due <= now.clock:
        return f"Interrupted: it ran longer than the {entry.terms.cell_seconds:g} s that a cell may take."
    return f"Interrupted: the {entry.terms.run_seconds:g} s for all cells of this run were over."


def _ended(state: State, event: Ended, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    entry = state.running
    if entry is None or entry.id != event.run:
        return state, ()
    done = (
        *event.last,
        *explained(entry, event.ended, event.outputs),
        ending(entry, event.ended, now.date, event.times),
    )
    if not _stops(entry, event.ended):
        return _begin(replace(state, running=None), done, now)
    return _write(replace(state, running=None, waiting=()), (*done, *map(idle, state.waiting)))


def _stops(entry: Entry, ended: RunEnded) -> bool:
    """Whether what waits goes back to idle."""
    match ended.status:
        case "ok":
            return False
        case "error":
            return entry.terms.stop_on_error and (bool(entry.overdue) or not entry.expects_error)
        case "interrupted":
            return entry.terms.stop_on_error and bool(entry.overdue)
        case "aborted" | "died":
            return True
        case _:
            assert_never(ended.status)


# ----------------------------------------------------------------------------------------------------- restarts


def _recovered(found: Found) -> tuple[State, tuple[Effect, ...]]:
    """Nothing goes on after a restart of the server: all that did is offered, in the order in which it was asked
    for, so behind what an earlier server left."""
    went_on = live(found.entries)
    before = tuple(entry for entry in found.entries if entry.offered)
    state = State(
        offered=tuple(
            Entry(entry.id, entry.cell_id, entry.source, entry.who, entry.begun, offered=True)
            for entry in (*before, *went_on)
            if entry.cell_id not in found.gone
        )
    )
    changes: tuple[Change, ...] = (SetKernel({"paused": False}),) if found.paused else ()
    if state.recorded == found.entries and not changes:
        return state, ()
    ended = RunEnded("died", "The kernel ended with the server.")
    why = explained(went_on[0], ended, found.outputs) if went_on and went_on[0].begun else ()
    return _write(state, (*changes, *why, *map(idle, went_on)))


def _found(found: Found, now: Moment) -> tuple[State, tuple[Effect, ...]]:
    entries = live(found.entries)
    offered = tuple(entry for entry in found.entries if entry.offered)
    if not entries:
        return State(offered=offered, paused=found.paused), ()
    head, rest = entries[0], entries[1:]
    if not head.begun:  # the actor died just before it began this one
        state = State(None, entries, offered, found.paused)
        queued = tuple(map(waiting, entries if found.paused else rest))
        return _begin(state, queued, now)
    state = State(head, rest, offered, found.paused)
    effects = (Write((going_on(head), *map(waiting, rest)), state.recorded), Run(head, resumed=True))
    return state, (*effects, Interrupt()) if head.overdue else effects


def _write(state: State, changes: tuple[Change, ...]) -> tuple[State, tuple[Effect, ...]]:
    return state, (Write(changes, state.recorded),)
