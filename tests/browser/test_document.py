"""The document view: the same notebook in one column."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import at, loose
from tests.browser.test_phone import PHONE
from tests.system.support import code_cell, markdown_cell

FLOW: dict[str, Any] = {"gm": {"np_graph": {"head": ["last"]}, "pc_graph": {"head": ["one", "two"]}}}


def flow() -> list[dict[str, Any]]:
    """On the canvas the last lies above the first."""
    return [
        code_cell("last", "print(a + 1)", metadata=at(0, 0)),
        markdown_cell("head", "# Beginning\n\nSome *words*.\n\n## Details", metadata=at(0, 500)),
        code_cell("one", "a = 41", metadata=at(0, 0)),
        markdown_cell("two", "## In between", metadata=at(0, 0)),
    ]


def document(person: Person) -> Locator:
    person.press("Shift+d")
    articles = person.page.get_by_role("main").get_by_role("article")
    articles.first.wait_for()
    return articles


def order(person: Person) -> list[str]:
    found: list[str] = person.page.locator("article").evaluate_all("all => all.map(each => each.dataset.cellId)")
    return found


def test_the_document_has_the_cells_in_reading_order_and_is_edited_and_run_by_keys(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(*flow(), metadata=FLOW))
    articles = document(ada)
    assert order(ada) == ["head", "one", "two", "last"]
    expect(articles.nth(1)).to_have_accessible_name("Code cell 2, idle")
    expect(ada.page.get_by_role("region", name="Beginning").get_by_role("article")).to_have_count(3)
    expect(ada.page.get_by_role("application")).to_have_count(0)
    ada.press("Home", "j", "Enter")
    expect(ada.cell("one").locator(".cm-content")).to_be_focused()
    ada.press("Shift+Enter")
    ada.press("ArrowDown")
    expect(articles.nth(3)).to_be_focused()
    ada.press("Control+Enter")
    ada.until_printed("last", "42")
    expect(articles.nth(3)).to_contain_text("42")
    # The same notebook, and the same current cell, on the canvas.
    ada.press("Shift+d")
    expect(ada.cell("last")).to_be_focused()
    bob.until_printed("last", "42")


@pytest.mark.e2e
def test_cells_are_made_moved_deleted_and_brought_back_in_the_document(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*flow(), metadata=FLOW))
    articles = document(ada)
    articles.nth(1).locator("header").click()
    ada.page.get_by_role("group", name="Below this cell").get_by_role("button", name="Text").click()
    made = ada.page.evaluate("ganimede.board.editing")
    ada.type("in the middle")
    ada.until_text(made, "in the middle")
    assert order(ada) == ["head", "one", made, "two", "last"]
    ada.press("Escape", "Control+Shift+ArrowDown")
    ada.until("[...document.querySelectorAll('article')][3].dataset.cellId === it", made)
    ada.press("d", "d")
    ada.until("!ganimede.notebook.has(it)", made)
    ada.press("z")
    ada.until("document.querySelectorAll('article')[3].dataset.cellId === it", made)
    ada.page.get_by_role("group", name="At the end").get_by_role("button", name="Code").click()
    ada.type("print('end')")
    end = ada.page.evaluate("ganimede.board.editing")
    assert order(ada)[-1] == end


@pytest.mark.e2e
def test_the_outline_leads_to_headings_and_says_where_one_is(scene: Scene) -> None:
    cells = [
        markdown_cell(f"m{n}", f"# Part {n}\n\n{'words ' * 900}\n\n## Deeper {n}", metadata=at(0, 0))
        for n in range(6)
    ]
    ada = scene.person(scene.notebook(*cells, metadata=loose()))
    document(ada)
    outline = ada.page.get_by_role("navigation", name="Outline")
    expect(outline.get_by_role("button")).to_have_count(12)
    outline.get_by_role("button", name="Deeper 4").click()
    expect(ada.page.get_by_role("heading", name="Deeper 4")).to_be_in_viewport()
    expect(outline.get_by_role("button", name="Deeper 4")).to_have_attribute("aria-current", "location")
    assert ada.page.evaluate("ganimede.board.current") == "m4"
    ada.button("Close the outline").click()
    expect(outline).to_have_count(0)


@pytest.mark.e2e
def test_a_link_opens_the_document_at_its_cell_and_a_reload_stays_there(scene: Scene) -> None:
    cells = [
        code_cell(f"c{n}", "\n".join(f"x = {i}" for i in range(12)), metadata=at(0, 400 * n)) for n in range(40)
    ]
    host = scene.notebook(*cells, metadata=loose())
    ada = scene.person(host)
    document(ada)
    ada.page.evaluate("ganimede.board.goTo('c33')")
    expect(ada.cell("c33")).to_be_in_viewport()
    ada.until("location.hash === '#as=document&cell=c33'")
    bob = scene.person(name="bob").open(host.address + "#as=document&cell=c33")
    expect(bob.cell("c33")).to_be_in_viewport()
    ada.page.reload()
    ada.connected()
    expect(ada.cell("c33")).to_be_in_viewport()
    expect(ada.cell("c33").locator(".cell")).to_be_visible()


@pytest.mark.e2e
def test_what_is_far_away_is_its_text_and_becomes_the_cell_when_it_is_near(scene: Scene) -> None:
    cells = [code_cell(f"c{n:03}", f"# number {n}\nx = {n}\ny = x", metadata=at(0, 400 * n)) for n in range(300)]
    ada = scene.person(scene.notebook(*cells, metadata=loose()))
    document(ada)
    ada.until("document.querySelectorAll('article').length === 300")
    expect(ada.cell("c299").locator(".cell")).to_have_count(0)
    expect(ada.cell("c299")).to_contain_text("# number 299")
    assert ada.page.locator("article .cell").count() < 40
    ada.press("Home", "End")
    expect(ada.cell("c299").locator(".cell")).to_be_visible()
    expect(ada.cell("c299")).to_be_focused()
    expect(ada.cell("c000").locator(".cell")).to_have_count(0)


@pytest.mark.e2e
def test_commands_of_places_say_why_not_and_others_work_in_the_document(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*flow(), metadata=FLOW))
    document(ada)
    ada.page.evaluate("ganimede.board.select(['last'])")
    ada.press("e")
    expect(ada.toast("Only on the canvas.")).to_be_visible()
    ada.press("m")
    ada.until("ganimede.notebook.cell('last').type === 'markdown'")
    ada.press("ControlOrMeta+f")
    ada.type("in between")
    expect(ada.page.get_by_text("1 of 1")).to_be_visible()
    expect(ada.cell("two")).to_be_in_viewport()


@pytest.mark.e2e
def test_who_is_in_a_cell_is_seen_in_the_document(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(*flow(), metadata=FLOW))
    articles = document(ada)
    bob.edit("one")
    expect(articles.nth(1).get_by_role("note", name="In this cell: bob")).to_be_attached()
    expect(ada.cell("one").locator(".peer-caret")).to_have_count(1)
    ada.edit("one")
    ada.press("Control+End")
    ada.type(" + 1")
    bob.until_text("one", "a = 41 + 1")


@pytest.mark.e2e
def test_a_phone_begins_with_the_document_and_the_canvas_is_one_press_away(scene: Scene) -> None:
    host = scene.notebook(*flow(), metadata=FLOW)
    ada = scene.person(host, **PHONE)
    expect(ada.page.get_by_role("article")).to_have_count(4)
    wide = ada.page.evaluate(
        "document.querySelector('.scroll').scrollWidth - document.querySelector('.scroll').clientWidth"
    )
    assert wide == 0
    ada.tool("Canvas").tap()
    expect(ada.page.get_by_role("application", name="Canvas of notes")).to_be_visible()
    ada.page.reload()
    ada.connected()
    expect(ada.page.get_by_role("application", name="Canvas of notes")).to_be_visible()
    ada.tool("Document view").tap()
    ada.cell("one").locator("header").tap()
    ada.tool("Run selected cell").tap()
    ada.until("ganimede.notebook.cell('one').executionCount === 1")
