"""The command table: the palette, the keys of command mode, and that no command lies."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import at, loose, zoom
from tests.browser.test_keyboard import column, select
from tests.system.support import code_cell, markdown_cell


def palette(person: Person) -> Locator:
    person.press("ControlOrMeta+k")
    field = person.page.get_by_role("combobox", name="Find a command or a cell")
    expect(field).to_be_focused()
    return field


def chosen(person: Person) -> Locator:
    return person.page.get_by_role("option", selected=True)


def test_a_command_is_found_by_a_few_letters_also_out_of_an_editor(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    ada.edit("two")
    field = palette(ada)
    ada.type("insert above")
    expect(chosen(ada)).to_contain_text("Insert a cell above")
    assert field.get_attribute("aria-activedescendant") == chosen(ada).get_attribute("id")
    ada.press("Enter")
    ada.until("ganimede.notebook.ids.length === 4 && ganimede.board.editing === ganimede.board.current")
    made = ada.page.evaluate("ganimede.board.current")
    ada.type("here")
    ada.until_text(made, "here")


@pytest.mark.e2e
def test_the_palette_knows_what_was_used_what_cannot_be_and_where_cells_are(scene: Scene) -> None:
    far = markdown_cell("far", "# The long way home\n\ntext", metadata=at(5000, 4000))
    ada = scene.person(scene.notebook(*column(), far, metadata=loose()))
    palette(ada)
    ada.type("dark col")
    ada.press("Enter")
    ada.until("document.documentElement.dataset.theme === 'dark'")
    palette(ada)
    expect(ada.page.get_by_role("option").first).to_contain_text("Dark colours")
    ada.type("dark col")
    expect(chosen(ada)).to_contain_text("It is so already.")
    expect(chosen(ada)).to_be_disabled()
    ada.press("Enter")  # nothing, and it stays open
    expect(chosen(ada)).to_be_visible()
    ada.press("Escape")
    expect(ada.page.get_by_role("combobox")).to_have_count(0)
    palette(ada)
    ada.type("way home")
    expect(chosen(ada)).to_contain_text("The long way home")
    ada.press("Enter")
    expect(ada.sees("far")).to_be_in_viewport()
    ada.until("ganimede.board.current === 'far' && document.activeElement.dataset.cellId === 'far'")


@pytest.mark.e2e
def test_escape_leaves_the_palette_to_the_editor_that_one_came_from(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    editor = ada.edit("one")
    palette(ada)
    ada.press("Escape")
    expect(editor).to_be_focused()
    ada.type("!")
    ada.until_text("one", "# one!")


@pytest.mark.e2e
def test_keys_of_jupyter_in_command_mode(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose(one=["two"], two=["three"])))
    zoom(ada, 1)
    select(ada, "one")
    ada.press("j", "j")
    ada.until("ganimede.board.current === 'three'")
    ada.press("k", "Shift+K")
    ada.until("[...ganimede.board.selection].sort().join() === 'one,two'")
    ada.press("r")
    ada.until("['one', 'two'].every(id => ganimede.notebook.cell(id).type === 'raw')")
    ada.press("z")
    ada.until("['one', 'two'].every(id => ganimede.notebook.cell(id).type === 'code')")
    ada.press("Shift+Z", "z", "3")
    ada.until_text("one", "### one")
    assert ada.get("two", "type") == "markdown"
    ada.press("End")
    ada.until("ganimede.board.current === 'three'")
    ada.press("Home", "o")
    ada.until("ganimede.notebook.cell('one').collapsed === 'o'")
    ada.press("o")
    ada.until("ganimede.notebook.cell('one').collapsed === null")


@pytest.mark.e2e
def test_keys_interrupt_and_restart_which_is_asked_first(scene: Scene) -> None:
    sleeping = code_cell("sleep", "import time\nprint('begun')\ntime.sleep(600)", metadata=at(0, 0))
    ada = scene.person(scene.notebook(sleeping, code_cell("next", "x = 1", metadata=at(0, 400)), metadata=loose()))
    zoom(ada, 1)
    select(ada, "sleep")
    ada.press("i", "i")
    expect(ada.toast("Nothing is running.")).to_be_visible()
    ada.press("ControlOrMeta+Enter")
    ada.until_printed("sleep", "begun")
    ada.press("i", "i")
    ada.until_idle("sleep")
    ada.press("0", "0")
    asked = ada.page.get_by_role("menuitem", name="Restart and lose all variables")
    expect(asked).to_be_focused()
    ada.press("Enter")
    expect(ada.toast("The kernel was restarted.")).to_be_visible()


@pytest.mark.e2e
def test_the_view_is_moved_by_shift_and_a_digit(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    zoom(ada, 2)
    select(ada, "one")
    ada.press("Shift+Digit0")
    ada.until("ganimede.board.viewport.zoom === 1")
    ada.press("+", "+")
    ada.until("ganimede.board.viewport.zoom > 1.5")
    ada.press("Shift+Digit1")
    ada.until("ganimede.board.viewport.zoom <= 1")
    assert ada.text("one") == "# one"
