"""The trio-native ZMQ socket."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
import zmq
from kernel_support import run_trio

from actors.zmq_socket import ZmqSocket

pytestmark = pytest.mark.actor


@pytest.fixture(params=["inproc", "ipc"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A function that makes two connected sockets."""
    context: zmq.Context[Any] = zmq.Context()
    url = "inproc://x" if request.param == "inproc" else f"ipc://{tmp_path}/s"

    def make(one: int = zmq.PAIR, other: int = zmq.PAIR) -> tuple[ZmqSocket, ZmqSocket]:
        left, right = ZmqSocket(context, one), ZmqSocket(context, other)
        left.bind(url)
        right.connect(url)
        return left, right

    yield make
    context.destroy(linger=0)


async def meet(pair: Any) -> tuple[ZmqSocket, ZmqSocket]:
    """Two sockets that know of each other: a bound one has nowhere to send to before."""
    left, right = pair()
    right.send([b"hello"])
    assert await left.receive() == [[b"hello"]]
    return left, right


def test_nothing_is_lost_or_stalls_with_many_messages_in_both_directions(pair: Any) -> None:
    count = 20_000

    async def test() -> None:
        left, right = await meet(pair)
        got: dict[str, list[bytes]] = {"left": [], "right": []}

        async def send(socket: ZmqSocket, dice: random.Random) -> None:
            for number in range(count):
                socket.send([b"%d" % number, b"x"])
                if dice.random() < 0.2:
                    await trio.lowlevel.checkpoint()
                if dice.random() < 0.005:
                    await trio.sleep(0.0005)

        async def receive(name: str, socket: ZmqSocket) -> None:
            while len(got[name]) < count:
                got[name] += [frames[0] for frames in await socket.receive()]

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive, "left", left)
            nursery.start_soon(receive, "right", right)
            nursery.start_soon(send, left, random.Random(1))
            nursery.start_soon(send, right, random.Random(2))
        expected = [b"%d" % number for number in range(count)]
        assert got == {"left": expected, "right": expected}
        left.close()
        right.close()

    run_trio(test)


def test_a_question_answered_at_once_wakes_the_parked_asker(pair: Any) -> None:
    async def test() -> None:
        left, right = pair(zmq.ROUTER, zmq.DEALER)

        async def serve() -> None:
            while True:
                for frames in await left.receive():
                    left.send(frames)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            for number in range(500):
                right.send([b"%d" % number])
                with trio.fail_after(5):
                    assert await right.receive() == [[b"%d" % number]]
            nursery.cancel_scope.cancel()
        left.close()
        right.close()

    run_trio(test)


def test_a_cancelled_receive_takes_nothing(pair: Any) -> None:
    async def test() -> None:
        left, right = await meet(pair)
        got: list[bytes] = []
        dice = random.Random(3)

        async def send() -> None:
            for number in range(2_000):
                left.send([b"%d" % number])
                await trio.sleep(dice.choice([0, 0, 0, 0.0003]))

        async def receive() -> None:
            while len(got) < 2_000:
                with trio.move_on_after(dice.choice([0, 0.0001, 0.001])):
                    got.extend(frames[0] for frames in await right.receive())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            nursery.start_soon(receive)
        assert got == [b"%d" % number for number in range(2_000)]
        left.close()
        right.close()

    run_trio(test)


def test_a_batch_has_its_limit(pair: Any) -> None:
    async def test() -> None:
        left, right = await meet(pair)
        for number in range(10):
            left.send([b"%d" % number])
        got: list[int] = []
        while sum(got) < 10:
            got.append(len(await right.receive(limit=4)))
        assert max(got) <= 4
        left.close()
        right.close()

    run_trio(test)


def test_closing_wakes_the_reader_with_an_error(pair: Any) -> None:
    async def test() -> None:
        left, right = await meet(pair)
        async with trio.open_nursery() as nursery:

            async def receive() -> None:
                with pytest.raises(trio.ClosedResourceError):
                    await right.receive()

            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            right.close()
        right.close()
        left.close()

    run_trio(test)
