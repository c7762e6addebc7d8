"""The one true copy: batches, the recorded queue, recovery."""

from __future__ import annotations

import pytest

from protocol.guard import Gap, Limits, Rejected
from protocol.messages.changes import SetCell, SetKernel
from protocol.messages.checkpointer import Recovered
from protocol.messages.hub import DraftEntry, Enqueue, TakeUp
from protocol.messages.shared import Entry, Refused, unheard
from protocol.salvage import sound
from protocol.seed import seed
from protocol.true_copy import Batch, Taken, TrueCopy
from protocol.values import CellValue, NotebookValue
from tests.protocol.clients import Browser

pytestmark = pytest.mark.pure

NOTEBOOK = NotebookValue(
    cells=(
        CellValue(id="a", type="code", source="1", top=0, left=0),
        CellValue(id="b", type="code", top=0, left=0),
        CellValue(id="m", type="markdown", top=0, left=0),
    )
)
SEED = seed(NOTEBOOK, bytes(32))


def recovered(
    *updates: bytes, queue: tuple[Entry, ...] = (), old_queue: bool = False, first: bool = False
) -> Recovered:
    return Recovered((SEED, *updates), queue, "epoch", True, 0, first, old_queue)


def copy(state: Recovered) -> TrueCopy:
    made = TrueCopy(Limits())
    made.build(state.updates, 1000)
    made.recover(state, "/x.ipynb")
    return made


@pytest.fixture
def fresh() -> TrueCopy:
    made = copy(recovered())
    made.take_batch()
    return made


def enqueue(made: TrueCopy, entry_id: str, cell_id: str) -> Entry | Refused:
    draft = made.draft(DraftEntry(unheard, entry_id, cell_id, "me"))
    return draft if isinstance(draft, Refused) else made.enqueue(Enqueue(unheard, draft))


def test_a_batch_holds_what_changed_in_order_and_only_once(fresh: TrueCopy) -> None:
    browser = Browser(7, fresh.doc.full_update())
    typed, cheat = browser.type("a", "2"), browser.edit(lambda: browser.cell("a").update({"state": "running"}))
    assert fresh.client_update("s1", typed) == Taken(True, (7,))
    assert fresh.client_update("s1", cheat) == Taken(True, (7,))
    assert fresh.client_update("s1", typed) == Taken()
    batch = fresh.take_batch()
    assert [sender for sender, _ in batch.updates] == ["s1", "s1", ""]
    assert batch.updates[0][1] == typed
    assert (batch.queue, batch.content) == (None, True)
    assert fresh.take_batch() == Batch()


def test_kernel_state_and_queue_positions_are_not_content(fresh: TrueCopy) -> None:
    fresh.edit((SetKernel({"busy": True}), SetCell("a", {"state": "queued"})), (Entry("1", "a", ""),))
    batch = fresh.take_batch()
    assert batch.updates
    assert batch.queue == (Entry("1", "a", ""),)
    assert not batch.content
    fresh.edit((SetCell("a", {"execution_count": 1}),), None)
    assert fresh.take_batch().content


def test_an_entry_takes_the_source_of_that_moment(fresh: TrueCopy) -> None:
    browser = Browser(7, fresh.doc.full_update())
    fresh.client_update("s", browser.type("a", "+1"))
    assert enqueue(fresh, "e1", "a") == Entry("e1", "a", "1+1", "me")
    fresh.client_update("s", browser.type("a", "+2"))
    assert fresh.queue == (Entry("e1", "a", "1+1", "me"),)
    assert fresh.doc.busy_cells() == ("a",)


def test_asking_twice_for_the_same_entry_makes_one(fresh: TrueCopy) -> None:
    first = enqueue(fresh, "e1", "a")
    fresh.take_batch()
    assert enqueue(fresh, "e1", "a") == first
    assert fresh.take_batch() == Batch()
    assert fresh.queue == (first,)


@pytest.mark.parametrize(
    ("cell_id", "code"), [("zz", "no_such_cell"), ("m", "not_code"), ("cells", "no_such_cell")]
)
def test_what_cannot_run_is_refused_and_nothing_changes(fresh: TrueCopy, cell_id: str, code: str) -> None:
    answer = enqueue(fresh, "e1", cell_id)
    assert isinstance(answer, Refused)
    assert answer.code == code
    assert fresh.take_batch() == Batch()


def test_bad_updates_change_nothing(fresh: TrueCopy) -> None:
    before = fresh.doc.value()
    browser = Browser(7, fresh.doc.full_update())
    browser.type("a", "lost")
    orphan = fresh.client_update("s", browser.type("a", "depends on the lost one"))
    assert isinstance(orphan, Taken)
    assert orphan.missing == Gap(7, 0)
    assert isinstance(fresh.client_update("s", b"\xff\xff"), Rejected)
    forged = Browser(1000, fresh.doc.full_update())
    assert isinstance(fresh.client_update("s", forged.add("z")), Rejected)
    assert fresh.doc.value() == before
    assert fresh.take_batch() == Batch()


def test_a_cell_whose_end_was_lost_does_not_stay_busy() -> None:
    stuck = copy(recovered())
    stuck.edit((SetCell("a", {"state": "running"}), SetCell("b", {"state": "queued"})), None)
    lost = [update for _, update in stuck.take_batch().updates]
    again = copy(recovered(*lost, queue=(Entry("1", "b", ""),)))
    assert again.doc.busy_cells() == ("b",)
    browser = Browser(9, again.doc.full_update())
    assert browser.read("a")["state"] == "idle"
    assert browser.queue.to_py() == ["b"]


def test_a_new_queue_leaves_no_cell_busy_that_is_not_in_it(fresh: TrueCopy) -> None:
    fresh.edit((SetCell("a", {"state": "running"}),), (Entry("1", "a", ""),))
    fresh.edit((SetCell("b", {"state": "running"}),), (Entry("2", "b", ""),))
    assert fresh.doc.busy_cells() == ("b",)


def test_a_queue_is_old_until_another_is_recorded() -> None:
    entry = Entry("1", "a", "", begun=True)
    made = copy(recovered(queue=(entry,), old_queue=True))
    assert made.queue_is_old
    made.take_batch()
    assert made.queue_is_old
    made.edit((), ())
    assert not made.queue_is_old
    assert not copy(recovered(queue=(entry,))).queue_is_old


OFFERED = (
    Entry("1", "a", "then", "ann", begun=True, offered=True),
    Entry("2", "m", "", offered=True),
    Entry("3", "b", "", offered=True),
)


def test_what_is_offered_is_recorded_and_not_in_the_document() -> None:
    made = copy(recovered(queue=OFFERED, old_queue=True))
    assert made.queue == OFFERED
    browser = Browser(7, made.doc.full_update())
    assert browser.queue.to_py() == []
    assert [browser.read(cell)["state"] for cell in "ab"] == ["idle", "idle"]


def test_an_offer_is_taken_up_once_however_often_it_is_asked_for() -> None:
    made = copy(recovered(queue=OFFERED, old_queue=True))
    made.take_batch()
    wanted = TakeUp(unheard, (("1", "n1"), ("2", "n2"), ("3", "n3")), "bob")
    taken = (Entry("n1", "a", "1", "bob"), Entry("n3", "b", "", "bob"))  # the sources of now; "m" is not code
    assert made.take_up(wanted) == taken
    assert made.take_batch().queue == taken
    assert made.take_up(wanted) == taken
    assert made.take_batch() == Batch()
    browser = Browser(7, made.doc.full_update())
    assert browser.queue.to_py() == ["a", "b"]
    assert [browser.read(cell)["state"] for cell in "ab"] == ["queued", "queued"]


def test_what_was_not_chosen_of_an_offer_goes_with_it() -> None:
    made = copy(recovered(queue=OFFERED))
    assert made.take_up(TakeUp(unheard, (("3", "n3"),), "bob")) == (Entry("n3", "b", "", "bob"),)
    assert made.queue == (Entry("n3", "b", "", "bob"),)


def test_a_cell_that_is_queued_is_no_longer_offered() -> None:
    made = copy(recovered(queue=OFFERED))
    entry = enqueue(made, "n", "b")
    assert made.queue == (entry, *OFFERED[:2])


def test_recovery_writes_nothing_that_is_there_already() -> None:
    first = copy(recovered(first=True))
    batch = first.take_batch()
    assert not batch.content
    again = copy(recovered(*(update for _, update in batch.updates)))
    assert again.take_batch() == Batch()


def test_deleted_cells_are_cleared_by_the_first_incarnation_only() -> None:
    made = copy(recovered())
    browser = Browser(7, made.doc.full_update())
    deletion = browser.edit(lambda: browser.cells.pop(0))
    own = [update for _, update in made.take_batch().updates]
    for first in (False, True):
        later = Browser(8, copy(recovered(*own, deletion, first=first)).doc.full_update())
        assert ("source" in later.read("a")) != first


def test_rebuilding_keeps_the_batch_in_hand() -> None:
    made = copy(recovered())
    own = [update for _, update in made.take_batch().updates]
    browser = Browser(7, made.doc.full_update())
    made.client_update("s", browser.type("a", "2"))
    entry = enqueue(made, "e", "a")
    assert made.build((SEED, *own), 2000) == 0
    assert made.doc.source("a") == "12"
    assert made.queue == (entry,)
    assert isinstance(made.client_update("s", browser.type("a", "3")), Taken)
    assert made.doc.source("a") == "123"


@pytest.mark.parametrize("refused", [(), (b"\xff\x00",)], ids=["gap", "garbage"])
def test_a_gap_and_refused_bytes_in_the_journal_are_left_out(refused: tuple[bytes, ...]) -> None:
    browser = Browser(7, SEED)
    good, lost, orphan = browser.type("a", "2"), browser.type("a", "3"), browser.type("a", "4")
    made = TrueCopy(Limits())
    assert made.build((SEED, good, *refused, orphan), 1000) == 1 + len(refused)
    assert made.doc.source("a") == "12"
    # The owner of the lost edit brings it back, and goes on.
    assert made.client_update("s", orphan) == Taken(missing=Gap(7, 1))
    whole = made.client_update("s", browser.doc.get_update(made.doc.state_vector()))
    assert whole == Taken(True, (7,))
    assert made.doc.source("a") == "1234"
    assert sound([SEED, good, lost, orphan]) == ((SEED, good, lost, orphan), 0)
    assert sound([SEED, good, orphan]) == ((SEED, good), 1)
    assert sound([]) == ((), 0)


def test_a_journal_without_gaps_is_learned_from_the_document_as_well_as_from_its_updates() -> None:
    browser = Browser(7, SEED)
    updates = (SEED, *(browser.type("a", each) for each in "many keys, one struct 🐍"))
    quick, thorough = TrueCopy(Limits()), TrueCopy(Limits())
    assert quick.build(updates, 1000, gapless=True) == thorough.build(updates, 1000) == 0
    assert quick.doc.value() == thorough.doc.value()
    assert quick._guard.state == thorough._guard.state
    for update in (browser.type("a", "more"), browser.type("b", "more")):
        assert quick.client_update("s", update) == thorough.client_update("s", update) == Taken(True, (7,))
    ahead = Browser(8, browser.doc.get_update())
    ahead.type("a", "unknown")
    assert quick.client_update("s", ahead.type("a", "gap")) == Taken(missing=Gap(8, 0))


def test_what_was_left_out_takes_along_what_builds_upon_it() -> None:
    browser = Browser(7, SEED)
    first, lost, third = (browser.type("a", each) for each in ("1", "2", "3"))
    made = TrueCopy(Limits())
    assert made.build((SEED, first, third), 1000) == 1
    assert made.client_update("s", third) == Taken(missing=Gap(7, 1))
    assert made.client_update("s", lost) == Taken(True, (7,))
    assert made.client_update("s", third) == Taken(True, (7,))
