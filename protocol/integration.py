"""How yrs would integrate an update on top of what is known: what waits for what, and where each clock lies.

For each client id: the next clock, and where each clock lies (its *trait*). Places must be known across updates:
shared types nested one per update crash yrs as surely as thousands in one, and one text inside of an Array makes
reading that Array run for ever. A *level* is 0 for what is gone (kind GC, or inside of it), 1 for what lies in a
root type, n + 1 for what lies in a nested type of level n. Runs of equal traits are one entry, so typed text costs
next to nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Final, TypeAlias

import msgspec

from protocol.lib0 import Malformed
from protocol.update import (
    ANY,
    ARRAY,
    BINARY,
    DELETED,
    EMBED,
    FORMAT,
    GC,
    MAP,
    SKIP,
    STRING,
    TEXT,
    TYPE,
    Block,
    Id,
    Section,
)

# Where a clock lies and what it is, in 16 bits: level, whether it has a key (64 and up, and 32), the container's
# type (8 to 24: 1 + type ref, 0 unknown), and its own type if it is one (1 + type ref; 7: gone, or deleted and
# perhaps a type before; 0: none). All but the own type is the *place*.
Trait: TypeAlias = int
_OWN: Final = 7
_GONE: Final = 7  # level 0; whatever is put inside is gone as well
_KEYED: Final = 32
_LEVEL: Final = 64
DEEPEST: Final = 126

# What honest clients put into which container. Outside of these, reading a document fails or never ends.
_KEPT: Final = frozenset((DELETED, BINARY, TYPE, ANY))
_FITS: Final = {
    0: frozenset((DELETED, BINARY, STRING, EMBED, FORMAT, TYPE, ANY)),
    8 * (1 + ARRAY): _KEPT,
    8 * (1 + MAP): frozenset((DELETED,)),
    8 * (1 + TEXT): frozenset((DELETED, STRING, EMBED, FORMAT, TYPE)),
    **{_KEYED + 8 * container: _KEPT for container in range(4)},
}


class Clocks:
    """Traits of consecutive clocks of one client, from any first clock to ``end`` (exclusive)."""

    __slots__ = ("end", "pairs", "starts", "traits")

    def __init__(self, first: int) -> None:
        self.starts = array("I")  # where each run of equal traits begins
        self.traits = array("H")
        self.pairs = array("I")  # the first clocks of characters that take two
        self.end = first

    def add(self, length: int, trait: Trait) -> None:
        if not self.traits or self.traits[-1] != trait:
            self.starts.append(self.end)
            self.traits.append(trait)
        self.end += length

    def at(self, clock: int) -> Trait:
        """``clock`` lies between the first clock and the end."""
        return self.traits[bisect_right(self.starts, clock) - 1]

    def pairs_up(self, clock: int) -> bool:
        """Whether ``clock`` and the next one are two halves of a character."""
        at = bisect_left(self.pairs, clock)
        return at < len(self.pairs) and self.pairs[at] == clock

    def extend(self, other: Clocks) -> None:
        if other.starts[0] != self.end:
            raise ValueError("clocks are taken over out of order")
        if self.traits and self.traits[-1] == other.traits[0]:
            self.starts += other.starts[1:]
            self.traits += other.traits[1:]
        else:
            self.starts += other.starts
            self.traits += other.traits
        self.pairs += other.pairs
        self.end = other.end


class Ranges:
    """A set of clocks as ranges: sorted, disjoint, not touching."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts = array("I")
        self.ends = array("I")

    def holds(self, start: int, end: int) -> bool:
        if start >= end:
            return True
        at = bisect_right(self.starts, start) - 1
        return at >= 0 and end <= self.ends[at]

    def add(self, start: int, end: int) -> None:
        if self.holds(start, end):
            return
        first = bisect_left(self.ends, start)  # the first range that the new one touches
        last = bisect_right(self.starts, end)  # behind the last one
        if first < last:
            start = min(start, self.starts[first])
            end = max(end, self.ends[last - 1])
        self.starts[first:last] = array("I", (start,))
        self.ends[first:last] = array("I", (end,))


class Gap(msgspec.Struct, frozen=True):
    """Depends on ``clock`` of ``client`` (or later ones), which are not here. The sender's state is needed."""

    client: int
    clock: int


class TooDeep(Malformed):
    pass


class Halved(Malformed):
    pass


class Integration:
    """Follows how yrs would integrate one update, on top of what is known: what waits for what, and the traits."""

    def __init__(
        self, known: Mapping[int, Clocks], root_type: Callable[[str], int | None], nesting: int, strict: bool
    ) -> None:
        self.known = known
        self.root_type = root_type
        self.nesting = nesting
        self.strict = strict
        self.fresh: dict[int, Clocks] = {}  # what the update adds, per client
        self.stops: dict[int, int] = {}  # per client that waits for what nobody brings: how many blocks do not

    def all(self, sections: Sequence[Section]) -> Gap | None:
        """Sections may depend on one another in any order: one that waits is put aside until its turn comes.

        Each wait is for one clock, so every struct is looked at a bounded number of times.
        """
        ready = [_Cursor(section) for section in reversed(sections)]
        waiting: dict[int, list[tuple[int, int, _Cursor]]] = {}  # per client a heap: clock, tie-break, who waits
        put_aside = 0
        while ready:
            cursor = ready.pop()
            client = cursor.section.client
            missing = self.advance(cursor)
            if missing is not None:
                put_aside += 1
                heappush(waiting.setdefault(missing[0], []), (missing[1], put_aside, cursor))
            if heap := waiting.get(client):
                end = self.end(client)
                while heap and heap[0][0] < end:
                    ready.append(heappop(heap)[2])
        gap = None
        for client, heap in waiting.items():
            for _, _, cursor in heap:
                gap = gap or Gap(client, self.end(client))
                self.stops[cursor.section.client] = cursor.at
        return gap

    def advance(self, cursor: _Cursor) -> Id | None:
        """Integrate structs until one waits; then the id that it waits for, else None."""
        client = cursor.section.client
        end = self.end(client)
        blocks = cursor.section.blocks
        for at in range(cursor.at, len(blocks)):
            block = blocks[at]
            missing = (client, block.clock - 1) if block.clock > end else self.missing(block)
            if missing:
                cursor.at = at
                return missing
            news = block.clock + block.length - end
            if news > 0:
                if block.kind == SKIP:
                    cursor.at = at
                    return (client, block.clock + block.length - 1)
                fresh = self.fresh.get(client)
                if fresh is None:
                    fresh = self.fresh[client] = Clocks(end)
                trait = self.trait(block)
                if block.clock < end:
                    self.continues(block, end, trait)
                fresh.add(news, trait)
                if block.pairs:
                    fresh.pairs.extend(block.clock + pair for pair in block.pairs if block.clock + pair >= end)
                end += news
        return None

    def missing(self, block: Block) -> Id | None:
        """An id that must be there before ``block``. Checked even for known structs, since yrs does so, too."""
        for needed in (block.origin, block.right, block.parent):
            if needed is None or isinstance(needed, str):
                continue
            client, clock = needed
            if client == block.client:
                if clock >= block.clock:  # yrs does not look, and goes astray
                    raise Malformed("A struct depends on itself or on a later one.")
            elif clock >= self.end(client):
                return needed
        return None

    def end(self, client: int) -> int:
        """The next clock of ``client``, after what was integrated so far."""
        clocks = self.fresh.get(client) or self.known.get(client)
        return 0 if clocks is None else clocks.end

    def at(self, needed: Id) -> Trait:
        client, clock = needed
        known = self.known.get(client)
        return known.at(clock) if known is not None and clock < known.end else self.fresh[client].at(clock)

    def trait(self, block: Block) -> Trait:
        """The trait of a struct whose dependencies are all there."""
        kind = block.kind
        if kind == GC:
            return _GONE
        place = self.place(block)
        if place < _LEVEL:
            return _GONE
        if self.strict and not _fits(block, place):
            raise Malformed("An edit puts something where it does not belong.")
        if kind == TYPE:
            if place // _LEVEL > self.nesting:
                raise TooDeep(f"Shared types are nested deeper than {self.nesting}.")
            return place + 1 + block.type_ref
        return place + _OWN if kind == DELETED else place

    def place(self, block: Block) -> Trait:
        """Where a struct lies: a trait without an own type, 0 inside of something gone."""
        if block.parent is None:
            return self.between(block)
        keyed = 0 if block.sub is None else _KEYED
        if isinstance(block.parent, str):
            root = self.root_type(block.parent)
            return _LEVEL + keyed + (0 if root is None else 8 * (1 + root))
        parent = self.at(block.parent)
        own = parent & _OWN
        if own == 0:
            raise Malformed("An edit is put inside something that is no shared type.")
        level = parent // _LEVEL
        return (level + 1) * _LEVEL + keyed + (0 if own == _OWN else 8 * own) if level else 0

    def whole(self, left: Id) -> None:
        """A cut behind ``left`` must not go through a character: yrs then counts other clocks than everybody."""
        client, clock = left
        known, fresh = self.known.get(client), self.fresh.get(client)
        if known is not None and known.pairs and known.pairs_up(clock):
            raise Halved("An edit cuts a character in two.")
        if fresh is not None and fresh.pairs and fresh.pairs_up(clock):
            raise Halved("An edit cuts a character in two.")

    def between(self, block: Block) -> Trait:
        """The place of the origin or, if there is none, or it is gone, of the right origin."""
        if self.strict:
            if block.origin:
                self.whole(block.origin)
            if block.right:
                self.whole((block.right[0], block.right[1] - 1))
        left = self.at(block.origin) & ~_OWN if block.origin else 0
        right = self.at(block.right) & ~_OWN if block.right else 0
        if left and right and left != right and self.strict:
            raise Malformed("A struct lies between two that lie in different places.")
        return left or right

    def continues(self, block: Block, end: int, trait: Trait) -> None:
        """yrs hangs the unknown rest of a struct behind what it knows of it, wherever that is."""
        before = self.at((block.client, end - 1)) & ~_OWN
        if before and trait & ~_OWN != before and self.strict:
            raise Malformed("A struct differs from what is known of it.")
        if block.pairs and end - 1 - block.clock in block.pairs:
            raise Halved("An edit cuts a character in two.")


def _fits(block: Block, place: Trait) -> bool:
    """Whether an honest client puts this there. A new value of a key comes behind all before: to the right of it
    is nothing. (In one struct there may be several: yrs joins values that were set in one transaction.)"""
    return block.kind in _FITS[place % _LEVEL] and not (place & _KEYED and block.right)


class _Cursor:
    """How far a section is integrated."""

    __slots__ = ("at", "section")

    def __init__(self, section: Section) -> None:
        self.section = section
        self.at = 0
