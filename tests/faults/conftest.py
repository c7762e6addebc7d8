"""The one worker that a module's sweeps are made by."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.faults.calls import Faults
from tests.faults.worker import Case, Report

ROOT = Path(__file__).parents[2]


class Worker:
    """A process under the shim."""

    def __init__(self, folder: Path) -> None:
        faults = Faults(folder, folder / "control")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", str(folder)],
            env=os.environ | faults.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def sweep(self, case: Case, at_most: int = 1000, step: int = 1) -> Report:
        """The case with each ``first`` from its own on, ``step`` apart, until there are no more such calls."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode((case, at_most, step)) + b"\n")
        process.stdin.flush()
        return msgspec.json.decode(process.stdout.readline(), type=Report)

    def end(self) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        assert process.wait(30) == 0


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """In memory where there is such a thing: the disk's faults are made, its slowness is not wanted."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="ganimede-", dir=memory) as folder:
        made = Worker(Path(folder))
        yield made
        made.end()
