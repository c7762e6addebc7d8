"""The Checkpointer is killed: the hub sends its batch again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plays import killed_while_a_cell_prints

pytestmark = pytest.mark.chaos


async def test_a_checkpointer_killed_while_a_cell_prints_costs_nothing(tmp_path: Path) -> None:
    await killed_while_a_cell_prints("checkpointer", tmp_path)
