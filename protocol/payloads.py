"""What code asks of whoever shows it, in the payload of its ``execute_reply``.

Jupyter's messaging protocol calls payloads deprecated, and IPython goes on using them: ``set_next_input`` for
``%load`` and ``%recall``, ``page`` for the help behind ``name?``. Nothing in a payload raises here.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from protocol.kernel_events import DisplayData
from protocol.messages.kernel import NextInput
from protocol.values import JsonObject


def next_inputs(payload: Iterable[JsonObject]) -> tuple[NextInput, ...]:
    return tuple(
        NextInput(text, each.get("replace") is True)
        for each in payload
        if each.get("source") == "set_next_input" and isinstance(text := each.get("text"), str)
    )


def pages(parent: str, payload: Iterable[JsonObject]) -> tuple[DisplayData, ...]:
    """Help and the like, as outputs of the cell: there it is not lost, and everybody sees it."""
    return tuple(
        DisplayData(parent, data, {}, "", len(msgspec.json.encode(data)))
        for each in payload
        if each.get("source") == "page" and isinstance(data := each.get("data"), dict)
    )
