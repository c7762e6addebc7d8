"""Which session holds which id. SPEC.md S-10."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.holders import MOST, Holders

pytestmark = pytest.mark.pure


def holders(*sessions: str) -> Holders:
    made = Holders()
    for session in sessions:
        made.joined(session)
    return made


def test_the_first_that_brings_edits_of_an_id_holds_it_until_it_goes() -> None:
    made = holders("one", "two")
    made.brought("one", (7, 8))
    made.brought("two", (8, 9))
    assert [made.holder(client) for client in (7, 8, 9, 10)] == ["one", "one", "two", None]
    assert 8 in made.foreign_to("two")
    assert 8 not in made.foreign_to("one")
    assert 10 not in made.foreign_to("one")
    assert (7 in made.held_by("one"), 9 in made.held_by("one"), 9 in made.held_by("nobody")) == (
        True,
        False,
        False,
    )
    assert made.left("one") == ()
    assert 8 not in made.foreign_to("two")


def test_who_shows_itself_takes_an_id_from_a_carrier_but_not_from_who_shows_itself() -> None:
    made = holders("carrier", "one", "two")
    made.brought("carrier", (7,))
    assert made.shows("one", 7) is None
    assert made.holder(7) == "one"
    assert made.shows("two", 7) == "one"
    assert made.shows("one", 7) is None
    assert made.holder(7) == "one"
    assert made.left("carrier") == ()
    assert made.holder(7) == "one"


def test_who_only_carried_edits_in_an_answer_keeps_nobody_from_going_on_under_his_own_id() -> None:
    made = holders("carrier", "one", "two")
    made.brought("carrier", (7,), answer=True)
    assert 7 not in made.foreign_to("one")
    made.brought("one", (7,), answer=True)
    assert made.holder(7) == "one"
    made.brought("one", (7,))
    assert 7 in made.foreign_to("carrier")
    made.brought("one", (7,), answer=True)  # what it wrote it does not come to carry only
    made.brought("two", (7,))
    assert made.holder(7) == "one"
    made.brought("carrier", (8,), answer=True)
    assert made.shows("two", 8) is None
    assert 8 in made.foreign_to("carrier")


def test_a_sender_is_told_once_an_id_and_asked_when_the_id_is_free() -> None:
    made = holders("one", "two", "three")
    made.brought("one", (7, 8))
    assert made.cut("two", (7,))
    assert not made.cut("two", (7,))
    assert made.cut("two", (7, 8))
    assert made.cut("three", (8,))
    assert made.left("three") == ()
    assert made.left("one") == ("two",)
    assert made.left("one") == ()


def test_who_has_left_holds_nothing_any_more() -> None:
    made = holders("one")
    made.left("one")
    made.brought("one", (7,))
    assert made.shows("one", 8) is None
    assert len(made) == 0


def test_a_session_holds_a_bounded_number_of_ids() -> None:
    made = holders("one")
    made.brought("one", range(2 * MOST))
    assert len(made) == MOST


@given(st.integers(0, 2**32))
def test_whatever_happens_an_id_has_one_live_holder_and_nothing_stays_behind(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    made, live = Holders(), set[str]()
    for _ in range(80):
        session, client = f"s{rng.randrange(4)}", rng.randrange(5)
        match rng.randrange(6):
            case 0:
                made.joined(session)
                live.add(session)
            case 1:
                made.brought(session, (client,))
            case 5:
                made.brought(session, (client,), answer=True)
            case 2:
                made.shows(session, client)
            case 3:
                made.cut(session, (client,))
            case _:
                for asked in made.left(session):
                    assert asked != session
                live.discard(session)
        for client in range(5):
            holder = made.holder(client)
            assert holder is None or holder in live
            assert [each for each in live if client in made.held_by(each)] == ([holder] if holder else [])
            assert {each for each in live if client in made.foreign_to(each)} == (
                live - {holder} if holder and client not in made._carried else set()
            )
    for n in range(4):
        made.left(f"s{n}")
    assert len(made) == 0
    assert not any((made._waiting, made._told, made._shown, made._held, made._carried))
