"""Large values of outputs for a browser: whoever has seen one need never ask for it again.

A notebook's outputs are anybody's: what is served here runs nothing, loads nothing and is no page of ours, also
when it is opened by itself.
"""

from __future__ import annotations

import msgspec

from actors.blob_store import BlobStore
from gateway.files import CONTENT_SECURITY_POLICY
from protocol.blobs import is_name

MISSING = "This output's value is missing on the server."

_SHOWN = frozenset(
    {
        "application/json",
        "application/pdf",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/svg+xml",
        "image/webp",
        "text/html",
        "text/plain",
    }
)


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    kind: str
    headers: dict[str, str]


def answer(store: BlobStore, name: str, known: frozenset[str]) -> Answer:
    """Blocks: for a thread. ``known``: tags that the asker holds."""
    headers = {
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": f'"{name}"',
    }
    if is_name(name) and name in known:
        return Answer(304, b"", "application/octet-stream", headers)  # its bytes are named by it
    stored = store.read(name)
    if stored is None:
        return Answer(404, f"{MISSING}\n".encode(), _typed("text/plain"), {"Cache-Control": "no-store"})
    if stored.mime not in _SHOWN:
        headers["Content-Disposition"] = "attachment"
    return Answer(200, stored.data, _typed(stored.mime), headers)


def _typed(mime: str) -> str:
    """The content type. What is not shown is text for whoever fetches it, and for nobody else."""
    if mime.startswith("text/") or mime not in _SHOWN:
        return f"{mime if mime in _SHOWN else 'text/plain'}; charset=utf-8"
    return mime
