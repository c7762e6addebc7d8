"""Find and replace over the whole notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import at, loose, zoom
from tests.browser.test_keyboard import select
from tests.browser.test_outputs import stream
from tests.system.support import code_cell, markdown_cell


def find(person: Person, text: str) -> Locator:
    """The panel, with this in its field."""
    person.press("ControlOrMeta+f")
    panel = person.page.get_by_role("search", name="Find and replace")
    expect(panel.get_by_label("Find", exact=True)).to_be_focused()
    person.page.keyboard.insert_text(text)
    return panel


def marked(person: Person, cell_id: str) -> list[str]:
    """What is highlighted in the static text of a cell, or in its live editor."""
    script = """id => {
      const cell = document.querySelector(`[data-cell-id="${id}"]`);
      const live = [...cell.querySelectorAll('.found')].map(each => each.textContent);
      const ranges = ['found', 'found-now'].flatMap(name => [...(CSS.highlights.get(name) ?? [])]);
      return [...live, ...ranges.filter(each => cell.contains(each.startContainer)).map(String)];
    }"""
    found: list[str] = person.page.evaluate(script, cell_id)
    return found


def notebook(scene: Scene) -> Person:
    cells = [
        code_cell("one", "rows = 1\nprint(rows)", metadata=at(0, 0)),
        markdown_cell("two", "All the **rows** there are", metadata=at(0, 300)),
        code_cell("far", "more = rows + Rows", metadata=at(6000, 9000)),
    ]
    ada = scene.person(scene.notebook(*cells, metadata=loose(one=["two"], two=["far"])))
    zoom(ada, 1)
    return ada


def test_what_is_found_is_gone_to_wherever_it_is(scene: Scene) -> None:
    ada = notebook(scene)
    panel = find(ada, "rows")
    expect(panel.get_by_role("status")).to_have_text("1 of 5")
    ada.press("Enter", "Enter", "Enter")
    expect(panel.get_by_role("status")).to_have_text("4 of 5")
    expect(ada.sees("far")).to_be_in_viewport()
    expect(panel.get_by_label("Find", exact=True)).to_be_focused()
    ada.press("Escape")
    expect(panel).to_have_count(0)
    ada.until("document.activeElement.dataset.cellId === 'far'")


@pytest.mark.e2e
def test_what_is_found_is_marked_in_static_texts_and_live_editors_and_in_markdown(scene: Scene) -> None:
    ada = notebook(scene)
    panel = find(ada, "rows")
    expect(panel.get_by_role("status")).to_have_text("1 of 5")
    ada.until("document.querySelectorAll('[data-cell-id=one] .cm-editor').length === 1")
    ada.until("document.querySelectorAll('[data-cell-id=one] .found').length === 2")
    assert marked(ada, "one") == ["rows", "rows"]
    ada.press("Enter", "Enter")
    expect(ada.cell("two").locator(".code")).to_contain_text("All the **rows** there are")
    ada.until("[...CSS.highlights.get('found-now')].map(String).join() === 'rows'")
    panel.get_by_role("button", name="Match case").click()
    expect(panel.get_by_role("status")).to_have_text("3 of 4")
    panel.get_by_role("button", name="Close").click()
    expect(ada.cell("two").locator("strong")).to_have_text("rows")
    assert marked(ada, "one") == []


@pytest.mark.e2e
def test_one_or_all_are_replaced_which_is_one_step_of_undo(scene: Scene) -> None:
    cells = [code_cell("one", "a = 1\na + a", metadata=at(0, 0)), code_cell("two", "a = b", metadata=at(0, 300))]
    ada, bob = scene.two(scene.notebook(*cells, metadata=loose()))
    zoom(ada, 1)
    ada.edit("one")
    ada.press("ControlOrMeta+Shift+h")
    panel = ada.page.get_by_role("search")
    panel.get_by_label("Find", exact=True).fill("a")
    expect(panel.get_by_role("status")).to_have_text("1 of 4")
    panel.get_by_label("Replace by").fill("aa")
    ada.press("Enter")
    bob.until_text("one", "aa = 1\na + a")
    expect(panel.get_by_role("status")).to_have_text("3 of 5")  # what came in is not replaced again
    ada.press("Enter")
    bob.until_text("one", "aa = 1\naa + a")
    panel.get_by_label("Find", exact=True).fill(r"\b(a+)\b")
    panel.get_by_role("button", name="Regular expression").click()
    panel.get_by_label("Replace by").fill("<$1>")
    panel.get_by_role("button", name="All").click()
    expect(ada.toast("4 places replaced.")).to_be_visible()
    bob.until_text("one", "<aa> = 1\n<aa> + <a>")
    bob.until_text("two", "<a> = b")
    ada.button("Undo", ada.toast("4 places replaced.")).click()
    bob.until_text("one", "aa = 1\naa + a")
    bob.until_text("two", "a = b")


@pytest.mark.e2e
def test_a_pattern_that_is_wrong_or_without_end_is_told_in_words_and_stops_nothing(scene: Scene) -> None:
    cells = [code_cell("one", "a" * 40 + "!", metadata=at(0, 0)), code_cell("two", "x = 1", metadata=at(0, 300))]
    ada = scene.person(scene.notebook(*cells, metadata=loose()))
    panel = find(ada, "(a+)+$")
    said = panel.get_by_role("status")
    expect(said).to_have_text("Not found")
    panel.get_by_role("button", name="Regular expression").click()
    ada.page.evaluate("new Promise(requestAnimationFrame)")  # the page draws on
    expect(said).to_have_text("This pattern takes too long; a simpler one is needed.")
    field = panel.get_by_label("Find", exact=True)
    field.fill("x = (")
    expect(said).to_have_text("No such pattern: unterminated group.")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(r"x = (\d)")
    expect(said).to_have_text("1 of 1")


@pytest.mark.e2e
def test_it_is_looked_for_in_outputs_and_in_the_selection_only_if_asked(scene: Scene) -> None:
    said = code_cell("one", "print(x)", outputs=[stream("the \x1b[31mne\x1b[0medle\n")], metadata=at(0, 0))
    ada = scene.person(
        scene.notebook(said, code_cell("two", "needle", metadata=at(0, 300)), metadata=loose(one=["two"]))
    )
    zoom(ada, 1)
    select(ada, "one")
    panel = find(ada, "needle")
    count = panel.get_by_role("status")
    expect(count).to_have_text("1 of 1")
    panel.get_by_role("button", name="Also in outputs").click()
    expect(count).to_have_text("2 of 2")
    panel.get_by_role("button", name="Next").click()
    ada.until("ganimede.board.current === 'one'")
    panel.get_by_role("button", name="Only in the selected cells").click()
    expect(count).to_have_text("1 of 1")
    # What a colleague writes meanwhile is found as well.
    ada.page.evaluate("ganimede.notebook.cell('one').source.insert(0, 'needle = 1\\n')")
    expect(count).to_have_text("2 of 2")
