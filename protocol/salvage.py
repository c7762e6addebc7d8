"""What of a damaged journal can be kept: every update that can be read and whose predecessors are there."""

from __future__ import annotations

from collections.abc import Iterable

from protocol.guard import Guard
from protocol.lib0 import Malformed


def sound(updates: Iterable[bytes]) -> tuple[tuple[bytes, ...], int]:
    """The updates that may be applied one after the other, and how many were left out.

    An update after a gap would wait inside the document unseen, and then make it differ from what the guard knows.
    """
    guard = Guard()
    kept: list[bytes] = []
    left_out = 0
    for update in updates:
        left_out += not _learned(guard, update, kept)
    return tuple(kept), left_out


def sound_in_any_order(updates: Iterable[bytes]) -> tuple[tuple[bytes, ...], int]:
    """As :func:`sound`, for updates of which the order is not known for certain."""
    guard = Guard()
    kept: list[bytes] = []
    waiting = list(updates)
    while waiting:
        still = [update for update in waiting if not _learned(guard, update, kept)]
        if len(still) == len(waiting):
            break
        waiting = still
    return tuple(kept), len(waiting)


def _learned(guard: Guard, update: bytes, kept: list[bytes]) -> bool:
    try:
        whole = guard.learn(update) is None
    except Malformed:
        return False
    if whole:
        kept.append(update)
    return whole
