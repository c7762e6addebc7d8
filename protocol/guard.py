"""Judges every update before it reaches the document: yrs crashes, diverges or waits for ever on bad ones.

:meth:`Guard.check` tells apart what may be applied (:class:`Accepted`), what depends on something that this
server never saw (:class:`Gap`: applied, it would wait unseen inside yrs, in no journal; :meth:`Guard.complete`
gives what of it does not), and what nobody may do
(:class:`Rejected`). It changes nothing; after the update was applied, :meth:`Guard.commit` takes it over.
What it remembers of the document is integration.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

from protocol.cutting import cut, shortened
from protocol.integration import DEEPEST, Clocks, Gap, Halved, Integration, Ranges, TooDeep
from protocol.lib0 import Malformed
from protocol.update import (
    UNLIMITED,
    Delete,
    Limits,
    Section,
    Update,
    read,
)

__all__ = ["Accepted", "Gap", "Guard", "Limits", "Rejected", "Verdict"]


class Accepted(msgspec.Struct, frozen=True):
    """May be applied. ``news``: False if it certainly changes nothing. ``clients``: the ids it brings structs of
    that were unknown. The rest is for :meth:`Guard.commit`."""

    news: bool
    clients: tuple[int, ...]
    clocks: Mapping[int, Clocks]
    deletes: tuple[Delete, ...]


class Rejected(msgspec.Struct, frozen=True):
    """``reason`` is a sentence. Code "character": an edit inside of a character that takes two clocks, which a
    careless editor might make; yrs and yjs then disagree for good. ``clients``: for code "foreign", the ids in
    question, see :meth:`Guard.without`.
    """

    reason: str
    code: Literal["malformed", "nesting", "character", "owned", "foreign"] = "malformed"
    clients: tuple[int, ...] = ()


Verdict: TypeAlias = Accepted | Gap | Rejected


class Guard:
    """What the server knows about the document's structure, and the limits.

    ``owned``: client ids of this server, under which nobody else may write. ``root_type``: ARRAY, MAP or TEXT for
    the name of a root; None: unknown, then text in a root Array is not noticed.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        owned: Collection[int] = (),
        root_type: Callable[[str], int | None] = lambda name: None,
    ) -> None:
        self.root_type = root_type
        self.limits = limits or Limits()
        if not 0 < self.limits.nesting < DEEPEST:
            raise ValueError(f"the nesting limit must be 1 to {DEEPEST - 1}")
        self.owned = frozenset(owned)
        self._known: dict[int, Clocks] = {}
        self._deleted: dict[int, Ranges] = {}

    @property
    def state(self) -> dict[int, int]:
        """The next clock per client id: the document's state vector."""
        return {client: clocks.end for client, clocks in self._known.items()}

    def check(self, update: bytes, foreign: Container[int] = (), emptied: Container[int] | None = None) -> Verdict:
        """Judge one update. ``foreign``: client ids that other live connections hold. ``emptied``: those under
        which new GC blocks are taken (None: all), which tell of edits and of nothing that was in them: under
        somebody else's next clocks they would make this server drop whatever that client writes there. Never
        raises.

        Structs that are known already may come from anybody: every client sends them along now and then.
        """
        try:
            parsed = read(update, self.limits)
            asked = self._whose(parsed.sections, foreign, emptied)
            if isinstance(asked, Rejected):
                return asked
            verdict = self._judge(parsed, strict=True)
            return asked if asked and isinstance(verdict, Accepted) else verdict
        except TooDeep as error:
            return Rejected(str(error), "nesting")
        except Halved as error:
            return Rejected(str(error), "character")
        except Malformed as error:
            return Rejected(str(error))

    def commit(self, accepted: Accepted) -> None:
        """Take over an update that was applied. In the order of the checks; nothing else in between, except
        updates of other clients' structs. ValueError if clocks before its own are missing."""
        for client, clocks in accepted.clocks.items():
            self._known.setdefault(client, Clocks(0)).extend(clocks)
        for delete in accepted.deletes:
            self._deleted.setdefault(delete.client, Ranges()).add(delete.clock, delete.clock + delete.length)

    def learn(self, update: bytes) -> Gap | None:
        """Take over an update that is trusted (the journal's, the server's own): no limits, no policy.

        A gap means that nothing was learned. Raises :class:`Malformed` for what is no update at all.
        """
        verdict = self._judge(read(update, UNLIMITED), strict=False)
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

    def complete(self, update: bytes) -> tuple[bytes, bool]:
        """The update without whatever depends on something unknown, to be checked: the longest prefix of each
        client's structs that holds together, and what it may delete. And whether that is all of it. Malformed
        bytes stay as they are."""
        try:
            parsed = read(update, self.limits)
            walk = Integration(self._known, self.root_type, self.limits.nesting, strict=True)
            gap = walk.all(parsed.sections)
        except Malformed:
            return update, True
        skips = any(section.skips for section in parsed.sections)
        whole = not gap and all(each.clock + each.length <= walk.end(each.client) for each in parsed.deletes)
        if whole and not skips:
            return update, True
        stops = {section.client: len(section.blocks) for section in parsed.sections} | walk.stops
        return shortened(parsed, stops, walk.end), whole

    def _end(self, client: int) -> int:
        clocks = self._known.get(client)
        return 0 if clocks is None else clocks.end

    def _whose(
        self, sections: Iterable[Section], foreign: Container[int], emptied: Container[int] | None
    ) -> Rejected | Gap | None:
        taken = []
        asked: Gap | None = None
        for section in sections:
            client = section.client
            end = self._end(client)
            if section.end > end:
                if client in self.owned:
                    return Rejected("An update brings edits in the server's own name.", "owned", (client,))
                if client in foreign:
                    taken.append(client)
                elif section.gone > end and emptied is not None and client not in emptied:
                    asked = Gap(client, end)
            if section.skips:  # yrs would keep what comes behind for later, in no journal
                asked = Gap(client, end)
        if taken:
            return Rejected("An update brings edits in the name of somebody else here.", "foreign", tuple(taken))
        return asked

    def _judge(self, update: Update, strict: bool) -> Verdict:
        if not strict and any(section.skips for section in update.sections):
            raise Malformed("An update leaves out clocks in its middle.")
        nesting = self.limits.nesting if strict else DEEPEST
        walk = Integration(self._known, self.root_type, nesting, strict)
        if gap := walk.all(update.sections):
            return gap
        for delete in update.deletes:
            end = walk.end(delete.client)
            if delete.clock + delete.length > end:
                return Gap(delete.client, end)
            if strict and delete.length:
                walk.whole((delete.client, delete.clock - 1))
                walk.whole((delete.client, delete.clock + delete.length - 1))
        deletes = tuple(delete for delete in update.deletes if self._is_new(delete))
        return Accepted(bool(walk.fresh or deletes), tuple(walk.fresh), walk.fresh, deletes)

    def _is_new(self, delete: Delete) -> bool:
        ranges = self._deleted.get(delete.client)
        if ranges is None:
            return delete.length > 0
        return not ranges.holds(delete.clock, delete.clock + delete.length)
