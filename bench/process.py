"""Processes: started with an address to read, ended for certain, and what they cost (Linux's /proc)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class Failed(Exception):
    """A measurement could not be made: a sentence."""


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all its threads, also those that ended: its CPU clock, in nanoseconds
    where /proc/PID/stat counts ticks of 10 ms."""
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid: int, key: str) -> float:
    """MiB: ``VmRSS`` or ``VmHWM`` of the status, ``Pss`` of the maps."""
    name = "smaps_rollup" if key == "Pss" else "status"
    text = Path(f"/proc/{pid}/{name}").read_text()
    found = re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE)
    if found is None:
        raise Failed(f"/proc/{pid}/{name} has no {key}")
    return int(found[1]) / 1024


def forget_peak(pid: int) -> None:
    """Let ``VmHWM`` begin again at the present size."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def children(pid: int) -> list[int]:
    """All descendants."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ganimede-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def started(
    command: Sequence[str], pattern: str, *, folder: Path, env: Mapping[str, str] | None = None, within: float = 60
) -> Iterator[tuple[int, re.Match[str], float]]:
    """Run ``command`` until the block ends. Its id, the match of ``pattern`` in what it printed first, and the
    seconds that took from the start of the process."""
    begun = time.perf_counter()
    with open(folder / "errors.txt", "ab") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env={**os.environ, **(env or {})},
        )
    try:
        assert process.stdout is not None
        found, text = None, ""
        os.set_blocking(process.stdout.fileno(), False)
        while found is None:
            text += (process.stdout.read() or b"").decode()
            found = re.search(pattern, text)
            taken = time.perf_counter() - begun
            if found is None and (process.poll() is not None or taken > within):
                words = (folder / "errors.txt").read_text()[-2000:]
                raise Failed(f"{' '.join(command[:4])} did not get ready in {taken:.1f} s: {text} {words}")
            if found is None:
                time.sleep(0.001)
        yield process.pid, found, taken
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


PYTHON = sys.executable
