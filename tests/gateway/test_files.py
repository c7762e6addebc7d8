"""Images beside the notebook are served, and nothing else of a person's disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gateway import files
from gateway.files import NotServed, read_image

pytestmark = pytest.mark.pure

PNG = b"\x89PNG\r\n\x1a\n and the rest"
SECRET = b"not for browsers"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The notebook's folder, in one that holds what must not be seen."""
    folder = tmp_path / "notes"
    (folder / "images" / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name in ("plot.png", "images/deep/plot.PNG", "naïve – 2.png", "a%2e.png", "a b.png"):
        (folder / name).write_bytes(PNG)
    for name in ("secret.txt", ".secret.png", ".hidden/secret.png", "noext", "n.ipynb"):
        (folder / name).write_bytes(SECRET)
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    (tmp_path / "outside.png").write_bytes(SECRET)
    (tmp_path / "notes-too").mkdir()  # begins like the folder
    (tmp_path / "notes-too" / "outside.png").write_bytes(SECRET)
    (folder / "inside.png").symlink_to("images/deep/plot.PNG")
    (folder / "also").symlink_to("images")
    (folder / "out.png").symlink_to(tmp_path / "outside.png")
    (folder / "up").symlink_to("..")
    (folder / "hidden.png").symlink_to(".hidden/secret.png")
    (folder / "text.png").symlink_to("secret.txt")
    (folder / "gone.png").symlink_to("nowhere.png")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    return folder


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("plot.png", "image/png"),
        ("images/deep/plot.PNG", "image/png"),
        ("naïve – 2.png", "image/png"),
        ("a%2e.png", "image/png"),
        ("a b.png", "image/png"),
        ("inside.png", "image/png"),  # links may lead elsewhere inside
        ("also/deep/plot.PNG", "image/png"),
        ("drawing.svg", "image/svg+xml"),
    ],
)
def test_an_image_below_the_notebook_is_served(folder: Path, path: str, kind: str) -> None:
    image = read_image(folder, path)
    assert image.kind == kind
    assert image.body == (folder / path).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "", "/", ".", "..", "plot", "nothing.png", "noext", "n.ipynb", "secret.txt",
        # out of the folder
        "../outside.png", "images/../../outside.png", "../notes-too/outside.png", "../notes/plot.png",
        "images/../plot.png", "./plot.png", "images/./deep/plot.PNG", "images//deep/plot.PNG",
        "/etc/hostname.png", "//etc/passwd", "/plot.png", "plot.png/", "plot.png/.", "plot.png/..",
        "..\\outside.png", "images\\deep\\plot.PNG", "C:\\x.png", "file:///etc/x.png", "~/x.png",
        "..%2foutside.png", "%2e%2e/outside.png", "..;/outside.png",
        "\uff0e\uff0e/outside.png", "..\u2215outside.png", ".../outside.png",
        # other names of what may not be served
        "plot.png\0", "secret.txt\0.png", "\0", "secret.txt%00.png", "secret.txt?.png", "secret.txt#.png",
        ".secret.png", ".hidden/secret.png", "hidden.png", "text.png", ".png", "images/.png",
        # not files, or not there
        "out.png", "up/outside.png", "gone.png", "loop.png", "folder.png", "pipe.png",
        "plot.png/x.png", "images", "images/deep", "\ud800.png", "x" * 300 + ".png", "a/" * 3000 + "x.png",
    ],
)  # fmt: skip
def test_nothing_else_is_served_and_nothing_is_told_of_it(folder: Path, path: str) -> None:
    with pytest.raises(NotServed) as refused:
        read_image(folder, path)
    assert refused.value.status == 404
    assert str(folder) not in refused.value.sentence


def test_a_link_that_is_swapped_in_after_the_judgement_is_not_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = files._resolve

    def swap(real: Path, path: str) -> tuple[str, ...]:
        names = judged(real, path)
        (real / "images").rename(real / "aside")
        (real / "images").symlink_to(real.parent)
        return ("images", "outside.png") if names else names

    monkeypatch.setattr(files, "_resolve", swap)
    with pytest.raises(NotServed):
        read_image(folder, "images/deep/plot.PNG")


def test_the_folder_itself_may_be_hidden_or_a_link(folder: Path, tmp_path: Path) -> None:
    hidden = folder.rename(tmp_path / ".notes")
    (tmp_path / "link").symlink_to(hidden)
    assert read_image(tmp_path / "link", "plot.png").body == PNG
    with pytest.raises(NotServed):
        read_image(tmp_path / "missing", "plot.png")


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    with (folder / "huge.png").open("wb") as file:
        file.truncate(files.LARGEST + 1)
    with pytest.raises(NotServed) as refused:
        read_image(folder, "huge.png")
    assert refused.value.status == 413


def test_a_file_that_may_not_be_read_is_not_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root, who may run this, reads everything
    with pytest.raises(NotServed):
        read_image(folder, "plot.png")


def test_what_the_asker_has_is_not_sent_again_until_it_changes(folder: Path) -> None:
    tag = read_image(folder, "plot.png").tag
    assert read_image(folder, "plot.png", frozenset({tag})).body is None
    (folder / "plot.png").write_bytes(PNG + b"!")
    assert read_image(folder, "plot.png", frozenset({tag})).body == PNG + b"!"


def test_no_descriptor_stays_open(folder: Path) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    for path in ("plot.png", "images/deep/plot.PNG", "folder.png", "pipe.png", "out.png", "images/none/x.png"):
        for _ in range(3):
            try:
                read_image(folder, path)
            except NotServed:
                pass
    assert descriptors() == before


def test_an_image_that_is_opened_by_itself_runs_and_loads_nothing() -> None:
    directives = dict(part.strip().partition(" ")[::2] for part in files.CONTENT_SECURITY_POLICY.split(";"))
    assert directives["sandbox"] == ""
    assert directives["default-src"] == "'none'"
    assert "script-src" not in directives
    assert set(files.TYPES.values()) == {
        "image/avif", "image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp"
    }  # fmt: skip
