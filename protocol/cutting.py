"""What is left of an update when a part of it may not be applied, as an update again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from protocol.lib0 import write_uint
from protocol.update import SKIP, Delete, Update, offsets


def cut(update: Update, clients: Collection[int], state: Mapping[int, int]) -> bytes:
    """The same update without the structs of ``clients`` and without deletions of what only these would bring.

    ``state``: the next clock per client that the receiver knows; deletions below it stay. What is left may
    depend on what was cut: the result has to be judged again.
    """
    kept = [section for section in update.sections if section.client not in clients]
    out = bytearray()
    write_uint(out, len(kept))
    for section in kept:
        out += update.data[section.start : section.stop]
    deletes = (
        Delete(each.client, each.clock, min(each.length, state.get(each.client, 0) - each.clock))
        if each.client in clients
        else each
        for each in update.deletes
    )
    _write_deletes(out, deletes)
    return bytes(out)


def shortened(update: Update, stops: Mapping[int, int], end: Callable[[int], int]) -> bytes:
    """The same update with the first ``stops[client]`` blocks of each client only, and none where it says nothing.

    Blocks in front of a Skip go, too: whoever has what the Skip leaves out has them. ``end``: the next clock per
    client once this is applied; what would be deleted beyond it is left out.
    """
    sections = []
    for section in update.sections:
        stop = stops.get(section.client, 0)
        skips = [at for at in range(stop) if section.blocks[at].kind == SKIP]
        first = skips[-1] + 1 if skips else 0
        if first < stop:
            sections.append((section, first, stop))
    out = bytearray()
    write_uint(out, len(sections))
    for section, first, stop in sections:
        for number in (stop - first, section.client, section.blocks[first].clock):
            write_uint(out, number)
        places = offsets(update, section, stop)
        out += update.data[places[first] : places[stop]]
    _write_deletes(
        out,
        (
            Delete(each.client, each.clock, min(each.length, end(each.client) - each.clock))
            for each in update.deletes
        ),
    )
    return bytes(out)


def _write_deletes(out: bytearray, deletes: Iterable[Delete]) -> None:
    """Those of them that delete something."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for delete in deletes:
        if delete.length > 0:
            ranges.setdefault(delete.client, []).append((delete.clock, delete.length))
    write_uint(out, len(ranges))
    for client, pairs in ranges.items():
        write_uint(out, client)
        write_uint(out, len(pairs))
        for clock, length in pairs:
            write_uint(out, clock)
            write_uint(out, length)
