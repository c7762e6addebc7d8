"""Bugs to plant: each breaks one promise, and the simulation must notice. A broken part takes a sound one's place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

import msgspec
import trio

import actors.sync_hub
from actors import checkpointer, fanout, kernel, kernel_values, recorder, runs, sync_hub
from actors.disk import NotebookFile
from actors.journal import Journal
from gateway import gateway
from protocol import kernel_report, run_events, run_queue
from protocol.messages.changes import WriteOutputs
from protocol.messages.checkpointer import Append, Appended, AppendFailed
from protocol.messages.shared import Done, Entry
from protocol.true_copy import Taken, TrueCopy
from tests.simulation.ledger import MARKER

Plant = Callable[[Any, str, Any], None]  # as pytest's monkeypatch.setattr


class HastyRecorder(recorder.Recorder):
    """Says that a batch is durable, and makes it so a little later."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._later, self._batches = trio.open_memory_channel[Any](inf)

    def start(self, nursery: trio.Nursery) -> None:
        super().start(nursery)
        nursery.start_soon(self._append)

    async def record(self, updates: tuple[bytes, ...], queue: tuple[Entry, ...] | None, content: bool) -> bool:
        self.queue = self.queue if queue is None else queue
        self._later.send_nowait((updates, queue, content))
        return True

    async def _append(self) -> None:
        with self._later, self._batches:
            async for batch in self._batches:
                await self._checkpointer.ask(Append, *batch)


def lets_out_before_the_append(plant: Plant) -> None:
    plant(sync_hub, "Recorder", HastyRecorder)


def takes_a_failed_append_for_done(plant: Plant) -> None:
    def write_it(disk: Any, write: Callable[[], int]) -> Appended | AppendFailed:
        try:
            count = write()
        except sqlite3.Error:
            count = 0
        return Appended(False, count)

    plant(checkpointer._Disk, "_write", write_it)


def takes_what_is_sent_again_for_new(plant: Plant) -> None:
    sound = TrueCopy.client_update

    def client_update(self: TrueCopy, session: str, update: bytes, **how: Any) -> Any:
        taken = sound(self, session, update, **how)
        markers = MARKER.findall(update.decode(errors="ignore"))
        if taken == Taken() and markers:
            cell = next((each for each in self.doc.cell_ids() if markers[0] in self.doc.source(each)), None)
            if cell is not None:
                source = self.doc._maps[cell]["source"]
                self._record(self.doc._transact(lambda: source.insert(0, markers[0])))
        return taken

    plant(TrueCopy, "client_update", client_update)


def runs_again_what_a_restarted_actor_hands_over(plant: Plant) -> None:
    sound = kernel._Incarnation._execute

    async def execute(self: Any, message: Any) -> Any:
        run = self._handle.run
        if self._fold is None and run is not None and run.run == message.run:
            self._handle.run = None
        return await sound(self, message)

    plant(kernel._Incarnation, "_execute", execute)


def drops_an_update_on_its_way_to_everyone(plant: Plant) -> None:
    class LeakyFanout(fanout.Fanout):
        broadcasts = 0

        def broadcast(self, updates: Any, now: float) -> None:
            self.broadcasts += 1
            if self.broadcasts % 10:
                super().broadcast(updates, now)

    plant(actors.sync_hub, "Fanout", LeakyFanout)


def forgets_to_end_a_run(plant: Plant) -> None:
    sound = runs.Runs.step

    async def step(self: Any, event: run_events.Event) -> None:
        self.events = getattr(self, "events", 0) + 1
        if not (isinstance(event, run_events.Ended) and self.events % 4 == 0):
            await sound(self, event)

    plant(runs.Runs, "step", step)


def writes_output_to_the_run_before(plant: Plant) -> None:
    sound = kernel_report.Shown.of_run

    def run_changes(self: Any, run: Any) -> tuple[Any, ...]:
        cells = self.ran = getattr(self, "ran", [])
        if cells[-1:] != [run.cell_id]:
            cells.append(run.cell_id)
        changes = sound(self, run)
        wrong = cells[-2:][0]
        return tuple(
            WriteOutputs(wrong, each.start, each.outputs) if isinstance(each, WriteOutputs) else each
            for each in changes
        )

    plant(kernel_report.Shown, "of_run", run_changes)


def leaves_out_a_line_of_output(plant: Plant) -> None:
    sound = kernel_report.Shown.of_run

    def run_changes(self: Any, run: Any) -> tuple[Any, ...]:
        for output in run.outputs:
            _, found, rest = str(output.get("text", "")).partition("\n")
            if found and rest:
                output["text"] = rest
        return sound(self, run)

    plant(kernel_report.Shown, "of_run", run_changes)


def writes_the_file_in_place(plant: Plant) -> None:
    def write(self: NotebookFile, data: bytes, over: object = ...) -> None:
        with open(self.target, "wb", buffering=0) as stream:
            stream.write(data[: len(data) // 2])
            os.fsync(stream.fileno())
            stream.write(data[len(data) // 2 :])
            os.fsync(stream.fileno())

    plant(NotebookFile, "write", write)


def keeps_who_has_left(plant: Plant) -> None:
    plant(gateway._Gateway, "_left", lambda self, session: None)


def _renamed(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(msgspec.structs.replace(entry, id=f"{entry.id}+") for entry in entries)


def offers_again_what_was_accepted(plant: Plant) -> None:
    sound_record, sound_step = TrueCopy.take_up, run_queue.step

    def take_up(self: TrueCopy, wanted: Any) -> Any:
        offered = _renamed(entry for entry in self.queue if entry.offered)
        taken = sound_record(self, wanted)
        self.edit((), (*run_queue.live(self.queue), *offered))
        return taken

    def step(state: run_events.State, event: run_events.Event, now: run_events.Moment) -> Any:
        offered = _renamed(state.offered)
        state, effects = sound_step(state, event, now)
        if isinstance(event, run_events.TakenUp):
            state = msgspec.structs.replace(state, offered=offered)
        return state, effects

    plant(TrueCopy, "take_up", take_up)
    plant(run_queue, "step", step)


def keeps_in_the_journal_what_was_offered(plant: Plant) -> None:
    sound = Journal._write_queue

    def write_queue(self: Journal, queue: tuple[Entry, ...]) -> None:
        cells = {entry.cell_id for entry in queue}
        kept = [each for each in self.replay().queue if each.offered and each.cell_id not in cells]
        sound(self, (*queue, *kept))

    plant(Journal, "_write_queue", write_queue)


def stores_the_queue_of_its_start_with_a_snapshot(plant: Plant) -> None:
    sound_resume, sound_snapshot = recorder.Recorder.resume, recorder.Recorder._snapshot

    def resume(self: Any, recovered: Any) -> Any:
        self.started_with = recovered.queue
        return sound_resume(self, recovered)

    async def snapshot(self: Any, state: bytes, content: bool) -> bool:
        present, self.queue = self.queue, self.started_with
        try:
            return await sound_snapshot(self, state, content)
        finally:
            self.queue = present

    plant(recorder.Recorder, "resume", resume)
    plant(recorder.Recorder, "_snapshot", snapshot)


class StumblingRecorder(recorder.Recorder):
    """Trips once in its life, and heals by the restart."""

    calls = 0

    async def record(self, updates: tuple[bytes, ...], queue: tuple[Entry, ...] | None, content: bool) -> bool:
        StumblingRecorder.calls += 1
        if StumblingRecorder.calls == 7:
            raise AttributeError("no such thing")
        return await super().record(updates, queue, content)


def trips_over_its_own_code(plant: Plant) -> None:
    plant(StumblingRecorder, "calls", 0)
    plant(sync_hub, "Recorder", StumblingRecorder)


def refers_to_values_before_they_are_durable(plant: Plant) -> None:
    sound = kernel_values.KernelValues._ask

    async def ask(self: Any, blobs: Any) -> Any:
        trio.lowlevel.spawn_system_task(sound, self, blobs)
        return Done()

    plant(kernel_values.KernelValues, "_ask", ask)


BUGS: dict[str, tuple[Callable[[Plant], None], ...]] = {
    "I1": (
        lets_out_before_the_append,
        takes_a_failed_append_for_done,
        keeps_in_the_journal_what_was_offered,
        refers_to_values_before_they_are_durable,
    ),
    "I2": (
        takes_what_is_sent_again_for_new,
        runs_again_what_a_restarted_actor_hands_over,
        offers_again_what_was_accepted,
        stores_the_queue_of_its_start_with_a_snapshot,
    ),
    "I3": (drops_an_update_on_its_way_to_everyone,),
    "I4": (forgets_to_end_a_run,),
    "I5": (writes_output_to_the_run_before, leaves_out_a_line_of_output),
    "I7": (writes_the_file_in_place,),
    "I9": (keeps_who_has_left,),
    "no slips": (trips_over_its_own_code,),
}
