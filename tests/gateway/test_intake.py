"""Frames that are read before the WebSocket library: each message once, in order, and nothing else taken away."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from gateway.intake import MODERATE, SETTLING, WAITING, Inbox, Intake

TEXT, BINARY, CLOSE, PING = 0x81, 0x82, 0x88, 0x89


def frame(kind: int, payload: bytes, mask: bytes = b"\x01\x80\xff\x00") -> bytes:
    """As a client sends it (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        head = bytes((kind, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((kind, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((kind, 0xFF)) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))


class Client:
    """An intake whose connection handles everything at once."""

    def __init__(self, most: int = 1 << 24) -> None:
        self.intake = Intake(most)
        self.heard: list[str | bytes] = []

    async def handle(self) -> None:
        while (message := await self.intake.inbox.take()) is not None:
            self.heard.append(message)

    async def send(self, *pieces: bytes) -> bytes:
        """What is left to the library."""
        left = b""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.handle)
            for piece in pieces:
                left += await self.intake.filter(piece)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        return left


ORDINARY = [
    (frame(BINARY, b""), b""),
    (frame(BINARY, b"\x00\x02abc"), b"\x00\x02abc"),
    (frame(TEXT, "é".encode(), bytes(4)), "é"),
    (frame(BINARY, bytes(range(126))), bytes(range(126))),
    (frame(BINARY, b"x" * 1000), b"x" * 1000),
    (frame(TEXT, b"{}"), "{}"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 128, 10**6])
async def test_ordinary_messages_come_whole_and_in_order_however_they_are_cut(size: int) -> None:
    client = Client()
    stream = b"".join(bytes_ for bytes_, _ in ORDINARY)
    left = await client.send(*(stream[at : at + size] for at in range(0, len(stream), size)))
    assert left == b""
    assert client.heard == [message for _, message in ORDINARY]


@pytest.mark.parametrize("size", [1, 4, 10**6])
async def test_control_frames_are_left_to_the_library_and_nothing_of_the_messages_around_them(size: int) -> None:
    client = Client()
    ping, close = frame(PING, b"now"), frame(CLOSE, b"\x03\xe8bye")
    stream = frame(BINARY, b"1") + ping + frame(BINARY, b"2") + close
    left = await client.send(*(stream[at : at + size] for at in range(0, len(stream), size)))
    assert left == ping + close
    assert client.heard == [b"1", b"2"]


OUT_OF_THE_ORDINARY = {
    "the first of several fragments": frame(0x02, b"a") + frame(0x80, b"b"),
    "a continuation of nothing": frame(0x80, b"b"),
    "a frame without a mask": bytes((BINARY, 1)) + b"a",
    "an extension's bit": frame(0xC2, b"a"),
    "an unknown kind": frame(0x83, b"a"),
    "a long control frame": frame(PING, b"x" * 126),
    "text that is not UTF-8": frame(TEXT, b"\xff"),
    "a big frame": frame(BINARY, b"x" * (MODERATE + 1)),
}


@pytest.mark.parametrize("strange", OUT_OF_THE_ORDINARY.values(), ids=OUT_OF_THE_ORDINARY)
@pytest.mark.parametrize("cut", [1, 3, 10**6])
async def test_the_library_reads_what_is_out_of_the_ordinary_and_all_that_follows(
    strange: bytes, cut: int
) -> None:
    client = Client()
    rest = strange + frame(BINARY, b"later")
    stream = frame(BINARY, b"1") + rest
    assert await client.send(stream[:cut], stream[cut:], frame(TEXT, b"last")) == rest + frame(TEXT, b"last")
    assert client.heard == [b"1"]


async def test_a_frame_over_the_limit_of_the_server_is_left_to_the_library_to_refuse() -> None:
    client = Client(most=200)
    assert await client.send(big := frame(BINARY, b"x" * 201)) == big
    assert client.heard == []


async def test_a_frame_that_was_cut_off_by_the_end_is_left_to_the_library() -> None:
    client = Client()
    half = frame(BINARY, b"abc")[:-1]
    assert await client.send(half, b"") == half
    assert client.heard == []


@pytest.mark.parametrize("end", [frame(CLOSE, b""), b""], ids=["close", "end of the stream"])
async def test_the_end_waits_for_what_the_client_sent_before(end: bytes) -> None:
    intake = Intake(1 << 24)
    told, handled, go = trio.Event(), list[object](), trio.Event()

    async def read() -> None:
        await intake.filter(frame(BINARY, b"1") + frame(BINARY, b"2"))
        await intake.filter(end)
        told.set()

    async def handle() -> None:
        while True:
            message = await intake.inbox.take()
            await go.wait()
            handled.append(message)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        nursery.start_soon(handle)
        await trio.testing.wait_all_tasks_blocked()
        assert not told.is_set()
        go.set()
        await told.wait()
        assert handled == [b"1", b"2"]
        nursery.cancel_scope.cancel()


@pytest.mark.actor
async def test_the_end_waits_not_for_ever_and_not_for_a_connection_that_is_over() -> None:
    intake = Intake(1 << 24)
    await intake.filter(frame(BINARY, b"nobody handles it"))
    begun = trio.current_time()
    assert await intake.filter(frame(CLOSE, b"")) == frame(CLOSE, b"")
    assert trio.current_time() - begun == pytest.approx(SETTLING)
    intake.inbox.close()
    begun = trio.current_time()
    assert await intake.filter(b"") == b""
    assert trio.current_time() == begun


async def test_a_client_that_sends_more_than_is_handled_is_not_read() -> None:
    inbox = Inbox()
    async with trio.open_nursery() as nursery:

        async def fill() -> None:
            for number in range(2 * WAITING):
                await inbox.put(b"%d" % number)

        nursery.start_soon(fill)
        await trio.testing.wait_all_tasks_blocked()
        assert len(inbox._items) == WAITING
        assert [await inbox.take() for _ in range(2 * WAITING)] == [b"%d" % n for n in range(2 * WAITING)]


async def test_a_closed_inbox_gives_what_is_there_and_then_the_end() -> None:
    inbox = Inbox()
    await inbox.put(b"1")
    inbox.close()
    await inbox.put(b"2")
    assert [await inbox.take(), await inbox.take(), await inbox.take()] == [b"1", None, None]
