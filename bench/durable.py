"""Durable updates a second with 50 writers waiting, each for its own, as editors of one notebook do.

Ours: the Checkpointer's actor and the journal under it, asked for an append of whatever waited meanwhile, as the
hub asks. Baseline: the same writers over plain sqlite3 in a thread, WAL and FULL, on the same disk.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import trio

from actors.boot import open_notebook
from actors.checkpointer import checkpointer
from actors.supervisor import Child, Supervisor, SupervisorMessage
from bench.process import scratch
from bench.report import Row, compare
from protocol.messages.checkpointer import Append, Appended, CheckpointerMessage

WRITERS = 50
SIZE = 40  # bytes: a key pressed
GOAL = 15_000

Write = Callable[[tuple[bytes, ...]], Awaitable[None]]


async def rate(write: Write, seconds: float) -> tuple[float, float]:
    """Updates a second, and how many went in one write. One task writes whatever waits, as the hub does."""
    send, receive = trio.open_memory_channel[tuple[bytes, trio.Event]](WRITERS)
    done = writes = 0
    until = trio.current_time() + seconds

    async def writer(number: int) -> None:
        nonlocal done
        update = bytes((number,)) * SIZE
        while trio.current_time() < until:
            durable = trio.Event()
            await send.send((update, durable))
            await durable.wait()
            done += 1

    async def group() -> None:
        nonlocal writes
        while True:
            waiting = [await receive.receive()]
            while True:
                try:
                    waiting.append(receive.receive_nowait())
                except trio.WouldBlock:
                    break
            await write(tuple(update for update, _ in waiting))
            writes += 1
            for _, durable in waiting:
                durable.set()

    begun = time.perf_counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(group)
        async with trio.open_nursery() as writers:
            for number in range(WRITERS):
                writers.start_soon(writer, number)
        nursery.cancel_scope.cancel()
    return done / (time.perf_counter() - begun), done / max(writes, 1)


async def ours(folder: Path, seconds: float) -> tuple[float, float]:
    with closing(open_notebook(folder / "x.ipynb", folder / "state", "e")) as notebook:
        disk: Child[CheckpointerMessage] = Child("checkpointer", checkpointer(notebook), capacity=16)
        tree: Child[SupervisorMessage] = Child("bench", Supervisor("bench", [disk]).run)

        async def write(updates: tuple[bytes, ...]) -> None:
            answer = await disk.address.ask(Append, updates, None, True)
            if not isinstance(answer, Appended):
                raise AssertionError(answer)

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            if error := await tree.incarnation(task_status.started):
                raise error

        async with trio.open_nursery() as nursery:
            await nursery.start(run)
            measured = await rate(write, seconds)
            tree.stopping = True
            tree.channel.end()
        return measured


async def plain(folder: Path, seconds: float) -> tuple[float, float]:
    with closing(sqlite3.connect(folder / "plain.sqlite", isolation_level=None, check_same_thread=False)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE IF NOT EXISTS updates(seq INTEGER PRIMARY KEY, data BLOB, crc INTEGER)")

        def insert(updates: tuple[bytes, ...]) -> None:
            db.execute("BEGIN IMMEDIATE")
            rows = [(data, zlib.crc32(data)) for data in updates]
            db.executemany("INSERT INTO updates(data, crc) VALUES (?, ?)", rows)
            db.execute("COMMIT")

        async def write(updates: tuple[bytes, ...]) -> None:
            await trio.to_thread.run_sync(insert, updates)

        return await rate(write, seconds)


def measure(quick: bool) -> list[Row]:
    seconds, times = (0.5, 3) if quick else (2.0, 7)
    share = Row("durable: 50 writers, ours to plain SQLite", "ms/1000 updates", against="plain SQLite")
    speed = Row("durable: updates a second", "1/s", against="plain SQLite")
    groups: list[float] = []
    with scratch() as folder:
        for _ in range(times):
            mine, group = trio.run(ours, folder, seconds)
            theirs, _ = trio.run(plain, folder, seconds)
            groups.append(group)
            speed.ours.append(mine)
            speed.baseline.append(theirs)
            share.ours.append(1e6 / mine)
            share.baseline.append(1e6 / theirs)
    share.at_most = 1e6 / GOAL
    print(compare([share, speed]))
    print(f"(goal: {GOAL:,} a second; {sorted(groups)[len(groups) // 2]:.0f} updates went in one write)")
    return [share, speed]
