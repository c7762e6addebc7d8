"""Values that many messages carry, and the two ends through which actors answer each other."""

from __future__ import annotations

from math import inf
from typing import Literal, Protocol, TypeVar

import msgspec

T_contra = TypeVar("T_contra", contravariant=True)


class Reply(Protocol[T_contra]):
    """The one-shot answer to a question. Never waits; if the asker has gone, nothing happens."""

    def __call__(self, value: T_contra, /) -> None: ...


class Outlet(Protocol[T_contra]):
    """A producer's end of a subscription: ``offer`` never waits, False means full (the producer closes it)."""

    def offer(self, item: T_contra, /) -> bool: ...

    def close(self) -> None: ...


def unheard(_: object, /) -> None:
    """The reply of a question whose answer nobody awaits (for ``tell``)."""


class Terms(msgspec.Struct, frozen=True):
    """On what terms the cells of one command run. Seconds; None: no limit."""

    stop_on_error: bool = True
    cell_seconds: float | None = None
    run_seconds: float | None = None


class Entry(msgspec.Struct, frozen=True):
    """One entry of the run queue. ``source`` is what the cell said when the entry was made.

    ``begun``: its cell was made ready (outputs emptied) to be handed to the kernel. ``offered``: the server that
    ran the queue stopped; it neither waits nor runs, but people are asked whether it should.

    The rest ends with the server, and the journal does not hold it. ``command``: shared by the entries of one
    command. ``expects_error``: an error of this cell is none. ``queued``, ``began``: seconds since 1970.
    ``started``: the kernel said that it began. ``due``, ``run_due``: when its own time and its command's are over,
    by the clock that no change of the date moves. ``overdue``: in words, once one of them was.
    """

    id: str
    cell_id: str
    source: str
    who: str = ""
    begun: bool = False
    offered: bool = False
    command: str = ""
    terms: Terms = Terms()
    expects_error: bool = False
    queued: float = 0.0
    began: float = 0.0
    started: bool = False
    due: float = inf
    run_due: float = inf
    overdue: str = ""


class Refused(msgspec.Struct, frozen=True):
    """A request that was understood and not done: ``code`` for programs, ``message`` for people."""

    code: str
    message: str


class Done(msgspec.Struct, frozen=True):
    """Success without anything to tell."""


class Saving(msgspec.Struct, frozen=True):
    """Where the work stands. ``reason`` is a sentence, set when the status is "not saved"."""

    status: Literal["saved", "saving", "not saved"]
    reason: str = ""


class Notice(msgspec.Struct, frozen=True):
    """Something for people, pushed to every client as a text message on channel ``notebook``."""

    code: str
    message: str
    level: Literal["info", "warning", "error"] = "info"
