"""Where simulated disks lie, and which seeds are simulated."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# GANIMEDE_SEED=n simulates one seed. GANIMEDE_FULL=1: thousands.
ONE = os.environ.get("GANIMEDE_SEED")
FULL = bool(os.environ.get("GANIMEDE_FULL"))
BATCHES, BATCH = (1, 1) if ONE else (300 if FULL else 10, 10)
FIRST = int(ONE) if ONE else random.SystemRandom().randrange(10**6)


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a thing: the disk's faults are simulated, its slowness is not wanted."""
    memory = Path("/dev/shm")
    made = tempfile.mkdtemp(prefix="ganimede-", dir=memory if os.access(memory, os.W_OK) else None)
    yield Path(made) / "run"
    shutil.rmtree(made, ignore_errors=True)
