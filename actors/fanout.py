"""Who gets which update: encoded once, offered without waiting.

Owned by the SyncHub. Subscribers that take each frame at once (trio-websocket, where a frame costs one system
call) get every update in its own frame. Subscribers whose transport is dearer get updates merged, but only while
the hub is busy: a tick at a low rate would only add its own latency.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

import msgspec

from protocol.document import merged
from protocol.messages.hub import Frame, HangUp, ToClient
from protocol.messages.shared import Outlet
from protocol.sync import update_message

# Seconds between merged frames while busy.
TICK = 0.005


class Subscriber(msgspec.Struct):
    session: str
    outlet: Outlet[ToClient]
    merges: bool


class Fanout:
    """The hub's subscribers. Nothing here waits."""

    def __init__(self) -> None:
        self._subscribers: dict[str, Subscriber] = {}
        self._waiting: list[tuple[str, bytes]] = []
        self._flushed = -inf

    def __len__(self) -> int:
        return len(self._subscribers)

    @property
    def due(self) -> float:
        """When :meth:`flush` is due; infinity if nothing waits."""
        return self._flushed + TICK if self._waiting else inf

    def add(self, session: str, outlet: Outlet[ToClient], merges: bool) -> None:
        """Subscribe; an earlier subscription of the same session ends."""
        self.remove(session)
        self._subscribers[session] = Subscriber(session, outlet, merges)

    def remove(self, session: str) -> None:
        gone = self._subscribers.pop(session, None)
        if gone is not None:
            gone.outlet.close()

    def close(self) -> None:
        for session in list(self._subscribers):
            self.remove(session)

    def send(self, session: str, item: ToClient) -> None:
        """Offer something to one subscriber. A full one is closed; its connection decides what follows."""
        subscriber = self._subscribers.get(session)
        if subscriber is not None and not subscriber.outlet.offer(item):
            self.remove(session)

    def hang_up(self, session: str, code: int, reason: str) -> None:
        self.send(session, HangUp(code, reason))
        self.remove(session)

    def broadcast(self, updates: Iterable[tuple[str, bytes]], now: float) -> None:
        """``updates``: (session that it came from, or "", update)."""
        direct = [each for each in self._subscribers.values() if not each.merges]
        anyone_merges = len(direct) < len(self._subscribers)
        for sender, update in updates:
            frame = Frame(update_message(update))
            for gone in [each for each in direct if each.session != sender and not each.outlet.offer(frame)]:
                self.remove(gone.session)
                direct.remove(gone)
            if anyone_merges:
                self._waiting.append((sender, update))
        if self._waiting and now >= self._flushed + TICK:
            self.flush(now)

    def flush(self, now: float) -> None:
        """Send what waits, merged. Its only author, if there is one, does not get it back."""
        waiting, self._waiting = self._waiting, []
        self._flushed = now
        senders = {sender for sender, _ in waiting}
        author = senders.pop() if len(senders) == 1 else ""
        frames = [Frame(update_message(update)) for update in merged([update for _, update in waiting])]
        for subscriber in [each for each in self._subscribers.values() if each.merges]:
            if subscriber.session != author and not all(subscriber.outlet.offer(frame) for frame in frames):
                self.remove(subscriber.session)
