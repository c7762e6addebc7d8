"""How a command finds the server that has a notebook open: a file beside its lock, for this user alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

NAME = "server.json"


class Running(msgspec.Struct, frozen=True):
    """``address``: with the token in it."""

    address: str


def leave(folder: Path, address: str) -> None:
    """The server is ready. A disk that does not take it keeps nobody from serving."""
    with suppress(OSError):
        (folder / NAME).unlink(missing_ok=True)
        handle = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.encode(Running(address)))


def remove(folder: Path) -> None:
    with suppress(OSError):
        (folder / NAME).unlink(missing_ok=True)


def find(folder: Path) -> str | None:
    """The address that the holder of the lock left, if it did. It means nothing where nobody holds the lock."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Running).address
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None
