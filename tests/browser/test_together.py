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


MIDDLE = "(({ view }) => [view.left + view.width / 2, view.top + view.height / 2])(ganimede.board.viewport)"


def test_one_follows_another_until_they_move_by_themselves(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "x = 1"), code_cell("two", "y = 2")))
    ada.until("ganimede.people.others.some(peer => peer.name === 'bob' && peer.view !== null)")
    ada.button("Go to bob and follow").click()
    chip = ada.page.get_by_role("status").filter(has_text="Following bob")
    expect(chip).to_be_visible()
    expect(bob.button("Go to ada and follow; follows you")).to_be_visible()
    bob.page.evaluate("ganimede.board.viewport.look({ x: 4000, y: 3000 }, 0.5)")
    ada.until(f"{MIDDLE}.every((each, at) => Math.abs(each - it[at]) < 60)", bob.page.evaluate(MIDDLE))
    # Nobody follows whoever follows them.
    bob.button("Go to ada and follow").click()
    expect(bob.page.get_by_text("ada follows you.")).to_be_visible()
    # By herself: she stays where she is.
    ada.page.mouse.move(500, 450)
    ada.page.mouse.wheel(0, 100)
    expect(chip).to_have_count(0)
    bob.until("ganimede.people.others[0].follows === null")


@pytest.mark.e2e
def test_who_followed_somebody_that_leaves_is_told(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "x = 1")))
    ada.until("ganimede.people.others.some(peer => peer.view !== null)")
    ada.button("Go to bob and follow").click()
    expect(ada.page.get_by_text("Following bob")).to_be_visible()
    bob.context.close()
    scene.people.remove(bob)
    expect(ada.page.get_by_text("bob has left: you are on your own again.")).to_be_visible()
    expect(ada.page.get_by_text("Following bob")).to_have_count(0)


@pytest.mark.e2e
def test_escape_and_the_palette_end_following(scene: Scene) -> None:
    ada, _ = scene.two(scene.notebook(code_cell("one", "x = 1")))
    ada.until("ganimede.people.others.some(peer => peer.view !== null)")
    ada.press("Control+k")
    ada.page.keyboard.type("follow the next")
    ada.press("Enter")
    expect(ada.page.get_by_text("Following bob")).to_be_visible()
    ada.press("Escape")
    expect(ada.page.get_by_text("Following bob")).to_have_count(0)


@pytest.mark.e2e
def test_which_cells_somebody_has_selected_is_seen_until_they_let_go_or_leave(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "1"), code_cell("two", "2"), code_cell("three", "3")))
    ada.sees("one")
    chosen = [ada.cell(cell_id).get_by_role("note", name="Selected by bob") for cell_id in ("one", "two", "three")]
    bob.page.evaluate("ganimede.board.select(['one', 'two'])")
    for each, seen in zip(chosen, (1, 1, 0), strict=True):
        expect(each).to_have_count(seen)
    bob.page.evaluate("ganimede.board.select(['three'])")
    for each, seen in zip(chosen, (0, 0, 1), strict=True):
        expect(each).to_have_count(seen)
    # Whoever writes in it is in it.
    bob.edit("three")
    expect(ada.cell("three").get_by_role("note", name="In this cell: bob")).to_have_count(1)
    expect(chosen[2]).to_have_count(0)
    bob.press("Escape")
    bob.press("ControlOrMeta+a")
    for each in chosen:
        expect(each).to_have_count(1)
    bob.context.close()
    scene.people.remove(bob)
    for each in chosen:
        expect(each).to_have_count(0)
