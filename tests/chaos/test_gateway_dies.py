"""The Gateway is killed: connections end with 1012 and come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plays import killed_while_a_cell_prints

pytestmark = pytest.mark.chaos


async def test_a_gateway_killed_while_a_cell_prints_costs_a_blink(tmp_path: Path) -> None:
    await killed_while_a_cell_prints("gateway", tmp_path)
