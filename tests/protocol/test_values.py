import pytest
from pycrdt import Doc, Map

from protocol.guard import Accepted, Guard
from protocol.lib0 import Reader, write_any
from protocol.values import MAX_DEPTH, TooDeep, plain, shareable

pytestmark = pytest.mark.pure


def nested(levels):
    value = 1
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (3.0, 3),
        (3.5, 3.5),
        (2.0**60, 2.0**60),
        (2**63 - 1, 2**63 - 1),
        (2**64, 2.0**64),
        (10**400, None),
        (float("nan"), None),
        (float("-inf"), None),
        ("\ud83d\ude00 \ud800", "😀 \ufffd"),
        ((1, True, None), [1, True, None]),
        ({"a": b"bytes", 1: 2}, {"a": None}),
    ],
)
def test_values_become_plain_json_of_the_same_types_everywhere(found, kept):
    for clean in (plain(found), shareable(found)):
        assert clean == kept
        assert type(clean) is type(kept)


def test_what_is_nested_too_deep_is_refused_in_files_and_named_in_the_document():
    assert plain(nested(MAX_DEPTH)) == shareable(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    with pytest.raises(TooDeep):
        plain(nested(MAX_DEPTH + 1))
    assert "nested deeper than 64 levels" in str(shareable(nested(50_000)))


def test_the_deepest_shareable_value_can_be_written_and_a_client_may_send_it_back():
    deepest = shareable(nested(200))
    out = bytearray()
    write_any(out, deepest, MAX_DEPTH)
    assert Reader(bytes(out)).any(MAX_DEPTH) == deepest
    doc = Doc(client_id=9)
    doc.get("map", type=Map)["k"] = deepest
    assert isinstance(Guard().check(doc.get_update()), Accepted)
