import random
from collections import deque
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text, UndoManager

from protocol.guard import Accepted, Gap, Guard, Limits, Rejected
from protocol.lib0 import Malformed, Reader, write_string, write_uint
from protocol.update import ARRAY, MAP, TEXT, read

pytestmark = pytest.mark.pure

ROOTS = (("text", Text), ("array", Array), ("map", Map))
SEEDS = settings(max_examples=25, deadline=None, print_blob=True)


# ------------------------------------------------------------------------------------------------ updates by hand


def wire(*sections, deletes=()):
    """``sections``: (client, clock, structs...). ``deletes``: (client, clock, length)."""
    out = bytearray()
    write_uint(out, len(sections))
    for client, clock, *structs in sections:
        for number in (len(structs), client, clock):
            write_uint(out, number)
        out += b"".join(structs)
    write_uint(out, len(deletes))
    for client, clock, length in deletes:
        for number in (client, 1, clock, length):
            write_uint(out, number)
    return bytes(out)


def struct(content, parent="t", origin=None, right=None):
    """One struct; ``content`` is its kind's byte and what follows the parent."""
    out = bytearray([content[0] | (128 if origin else 0) | (64 if right else 0)])
    for id in (origin, right):
        for number in id or ():
            write_uint(out, number)
    if not (origin or right):
        if isinstance(parent, str):
            out.append(1)
            write_string(out, parent)
        else:
            for number in (0, *parent):
                write_uint(out, number)
    return bytes(out) + content[1:]


def text(value="x"):
    out = bytearray(b"\x04")
    write_string(out, value)
    return bytes(out)


GONE = b"\x00\x01"
DELETED = b"\x01\x01"
NESTED = b"\x07\x02"  # a Text, which may hold texts and Texts


def taken(guard, *updates):
    """Check and commit; each must be accepted."""
    for update in updates:
        verdict = guard.check(update)
        assert isinstance(verdict, Accepted), verdict
        guard.commit(verdict)
    return guard


def chain(depth, client=9):
    """Nested Texts, each inside the one before, one update each."""
    yield wire((client, 0, struct(NESTED)))
    for clock in range(1, depth):
        yield wire((client, clock, struct(NESTED, parent=(client, clock - 1))))


# -------------------------------------------------------------------------------------------------------- editors


class Editor:
    """A client: a document, and the updates that its own edits made."""

    def __init__(self, client, rng):
        self.doc = Doc(client_id=client)
        self.rng = rng
        self.outbox = []
        self.inbox = deque()
        self.online = True
        self.local = False
        self.doc.observe(lambda event: self.outbox.append(event.update) if self.local else None)
        self.undo = UndoManager(
            scopes=[self.doc.get(name, type=kind) for name, kind in ROOTS],
            capture_timeout_millis=0,
            timestamp=count(1).__next__,
        )

    def hear(self, update):
        self.doc.apply_update(update)

    def place(self):
        """A random shared type, nested or not."""
        name, kind = self.rng.choice(ROOTS)
        here = self.doc.get(name, type=kind)
        for level in range(6):
            inner = []
            if isinstance(here, Map):
                inner = [value for value in here.values() if isinstance(value, (Map, Array, Text))]
            elif isinstance(here, Array):
                inner = [value for value in here if isinstance(value, (Map, Array, Text))]
            if not inner or self.rng.random() < 0.3:
                return here, level
            here = self.rng.choice(inner)
        return here, 6

    def value(self, level):
        rng = self.rng
        makes = [
            lambda: rng.randrange(100),
            lambda: "wörd😀",
            lambda: {"a": [1, None]},
            lambda: 1.5,
            lambda: b"\x00b",
        ]
        if level < 6:
            makes += [lambda: Text("né"), lambda: Array([1, Text("deep")]), lambda: Map({"k": Array([]), "v": 1})]
        return rng.choice(makes)()

    def change(self):
        rng = self.rng
        here, level = self.place()
        if isinstance(here, Text):
            # pycrdt counts bytes of UTF-8: the places between characters
            places = [len(str(here)[:at].encode()) for at in range(len(str(here)) + 1)]
            start, stop = sorted((rng.choice(places), rng.choice(places)))
            roll = rng.random()
            if start < stop and roll < 0.4:
                del here[start : min(stop, places[min(places.index(start) + 4, len(places) - 1)])]
            elif start < stop and roll < 0.6:
                here.format(start, stop, {"bold": rng.choice((True, None))})
            else:
                here.insert(start, rng.choice(("a", "word ", "line\n" * 3, "é", "😀", "a😀é👩🏽‍🚀")))
        elif isinstance(here, Array):
            if len(here) and rng.random() < 0.4:
                at = rng.randrange(len(here))
                del here[at : min(at + rng.randrange(1, 3), len(here))]
            else:
                here.insert(rng.randrange(len(here) + 1), self.value(level))
        else:
            key = rng.choice("abc")
            if key in here and rng.random() < 0.4:
                del here[key]
            else:
                here[key] = self.value(level)

    def edit(self):
        self.local = True
        roll = self.rng.random()
        if roll < 0.1 and self.undo.can_undo():
            self.undo.undo()
        elif roll < 0.15 and self.undo.can_redo():
            self.undo.redo()
        elif roll < 0.4:
            with self.doc.transaction():
                for _ in range(self.rng.randrange(1, 6)):
                    self.change()
        else:
            self.change()
        self.local = False


def root_type(name):
    return {"text": TEXT, "array": ARRAY, "map": MAP}.get(name)


def content(doc):
    return [doc.get(name, type=kind).to_py() for name, kind in ROOTS]


class Server:
    """A document behind a guard; every update of every editor must pass."""

    def __init__(self, editors):
        self.editors = editors
        self.doc = Doc(client_id=1)
        self.guard = Guard(owned={1}, root_type=root_type)
        self.seen = []

    def receive(self, sender, update):
        foreign = {editor.doc.client_id for editor in self.editors if editor is not sender and editor.online}
        verdict = self.guard.check(update, foreign)
        assert isinstance(verdict, Accepted), (verdict, update.hex())
        before = (self.doc.get_state(), self.doc.get_update())
        self.doc.apply_update(update)
        if not verdict.news:
            assert before == (self.doc.get_state(), self.doc.get_update())
        self.guard.commit(verdict)
        assert self.guard.state == state_of(self.doc)
        self.seen.append(update)
        for editor in self.editors:
            if editor is not sender and editor.online:
                editor.inbox.append(update)

    def sync(self, editor):
        """Both sync steps, in both directions."""
        editor.online = True
        editor.outbox.clear()
        self.receive(editor, editor.doc.get_update(self.doc.get_state()))
        editor.hear(self.doc.get_update(editor.doc.get_state()))


def state_of(doc):
    reader = Reader(doc.get_state())
    return {reader.uint(): reader.uint() for _ in range(reader.uint())}


def session(seed, steps=70):
    """Three editors with delays and offline times, who all agree with the server at the end."""
    rng = random.Random(seed)
    editors = [Editor(client, rng) for client in (2**31 + 5, 7, 2**32 + 77)]
    server = Server(editors)
    for _ in range(steps):
        editor = rng.choice(editors)
        roll = rng.random()
        if roll < 0.6:
            editor.edit()
        elif roll < 0.7:
            editor.online = False
            editor.inbox.clear()
        elif not editor.online and roll < 0.85:
            server.sync(editor)
        elif editor.online:
            while editor.outbox:
                server.receive(editor, editor.outbox.pop(0))
            for _ in range(rng.randrange(len(editor.inbox) + 1)):
                editor.hear(editor.inbox.popleft())
    for editor in editors:
        server.sync(editor)
    for editor in editors:
        editor.inbox.clear()
        server.sync(editor)
        assert content(editor.doc) == content(server.doc)
    return server


# ------------------------------------------------------------------------------------------ what honest clients do


@SEEDS
@given(st.integers(0, 2**32))
def test_everything_that_editors_send_in_order_is_accepted(seed):
    print("seed", seed)
    session(seed)


def own_updates(seed, edits=14):
    """Updates of three editors who hear one another now and then, in the order in which they were made."""
    rng = random.Random(seed)
    editors = [Editor(client, rng) for client in (5, 6, 7)]
    history = []
    for _ in range(edits):
        editor = rng.choice(editors)
        editor.edit()
        history += editor.outbox
        editor.outbox.clear()
        other = rng.choice(editors)
        if other is not editor:
            other.hear(editor.doc.get_update(other.doc.get_state()))
    return history


@SEEDS
@given(st.integers(0, 2**32))
def test_in_any_other_order_a_gap_is_exactly_what_yrs_would_keep_waiting(seed):
    print("seed", seed)
    history = own_updates(seed)
    whole = Doc(client_id=1)
    for update in history:
        whole.apply_update(update)
    left = list(history)
    random.Random(seed).shuffle(left)
    guard, doc = Guard(root_type=root_type), Doc(client_id=2)
    while left:
        again = []
        for update in left:
            probe = Doc(client_id=3)
            probe.apply_update(doc.get_update())
            probe.apply_update(update)
            verdict = guard.check(update)
            assert isinstance(verdict, Gap if waits(probe, update) else Accepted), (verdict, update.hex())
            if isinstance(verdict, Accepted):
                doc.apply_update(update)
                guard.commit(verdict)
            else:
                again.append(update)
        assert len(again) < len(left)
        left = again
    assert content(doc) == content(whole)
    assert guard.state == state_of(whole)


def waits(doc, update):
    """Whether yrs put a part of ``update`` aside, by the clocks that it reports after applying it."""
    state = state_of(doc)
    parsed = read(update)
    missing = any(section.end > state.get(section.client, 0) for section in parsed.sections)
    return missing or any(part.clock + part.length > state.get(part.client, 0) for part in parsed.deletes)


@SEEDS
@given(st.integers(0, 2**32))
def test_a_guard_that_learned_a_document_judges_like_the_one_that_saw_it_grow(seed):
    print("seed", seed)
    server = session(seed, steps=40)
    fresh = Guard(root_type=root_type)
    assert fresh.learn(server.doc.get_update()) is None
    assert fresh.state == server.guard.state
    replayed = Guard(root_type=root_type)
    for update in server.seen:
        assert replayed.learn(update) is None
    editor = Editor(99, random.Random(seed))
    editor.hear(server.doc.get_update())
    for _ in range(5):
        editor.edit()
    for update in editor.outbox:
        for guard in (fresh, replayed, server.guard):
            taken(guard, update)


def test_an_offline_editor_may_bring_nested_content_that_it_deleted_again():
    server, client = Doc(client_id=1), Doc(client_id=5)
    guard = Guard(owned={1})
    client.get("m", type=Map)["k"] = Map({"t": Text("long gone"), "a": Array([1, 2])})
    del client.get("m", type=Map)["k"]
    update = client.get_update(server.get_state())
    assert any(block.kind == 0 for block in read(update).sections[0].blocks)
    taken(guard, update)
    client.get("m", type=Map)["k"] = 1
    taken(guard, client.get_update(server.get_state()))
    assert isinstance(guard.check(client.get_update()), Accepted)


def test_an_update_that_is_known_already_is_no_news():
    doc = Doc(client_id=5)
    doc.get("t", type=Text).insert(0, "abcdef")
    del doc.get("t", type=Text)[1:3]
    guard = Guard()
    first = guard.check(doc.get_update())
    assert isinstance(first, Accepted)
    assert first.news
    assert first.clients == (5,)
    guard.commit(first)
    second = guard.check(doc.get_update())
    assert isinstance(second, Accepted)
    assert not second.news
    assert second.clients == ()
    del doc.get("t", type=Text)[1:2]
    third = guard.check(doc.get_update())
    assert isinstance(third, Accepted)
    assert third.news
    assert third.clients == ()


def test_the_empty_update_is_accepted_and_no_news():
    verdict = Guard().check(b"\x00\x00")
    assert isinstance(verdict, Accepted)
    assert not verdict.news


def test_deletions_that_overlap_in_any_way_are_news_only_where_they_are_new():
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    guard, gone = taken(Guard(), wire((9, 0, struct(text("x" * 200))))), set()
    for _ in range(400):
        clock = rng.randrange(190)
        length = rng.randrange(10)
        verdict = guard.check(wire(deletes=[(9, clock, length)]))
        assert isinstance(verdict, Accepted)
        assert verdict.news == bool(set(range(clock, clock + length)) - gone)
        guard.commit(verdict)
        gone |= set(range(clock, clock + length))


def test_a_partly_known_struct_brings_the_rest():
    guard = taken(Guard(), wire((9, 0, struct(text("abc")))), wire((9, 1, struct(text("bcde"), origin=(9, 0)))))
    assert guard.state == {9: 5}


# ------------------------------------------------------------------------------------------------------------ gaps


GAPS = {
    "a clock beyond the state": wire((9, 4, struct(text()))),
    "an unknown origin": wire((8, 0, struct(text(), origin=(9, 3)))),
    "an origin of an unknown client": wire((8, 0, struct(text(), origin=(77, 0)))),
    "an unknown right origin": wire((8, 0, struct(text(), right=(9, 3)))),
    "an unknown parent": wire((8, 0, struct(text(), parent=(9, 3)))),
    "a deletion beyond the state": wire(deletes=[(9, 2, 2)]),
    "a deletion of an unknown client": wire(deletes=[(77, 0, 1)]),
    "a ring": wire(
        (7, 0, struct(text(), origin=(8, 1)), struct(text())),
        (8, 0, struct(text(), origin=(7, 1)), struct(text())),
    ),
    "a chain whose end is unknown": wire(
        (6, 0, struct(text(), origin=(7, 0))),
        (7, 0, struct(text(), origin=(8, 0))),
        (8, 0, struct(text(), origin=(9, 3))),
    ),
    "clocks left out inside, unknown": wire((9, 0, b"\x0a\x05", struct(text()))),
    "clocks left out inside, known": wire((9, 0, b"\x0a\x03", struct(text()))),
    "a known struct with an unknown origin": wire((9, 0, struct(text(), origin=(77, 0)))),
}


@pytest.mark.parametrize("case", GAPS, ids=str)
def test_an_update_that_depends_on_something_unknown_is_a_gap(case):
    guard = taken(Guard(), wire((9, 0, struct(text("abc")))))
    assert isinstance(guard.check(GAPS[case]), Gap)
    assert guard.state == {9: 3}


def test_a_gap_names_the_first_clock_that_is_missing():
    guard = taken(Guard(), wire((9, 0, struct(text("abc")))))
    assert guard.check(wire((9, 7, struct(text())))) == Gap(9, 3)
    assert guard.check(GAPS["an unknown origin"]) == Gap(9, 3)
    assert guard.check(GAPS["an origin of an unknown client"]) == Gap(77, 0)
    assert guard.check(GAPS["a deletion beyond the state"]) == Gap(9, 3)


@pytest.mark.parametrize("order", [(6, 7, 8), (8, 7, 6), (7, 8, 6), (7, 6, 8)])
def test_what_the_same_update_brings_is_no_gap_in_any_order_of_clients(order):
    sections = {
        6: (6, 0, struct(text(), origin=(7, 1)), struct(NESTED, parent="m"), struct(text(), right=(8, 0))),
        7: (7, 0, struct(text("ab")), struct(text(), parent=(6, 1))),
        8: (8, 0, struct(text(), origin=(7, 0)), struct(text(), parent=(6, 1))),
    }
    update = wire(*(sections[client] for client in order), deletes=[(6, 2, 1), (8, 1, 1)])
    assert taken(Guard(), update).state == {6: 3, 7: 3, 8: 2}
    doc = Doc(client_id=1)
    doc.apply_update(update)
    assert state_of(doc) == {6: 3, 7: 3, 8: 2}


# ------------------------------------------------------------------------------------------------------ refusals


REFUSED = {
    "nothing": b"",
    "noise": b"\x01\x02\x03",
    "bytes behind the end": b"\x00\x00\x00",
    "its own future as origin": wire((9, 0, struct(text(), origin=(9, 5)))),
    "its own future as right origin": wire((9, 0, struct(text(), right=(9, 0)))),
    "itself as parent": wire((9, 0, struct(text(), parent=(9, 0)))),
    "text as a parent": wire((9, 0, struct(text()), struct(text(), parent=(9, 0)))),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_no_client_would_send_is_rejected_with_a_sentence(case):
    verdict = Guard().check(REFUSED[case])
    assert isinstance(verdict, Rejected)
    assert verdict.code == "malformed"
    assert verdict.reason[0].isupper()
    assert verdict.reason.endswith(".")


def test_known_text_as_a_parent_is_rejected():
    guard = taken(Guard(), wire((9, 0, struct(text("abc")))))
    assert isinstance(guard.check(wire((8, 0, struct(text(), parent=(9, 1))))), Rejected)


def test_something_deleted_or_gone_as_a_parent_is_accepted():
    guard = taken(Guard(), wire((9, 0, struct(DELETED), GONE)))
    taken(guard, wire((8, 0, struct(text(), parent=(9, 0)), struct(text(), parent=(9, 1)))))


def test_an_update_beyond_a_limit_is_rejected():
    small = wire((9, 0, struct(text("abc"))))
    assert isinstance(Guard(Limits(size=len(small))).check(small), Accepted)
    assert isinstance(Guard(Limits(size=len(small) - 1)).check(small), Rejected)
    assert isinstance(Guard(Limits(length=2)).check(small), Rejected)
    assert isinstance(Guard().check(b"\x00" * (4 * 1024 * 1024 + 1)), Rejected)


def test_shared_types_nested_one_update_each_are_counted():
    *fit, deep = chain(9)
    guard = taken(Guard(), *fit)
    verdict = guard.check(deep)
    assert isinstance(verdict, Rejected)
    assert verdict.code == "nesting"
    taken(guard, wire((9, 8, struct(text("as text it fits"), parent=(9, 7)))))
    by_origin = wire((9, 23, struct(NESTED, origin=(9, 10))))
    assert isinstance(guard.check(by_origin), Rejected)
    assert isinstance(guard.check(wire((9, 23, struct(NESTED, right=(9, 10))))), Rejected)


def test_shared_types_nested_in_one_update_are_counted():
    structs = [struct(NESTED), *(struct(NESTED, parent=(9, clock)) for clock in range(8))]
    taken(Guard(), wire((9, 0, *structs[:8])))
    assert isinstance(Guard().check(wire((9, 0, *structs))), Rejected)


def test_shared_types_nested_by_many_clients_are_counted():
    sections = [(100, 0, struct(NESTED))]
    sections += [(client, 0, struct(NESTED, parent=(client - 1, 0))) for client in range(101, 109)]
    random.Random(3).shuffle(sections)
    verdict = Guard().check(wire(*sections))
    assert isinstance(verdict, Rejected)
    assert verdict.code == "nesting"


def test_an_origin_in_a_flat_place_does_not_hide_a_deep_right_origin():
    guard = taken(Guard(), *chain(8), wire((9, 8, struct(text(), parent=(9, 7)))), wire((8, 0, struct(text()))))
    verdict = guard.check(wire((8, 1, struct(NESTED, origin=(8, 0), right=(9, 8)))))
    assert isinstance(verdict, Rejected)


def test_what_lies_inside_something_gone_has_no_depth():
    guard = taken(Guard(), wire((9, 0, GONE)))
    for clock in range(1, 30):
        taken(guard, wire((9, clock, struct(NESTED, parent=(9, clock - 1)))))


def keyed(content, parent, key="k"):
    """As ``struct``, under a key of its parent."""
    plain = struct(content, parent)
    out = bytearray(plain[: len(plain) - len(content) + 1])
    out[0] |= 32
    write_string(out, key)
    return bytes(out) + content[1:]


ANYTHING = b"\x08\x01\x7e"
FORMAT = b"\x06\x01b\x04true"


@pytest.mark.parametrize(
    "misplaced",
    [
        struct(text(), "array"),
        struct(FORMAT, "array"),
        struct(ANYTHING, "text"),
        struct(ANYTHING, "map"),
        keyed(FORMAT, "map"),
        keyed(text(), "map"),
    ],
    ids=["text-in-array", "format-in-array", "value-in-text", "value-in-map", "format", "text"],
)
def test_content_that_would_make_reading_fail_or_never_end_is_rejected(misplaced):
    assert isinstance(Guard(root_type=root_type).check(wire((9, 0, misplaced))), Rejected)


def test_text_in_a_nested_array_is_rejected_by_parent_and_by_neighbour():
    guard = taken(Guard(), wire((9, 0, struct(b"\x07\x00"), struct(ANYTHING, parent=(9, 0)))))
    assert isinstance(guard.check(wire((9, 2, struct(text(), parent=(9, 0))))), Rejected)
    assert isinstance(guard.check(wire((9, 2, struct(text(), origin=(9, 1))))), Rejected)
    assert isinstance(guard.check(wire((9, 2, struct(text(), right=(9, 1))))), Rejected)


def test_a_value_of_a_key_with_something_to_its_right_is_rejected():
    guard = taken(Guard(root_type=root_type), wire((9, 0, keyed(ANYTHING, "map"))))
    taken(guard, wire((9, 1, struct(ANYTHING, origin=(9, 0)))))
    assert isinstance(guard.check(wire((9, 2, struct(ANYTHING, right=(9, 0))))), Rejected)


def test_a_struct_between_two_in_different_places_is_rejected():
    guard = taken(Guard(root_type=root_type), wire((9, 0, struct(text(), "text"), struct(ANYTHING, "array"))))
    for left, right in (((9, 0), (9, 1)), ((9, 1), (9, 0))):
        assert isinstance(guard.check(wire((9, 2, struct(DELETED, origin=left, right=right)))), Rejected)


def test_a_partly_known_struct_that_lies_elsewhere_is_rejected():
    guard = taken(Guard(root_type=root_type), wire((9, 0, struct(text("abc"), "text"))))
    two = struct(b"\x08\x02\x7e\x7e", "array")
    assert isinstance(guard.check(wire((9, 2, two))), Rejected)


CUTS = {
    "an origin": wire((8, 0, struct(text(), origin=(9, 1)))),
    "a right origin": wire((8, 0, struct(text(), right=(9, 2)))),
    "a deletion of the first half": wire(deletes=[(9, 0, 2)]),
    "a deletion of the second half": wire(deletes=[(9, 2, 2)]),
}


@pytest.mark.parametrize("case", CUTS, ids=str)
def test_an_edit_inside_a_character_is_rejected(case):
    update = wire((9, 0, struct(text("a😀b"))))
    verdict = taken(Guard(), update).check(CUTS[case])
    assert isinstance(verdict, Rejected)
    assert verdict.code == "character"
    learned = Guard()
    learned.learn(update)
    assert isinstance(learned.check(CUTS[case]), Rejected)


def test_an_edit_beside_a_character_is_accepted():
    guard = taken(Guard(), wire((9, 0, struct(text("a😀b")))))
    taken(guard, wire((8, 0, struct(text(), origin=(9, 0), right=(9, 1)), struct(text(), origin=(9, 2)))))
    taken(guard, wire(deletes=[(9, 1, 2)]), wire(deletes=[(9, 0, 4)]))


def test_a_partly_known_struct_that_is_known_to_the_middle_of_a_character_is_rejected():
    guard = taken(Guard(), wire((9, 0, struct(text("ab")))))
    assert isinstance(guard.check(wire((9, 0, struct(text("a😀"))))), Rejected)


def test_nobody_writes_in_the_servers_name_but_the_server():
    guard = Guard(owned={1})
    edit = wire((1, 0, struct(text("server"))))
    verdict = guard.check(edit)
    assert isinstance(verdict, Rejected)
    assert verdict.code == "owned"
    assert guard.learn(edit) is None
    again = guard.check(edit)
    assert isinstance(again, Accepted)
    assert not again.news
    assert isinstance(guard.check(wire((1, 6, GONE))), Rejected)
    taken(guard, wire((9, 0, struct(text(), origin=(1, 3))), deletes=[(1, 0, 2)]))


@pytest.mark.parametrize("new", [struct(text()), GONE], ids=["text", "gone"])
def test_new_structs_of_an_id_that_another_connection_holds_are_rejected_and_can_be_cut(new):
    guard = taken(Guard(), wire((7, 0, struct(text("abc")))))
    update = wire((7, 3, new), (8, 0, struct(text())), deletes=[(7, 1, 3)])
    verdict = guard.check(update, foreign={7, 9})
    assert isinstance(verdict, Rejected)
    assert (verdict.code, verdict.clients) == ("foreign", (7,))
    rest = guard.without(update, verdict.clients)
    accepted = guard.check(rest, foreign={7, 9})
    assert isinstance(accepted, Accepted)
    assert accepted.clients == (8,)
    assert [(delete.clock, delete.length) for delete in accepted.deletes] == [(1, 2)]
    assert isinstance(guard.check(update, foreign={9}), Accepted)


def test_known_structs_of_an_id_that_another_connection_holds_are_accepted():
    update = wire((7, 0, struct(text("abc"))))
    guard = taken(Guard(), update)
    assert isinstance(guard.check(update, foreign={7}), Accepted)


def test_cutting_malformed_bytes_gives_them_back():
    assert Guard().without(b"\x05", {7}) == b"\x05"


# ----------------------------------------------------------------------------------------------------- bookkeeping


def test_a_check_changes_nothing():
    guard = taken(Guard(), wire((9, 0, struct(text("abc")))))
    edit = wire((9, 3, struct(NESTED, origin=(9, 2))), deletes=[(9, 0, 1)])
    assert [type(guard.check(edit)) for _ in range(3)] == [Accepted] * 3
    assert guard.state == {9: 3}


def test_commits_out_of_order_are_an_error():
    guard = Guard()
    verdict = guard.check(wire((9, 0, struct(text("abc")))))
    assert isinstance(verdict, Accepted)
    guard.commit(verdict)
    with pytest.raises(ValueError, match="out of order"):
        guard.commit(verdict)


def test_learning_takes_what_a_client_may_not_send_and_refuses_what_is_no_update():
    guard = Guard(Limits(size=10, structs=1, nesting=1), owned={9})
    for update in chain(100):
        assert guard.learn(update) is None
    assert guard.state == {9: 100}
    assert guard.learn(wire((9, 200, struct(text())))) == Gap(9, 100)
    with pytest.raises(Malformed):
        guard.learn(b"\x07")


@pytest.mark.parametrize("nesting", [0, 126, 1000])
def test_a_nesting_limit_that_cannot_be_kept_is_refused(nesting):
    with pytest.raises(ValueError, match="nesting"):
        Guard(Limits(nesting=nesting))


def test_long_typed_text_costs_next_to_nothing():
    guard = Guard()
    taken(guard, wire((9, 0, struct(text()))))
    for clock in range(1, 3000):
        taken(guard, wire((9, clock, struct(text(), origin=(9, clock - 1)))))
    assert len(guard._known[9].starts) == 1


def test_many_sections_that_wait_for_one_another_are_judged_quickly():
    """Each of 3,000 sections waits for a clock of one that itself waits as often."""
    many = 3000
    first = (1, 0, *(struct(text(), origin=(2, clock)) for clock in range(many)))
    second = (2, 0, struct(text()), *(struct(text(), origin=(1, clock)) for clock in range(many)))
    rest = [(client + 10, 0, struct(text(), origin=(1, client))) for client in range(many)]
    update = wire(*rest, first, second)
    assert taken(Guard(), update).state[1] == many
