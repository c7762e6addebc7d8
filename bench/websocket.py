"""A WebSocket client that costs next to nothing: blocking, one frame after the other, no extensions."""

from __future__ import annotations

import base64
import os
import socket
import time
from typing import TypeAlias

from bench.process import Failed

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

Message: TypeAlias = str | bytes


def client_frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """Masked with zeros, as the standard allows: the payload is readable as it is."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 1 << 16:
        head = bytes((0x80 | opcode, 0xFE)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + length.to_bytes(8, "big")
    return head + bytes(4) + payload


def frame_ends(data: bytes | bytearray, at: int = 0) -> tuple[int, int] | None:
    """Where the payload of the server's frame at ``at`` begins and ends; None if its head is not all here."""
    if len(data) < at + 2:
        return None
    length, start = data[at + 1] & 0x7F, at + 2
    wide = {126: 2, 127: 8}.get(length, 0)
    if wide:
        if len(data) < start + wide:
            return None
        length, start = int.from_bytes(data[start : start + wide], "big"), start + wide
    return start, start + length


class WebSocket:
    """Connected when made. Pings are answered while it is read."""

    def __init__(self, port: int, path: str, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: localhost:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = self.socket.recv(65536)
            if not piece:
                break
            answer += piece
        head, _, rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Failed(f"no WebSocket at port {port}{path.split('?')[0]}: {head[:200]!r}")
        self.buffer = bytearray(rest)
        self._begun = bytearray()
        self.received = 0  # bytes of messages

    def send(self, message: Message) -> None:
        if isinstance(message, str):
            self.socket.sendall(client_frame(message.encode(), TEXT))
        else:
            self.socket.sendall(client_frame(message))

    def receive(self, within: float = 60) -> Message:
        """The next text or binary message."""
        until = time.monotonic() + within
        while True:
            message = self._take()
            if message is not None:
                return message
            left = until - time.monotonic()
            self.socket.settimeout(max(left, 0.001))
            try:
                piece = self.socket.recv(1 << 20) if left > 0 else None
            except TimeoutError:
                piece = None
            if piece is None:
                raise Failed("what was waited for did not come on a WebSocket")
            if not piece:
                raise Failed("the server closed a WebSocket")
            self.buffer += piece

    def drain(self) -> None:
        """Drop what has come: a client that does not read is disconnected some day."""
        self.socket.settimeout(0)
        try:
            while piece := self.socket.recv(1 << 20):
                self.buffer += piece
        except BlockingIOError:
            self.socket.settimeout(30)
            while self._take() is not None:
                pass
            return
        raise Failed("the server closed a WebSocket")

    def _take(self) -> Message | None:
        while True:
            ends = frame_ends(self.buffer)
            if ends is None or len(self.buffer) < ends[1]:
                return None
            first, payload = self.buffer[0], bytes(self.buffer[ends[0] : ends[1]])
            del self.buffer[: ends[1]]
            opcode = first & 15
            if opcode == PING:
                self.socket.sendall(client_frame(payload, PONG))
            elif opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big")
                raise Failed(f"the server closed a WebSocket with {code} {payload[2:].decode(errors='replace')}")
            elif opcode < CLOSE:
                self._text = opcode == TEXT if opcode else self._text
                self._begun += payload
                if first & 0x80:
                    whole, self._begun = bytes(self._begun), bytearray()
                    self.received += len(whole)
                    return whole.decode() if self._text else whole

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
