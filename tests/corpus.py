"""Notebooks that others made to test notebook readers with, fetched when the tests first run.

nbformat's own test data is in its sdist only, not in the wheel. It is fetched with pip, of the version that is
installed, and kept in ``.cache`` at the root of the repository. Without a network the tests that ask for it
fail: a skipped corpus would say nothing about old and broken files.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[1] / ".cache"


@pytest.fixture(scope="session")
def nbformat_corpus() -> dict[str, bytes]:
    """Every notebook of the test data in nbformat's sdist, by file name: old, odd and broken ones included."""
    with tarfile.open(fetch_sdist("nbformat")) as archive:
        found = {}
        for member in archive.getmembers():
            content = archive.extractfile(member) if member.name.endswith(".ipynb") else None
            if content is not None:
                found[Path(member.name).name] = content.read()
    return found


def fetch_sdist(project: str) -> Path:
    """The sdist of the installed version of ``project``, from the cache or else by pip. Fails the test if it
    cannot be had."""
    release = version(project)
    kept = CACHE / "sdists" / f"{project}-{release}.tar.gz"
    if kept.exists():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        # Only this project is wanted as source; pip still builds its metadata, with tools from wheels.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", project, "--dest", folder, f"{project}=={release}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        fetched = list(Path(folder).glob("*.tar.gz"))
        if done.returncode or len(fetched) != 1:
            pytest.fail(f"pip could not fetch the sdist of {project} {release}:\n{done.stderr}", pytrace=False)
        os.replace(fetched[0], kept)  # whole or not at all, also when two runs fetch at once
    return kept
