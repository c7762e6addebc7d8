import contextlib
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Map

from protocol.lib0 import (
    SAFE,
    Malformed,
    Reader,
    write_any,
    write_bytes,
    write_int,
    write_string,
    write_uint,
)

pytestmark = pytest.mark.pure

QUICK = settings(max_examples=100, deadline=None, print_blob=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)


def uint(value):
    out = bytearray()
    write_uint(out, value)
    return bytes(out)


def sint(value):
    out = bytearray()
    write_int(out, value)
    return bytes(out)


def encoded(value):
    out = bytearray()
    write_any(out, value)
    return bytes(out)


def through_yrs(value):
    """Into a Map of a document by an update made by hand, and out again by pycrdt."""
    update = bytearray(b"\x01\x01\x09\x00\x28\x01")
    write_string(update, "root")
    write_string(update, "key")
    update.append(1)
    write_any(update, value)
    update.append(0)
    doc = Doc(client_id=1)
    doc.apply_update(bytes(update))
    return doc.get("root", type=Map)["key"]


@pytest.mark.parametrize(
    ("value", "wire"), [(0, "00"), (127, "7f"), (128, "8001"), (16384, "808001"), (SAFE - 1, "ffffffffffffff0f")]
)
def test_a_varuint_is_seven_bits_a_byte_lowest_first(value, wire):
    assert uint(value).hex() == wire
    assert Reader(bytes.fromhex(wire)).uint() == value


@pytest.mark.parametrize(
    ("value", "wire"),
    [(0, "00"), (1, "01"), (-1, "41"), (63, "3f"), (64, "8001"), (-64, "c001"), (-8192, "c08001")],
)
def test_a_varint_has_its_sign_in_the_first_byte(value, wire):
    assert sint(value).hex() == wire
    assert Reader(bytes.fromhex(wire)).sint() == value


@QUICK
@given(st.integers(0, SAFE - 1))
def test_every_varuint_reads_back(value):
    reader = Reader(uint(value))
    assert reader.uint() == value
    reader.done()


@QUICK
@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_varint_reads_back(value):
    reader = Reader(sint(value))
    assert reader.sint() == value
    reader.done()


@pytest.mark.parametrize("wire", ["8000", "ff8000", "ffffffffffffff10", "ffffffffffffffff7f", "80", "", "ffffff"])
def test_a_varuint_that_is_cut_or_too_long_or_padded_is_malformed(wire):
    with pytest.raises(Malformed):
        Reader(bytes.fromhex(wire)).uint()


@pytest.mark.parametrize("wire", ["8000", "ff" * 12, "80", "", "ffffff", "ff" * 9 + "7f", "bfffffffffffffffff02"])
def test_a_varint_that_is_cut_or_too_long_or_padded_is_malformed(wire):
    with pytest.raises(Malformed):
        Reader(bytes.fromhex(wire)).sint()


@pytest.mark.parametrize("value", [-1, SAFE])
def test_what_is_no_varuint_is_not_written(value):
    with pytest.raises(ValueError, match="no varuint"):
        write_uint(bytearray(), value)


def test_what_is_no_varint_is_not_written():
    with pytest.raises(ValueError, match="no varint"):
        write_int(bytearray(), 2**63)


def test_a_failed_read_stays_where_it_was():
    reader = Reader(b"\x05ab", 1)
    with pytest.raises(Malformed):
        reader.take(3)
    assert reader.take(2) == b"ab"


def test_bytes_after_the_end_are_malformed():
    with pytest.raises(Malformed, match="after the end"):
        Reader(b"\x00").done()


@pytest.mark.parametrize("wire", [b"\x02\xff\xfe", b"\x03\xed\xa0\x80", b"\x05ab"])
def test_a_string_that_is_cut_or_not_utf8_is_malformed(wire):
    with pytest.raises(Malformed):
        Reader(wire).string()


@pytest.mark.parametrize(
    "wire",
    ["", "77", "7702", "75ff", "7501", "760161", "76010161", "7b00", "7aff", "00", "73", "7402aa", "75ffffff7f"],
)
def test_a_value_that_is_cut_or_unknown_is_malformed(wire):
    reader = Reader(bytes.fromhex(wire))
    with pytest.raises(Malformed):
        reader.any()
        reader.done()


def test_values_nest_to_the_limit_and_no_further():
    fits = b"\x75\x01" * 32 + b"\x7e"
    Reader(fits).any(32)
    with pytest.raises(Malformed, match="too deeply"):
        Reader(b"\x75\x01" + fits).any(32)
    with pytest.raises(Malformed, match="too deeply"):
        Reader(b"\x75\x01" * 100_000).any(32)


def test_no_value_is_written_deeper_than_the_limit():
    value = None
    for _ in range(32):
        value = [value]
    encoded(value)
    with pytest.raises(ValueError, match="too deeply"):
        encoded([value])


@pytest.mark.parametrize("value", [{1, 2}, object(), {1: 2}, {"a": {None: 1}}])
def test_what_has_no_place_in_a_document_is_a_type_error(value):
    with pytest.raises(TypeError):
        encoded(value)


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        (2**31 - 1, 125),
        (-(2**31) + 1, 125),
        (2**31, 123),
        (-(2**31), 123),
        (2**53, 123),
        (2**53 + 1, 122),
        (-(2**53) - 1, 122),
        (2**63 - 1, 122),
        (-(2**63), 122),
        (2**63, 123),
        (10**400, 126),
        (3.0, 123),
        (math.nan, 126),
        (-math.inf, 126),
    ],
)
def test_a_number_is_written_as_what_holds_it_exactly(value, tag):
    assert encoded(value)[0] == tag


def test_keys_are_written_in_order_so_equal_values_are_equal_bytes():
    assert encoded({"b": 1, "a": [2]}) == encoded({"a": [2], "b": 1})


@pytest.mark.parametrize(
    ("text", "read"), [("a\ud800b", "a\ufffdb"), ("\ud83d\ude00", "\U0001f600"), ("\udc00", "\ufffd")]
)
def test_a_lone_surrogate_becomes_a_replacement_and_a_pair_is_joined(text, read):
    assert Reader(encoded(text)).any() == read
    assert through_yrs(text) == read


@QUICK
@given(VALUES)
def test_yrs_and_our_reader_read_exactly_what_was_written(value):
    expected = json.loads(json.dumps(value), parse_int=exact)
    reader = Reader(encoded(value))
    assert reader.any() == expected
    reader.done()
    assert through_yrs(value) == expected


def exact(digits):
    """What an integer is worth after the journey: beyond 64 bits it is the nearest float."""
    value = int(digits)
    if -(2**63) <= value < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return None


@QUICK
@given(st.binary(max_size=60))
def test_bytes_read_back_in_a_value_and_alone(blob):
    out = bytearray()
    write_bytes(out, blob)
    assert Reader(bytes(out)).blob() == blob
    assert Reader(encoded(blob)).any() == blob
    assert bytes(through_yrs(blob)) == blob


@QUICK
@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_malformed_and_nothing_else(blob):
    reader = Reader(blob)
    with contextlib.suppress(Malformed):
        reader.any()
    assert reader.at <= len(blob)
