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
        try:
            whole = guard.learn(update) is None
        except Malformed:
            whole = False
        if whole:
            kept.append(update)
        else:
            left_out += 1
    return tuple(kept), left_out
