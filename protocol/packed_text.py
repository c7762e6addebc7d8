"""Bytes as base64 text and back, to the letter.

In steps: the library holds on to the interpreter for as long as a call lasts, and a server has other threads.
"""

from __future__ import annotations

import binascii

FORMS = ("plain", "line", "lines")

_WIDTH = 76  # of lines, as MIME has them
_STEP = 3 * 65_536


def unpack(text: bytes) -> tuple[bytes, str] | None:
    """The bytes and the form of the text: "plain", one "line" with its end, or "lines" of 76 characters. None if
    the text is not what :func:`pack` makes."""
    bare = text.replace(b"\n", b"")
    form = _form(text, bare)
    if not form or b"=" in bare[:-2]:
        return None
    pieces = []
    for at in range(0, len(bare), _STEP // 3 * 4):
        piece = bare[at : at + _STEP // 3 * 4]
        try:
            data = binascii.a2b_base64(piece)
        except binascii.Error:
            return None
        if binascii.b2a_base64(data, newline=False) != piece:  # it tolerates what it does not understand
            return None
        pieces.append(data)
    return b"".join(pieces), form


def pack(data: bytes, form: str) -> bytes:
    bare = b"".join(binascii.b2a_base64(data[at : at + _STEP], newline=False) for at in range(0, len(data), _STEP))
    return _lines(bare) if form == "lines" else bare + b"\n" if form == "line" else bare


def _form(text: bytes, bare: bytes) -> str:
    if text == bare:
        return "plain"
    if text[:-1] == bare:
        return "line"
    return "lines" if text == _lines(bare) else ""


def _lines(bare: bytes) -> bytes:
    return b"".join(bare[at : at + _WIDTH] + b"\n" for at in range(0, len(bare), _WIDTH))
