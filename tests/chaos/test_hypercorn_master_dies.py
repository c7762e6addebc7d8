"""``kill -9`` of hypercorn's master alone: its worker serves nobody on, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.killing import Way
from tests.chaos.scene import FULL
from tests.chaos.series import killed_in_a_row

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("number", range(6 if FULL else 1))
async def test_a_master_killed_under_load_leaves_no_worker_and_costs_nothing(number: int, tmp_path: Path) -> None:
    await killed_in_a_row(tmp_path, [Way("hypercorn", "master")] * (25 if FULL else 3))
