"""Who is here: y-protocols awareness, rewritten by the server instead of relayed.

The format is that of ``awareness.js`` in https://github.com/yjs/y-protocols (lib0 encoding)::

    message = 1, var bytes of an update               the y-websocket message
    update  = entries, { client id, clock, var string of the state as JSON, "null" for gone }

A client takes a state only if its clock is higher than the one that it has of that id. Relayed raw, one frame
could make thousands of ghosts, or remove somebody for good with a huge clock. So a connection speaks for one
client id, and others hear of that id with *our* clock, which only rises: who comes back with a clock that began
anew is seen at once. A client's own clock is its own affair: its state goes back to it exactly as it came (stock
clients close when they hear nothing for 30 s), and nothing else about its own id ever does.

Stock clients send whatever they hear back to the server; what they say of ids that are not theirs is ignored.
Our clocks begin far above those of clients, so an id that nobody speaks for is not taken by such an echo.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from protocol.lib0 import Malformed, Reader, write_bytes, write_uint

MESSAGE: Final = 1  # y-websocket's message type
FIRST_CLOCK: Final = 2**31  # an honest client's own clock, one for each of its states, never gets here
_GONE: Final = b"null"

NAME = 80  # characters of a name that are of interest


class PresenceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds."""

    frame: int = 1024 * 1024
    state: int = 16 * 1024
    depth: int = 16  # objects and arrays inside one another, the state itself counted
    rate: float = 60.0  # states a second that are passed on at once
    burst: int = 120
    quiet: float = 20.0  # a connection without a state hears something this often
    fade: float = 30.0  # clients drop who was silent for so long, so nobody new is told of them
    remembered: int = 10_000  # ids whose clock is remembered one by one


class Send(msgspec.Struct, frozen=True):
    """One y-websocket message, the same bytes for each of the sessions ``to``."""

    to: tuple[str, ...]
    message: bytes


class Heard(msgspec.Struct, frozen=True):
    """What a frame leads to. ``refused``: a sentence, if something in it was not taken."""

    sends: tuple[Send, ...] = ()
    refused: str = ""


class _Session:
    """A connection, and the client id and state that it has set (``client`` None: none)."""

    def __init__(self, now: float, burst: float) -> None:
        self.client: int | None = None
        self.clock = 0  # the client's own
        self.state = b""
        self.told = 0  # our clock under which others know the state; 0: they do not yet
        self.wanted: int | None = None  # the client id that it asked for in vain
        self.heard_at = now
        self.tokens = burst
        self.refilled_at = now
        self.late = False  # the state was not yet passed on
        self.spoken_at = now  # when it was last sent an empty update

    def take_token(self, now: float, limits: PresenceLimits) -> bool:
        gained = max(0.0, now - self.refilled_at) * limits.rate
        self.tokens = min(limits.burst, self.tokens + gained)
        self.refilled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Presence:
    """All connections of one notebook, and what to send to whom. Times are seconds of one monotonic clock.

    ``first_clock``: where our clocks begin. Clients remember clocks for longer than a server lives: give what the
    next server will exceed, such as 2^31 plus a few for every second since some year (yrs ends at 2^32).
    """

    def __init__(self, limits: PresenceLimits | None = None, first_clock: int = FIRST_CLOCK) -> None:
        self.limits = limits or PresenceLimits()
        self._first = first_clock
        self._sessions: dict[str, _Session] = {}
        self._holders: dict[int, str] = {}  # client id: the session that speaks for it
        self._clocks: dict[int, int] = {}  # client id: our clock, the one used longest ago first
        self._floor = first_clock  # no id that is not in _clocks was ever told beyond this

    @property
    def highest_clock(self) -> int:
        """No higher clock was sent to anybody: a successor may begin here."""
        return max(self._floor, *self._clocks.values()) if self._clocks else self._floor

    def joined(self, session: str, now: float) -> None:
        """A connection opened. ValueError if it is here already."""
        if session in self._sessions:
            raise ValueError(f"session {session} has joined already")
        self._sessions[session] = _Session(now, self.limits.burst)

    def greeting(self, session: str, now: float) -> tuple[Send, ...]:
        """What a connection should know at first: everybody else. Nothing if nobody else is here.

        Ask after the connection's first frame: a client that hears of its own id (from a connection of its own
        that is not known to be dead) takes that state for its own, and only its frame says which id that is.
        """
        others = self._others(session, now)
        return (Send((session,), _message(others)),) if others else ()

    def queried(self, session: str, now: float) -> tuple[Send, ...]:
        """The answer to query awareness (message type 3): everybody else, also if that is nobody."""
        return (Send((session,), _message(self._others(session, now))),)

    def heard(self, session: str, payload: bytes, now: float) -> Heard:
        """An awareness update from a connection: what the message's var bytes hold. Never raises."""
        speaker = self._sessions.get(session)
        if speaker is None:
            return Heard(refused="This connection is closed.")
        if len(payload) > self.limits.frame:
            return Heard(refused=f"An awareness update is larger than {self.limits.frame} bytes.")
        try:
            entries = _read(payload)
        except Malformed as error:
            return Heard(refused=str(error))
        sends: list[Send] = []
        refused = ""
        for client, clock, state in entries:
            refused = self._entry(session, speaker, client, clock, state, now, sends) or refused
        return Heard(tuple(sends), refused)

    def shown(self, session: str) -> int | None:
        """The client id that a connection speaks for; or that it would, if another did not."""
        speaker = self._sessions.get(session)
        if speaker is None:
            return None
        return speaker.wanted if speaker.client is None else speaker.client

    def name(self, session: str) -> str:
        """What the person on a connection calls themselves; empty if they show no name."""
        speaker = self._sessions.get(session)
        if speaker is None or speaker.client is None:
            return ""
        state = msgspec.json.decode(speaker.state)
        user = state.get("user")
        name = user.get("name") if isinstance(user, dict) else None
        return name[:NAME] if isinstance(name, str) else ""

    def left(self, session: str, now: float) -> tuple[Send, ...]:
        """A connection closed: the others hear that it is gone."""
        speaker = self._sessions.pop(session, None)
        if speaker is None or speaker.client is None:
            return ()
        return self._remove(session, speaker)

    def tick(self, now: float) -> tuple[Send, ...]:
        """A few times a second: states that came too fast, and a sign of life for who has no state."""
        sends: list[Send] = []
        quiet = []
        for name, speaker in self._sessions.items():
            if speaker.late and speaker.take_token(now, self.limits):
                sends += self._tell(name, speaker)
            if speaker.client is None and now - speaker.spoken_at >= self.limits.quiet:
                speaker.spoken_at = now
                quiet.append(name)
        if quiet:
            sends.append(Send(tuple(quiet), _message(())))
        return tuple(sends)

    def _entry(
        self, session: str, speaker: _Session, client: int, clock: int, state: bytes, now: float, sends: list[Send]
    ) -> str:
        """Take one entry of a frame. The answer is why not, if its sender should know."""
        if speaker.client is None:
            if state == _GONE:
                return ""
            if self._first < clock <= self._clocks.get(client, self._floor):
                return ""  # our clock: an echo of somebody else's state
            if client in self._holders:
                speaker.wanted = client
                return "Another connection has this client id already."
        elif client != speaker.client:
            return ""
        elif clock < speaker.clock or (clock == speaker.clock and state != _GONE):
            return ""  # what it said before, come back
        if state == _GONE:
            sends += self._remove(session, speaker)
            speaker.spoken_at = now
            return ""
        if reason := self._unfit(state):
            return reason
        if speaker.client is None:
            self._holders[client] = session
            speaker.told, speaker.wanted = 0, None
        speaker.client, speaker.clock, speaker.state, speaker.heard_at = client, clock, state, now
        if speaker.take_token(now, self.limits):
            sends += self._tell(session, speaker)
        else:
            speaker.late = True
        return ""

    def _unfit(self, state: bytes) -> str:
        if len(state) > self.limits.state:
            return f"A state is larger than {self.limits.state} bytes."
        try:
            value = msgspec.json.decode(state)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "A state is not JSON."
        if not isinstance(value, dict):
            return "A state is not an object."
        level: list[object] = [value]
        for _ in range(self.limits.depth):
            level = [inner for outer in level for inner in _members(outer) if isinstance(inner, (dict, list))]
            if not level:
                return ""
        return "A state is nested too deeply."

    def _tell(self, session: str, speaker: _Session) -> list[Send]:
        """Pass the state on: to the others with our clock, back to its sender with its own."""
        assert speaker.client is not None
        speaker.late = False
        speaker.told = self._next_clock(speaker.client)
        sends = [Send((session,), _message([(speaker.client, speaker.clock, speaker.state)]))]
        if others := self._everybody_but(session, speaker.client):
            sends.append(Send(others, _message([(speaker.client, speaker.told, speaker.state)])))
        return sends

    def _remove(self, session: str, speaker: _Session) -> tuple[Send, ...]:
        client = speaker.client
        assert client is not None
        del self._holders[client]
        speaker.client = None
        speaker.late = False
        if not speaker.told:
            return ()
        clock = self._next_clock(client)
        others = self._everybody_but(session, client)
        return (Send(others, _message([(client, clock, _GONE)])),) if others else ()

    def _everybody_but(self, session: str, client: int) -> tuple[str, ...]:
        """Who hears of ``client``: not its own session, nor who takes itself for that client."""
        return tuple(name for name, other in self._sessions.items() if name != session and other.wanted != client)

    def _others(self, session: str, now: float) -> list[tuple[int, int, bytes]]:
        """All states but those of ``session``, with new clocks: a stock client that lost its connection forgets
        the states that it had, but not their clocks, and would ignore what it thinks it knows."""
        asker = self._sessions.get(session)
        found = []
        for name, speaker in self._sessions.items():
            client = speaker.client
            if client is None or name == session or (asker and client == asker.wanted):
                continue
            if speaker.told and now - speaker.heard_at < self.limits.fade:
                speaker.told = self._next_clock(client)
                found.append((client, speaker.told, speaker.state))
        return found

    def _next_clock(self, client: int) -> int:
        clock = self._clocks.pop(client, self._floor) + 1
        self._clocks[client] = clock
        if len(self._clocks) > self.limits.remembered:
            # Forgetting one raises everybody's beginning, so that no id is ever told a lower clock again.
            oldest = next(iter(self._clocks))
            self._floor = max(self._floor, self._clocks.pop(oldest))
        return clock


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _read(payload: bytes) -> list[tuple[int, int, bytes]]:
    reader = Reader(payload)
    entries = [(reader.uint(), reader.uint(), reader.blob()) for _ in range(reader.count())]
    reader.done()
    return entries


def _message(entries: Iterable[tuple[int, int, bytes]]) -> bytes:
    """A whole y-websocket message of (client id, clock, state as JSON) entries."""
    listed = list(entries)
    update = bytearray()
    write_uint(update, len(listed))
    for client, clock, state in listed:
        write_uint(update, client)
        write_uint(update, clock)
        write_bytes(update, state)
    out = bytearray((MESSAGE,))
    write_bytes(out, bytes(update))
    return bytes(out)
