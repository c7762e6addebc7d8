"""What the SyncHub keeps of each connection: whose ids are whose, what it was asked for, who was refused and why.

Owned by the SyncHub. Whatever a client sends passes through here on its way into the document. Nothing here waits,
and nothing is sent before the batch in hand is durable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import assert_never

import trio

from actors.fanout import Fanout
from protocol.guard import Rejected
from protocol.holders import Holders
from protocol.lib0 import Malformed
from protocol.lineage import served, standing
from protocol.messages.hub import Announced, ClientUpdate, Frame, Shows
from protocol.messages.shared import Notice
from protocol.receipts import Receipts
from protocol.sync import lineage_message, step1_message
from protocol.sync_requests import SyncRequests
from protocol.true_copy import Broken, Taken, TrueCopy

log = logging.getLogger("ganimede.hub")

BAD_FRAME, FOREIGN, GONE, MALFORMED_STATE = 4400, 4409, 1013, 1007
OTHER_LINEAGE = "your copy is of an earlier state of this notebook: discard it and load it anew"

TAKEN_ID = Notice(
    "client_id_taken",
    "Another connection edits under the same client id. Edits of that id are taken from the other one only.",
    "warning",
)
INCOMPLETE = Notice(
    "edits_incomplete",
    "Some of your edits depend on others that have not arrived. They were not taken yet, and are asked for again.",
    "warning",
)


class HubClients:
    """``let_out``: runs something once the batch in hand is durable. ``changed``: the document was changed.
    ``broke``: it must be built anew; what broke it is at hand. ``seed``, ``epoch``: as in :class:`Recovered`."""

    def __init__(
        self,
        copy: TrueCopy,
        fanout: Fanout,
        let_out: Callable[[Callable[[], None]], None],
        changed: Callable[[], None],
        broke: Callable[[Broken], None],
    ) -> None:
        self._copy, self._fanout = copy, fanout
        self._let_out, self._changed, self._broke = let_out, changed, broke
        self.seed, self.epoch = 0, ""
        self.receipts = Receipts()
        self._holders = Holders()
        self._requests = SyncRequests()
        self._refused: dict[str, tuple[int, str]] = {}  # hung up on: what they send is dropped
        self._ours: set[str] = set()  # sessions whose copy is known to hold the seed
        self._incomplete: set[str] = set()  # sessions that were told so
        # Whether a session's client may have said something to an earlier incarnation that this one has not heard.
        self._behind: dict[str, bool] = {}

    # ------------------------------------------------------------------------------------------ coming and going

    def joined(self, session: str, state: bytes | None) -> None:
        """A subscription. ``state``: the state vector that its client announced before, if it did."""
        self._holders.joined(session)
        self._behind[session] = state is not None
        if state is not None:
            self.announced(session, state)

    def subscribed(self, session: str, announced: bool) -> bool:
        """The subscription can be spoken to. False: it is hung up on. ``announced``: before this subscription."""
        if session in self._refused:  # before this subscription there was nobody to hang up on
            self._fanout.hang_up(session, *self._refused[session])
            return False
        if announced:
            self.receipts.follow(session)
            self._send_lineage(session)
        self._requests.asked(session, trio.current_time())
        self._send_request(session)
        return True

    def has_heard(self, session: str) -> bool:
        """Everything that came of this session, as far as can be known. False also before its subscription."""
        return not self._behind.get(session, True)

    def hear(self, message: ClientUpdate | Announced | Shows) -> None:
        match message:
            case ClientUpdate():
                self._update(message)
            case Announced(session):
                self._announce(session)
            case Shows(session, client):
                self._shows(session, client)
            case _:
                assert_never(message)

    def _announce(self, session: str) -> None:
        """Its client wants to know the lineage, and what becomes of its updates."""
        if session not in self._refused:
            self.receipts.follow(session)
            self._let_out(lambda: self._send_lineage(session))
            self._ask(session)

    def _send_lineage(self, session: str) -> None:
        self._fanout.send(session, Frame(lineage_message(self.epoch)))

    def left(self, session: str) -> None:
        self._refused.pop(session, None)
        self._forget(session)

    def _forget(self, session: str) -> None:
        self._requests.left(session)
        self.receipts.forget(session)
        self._ours.discard(session)
        self._incomplete.discard(session)
        self._behind.pop(session, None)
        for each in self._holders.left(session):
            self._ask(each)

    def announced(self, session: str, state: bytes) -> bool:
        """A client's state vector. False: it is not to be answered."""
        if session in self._refused:
            return False
        self._requests.heard(session, trio.current_time())
        try:
            whose = standing(state, self.seed)
        except Malformed:
            self._refuse(session, "malformed state vector", MALFORMED_STATE)
            return False
        if whose == "foreign":
            self._refuse(session, OTHER_LINEAGE, FOREIGN)
            return False
        if whose == "ours":
            self._ours.add(session)
        return True

    def _shows(self, session: str, client: int) -> None:
        """It shows itself under ``client``, or would if another did not: perhaps a connection of its own, of which
        nobody noticed yet that it is dead."""
        other = self._holders.shows(session, client)
        if other is not None:
            self._prove(other)

    # ------------------------------------------------------------------------------------------ what clients send

    def _update(self, message: ClientUpdate) -> None:
        session, update, answer = message.session, message.update, message.answer
        if session in self._refused:
            return
        self._requests.heard(session, trio.current_time())
        if session not in self._ours and served(update, self._copy.known):
            self._refuse(session, OTHER_LINEAGE, FOREIGN)
            return
        foreign = self._holders.foreign_to(session)
        emptied = None if answer else self._holders.held_by(session)
        match self._copy.client_update(session, update, foreign=foreign, emptied=emptied, answer=answer):
            case Rejected(reason):
                log.warning("an update was refused: %s", reason)
                self._refuse(session, reason)
            case Broken() as broken:
                log.error("an update broke the document and was not kept: %s", broken.reason)
                self._refuse(session, "the update cannot be applied")
                self._broke(broken)
            case taken:
                if taken.missing is None and not taken.cut:
                    self.receipts.handle(session, message.number, answer)
                else:
                    self.receipts.ask(session)  # what was left out must come again before anything else counts
                self._took(session, taken, answer)

    def _took(self, session: str, taken: Taken, answer: bool) -> None:
        if taken.cut:
            self._cut(session, taken.cut)
        if taken.clients:
            self._holders.brought(session, taken.clients, answer)
        if answer:
            self._requests.answered(session, taken.missing is None, trio.current_time())
            if taken.missing is None:
                self._incomplete.discard(session)
                self._behind[session] = False
            elif session not in self._incomplete:
                self._incomplete.add(session)
                self._let_out(lambda: self._fanout.send(session, INCOMPLETE))
        elif taken.missing is not None:
            self._missing(session)
        if taken.changed:
            self._changed()

    def _cut(self, session: str, clients: tuple[int, ...]) -> None:
        """Edits under ids that others hold were not taken: tell the sender once an id, and see if the others
        live."""
        if self._holders.cut(session, clients):
            self._let_out(lambda: self._fanout.send(session, TAKEN_ID))
        for other in {self._holders.holder(client) for client in clients}:
            if other is not None:
                self._prove(other)

    def _missing(self, session: str) -> None:
        """The update depends on something unknown and was dropped: it comes with the answer to a sync request."""
        if self._requests.overdue(session, trio.current_time()):
            self._refuse(session, "updates depend on edits that were never sent")
        else:
            self._ask(session)

    # ------------------------------------------------------------------------------------------ asking, refusing

    @property
    def due(self) -> float:
        return self._requests.due

    def tick(self, now: float) -> None:
        ask, gone = self._requests.tick(now)
        for session in ask:
            self._let_out(lambda session=session: self._send_request(session))  # type: ignore[misc]
        for session in gone:
            self._refuse(session, "no answer, and another connection goes on under this client id", GONE)

    def _ask(self, session: str) -> None:
        if self._requests.ask(session, trio.current_time()):
            self._let_out(lambda: self._send_request(session))

    def _prove(self, session: str) -> None:
        if self._requests.prove(session, trio.current_time()):
            self._let_out(lambda: self._send_request(session))

    def _send_request(self, session: str) -> None:
        self._fanout.send(session, Frame(step1_message(self._copy.doc.state_vector())))

    def _refuse(self, session: str, reason: str, code: int = BAD_FRAME) -> None:
        self._refused[session] = (code, reason)
        self._forget(session)
        self._let_out(lambda: self._fanout.hang_up(session, code, reason))
