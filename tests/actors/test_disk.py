"""The notebook's file: whole at any moment, as its owner left it otherwise."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.disk import (
    QUARANTINED,
    QUARANTINED_BYTES,
    LockTaken,
    NotebookFile,
    describe_lock,
    digest,
    in_words,
    keep_for_report,
    lock,
    temporary_stem,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a [odd] *name*.ipynb"
    path.write_bytes(b"old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_write_replaces_the_content_and_leaves_nothing_else(path: Path) -> None:
    NotebookFile(path).write(b"new")
    assert path.read_bytes() == b"new"
    assert names(path.parent) == [path.name]


def test_a_missing_file_reads_as_none_and_is_made(tmp_path: Path) -> None:
    file = NotebookFile(tmp_path / "new.ipynb")
    assert file.read() is None
    file.write(b"x")
    assert file.read() == b"x"


def test_an_open_reader_keeps_the_old_file_whole(path: Path) -> None:
    with path.open("rb") as reader:
        NotebookFile(path).write(b"new and longer")
        assert reader.read() == b"old"


@pytest.mark.parametrize("name", ["n" * 249 + ".ipynb", "é" * 124 + ".ipynb"])
def test_a_name_of_any_length_that_the_disk_takes_is_written_and_strays_are_told_by_it(
    tmp_path: Path, name: str
) -> None:
    file = NotebookFile(tmp_path / name)
    file.write(b"one")
    file.write(b"two")
    assert file.read() == b"two"
    assert names(tmp_path) == [name]
    other = file.path.with_name(name.replace(".ipynb", "", 1)[:-1] + "x.ipynb")
    assert temporary_stem(file.path) != temporary_stem(other)


@pytest.mark.parametrize(("make", "words"), [(os.mkdir, "a folder"), (os.mkfifo, "no file")])
def test_what_took_the_place_of_the_file_is_told_and_waits_for_nobody(
    path: Path, make: Callable[[Path], None], words: str
) -> None:
    path.unlink()
    make(path)
    with pytest.raises(OSError) as caught:
        NotebookFile(path).read()
    assert words in in_words(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_permissions_are_kept(path: Path, mode: int) -> None:
    path.chmod(mode)
    NotebookFile(path).write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_symlink_is_followed_and_stays(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "link.ipynb"
    link.symlink_to(path)
    NotebookFile(link).write(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert names(folder) == ["link.ipynb"]


def test_a_read_only_file_is_refused_even_to_root(path: Path) -> None:
    path.chmod(0o444)
    with pytest.raises(PermissionError) as caught:
        NotebookFile(path).write(b"new")
    assert in_words(caught.value) == "the file is read-only"
    assert path.read_bytes() == b"old"
    assert names(path.parent) == [path.name]


def test_a_missing_folder_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        NotebookFile(tmp_path / "gone" / "x.ipynb").write(b"new")
    assert in_words(caught.value) == "no such file or directory"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_at_any_step_leaves_the_old_file_and_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError) as caught:
        NotebookFile(path).write(b"new")
    assert in_words(caught.value) == "no space left on device"
    assert path.read_bytes() == b"old"
    assert names(path.parent) == [path.name]


def test_a_file_larger_than_the_limit_of_the_process_leaves_the_old_one(path: Path) -> None:
    """A real disk that is full, as far as a test can have one: a limit on the size of files."""
    program = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom actors.disk import NotebookFile, in_words\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    NotebookFile(Path(sys.argv[1])).write(bytes(100_000))\n"
        "except OSError as error:\n    print(in_words(error))\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout == "file too large\n"
    assert path.read_bytes() == b"old"
    assert names(path.parent) == [path.name]


def test_versions_are_told_apart_by_content_alone(path: Path) -> None:
    assert digest(None) == ""
    assert digest(b"") != ""
    assert digest(b"a") != digest(b"b")


def test_a_lock_is_held_until_closed_and_says_by_whom(tmp_path: Path) -> None:
    held = lock(tmp_path / "lock")
    describe_lock(held, "http://localhost:8000/")
    with pytest.raises(LockTaken) as caught:
        lock(tmp_path / "lock")
    assert caught.value.args == ("http://localhost:8000/",)
    os.close(held)
    again = lock(tmp_path / "lock")
    assert (tmp_path / "lock").read_bytes() == b""
    os.close(again)


def test_a_lock_ends_with_its_process_and_children_do_not_inherit_it(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys\nfrom pathlib import Path\nfrom actors.disk import lock\n"
        "lock(Path(sys.argv[1]))\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE, close_fds=False)\n"
        "print(child.pid, flush=True)\ninput()\n"
    )
    root = Path(__file__).resolve().parents[2]
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, path], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(LockTaken):
            lock(path)
        holder.kill()
        holder.wait()
        os.close(lock(path))
    finally:
        holder.stdin.close()
        holder.stdout.close()
        os.kill(child, 9)


def test_a_lock_that_cannot_be_taken_at_all_is_no_other_server(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        lock(tmp_path / "gone" / "lock")


def test_what_is_kept_for_a_report_is_bounded_in_number_and_the_newest_stay(tmp_path: Path) -> None:
    """S-12."""
    folder = tmp_path / "quarantine"
    for n in range(QUARANTINED + 5):
        keep_for_report(folder, b"update %d" % n, f"reason {n}")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kept = sorted(folder.glob("*.update"))
    assert [each.read_bytes() for each in kept] == [b"update %d" % n for n in range(5, QUARANTINED + 5)]
    assert kept[0].with_suffix(".txt").read_text() == "reason 5\n"
    assert len(names(folder)) == 2 * QUARANTINED


def test_what_is_kept_for_a_report_is_bounded_in_size(tmp_path: Path) -> None:
    """S-12."""
    for n in range(4):
        keep_for_report(tmp_path, bytes([n]) * (QUARANTINED_BYTES // 2), "")
    assert [each.read_bytes()[0] for each in sorted(tmp_path.glob("*.update"))] == [2, 3]
    keep_for_report(tmp_path, bytes(2 * QUARANTINED_BYTES), "the newest, whatever its size")
    assert len(list(tmp_path.glob("*.update"))) == 1
