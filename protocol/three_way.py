"""Three-way merges of what a notebook is made of: text, lists of ids, JSON objects. All deterministic.

Of merge libraries on PyPI the fitting one is under the GPL; what is needed is short on top of difflib.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias, TypeVar, cast

from protocol.values import Json, JsonObject

T = TypeVar("T")

Hunk: TypeAlias = "tuple[int, int, list[T]]"
"""Items from, to (of the old sequence), and what takes their place."""

# Comparisons beyond which what differs is taken as one piece: difflib is quadratic, and people wait.
_MOST = 1_000_000

_MISSING = object()


def hunks(old: Sequence[T], new: Sequence[T]) -> list[Hunk[T]]:
    """The changes that make ``new`` of ``old``, in order, none touching the next. Items are hashable."""
    start, end = shared_ends(old, new)
    middle, fresh = old[start : len(old) - end], new[start : len(new) - end]
    if not middle and not fresh:
        return []
    if not middle or not fresh or len(middle) * len(fresh) > _MOST:
        return [(start, start + len(middle), list(fresh))]
    matcher = SequenceMatcher(None, middle, fresh)
    return [
        (start + i1, start + i2, list(fresh[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def shared_ends(old: Sequence[T], new: Sequence[T]) -> tuple[int, int]:
    """How many items are the same at the start, and how many behind these at the end."""
    most = min(len(old), len(new))
    start = 0
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


# --------------------------------------------------------------------------------------------------------- text


def merge_text(base: str, ours: str, theirs: str) -> str | None:
    """The text with the changes of both sides, line by line; None if they contradict each other.

    Changes of lines that touch one another contradict, unless they are the same.
    """
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    # Without the line ends: else a line that is added at the end would change the one before it.
    old = base.split("\n")
    lines = _merge_hunks(old, hunks(old, ours.split("\n")), hunks(old, theirs.split("\n")))
    return None if lines is None else "\n".join(lines)


def _merge_hunks(base: list[str], ours: list[Hunk[str]], theirs: list[Hunk[str]]) -> list[str] | None:
    merged: list[str] = []
    done = 0
    mine, yours = list(reversed(ours)), list(reversed(theirs))
    while mine or yours:
        low = min(side[-1][0] for side in (mine, yours) if side)
        high = low
        taken: tuple[list[Hunk[str]], list[Hunk[str]]] = ([], [])
        grown = True
        while grown:  # a change that touches the region widens it, and so may draw in the next of the other side
            grown = False
            for side, into in zip((mine, yours), taken, strict=True):
                while side and side[-1][0] <= high:
                    into.append(side.pop())
                    high = max(high, into[-1][1])
                    grown = True
        region = [_rewritten(base, each, low, high) for each in taken if each]
        if len(region) == 2 and region[0] != region[1]:
            return None
        merged += base[done:low] + region[0]
        done = high
    return merged + base[done:]


def _rewritten(base: list[str], changes: list[Hunk[str]], low: int, high: int) -> list[str]:
    """``base[low:high]`` after one side's changes."""
    lines: list[str] = []
    done = low
    for start, end, fresh in changes:
        lines += base[done:start] + fresh
        done = end
    return lines + base[done:high]


# -------------------------------------------------------------------------------------------------------- order


def merge_order(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str], alive: Collection[str]
) -> list[str]:
    """The ids of ``alive`` in an order that has the moves of the side that moved any (of ours, if both did) and
    what the other side added where it had it."""
    if _moved(base, theirs) and not _moved(base, ours):
        ours, theirs = theirs, ours
    frame = [each for each in dict.fromkeys(ours) if each in alive]
    placed = set(frame)
    behind: dict[str | None, list[str]] = {}
    before: str | None = None
    for each in dict.fromkeys(theirs):
        if each in placed:
            before = each
        elif each in alive:
            behind.setdefault(before, []).append(each)
    order = list(behind.get(None, ()))
    for each in frame:
        order += [each, *behind.get(each, ())]
    return order


def _moved(base: Iterable[str], side: Iterable[str]) -> bool:
    """Whether the ids that both have stand in another order."""
    old, new = list(dict.fromkeys(base)), list(dict.fromkeys(side))
    both = set(old) & set(new)
    return [each for each in old if each in both] != [each for each in new if each in both]


# --------------------------------------------------------------------------------------------------------- JSON


def merge_object(
    base: JsonObject, ours: JsonObject, theirs: JsonObject, clashes: list[str], path: str = ""
) -> JsonObject:
    """The object with the changes of both sides, key by key and into nested objects. Where both changed one value
    differently ours stays, and its path is added to ``clashes``."""
    merged: JsonObject = {}
    for key in dict.fromkeys([*ours, *theirs]):
        old, mine, yours = (side.get(key, _MISSING) for side in (base, ours, theirs))
        where = f"{path}.{key}" if path else key
        value = mine
        if isinstance(mine, dict) and isinstance(yours, dict) and mine != yours:
            value = merge_object(old if isinstance(old, dict) else {}, mine, yours, clashes, where)
        elif mine == old:
            value = yours
        elif yours not in (mine, old):
            clashes.append(where)
            value = yours if mine is _MISSING else mine  # what still says something stays
        if value is not _MISSING:
            merged[key] = cast(Json, value)
    return merged


def pick(base: T, ours: T, theirs: T) -> T:
    """The value that changed; ours, if both did."""
    return theirs if ours == base else ours
