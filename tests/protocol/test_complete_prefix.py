"""What of an update with a gap may be applied: the complete prefix. SPEC.md S-3."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, merge_updates

from protocol.guard import Accepted, Gap, Guard
from protocol.update import SKIP, read
from tests.protocol.test_guard import (
    GONE,
    ROOTS,
    SEEDS,
    content,
    own_updates,
    root_type,
    state_of,
    struct,
    taken,
    text,
    wire,
)

pytestmark = pytest.mark.pure

seeds = given(st.integers(0, 2**32))


def replica(*updates: bytes) -> Doc:
    doc: Doc = Doc(client_id=2)
    for name, kind in ROOTS:
        doc.get(name, type=kind)
    for update in updates:
        doc.apply_update(update)
    return doc


def lossy(seed: int) -> tuple[list[bytes], bytes]:
    """Everything that some editors sent, in order, and a part of it as one update: in most cases with gaps."""
    print("seed", seed)
    rng = random.Random(seed)
    history = own_updates(seed)
    return history, merge_updates(*[update for update in history if rng.random() < 0.8] or history[:1])


def reachable(update: bytes) -> dict[int, int]:
    """The clocks of an update that depend on nothing outside of it, found the slow and plain way. (yrs itself is no
    judge: of updates with gaps it now and then takes structs whose origin it never saw.)"""
    state: dict[int, int] = {}
    moved = True
    while moved:
        moved = False
        for section in read(update).sections:
            for block in section.blocks:
                end = state.get(block.client, 0)
                needs = [each for each in (block.origin, block.right, block.parent) if isinstance(each, tuple)]
                ready = all(clock < state.get(client, 0) for client, clock in needs if client != block.client)
                if block.clock > end or block.kind == SKIP or not ready:
                    break
                if block.clock + block.length > end:
                    state[block.client] = block.clock + block.length
                    moved = True
    return state


@SEEDS
@seeds
def test_a_complete_prefix_leaves_nothing_waiting_in_yrs_and_no_more_could_be_taken(seed: int) -> None:
    _, update = lossy(seed)
    guard = Guard(root_type=root_type)
    prefix = guard.complete(update)[0]
    taken(guard, prefix)
    doc = replica(prefix)
    assert state_of(doc) == guard.state == reachable(update)
    again = Doc(client_id=3)
    again.apply_update(doc.get_update())  # what waits would not be in here
    assert state_of(again) == guard.state
    assert content(doc) == content(again)


@SEEDS
@seeds
def test_upon_a_prefix_the_rest_fits_and_the_content_is_that_of_everybody(seed: int) -> None:
    history, update = lossy(seed)
    guard = Guard(root_type=root_type)
    prefix = guard.complete(update)[0]
    taken(guard, prefix)
    doc = replica(prefix)
    for piece in [*history, update]:
        part = guard.complete(piece)[0]
        assert part == piece or any(section.skips for section in read(piece).sections)
        taken(guard, part)
        doc.apply_update(part)
    assert content(doc) == content(replica(*history))
    assert state_of(doc) == guard.state


@SEEDS
@seeds
def test_the_prefix_of_a_complete_update_is_itself(seed: int) -> None:
    history, update = lossy(seed)
    guard = Guard(root_type=root_type)
    for piece in history:
        assert guard.complete(piece) == (piece, True)
        taken(guard, piece)
    whole = merge_updates(*history)
    assert Guard(root_type=root_type).complete(whole) == (whole, True)
    empty = Guard(root_type=root_type)
    once = empty.complete(update)[0]
    assert empty.complete(once) == (once, True)


def test_what_a_prefix_holds() -> None:
    guard = taken(Guard(), wire((9, 0, struct(text("abc")))))
    update = wire(
        (8, 0, struct(text("x")), struct(text("lost"), origin=(77, 0)), struct(text("y"), origin=(8, 0))),
        (9, 0, b"\x0a\x02", struct(text("c"), origin=(9, 1)), struct(text("d"), origin=(9, 2)), b"\x0a\x01", GONE),
        (77, 1, struct(text())),
        deletes=[(8, 0, 3), (9, 1, 1), (77, 0, 5)],
    )
    assert isinstance(guard.check(update), Gap)
    wanted = wire(
        (8, 0, struct(text("x"))),
        (9, 2, struct(text("c"), origin=(9, 1)), struct(text("d"), origin=(9, 2))),
        deletes=[(8, 0, 1), (9, 1, 1)],
    )
    assert guard.complete(update) == (wanted, False)


def test_clocks_left_out_that_are_known_leave_nothing_out() -> None:
    guard = taken(Guard(), wire((9, 0, struct(text("abc")))))
    rest = struct(text("d"), origin=(9, 2))
    assert guard.complete(wire((9, 0, struct(text("a")), b"\x0a\x02", rest))) == (wire((9, 3, rest)), True)


def test_the_prefix_of_what_depends_on_nothing_known_is_empty() -> None:
    guard = Guard()
    prefix, whole = guard.complete(wire((9, 4, struct(text())), deletes=[(8, 0, 1)]))
    assert not whole
    assert prefix == b"\x00\x00"
    verdict = guard.check(prefix)
    assert isinstance(verdict, Accepted)
    assert not verdict.news


def test_malformed_bytes_stay_as_they_are() -> None:
    assert Guard().complete(b"\x05") == (b"\x05", True)
    misplaced = wire((9, 0, struct(text(), parent=(9, 0))))
    assert Guard().complete(misplaced) == (misplaced, True)
