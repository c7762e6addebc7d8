"""What people did, and what the server told them about it: the books by which the promises are judged.

Each edit carries a unique marker: ``<ann.17>`` in a cell's text, or the id of a new cell. An edit is acknowledged
when its author asked something after it, of the same incarnation of the hub, and got an answer that did not say
"not saved". Whatever else became of an edit is unknown, and both outcomes are fine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

MARKER = re.compile(r"<[a-z]+\d*\.\d+>")


class PromiseBroken(BaseException):
    """``promise``: its number in the table of promises. Not an Exception: no supervisor may restart over it."""

    def __init__(self, promise: str, what: str) -> None:
        super().__init__(f"{promise}: {what}")
        self.promise = promise


@dataclass
class Word:
    """What people were told of one edit."""

    durable: bool = False
    filed: bool = False

    def hear(self, filed: bool) -> None:
        self.durable = True
        self.filed = self.filed or filed


@dataclass(eq=False)
class Fact:
    """``made``: that it came into being; ``removed``: that it was taken away again, which somebody did if
    ``unmade``."""

    name: str
    cell: str  # the cell whose text holds it; its own name for a cell
    made: Word = field(default_factory=Word)
    removed: Word = field(default_factory=Word)
    unmade: bool = False


class Disk(Protocol):
    """Where a name stands, now."""

    def in_journal(self, name: str) -> bool: ...

    def in_file(self, name: str) -> bool: ...


@dataclass(eq=False)
class Ledger:
    disk: Disk
    facts: dict[str, Fact] = field(default_factory=dict)

    def made(self, name: str, cell: str) -> Fact:
        fact = self.facts[name] = Fact(name, cell)
        return fact

    def acknowledge(self, fact: Fact, *, removal: bool, filed: bool = False) -> None:
        """Somebody was told. It must be true already: a crash could come now."""
        if removal:
            fact.removed.hear(filed)
            return
        fact.made.hear(filed)
        if fact.unmade or self.facts[fact.cell].unmade:
            return
        if not self.disk.in_journal(fact.name):
            raise PromiseBroken("I1", f"{fact.name} was acknowledged before it was in the journal")
        if filed and not self.disk.in_file(fact.name):
            raise PromiseBroken("I1", f"{fact.name} was said to be in the file before it was")

    def counts(self) -> tuple[int, int]:
        """How many edits there were, and how many of them were acknowledged."""
        return len(self.facts), sum(fact.made.durable for fact in self.facts.values())

    def check(self, where: str, cells: Iterable[str], texts: Mapping[str, str], *, file: bool = False) -> None:
        """I1 and I2 for one copy of the document: ``cells`` as listed, ``texts`` of those. ``file``: a copy that
        need not have more than what was said to be in the file."""
        listed = list(cells)
        found: dict[str, int] = {}
        for cell in listed:
            found[cell] = found.get(cell, 0) + 1
        for cell in dict.fromkeys(listed):
            for marker in MARKER.findall(texts.get(cell, "")):
                found[marker] = found.get(marker, 0) + 1
        for name, count in found.items():
            if count > 1:
                raise PromiseBroken("I2", f"{name} is there {count} times in {where}")
            if name not in self.facts:
                raise PromiseBroken("I2", f"{name} was never made and is in {where}")
        for fact in self.facts.values():
            self._check_one(fact, fact.name in found, where, file)

    def _check_one(self, fact: Fact, found: bool, where: str, file: bool) -> None:
        made, removed = (word.filed if file else word.durable for word in (fact.made, fact.removed))
        home = self.facts[fact.cell]
        if made and not (found or fact.unmade or home.unmade):
            raise PromiseBroken("I1", f"{fact.name} was acknowledged and is not in {where}")
        if removed and found:
            raise PromiseBroken("I1", f"the removal of {fact.name} was acknowledged, and it is in {where}")
