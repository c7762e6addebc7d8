"""A ZMQ socket for trio: no thread, no second event loop.

libzmq gives a file descriptor that is readable like an edge, not like a level: any call on the socket may
consume the signal while messages are, or become, receivable. So the reader parks only directly after a receive
that found nothing, and after every other call the socket is asked again and a parked reader woken.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio
import zmq

# Bytes of messages that are handled at one go: what is received is in memory until all of it was heard.
_ENOUGH = 2_000_000


class ZmqSocket:
    """One reader at a time, any number of senders, all in one trio thread. Queues are unbounded on our side
    (``RCVHWM`` and ``SNDHWM`` 0): the default silently drops, and whoever reads bounds what is kept."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], kind: int, *, identity: bytes = b"") -> None:
        self._socket = context.socket(kind)
        self._socket.linger = 0
        self._socket.rcvhwm = 0
        self._socket.sndhwm = 0
        self._socket.reconnect_ivl = 10  # milliseconds: a kernel binds a moment after it was started
        if identity:
            self._socket.identity = identity
        self._fd = self._socket.FD
        self._parked: trio.CancelScope | None = None
        self._closed = False

    def bind(self, url: str) -> None:
        self._socket.bind(url)
        self._wake_reader()

    def connect(self, url: str) -> None:
        self._socket.connect(url)
        self._wake_reader()

    def subscribe(self, topic: bytes) -> None:
        self._socket.subscribe(topic)
        self._wake_reader()

    def let_wait(self, messages: int) -> None:
        """Only so many messages wait on our side; the rest stays with the sender, who must be able to keep it."""
        self._socket.rcvhwm = messages

    def send(self, frames: Sequence[bytes]) -> None:
        """Hand one message to libzmq; never waits. A bound socket needs a peer by then (zmq.Again)."""
        self._socket.send_multipart(frames, zmq.NOBLOCK)
        self._wake_reader()

    async def receive(self, limit: int = 256) -> list[list[bytes]]:
        """At least one message, at most ``limit``, and none after some megabytes. Cancelled, it has taken none."""
        await trio.lowlevel.checkpoint()
        while True:
            batch = self.receive_nowait(limit)
            if batch:
                return batch
            with trio.CancelScope() as self._parked:
                try:
                    await trio.lowlevel.wait_readable(self._fd)
                finally:
                    self._parked = None

    def receive_nowait(self, limit: int = 256) -> list[list[bytes]]:
        """What has arrived, at most ``limit`` messages, and no more after so many bytes."""
        batch: list[list[bytes]] = []
        size = 0
        try:
            while len(batch) < limit and size < _ENOUGH:
                batch.append(self._socket.recv_multipart(zmq.NOBLOCK))
                size += sum(map(len, batch[-1]))
        except zmq.Again:
            pass
        return batch

    def close(self) -> None:
        """Drop what was not sent, and release the descriptor. A parked reader gets ClosedResourceError."""
        if not self._closed:
            self._closed = True
            trio.lowlevel.notify_closing(self._fd)
            self._socket.close(0)

    def _wake_reader(self) -> None:
        if self._parked is not None and self._socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:  # type: ignore[arg-type,operator]
            self._parked.cancel()
