"""Crashes that no mishap explains: an actor that trips over its own code heals, and would hide that it does."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

# What code raises that is wrong in itself; what a disk, a kill or a dead neighbour raises is among others.
OWN = (AttributeError, NameError, TypeError, LookupError, AssertionError, UnboundLocalError)


class Slips(logging.Handler):
    """``seen``: one traceback for each crash of an actor over an error of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and _is_own(error):
            self.seen.append("".join(traceback.format_exception(error)))


def _is_own(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_is_own, error.exceptions))
    return isinstance(error, OWN)


@contextmanager
def watch_for_slips() -> Iterator[Slips]:
    slips, log = Slips(), logging.getLogger("ganimede.supervisor")
    was = log.level, log.propagate
    log.addHandler(slips)
    log.setLevel(logging.ERROR)
    log.propagate = False  # the other crashes are what a simulation is about: nobody wants to read them
    try:
        yield slips
    finally:
        log.removeHandler(slips)
        log.setLevel(was[0])
        log.propagate = was[1]
