"""JSON as kernels write it, which is not always JSON."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from protocol.values import JsonObject

T = TypeVar("T")


def read_json(raw: bytes, type_: type[T]) -> T:
    """Decode JSON; what is not quite JSON (NaN, bad UTF-8, half a surrogate pair) is mended and tried again.

    NaN and the infinities become null, broken characters a replacement character. Raises ValueError (of which
    msgspec's errors are a kind) or RecursionError when there is nothing to mend.
    """
    try:
        return msgspec.json.decode(raw, type=type_)
    except (ValueError, RecursionError):
        loose = json.loads(raw.decode("utf-8", "replace"), parse_constant=lambda _: None)
        strict = json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace")
        return msgspec.json.decode(strict, type=type_)


def read_object(raw: bytes) -> JsonObject:
    """As :func:`read_json`, for an object of any shape."""
    return read_json(raw, dict[str, Any])
