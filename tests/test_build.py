"""The page is built when its sources changed, and only then; what fails says so in a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import hatch_build


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources somewhere else, with a page that was built from them."""
    frontend, page = tmp_path / "frontend", tmp_path / "page"
    shutil.copytree(hatch_build.FRONTEND, frontend, ignore=shutil.ignore_patterns("node_modules"))
    page.mkdir()
    monkeypatch.setattr(hatch_build, "FRONTEND", frontend)
    monkeypatch.setattr(hatch_build, "PAGE", page)
    (page / ".sources").write_text(hatch_build.digest(hatch_build.sources()))
    return frontend


def test_built_from_these_sources_is_not_stale(copy: Path) -> None:
    assert not hatch_build.stale()
    hatch_build.build()  # would fail: there are no node_modules, and no test asks a registry


@pytest.mark.parametrize(
    "name", ["src/main.ts", "index.html", "package-lock.json", "vite.config.ts", "src/new.ts"]
)
def test_a_changed_source_makes_it_stale(copy: Path, name: str) -> None:
    with (copy / name).open("a") as file:
        file.write("\n")
    assert hatch_build.stale()


def test_a_source_that_is_gone_or_renamed_makes_it_stale(copy: Path) -> None:
    (copy / "src/theme.css").rename(copy / "src/other.css")
    assert hatch_build.stale()


@pytest.mark.parametrize("name", ["eslint.config.js", "test/new.test.ts", "node_modules/package/index.js"])
def test_what_the_page_does_not_depend_on_costs_no_build(copy: Path, name: str) -> None:
    path = copy / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("// changed")
    assert not hatch_build.stale()


def test_nothing_built_is_stale(copy: Path) -> None:
    (hatch_build.PAGE / ".sources").unlink()
    assert hatch_build.stale()


def test_a_failing_npm_is_one_sentence(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # In the lock file and in package.json are different packages: npm refuses before it asks anybody.
    package = (copy / "package.json").read_text()
    (copy / "package.json").write_text(
        package.replace('"dependencies": {', '"dependencies": { "left-pad": "1.3.0",')
    )
    with pytest.raises(SystemExit) as stopped:
        hatch_build.main()
    assert str(stopped.value) == (
        f"The page: `npm ci --ignore-scripts --no-audit --no-fund` in {copy} ended with exit code 1; "
        "its reason is above."
    )
    assert "left-pad" in capfd.readouterr().err


def test_hatchling_is_told_what_the_package_says() -> None:
    """Node for the build is the Node of the tests."""
    assert f'"{hatch_build.NODE}"' in (hatch_build.ROOT / "pyproject.toml").read_text()


def hatch(folder: Path, into: Path, *targets: str) -> None:
    line = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-d",
        str(into),
        *(part for each in targets for part in ("-t", each)),
    ]
    # Whatever Node is on this machine is out of reach.
    environment = {**os.environ, "PATH": "/nonexistent"}
    subprocess.run(line, cwd=folder, env=environment, check=True, capture_output=True, timeout=50)


def test_wheel_and_sdist_carry_the_page_and_an_sdist_needs_no_node(tmp_path: Path) -> None:
    assert not hatch_build.stale(), "the page is not built: `make test`, or `python hatch_build.py` first"
    built = {
        path.relative_to(hatch_build.ROOT).as_posix() for path in hatch_build.PAGE.rglob("*") if path.is_file()
    }
    assert "gateway/static/page/index.html" in built
    hatch(hatch_build.ROOT, tmp_path, "sdist")
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
        names = archive.getnames()
    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert {f"{folder.name}/{name}" for name in built} <= set(names)
    assert not any("node_modules" in name for name in names)
    hatch(folder, tmp_path / "wheels", "wheel")
    with zipfile.ZipFile(next((tmp_path / "wheels").glob("*.whl"))) as wheel:
        assert built <= set(wheel.namelist())
        assert not any(name.startswith("frontend") for name in wheel.namelist())
