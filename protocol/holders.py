"""Which live session may write under which Yjs client id.

yjs numbers the edits of a client id one after another; two who write under the same id diverge for good. So an id
belongs to one session at a time: the first that brings new edits of it, or shows itself (awareness) under it. Ids
that nobody live holds are anybody's: a browser's other tab, or its storage, brings edits of ids that are not its
own. Whoever shows itself under an id has a better claim than who only brought edits of it; and who brought them
in an answer alone (sync step 2) has none against another: after a crash everybody brings back what anybody wrote.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

MOST: Final = 10_000  # ids that one session may hold; what it brings beyond them stays free


class Holders:
    """The live sessions, the ids that each holds, and whose edits were cut because another holds their id."""

    def __init__(self) -> None:
        self._holder: dict[int, str] = {}
        self._held: dict[str, set[int]] = {}  # per live session
        self._carried: set[int] = set()  # ids that their holders only brought in answers
        self._shown: dict[str, int] = {}  # session: the id that it shows itself under
        self._waiting: dict[int, dict[str, None]] = {}  # id: sessions whose edits of it were cut, in order
        self._told: dict[str, set[int]] = {}

    def __len__(self) -> int:
        return len(self._holder)

    def joined(self, session: str) -> None:
        """A connection opened, or opened its subscription anew."""
        self._held.setdefault(session, set())

    def holder(self, client: int) -> str | None:
        return self._holder.get(client)

    def foreign_to(self, session: str) -> Container[int]:
        """The ids under which ``session`` must not write, as they are whenever it is asked."""
        return _Foreign(self._holder, self._carried, session)

    def held_by(self, session: str) -> Container[int]:
        return self._held.get(session, ())

    def brought(self, session: str, clients: Iterable[int], answer: bool = False) -> None:
        """New edits of ``clients`` from ``session`` were taken: it holds those that nobody held, or that another
        only carried. ``answer``: they came in a sync step 2, so it may only carry them itself."""
        held = self._held.get(session)
        if held is None:
            return
        for client in clients:
            holder = self._holder.get(client)
            if holder == session:
                if not answer:
                    self._carried.discard(client)
            elif (holder is None or client in self._carried) and len(held) < MOST:
                self._take(session, client)
                if answer:
                    self._carried.add(client)

    def _take(self, session: str, client: int) -> None:
        """Whoever held it does no more."""
        holder = self._holder.get(client)
        if holder is not None:
            self._held[holder].discard(client)
        self._holder[client] = session
        self._held[session].add(client)
        self._carried.discard(client)

    def shows(self, session: str, client: int) -> str | None:
        """``session`` shows itself under ``client``, which it then holds. Unless another shows itself under it as
        well: that one is the answer."""
        if session not in self._held:
            return None
        holder = self._holder.get(client, session)
        if holder != session and self._shown.get(holder) == client:
            return holder
        self._take(session, client)
        self._shown[session] = client
        return None

    def cut(self, session: str, clients: Iterable[int]) -> bool:
        """Edits of ``clients`` from ``session`` were not taken. True if it was not yet told so of one of them."""
        told = self._told.setdefault(session, set())
        before = len(told)
        for client in clients:
            if len(told) < MOST:
                told.add(client)
                self._waiting.setdefault(client, {})[session] = None
        return len(told) > before

    def left(self, session: str) -> tuple[str, ...]:
        """A connection ended, its ids are free. The sessions from which edits of these were cut: to be asked
        again."""
        freed = self._held.pop(session, ())
        self._shown.pop(session, None)
        for client in self._told.pop(session, ()):
            if waiting := self._waiting.get(client):
                waiting.pop(session, None)
                if not waiting:
                    del self._waiting[client]
        ask: dict[str, None] = {}
        for client in freed:
            del self._holder[client]
            self._carried.discard(client)
            ask |= self._waiting.pop(client, {})
        return tuple(ask)


class _Foreign:
    __slots__ = ("carried", "holder", "session")

    def __init__(self, holder: dict[int, str], carried: set[int], session: str) -> None:
        self.holder = holder
        self.carried = carried
        self.session = session

    def __contains__(self, client: object) -> bool:
        holder = self.holder.get(client)  # type: ignore[call-overload]
        return holder is not None and holder != self.session and client not in self.carried
