"""Cell ids: eight characters of urlsafe base64, the names they may not take, ids derived from a file."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeGuard

ROOT_NAMES = frozenset({"cells", "np_graph", "pc_graph", "run_queue", "kernel", "nb_path", "notebook"})
"""The document's own root names: each cell is a root too, so none may be called like one of these."""

# nbformat's pattern, spelled for fullmatch: its "$" would let a trailing newline pass.
_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def encode_id(six_bytes: bytes) -> str:
    """Eight characters for six bytes. ValueError for another length.

    Two root names have eight characters as well, so check random ids with :func:`is_valid_cell_id`.
    """
    if len(six_bytes) != 6:
        raise ValueError(f"a cell id is made of 6 bytes, not {len(six_bytes)}")
    return urlsafe_b64encode(six_bytes).decode("ascii")


def is_valid_cell_id(value: object) -> TypeGuard[str]:
    """True for what nbformat 4.5 takes as a cell id, unless it names another root of the document."""
    return isinstance(value, str) and _CELL_ID.fullmatch(value) is not None and value not in ROOT_NAMES


def derive_id(file_bytes_digest: bytes, position: int, attempt: int) -> str:
    """An id for the cell at ``position`` (from 0) of the file with this digest; ``attempt`` counts from 0.

    The same file always gives the same id. Raise ``attempt`` while the answer is invalid or taken.
    """
    seed = b"%d:%d:" % (position, attempt) + file_bytes_digest
    return encode_id(sha256(seed).digest()[:6])


def settle_ids(found: Sequence[object], file_bytes_digest: bytes) -> list[str]:
    """One valid, unique id per cell: the found one where it is valid and the first of its kind, else derived."""
    kept = {value for value in found if is_valid_cell_id(value)}
    used: set[str] = set()
    settled: list[str] = []
    for position, value in enumerate(found):
        if is_valid_cell_id(value) and value not in used:
            cell_id = value
        else:
            cell_id = _free_id(file_bytes_digest, position, kept | used)
        used.add(cell_id)
        settled.append(cell_id)
    return settled


def _free_id(digest: bytes, position: int, taken: set[str]) -> str:
    attempt = 0
    while True:
        cell_id = derive_id(digest, position, attempt)
        if is_valid_cell_id(cell_id) and cell_id not in taken:
            return cell_id
        attempt += 1
