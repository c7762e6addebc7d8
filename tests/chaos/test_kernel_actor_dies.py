"""The KernelActor is killed: the kernel's process lives on, with its variables and the running cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plays import killed_while_a_cell_prints

pytestmark = pytest.mark.chaos


async def test_a_kernel_actor_killed_while_a_cell_prints_costs_at_most_a_gap_that_is_named(tmp_path: Path) -> None:
    await killed_while_a_cell_prints("kernel", tmp_path)
