"""The checks of this folder can fail: of tampered books, and of a real server in which a bug is planted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.books import Books
from tests.chaos.killing import Way
from tests.chaos.plays import killed_while_a_cell_prints, planted
from tests.chaos.scene import FULL
from tests.chaos.series import killed_in_a_row
from tests.chaos.test_bad_clients import harm, stay_out
from tests.chaos.test_flatness import worn
from tests.chaos.test_storm import storm
from tests.simulation.ledger import PromiseBroken

pytestmark = pytest.mark.chaos

KILLED = [Way("ganimede", "group")] * 2
Play = Callable[..., Awaitable[None]]


@pytest.mark.parametrize(
    ("promise", "cells", "text"),
    [
        ("I1", ["text"], "<ben.0>"),
        ("I1", ["text"], "<ann.0>"),
        ("I2", ["text"], "<ann.0><ben.0><ann.0>"),
        ("I2", ["text", "text"], "<ann.0><ben.0>"),
        ("I2", ["text"], "<ann.0><ben.0><cleo.0>"),
    ],
    ids=["acknowledged and lost", "seen and lost", "an edit twice", "a cell twice", "never written"],
)
def test_books_tell_what_is_lost_or_doubled(promise: str, cells: list[str], text: str) -> None:
    books = Books({"<ann.0>", "<ben.0>", "<dan.0>"}, acknowledged={"<ann.0>"}, seen={"<ben.0>"})
    books.check("a sound copy", ["text"], {"text": "<ben.0><ann.0>"})
    with pytest.raises(PromiseBroken, match=promise):
        books.check("a copy", cells, {"text": text})
    with pytest.raises(PromiseBroken, match="I1: written by who is still here"):
        books.check_all("a copy", {"text": "<ann.0><ben.0>"})


async def died(actor: str, folder: Path, plant: str) -> None:
    await killed_while_a_cell_prints(actor, folder, **planted(plant))


async def served(play: Play, folder: Path, plant: str) -> None:
    await play(folder, **planted(plant))


async def killed(way: Way, folder: Path, plant: str) -> None:
    await killed_in_a_row(folder, [way] * 2, plant)


SOON = [
    ("says_durable_and_keeps_nothing", "I1: ", partial(killed, Way("ganimede", "group"))),
    ("lets_everybody_in", "I10: ", partial(served, stay_out)),
    ("crashes_over_a_malformed_update", "I8: ", partial(served, harm)),
]
# These are noticed by something that does not come: after the bound of the wait for it.
LATE = [
    ("serves_on_without_its_master", "no orphan serves: ", partial(killed, Way("hypercorn", "master"))),
    ("loses_the_kernel_with_its_actor", "variables survive", partial(died, "kernel")),
    ("leaves_out_a_line_of_output", "lines are missing", partial(died, "runs")),
    ("repeats_an_edit_when_it_recovers", "I2: ", partial(killed, Way("ganimede", "group"))),
    ("drops_an_update_on_its_way_to_everyone", "I3: ", partial(served, storm)),
    ("never_ends_a_run_in_four", "I4: ", partial(served, storm)),
    ("keeps_who_has_left", "", partial(served, worn)),
]


@pytest.mark.parametrize(
    ("bug", "red", "play"), SOON + LATE * FULL, ids=lambda each: each if isinstance(each, str) else ""
)
async def test_a_bug_planted_in_the_server_turns_its_check_red(
    bug: str, red: str, play: Play, tmp_path: Path
) -> None:
    told: list[str] = []
    try:
        await play(tmp_path, bug)
    except BaseException as error:
        told = [f"{type(leaf).__name__}: {leaf}" for leaf in leaves(error)]
    print("\n".join(told))
    assert any(red in each for each in told), told or "it stayed green"


def leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error
