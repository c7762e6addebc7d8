"""Simulated runs of the whole tree, each with a seed of its own: every promise is checked in each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import world
from tests.simulation.conftest import BATCH, BATCHES, FIRST

pytestmark = pytest.mark.pure  # no clock but the simulated one, no threads, no sockets


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whatever_happens_nothing_acknowledged_is_lost_and_no_other_promise_is_broken(
    folder: Path, batch: int
) -> None:
    for seed in range(FIRST + batch * BATCH, FIRST + batch * BATCH + BATCH):
        try:
            world.run(seed, folder)
        except BaseException as error:
            error.add_note(
                f"Replay it: GANIMEDE_SEED={seed} .venv/bin/python -m pytest tests/simulation -k whatever"
            )
            raise


def test_one_seed_twice_gives_one_trace_to_the_byte_also_in_another_process(folder: Path) -> None:
    print(f"seed {FIRST}")
    here = [trace(FIRST, folder) for _ in range(2)]
    code = (
        "import sys; from pathlib import Path; from tests.simulation.test_simulation import trace;"
        f"sys.stdout.buffer.write(trace({FIRST}, Path({str(folder)!r})))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "1"}
    )
    assert here[0] == here[1]
    assert here[0] == elsewhere.stdout
    assert trace(FIRST + 1, folder) != here[0]


def trace(seed: int, folder: Path) -> bytes:
    return "\n".join(world.run(seed, folder).lines).encode()
