"""What several suites of actors start from."""

from __future__ import annotations

import pytest

from tests.actors.fakes import MemoryDisk
from tests.actors.hub_stage import SEED


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk(SEED)
