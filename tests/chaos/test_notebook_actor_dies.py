"""The NotebookActor is killed: the hub holds the queue, and the live run is adopted again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plays import killed_while_a_cell_prints

pytestmark = pytest.mark.chaos


async def test_a_notebook_actor_killed_while_a_cell_prints_costs_nothing(tmp_path: Path) -> None:
    await killed_while_a_cell_prints("runs", tmp_path)
