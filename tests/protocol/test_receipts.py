"""S-14, S-15: what a client is told of its updates is true of each of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.receipts import Receipts


def answered(receipts: Receipts, number: int = 1) -> None:
    receipts.follow("a")
    receipts.handle("a", number, answer=True)


def test_updates_of_a_durable_batch_are_acknowledged_once() -> None:
    receipts = Receipts()
    answered(receipts)
    receipts.handle("a", 2, answer=False)
    assert receipts.end(durable=True) == [("a", 2)]
    assert receipts.end(durable=True) == []


def test_nothing_is_acknowledged_between_a_question_and_its_answer() -> None:
    receipts = Receipts()
    answered(receipts)
    receipts.end(durable=True)
    receipts.ask("a")  # update 2 was lost on the way
    receipts.handle("a", 3, answer=False)
    assert receipts.end(durable=True) == []
    receipts.handle("a", 4, answer=True)
    assert receipts.end(durable=True) == [("a", 4)]


def test_a_new_hub_acknowledges_nothing_before_it_was_answered() -> None:
    receipts = Receipts()
    receipts.follow("a")
    receipts.handle("a", 7, answer=False)
    assert receipts.end(durable=True) == []


def test_a_batch_that_is_not_durable_is_acknowledged_when_it_is() -> None:
    receipts = Receipts()
    answered(receipts)
    assert receipts.end(durable=False) == []
    receipts.handle("a", 2, answer=False)  # in a batch that is open: nothing is known of it yet
    assert receipts.settle() == [("a", 1)]
    assert receipts.settle() == []


def test_the_file_holds_what_was_handled_before_it_was_written() -> None:
    receipts = Receipts()
    answered(receipts)
    receipts.end(durable=True)
    written = receipts.batch
    receipts.handle("a", 2, answer=False)
    receipts.end(durable=True)
    assert receipts.file(written) == [("a", 1)]
    assert receipts.file(written) == []
    assert receipts.file(receipts.batch) == [("a", 2)]


def test_what_the_file_says_and_the_journal_lacks_is_told_once_both_have_it() -> None:
    """Found by simulation: after a crash the journal is believed, and with it the edit had gone from the file."""
    receipts = Receipts()
    answered(receipts)
    receipts.handle("a", 2, answer=False)
    assert receipts.end(durable=False) == []
    assert receipts.file(receipts.batch) == []
    assert receipts.settle() == [("a", 2)]
    assert receipts.file(0) == [("a", 2)]


def test_who_did_not_announce_itself_hears_nothing_and_who_left_is_forgotten() -> None:
    receipts = Receipts()
    answered(receipts)
    receipts.handle("stock", 1, answer=True)
    receipts.ask("stock")
    receipts.forget("a")
    assert receipts.end(durable=True) == []
    assert receipts.file(receipts.batch) == []


@given(st.lists(st.sampled_from(["update", "lost", "answer", "end", "undurable", "settle", "file"]), max_size=60))
def test_no_number_is_told_of_which_an_earlier_update_is_missing(steps: list[str]) -> None:
    """A model: the client's frames are numbered; a lost one is covered by the next answer, as step 2 is whole."""
    receipts = Receipts()
    receipts.follow("a")
    number, lost, present = 0, set[int](), set[int]()
    closed, in_journal, in_file = set[int](), set[int](), set[int]()
    for step in steps:
        news: list[tuple[str, int]] = []
        holds: set[int] = set()
        match step:
            case "update":
                number += 1
                present.add(number)
                receipts.handle("a", number, answer=False)
            case "lost":
                number += 1
                lost.add(number)
                receipts.ask("a")
            case "answer":
                number += 1
                present |= lost | {number}
                lost.clear()
                receipts.handle("a", number, answer=True)
            case "end" | "undurable":
                closed = set(present)
                if step == "end":
                    in_journal = closed
                news, holds = receipts.end(durable=step == "end"), in_journal
            case "settle":
                in_journal = closed
                news, holds = receipts.settle(), in_journal
            case "file":
                in_file = closed = set(present)
                receipts.end(durable=False)
                news, holds = receipts.file(receipts.batch), in_file
        for _, told in news:
            assert set(range(1, told + 1)) <= holds
