"""A notebook's file as it was found: the document that begins with it, and the version that it is.

Its large values are kept first, so that nothing refers to what is not there. Everything here blocks.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import msgspec

from actors.blob_store import BlobStore
from actors.disk import digest
from actors.versions import Packed, packed, packed_slim
from protocol import notebook_file
from protocol.blobs import Blob, carve_notebook, named_in
from protocol.seed import arrange, client_id, seed
from protocol.values import NotebookValue, VersionReason


class OpenedFile(msgspec.Struct, frozen=True):
    """``data``: None if there is no file."""

    path: Path
    data: bytes | None
    blobs: BlobStore

    @property
    def hash(self) -> str:
        return digest(self.data)


class Seeded(msgspec.Struct, frozen=True):
    """The document of a file alone, and the client id under which it is written."""

    update: bytes
    client: int


def slim(store: BlobStore, notebook: NotebookValue) -> NotebookValue:
    """The notebook with references. Raises OSError when its values cannot be kept."""
    blobs: list[Blob] = []
    found = carve_notebook(notebook, store.limits.limit, blobs.append)
    store.keep(blobs)
    return found


def seed_of(file: OpenedFile) -> Seeded:
    """The same bytes always give the same update. Raises :class:`NotebookFileError` and OSError."""
    data = file.data or b""
    value = slim(file.blobs, arrange(notebook_file.load(data)))
    hash_ = hashlib.sha256(data)
    if names := named_in(value):
        # What is a reference depends on a setting: other references are another lineage.
        hash_.update("".join(names).encode())
    return Seeded(seed(value, hash_.digest()), client_id(hash_.digest()))


def packed_file(store: BlobStore, data: bytes, reason: VersionReason) -> Packed:
    """A file that was found, as a version. Raises :class:`NotebookFileError` and OSError."""
    whole = notebook_file.load(data)
    value = slim(store, whole)
    if not named_in(value):
        return packed(data, len(whole.cells), reason, time.time())
    full = (digest(data), len(data))
    return packed_slim(notebook_file.dump(value), full, len(whole.cells), reason, time.time())
