"""What the person who started the server is told: on streams that may be closed, full, or read by nobody."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

log = logging.getLogger("ganimede")


def say(text: str) -> None:
    """A line on stdout. That nobody can read it is no reason not to serve."""
    try:
        print(text, flush=True)  # noqa: T201
    except OSError as error:
        log.warning("stdout cannot be written (%s), so this was not said there: %s", error.strerror, text)
        # What is left in the buffer is tried again at the process's end, which would then fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def end_process(sentence: str, code: int = 1) -> NoReturn:
    """Say it and end, now: an exception would leave hypercorn serving an empty shell, with exit code 0."""
    try:
        if sentence and sys.stderr is not None:
            print(sentence, file=sys.stderr)  # noqa: T201
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed when the process was started
                stream.flush()
    finally:
        os._exit(code)
