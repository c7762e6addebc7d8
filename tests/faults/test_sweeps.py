"""The n-th write, sync, rename … fails, for each n: what was acknowledged is there, nothing is invented, the file is
whole, and a disk that is well again is used. P-1, P-2, P-20 to P-23.

In the default run each kind of call fails once, at every n, under three ends of the server; GANIMEDE_FULL=1 crosses
all kinds of faults with all ends.
"""

from __future__ import annotations

import errno
import os
import random
from itertools import product
from typing import Final, get_args

import msgspec
import pytest

from tests.faults.bugs import BUGS
from tests.faults.calls import Call, Deed
from tests.faults.conftest import Worker
from tests.faults.worker import Case, End, Power

FULL = bool(os.environ.get("GANIMEDE_FULL"))

# Which of the calls are made here, and how they fail. Nothing of ours or SQLite's asks for room beforehand.
KINDS: Final[dict[Call, int]] = {
    "write": errno.ENOSPC, "sync": errno.EIO, "truncate": errno.EIO, "rename": errno.EROFS, "open": errno.EMFILE,
    "look": errno.EIO, "make": errno.EROFS, "remove": errno.EROFS, "map": errno.ENOMEM,
}  # fmt: skip
# Those that a server makes, too, that finds a journal.
AGAIN = KINDS.keys() - {"remove"}
ENDS: list[tuple[End, Power]] = (
    list(product(get_args(End), get_args(Power)))
    if FULL
    else [("killed at once", "goes later"), ("killed", "stays"), ("stopped", "goes")]
)
# There are about a hundred writes and thirty syncs: the default run takes some of them, others each time.
STRIDES: dict[Call, int] = {} if FULL else {"write": 14, "sync": 4}


def expect_sound(worker: Worker, case: Case, thinner: int = 1) -> None:
    step = STRIDES[case.call] * thinner if case.call in STRIDES else 1
    first = random.randrange(step) + 1
    print(f"from {first} by {step}")
    report = worker.sweep(msgspec.structs.replace(case, first=first), step=step)
    assert report.faults >= report.cases >= 1, f"nothing was spoiled: {case}"
    assert not report.broken, "\n".join(report.broken)
    assert all(each.endswith(".") and "\n" not in each and "Error" not in each for each in report.sentences)
    if case.power != "stays":
        assert report.lost, "the power went, and took nothing with it"


# The kinds of which there are many under each end; of the others the default run takes one end each.
MANY: tuple[Call, ...] = ("write", "sync")
ONCE = [
    (call, *end)
    for n, call in enumerate(KINDS)
    for end in (ENDS if FULL or call in MANY else [ENDS[n % len(ENDS)]])
]
DEATHS = [
    (call, power)
    for call in (*MANY, "truncate", "rename", "open", "remove")
    for power in (get_args(Power) if FULL or call in MANY else ["goes"])
]


@pytest.mark.parametrize(("call", "end", "power"), ONCE)
def test_a_call_that_fails_once_loses_nothing(worker: Worker, call: Call, end: End, power: Power) -> None:
    case = Case(call, "fail", KINDS[call], 1, 1, end, power)
    expect_sound(worker, case)
    if FULL and call in AGAIN:
        expect_sound(worker, msgspec.structs.replace(case, before=True))


@pytest.mark.parametrize(("end", "power"), ENDS)
@pytest.mark.parametrize("call", KINDS if FULL else MANY)
def test_calls_that_fail_until_the_disk_is_well_again_lose_nothing(
    worker: Worker, call: Call, end: End, power: Power
) -> None:
    expect_sound(worker, Case(call, "fail", KINDS[call], 1, 0, end, power, before=call in AGAIN), 2)


@pytest.mark.parametrize(("end", "power"), ENDS)
@pytest.mark.parametrize("deed", ["tear", "short"])
def test_a_write_that_is_done_in_part_loses_nothing(worker: Worker, deed: Deed, end: End, power: Power) -> None:
    expect_sound(worker, Case("write", deed, errno.EIO, 1, 1, end, power), 2)


@pytest.mark.parametrize(("call", "power"), DEATHS)
def test_a_server_that_dies_before_a_call_loses_nothing(worker: Worker, call: Call, power: Power) -> None:
    case = Case(call, "die", 0, 1, 1, "stopped", power)
    expect_sound(worker, case, 2)
    if FULL and call in AGAIN:
        expect_sound(worker, msgspec.structs.replace(case, before=True))


@pytest.mark.parametrize("call", ["write", "sync", "open", "make"])
def test_a_journal_that_was_deleted_is_made_again_though_a_call_fails(worker: Worker, call: Call) -> None:
    for end in get_args(End)[1:] if FULL else ("killed",):
        expect_sound(worker, Case(call, "fail", KINDS[call], 1, 1, end, deleted=True))


# Where each shows itself, at the first of the calls or at a later one, and in which words.
PLANTED: dict[str, tuple[Case, str]] = {
    "acknowledges_before_the_commit": (
        Case("sync", "fail", errno.EIO, 8, 1, "killed at once"), "acknowledged and lost"),
    "takes_a_failed_sync_for_done": (Case("write", "fail", errno.ENOSPC, 80, 1, "killed"), "acknowledged and lost"),
    "builds_upon_a_log_that_only_looks_whole": (
        Case("sync", "fail", errno.EIO, 8, 1, "killed at once", "goes later"), "acknowledged and lost"),
    "does_not_wait_for_the_disk": (Case("write", "die", 0, 40, 1, "killed", "goes"), "acknowledged and lost"),
    "takes_a_commit_that_was_cut_short_for_damage": (
        Case("write", "tear", errno.EIO, 40, 1, "killed at once"), "people are told of ['journal_salvaged'"),
    "writes_into_a_journal_that_is_gone": (
        Case("write", "fail", errno.EIO, 1, 1, "killed", deleted=True), "acknowledged and lost"),
    "keeps_a_journal_that_was_opened_for_reading": (
        Case("open", "fail", errno.EMFILE, 2, 1, "killed", before=True, well=0.5), "TooSlowError"),
    "writes_the_file_in_place": (
        Case("write", "tear", errno.EIO, 1, 1, "killed at once", name="x.ipynb"), "none of those that were written"),
    "renames_what_was_not_synced": (Case("sync", "die", 0, 12, 1, "killed", "goes"), "none of those that were written"),
    "never_takes_a_disk_for_well_again": (
        Case("sync", "fail", errno.EIO, 18, 1, "killed", well=0.5), "TooSlowError"),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_turns_its_check_red(worker: Worker, bug: str) -> None:
    case, words = PLANTED[bug]
    for first in range(case.first, 150):
        report = worker.sweep(msgspec.structs.replace(case, bug=bug, first=first), at_most=1)
        assert report.cases, f"{bug} stayed green"
        if any(words in each for each in report.broken):
            print(f"red at {case.call} {first}")
            return


def test_nothing_is_found_wrong_where_nothing_happens(worker: Worker) -> None:
    """A fault that is never met is none: the sweep says so, and no test takes it for a success."""
    report = worker.sweep(Case("allocate", "fail", errno.ENOSPC, 1, 1, "killed"))
    assert (report.cases, report.faults) == (0, 0)
