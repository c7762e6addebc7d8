"""Two people on one notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.system.support import code_cell


def test_both_type_in_one_editor_and_converge(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "first\n\nlast")))
    ada.edit("one")
    ada.press("Control+Home", "End")
    bob.edit("one")
    for i in range(8):
        ada.type(f"A{i}")
        bob.type(f"B{i}")
    mine = "".join(f"A{i}" for i in range(8))
    theirs = "".join(f"B{i}" for i in range(8))
    for person in (ada, bob):
        person.until_text("one", f"first{mine}\n\nlast{theirs}")
        expect(person.cell("one").locator(".cm-content")).to_contain_text(mine)
        expect(person.cell("one").locator(".cm-content")).to_contain_text(theirs)
    # Undo takes back what is mine and leaves what is not.
    ada.press("Control+z")
    for person in (ada, bob):
        person.until("!ganimede.room.doc.getMap('one').get('source').toString().includes('A7')")
        assert bob.text("one").endswith(theirs)


@pytest.mark.e2e
def test_who_is_here_and_where(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "x = 1"), code_cell("two", "y = 2")))
    bob.edit("one")
    ada.until("ganimede.people.others.some(peer => peer.name === 'bob' && peer.cell === 'one')")
    expect(ada.button("Go to bob")).to_be_visible()
    bob.page.mouse.move(700, 500)
    ada.until("ganimede.people.others[0]?.pointer !== null")
    expect(ada.page.get_by_text("bob", exact=True).first).to_be_visible()
    bob.context.close()
    scene.people.remove(bob)
    ada.until("ganimede.people.others.length === 0")


@pytest.mark.e2e
def test_a_name_is_kept_in_the_browser(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", ""))
    ada = scene.person(host, "Ada Lovelace")
    ada.page.reload()
    ada.connected()
    assert ada.page.evaluate("ganimede.people.me.name") == "Ada Lovelace"
