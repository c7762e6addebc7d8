"""Whatever breaks between or behind the page: nothing that was written is lost, and nobody has to reload."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.system.support import FULL, code_cell

OFFLINE = 30.0 if FULL else 2.0
ACTORS = [
    "hub",
    "gateway",
    *(pytest.param(name, marks=pytest.mark.e2e) for name in ("runs", "kernel", "checkpointer")),
]


def mark(person: Person) -> None:
    """Gone after a reload."""
    person.page.evaluate("globalThis.notReloaded = true")


def reloaded(person: Person) -> bool:
    return not person.page.evaluate("globalThis.notReloaded === true")


def append(person: Person, cell_id: str, text: str) -> None:
    person.edit(cell_id)
    person.type(text)
    person.press("Escape")


def test_offline_edits_on_both_sides_are_merged(scene: Scene) -> None:
    host, wire = scene.wired(code_cell("one", "start"), code_cell("two", ""))
    ada = scene.person(host, "ada", address=wire.url)
    bob = scene.person(host, "bob")
    ada.away = True
    mark(ada)
    ada.can_write()
    wire.cut()
    ada.until("ganimede.room.state === 'offline'")
    append(ada, "one", " ada")
    append(bob, "one", " bob")
    append(bob, "two", "new")
    expect(
        ada.page.get_by_role("group", name=re.compile(r"^Connection: Offline, \d+ unsent edits?$"))
    ).to_be_visible()
    # Offline for a while, as in a tunnel: this is the time itself, not a wait for something.
    ada.page.wait_for_timeout(OFFLINE * 1000)
    assert "bob" not in ada.text("one")
    assert "ada" not in bob.text("one")
    wire.mend()
    for person in (ada, bob):
        person.until(
            "['ada', 'bob'].every(w => ganimede.room.doc.getMap('one').get('source').toString().includes(w))"
        )
        person.until_text("two", "new")
    assert ada.text("one") == bob.text("one")
    ada.sent()
    assert not reloaded(ada)
    expect(ada.page.get_by_role("group", name="Connection: Connected")).to_be_visible()


@pytest.mark.e2e
def test_what_is_asked_offline_is_done_when_the_edits_are_there(scene: Scene) -> None:
    host, wire = scene.wired(code_cell("one", ""))
    ada = scene.person(host, address=wire.url)
    ada.away = True
    ada.can_write()
    wire.cut()
    ada.until("ganimede.room.state === 'offline'")
    ada.edit("one")
    ada.type("print('written offline')")
    ada.press("Control+Enter")
    wire.mend()
    ada.until_printed("one", "written offline")


@pytest.mark.e2e
def test_offline_edits_survive_the_tab(scene: Scene) -> None:
    host, wire = scene.wired(code_cell("one", "start"))
    ada = scene.person(host, "ada", address=wire.url)
    bob = scene.person(host, "bob")
    ada.away = True
    ada.can_write()
    wire.cut()
    ada.until("ganimede.room.state === 'offline'")
    append(ada, "one", " kept")
    ada.page.close()
    wire.mend()
    assert bob.text("one") == "start"
    ada.page = ada.context.new_page()
    ada.page.goto(wire.url)
    ada.connected()
    for person in (ada, bob):
        person.until_text("one", "start kept")


@pytest.mark.e2e
def test_the_server_is_killed_and_comes_back_under_an_open_page(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "start"))
    ada, bob = scene.two(host)
    for person in (ada, bob):
        person.away = True
        mark(person)
    append(ada, "one", " before")
    ada.sent()
    host.kill()
    ada.until("ganimede.room.state === 'offline'")
    bob.until("ganimede.room.state === 'offline'")
    append(ada, "one", " meanwhile")
    host.start()
    for person in (ada, bob):
        person.connected()
        person.until_text("one", "start before meanwhile")
        assert not reloaded(person)
    ada.page.evaluate("ganimede.acts.createCell({ type: 'code', left: 0, top: 900, source: 'print(1 + 1)' })")
    made = ada.ids()[-1]
    ada.page.evaluate("id => ganimede.server.run([id])", made)
    bob.until("ganimede.notebook.has(it)", made)
    bob.until_printed(made, "2")


@pytest.mark.parametrize("actor", ACTORS)
def test_an_actor_is_killed_under_an_open_page(scene: Scene, actor: str) -> None:
    host = scene.notebook(code_cell("one", "start"), code_cell("two", "print('ran')"))
    ada, bob = scene.two(host)
    for person in (ada, bob):
        person.away = True
        mark(person)
    append(ada, "one", " before")
    ada.sent()
    ada.page.evaluate("actor => ganimede.server.request('chaos.kill', { actor }).catch(() => undefined)", actor)
    append(bob, "one", " after")
    for person in (ada, bob):
        person.until_text("one", "start before after")
        person.connected()
    bob.sent()
    bob.page.evaluate("ganimede.server.run(['two'])")
    for person in (ada, bob):
        person.until_printed("two", "ran")
        expect(person.cell("two")).to_contain_text("ran")
        assert not reloaded(person)


@pytest.mark.e2e
def test_a_rebuilt_notebook_gets_what_was_never_sent_and_no_cell_comes_twice(scene: Scene, tmp_path: Path) -> None:
    host = scene.notebook(code_cell("one", "start"), code_cell("two", "a = 1"))
    ada = scene.person(host, "ada")
    ada.away = True
    mark(ada)
    ada.can_write()
    host.stop()
    ada.until("ganimede.room.state === 'offline'")
    append(ada, "one", " offline")
    append(ada, "two", " # mine")
    shutil.rmtree(tmp_path / "state")  # the journal is lost: another lineage begins from the file
    notebook = tmp_path / "notes.ipynb"
    notebook.write_text(notebook.read_text().replace("a = 1", "a = 2"))
    host.start()
    ada.until("globalThis.ganimede.room.state === 'connected' && ganimede.room.aside.length === 1")
    ada.until_text("one", "start offline")
    assert ada.text("two") == "a = 2"
    assert ada.ids() == ["one", "two"]
    assert not reloaded(ada)
    unplaced = ada.page.get_by_role("complementary", name="Edits that could not be placed")
    expect(unplaced).to_contain_text("a = 1 # mine")
    unplaced.get_by_role("button", name="Insert as a new cell").click()
    expect(unplaced).to_have_count(0)
    ada.sent()
    bob = scene.person(host, "bob")
    assert len(bob.ids()) == 3
    assert bob.text(bob.ids()[-1]) == "a = 1 # mine"


@pytest.mark.e2e
def test_what_runs_is_shown_and_one_can_watch_an_actor_heal(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "start")))
    ada.button("What is running").click()
    panel = ada.page.get_by_role("region", name="What is running")
    expect(panel.get_by_role("listitem")).to_have_count(6)
    hub = panel.get_by_role("listitem").filter(has_text="hub")
    expect(hub).to_contain_text("up")
    hub.get_by_role("button", name="Kill hub").click()
    expect(hub).to_contain_text("up, restarted once")
    append(ada, "one", " after")
    ada.sent()
    expect(panel).to_contain_text(re.compile(r"Journal\s*\d+ kB"))
