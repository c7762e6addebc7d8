"""The run queue and the interrupt ladder as one machine: random orders, kernels of every temper, deaths.

The real NotebookActor, hub and KernelActor under a mock clock; the kernel is the simulation's, but what a cell does
when it is interrupted is drawn. I4 and I5 hold after every step, and the ladder never says what is not so.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.kernel import kernel_actor
from actors.kernel_connection import RunInHand
from actors.kernel_conversation import Conversation
from actors.mailbox import ActorDied, again
from actors.notebook import notebook_actor
from actors.runs import RunSettings
from actors.supervisor import Child
from actors.sync_hub import HubSettings, sync_hub
from protocol.guard import Limits
from protocol.kernel_events import InputRequested, Stream
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.hub import HubMessage
from protocol.messages.kernel import AnswerInput, KernelMessage
from protocol.messages.notebook import (
    CancelCell,
    InterruptAll,
    InterruptRun,
    MoveCell,
    NotebookMessage,
    PauseQueue,
    QueueCell,
    Restart,
    RunNext,
)
from protocol.seed import seed
from protocol.values import CellValue, NotebookValue
from tests.actors.fakes import MemoryDisk, memory_checkpointer
from tests.actors.stage import Stage, stage
from tests.conformance.pycrdt_client import PycrdtClient
from tests.simulation import checks
from tests.simulation.conftest import FULL
from tests.simulation.kernel import SPEC, Handle, Interrupted, Process
from tests.simulation.scheduler import simulate

pytestmark = pytest.mark.pure  # no clock but the mocked one, no threads, no sockets

CELLS = "abcdef"
NOTEBOOK = NotebookValue(
    cells=tuple(CellValue(id=name, type="code", source=f"#{name}", top=0, left=0) for name in CELLS),
    metadata={"kernelspec": {"name": SPEC.name}},
)
SEED = seed(NOTEBOOK, bytes(32))

# What a cell does. "works" goes on until it is interrupted; "heavy" hears the second interrupt only, "deaf" none,
# "frail" dies of it; "asks" waits for an answer.
Temper: TypeAlias = Literal["ends", "errs", "works", "heavy", "deaf", "frail", "asks"]
TEMPERS: tuple[Temper, ...] = ("ends", "errs", "works", "heavy", "deaf", "frail", "asks")
# Seconds after which every step of the ladder is over: it waits for the run to begin, then twice for its end.
CLIMBED = 0.5 + 2 * 3.0 + 0.5


class TemperedProcess(Process):
    """``tempers``: by cell. ``running``: the cell in hand; ``interrupts``: those that came while it was."""

    def __init__(self, number: int, rng: random.Random, handle: TemperedHandle) -> None:
        super().__init__(number, rng, handle)
        self.tempers = handle.tempers
        self.running: str | None = None

    async def _work(self, id_: str, count: int, cell: str) -> int:
        self.running = cell
        try:
            return await self._behave(id_, count, cell, self.tempers[cell])
        finally:
            self.running = None

    async def _behave(self, id_: str, count: int, cell: str, temper: Temper) -> int:
        self._print(id_, count, cell, 0)
        self._print(id_, count, cell, 1)
        match temper:
            case "ends":
                await self._pause(0.2)
            case "errs":
                raise Interrupted  # an error that nobody asked for
            case "works":
                await self._until(lambda: False)
            case "heavy" | "deaf" | "frail":
                await self._hears({"heavy": 2, "frail": 1, "deaf": 10**9}[temper])
                if temper == "frail":
                    self.die()
                    await trio.sleep_forever()
                raise Interrupted
            case "asks":
                self.wires["stdin"].put(InputRequested(id_, f"q-{id_}", b"{}", "?", False))
                self._answers.clear()
                await self._until(lambda: bool(self._answers))
        return 2

    def _print(self, id_: str, count: int, cell: str, line: int) -> None:
        text = f"{self.number}.{count} {cell} {line}\n"
        self.wires["iopub"].put(Stream(id_, msgspec.json.encode({"name": "stdout", "text": text})))

    async def _hears(self, interrupts: int) -> None:
        while self._interrupts < interrupts:
            self._news = trio.Event()
            await self._news.wait()


class TemperedHandle(Handle):
    def __init__(self, nursery: trio.Nursery, tempers: dict[str, Temper], seed: int) -> None:
        self.tempers = tempers
        self.processes: list[Process] = []
        super().__init__(nursery, random.Random(seed), self.processes)

    def _launch(self, spec: Any, cwd: Any) -> Process:
        process = TemperedProcess(len(self.processes) + 1, self._rng, self)
        self.processes.append(process)
        self._nursery.start_soon(process.run)
        return process

    @property
    def running(self) -> str | None:
        """The cell that the living process is busy with."""
        process = self.processes[-1] if self.processes else None
        alive = isinstance(process, TemperedProcess) and not process._dead.is_set()
        return process.running if alive and isinstance(process, TemperedProcess) else None


class Power:
    """Nothing cuts it here."""

    on = True

    def __init__(self) -> None:
        self.threads: set[trio.CancelScope] = set()

    def pace(self) -> float:
        return 0.001


@dataclass
class Play:
    """A stage with everything on it, and what people and fate can do there."""

    disk: MemoryDisk
    handle: TemperedHandle
    notebook: Child[NotebookMessage]
    kernel: Child[KernelMessage]
    stage: Stage
    nursery: trio.Nursery
    interrupted: tuple[str, int, float] | None = None  # the run that was asked to end, and when
    stirred: float = 0.0  # when the ladder was last begun again, or somebody died who tells of it

    def ask(self, kind: Callable[..., Any], *values: Any) -> None:
        """As a connection asks: it does not hold up what comes next, and an actor that dies answers nobody."""

        async def put() -> None:
            with suppress(ActorDied):
                await self.notebook.address.ask(kind, *values)

        self.nursery.start_soon(put)

    def interrupt(self, everything: bool) -> None:
        cell = self.handle.running
        if cell is not None and self.interrupted is None:
            self.interrupted = (cell, len(self.handle.executed), trio.current_time())
        self.stirred = trio.current_time()
        self.ask(InterruptAll if everything else InterruptRun)

    def actor_dies(self, name: str) -> None:
        self.stirred = trio.current_time()
        self.stage.crash(name)

    def answer(self) -> None:
        async def put() -> None:
            run = self.handle.run
            if run is not None and run.input is not None:
                with suppress(ActorDied):
                    await self.kernel.address.ask(AnswerInput, run.input.id, "yes")

        self.nursery.start_soon(put)

    def kernel_dies(self) -> None:
        if self.handle.processes:
            self.handle.processes[-1].signal(9)

    def dump(self) -> dict[str, Any]:
        client = PycrdtClient("ws://journal")
        for update in self.disk.updates:
            client.doc.apply_update(update)
        return checks.content(client)

    # ------------------------------------------------------------------------------------------ what always holds

    def check(self) -> None:
        dump = self.dump()
        busy = {cell for cell, values in dump["maps"].items() if values["state"] != "idle"}
        running = [cell for cell, values in dump["maps"].items() if values["state"] == "running"]
        assert busy == set(dump["queue"]), "I4: a cell is busy exactly while it is in the queue"
        assert len(dump["queue"]) == len(busy), "I4: each cell once"
        assert running in ([], dump["queue"][:1]), "I4: the head runs, the rest waits"
        checks.check_outputs(dump, self.handle.processes)
        self._check_ladder(dump["kernel"]["status"])

    def _check_ladder(self, status: str) -> None:
        running = self.handle.running
        if status == "not responding" and running is not None:
            assert self.handle.tempers[running] == "deaf", "only what hears no interrupt does not respond"
        if self.interrupted is None:
            return
        cell, run, at = self.interrupted
        if running != cell or len(self.handle.executed) != run:
            self.interrupted = None  # it ended, whatever it was that ended it
        elif trio.current_time() > at + CLIMBED:
            assert self.handle.tempers[cell] == "deaf", f"{cell} was interrupted and goes on"
            climbing = trio.current_time() <= self.stirred + CLIMBED
            assert status == "not responding" or climbing, "whoever asked is told"

    async def finish(self) -> None:
        """Whatever happened: with a fresh kernel everything comes to its end."""
        await again(lambda: self.notebook.address.ask(PauseQueue, False))
        await again(lambda: self.notebook.address.ask(InterruptAll))
        await again(lambda: self.notebook.address.ask(Restart))
        self.interrupted = None
        await trio.sleep(5)
        checks.check_idle(self.dump())
        self.check()
        assert self.handle.running is None
        # And it runs what comes next.
        self.handle.tempers["a"] = "ends"
        await again(lambda: self.notebook.address.ask(QueueCell, "a", "me"))
        await trio.sleep(5)
        self.check()
        told = self.dump()["maps"]["a"]["run"]
        assert told["status"] in ("ok", "error")


cells = st.sampled_from(CELLS)
seconds = st.sampled_from([0.0, 0.01, 0.3, 1.0, 4.0, CLIMBED + 1])
# What is drawn often stands here often.
STEPS = st.one_of(
    *[st.tuples(st.just("queue"), cells)] * 3,
    *[st.tuples(st.just("interrupt"), st.sampled_from([False, False, True]))] * 4,
    st.tuples(st.just("next"), cells),
    st.tuples(st.just("cancel"), cells),
    st.tuples(st.just("move"), cells, st.integers(1, 6)),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("answer")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("kernel dies")),
    st.tuples(st.just("actor dies"), st.sampled_from(["kernel", "runs", "hub", "disk"])),
)


def take(play: Play, step: tuple[Any, ...]) -> None:
    match step:
        case ("queue", cell):
            play.ask(QueueCell, cell, "me")
        case ("next", cell):
            play.ask(RunNext, cell, "me")
        case ("cancel", cell):
            play.ask(CancelCell, cell)
        case ("move", cell, place):
            play.ask(MoveCell, cell, place)
        case ("pause", paused):
            play.ask(PauseQueue, paused)
        case ("interrupt", everything):
            play.interrupt(everything)
        case ("answer",):
            play.answer()
        case ("restart",):
            play.ask(Restart)
        case ("kernel dies",):
            play.kernel_dies()
        case ("actor dies", name):
            play.actor_dies(name)
        case _:
            raise AssertionError(step)


DRAWN = {
    "tempers": st.tuples(*[st.sampled_from(TEMPERS)] * len(CELLS)),
    "steps": st.lists(st.tuples(STEPS, seconds), min_size=3, max_size=25),
    "seed": st.integers(0, 2**32),
}


@given(**DRAWN)
@settings(max_examples=2000 if FULL else 60, deadline=None)
def test_whatever_the_kernel_makes_of_interrupts_queue_and_ladder_tell_the_truth(
    tempers: tuple[Temper, ...], steps: list[tuple[tuple[Any, ...], float]], seed: int
) -> None:
    chosen = dict(zip(CELLS, tempers, strict=True))
    simulate(seed, Power(), partial(playing, chosen, steps, seed))


class OneRung(Conversation):
    """Gives up after the first interrupt."""

    async def _climb(self, run: RunInHand) -> None:
        self._connection.interrupt()
        await self._until(lambda: bool(run.ended), self._handle.settings.interrupt)


class Mute(Conversation):
    """Climbs, and says nothing of it at the end."""

    async def _climb(self, run: RunInHand) -> None:
        changed, self._changed = self._changed, lambda: None
        try:
            await super()._climb(run)
        finally:
            self.stuck, self._changed = False, changed


class Hasty(Conversation):
    """Takes what hears the second interrupt for deaf."""

    async def _climb(self, run: RunInHand) -> None:
        self._connection.interrupt()
        await self._until(lambda: bool(run.ended), 0.1)
        self.stuck = not run.ended
        self._changed()


@pytest.mark.parametrize("fault", [OneRung, Mute, Hasty])
def test_a_planted_fault_of_the_ladder_is_seen(monkeypatch: pytest.MonkeyPatch, fault: type[Conversation]) -> None:
    monkeypatch.setattr("actors.kernel.Conversation", fault)
    steps: list[tuple[tuple[Any, ...], float]] = [(("interrupt", False), 1.0), (("answer",), CLIMBED + 1)]
    temper: Temper = "deaf" if fault is Mute else "heavy"
    play = partial(playing, dict.fromkeys(CELLS, temper), steps, 1)
    with pytest.raises(BaseExceptionGroup) as caught:
        simulate(1, Power(), play)
    assert caught.group_contains(AssertionError, match="goes on|is told|does not respond")


async def playing(tempers: dict[str, Temper], steps: list[tuple[tuple[Any, ...], float]], seed: int) -> None:
    disk, clients, entries = MemoryDisk(SEED), itertools.count(1000), itertools.count(1)
    checkpointer: Child[CheckpointerMessage] = Child("disk", memory_checkpointer(disk), capacity=16)
    hub: Child[HubMessage] = Child(
        "hub",
        sync_hub(checkpointer.address, HubSettings("/x.ipynb", Limits()), lambda: next(clients)),
        capacity=256,
    )
    with trio.fail_after(3600):
        async with trio.open_nursery() as nursery:
            handle = TemperedHandle(nursery, tempers, seed)
            kernel: Child[KernelMessage] = Child("kernel", kernel_actor(handle, checkpointer.address), capacity=16)
            runs: Child[NotebookMessage] = Child(
                "runs",
                notebook_actor(
                    hub.address,
                    kernel.address,
                    RunSettings("", lambda: f"run{next(entries)}", date=trio.current_time),
                ),
            )
            async with stage(checkpointer, hub, kernel, runs) as made:
                play = Play(disk, handle, runs, kernel, made, nursery)
                await trio.sleep(1)
                for cell in CELLS[:3]:
                    await play.notebook.address.ask(QueueCell, cell, "me")
                await trio.sleep(1)
                for step, pause in steps:
                    take(play, step)
                    await trio.sleep(pause)
                    play.check()
                await play.finish()
            nursery.cancel_scope.cancel()
