"""One simulated run: people, a server, a disk, and what goes wrong; then quiet, and the promises are checked."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import trio
import trio.testing

from actors.supervisor import Kill
from protocol.messages.gateway import CountSessions
from protocol.messages.hub import DescribeDocument
from tests.simulation import checks
from tests.simulation.disk import WEATHERS, Disk
from tests.simulation.habits import storm
from tests.simulation.kernel import Process
from tests.simulation.ledger import Ledger, PromiseBroken
from tests.simulation.line import Line
from tests.simulation.offers import Offers
from tests.simulation.person import Person
from tests.simulation.scheduler import simulate
from tests.simulation.server import Server
from tests.simulation.slips import watch_for_slips

PEOPLE = ("ann", "bob", "cyd")
CELLS = ("a", "b")

# How many phases a run has, and how many seconds each storm takes.
PHASES = (1, 2)
STORM = (0.8, 3.5)
ACTORS = ("checkpointer", "hub", "kernel", "runs")

# Seconds after the storm within which everything has to have come to an end.
BOUND = 120.0

# How often, of what goes wrong.
MISHAPS = {
    "kill": 38, "kill gateway": 2, "kernel dies": 8, "weather": 20, "cut": 10, "stall": 5, "crash": 9,
    "crash in a write": 7, "stop": 3,
}  # fmt: skip


class World:
    def __init__(self, seed: int, folder: Path) -> None:
        def rng(name: str) -> random.Random:
            return random.Random(f"{seed} {name}")  # each part its own, so that one does not disturb another

        self._rng = rng
        self._mishaps = rng("mishaps")
        self.disk = Disk(folder, rng("disk"))
        self.ledger = Ledger(self.disk)
        self.offers = Offers(lambda: self.disk.probe().queue)
        self.processes: list[Process] = []
        self.people: list[Person] = []
        self.lives = 0
        self.server: Server | None = None
        self.lines: list[str] = []
        self._last_life = trio.Event()

    def trace(self, *what: object) -> None:
        self.lines.append(f"{trio.current_time():.6f} {' '.join(map(str, what))}")

    def _hub(self) -> tuple[int, int]:
        return self.lives, self.server.hubs if self.server is not None else 0

    # ------------------------------------------------------------------------------------------------- the run

    async def run(self) -> None:
        for cell in CELLS:
            self.ledger.made(cell, cell).made.hear(filed=True)
        self.disk.create(*CELLS)
        tasks = trio.lowlevel.current_statistics().tasks_living
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_serving)
            for name in PEOPLE:
                rng = self._rng(name)
                line = Line(nursery, lambda: self.server, name, rng)
                self.people.append(Person(name, rng, self.ledger, self.offers, line, self._hub, self.trace))
            for _ in range(self._mishaps.choice(PHASES)):
                await self._storm()
                await self._settle()
                await self._check()
            await self._end()
            for person in self.people:
                await person.leave()
            await trio.testing.wait_all_tasks_blocked()  # whatever ends has ended
            left = trio.lowlevel.current_statistics().tasks_living - tasks
            if left > 0:
                raise PromiseBroken("I9", f"{left} tasks are left")

    async def _keep_serving(self) -> None:
        """One life of the server after the other."""
        while not self._last_life.is_set():
            self.lives += 1
            notebook = self.disk.open(f"epoch-{self.lives}")
            self.offers.found(self.lives, notebook.old_queue)
            self.server = Server(
                notebook, self.disk, self._rng(f"server {self.lives}"), self.processes, self.lives * 10**6
            )
            self.trace("server", self.lives)
            await self.server.run()
            self.trace("crashed" if self.server.crashed else "stopped")
            if self.server.crashed:
                self.disk.crash()
                checks.check_journal(self.disk, self.ledger, f"the journal after crash {self.lives}")
            else:
                self.disk.close()
            checks.check_filed(self.disk, self.ledger)
            if not self._last_life.is_set():
                await trio.sleep(self._mishaps.uniform(0.1, 0.8))

    async def _storm(self) -> None:
        with trio.move_on_after(self._mishaps.uniform(*STORM)):
            async with trio.open_nursery() as nursery:
                for person in self.people:
                    nursery.start_soon(storm, person, nursery)
                while True:
                    await trio.sleep(self._mishaps.uniform(0.2, 1.5))
                    await self._mishap()

    # ----------------------------------------------------------------------------------------- what goes wrong

    async def _mishap(self) -> None:
        rng, server = self._mishaps, self.server
        [what] = rng.choices(list(MISHAPS), list(MISHAPS.values()))
        if server is None or not server.up:
            return
        self.trace("mishap", what)
        match what:
            case "kill":
                server.services.notebook_tree.offer(Kill(lambda _: None, rng.choice(ACTORS)))
            case "kill gateway":
                server.services.root.offer(Kill(lambda _: None, "gateway"))
            case "kernel dies":
                for process in self.processes[-1:]:
                    process.die()
            case "weather":
                self.disk.weather = rng.choice(WEATHERS) if self.disk.weather == "fine" else "fine"
                self.trace("weather", self.disk.weather)
            case "cut" | "stall":
                for link in server.links[:1]:
                    link.stalled = what == "stall"
                    if what == "cut":
                        link.cut()
            case "crash":
                server.crash()
            case "crash in a write":
                self.disk.cut_in = rng.randrange(1, 12)
            case "stop":
                server.system.stop()

    # ---------------------------------------------------------------------------------------------------- quiet

    async def _settle(self) -> None:
        """Nothing goes wrong any more: all come back, and within a bound everything has come to its end."""
        self.trace("calm")
        self.disk.weather, self.disk.cut_in = "fine", 0
        for link in self.server.links if self.server is not None else ():
            link.stalled = False
        waits_for = "the server"
        with trio.move_on_after(BOUND):
            calm = 0
            while calm < 3:  # repairs, merged frames and the file come a while after the last edit
                await trio.sleep(1.0)
                waits_for = await self._unfinished()
                calm = 0 if waits_for else calm + 1
            return
        raise PromiseBroken("I4", f"after {BOUND:g} s still waiting for {waits_for}")

    async def _unfinished(self) -> str:
        for person in self.people:
            await person.retry()  # whoever is there: the others cannot come while the actors are down
        for person in self.people:
            if not person.online and not await person.connect():
                return f"{person.name}'s connection"
            await person.answer_input()
        answer = await self.people[0].ask_what_became_of_it()
        if answer is None or "error" in answer:
            return f"an answer: {answer}"
        said = answer["message"]
        if said["kernel"].get("paused"):
            await self.people[0].ask("notebook", "resume")
        if said["running"] or said["queued"]:
            return f"a run: {said['running']} {said['queued']}"
        return "" if said["saving"]["status"] == "saved" else f"the save: {said['saving']}"

    async def _check(self) -> None:
        for person in self.people:
            await person.ask_what_became_of_it()
        dumps: dict[str, Any] = {person.name: checks.content(person.client) for person in self.people}
        checks.check_same(dumps)
        for name, dump in dumps.items():
            checks.check_content(dump, self.ledger, f"{name}'s copy")
        dumps["the journal"] = checks.check_journal(self.disk, self.ledger, "the journal")
        checks.check_same(dumps)
        checks.check_idle(dumps[PEOPLE[0]])
        checks.check_outputs(dumps[PEOPLE[0]], self.processes)
        checks.check_file(self.disk, self.ledger, dumps[PEOPLE[0]])
        await self._check_subscriptions()
        for person in self.people:
            if {4400, 1007} & set(person.line.close_codes):
                raise PromiseBroken("I8", f"{person.name}, who did nothing wrong, was hung up on")
        self.trace("checked", *self.ledger.counts(), dumps[PEOPLE[0]]["cells"])

    async def _check_subscriptions(self) -> None:
        """I9: nobody is subscribed who is not here."""
        assert self.server is not None
        services = self.server.services
        subscribers = (await services.hub.ask(DescribeDocument)).subscribers
        sessions = await services.gateway.ask(CountSessions)
        counts = (subscribers, sessions, services.connected, len(self.server.links))
        if counts != (len(self.people),) * 4:
            raise PromiseBroken(
                "I9", f"{len(self.people)} people, and subscribers, sessions, connections are {counts}"
            )

    async def _end(self) -> None:
        """A clean stop: the file says everything, and nothing is left running."""
        assert self.server is not None
        self._last_life.set()
        dump = checks.content(self.people[0].client)
        await self.server.stop()
        if self.server.crashed:
            raise PromiseBroken("I9", "a clean stop was a crash")
        checks.check_file(self.disk, self.ledger, dump)


def run(seed: int, folder: Path) -> World:
    """Simulate one run. Raises :class:`PromiseBroken`, with the trace so far as its note."""
    world = World(seed, folder)
    try:
        with watch_for_slips() as slips:
            simulate(seed, world.disk, world.run)
    except BaseExceptionGroup as group:
        broken = group.subgroup(PromiseBroken)
        error: BaseException = group if broken is None else broken
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        last = world.lines if os.environ.get("GANIMEDE_SEED") else world.lines[-40:]
        error.add_note(f"What happened last with seed {seed}:\n" + "\n".join(last))
        for slip in slips.seen[:1]:
            error.add_note(f"{len(slips.seen)} crashes came of errors in an actor's own code, the first:\n{slip}")
        raise error from None
    finally:
        world.disk.close()
        shutil.rmtree(folder)
    if slips.seen:
        raise PromiseBroken("no slips", f"seed {seed}: an actor crashed over its own code:\n{slips.seen[0]}")
    return world
