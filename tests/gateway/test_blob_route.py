"""Values are served under the hash of their bytes, and run nothing."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from actors.blob_store import BlobStore
from gateway import blobs
from protocol.blobs import Blob

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("mime", "kind", "shown"),
    [
        ("image/png", "image/png", True),
        ("image/svg+xml", "image/svg+xml", True),
        ("text/html", "text/html; charset=utf-8", True),
        ("text/plain", "text/plain; charset=utf-8", True),
        ("application/json", "application/json", True),
        ("application/vnd.vega.v5+json", "text/plain; charset=utf-8", False),
        ("application/javascript", "text/plain; charset=utf-8", False),
        ("text/javascript", "text/plain; charset=utf-8", False),
        ("application/xhtml+xml", "text/plain; charset=utf-8", False),
        ("application/x-anything", "text/plain; charset=utf-8", False),
    ],
)
def test_each_kind_is_what_it_is_or_text_to_be_fetched(tmp_path: Path, mime: str, kind: str, shown: bool) -> None:
    data = b"<script>alert(1)</script>" * 9
    name = sha256(data).hexdigest()
    store = BlobStore(tmp_path / "blobs")
    store.keep([Blob(name, mime, data)])
    answer = blobs.answer(store, name, frozenset())
    assert (answer.status, answer.body, answer.kind) == (200, data, kind)
    assert ("Content-Disposition" in answer.headers) is not shown
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_what_the_asker_has_is_not_sent_again_and_what_is_missing_is_not_remembered(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    name = "0" * 64
    known = blobs.answer(store, name, frozenset({name}))
    assert (known.status, known.body, known.headers["ETag"]) == (304, b"", f'"{name}"')
    missing = blobs.answer(store, name, frozenset())
    assert (missing.status, missing.headers) == (404, {"Cache-Control": "no-store"})
    assert blobs.answer(store, "x", frozenset({"x"})).status == 404
