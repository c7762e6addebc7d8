"""The primitives of lib0 encoding, on which Yjs builds its updates and y-protocols its messages.

Formats follow ``lib0/encoding.js`` and ``lib0/decoding.js`` (https://github.com/dmonad/lib0):

- *varuint*: 7 bits a byte, lowest first, bit 7 set on all but the last byte.
- *varint*: the first byte holds a sign (bit 6) and 6 bits, the others 7 bits each.
- *var bytes*: a varuint length, then the bytes. *var string*: the same, UTF-8.
- *Any*: one tag byte, counting down from 127, then the value; see :func:`write_any`.

Reading never looks beyond the end and never recurses deeper than a limit. Everything that no correct writer
produces is :class:`Malformed`, also a number in more bytes than it needs: two readers must never be able to
understand the same bytes differently.
"""

from __future__ import annotations

import math
import struct
from typing import TypeAlias

Any: TypeAlias = "None | bool | int | float | str | bytes | list[Any] | dict[str, Any]"

DEPTH = 32  # containers inside containers of one Any value
SAFE = 2**53  # whole numbers up to here are exact in a float64, JavaScript's only number
_VARINT = 2**31  # JavaScript's bit operations, hence lib0's integer tag, end here
_INT64 = 2**63

_FLOAT64 = struct.Struct(">d")
_FLOAT32 = struct.Struct(">f")
_BIGINT = struct.Struct(">q")


class Malformed(ValueError):
    """Bytes that are not what they should be. The message is one short sentence."""


class Reader:
    """Reads ``data`` from ``at`` (an offset in bytes) onwards. Every method raises :class:`Malformed`."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at
        self.end = len(data)

    def done(self) -> None:
        """Nothing may be left."""
        if self.at != self.end:
            raise Malformed("There are bytes after the end.")

    def byte(self) -> int:
        at = self.at
        if at >= self.end:
            raise Malformed("The bytes end too early.")
        self.at = at + 1
        return self.data[at]

    def uint(self) -> int:
        """A varuint of at most 53 bits, all that a JavaScript number can hold."""
        data, at = self.data, self.at
        try:
            byte = data[at]
            at += 1
            if byte < 128:
                self.at = at
                return byte
            value = byte & 127
            shift = 7
            while True:
                byte = data[at]
                at += 1
                if byte < 128:
                    break
                value |= (byte & 127) << shift
                shift += 7
                if shift > 49:
                    raise Malformed("A number has too many bytes.")
        except IndexError:
            raise Malformed("The bytes end too early.") from None
        if byte == 0:
            raise Malformed("A number has more bytes than it needs.")
        value |= byte << shift
        if value >= SAFE:
            raise Malformed("A number has too many bits.")
        self.at = at
        return value

    def sint(self) -> int:
        """A signed varint of at most 63 bits and a sign. Minus zero, which lib0 can write, is 0."""
        byte = self.byte()
        negative = byte & 64
        value = byte & 63
        shift = 6
        while byte >= 128:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if shift > 69:
                raise Malformed("A number has too many bytes.")
        if shift > 6 and byte == 0:
            raise Malformed("A number has more bytes than it needs.")
        if value >= _INT64:
            raise Malformed("A number has too many bits.")
        return -value if negative else value

    def take(self, count: int) -> bytes:
        """Exactly ``count`` bytes."""
        start = self.at
        stop = start + count
        if stop > self.end:
            raise Malformed("The bytes end too early.")
        self.at = stop
        return self.data[start:stop]

    def blob(self) -> bytes:
        """Var bytes."""
        return self.take(self.uint())

    def string(self) -> str:
        """A var string. Bytes that are not UTF-8 are malformed."""
        try:
            return self.take(self.uint()).decode()
        except UnicodeDecodeError:
            raise Malformed("A string is not UTF-8.") from None

    def count(self) -> int:
        """A varuint that counts things of at least one byte each, so never more than there are bytes left."""
        at = self.at
        if at < self.end and (count := self.data[at]) < 128:  # nearly always
            self.at = at + 1
        else:
            count = self.uint()
        if count > self.end - self.at:
            raise Malformed("A count exceeds the bytes that are left.")
        return count

    def any(self, depth: int = DEPTH) -> Any:
        """An Any value with at most ``depth`` containers inside one another. ``undefined`` reads as None."""
        tag = self.byte()
        if tag == 119:
            return self.string()
        if tag == 125:
            return self.sint()
        if tag == 117 or tag == 118:
            if depth <= 0:
                raise Malformed("A value is nested too deeply.")
            if tag == 117:
                return [self.any(depth - 1) for _ in range(self.count())]
            return {self.string(): self.any(depth - 1) for _ in range(self.count())}
        if tag == 126 or tag == 127:
            return None
        if tag == 120 or tag == 121:
            return tag == 120
        if tag == 123:
            return float(_FLOAT64.unpack(self.take(8))[0])
        if tag == 124:
            return float(_FLOAT32.unpack(self.take(4))[0])
        if tag == 122:
            return int(_BIGINT.unpack(self.take(8))[0])
        if tag == 116:
            return self.blob()
        raise Malformed(f"There is no value tag {tag}.")


def write_uint(out: bytearray, value: int) -> None:
    """A varuint. ``value``: 0 to 2^53 - 1, else ValueError."""
    if not 0 <= value < SAFE:
        raise ValueError(f"{value} is no varuint")
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def write_int(out: bytearray, value: int) -> None:
    """A signed varint. ``value``: |value| < 2^63, else ValueError."""
    rest = abs(value)
    if rest >= _INT64:
        raise ValueError(f"{value} is no varint")
    sign = 64 if value < 0 else 0
    out.append(rest & 63 | sign | (128 if rest > 63 else 0))
    rest >>= 6
    while rest:
        out.append(rest & 127 | (128 if rest > 127 else 0))
        rest >>= 7


def write_bytes(out: bytearray, value: bytes) -> None:
    write_uint(out, len(value))
    out += value


def write_string(out: bytearray, value: str) -> None:
    """A var string. Surrogates without a partner, which UTF-8 cannot hold, become U+FFFD; pairs are joined."""
    try:
        write_bytes(out, value.encode())
    except UnicodeEncodeError:
        write_bytes(out, value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode())


def write_any(out: bytearray, value: object, depth: int = DEPTH) -> None:
    """One Any value, always in the same bytes for equal values.

    Tags: 127 undefined (never written), 126 null, 125 varint, 124 float32 (never written), 123 float64,
    122 64-bit integer, 121 false, 120 true, 119 string, 118 object (keys sorted), 117 array, 116 bytes. Whole
    floats stay floats, which JavaScript cannot tell apart. NaN and the infinities, which JSON cannot hold, are
    null. Raises ValueError beyond ``depth`` containers inside one another, TypeError for other types.
    """
    if value is None:
        out.append(126)
    elif isinstance(value, str):
        out.append(119)
        write_string(out, value)
    elif isinstance(value, bool):
        out.append(120 if value else 121)
    elif isinstance(value, (int, float)):
        _write_number(out, value)
    elif isinstance(value, bytes):
        out.append(116)
        write_bytes(out, value)
    else:
        _write_container(out, value, depth)


def _write_number(out: bytearray, value: float) -> None:
    if isinstance(value, int):
        size = abs(value)
        if size < _VARINT:
            out.append(125)
            write_int(out, value)
            return
        if size > SAFE and -_INT64 <= value < _INT64:
            out.append(122)
            out += _BIGINT.pack(value)
            return
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
    if math.isfinite(value):
        out.append(123)
        out += _FLOAT64.pack(value)
    else:
        out.append(126)


def _write_container(out: bytearray, value: object, depth: int) -> None:
    if depth <= 0:
        raise ValueError("a value is nested too deeply")
    if isinstance(value, dict):
        out.append(118)
        write_uint(out, len(value))
        if not all(isinstance(key, str) for key in value):
            raise TypeError("the keys of a shared object are strings")
        for key in sorted(value):
            write_string(out, key)
            write_any(out, value[key], depth - 1)
    elif isinstance(value, (list, tuple)):
        out.append(117)
        write_uint(out, len(value))
        for item in value:
            write_any(out, item, depth - 1)
    else:
        raise TypeError(f"{type(value).__name__} has no place in a shared document")
