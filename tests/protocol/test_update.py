import random
from array import array

import pytest
from pycrdt import Array, Doc, Map, Text

from protocol.cutting import cut
from protocol.lib0 import Malformed, write_string, write_uint
from protocol.update import (
    ANY,
    ARRAY,
    DELETED,
    FORMAT,
    GC,
    MAP,
    STRING,
    TEXT,
    TYPE,
    Block,
    Delete,
    Limits,
    read,
)

pytestmark = pytest.mark.pure

TOO_DEEP = Limits().depth + 1


def changes(doc, change):
    """The updates that one change makes."""
    updates = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    change()
    doc.unobserve(subscription)
    return updates


def only(doc, change):
    (update,) = changes(doc, change)
    return read(update)


def wire(*structs, client=9, clock=0, deletes=b"\x00"):
    """An update of one client, by hand."""
    out = bytearray(b"\x01")
    write_uint(out, len(structs))
    write_uint(out, client)
    write_uint(out, clock)
    return bytes(out) + b"".join(structs) + deletes


def in_root(kind, content, name="t"):
    out = bytearray([kind, 1])
    write_string(out, name)
    return bytes(out) + content


def var(text):
    raw = text if isinstance(text, bytes) else text.encode()
    out = bytearray()
    write_uint(out, len(raw))
    return bytes(out) + raw


@pytest.fixture
def doc():
    return Doc(client_id=5)


def test_typed_text_is_one_struct_counted_in_utf16_units(doc):
    text = doc.get("t", type=Text)
    (section,) = only(doc, lambda: text.insert(0, "hé😀")).sections
    assert (section.client, section.clock, section.end) == (5, 0, 4)
    assert section.blocks == [Block(5, 0, 4, STRING, parent="t", pairs=array("I", [2]))]
    (section,) = only(doc, lambda: text.insert(1, "x")).sections
    assert section.blocks == [Block(5, 4, 1, STRING, origin=(5, 0), right=(5, 1))]


def test_nested_types_name_their_parent_and_their_key(doc):
    root = doc.get("m", type=Map)
    (section,) = only(doc, lambda: root.update({"k": Map({"t": Text("x")})})).sections
    assert section.blocks == [
        Block(5, 0, 1, TYPE, parent="m", sub="k", type_ref=MAP),
        Block(5, 1, 1, TYPE, parent=(5, 0), sub="t", type_ref=TEXT),
        Block(5, 2, 1, STRING, parent=(5, 1)),
    ]


def test_an_array_of_values_is_one_struct_of_as_many_clocks(doc):
    values = doc.get("a", type=Array)
    (section,) = only(doc, lambda: values.extend([1, None, "x", {"y": [True]}])).sections
    assert section.blocks == [Block(5, 0, 4, ANY, parent="a")]
    (section,) = only(doc, lambda: values.append(Array([]))).sections
    assert section.blocks == [Block(5, 4, 1, TYPE, origin=(5, 3), type_ref=ARRAY)]


def test_formats_and_embeds_are_one_clock_each(doc):
    text = doc.get("t", type=Text)
    text += "ab"
    (section,) = only(doc, lambda: text.format(0, 1, {"bold": True})).sections
    assert [(block.kind, block.length) for block in section.blocks] == [(FORMAT, 1), (FORMAT, 1)]
    (section,) = only(doc, lambda: text.insert_embed(0, {"a": [1]})).sections
    assert section.blocks[0].length == 1


def test_deletions_are_ranges(doc):
    text = doc.get("t", type=Text)
    text += "abcdef"

    def twice():
        with doc.transaction():
            del text[1:3]
            del text[2:3]

    update = only(doc, twice)
    assert update.sections == []
    assert sorted(update.deletes, key=lambda delete: delete.clock) == [Delete(5, 1, 2), Delete(5, 4, 1)]


def test_what_was_deleted_reads_as_deleted_or_gone(doc):
    root = doc.get("m", type=Map)
    root["k"] = Map({"t": Text("xyz")})
    root["v"] = 1
    del root["k"], root["v"]
    (section,) = read(doc.get_update()).sections
    assert [(block.kind, block.length) for block in section.blocks] == [(DELETED, 1), (GC, 4), (DELETED, 1)]


def test_a_whole_document_of_several_writers_is_read(doc):
    other = Doc(client_id=2**32 - 1)
    other.get("t", type=Text).insert(0, "x" * 300)
    doc.apply_update(other.get_update())
    doc.get("t", type=Text).insert(7, "y")
    update = read(doc.get_update())
    assert {section.client: section.end for section in update.sections} == {5: 1, 2**32 - 1: 300}


MALFORMED = {
    "nothing": b"",
    "one byte": b"\x00",
    "bytes behind": b"\x00\x00\x00",
    "more sections than bytes": b"\x7f\x00",
    "more structs than bytes": b"\x01\x7f\x09\x00\x00\x01\x00",
    "a section without structs": b"\x01\x00\x09\x00\x00",
    "the same client twice": b"\x02" + wire(b"\x00\x01")[1:-1] + wire(b"\x00\x01", clock=1)[1:],
    "the same client's deletions twice": b"\x00\x02\x09\x01\x00\x01\x09\x01\x00\x01",
    "flags on clocks left out": wire(b"\x8a\x09\x00\x03"),
    "JSON of old": wire(in_root(2, b"\x01" + var("1"))),
    "a sub-document": wire(in_root(9, var("guid") + b"\x7e")),
    "a move": wire(in_root(11, b"\x00\x09\x00")),
    "kind 16": wire(in_root(20, var("x"))),
    "flags on gone clocks": wire(b"\x80\x09\x00\x01"),
    "an XML element": wire(in_root(TYPE, b"\x03" + var("p"))),
    "an XML text": wire(in_root(TYPE, b"\x06")),
    "an unknown type": wire(in_root(TYPE, b"\x0f")),
    "a parent of neither form": wire(b"\x04\x02\x09\x00" + var("x")),
    "empty text": wire(in_root(STRING, var(""))),
    "no gone clocks": wire(b"\x00\x00"),
    "no deleted clocks": wire(in_root(DELETED, b"\x00")),
    "no values": wire(in_root(ANY, b"\x00")),
    "text that is not UTF-8": wire(in_root(STRING, var(b"\xff\xfe"))),
    "a surrogate in UTF-8": wire(in_root(STRING, var(b"\xed\xa0\x80"))),
    "a value that is not UTF-8": wire(in_root(ANY, b"\x01\x77\x01\xff")),
    "a root that is not UTF-8": wire(b"\x04\x01\x01\xff" + var("x")),
    "a format that is not JSON": wire(in_root(FORMAT, var("b") + var("{"))),
    "a format that is undefined": wire(in_root(FORMAT, var("b") + var("undefined"))),
    "a format beyond floats": wire(in_root(FORMAT, var("b") + var("1e999"))),
    "an embed with half a surrogate": wire(in_root(5, var('"\\ud800"'))),
    "an embed too deep": wire(in_root(5, var("[" * TOO_DEEP + "1" + "]" * TOO_DEEP))),
    "an empty embed too deep": wire(in_root(5, var("[" * TOO_DEEP + "]" * TOO_DEEP))),
    "an embed far too deep": wire(in_root(5, var("[" * 50_000 + "]" * 50_000))),
    "a value too deep": wire(in_root(ANY, b"\x01" + b"\x75\x01" * TOO_DEEP + b"\x7e")),
    "a value far too deep": wire(in_root(ANY, b"\x01" + b"\x75\x01" * 100_000 + b"\x7e")),
    "a clock beyond 2^31": wire(b"\x00\x01", clock=2**31 - 1),
    "a deletion beyond 2^31": b"\x00\x01\x09\x01\x01\xff\xff\xff\xff\x07",
    "a run of gone clocks too long": wire(b"\x00\x81\x80\x80\x08"),
}


@pytest.mark.parametrize("case", MALFORMED, ids=str)
def test_what_no_ordinary_client_writes_is_malformed(case):
    with pytest.raises(Malformed, match=r"^[A-Z][^.]*\.$"):
        read(MALFORMED[case], Limits())


def test_limits_hold_and_are_reached():
    structs = [in_root(STRING, var("x"))] * 3
    assert read(wire(*structs), Limits(structs=3))
    with pytest.raises(Malformed, match="more than 2 structs"):
        read(wire(*structs), Limits(structs=2))
    assert read(wire(*structs), Limits(size=len(wire(*structs))))
    with pytest.raises(Malformed, match="larger than 9 bytes"):
        read(wire(*structs), Limits(size=9))
    deletes = b"\x00\x01\x09\x02\x00\x01\x05\x01"
    assert read(deletes, Limits(deletes=2))
    with pytest.raises(Malformed, match="more than 1 deletions"):
        read(deletes, Limits(deletes=1))
    with pytest.raises(Malformed, match="too long"):
        read(wire(in_root(STRING, var("four"))), Limits(length=3))


@pytest.mark.parametrize("inside", ["", "1", '{"a":1}'])
def test_an_embed_nests_to_the_limit(inside):
    levels = Limits().depth - (1 if "{" in inside else 0)
    assert read(wire(in_root(5, var("[" * levels + inside + "]" * levels))), Limits())


def test_cutting_a_client_leaves_an_update_of_the_others():
    mine, theirs = Doc(client_id=1), Doc(client_id=2)
    mine.get("a", type=Text).insert(0, "mine")
    theirs.get("b", type=Text).insert(0, "theirs")
    theirs.apply_update(mine.get_update())
    del theirs.get("b", type=Text)[0:1]
    del theirs.get("a", type=Text)[1:2]
    update = read(theirs.get_update())

    reader = Doc(client_id=3)
    reader.apply_update(cut(update, {2}, {}))
    assert (str(reader.get("a", type=Text)), str(reader.get("b", type=Text))) == ("mne", "")
    assert read(cut(update, {2}, {})).deletes == [Delete(1, 1, 1)]

    reader = Doc(client_id=3)
    reader.apply_update(cut(update, {1}, {1: 1}))
    assert (str(reader.get("a", type=Text)), str(reader.get("b", type=Text))) == ("", "heirs")
    assert read(cut(update, {1}, {1: 2})).deletes == update.deletes
    assert read(cut(update, (), {})) == read(cut(read(cut(update, (), {})), (), {}))


def test_any_cut_of_a_document_at_any_byte_is_malformed():
    doc = Doc(client_id=5)
    doc.get("m", type=Map)["k"] = Map({"t": Text("xyz"), "v": [1, 2.5, {"a": "é"}]})
    doc.get("t", type=Text).insert(0, "text")
    del doc.get("t", type=Text)[1:2]
    whole = doc.get_update()
    for length in range(len(whole)):
        with pytest.raises(Malformed):
            read(whole[:length])


def test_random_bytes_are_read_or_malformed_and_nothing_else():
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(3000):
        blob = bytes(
            rng.choice((0, 1, 2, 4, 7, 8, 9, 40, 0x84, rng.randrange(256))) for _ in range(rng.randrange(30))
        )
        try:
            read(blob, Limits())
        except Malformed:
            continue
