"""When a connection is asked for all that it has. SPEC.md S-3, S-11."""

from __future__ import annotations

from math import inf

import pytest

from protocol.sync_requests import LONGEST, PATIENCE, PAUSE, PROOF, SyncRequests

pytestmark = pytest.mark.pure


@pytest.fixture
def requests() -> SyncRequests:
    made = SyncRequests()
    made.asked("s", 0)
    return made


def test_one_request_is_outstanding_at_a_time(requests: SyncRequests) -> None:
    assert not requests.ask("s", 0)
    assert not requests.ask("s", 5)
    requests.answered("s", True, 5)
    assert requests.ask("s", 5)
    assert not requests.ask("s", 6)


def test_between_two_requests_is_a_pause_after_which_the_second_goes_out_by_itself(requests: SyncRequests) -> None:
    requests.answered("s", True, 0)
    assert requests.ask("s", 0)
    requests.answered("s", True, 0.1)
    assert not requests.ask("s", 0.2)
    assert requests.due == PAUSE
    assert requests.tick(PAUSE / 2) == ([], [])
    assert requests.tick(PAUSE) == (["s"], [])
    assert requests.due == inf
    assert not requests.ask("s", 99)


def test_what_an_answer_lacked_is_asked_for_less_and_less_often(requests: SyncRequests) -> None:
    now = 0.0
    pauses = []
    for _ in range(10):
        requests.answered("s", False, now)
        pauses.append(requests.due - now)
        now = requests.due
        assert requests.tick(now) == (["s"], [])
    assert pauses[:3] == [PAUSE, 2 * PAUSE, 4 * PAUSE]
    assert pauses[-1] == LONGEST
    requests.answered("s", True, now)
    assert requests.tick(now + 1000) == ([], [])


def test_a_request_that_nobody_answers_is_overdue(requests: SyncRequests) -> None:
    assert not requests.overdue("s", PATIENCE - 1)
    assert requests.overdue("s", PATIENCE)
    requests.answered("s", True, PATIENCE)
    assert not requests.overdue("s", 10 * PATIENCE)
    assert not requests.overdue("nobody", inf)


def test_who_is_to_prove_that_it_lives_and_says_nothing_is_gone(requests: SyncRequests) -> None:
    requests.answered("s", True, 1)
    assert requests.prove("s", 10)
    assert not requests.prove("s", 12)
    assert requests.due == 10 + PROOF
    assert requests.tick(10 + PROOF) == ([], ["s"])
    requests.left("s")
    assert requests.tick(1000) == ([], [])


def test_a_request_that_is_outstanding_already_serves_as_the_question(requests: SyncRequests) -> None:
    assert not requests.prove("s", 3)
    assert requests.tick(3 + PROOF) == ([], ["s"])


def test_whatever_it_says_proves_that_it_lives(requests: SyncRequests) -> None:
    requests.answered("s", True, 1)
    assert requests.prove("s", 10)
    requests.heard("s", 11)
    assert requests.tick(1000) == ([], [])
    assert not requests.prove("s", 1000)  # the request is still outstanding
    requests.heard("s", 1001)
    requests.answered("s", True, 1001)
    assert requests.tick(2000) == ([], [])


def test_nobody_can_have_a_client_asked_all_the_time(requests: SyncRequests) -> None:
    requests.answered("s", True, 0)
    sent = 0
    for step in range(1000):
        now = step / 100
        if requests.prove("s", now):
            sent += 1
        ask, gone = requests.tick(now)
        sent += len(ask)
        assert gone == []
        requests.heard("s", now)
        requests.answered("s", True, now)
    assert sent <= 10 / PAUSE + 1
