"""Values on the disk: durable, checked, swept. SPEC.md, section B."""

from __future__ import annotations

import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from actors.blob_store import GRACE, BlobLimits, BlobStore, OverBudget, Stored
from protocol.blobs import Blob


def blob(data: bytes, mime: str = "image/png") -> Blob:
    return Blob(sha256(data).hexdigest(), mime, data)


ONE, OTHER = blob(b"one" * 50), blob(b"other" * 50)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs", BlobLimits(notebook=1000))


def names(store: BlobStore) -> set[str]:
    return {each.name for each in store.folder.iterdir()} if store.folder.exists() else set()


def age(store: BlobStore, *blobs: Blob) -> None:
    """As if they had been kept long ago, by an earlier server."""
    for each in blobs:
        os.utime(store.folder / each.name, (time.time() - 2 * GRACE,) * 2)
        store._fresh.clear()


def test_what_was_kept_is_read_again_also_by_the_next_server(store: BlobStore) -> None:
    store.keep([ONE, OTHER, ONE])
    for each in (store, BlobStore(store.folder)):
        assert each.read(ONE.name) == Stored("image/png", ONE.data)
    assert names(store) == {ONE.name, OTHER.name}


def test_a_notebook_without_large_values_has_no_folder_for_them(store: BlobStore) -> None:
    store.keep([])
    store.sweep(frozenset(), frozenset())
    assert store.missing([ONE.name]) == {ONE.name}
    assert not store.used


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: b"",
        lambda data: data[:20] + b"X" + data[21:],
    ],
)
def test_damaged_is_missing_until_it_is_kept_again(store: BlobStore, harm) -> None:  # type: ignore[no-untyped-def]
    store.keep([ONE])
    path = store.folder / ONE.name
    path.write_bytes(harm(path.read_bytes()))
    assert store.read(ONE.name) is None
    store.keep([ONE])
    assert store.data(ONE.name) == ONE.data


def test_only_names_of_values_are_read_and_no_link_is_followed(store: BlobStore, tmp_path: Path) -> None:
    store.keep([ONE])
    (tmp_path / "secret").write_bytes(b"\n" + OTHER.data)
    (store.folder / OTHER.name).symlink_to(tmp_path / "secret")
    for odd in (
        "../secret",
        OTHER.name,
        "",
        ".",
        ONE.name.upper(),
        f"{ONE.name}.tmp",
        f"{ONE.name}\n",
        "/etc/passwd",
    ):
        assert store.read(odd) is None, odd
    os.mkfifo(store.folder / ("0" * 64))
    assert store.read("0" * 64) is None  # and nobody waits for who writes to it


def test_a_mime_that_cannot_stand_in_a_header_is_none(store: BlobStore) -> None:
    odd = blob(b"x" * 99, "text/html\r\nSet-Cookie: a")
    store.keep([odd])
    assert store.read(odd.name) == Stored("application/octet-stream", odd.data)


def test_the_budget_counts_what_the_document_names_and_what_was_kept_since(store: BlobStore) -> None:
    large = [blob(bytes([n]) * 400) for n in range(4)]
    store.keep_within_budget((large[0],))
    store.keep_within_budget((large[1],))
    store.keep_within_budget((large[1],))  # it is there already
    with pytest.raises(OverBudget, match="the outputs of this notebook exceed 1.0 kB"):
        store.keep_within_budget((large[2],))
    assert names(store) == {large[0].name, large[1].name}
    store.sweep(frozenset({large[1].name}), frozenset(), grace=0)  # the cell ran again, without the first
    store.keep_within_budget((large[2],))
    assert names(store) == {large[1].name, large[2].name}
    store.keep([large[3]])  # of a file, which is opened whatever it holds


def test_what_nothing_refers_to_goes_when_its_time_is_over(store: BlobStore) -> None:
    store.keep([ONE, OTHER])
    store.sweep(frozenset(), frozenset())
    assert names(store) == {ONE.name, OTHER.name}  # the document may be about to refer to it
    age(store, ONE, OTHER)
    store.sweep(frozenset({ONE.name}), frozenset())
    assert names(store) == {ONE.name}
    store.sweep(frozenset(), frozenset({ONE.name}))
    assert names(store) == {ONE.name}
    store.keep([ONE])  # again, at the moment at which it would have gone
    store.sweep(frozenset(), frozenset())
    assert names(store) == {ONE.name}
    age(store, ONE)
    store.sweep(frozenset(), frozenset())
    assert names(store) == set()


def test_what_is_no_value_is_left_alone_and_a_torn_one_is_swept(store: BlobStore) -> None:
    store.keep([ONE])
    (store.folder / "README").write_bytes(b"mine")
    torn = store.folder / f"{OTHER.name}.tmp"
    torn.write_bytes(b"half")
    os.utime(torn, (0, 0))
    store.sweep(frozenset({ONE.name}), frozenset())
    assert names(store) == {ONE.name, "README"}


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
def test_a_failure_at_any_step_leaves_nothing_half(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store.keep([OTHER])
    with monkeypatch.context() as patch:

        def fail(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, step, fail)
        with pytest.raises(OSError):
            store.keep([ONE])
    assert names(store) == {OTHER.name}
    store.keep([ONE])
    assert store.data(ONE.name) == ONE.data
