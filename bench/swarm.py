"""Many receiving clients in one loop, so light that they measure the server and not themselves.

Each insert that the writer makes carries ``@@`` and its number. A server's frames are not masked, so deliveries
are counted by looking for these marks in the raw bytes: however many frames a server uses, one delivery is one
insert that reached one client. They must come complete and in order.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pycrdt import TransactionEvent

from bench.process import Failed, cpu_seconds
from bench.replica import Replica
from bench.servers import Endpoint
from bench.websocket import client_frame
from protocol import sync

MARK = re.compile(rb"@@(\d{8})")
MARK_LENGTH = 10


def insert(number: int) -> str:
    """30 bytes."""
    return f"@@{number:08} nineteen letters.\n"


@dataclass
class Delivered:
    """``cpu``: the server's seconds while it delivered; ``latencies``: one for each delivery, in seconds."""

    cpu: float = 0.0
    seconds: float = 0.0
    deliveries: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """Microseconds of the server's processor time for each delivery."""
        return self.cpu / self.deliveries * 1e6


class _Receiver:
    def __init__(self, source: socket.socket, rest: bytes) -> None:
        self.socket = source
        self.rest = rest[-MARK_LENGTH:]
        self.newest = -1

    def read(self) -> tuple[int, int]:
        """What is there now: the first and the last number that are new (or an empty range)."""
        data = self.rest + self._take()
        first = self.newest + 1
        marks = MARK.findall(data)
        if marks:
            if int(marks[0]) != first or int(marks[-1]) != first + len(marks) - 1:
                raise Failed(f"inserts {int(marks[0])} to {int(marks[-1])} came where {first} was next")
            self.newest = int(marks[-1])
            data = data[data.rfind(b"@@") + 2 :] if data[-1:] != b"@" else data
        self.rest = self._possible_mark(data)
        return first, self.newest + 1

    def _take(self) -> bytes:
        data = self.socket.recv(1 << 18)
        if not data:
            raise Failed("a server closed the connection of a receiving client")
        return data

    @staticmethod
    def _possible_mark(data: bytes) -> bytes:
        tail = data[-(MARK_LENGTH - 1) :]
        at = tail.find(b"@")
        return tail[at:] if at >= 0 else b""


def prepare(endpoint: Endpoint, seed: bytes, cell_id: str, inserts: int) -> tuple[Replica, list[bytes]]:
    """The writer, synced (it seeds an empty server), and the frames of its inserts, one update each."""
    writer = Replica(endpoint)
    if not list(writer.doc.keys()):
        writer.doc.apply_update(seed)
        writer.socket.send(sync.step2_message(seed))
    updates: list[bytes] = []

    def note(event: TransactionEvent) -> None:
        updates.append(event.update)

    subscription = writer.doc.observe(note)
    text = writer.cell(cell_id).source
    end = len(str(text).encode())
    for number in range(inserts):
        text.insert(end, insert(number))
        end += len(insert(number))
    writer.doc.unobserve(subscription)
    return writer, [client_frame(sync.update_message(update)) for update in updates]


def deliver(
    endpoint: Endpoint,
    seed: bytes,
    cell_id: str,
    clients: int,
    inserts: int,
    *,
    rate: float = 0.0,
    window: int = 64,
) -> Delivered:
    """``inserts`` of one writer to ``clients`` others: ``rate`` in a second, or without one as fast as they are
    taken, at most ``window`` ahead of the slowest client."""
    writer, frames = prepare(endpoint, seed, cell_id, inserts)
    receivers = []
    for _ in range(clients):
        with Replica(endpoint) as replica:  # synced; from here on its bytes are only counted
            copy = replica.socket.socket.dup()
            receivers.append(_Receiver(copy, bytes(replica.socket.buffer)))
    try:
        time.sleep(0.3)
        return _Run(endpoint, writer, frames, receivers, rate, window).run()
    finally:
        writer.close()
        for receiver in receivers:
            receiver.socket.close()
            time.sleep(0.003)  # leaving at once would cost the next measurement


class _Run:
    def __init__(
        self,
        endpoint: Endpoint,
        writer: Replica,
        frames: Sequence[bytes],
        receivers: Sequence[_Receiver],
        rate: float,
        window: int,
    ) -> None:
        self._endpoint, self._frames, self._rate, self._window = endpoint, frames, rate, window
        self._writer = writer.socket.socket
        self._receivers = {each.socket.fileno(): each for each in receivers}
        self._sent: list[float] = []
        self._lacking = [len(receivers)] * len(frames)
        self._everywhere = 0  # inserts that every client has
        self._result = Delivered()
        self._echo = _Receiver(self._writer, b"")

    def run(self) -> Delivered:
        poll = select.epoll()
        for descriptor, receiver in self._receivers.items():
            receiver.socket.setblocking(False)
            poll.register(descriptor, select.EPOLLIN)
        poll.register(self._writer.fileno(), select.EPOLLIN)
        result, frames = self._result, self._frames
        cpu, begun = cpu_seconds(self._endpoint.pid), time.perf_counter()
        with poll:
            while self._everywhere < len(frames):
                pause = self._write(begun)
                events = poll.poll(pause)
                if not events and time.perf_counter() - max(self._sent[-1], begun) > 20:
                    raise Failed(f"{self._endpoint.name}: only {self._everywhere} inserts reached everyone")
                for descriptor, _ in events:
                    self._read(descriptor)
        result.seconds = time.perf_counter() - begun
        result.cpu = cpu_seconds(self._endpoint.pid) - cpu
        # Some servers send a writer its own updates back: these are deliveries too.
        result.deliveries = len(frames) * len(self._receivers) + self._echo.newest + 1
        return result

    def _write(self, begun: float) -> float:
        """Send what is due. How long to wait at most for something to read."""
        while len(self._sent) < len(self._frames):
            number = len(self._sent)
            if self._rate:
                wait = begun + number / self._rate - time.perf_counter()
                if wait > 0:
                    return wait
            elif number - self._everywhere >= self._window:
                return 1.0
            self._sent.append(time.perf_counter())
            self._writer.sendall(self._frames[number])
        return 1.0

    def _read(self, descriptor: int) -> None:
        receiver = self._receivers.get(descriptor)
        if receiver is None:
            self._echo.read()
            return
        first, end = receiver.read()
        now = time.perf_counter()
        for number in range(first, end):
            self._result.latencies.append(now - self._sent[number])
            self._lacking[number] -= 1
        while self._everywhere < len(self._lacking) and not self._lacking[self._everywhere]:
            self._everywhere += 1
