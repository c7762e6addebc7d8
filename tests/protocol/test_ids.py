from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import ROOT_NAMES, derive_id, encode_id, is_valid_cell_id, settle_ids

DIGEST = sha256(b"a file").digest()


@pytest.mark.pure
def test_six_bytes_become_eight_characters_that_are_a_valid_id() -> None:
    assert encode_id(b"\x00" * 6) == "AAAAAAAA"
    assert encode_id(b"\xff" * 6) == "________"
    assert is_valid_cell_id(encode_id(b"\xfb\xff\xfe\x00\x01\x02"))


@pytest.mark.pure
@pytest.mark.parametrize("length", [0, 5, 7])
def test_other_lengths_than_six_bytes_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="6 bytes"):
        encode_id(b"x" * length)


@pytest.mark.pure
@pytest.mark.parametrize("value", ["a", "a-b_C9", "x" * 64, "00000000"])
def test_what_nbformat_allows_is_valid(value: str) -> None:
    assert is_valid_cell_id(value)


@pytest.mark.pure
@pytest.mark.parametrize(
    "value", ["", "x" * 65, "a b", "a\n", "ä", "a.b", "$a", None, 7, ["a"], b"a", *sorted(ROOT_NAMES)]
)
def test_other_characters_lengths_types_and_root_names_are_not(value: object) -> None:
    assert not is_valid_cell_id(value)


@pytest.mark.pure
def test_a_derived_id_depends_on_the_file_the_position_and_the_attempt_only() -> None:
    assert derive_id(DIGEST, 3, 0) == derive_id(DIGEST, 3, 0)
    others = {derive_id(DIGEST, 3, 1), derive_id(DIGEST, 31, 0), derive_id(sha256(b"other").digest(), 3, 0)}
    assert len(others | {derive_id(DIGEST, 3, 0)}) == 4
    assert all(len(one) == 8 and is_valid_cell_id(one) for one in others)


@pytest.mark.pure
def test_valid_ids_stay_and_the_first_of_duplicates_keeps_its_own() -> None:
    settled = settle_ids(["a", "b", "a", None, "kernel"], DIGEST)
    assert settled[:2] == ["a", "b"]
    assert settled[2:] == [derive_id(DIGEST, position, 0) for position in (2, 3, 4)]


@pytest.mark.pure
def test_a_derived_id_never_takes_an_id_that_a_later_cell_already_has() -> None:
    wanted = derive_id(DIGEST, 0, 0)
    assert settle_ids([None, wanted], DIGEST) == [derive_id(DIGEST, 0, 1), wanted]


@pytest.mark.pure
@given(st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3), st.sampled_from(["a", "cells", "a b"]))))
def test_settled_ids_are_valid_unique_and_settle_to_themselves(found: list[object]) -> None:
    settled = settle_ids(found, DIGEST)
    assert len(settled) == len(found) == len(set(settled))
    assert all(is_valid_cell_id(one) for one in settled)
    assert settle_ids(settled, DIGEST) == settled
