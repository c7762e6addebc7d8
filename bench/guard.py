"""What the guard costs a small update, beside ``apply_update`` of the same updates in the same run.

Four kinds: typing at the end, typing and deleting anywhere, keys of a cell (moves, states), and new cells. The
guard is given the same questions as in the server: which ids others hold, and which clocks may come empty.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from typing import Any

from pycrdt import Array, Doc, Map, Text

from bench.report import Row, compare
from protocol.document import root_type
from protocol.guard import Accepted, Guard
from protocol.holders import Holders

UPDATES = 5_000
GOAL = 8.0


def measure(quick: bool) -> list[Row]:
    rounds = 3 if quick else 15
    rows = []
    for kind, edits in KINDS.items():
        updates = made_by(edits)
        row = Row(f"guard: {kind}", "µs an update", against="apply_update", goal=GOAL)
        for _ in range(rounds):
            gc.collect()
            row.ours.append(judged(updates))
            row.baseline.append(applied(updates))
        rows.append(row)
    print(compare(rows))
    return rows


def judged(updates: list[bytes]) -> float:
    guard = Guard(owned={1, 2}, root_type=root_type)
    holders = Holders()
    holders.joined("session")
    begun = time.perf_counter()
    for update in updates:
        verdict = guard.check(update, holders.foreign_to("session"), holders.held_by("session"))
        assert isinstance(verdict, Accepted), verdict
        guard.commit(verdict)
        holders.brought("session", verdict.clients)
    return (time.perf_counter() - begun) / len(updates) * 1e6


def applied(updates: list[bytes]) -> float:
    doc: Doc[Any] = Doc(client_id=1)
    begun = time.perf_counter()
    for update in updates:
        doc.apply_update(update)
    return (time.perf_counter() - begun) / len(updates) * 1e6


# ---------------------------------------------------------------------------------------------------- the updates


def made_by(edits: Callable[[Doc[Any], random.Random], Callable[[], None]]) -> list[bytes]:
    """What a client sends for so many edits, one transaction each."""
    doc: Doc[Any] = Doc(client_id=77)
    edit = edits(doc, random.Random(1))
    updates: list[bytes] = []
    first = doc.get_update()
    watch = doc.observe(lambda event: updates.append(event.update))
    while len(updates) < UPDATES:
        with doc.transaction():
            edit()
    doc.unobserve(watch)
    return [first, *updates[: UPDATES - 1]]


def _source(doc: Doc[Any]) -> Text:
    cell = doc.get("cell", type=Map)
    cell["source"] = Text("x")
    source: Text = cell["source"]
    return source


def _typing(doc: Doc[Any], rng: random.Random) -> Callable[[], None]:
    source = _source(doc)
    written = 1

    def edit() -> None:
        nonlocal written
        source.insert(written, "x")
        written += 1

    return edit


def _editing(doc: Doc[Any], rng: random.Random) -> Callable[[], None]:
    source = _source(doc)
    written = 1

    def edit() -> None:
        nonlocal written
        at = rng.randrange(written)
        if written > 20 and rng.random() < 0.3:
            del source[at - 3 if at > 3 else at : at + 1]
            written = len(source)
        else:
            source.insert(at, "word ")
            written += 5

    return edit


def _keys(doc: Doc[Any], rng: random.Random) -> Callable[[], None]:
    cells = [doc.get(f"cell{n}", type=Map) for n in range(50)]

    def edit() -> None:
        cell = rng.choice(cells)
        cell["top"] = rng.randrange(10_000)
        cell["left"] = rng.randrange(10_000)

    return edit


def _cells(doc: Doc[Any], rng: random.Random) -> Callable[[], None]:
    listed = doc.get("cells", type=Array)
    made = 0

    def edit() -> None:
        nonlocal made
        made += 1
        cell = doc.get(f"cell{made}", type=Map)
        for key in ("id", "type", "execution_count", "top", "left", "height", "width", "collapsed", "state"):
            cell[key] = made
        cell["source"] = Text("print(1)")
        cell["outputs"] = Array([])
        listed.append(f"cell{made}")

    return edit


KINDS = {"typing": _typing, "editing anywhere": _editing, "keys of cells": _keys, "new cells": _cells}
