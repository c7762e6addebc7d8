"""Images beside and below the notebook, for its markdown: the only files of a person that are served.

A path is resolved first (a link may lead to another place inside the folder) and then walked again from the folder
itself, component by component, without following any link: what is swapped in between is not opened.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

LARGEST = 32 * 1024 * 1024
TYPES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
# An SVG that is opened by itself is a document: it runs nothing and loads nothing.
CONTENT_SECURITY_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Image(msgspec.Struct, frozen=True):
    """``tag`` changes whenever the file does. ``body`` None: it is what the asker has already."""

    kind: str
    tag: str
    body: bytes | None


class NotServed(Exception):
    """There is no such image for a browser: a status and a sentence that says nothing of the disk."""

    def __init__(self, status: int = 404, sentence: str = "There is no such image beside the notebook.") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def read_image(folder: Path, path: str, known: frozenset[str] = frozenset()) -> Image:
    """Blocks: for a thread. ``known``: tags that the asker holds. Raises :class:`NotServed`."""
    try:
        real = folder.resolve(strict=True)
        names = _resolve(real, path)
        descriptor = _open_below(real, names)
    except (OSError, ValueError, RuntimeError):  # a loop of links is a RuntimeError before Python 3.13
        raise NotServed from None
    try:
        return _read(descriptor, TYPES[_suffix(names[-1])], known)
    except OSError:
        raise NotServed(503, "This image cannot be read now.") from None
    finally:
        os.close(descriptor)


def _read(descriptor: int, kind: str, known: frozenset[str]) -> Image:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise NotServed
    if status.st_size > LARGEST:
        raise NotServed(413, f"This image is larger than {LARGEST // 2**20} MB.")
    tag = f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"
    if tag in known:
        return Image(kind, tag, None)
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        # Not beyond the size that was judged, should the file grow meanwhile.
        return Image(kind, tag, file.read(status.st_size))


def _resolve(folder: Path, path: str) -> tuple[str, ...]:
    """The names that lead from the folder to the file itself, no link among them. Both what was asked for and
    where it leads must be visible and an image."""
    asked = tuple(path.split("/"))
    _check(asked)
    names = folder.joinpath(*asked).resolve(strict=True).relative_to(folder).parts
    _check(names)
    return names


def _check(names: tuple[str, ...]) -> None:
    hidden = any(not name or name.startswith(".") or "\0" in name or "\\" in name for name in names)
    if not names or hidden or _suffix(names[-1]) not in TYPES:
        raise NotServed


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _open_below(folder: Path, names: tuple[str, ...]) -> int:
    """A descriptor of the file. A pipe or a device does not keep us waiting; the caller judges what it is."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names[:-1]:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
            place, before = below, place
            os.close(before)
        return os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
    finally:
        with suppress(OSError):
            os.close(place)
