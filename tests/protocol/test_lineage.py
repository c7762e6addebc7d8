"""Whose copy has which state vector. SPEC.md S-13."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.lib0 import Malformed, write_uint
from protocol.lineage import MOST, served, standing
from protocol.seed import client_id, seed
from protocol.update import read
from protocol.values import NotebookValue
from tests.protocol.clients import Browser
from tests.protocol.test_guard import struct, text, wire

pytestmark = pytest.mark.pure

SEED = 2**31 + 12


def vector(*clocks: tuple[int, int]) -> bytes:
    out = bytearray()
    write_uint(out, len(clocks))
    for client, clock in clocks:
        write_uint(out, client)
        write_uint(out, clock)
    return bytes(out)


CASES = {
    "nothing": (vector(), "unknown"),
    "no bytes": (b"", "unknown"),
    "edits of its own": (vector((5, 9)), "unknown"),
    "edits of two tabs": (vector((5, 9), (6, 2)), "unknown"),
    "ids of which it has nothing": (vector((5, 9), (6, 2), (7, 0), (8, 0)), "unknown"),
    "the seed of which it has nothing": (vector((5, 9), (6, 2), (7, 1), (SEED, 0)), "foreign"),
    "another seed, its server, a person": (vector((5, 9), (6, 2), (7, 1)), "foreign"),
    "the seed alone": (vector((SEED, 30)), "ours"),
    "the seed and many": (vector((5, 9), (6, 2), (7, 1), (SEED, 30), (8, 1)), "ours"),
}


@pytest.mark.parametrize("case", CASES)
def test_three_ids_without_the_seed_are_another_lineage(case: str) -> None:
    state, whose = CASES[case]
    assert standing(state, SEED) == whose


def test_while_the_seed_is_not_known_nobody_is_refused() -> None:
    assert standing(vector((5, 9), (6, 2), (7, 1)), 0) == "unknown"


@pytest.mark.parametrize("state", [b"\x01", b"\x02\x05\x01", b"\xff", vector((5, 1))[:-1]])
def test_a_malformed_state_vector_is_malformed(state: bytes) -> None:
    with pytest.raises(Malformed):
        standing(state, SEED)


def test_a_state_vector_of_very_many_ids_is_malformed() -> None:
    with pytest.raises(Malformed):
        standing(vector(*((n, 1) for n in range(1, MOST + 2))), SEED)


@given(st.dictionaries(st.integers(1, 2**32), st.integers(1, 2**31), max_size=2))
def test_a_client_that_was_never_in_sync_is_never_refused(held: dict[int, int]) -> None:
    assert standing(vector(*held.items()), SEED) in ("unknown", "ours")


@given(st.binary(min_size=4, max_size=32))
def test_even_the_seed_of_an_empty_notebook_holds_something(digest: bytes) -> None:
    [section] = read(seed(NotebookValue(), digest)).sections
    assert section.client == client_id(digest)
    assert section.end > section.clock == 0


def test_what_only_servers_write_tells_a_copy_of_another_lineage() -> None:
    there = Browser(7)
    path = there.edit(lambda: there.path.insert(0, "/n/x.ipynb"))
    assert served(path, dict)
    assert not served(path, lambda: {7: 99})  # known: our own
    assert not served(there.edit(lambda: there.path.insert(0, "/")), dict)  # a person's edit of it: reverted
    assert not served(there.add("nb_path-no"), dict)
    assert not served(b"nb_path", dict)
    assert not served(wire((9, 0, struct(text("nb_path"), "t"))), dict)
