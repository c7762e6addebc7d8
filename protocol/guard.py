"""Judges every update before it reaches the document: yrs crashes, diverges or waits for ever on bad ones.

:meth:`Guard.check` tells apart what may be applied (:class:`Accepted`), what depends on something that this
server never saw (:class:`Gap`: applied, it would wait unseen inside yrs, in no journal), and what nobody may do
(:class:`Rejected`). It changes nothing; after the update was applied, :meth:`Guard.commit` takes it over.

What the guard remembers, per client id: the next clock, how deep each clock lies, and what is deleted. Depth has
to be known across updates, because shared types nested one per update crash yrs as surely as thousands in one.
A *level* is 0 for what is gone (kind GC, or inside of it), 1 for what lies in a root type, n + 1 for what lies
in a nested type of level n. Runs of equal clocks are one entry, so typed text costs next to nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Final, Literal, TypeAlias

import msgspec

from protocol.lib0 import Malformed
from protocol.update import DELETED, GC, TYPE, UNLIMITED, Block, Delete, Id, Limits, Section, Update, cut, read

__all__ = ["Accepted", "Gap", "Guard", "Limits", "Rejected", "Verdict"]

# A trait of a clock: 2 * level, plus 1 if a shared type may be meant by it (a nested type, or what was one).
Trait: TypeAlias = int
_GONE: Final = 1  # level 0; whatever is put inside is gone as well
_DEEPEST: Final = 126  # a trait is one byte


class _Clocks:
    """Traits of consecutive clocks of one client, from any first clock to ``end`` (exclusive)."""

    __slots__ = ("end", "starts", "traits")

    def __init__(self, first: int) -> None:
        self.starts = array("I")  # where each run of equal traits begins
        self.traits = bytearray()
        self.end = first

    def add(self, length: int, trait: Trait) -> None:
        if not self.traits or self.traits[-1] != trait:
            self.starts.append(self.end)
            self.traits.append(trait)
        self.end += length

    def at(self, clock: int) -> Trait:
        """``clock`` lies between the first clock and the end."""
        return self.traits[bisect_right(self.starts, clock) - 1]

    def extend(self, other: _Clocks) -> None:
        if other.starts[0] != self.end:
            raise ValueError("clocks are taken over out of order")
        if self.traits and self.traits[-1] == other.traits[0]:
            self.starts += other.starts[1:]
            self.traits += other.traits[1:]
        else:
            self.starts += other.starts
            self.traits += other.traits
        self.end = other.end


class _Ranges:
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


class Accepted(msgspec.Struct, frozen=True):
    """May be applied. ``news``: False if it certainly changes nothing. ``clients``: the ids it brings structs of
    that were unknown. The rest is for :meth:`Guard.commit`."""

    news: bool
    clients: tuple[int, ...]
    clocks: Mapping[int, _Clocks]
    deletes: tuple[Delete, ...]


class Gap(msgspec.Struct, frozen=True):
    """Depends on ``clock`` of ``client`` (or later ones), which are not here. The sender's state is needed."""

    client: int
    clock: int


class Rejected(msgspec.Struct, frozen=True):
    """``reason`` is a sentence. ``clients``: for "foreign", the ids in question; see :meth:`Guard.without`."""

    reason: str
    code: Literal["malformed", "nesting", "owned", "foreign"] = "malformed"
    clients: tuple[int, ...] = ()


Verdict: TypeAlias = Accepted | Gap | Rejected


class _TooDeep(Malformed):
    pass


class Guard:
    """What the server knows about the document's structure, and the limits.

    ``owned``: client ids of this server, under which nobody else may write.
    """

    def __init__(self, limits: Limits | None = None, owned: Collection[int] = ()) -> None:
        self.limits = limits or Limits()
        if not 0 < self.limits.nesting < _DEEPEST:
            raise ValueError(f"the nesting limit must be 1 to {_DEEPEST - 1}")
        self.owned = frozenset(owned)
        self._known: dict[int, _Clocks] = {}
        self._deleted: dict[int, _Ranges] = {}

    @property
    def state(self) -> dict[int, int]:
        """The next clock per client id: the document's state vector."""
        return {client: clocks.end for client, clocks in self._known.items()}

    def check(self, update: bytes, foreign: Collection[int] = ()) -> Verdict:
        """Judge one update. ``foreign``: client ids that other live connections hold. Never raises.

        Structs that are known already may come from anybody: every client sends them along now and then.
        """
        try:
            parsed = read(update, self.limits)
            if refused := self._whose(parsed.sections, foreign):
                return refused
            return self._judge(parsed, self.limits.nesting)
        except _TooDeep as error:
            return Rejected(str(error), "nesting")
        except Malformed as error:
            return Rejected(str(error))

    def commit(self, accepted: Accepted) -> None:
        """Take over an update that was applied. In the order of the checks; nothing else in between, except
        updates of other clients' structs. ValueError if clocks before its own are missing."""
        for client, clocks in accepted.clocks.items():
            self._known.setdefault(client, _Clocks(0)).extend(clocks)
        for delete in accepted.deletes:
            self._deleted.setdefault(delete.client, _Ranges()).add(delete.clock, delete.clock + delete.length)

    def learn(self, update: bytes) -> Gap | None:
        """Take over an update that is trusted (the journal's, the server's own): no limits, no policy.

        A gap means that nothing was learned. Raises :class:`Malformed` for what is no update at all.
        """
        verdict = self._judge(read(update, UNLIMITED), _DEEPEST)
        if isinstance(verdict, Rejected):
            raise Malformed(verdict.reason)
        if isinstance(verdict, Gap):
            return verdict
        self.commit(verdict)
        return None

    def without(self, update: bytes, clients: Collection[int]) -> bytes:
        """The update without structs of ``clients``, to be checked again. Malformed bytes stay as they are."""
        try:
            return cut(read(update, self.limits), clients, self.state)
        except Malformed:
            return update

    def _end(self, client: int) -> int:
        clocks = self._known.get(client)
        return 0 if clocks is None else clocks.end

    def _whose(self, sections: Iterable[Section], foreign: Collection[int]) -> Rejected | None:
        taken = []
        for section in sections:
            client = section.client
            if client in self.owned and section.end > self._end(client):
                return Rejected("An update brings edits in the server's own name.", "owned", (client,))
            if client in foreign and section.end > self._end(client):
                taken.append(client)
        if taken:
            return Rejected("An update brings edits in the name of somebody else here.", "foreign", tuple(taken))
        return None

    def _judge(self, update: Update, nesting: int) -> Verdict:
        walk = _Integration(self._known, nesting)
        if gap := walk.all(update.sections):
            return gap
        for delete in update.deletes:
            end = walk.end(delete.client)
            if delete.clock + delete.length > end:
                return Gap(delete.client, end)
        deletes = tuple(delete for delete in update.deletes if self._is_new(delete))
        return Accepted(bool(walk.fresh or deletes), tuple(walk.fresh), walk.fresh, deletes)

    def _is_new(self, delete: Delete) -> bool:
        ranges = self._deleted.get(delete.client)
        if ranges is None:
            return delete.length > 0
        return not ranges.holds(delete.clock, delete.clock + delete.length)


class _Integration:
    """Follows how yrs would integrate one update, on top of what is known: what waits for what, and the traits."""

    def __init__(self, known: Mapping[int, _Clocks], nesting: int) -> None:
        self.known = known
        self.nesting = nesting
        self.fresh: dict[int, _Clocks] = {}  # what the update adds, per client

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
        for client, heap in waiting.items():
            if heap:
                return Gap(client, self.end(client))
        return None

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
                fresh = self.fresh.get(client)
                if fresh is None:
                    fresh = self.fresh[client] = _Clocks(end)
                fresh.add(news, self.trait(block))
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
        if block.kind == GC:
            return _GONE
        if block.parent is None:
            # Both lie in the same container in every honest update. The deeper one is the safe guess.
            level = max(self.at(needed) >> 1 for needed in (block.origin, block.right) if needed is not None)
        elif isinstance(block.parent, str):
            level = 1
        else:
            parent = self.at(block.parent)
            if not parent & 1:
                raise Malformed("An edit is put inside something that is no shared type.")
            level = parent >> 1 and (parent >> 1) + 1
        if level == 0:
            return _GONE
        if block.kind == TYPE and level > self.nesting:
            raise _TooDeep(f"Shared types are nested deeper than {self.nesting}.")
        return 2 * level + (block.kind == TYPE or block.kind == DELETED)


class _Cursor:
    """How far a section is integrated."""

    __slots__ = ("at", "section")

    def __init__(self, section: Section) -> None:
        self.section = section
        self.at = 0
