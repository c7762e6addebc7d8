"""P-9: ``ganimede state``: what a person and a program read, and what is never deleted without a word."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from actors.boot import open_notebook, state_folder
from actors.disk import describe_lock
from actors.journal_format import FORMAT
from gateway import cli
from gateway.state_command import human_age, human_size
from protocol.document import Document
from protocol.messages.changes import SetCell
from protocol.messages.shared import Entry
from protocol.notebook_file import dump
from protocol.values import CellValue, JsonObject, NotebookValue


class Shelf:
    """Notebooks with journals, and the command over them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = folder
        self.state = folder / "state"
        self.capsys = capsys

    def path(self, name: str) -> Path:
        return self.home / f"{name}.ipynb"

    def folder(self, name: str) -> Path:
        return state_folder(self.state, self.path(name))

    def make(self, name: str, unsaved: bool = False) -> None:
        self.path(name).write_bytes(dump(NotebookValue(cells=(CellValue(id="a", type="code", source=name),))))
        with closing(open_notebook(self.path(name), self.state, f"epoch-{ascii(name)[1:-1]}")) as notebook:
            if unsaved:
                update = Document(notebook.journal.replay().updates, 5).edit(
                    [SetCell("a", {"execution_count": 3})]
                )
                notebook.journal.append((update,), (Entry("1", "a", ""),), content=True)

    def run(self, *arguments: object) -> str:
        cli.main(["state", "--state-dir", str(self.state), *map(str, arguments)])
        return self.capsys.readouterr().out

    def refused(self, *arguments: object) -> str:
        """The one sentence."""
        with pytest.raises(SystemExit) as caught:
            self.run(*arguments)
        text = str(caught.value.code)
        assert text.startswith("ganimede: ")
        assert "\n" not in text
        return text.removeprefix("ganimede: ")


@pytest.fixture
def shelf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shelf:
    return Shelf(tmp_path, capsys)


def test_the_list_says_for_each_what_it_is_about(shelf: Shelf) -> None:
    shelf.make("saved")
    shelf.make("unsaved", unsaved=True)
    shelf.make("gone")
    shelf.path("gone").unlink()
    with closing(open_notebook(shelf.path("saved"), shelf.state, "e")):
        head, *rows = shelf.run("list").splitlines()
    assert head.split() == ["ID", "SIZE", "CHANGED", "EPOCH", "WORK", "OPEN", "NOTEBOOK"]
    seen = {}
    for row in rows:
        id_, size, changed, epoch, work, is_open, notebook = re.split(r"  +", row)
        seen[notebook] = (id_, work, is_open, epoch)
        assert (size.split()[1], changed) == ("KiB", "just now")
    short = {name: shelf.folder(name).name[:8] for name in ("saved", "unsaved", "gone")}
    assert seen == {
        str(shelf.path("saved")): (short["saved"], "saved", "yes", "epoch-sa"),
        str(shelf.path("unsaved")): (short["unsaved"], "UNSAVED", "no", "epoch-un"),
        f"{shelf.path('gone')} (gone)": (short["gone"], "saved", "no", "epoch-go"),
    }


def test_programs_read_the_same_as_json(shelf: Shelf) -> None:
    shelf.make("x", unsaved=True)
    [listed] = json.loads(shelf.run("list", "--json"))
    assert listed == json.loads(shelf.run("show", shelf.path("x"), "--json"))
    assert listed["id"] == shelf.folder("x").name
    assert listed["notebook"] == str(shelf.path("x"))
    assert (listed["exists"], listed["open"], listed["unsaved"], listed["updates"]) == (True, False, True, 1)
    assert (listed["queued"], listed["format"]) == (1, FORMAT)


def test_large_outputs_count_and_go_with_the_journal(shelf: Shelf) -> None:
    data: JsonObject = {"image/png": base64.b64encode(bytes(range(256)) * 800).decode()}
    output: JsonObject = {"output_type": "display_data", "data": data, "metadata": {}}
    cell = CellValue(id="a", type="code", outputs=(output,))
    shelf.path("x").write_bytes(dump(NotebookValue(cells=(cell,))))
    open_notebook(shelf.path("x"), shelf.state, "e").close()
    [listed] = json.loads(shelf.run("list", "--json"))
    assert listed["values"] == 1
    assert listed["size"] > listed["value_bytes"] > 204_800
    assert re.search(r"^Large outputs +1 \(200 KiB\)$", shelf.run("show", shelf.path("x")), re.MULTILINE)
    shelf.run("rm", shelf.path("x"), "--yes")
    assert not shelf.folder("x").exists()


def test_show_takes_a_path_or_the_beginning_of_an_id(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.make("x", unsaved=True)
    (shelf.folder("x") / "before-20260101-000000-abcdef01.ipynb").write_bytes(b"")
    monkeypatch.chdir(shelf.home)
    text = shelf.run("show", "x.ipynb")
    assert re.search(r"^Work +UNSAVED$", text, re.MULTILINE)
    assert re.search(r"^Updates since +1 \(\d+ B\)$", text, re.MULTILINE)
    assert re.search(r"^Epoch +epoch-x$", text, re.MULTILINE)
    assert re.search(r"^Set aside +before-20260101-000000-abcdef01.ipynb$", text, re.MULTILINE)
    assert shelf.run("show", shelf.folder("x").name[:6]) == text


def test_a_journal_left_by_a_killed_server_is_read_without_touching_it(shelf: Shelf) -> None:
    shelf.make("x")
    notebook = open_notebook(shelf.path("x"), shelf.state, "e")
    notebook.journal.append((b"\0\0",), None, content=True)
    left = {each.name: each.read_bytes() for each in shelf.folder("x").iterdir()}
    notebook.close()
    for name, data in left.items():
        (shelf.folder("x") / name).write_bytes(data)
    assert len(left["journal.sqlite-wal"]) > 0
    [listed] = json.loads(shelf.run("list", "--json"))
    assert (listed["unsaved"], listed["updates"], listed["open"]) == (True, 1, False)
    assert {each.name: each.read_bytes() for each in shelf.folder("x").iterdir()} == left


def test_a_damaged_journal_is_listed_as_such(shelf: Shelf) -> None:
    shelf.make("x")
    (shelf.folder("x") / "journal.sqlite").write_bytes(b"no database" * 100)
    assert "damaged" in shelf.run("list")
    assert str(shelf.path("x")) in shelf.run("list")
    assert "opening the notebook keeps what can be read" in shelf.run("show", shelf.path("x"))
    assert "may hold unsaved work: add --yes" in shelf.refused("rm", shelf.path("x"))


def test_nothing_there_is_said(shelf: Shelf) -> None:
    assert shelf.run("list") == f"There are no journals in {shelf.state}.\n"
    assert shelf.run("list", "--json") == "[]\n"
    for verb in ("show", "rm"):
        assert shelf.refused(verb, "x.ipynb").startswith("There is no journal of x.ipynb in ")
        assert shelf.refused(verb, "../\0").startswith("There is no journal of ")


def test_rm_deletes_when_told_so_and_everything(shelf: Shelf) -> None:
    shelf.make("x", unsaved=True)
    shelf.make("y")
    assert "holds work that is not in its file: add --yes" in shelf.refused("rm", shelf.path("x"))
    assert shelf.folder("x").exists()
    text = shelf.run("rm", shelf.path("x"), "--yes")
    assert text.startswith(f"Deleted the journal of {shelf.path('x')} (")
    assert [each.name for each in (shelf.state / "notebooks").iterdir()] == [shelf.folder("y").name]
    assert shelf.path("x").exists()


@pytest.mark.parametrize(
    ("answer", "deleted"), [("y\n", True), ("Yes\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_rm_asks(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, answer: str, deleted: bool) -> None:
    shelf.make("x")
    answers = io.StringIO(answer)
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answers)
    if deleted:
        assert "Delete the journal of " in shelf.run("rm", shelf.path("x"))
    else:
        assert shelf.refused("rm", shelf.path("x")) == "Nothing was deleted."
    assert shelf.folder("x").exists() is not deleted


def test_rm_asks_nobody_where_nobody_is(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.make("x")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert shelf.refused("rm", shelf.path("x")).startswith("There is nobody to ask here")
    assert shelf.folder("x").exists()


def test_rm_refuses_one_that_is_open_and_names_its_server(shelf: Shelf) -> None:
    shelf.make("x")
    with closing(open_notebook(shelf.path("x"), shelf.state, "e")) as notebook:
        describe_lock(notebook.lock, "http://localhost:8000/")
        for more in ((), ("--yes",)):
            text = shelf.refused("rm", shelf.path("x"), *more)
            assert (
                text == f"{shelf.path('x')} is open in a Ganimede server (http://localhost:8000/): stop it first."
            )
    assert shelf.run("rm", shelf.path("x"), "--yes")


def test_an_id_must_name_one(shelf: Shelf) -> None:
    shelf.make("x")
    name = shelf.folder("x").name
    twin = shelf.folder("x").with_name(name[:5] + "0" * 19)
    twin.mkdir()
    sqlite3.connect(twin / "journal.sqlite").close()
    (twin / "journal.sqlite").touch()
    assert (
        shelf.refused("show", name[:4]) == f"2 journals have an id that begins with {name[:4]}: give more of it."
    )
    assert shelf.refused("show", name[:3]).startswith("There is no journal of ")


@pytest.mark.parametrize("arguments", [[], ["frob"], ["list", "more"], ["rm"], ["show", "a", "--frob"]])
def test_what_is_not_understood_is_one_sentence(shelf: Shelf, arguments: list[str]) -> None:
    assert "`ganimede state" in shelf.refused(*arguments)


def test_a_state_folder_that_cannot_be_read_is_one_sentence(shelf: Shelf) -> None:
    shelf.state.write_text("a file")
    assert shelf.refused("list") == f"--state-dir: {shelf.state} is not a folder."


def test_the_variable_names_the_folder_too(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.make("x")
    monkeypatch.setenv("GANIMEDE_STATE_DIR", str(shelf.state))
    cli.main(["state", "list"])
    assert str(shelf.path("x")) in shelf.capsys.readouterr().out
    cli.main(["state", "list", "--state-dir", str(shelf.home / "other")])
    assert "There are no journals" in shelf.capsys.readouterr().out


def test_sizes_and_times_are_for_people() -> None:
    assert [human_size(size) for size in (0, 1023, 1024, 20 * 1024, 3 << 20, 5 << 30)] == [
        "0 B", "1023 B", "1.0 KiB", "20 KiB", "3.0 MiB", "5.0 GiB",
    ]  # fmt: skip
    assert [human_age(age) for age in (-5, 59, 60, 7200, 86400 * 9)] == [
        "just now", "just now", "1 minute ago", "2 hours ago", "9 days ago",
    ]  # fmt: skip


def test_a_name_that_is_not_text_is_printed_all_the_same(shelf: Shelf) -> None:
    shelf.make(os.fsdecode(b"caf\xe9"))
    assert "caf\ufffd.ipynb" in shelf.run("list")
    assert json.loads(shelf.run("list", "--json"))[0]["notebook"].endswith("caf\ufffd.ipynb")
