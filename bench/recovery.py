"""From a journal on disk to the document that the hub works with: 100,000 updates, and one snapshot.

Ours reads and checks the journal as a start does (every page, every checksum) and builds the true copy with its
guard. Baselines on the same journal: pycrdt alone applying one update after the other, and SQLite alone reading
the rows.
"""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from pycrdt import Doc, Map, Text

from actors.journal import Journal
from bench.process import scratch
from bench.report import Row, compare
from protocol.guard import Limits
from protocol.seed import arrange, seed
from protocol.true_copy import TrueCopy
from protocol.values import CellValue, NotebookValue

CELLS = 100
UPDATES = 100_000
TYPISTS = 5


def write(path: Path, count: int) -> None:
    """Five people who type: words here and there, each key an update, as the page sends them."""
    cells = tuple(CellValue(id=f"c{n}", type="code", source="x = 1\n") for n in range(CELLS))
    base = seed(arrange(NotebookValue(cells=cells)), bytes(32))
    chance = random.Random(1)
    updates: list[bytes] = []
    people = []
    for n in range(TYPISTS):
        doc: Doc = Doc(client_id=100 + n)
        doc.apply_update(base)
        people.append((doc, doc.observe(lambda event: updates.append(event.update))))
    while len(updates) < count:
        doc, _ = chance.choice(people)
        source: Text = doc.get(f"c{chance.randrange(CELLS)}", type=Map)["source"]
        at = chance.randrange(len(source) + 1)
        for _ in range(min(20, count - len(updates))):
            source.insert(at, chance.choice("abcdefgh "))
            at += 1
    with closing(Journal(path)) as journal:
        journal.store_snapshot(base, (), content=False)
        for at in range(0, count, 1000):
            journal.append(tuple(updates[at : at + 1000]), None, content=True)


def ours(path: Path) -> tuple[float, float]:
    """Seconds that passed, and those of them on the processor: on a busy machine the two are far apart."""
    begun, worked = time.perf_counter(), time.process_time()
    with closing(Journal(path)) as journal:
        replayed = journal.replay()
    copy = TrueCopy(Limits())
    left_out = copy.build(replayed.updates, 7, gapless=not replayed.damaged)
    taken = time.perf_counter() - begun, time.process_time() - worked
    if replayed.damaged or left_out or len(copy.doc.cell_ids()) != CELLS:
        raise AssertionError("the document is not whole")
    return taken


def rows(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as db:
        both = (db.execute(f"SELECT data, crc FROM {table}").fetchall() for table in ("snapshot", "updates"))
        return [data for found in both for data, _ in found]


def one_by_one(path: Path) -> float:
    begun = time.perf_counter()
    doc: Doc = Doc()
    for update in rows(path):
        doc.apply_update(update)
    return time.perf_counter() - begun


def read_only(path: Path) -> float:
    begun = time.perf_counter()
    rows(path)
    return time.perf_counter() - begun


def compact(path: Path) -> None:
    with closing(Journal(path)) as journal:
        copy = TrueCopy(Limits())
        copy.build(journal.replay().updates, 7)
        journal.store_snapshot(copy.doc.diff(b"\0"), (), content=False)


def measure(quick: bool) -> list[Row]:
    count = 10_000 if quick else UPDATES
    times = 3 if quick else 7
    named = f"{count:,} updates"
    made: list[Row] = []
    with scratch() as folder:
        path = folder / "journal.sqlite"
        write(path, count)
        for what, most in ((named, 1.0), ("a snapshot of them", 0.1)):
            applied = Row(f"recovery: {what}", "s", against="pycrdt one by one", at_most=most)
            read = Row(f"recovery: {what}", "s", against="SQLite reads rows")
            worked = Row(f"recovery: {what}, processor", "s")
            for _ in range(times):
                taken, on_processor = ours(path)
                applied.ours.append(taken)
                worked.ours.append(on_processor)
                applied.baseline.append(one_by_one(path))
                read.baseline.append(read_only(path))
            read.ours = list(applied.ours)
            made += [applied, read, worked]
            compact(path)
    print(compare(made))
    return made
