"""What people wrote, and what they were told: the books by which kills and storms are judged.

Each edit carries a unique marker such as ``<ann.17>``. It is acknowledged when its author was told that it is
durable, and seen when it came to anybody else; both must outlive every death. Whatever else was made is unknown:
there or not, but never twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.simulation.ledger import MARKER, PromiseBroken


def markers(texts: Mapping[str, str]) -> list[str]:
    return [marker for text in texts.values() for marker in MARKER.findall(text)]


@dataclass
class Books:
    made: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def saw(self, found: Iterable[str]) -> None:
        """Somebody has these in a copy of their own."""
        self.seen.update(found)

    def check(self, where: str, cells: list[str], texts: Mapping[str, str]) -> None:
        """I1 and I2 for one copy: the cells as they are listed, the text of each."""
        found = Counter(markers(texts))
        twice = [marker for marker, count in found.items() if count > 1]
        twice += [cell for cell, count in Counter(cells).items() if count > 1]
        if twice:
            raise PromiseBroken("I2", f"there more than once in {where}: {_some(twice)}")
        if strangers := found.keys() - self.made:
            raise PromiseBroken("I2", f"never written and in {where}: {_some(strangers)}")
        if lost := self.acknowledged - found.keys():
            raise PromiseBroken("I1", f"acknowledged and not in {where}: {_some(lost)}")
        if lost := self.seen - found.keys():
            raise PromiseBroken("I1", f"seen by others and not in {where}: {_some(lost)}")

    def check_all(self, where: str, texts: Mapping[str, str]) -> None:
        """Everybody is connected and has been told: nothing is unknown any more."""
        if lost := self.made - set(markers(texts)):
            raise PromiseBroken("I1", f"written by who is still here and not in {where}: {_some(lost)}")

    def __str__(self) -> str:
        return f"{len(self.made)} edits, {len(self.acknowledged)} acknowledged, {len(self.seen)} seen by others"


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    return f"{len(names)}: {' '.join(names[:5])}"
