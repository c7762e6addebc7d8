"""Twenty people who write while parts of the server die: how long an edit takes to be seen by all of them.

Each writes five times a second in a cell of their own. Calm and storm take turns on one server; in a storm an
actor is killed every few seconds, each in its turn. An edit made while an actor is down, or until all are back
and in sync, at least a second, waits for the restart: it counts as delivered, but not for the latency, which is
that of everybody else.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import trio
from pycrdt import Map

from bench.process import Failed, scratch
from bench.report import Row, compare, percentile
from bench.servers import TOKEN, ganimede, write_notebook
from gateway.client import NotebookClient, connect
from protocol.wire import KillFields

PEOPLE = 20
RATE = 5.0
# Seconds between two deaths, and for how long one may be felt.
DEATHS, FELT = 4.0, 1.0
# Behind the last one's coming back, what waited goes out.
CATCHES_UP = 0.3
ACTORS = ("hub", "runs", "checkpointer", "kernel", "gateway")
MARK = re.compile(rb"@@\d{8}")


@dataclass
class Weather:
    """One period. ``sent``: mark to when; ``seen``: mark to who has it and since when the last does."""

    storm: bool
    sent: dict[bytes, float] = field(default_factory=dict)
    seen: dict[bytes, int] = field(default_factory=dict)
    complete: dict[bytes, float] = field(default_factory=dict)
    restarts: list[tuple[float, float]] = field(default_factory=list)

    def latencies(self) -> list[float]:
        """Milliseconds from edit to seen by all, of edits that met no death."""
        return [
            (self.complete[mark] - at) * 1000
            for mark, at in self.sent.items()
            if not any(at <= over and death <= self.complete[mark] for death, over in self.restarts)
        ]


class Crowd:
    def __init__(self, people: list[NotebookClient], cells: list[str], chance: random.Random) -> None:
        self._people, self._cells, self._chance = people, cells, chance
        self._number = 0
        self._weather = Weather(storm=False)
        self._known: list[set[bytes]] = [set() for _ in people]
        for index, person in enumerate(people):
            person.document.apply = partial(self._heard, index, person.document.apply)  # type: ignore[method-assign]

    def _heard(self, index: int, apply: Callable[[bytes], None], update: bytes) -> None:
        apply(update)
        now = trio.current_time()
        for mark in MARK.findall(update):
            if mark in self._weather.sent and mark not in self._known[index]:
                self._known[index].add(mark)
                count = self._weather.seen[mark] = self._weather.seen.get(mark, 0) + 1
                if count == len(self._people) - 1:
                    self._weather.complete[mark] = now

    async def weather(self, seconds: float, storm: bool) -> Weather:
        weather = self._weather = Weather(storm)
        async with trio.open_nursery() as nursery:
            for person, cell_id in zip(self._people, self._cells, strict=True):
                nursery.start_soon(self._write, person, cell_id, seconds)
            if storm:
                nursery.start_soon(self._kill, seconds)
        with trio.move_on_after(30):
            await self._people[0].until(lambda: len(weather.complete) == len(weather.sent))
        lacking = len(weather.sent) - len(weather.complete)
        if lacking:
            raise Failed(f"{lacking} of {len(weather.sent)} edits did not reach everybody")
        return weather

    async def _write(self, person: NotebookClient, cell_id: str, seconds: float) -> None:
        await trio.sleep(self._chance.random() / RATE)
        end = trio.current_time() + seconds
        source = person.document.doc.get(cell_id, type=Map)["source"]
        while trio.current_time() < end:
            self._number += 1
            mark = b"@@%08d" % self._number
            self._weather.sent[mark] = trio.current_time()
            with person.document.edit():
                source.insert(0, mark.decode() + "\n")
            await trio.sleep(1 / RATE)

    async def _kill(self, seconds: float) -> None:
        end = trio.current_time() + seconds
        while True:
            for actor in ACTORS:
                await trio.sleep(DEATHS * (0.8 + 0.4 * self._chance.random()))
                if trio.current_time() > end:
                    return
                death = trio.current_time()
                await self._people[0].ask("chaos.kill", KillFields(actor))
                await trio.sleep(FELT)
                for person in self._people:  # the gateway takes connections along
                    await person.in_sync()
                self._weather.restarts.append((death, trio.current_time() + CATCHES_UP))


async def _measure(quick: bool, seed: int) -> list[Row]:
    rounds, seconds = (1, 6.0) if quick else (2, 60.0)
    calm: list[float] = []
    storm: list[float] = []
    deaths = edits = 0
    with scratch() as folder:
        cells = write_notebook(folder / "storm.ipynb", ["# begin\n"] * PEOPLE)
        with ganimede(folder / "storm.ipynb", folder / "state", {"GANIMEDE_CHAOS": "1"}) as server:
            async with AsyncExitStack() as stack:
                people = [
                    await stack.enter_async_context(connect(f"http://127.0.0.1:{server.port}/", TOKEN))
                    for _ in range(PEOPLE)
                ]
                crowd = Crowd(people, cells, random.Random(seed))
                for _ in range(rounds):
                    for stormy, samples in ((False, calm), (True, storm)):
                        weather = await crowd.weather(seconds, stormy)
                        samples.append(percentile(weather.latencies(), 0.99))
                        deaths += len(weather.restarts)
                        edits += len(weather.sent)
                texts = {"".join(cell.source for cell in person.cells) for person in people}
                if len(texts) != 1:
                    raise Failed("the people do not read the same")
                [text] = texts
                found = MARK.findall(text.encode())
                if len(found) != edits or len(set(found)) != edits:
                    raise Failed(
                        f"{edits} edits were made, {len(found)} are there, {len(set(found))} of them once"
                    )
    print(f"{edits:,} edits by {PEOPLE} people, {deaths} deaths of actors; each is there once (seed {seed})")
    return [Row("storm: p99 from edit to seen by all", "ms", storm, calm, "calm", goal=2.0)]


def measure(quick: bool) -> list[Row]:
    seed = int(os.environ.get("GANIMEDE_SEED", random.randrange(10**6)))
    rows = trio.run(_measure, quick, seed)
    print(compare(rows))
    return rows
