"""Text of one stream, with a terminal's line rules, in pieces that are small to send again.

``\\r`` moves to the start of the line and what follows overwrites; ``\\b`` moves one back; a newline always goes
to the end: what a terminal shows, and what JupyterLab stores. A line that has ended never changes, so pieces are
sealed at line ends once they have some size. A very long open line is sealed in pieces as well, which are held:
if it is overwritten after all, they are taken back.
"""

from __future__ import annotations

import re

PIECE = 2048
_CONTROL = re.compile(r"([\n\r\b])")


class StreamText:
    """Text written to stream ``name`` without another output between."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sealed: list[str] = []
        self._sealed_size = 0
        self._held = 0  # how many of the last sealed pieces belong to the open line
        self._done: list[str] = []  # ended lines, not sealed yet
        self._done_size = 0
        self._line = ""
        self._column = 0

    @property
    def size(self) -> int:
        return self._sealed_size + self._done_size + len(self._line)

    def pieces(self, first: int = 0) -> list[str]:
        """The pieces from index ``first`` on, the open one last."""
        rest = "".join(self._done) + self._line
        return [*self.sealed[first:], rest] if rest else self.sealed[first:]

    def write(self, text: str) -> int:
        """Add ``text``; the index of the first piece that changed is returned."""
        first = len(self.sealed)
        if self._column == len(self._line) and "\r" not in text and "\b" not in text:
            self._put_lines(text)
        else:
            for part in _CONTROL.split(text):
                if part == "\n":
                    self._end_line()
                elif part == "\r":
                    self._take_back()
                    self._column = 0
                elif part == "\b":
                    if self._column == 0:
                        self._take_back()
                    self._column = max(0, self._column - 1)
                elif part:
                    self._put(part)
                first = min(first, len(self.sealed))
        self._seal()
        return first

    def _put_lines(self, text: str) -> None:
        lines, newline, rest = text.rpartition("\n")
        if newline:
            self._line += lines
            self._end_line()
        self._line += rest
        self._column = len(self._line)

    def _put(self, part: str) -> None:
        after = self._column + len(part)
        self._line = self._line[: self._column] + part + self._line[after:]
        self._column = after

    def _end_line(self) -> None:
        ended = self._line + "\n"
        self._done.append(ended)
        self._done_size += len(ended)
        self._line, self._column, self._held = "", 0, 0

    def _take_back(self) -> None:
        """The open line is about to be overwritten: nothing of it stays sealed."""
        if self._held:
            held = "".join(self.sealed[-self._held :])
            del self.sealed[-self._held :]
            self._sealed_size -= len(held)
            self._line = held + self._line
            self._column += len(held)
            self._held = 0

    def _seal(self) -> None:
        long = len(self._line) >= PIECE and self._column == len(self._line)
        if self._done and (long or self._done_size >= PIECE):
            self._seal_piece("".join(self._done))
            self._done, self._done_size = [], 0
        if long:
            self._seal_piece(self._line)
            self._held += 1
            self._line, self._column = "", 0

    def _seal_piece(self, piece: str) -> None:
        self.sealed.append(piece)
        self._sealed_size += len(piece)
