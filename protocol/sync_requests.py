"""Sync requests (step 1 to a client): when each connection is asked for all that it has.

One is outstanding at a time. Whatever a client sent before its answer is in the answer, so nothing needs a second
one meanwhile. A client that answers nothing for long is gone, half-open, or no y-websocket client.
"""

from __future__ import annotations

from math import inf
from typing import Final

import msgspec

# Seconds: between two requests; until an unanswered one tells against a client whose updates depend on what it
# does not send; until a client whose id another one claims is taken for gone; the longest pause between attempts.
PAUSE: Final = 1.0
PATIENCE: Final = 10.0
PROOF: Final = 5.0
LONGEST: Final = 60.0


class _Asked(msgspec.Struct):
    """``since``: the request that is outstanding was sent then; inf: none is. ``next``: one is planned.
    ``prove_by``: unless it says anything until then, it is gone. ``pause``: before another request."""

    since: float = inf
    last: float = -inf
    next: float = inf
    prove_by: float = inf
    pause: float = PAUSE


class SyncRequests:
    """``due`` is when :meth:`tick` has something to do. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}
        self.due = inf

    def asked(self, session: str, now: float) -> None:
        """A request went out with the subscription."""
        self._asked[session] = _Asked(since=now)

    def ask(self, session: str, now: float) -> bool:
        """Whether a request shall go out at once. If not, one is outstanding, or will be due."""
        asked = self._asked.setdefault(session, _Asked())
        if asked.since < inf:
            return False
        if now < asked.last + asked.pause:
            asked.next = asked.last + asked.pause
            self.due = min(self.due, asked.next)
            return False
        asked.since = asked.last = now
        asked.next = inf
        return True

    def prove(self, session: str, now: float) -> bool:
        """As :meth:`ask`; and unless the client says anything soon, :meth:`tick` takes it for gone."""
        asked = self._asked.setdefault(session, _Asked())
        if asked.prove_by < inf:
            return False
        send = self.ask(session, now)
        asked.prove_by = PROOF + (asked.next if asked.next < inf else now)
        self.due = min(self.due, asked.prove_by)
        return send

    def heard(self, session: str, now: float) -> None:
        """The client said anything."""
        asked = self._asked.get(session)
        if asked is not None and asked.prove_by < inf and now >= asked.prove_by - PROOF:
            asked.prove_by = inf

    def answered(self, session: str, whole: bool, now: float) -> None:
        """A step 2 came. One that is not ``whole`` is asked for again, after longer and longer pauses: what it
        lacks may come another way."""
        asked = self._asked.get(session)
        if asked is None:
            return
        asked.since = inf
        if whole:
            asked.next = inf
            asked.pause = PAUSE
        else:
            asked.next = now + asked.pause
            asked.pause = min(LONGEST, 2 * asked.pause)
            self.due = min(self.due, asked.next)

    def overdue(self, session: str, now: float) -> bool:
        """A request has not been answered for very long."""
        asked = self._asked.get(session)
        return asked is not None and now >= asked.since + PATIENCE

    def left(self, session: str) -> None:
        self._asked.pop(session, None)

    def tick(self, now: float) -> tuple[list[str], list[str]]:
        """Sessions that shall be sent a request now, and those that are gone."""
        if now < self.due:
            return [], []
        send = []
        gone = []
        self.due = inf
        for session, asked in self._asked.items():
            if now >= asked.prove_by:
                gone.append(session)
                continue
            if now >= asked.next:
                asked.next = inf
                if asked.since == inf:
                    asked.since = asked.last = now
                    send.append(session)
            self.due = min(self.due, asked.next, asked.prove_by)
        return send, gone
