"""Every check can fail: with a bug planted, the simulation says within a few seeds which promise is broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation import world
from tests.simulation.bugs import BUGS, Plant, stores_the_queue_of_its_start_with_a_snapshot
from tests.simulation.conftest import FULL
from tests.simulation.ledger import PromiseBroken

pytestmark = pytest.mark.pure

# Runs in which a planted bug has to show itself. The seeds are fixed: whether a check works is no matter of luck.
SEEDS = range(120)
# The first of them are skipped for a bug that only a later one shows, unless there is time for all.
LATE = {} if FULL else {stores_the_queue_of_its_start_with_a_snapshot: 34}


@pytest.mark.parametrize(
    ("promise", "plant"),
    [
        pytest.param(promise, plant, id=f"{promise} {plant.__name__}")
        for promise in BUGS
        for plant in BUGS[promise]
    ],
)
def test_a_planted_bug_turns_its_check_red(
    folder: Path, monkeypatch: pytest.MonkeyPatch, promise: str, plant: Callable[[Plant], None]
) -> None:
    plant(monkeypatch.setattr)
    seen = []
    for seed in SEEDS[LATE.get(plant, 0) :]:
        try:
            world.run(seed, folder)
        except PromiseBroken as broken:
            seen.append(broken.promise)
            if broken.promise == promise:
                print(f"{promise} red at seed {seed}: {broken}")
                return
    pytest.fail(f"{promise} stayed green in {len(SEEDS)} runs; red were: {seen}")
