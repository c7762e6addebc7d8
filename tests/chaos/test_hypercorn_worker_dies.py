"""``kill -9`` of hypercorn's worker alone: its master ends as well, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.killing import Way
from tests.chaos.scene import FULL
from tests.chaos.series import killed_in_a_row

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("number", range(6 if FULL else 1))
async def test_a_worker_killed_under_load_takes_its_master_along_and_costs_nothing(
    number: int, tmp_path: Path
) -> None:
    await killed_in_a_row(tmp_path, [Way("hypercorn", "worker")] * (25 if FULL else 3))
