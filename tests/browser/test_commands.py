"""The command table: the palette, the keys of command mode, and that no command lies."""

from __future__ import annotations

import json

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


@pytest.mark.e2e
def test_a_cell_is_split_at_its_carets_and_the_parts_are_merged_again(scene: Scene) -> None:
    source = "a = 1\nb = 2\nprint(a + b)"
    cells = [code_cell("sum", source, metadata=at(0, 0)), code_cell("end", "0", metadata=at(0, 400))]
    ada, bob = scene.two(scene.notebook(*cells, metadata=loose(sum=["end"])))
    zoom(ada, 1)
    ada.page.evaluate("ganimede.server.run(['sum'])")
    ada.until_printed("sum", "3")
    ada.edit("sum")
    ada.press("Home", "Shift+Alt+ArrowUp", "ControlOrMeta+z")  # whatever one did before
    ada.press("ControlOrMeta+Home", "ArrowDown", "ControlOrMeta+Shift+Minus")
    bob.until("ganimede.notebook.ids.length === 3")
    first = ada.ids()[0]
    assert (bob.text(first), bob.text("sum")) == ("a = 1", "b = 2\nprint(a + b)")
    assert ada.graph("np") == {first: ["sum"], "sum": ["end"]}
    assert bob.output_text("sum") == "3\n", "the outputs stay with the last part"
    ada.until("ganimede.board.editing === 'sum'")
    ada.press("Escape", "Shift+ArrowUp", "Shift+M")
    bob.until_text(first, source)
    bob.until("ganimede.notebook.ids.length === 2")
    assert ada.graph("np")[first] == ["end"]
    ada.press("z", "z")
    bob.until_text("sum", source)
    bob.until("ganimede.notebook.ids.join() === 'sum,end'")


@pytest.mark.e2e
def test_the_palette_splits_where_the_caret_was(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    ada.edit("one")
    ada.press("Home", "ArrowRight", "ArrowRight")
    palette(ada)
    ada.type("split")
    ada.press("Enter")
    ada.until_text("one", "one")
    assert ada.text(ada.ids()[0]) == "# "


@pytest.mark.e2e
def test_cells_change_places_with_their_neighbours(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose(one=["two"], two=["three"])))
    zoom(ada, 1)
    select(ada, "two")
    ada.press("ControlOrMeta+Shift+ArrowDown")
    ada.until("ganimede.notebook.ids.join() === 'one,three,two'")
    ada.sent()
    assert ada.graph("np") == {"one": ["three"], "three": ["two"], "two": []}
    assert (ada.place("two"), ada.place("three")) == ((0, 400), (0, 200))
    ada.press("ControlOrMeta+Shift+ArrowDown")
    expect(ada.toast("It is the last already.")).to_be_visible()
    ada.press("z")
    ada.until("ganimede.notebook.ids.join() === 'one,two,three'")


@pytest.mark.e2e
def test_an_edge_is_drawn_and_taken_away_by_keys_alone(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    zoom(ada, 1)
    select(ada, "one")
    asks = ada.page.get_by_role("status").filter(has_text="Connect cell 1")
    ada.press("e", "b", "ArrowDown")  # b is no command here
    expect(asks).to_contain_text("to cell 2, # two")
    ada.press("Escape")
    expect(asks).to_have_count(0)
    assert len(ada.ids()) == 3
    assert ada.graph("np").get("one", []) == []
    ada.press("e", "3", "Enter")
    ada.until("ganimede.notebook.np.get('one')?.join() === 'three' && ganimede.board.current === 'three'")
    ada.press("e", "1", "Enter")
    expect(ada.toast("An edge back would make the flow a circle.")).to_be_visible()
    ada.press("Home", "Shift+E")
    ada.until("(ganimede.notebook.np.get('one') ?? []).length === 0")
    ada.press("Shift+E")
    expect(ada.toast("No edge leads to this cell or from it.")).to_be_visible()


@pytest.mark.e2e
def test_an_editor_comments_and_has_several_carets_and_rectangles(scene: Scene) -> None:
    ada = scene.person(
        scene.notebook(code_cell("one", "aa = 1\naa = 2\naa = 3", metadata=at(0, 0)), metadata=loose())
    )
    zoom(ada, 1)
    editor = ada.edit("one")
    ada.press("ControlOrMeta+/")
    ada.until_text("one", "aa = 1\naa = 2\n# aa = 3")
    ada.press("ControlOrMeta+/", "ControlOrMeta+Home")
    lines = editor.locator(".cm-line")
    start = [line.bounding_box() for line in lines.all()]
    mouse = ada.page.mouse
    ada.page.keyboard.down("Alt")
    for box in start[1:]:
        assert box is not None
        mouse.click(box["x"] + 7, box["y"] + box["height"] / 2)
    ada.page.keyboard.up("Alt")
    ada.type("x")
    ada.until(
        "['xaa = 1\\nxaa = 2\\nxaa = 3', 'xaa = 1\\naxa = 2\\naxa = 3'].includes(ganimede.notebook.cell('one').text)"
    )
    ada.press(
        "ControlOrMeta+z",
        "ControlOrMeta+Home",
        "ControlOrMeta+Alt+ArrowDown",
        "ControlOrMeta+Alt+ArrowDown",
    )
    ada.type("(")
    ada.until_text("one", "(aa = 1\n(aa = 2\n(aa = 3")
    ada.press("ControlOrMeta+z", "ControlOrMeta+Home", "Shift+ArrowRight", "Shift+ArrowRight")
    ada.press("ControlOrMeta+d", "ControlOrMeta+d")
    ada.type("b")
    ada.until_text("one", "b = 1\nb = 2\nb = 3")


@pytest.mark.e2e
def test_paste_above_puts_cells_in_the_place_of_the_current_one(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    zoom(ada, 1)
    select(ada, "three")
    ada.press("c")
    select(ada, "one")
    ada.press("Shift+V")
    ada.until("ganimede.notebook.ids.length === 4")
    above = ada.page.evaluate("ganimede.board.current")
    assert ada.text(above) == "# three"
    ada.until(
        "it => ganimede.board.scene.layout.cells.get(it).top < ganimede.board.scene.layout.cells.get('one').top".replace(
            "it => ", ""
        ),
        above,
    )


@pytest.mark.e2e
def test_cells_of_jupyter_are_pasted_and_copied_as_such(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*column(), metadata=loose()))
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    zoom(ada, 1)
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# From\n", "elsewhere"]},
        {
            "cell_type": "code",
            "metadata": {"tags": ["t"]},
            "source": "x = 1",
            "execution_count": 9,
            "outputs": [{}],
        },
    ]
    ada.page.evaluate("cells => navigator.clipboard.writeText(JSON.stringify(cells))", cells)
    select(ada, "three")
    ada.press("ControlOrMeta+v")
    ada.until("ganimede.notebook.ids.length === 5")
    ada.sent()
    text, code = ada.ids()[3:]
    assert (ada.text(text), ada.text(code)) == ("# From\nelsewhere", "x = 1")
    assert ada.graph("np")[text] == [code]
    assert (ada.get(code, "outputs"), ada.get(code, "execution_count")) == ([], None)
    palette(ada)
    ada.type("json jupyter")
    ada.press("Enter")
    expect(ada.toast("Copied as Jupyter’s cells.")).to_be_visible()
    copied = json.loads(ada.page.evaluate("navigator.clipboard.readText()"))
    assert [(cell["cell_type"], cell["source"]) for cell in copied] == [
        ("markdown", "# From\nelsewhere"),
        ("code", "x = 1"),
    ]
    ada.page.reload()  # nothing is held any more: the key asks the system
    ada.connected()
    select(ada, "one")
    ada.press("v")
    ada.until("ganimede.notebook.ids.length === 7")
