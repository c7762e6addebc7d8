"""The keyboard alone: where it is, what it does there, and that it is never caught."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import at, box, empty_place, loose, zoom
from tests.system.support import code_cell, markdown_cell

FOCUSED = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.className"


def column() -> list[dict[str, Any]]:
    return [
        code_cell(name, f"# {name}", metadata=at(0, 200 * i)) for i, name in enumerate(("one", "two", "three"))
    ]


def select(person: Person, cell_id: str) -> None:
    """By a click on the top of the cell, as people do."""
    handle = box(person.cell(cell_id).locator("[data-drag-handle]"))
    person.page.mouse.click(handle["x"] + handle["width"] * 0.6, handle["y"] + handle["height"] / 2)
    expect(person.cell(cell_id)).to_have_attribute("data-selected", "true")


def test_tab_goes_through_the_cell_and_on_and_writes_nothing(scene: Scene) -> None:
    wide = code_cell("wide", "x = '" + "long " * 80 + "'", metadata=at(400, 0))
    ada = scene.person(scene.notebook(*column(), wide, metadata=loose()))
    zoom(ada, 1)
    select(ada, "one")
    ada.until("document.querySelectorAll('.cm-editor').length === 4")
    stops = []
    for _ in range(5):
        ada.press("Tab")
        stops.append(ada.page.evaluate(FOCUSED))
    the_map = "Map of 4 cells. Arrow keys move the view."
    assert stops[:4] == ["Run cell", "Fold cell 1", "More for cell 1", the_map]
    assert ada.text("one") == "# one"
    assert not ada.page.evaluate("ganimede.undo.canUndo")


@pytest.mark.e2e
def test_a_button_of_the_bar_leaves_the_keyboard_with_the_canvas(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    zoom(ada, 1)
    select(ada, "two")
    ada.button("Zoom out").click()
    ada.until("ganimede.board.viewport.motion === 'rest'")
    before = ada.page.evaluate("ganimede.board.viewport.x")
    mouse = ada.page.mouse
    mouse.move(*empty_place(ada))
    ada.page.keyboard.down(" ")
    mouse.down()
    mouse.move(900, 650, steps=3)
    mouse.up()
    ada.page.keyboard.up(" ")
    assert ada.page.evaluate("ganimede.board.viewport.x") > before, "the space bar pans, and presses no button"
    ada.press("ArrowDown", "b")
    ada.until("ganimede.notebook.ids.length === 4")
    assert ada.ids().index("three") == 2


@pytest.mark.e2e
def test_cells_are_copied_cut_pasted_and_duplicated(scene: Scene) -> None:
    graphs = {"gm": {"np_graph": {"head": ["two"]}, "pc_graph": {"head": ["inside"]}}}
    cells = [
        markdown_cell("head", "# Head", metadata=at(0, 0, 400)),
        code_cell("inside", "a = 1", metadata=at(0, 100, 400)),
        code_cell("two", "b = 2", metadata=at(0, 400, 300)),
    ]
    ada, bob = scene.two(scene.notebook(*cells, metadata=graphs))
    zoom(ada, 1)
    select(ada, "inside")
    ada.press("Control+c", "Control+v")
    bob.until("ganimede.notebook.pc.get('head').length === 2")
    ada.press("Control+d")
    bob.until(
        "ganimede.notebook.pc.get('head').map(id => ganimede.notebook.cell(id).text).join() === 'a = 1,a = 1,a = 1'"
    )
    ada.press("Control+z", "Control+z")
    bob.until("ganimede.notebook.pc.get('head').join() === 'inside'")
    select(ada, "head")
    ada.press("Control+c")
    ada.page.mouse.click(*empty_place(ada))
    ada.press("Control+v")
    ada.until("ganimede.notebook.pc.size === 2")
    copy = next(each for each in ada.graph("pc") if each != "head")
    assert ada.place(copy) == pytest.approx(
        ada.page.evaluate("it => [ganimede.board.stage.pointer.x, ganimede.board.stage.pointer.y]"), abs=20
    )
    select(ada, "two")
    ada.press("Control+x")
    bob.until("!ganimede.notebook.has('two')")
    ada.press("Control+v")
    bob.until("ganimede.notebook.ids.some(id => ganimede.notebook.cell(id).text === 'b = 2')")


@pytest.mark.e2e
def test_text_from_elsewhere_becomes_a_cell_and_marked_text_is_copied_as_text(scene: Scene) -> None:
    said = [{"output_type": "stream", "name": "stdout", "text": "printed words\n"}]
    one = code_cell("one", "1", outputs=said, execution_count=1, metadata=at(0, 0))
    ada = scene.person(scene.notebook(one, metadata=loose()))
    zoom(ada, 1)
    ada.cell("one").get_by_text("printed words").dblclick(position={"x": 15, "y": 8})
    ada.press("Control+c")
    ada.page.mouse.click(*empty_place(ada))
    ada.press("Control+v")
    ada.until("ganimede.notebook.ids.length === 2")
    assert ada.text(ada.ids()[1]).strip() == "printed"


@pytest.mark.e2e
def test_the_keys_are_listed_and_the_list_closes_by_escape(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    zoom(ada, 1)
    select(ada, "one")
    ada.press("?")
    sheet = ada.page.get_by_role("dialog", name="Gestures and keys")
    expect(sheet).to_contain_text("Shift+Enter")
    ada.press("Escape", "ArrowDown")  # at once, and the canvas has the keyboard again
    expect(sheet).not_to_be_visible()
    ada.until("ganimede.board.current === 'two'")


@pytest.mark.e2e
def test_command_mode_inserts_turns_and_deletes(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose(one=["two"], two=["three"])))
    zoom(ada, 1)
    select(ada, "two")
    ada.press("m")
    ada.until("ganimede.notebook.cell('two').type === 'markdown'")
    ada.press("y")
    ada.until("ganimede.notebook.cell('two').type === 'code'")
    ada.press("a", "Escape")
    above = ada.page.evaluate("ganimede.board.current")
    assert ada.graph("np")["one"] == [above]
    ada.press("d", "d")
    ada.until("!ganimede.notebook.has(it)", above)
    assert ada.graph("np")["one"] == ["two"]
    ada.press("Alt+Enter")
    ada.until("ganimede.notebook.ids.length === 4 && ganimede.board.editing !== null")
    ada.until_idle("two")


@pytest.mark.e2e
def test_a_new_cell_from_afar_is_made_where_one_can_read_it(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    zoom(ada, 0.2)
    ada.page.mouse.dblclick(*empty_place(ada))
    ada.until("ganimede.board.viewport.zoom === 1 && ganimede.board.viewport.motion === 'rest'")
    ada.type("here = 1")
    made = ada.page.evaluate("ganimede.board.editing")
    ada.until_text(made, "here = 1")
    expect(ada.cell(made)).to_be_in_viewport()


@pytest.mark.e2e
def test_an_edge_is_deleted_by_its_button(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(*column(), metadata=loose(one=["two"])))
    zoom(ada, 1)
    above, below = box(ada.cell("one")), box(ada.cell("two"))
    middle = above["x"] + above["width"] / 2
    ada.page.mouse.click(middle, (above["y"] + above["height"] + below["y"]) / 2)
    ada.button("Delete edge").click()
    bob.until("!ganimede.notebook.np.get('one')?.length")
    ada.press("Control+z")
    bob.until("ganimede.notebook.np.get('one')?.join() === 'two'")


@pytest.mark.e2e
def test_more_and_the_context_menu_of_a_cell_are_one(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    zoom(ada, 1)
    select(ada, "one")
    ada.button(re.compile("^More for"), ada.cell("one")).click()
    items = ada.page.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    by_button = items.all_inner_texts()
    ada.press("Escape")
    ada.cell("one").locator("[data-drag-handle]").click(button="right", position={"x": 150, "y": 8})
    expect(items.first).to_be_focused()
    assert items.all_inner_texts() == by_button


@pytest.mark.e2e
def test_a_tissue_is_run_from_the_bar(scene: Scene) -> None:
    graphs = {"gm": {"np_graph": {}, "pc_graph": {"head": ["inside"], "empty": []}}}
    cells = [
        markdown_cell("head", "# Head", metadata=at(0, 0, 400)),
        code_cell("inside", "print('ran')", metadata=at(0, 100, 400)),
        markdown_cell("empty", "# Nothing", metadata=at(600, 0, 400)),
    ]
    ada = scene.person(scene.notebook(*cells, metadata=graphs))
    zoom(ada, 1)
    select(ada, "empty")
    expect(ada.tool("Run selected cell")).to_be_disabled()
    expect(ada.button("Run tissue", ada.cell("empty"))).to_have_count(0)
    select(ada, "head")
    ada.tool("Run selected cell").click()
    ada.until_idle("inside")


def test_what_is_typed_right_behind_the_key_that_makes_a_cell_goes_into_it(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    select(ada, "one")
    ada.can_write()
    # In one task of the browser: nothing is painted in between.
    made = ada.page.evaluate(
        """() => {
          const press = (key) => document.activeElement.dispatchEvent(
            new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
          press('b');
          const focused = document.activeElement.closest('.cm-editor') !== null;
          for (const key of 'dd') press(key);
          return [ganimede.board.editing, focused, ganimede.notebook.ids.length];
        }"""
    )
    assert made == [ada.page.evaluate("ganimede.board.current"), True, 4]
    ada.type("dd = 1")
    ada.until_text(made[0], "dd = 1")
