"""Whatever the guard lets through, yrs must take: no crash, no panic, no error, no endless loop, no other state.

Accepted bytes are applied in a forked child, many sessions a fork, so that a crash fails the test, not the runner.
"""

import json
import os
import random
import signal
import traceback
from pathlib import Path

import pytest
from pycrdt import Array, Doc, Map, Text, merge_updates

from protocol.guard import Accepted, Gap, Guard, Limits, Rejected
from protocol.lib0 import Reader, write_any, write_string, write_uint
from protocol.update import ARRAY, MAP, TEXT

pytestmark = pytest.mark.pure

ROOTS = (("text", Text), ("array", Array), ("map", Map), ("other", Text))
CLIENTS = (3, 7, 300, 2**32 + 5, 2**53 - 1)
PATIENCE = 20  # seconds for one child
FIRST = int(os.environ.get("GANIMEDE_SEED", "0"))  # of the seeds, for another run than everybody's


# ------------------------------------------------------------------------------------------ real updates, mutated


def real_updates(rng):
    """Every kind of update that pycrdt writes, of two writers, in causal order."""
    docs = [Doc(client_id=client) for client in rng.sample(CLIENTS, 2)]
    history = []
    for _ in range(rng.randrange(4, 12)):
        writer = rng.choice(docs)
        before = writer.get_state()
        text, array, root = (writer.get(name, type=kind) for name, kind in ROOTS[:3])
        change = rng.randrange(9)
        if change == 0:
            text.insert(0, rng.choice(("plain words", "wörter", "😀😀")))
        elif change == 1:
            text += "more"
            text.format(0, 1, {"bold": True})
        elif change == 2:
            text.insert_embed(0, {"image": [1, None]})
        elif change == 3:
            array.extend([1, 2.5, None, "x", b"\x00", {"deep": [[1]]}])
        elif change == 4:
            array.insert(0, Map({"t": Text("nested"), "a": Array([1, Array([])])}))
        elif change == 5 and len(array):
            del array[0]
        elif change == 6:
            root["k"] = Map({"t": Text("abc")})
        elif change == 7 and "k" in root:
            del root["k"]
        elif str(text).isascii() and len(str(text)) > 2:
            del text[1:2]
        history.append(writer.get_update(before))
        if rng.random() < 0.5:
            for doc in docs:
                if doc is not writer:
                    doc.apply_update(writer.get_update(doc.get_state()))
                    history.append(writer.get_update())
    return history


def recorded():
    """Sessions of real yjs documents: what was sent, in order, and sync answers, some of them with gaps
    (tests/conformance/node/record_updates.mjs)."""
    text = (Path(__file__).parent / "yjs_updates.json").read_text()
    return [
        ([bytes.fromhex(each) for each in one["sent"]], [bytes.fromhex(each) for each in one["answers"]])
        for one in json.loads(text)
    ]


def mutated(rng, update, others):
    """A few edits of the bytes, mostly by values that mean something."""
    out = bytearray(update)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(out) + 1)
        roll = rng.random()
        if roll < 0.5 and at < len(out):
            out[at] = rng.choice(
                (0, 1, 2, 3, 4, 5, 7, 8, 0x28, 0x44, 0x84, 0xC4, 127, out[at] ^ 1 << rng.randrange(8))
            )
        elif roll < 0.65:
            out[at:at] = bytes(
                rng.choice((0, 1, 4, 9, 0x7F, rng.randrange(256))) for _ in range(rng.randrange(1, 4))
            )
        elif roll < 0.8:
            del out[at : at + rng.randrange(1, 4)]
        else:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            out[at : at + rng.randrange(8)] = other[start : start + rng.randrange(1, 20)]
    return bytes(out)


# ------------------------------------------------------------------------------------ updates made up, well formed


def made_up(rng, state):
    """Well-formed structs whose origins, parents, kinds and deletions are anything that exists, or nearly."""
    clocks = dict(state)
    out = bytearray()
    clients = rng.sample(CLIENTS, rng.choice((1, 1, 1, 2, 3)))
    write_uint(out, len(clients))
    for client in clients:
        count = rng.choice((1, 1, 2, 3, 6))
        clock = clocks.get(client, 0)
        overlap = rng.randrange(clock + 1) if rng.random() < 0.2 else 0
        write_uint(out, count)
        write_uint(out, client)
        write_uint(out, clock - overlap)
        clock -= overlap
        for _ in range(count):
            clock += struct(rng, out, clocks)
            clocks[client] = max(clock, clocks.get(client, 0))
    some = [client for client in clocks if rng.random() < 0.3]
    write_uint(out, len(some))
    for client in some:
        write_uint(out, client)
        ranges = rng.randrange(3)
        write_uint(out, ranges)
        for _ in range(ranges):
            start = rng.randrange(clocks[client] + 1)
            write_uint(out, start)
            write_uint(out, rng.randrange(clocks[client] - start + 1))
    return bytes(out)


def struct(rng, out, clocks):
    """Appends one struct; its length in clocks."""
    kind = rng.choice((0, 1, 3, 4, 4, 4, 5, 6, 7, 7, 7, 8, 8))
    if kind == 0:
        out += b"\x00\x02"
        return 2
    ids = [(client, rng.randrange(end)) for client, end in clocks.items() if end]
    flags = rng.choice((0, 0, 0, 32, 32, 64, 128, 192)) if ids else rng.choice((0, 32))
    out.append(kind | flags)
    for flag in (128, 64):
        if flags & flag:
            for number in rng.choice(ids):
                write_uint(out, number)
    if not flags & 192:
        if ids and rng.random() < 0.6:
            for number in (0, *rng.choice(ids)):
                write_uint(out, number)
        else:
            out.append(1)
            write_string(out, rng.choice(ROOTS)[0])
        if flags & 32:
            write_string(out, rng.choice(("k", "a", "")))
    return content(rng, out, kind)


def content(rng, out, kind):
    if kind == 1:
        out.append(3)
        return 3
    if kind == 3:
        write_string(out, "bytes")
    elif kind == 4:
        text = rng.choice(("x", "abc", "é", "😀", "a😀b"))
        write_string(out, text)
        return len(text.encode("utf-16-le")) // 2
    elif kind == 5:
        write_string(out, json.dumps(rng.choice((None, 1, {"a": 1}, [], "x"))))
    elif kind == 6:
        write_string(out, "bold")
        write_string(out, rng.choice(("true", "null", '"red"', "1.5")))
    elif kind == 7:
        out.append(rng.randrange(3))
    else:
        out.append(2)
        write_any(out, rng.choice((1, None, "x", {"a": [1]})))
        write_any(out, 2.5)
        return 2
    return 1


RECORDED = recorded()


# ------------------------------------------------------------------------------------------------------- sessions


def session(seed, tries=60):
    """Updates that the guard accepted one after another, and the state that it then expects.

    Each is offered as it is and mutated; alone, and merged with others; as an update, which is taken whole or not at
    all, and as a sync answer, of which the complete prefix is taken."""
    rng = random.Random(seed)
    types = {name: {Array: ARRAY, Map: MAP, Text: TEXT}[kind] for name, kind in ROOTS}
    guard = Guard(Limits(nesting=5), root_type=types.get)
    history, answers = rng.choice(RECORDED) if seed % 2 else (real_updates(rng), [])
    accepted = []
    for update in history:
        offers = [mutated(rng, update, history) for _ in range(tries // 12)]
        offers += [made_up(rng, guard.state) for _ in range(3)]
        offers += [mutated(rng, made_up(rng, guard.state), history)]
        offers.insert(rng.randrange(len(offers)), update)
        if rng.random() < 0.3:
            together = merge_updates(*rng.sample(history, rng.randrange(1, len(history) + 1)))
            offers += [together, mutated(rng, together, history)]
            offers += [mutated(rng, answer, history) for answer in answers]
        for offer in offers:
            offer = judged(guard, offer, answer=rng.random() < 0.5)
            if offer is not None:
                accepted.append((offer, guard.state))
    return accepted


def judged(guard, offer, answer):
    """What of an offer is to be applied, None if nothing; the guard takes it over."""
    verdict = guard.check(offer)
    if isinstance(verdict, Gap) and answer:
        offer, _ = guard.complete(offer)
        verdict = guard.check(offer)
        assert not isinstance(verdict, Gap), offer.hex()
    if isinstance(verdict, Rejected):
        assert verdict.reason
    if not isinstance(verdict, Accepted):
        return None
    guard.commit(verdict)
    return offer


def apply(accepted):
    """In the child: every update must apply and leave exactly the state that the guard expects."""
    doc = Doc(client_id=1)
    for update, expected in accepted:
        doc.apply_update(update)
        reader = Reader(doc.get_state())
        state = {reader.uint(): reader.uint() for _ in range(reader.uint())}
        assert state == expected, f"{state} is not {expected} after {update.hex()}"
    copy = Doc(client_id=2)
    copy.apply_update(doc.get_update())
    for name, kind in ROOTS:
        for place in (doc, copy):
            read_back(place.get(name, type=kind))


def read_back(shared):
    if isinstance(shared, Text):
        str(shared)
        shared.diff()
    elif isinstance(shared, Map):
        for key in list(shared.keys()):
            read_back(shared[key])
    elif isinstance(shared, Array):
        for value in shared:
            read_back(value)


def in_child(work):
    """Run ``work`` in a fork. What went wrong there, or an empty string."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        report = b""
        try:
            os.close(readable)
            signal.alarm(PATIENCE)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # panics print there
            work()
        except BaseException:
            report = traceback.format_exc().encode()[-4000:]
        os.write(writable, report)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        report = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    return report or (f"the child died: {status}" if status else "")


def failing(seeds):
    """The first seed whose accepted updates yrs does not take, and why."""
    sessions = {seed: session(seed) for seed in seeds}
    if not in_child(lambda: [apply(accepted) for accepted in sessions.values()]):
        return "", sessions
    for seed, accepted in sessions.items():
        if report := in_child(lambda accepted=accepted: apply(accepted)):
            return f"seed {seed}: {report}\n{[update.hex() for update, _ in accepted]}", sessions
    return "only all of them together fail", sessions


@pytest.mark.parametrize("kind", [8, 5], ids=["a value", "an embed"])
def test_yrs_takes_values_as_deep_as_the_guard_lets_them_be(kind):
    depth = Limits().depth
    out = bytearray(b"\x01\x01\x09\x00")
    out += bytes((kind, 1))
    write_string(out, "array" if kind == 8 else "text")
    if kind == 8:
        out += b"\x01" + (b"\x75\x01" + b"\x76\x01\x01k") * (depth // 2) + b"\x7e"
    else:
        write_string(out, "[" * depth + "]" * depth)
    update = bytes(out) + b"\x00"
    types = {"text": TEXT, "array": ARRAY}
    assert isinstance(Guard(root_type=types.get).check(update), Accepted)
    assert not in_child(lambda: apply([(update, {9: 1})]))


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_yrs_takes_whatever_the_guard_accepts(start):
    print("seeds from", FIRST + start)
    report, sessions = failing(range(FIRST + start, FIRST + start + 100))
    assert not report
    assert sum(len(accepted) for accepted in sessions.values()) > 1000


def test_what_yjs_sends_is_accepted():
    types = {"text": TEXT, "array": ARRAY, "map": MAP}
    kinds = set()
    for sent, answers in RECORDED:
        guard = Guard(root_type=types.get)
        accepted = []
        for update in sent:
            verdict = guard.check(update)
            assert isinstance(verdict, Accepted), (verdict, update.hex())
            guard.commit(verdict)
            accepted.append((update, guard.state))
        for answer in answers:
            behind = Guard(root_type=types.get)
            prefix, whole = behind.complete(answer)
            assert isinstance(behind.check(prefix), Accepted)
            kinds.add(whole)
        assert not in_child(lambda accepted=accepted: apply(accepted))
    assert kinds == {True, False}  # some of the answers have gaps
