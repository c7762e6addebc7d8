"""Where things come to lie: neighbours and guides, lining up, copies by a drag, widths, the camera at the border."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import at, box, carry, loose, zoom
from tests.browser.test_commands import palette
from tests.system.support import code_cell


def three(scene: Scene, *places: tuple[int, int], width: int = 300) -> Person:
    cells = [
        code_cell(name, name, metadata=at(left, top, width))
        for name, (left, top) in zip(("one", "two", "three"), places, strict=True)
    ]
    ada = scene.person(scene.notebook(*cells, metadata=loose()))
    zoom(ada, 1)
    return ada


def select(person: Person, *ids: str) -> None:
    person.page.evaluate("ids => ganimede.board.select(ids)", list(ids))


def lefts(person: Person) -> list[float]:
    return [person.get(cell_id, "left") for cell_id in ("one", "two", "three")]


@pytest.mark.parametrize("factor", [1, pytest.param(0.5, marks=pytest.mark.e2e)])
def test_a_drag_lines_up_with_its_neighbour_and_shows_it(scene: Scene, factor: float) -> None:
    ada = three(scene, (0, 0), (433, 200), (900, 400))
    zoom(ada, factor)
    # 431 is nearer to the neighbour's edge, 433, than to the grid's 440.
    carry(ada, "one", 431 * factor, 500 * factor, drop=False)
    guides = ada.page.locator(".guides")
    line = guides.locator("line").first
    expect(guides).to_be_visible()
    # One pixel wide and on whole pixels, at any zoom.
    assert float(line.get_attribute("x1") or 0) % 1 == 0.5
    expect(line).to_have_css("stroke-width", "1px")
    ada.page.mouse.up()
    ada.until("ganimede.room.doc.getMap('one').get('left') === 433")
    expect(guides).to_have_count(0)


@pytest.mark.e2e
def test_ctrl_frees_a_drag_also_in_the_middle_of_it(scene: Scene) -> None:
    ada = three(scene, (0, 0), (433, 200), (900, 400))
    carry(ada, "one", 431, 500, drop=False)
    ada.until("ganimede.board.scene.guides.lines.length > 0")
    ada.page.keyboard.down("Control")
    ada.until("ganimede.board.scene.guides.lines.length === 0 && ganimede.board.scene.drag.dx === 431")
    ada.page.mouse.up()
    ada.page.keyboard.up("Control")
    assert ada.place("one") == (431, 500)


@pytest.mark.e2e
def test_equal_gaps_snap_and_say_how_wide_they_are(scene: Scene) -> None:
    ada = three(scene, (0, 0), (333, 0), (900, 3))
    carry(ada, "three", -236, 0, drop=False)  # to 664; the same gap of 33 would be 666
    expect(ada.page.locator(".guides text").first).to_have_text("33")
    ada.page.mouse.up()
    ada.until("ganimede.room.doc.getMap('three').get('left') === 666")


@pytest.mark.e2e
def test_alt_drags_a_copy_and_undo_takes_it_away(scene: Scene) -> None:
    ada = three(scene, (0, 0), (400, 0), (800, 0))
    select(ada, "one", "two")
    ada.page.keyboard.down("Alt")
    carry(ada, "one", 0, 300, drop=False)
    expect(ada.page.locator(".copy")).to_have_count(2)
    assert ada.page.locator(".canvas").evaluate("canvas => canvas.style.cursor") == "copy"
    ada.page.mouse.up()
    ada.page.keyboard.up("Alt")
    ada.until("ganimede.notebook.ids.length === 5")
    made = [each for each in ada.ids() if each not in ("one", "two", "three")]
    assert [ada.place(each) for each in made] == [(0, 300), (400, 300)]
    assert [ada.text(each) for each in made] == ["one", "two"]
    assert [ada.place(each) for each in ("one", "two")] == [(0, 0), (400, 0)]
    assert sorted(ada.page.evaluate("[...ganimede.board.selection]")) == sorted(made)
    ada.press("Control+z")
    ada.until("ganimede.notebook.ids.length === 3")


def test_the_bar_lines_up_and_each_act_is_one_step(scene: Scene) -> None:
    ada = three(scene, (0, 0), (440, 200), (900, 400))
    select(ada, "one", "two", "three")
    ada.button("Align left", ada.page.get_by_role("toolbar", name="Arrange 3 cells")).click()
    ada.until("['one', 'two', 'three'].every(id => ganimede.room.doc.getMap(id).get('left') === 0)")
    ada.press("Control+z")
    ada.until("ganimede.room.doc.getMap('three').get('left') === 900")
    assert lefts(ada) == [0, 440, 900]


@pytest.mark.e2e
def test_the_menu_of_a_selection_distributes_and_makes_widths_equal(scene: Scene) -> None:
    ada = three(scene, (0, 0), (440, 0), (900, 0))
    ada.page.evaluate("ganimede.acts.arrange(new Map([['two', { width: 500 }]]))")
    select(ada, "one", "two", "three")

    def choose(name: str) -> None:
        ada.cell("one").locator("[data-drag-handle]").click(button="right")
        ada.page.get_by_role("menuitem", name=name).click()

    choose("Distribute horizontally")
    # From 0 to 1200, 1100 of it cells: two gaps of 50.
    ada.until("ganimede.room.doc.getMap('two').get('left') === 350")
    choose("Equal width")
    ada.until("['one', 'two', 'three'].every(id => ganimede.room.doc.getMap(id).get('width') === 500)")
    select(ada, "one")
    expect(ada.page.get_by_role("toolbar", name=re.compile("^Arrange"))).to_have_count(0)


def drag_border(person: Person, cell_id: str, side: str, dx: float, *, key: str = "") -> None:
    person.sees(cell_id).hover()
    border = person.page.locator(f'[data-border="{side}"][data-border-of="{cell_id}"]')
    expect(border).to_have_css("cursor", "ew-resize")
    rect = box(border)
    x, y = rect["x"] + rect["width"] / 2, rect["y"] + rect["height"] - 3
    person.page.mouse.move(x, y)
    person.page.mouse.down()
    if key:
        person.page.keyboard.down(key)
    person.page.mouse.move(x + dx, y, steps=5)
    person.page.mouse.up()
    if key:
        person.page.keyboard.up(key)


@pytest.mark.e2e
def test_both_borders_resize_and_the_other_one_stays(scene: Scene) -> None:
    ada = three(scene, (400, 0), (0, 300), (800, 600))

    def frame(cell_id: str = "one") -> list[Any]:
        return [ada.get(cell_id, key) for key in ("left", "width")]

    drag_border(ada, "one", "left", -83)
    ada.until("ganimede.room.doc.getMap('one').get('left') === 320")
    assert frame() == [320, 380]
    ada.press("Control+z")
    ada.until("ganimede.room.doc.getMap('one').get('left') === 400")
    assert frame() == [400, 300], "one step"
    drag_border(ada, "one", "right", 104)  # to the left edge of three
    ada.until("ganimede.room.doc.getMap('one').get('width') === 400")
    drag_border(ada, "one", "left", 350)
    ada.until("ganimede.room.doc.getMap('one').get('width') === 200")
    assert frame() == [600, 200], "as narrow as a cell can be, the right border where it was"
    drag_border(ada, "one", "right", 7, key="Control")
    ada.until("ganimede.room.doc.getMap('one').get('width') === 207")


@pytest.mark.e2e
def test_the_border_of_one_of_several_resizes_all(scene: Scene) -> None:
    ada = three(scene, (0, 0), (0, 300), (800, 600))
    select(ada, "one", "two")
    drag_border(ada, "two", "right", 100)
    ada.until("['one', 'two'].every(id => ganimede.room.doc.getMap(id).get('width') === 400)")
    assert ada.get("three", "width") == 300
    ada.press("Control+z")
    ada.until("['one', 'two'].every(id => ganimede.room.doc.getMap(id).get('width') === 300)")


@pytest.mark.e2e
def test_the_camera_follows_a_drag_at_the_border_and_stops_with_it(scene: Scene) -> None:
    ada = three(scene, (0, 0), (400, 300), (800, 600))
    handle = box(ada.cell("one").locator("[data-drag-handle]"))
    ada.page.mouse.move(handle["x"] + 60, handle["y"] + 10)
    ada.page.mouse.down()
    ada.page.mouse.move(600, 400, steps=3)
    ada.page.mouse.move(1276, 400, steps=3)
    ada.until("ganimede.board.viewport.x > 600")
    ada.press("Escape")
    stopped = ada.page.evaluate("ganimede.board.viewport.x")
    ada.until("ganimede.board.viewport.motion === 'rest'")
    assert ada.page.evaluate("ganimede.board.viewport.x") == stopped
    assert ada.place("one") == (0, 0)
    ada.page.mouse.up()


def paper(person: Person) -> Any:
    return person.page.get_by_role("application", name=re.compile("^Map of"))


@pytest.mark.e2e
def test_the_map_moves_the_view_and_remembers_that_it_is_hidden(scene: Scene) -> None:
    ada = three(scene, (0, 0), (4000, 0), (8000, 3000))
    rect = box(paper(ada))
    ada.page.mouse.click(rect["x"] + rect["width"] - 24, rect["y"] + rect["height"] - 32)
    ada.until("ganimede.board.viewport.x > 5000 && ganimede.board.viewport.y > 1500")
    ada.sees("three")
    ada.page.mouse.move(rect["x"] + rect["width"] / 2, rect["y"] + rect["height"] / 2)
    ada.page.mouse.down()
    ada.page.mouse.move(rect["x"] + 20, rect["y"] + 30, steps=4)
    ada.page.mouse.up()
    ada.until("ganimede.board.viewport.x < 1000")
    before = ada.page.evaluate("ganimede.board.viewport.x")
    paper(ada).focus()
    ada.press("ArrowRight", "ArrowRight")
    ada.until("ganimede.board.viewport.x >= it + 600", before)
    ada.page.mouse.move(rect["x"] + 40, rect["y"] + 30)
    ada.button("Hide the map").click()
    expect(paper(ada)).to_have_count(0)
    ada.page.reload()
    ada.connected()
    expect(ada.button("Show the map")).to_be_visible()
    ada.button("Show the map").click()
    expect(paper(ada)).to_be_visible()


@pytest.mark.e2e
def test_the_map_shows_where_others_look_and_paints_only_when_something_changes(scene: Scene) -> None:
    host = scene.notebook(
        code_cell("one", "1", metadata=at(0, 0)), code_cell("far", "2", metadata=at(4000, 2000)), metadata=loose()
    )
    ada, bob = scene.two(host)
    bob.page.evaluate("ganimede.people.recolor('#c2255c')")
    bob.page.evaluate("ganimede.board.reveal('far')")
    ada.until("ganimede.people.others.some(peer => peer.view !== null && peer.view.left > 2000)")
    count_paint = """() => {
      const [cells, marks] = [...document.querySelectorAll('.paper canvas')];
      const painted = globalThis.painted = { cells: 0, marks: 0 };
      for (const [name, canvas] of Object.entries({ cells, marks })) {
        const get = canvas.getContext.bind(canvas);
        canvas.getContext = (...what) => { painted[name] += 1; return get(...what) };
      }
    }"""
    ada.until("ganimede.board.viewport.motion === 'rest'")
    ada.page.evaluate(count_paint)
    ada.page.evaluate(
        "() => new Promise(r => { let n = 0; const f = () => ++n > 20 ? r() : requestAnimationFrame(f); f() })"
    )
    assert ada.page.evaluate("painted") == {"cells": 0, "marks": 0}
    ada.page.evaluate("ganimede.board.viewport.panBy(30, 0)")
    ada.until("painted.marks > 0")
    assert ada.page.evaluate("painted.cells") == 0
    color = """() => {
      const canvas = document.querySelectorAll('.paper canvas')[1];
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4)
        if (Math.abs(data[i] - 0xc2) + Math.abs(data[i + 1] - 0x25) + Math.abs(data[i + 2] - 0x5c) < 40) return true;
      return false;
    }"""
    assert ada.page.evaluate(color), "bob's view in bob's colour"


@pytest.mark.e2e
def test_tidy_up_lays_the_flow_out_in_one_step_and_undo_brings_it_back(scene: Scene) -> None:
    places = {"a": (900, 40), "b": (0, 700), "c": (20, 60), "d": (400, 1400)}
    cells = [code_cell(name, f"{name} = 1", metadata=at(*place, 300)) for name, place in places.items()]
    host = scene.notebook(*cells, metadata=loose(a=["b", "c"], b=["d"], c=["d"]))
    ada, bob = scene.two(host)
    ada.sees("c")
    palette(ada)
    ada.type("tidy")
    ada.press("Enter")
    expect(ada.toast("Tidied up.")).to_be_visible()
    for person in (ada, bob):
        person.until("ganimede.notebook.cell('b').top === ganimede.notebook.cell('c').top")
        laid = {name: person.place(name) for name in places}
        assert laid["a"][1] < laid["b"][1] < laid["d"][1]
        assert abs(laid["b"][0] - laid["c"][0]) >= 300
        assert laid["a"][0] == laid["d"][0]
    ada.press("ControlOrMeta+z")
    for name, place in places.items():
        bob.until(
            "[ganimede.notebook.cell(it[0]).left, ganimede.notebook.cell(it[0]).top].join() === it[1]",
            [name, ",".join(map(str, place))],
        )
