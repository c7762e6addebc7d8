"""Is a client's copy of this document's lineage? Its state vector tells most of it, before any work.

Every document begins with its seed, under a client id of its own (seed.py). A copy that was ever in sync with a
server holds the seed of that time, what that server wrote, and perhaps edits of people: merged with a document
that was rebuilt from its file meanwhile, it would bring every cell twice. A client that was never in sync lacks
the seed as well, and must be let in: it holds edits under its own id at most, and under that of another tab.

So *several* ids are three or more. A copy with two may be either, the seed and the server's of somebody who only
looked, or the ids of two tabs: it is let in, and refused when it brings what every server writes into a document
and no client does (:func:`served`). The same catches a copy that a browser loads from its storage after it was
connected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

from protocol.lib0 import Malformed, Reader
from protocol.update import read

SEVERAL: Final = 3
MOST: Final = 100_000  # ids in a state vector

Standing: TypeAlias = Literal["ours", "unknown", "foreign"]


def standing(state: bytes, seed: int) -> Standing:
    """Whose copy has this state vector. ``seed``: the seed's client id; 0: not known, then nothing is foreign.

    Raises :class:`Malformed`.
    """
    if not seed or not state:
        return "unknown"
    reader = Reader(state)
    count = reader.count()
    if count > MOST:
        raise Malformed(f"A state vector has more than {MOST} ids.")
    held = 0
    for _ in range(count):
        client, clock = reader.uint(), reader.uint()
        if clock:  # yrs lists ids of which it has nothing
            if client == seed:
                return "ours"
            held += 1
    return "foreign" if held >= SEVERAL else "unknown"


def served(update: bytes, known: Callable[[], Mapping[int, int]]) -> bool:
    """Whether an update brings what another server wrote: a beginning of the root ``nb_path`` (each server writes
    it before its first client comes). ``known``: gives the next clock per client id. Never raises."""
    if b"nb_path" not in update:
        return False
    try:
        sections = read(update).sections
    except Malformed:
        return False
    here = known()
    return any(
        block.parent == "nb_path" and block.clock >= here.get(section.client, 0)
        for section in sections
        for block in section.blocks
    )
