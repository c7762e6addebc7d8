"""What happens to text beyond the budget: it is counted, and only its end is kept, undecoded."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from protocol.kernel_events import read_stream, read_stream_end

Text: TypeAlias = tuple[str, str]  # the stream's name, and text


class OutputGap:
    """A place in a run's output where text is left out.

    ``keep``: bytes of the end that are kept. Frames are decoded only when they survive to be shown.
    """

    def __init__(self, keep: int) -> None:
        self._keep = max(1, keep)
        self._frames: deque[bytes | Text] = deque()
        self._sizes: deque[int] = deque()
        self._kept = 0
        self._lost = 0

    def add(self, content: bytes) -> None:
        """Take one stream message's content."""
        if len(content) <= self._keep:
            self._push(content, len(content))
        elif (end := read_stream_end(content, self._keep)) is not None:  # one giant message: its end is kept
            name, text = end
            self._lost += max(0, len(content) - len(text))
            self._push((name, text), len(text))

    def add_text(self, name: str, text: str) -> None:
        self._lost += max(0, len(text) - self._keep)
        self._push((name, text[-self._keep :]), min(len(text), self._keep))

    def _push(self, frame: bytes | Text, size: int) -> None:
        self._frames.append(frame)
        self._sizes.append(size)
        self._kept += size
        while self._kept - self._sizes[0] >= self._keep:
            self._frames.popleft()
            gone = self._sizes.popleft()
            self._kept -= gone
            self._lost += gone

    def end(self, limit: int) -> tuple[int, list[Text]]:
        """About how many bytes are left out, and the last ``limit`` characters of the text in order."""
        shown: list[Text] = []
        room = limit
        hidden = self._kept
        for frame, size in zip(reversed(self._frames), reversed(self._sizes), strict=True):
            if room <= 0:
                break
            hidden -= size
            text = read_stream(frame) if isinstance(frame, bytes) else frame
            if text is not None:
                name, words = text
                hidden += max(0, len(words) - room)
                shown.append((name, words[-room:]))
                room -= len(words)
        shown.reverse()
        if room <= 0 and self._lost + hidden:
            _begin_at_a_line(shown)
        return self._lost + hidden, shown


def _begin_at_a_line(shown: list[Text]) -> None:
    """Drop the beginning of a line that was cut in the middle, unless that is all there is."""
    name, words = shown[0]
    _, newline, rest = words.partition("\n")
    if newline and rest:
        shown[0] = (name, rest)


def shortened(text: str, room: int) -> str:
    """``text`` with its middle left out, and a line that says so, if it is longer than ``room`` characters."""
    if len(text) <= room:
        return text
    half = room // 2
    return f"{text[:half]}\n[about {size_in_words(len(text) - 2 * half)} left out]\n{text[-half:]}"


def size_in_words(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
