"""What each life of the server found of a queue to offer, and what people were told became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field

from protocol.messages.shared import Entry
from tests.simulation.ledger import PromiseBroken


@dataclass(eq=False)
class Offers:
    """``journal``: the queue that a server would find if the power went now. ``answered``: how
    many offers were accepted or dismissed for good."""

    journal: Callable[[], Iterable[Entry]]
    answered: int = 0
    _life: int = 0
    _found: Set[str] = frozenset()
    _accepted: set[int] = field(default_factory=set)
    _spent: set[str] = field(default_factory=set)

    def found(self, life: int, entries: Iterable[Entry]) -> None:
        """A server starts with this in its journal: from now on it is offered."""
        self._life, self._found = life, {entry.id for entry in entries}
        again = self._found & self._spent
        if again:
            raise PromiseBroken("I2", f"{sorted(again)} were accepted or dismissed, and are offered again")

    def accepted(self, life: int) -> None:
        """I2: a life begins with its one offer, and whoever accepts takes all of it."""
        if life in self._accepted:
            raise PromiseBroken("I2", "an accepted offer was accepted again")
        self._accepted.add(life)

    def gone(self, life: int) -> None:
        """Somebody accepted or dismissed it and was told afterwards that all is saved: nothing of it comes back."""
        if life == self._life:
            self.answered += 1
            left = self._found & {entry.id for entry in self.journal()}
            if left:
                raise PromiseBroken("I1", f"{sorted(left)} were accepted or dismissed, and are in the journal")
            self._spent |= self._found
