"""The canvas under the hand: drag, draw, fold, create and delete, at any zoom, and undo of each."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.system.support import code_cell, markdown_cell

ZOOMS = [pytest.param(0.5, marks=pytest.mark.e2e), 1, pytest.param(1.5, marks=pytest.mark.e2e)]


def at(left: int, top: int, width: int = 300, height: int = 90) -> dict[str, Any]:
    return {"gm": {"left": left, "top": top, "width": width, "height": height}}


def loose(**np: list[str]) -> dict[str, Any]:
    """A notebook's own graphs: no first layout of the server's."""
    return {"gm": {"np_graph": np, "pc_graph": {}}}


def box(found: Locator) -> FloatRect:
    expect(found).to_be_visible()
    rect = found.bounding_box()
    assert rect is not None
    return rect


def zoom(person: Person, to: float) -> None:
    """With the world's origin a little inside the corner, below the bar."""
    person.page.evaluate("k => ganimede.board.viewport.zoomAt({ x: 0, y: 0 }, k)", to)
    person.page.evaluate(
        "() => { const v = ganimede.board.viewport; v.panBy(-v.x * 0 - 40 - v.x * v.zoom, -120 - v.y * v.zoom) }"
    )
    person.until("Math.abs(ganimede.board.viewport.zoom - it) < 1e-9", to)
    person.until("ganimede.board.viewport.motion === 'rest'")


def carry(person: Person, cell_id: str, dx: float, dy: float, *, drop: bool = True) -> None:
    """By the handle, over so many pixels of the screen, in steps as a hand does."""
    handle = box(person.cell(cell_id).locator("[data-drag-handle]"))
    x, y = handle["x"] + handle["width"] * 0.6, handle["y"] + handle["height"] / 2
    mouse = person.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + dx / 2, y + dy / 2, steps=3)
    mouse.move(x + dx, y + dy, steps=5)
    if drop:
        mouse.up()


def empty_place(person: Person) -> tuple[float, float]:
    """A point of the canvas, on the screen, where nothing lies."""
    return (1000, 700)


@pytest.mark.parametrize("factor", ZOOMS)
def test_a_drag_lands_where_the_hand_let_go_and_undo_brings_it_back(scene: Scene, factor: float) -> None:
    host = scene.notebook(
        code_cell("one", "1", metadata=at(0, 0)), code_cell("two", "2", metadata=at(400, 0)), metadata=loose()
    )
    ada, bob = scene.two(host)
    zoom(ada, factor)
    carry(ada, "one", 103 * factor, 158 * factor)
    # 103 and 158 are 100 and 160 on a grid of 20.
    for person in (ada, bob):
        person.until("(m => m.get('left') === 100 && m.get('top') === 160)(ganimede.room.doc.getMap('one'))")
    assert ada.place("two") == (400, 0)
    ada.press("Control+z")
    for person in (ada, bob):
        person.until("(m => m.get('left') === 0 && m.get('top') === 0)(ganimede.room.doc.getMap('one'))")
    ada.press("Control+Shift+z")
    bob.until("ganimede.room.doc.getMap('one').get('left') === 100")


@pytest.mark.parametrize("factor", ZOOMS)
def test_typing_at_any_zoom_goes_where_the_caret_was_put(scene: Scene, factor: float) -> None:
    cells = [code_cell("one", "aaaa\nbbbb\ncccc", metadata=at(0, 0))]
    ada, bob = scene.two(scene.notebook(*cells, metadata=loose()))
    zoom(ada, factor)
    ada.edit("one")
    line = ada.cell("one").locator(".cm-line").nth(1)
    spot = box(line)
    ada.page.mouse.click(spot["x"] + spot["width"] - 40, spot["y"] + spot["height"] / 2)
    ada.type("X")
    for person in (ada, bob):
        person.until_text("one", "aaaa\nbbbbX\ncccc")
    ada.press("Control+z")
    bob.until_text("one", "aaaa\nbbbb\ncccc")


@pytest.mark.e2e
def test_a_drag_is_seen_by_others_before_it_is_written(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "1", metadata=at(0, 0)), metadata=loose()))
    zoom(ada, 1)
    zoom(bob, 1)
    before = box(bob.cell("one"))
    carry(ada, "one", 200, 100, drop=False)
    bob.until("ganimede.people.others.some(peer => peer.drag !== null)")
    assert bob.place("one") == (0, 0)
    shown = bob.page.locator(".ghost")
    expect(shown).to_have_css("left", "200px")
    expect(shown).to_have_css("top", "100px")
    assert box(bob.cell("one")) == before
    ada.page.mouse.up()
    bob.until("ganimede.room.doc.getMap('one').get('left') === 200")
    bob.until("ganimede.people.others.every(peer => peer.drag === null)")


@pytest.mark.e2e
def test_escape_gives_a_drag_up(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "1", metadata=at(0, 0)), metadata=loose()))
    zoom(ada, 1)
    carry(ada, "one", 200, 100, drop=False)
    ada.press("Escape")
    ada.page.mouse.up()
    assert ada.place("one") == (0, 0)
    assert not ada.page.evaluate("ganimede.undo.canUndo")


def test_create_by_double_click_and_delete_and_undo(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "1", metadata=at(0, 0)), metadata=loose()))
    zoom(ada, 1)
    ada.page.mouse.dblclick(*empty_place(ada))
    ada.until("ganimede.notebook.ids.length === 2")
    made = next(each for each in ada.ids() if each != "one")
    expect(ada.cell(made).locator(".cm-content")).to_be_focused()
    ada.type("new = 1")
    bob.until("ganimede.notebook.has(it)", made)
    bob.until_text(made, "new = 1")
    left, top = ada.place(made)
    assert (left % 20, top % 20) == (0, 0)
    ada.press("Escape", "Delete")
    for person in (ada, bob):
        person.until("!ganimede.notebook.has(it)", made)
        expect(person.cell(made)).to_have_count(0)
    ada.press("Control+z")
    for person in (ada, bob):
        person.until("ganimede.notebook.has(it)", made)
        person.until_text(made, "new = 1")


@pytest.mark.e2e
def test_fold_and_unfold(scene: Scene) -> None:
    said = [{"output_type": "stream", "name": "stdout", "text": "the output\n"}]
    cells = [code_cell("one", "print('the output')\n# more", outputs=said, execution_count=1, metadata=at(0, 0))]
    ada, bob = scene.two(scene.notebook(*cells, metadata=loose()))
    for item, folded in (("Fold outputs", "o"), ("Unfold outputs", None), ("Fold code", "i"), ("Fold both", "b")):
        ada.sees("one").hover()
        ada.button(re.compile("^Fold cell"), ada.cell("one")).click()
        ada.page.get_by_role("menuitem", name=item, exact=True).click()
        bob.until("ganimede.room.doc.getMap('one').get('collapsed') === it", folded)
        shown = folded not in ("o", "b")
        expect(bob.cell("one").get_by_text("the output", exact=True)).to_be_visible(visible=shown)
    ada.press("Control+z")
    bob.until("ganimede.room.doc.getMap('one').get('collapsed') === 'i'")


@pytest.mark.e2e
def test_into_a_tissue_and_out_again(scene: Scene) -> None:
    graphs = {"gm": {"np_graph": {}, "pc_graph": {"head": ["inside"]}}}
    cells = [
        markdown_cell("head", "# Head", metadata=at(0, 0, 400)),
        code_cell("inside", "1", metadata=at(0, 100, 400)),
        code_cell("loose", "2", metadata=at(600, 0, 300)),
    ]
    ada, bob = scene.two(scene.notebook(*cells, metadata=graphs))
    zoom(ada, 1)
    handle = box(ada.cell("loose").locator("[data-drag-handle]"))
    target = box(ada.cell("inside"))
    # With the pointer over the lower half of the child: behind it.
    dx = target["x"] + target["width"] / 2 - (handle["x"] + handle["width"] * 0.6)
    dy = target["y"] + target["height"] - 6 - (handle["y"] + handle["height"] / 2)
    carry(ada, "loose", dx, dy)
    for person in (ada, bob):
        person.until("(ganimede.notebook.pc.get('head') ?? []).join() === 'inside,loose'")
    ada.press("Control+z")
    bob.until("ganimede.notebook.pc.get('head').join() === 'inside'")
    ada.until("ganimede.board.viewport.motion === 'rest'")
    carry(ada, "inside", 60, 420)
    for person in (ada, bob):
        person.until("!ganimede.notebook.parents.has('inside')")
    assert bob.graph("pc").get("head") == []
    ada.press("Control+z")
    bob.until("ganimede.notebook.parents.get('inside') === 'head'")


@pytest.mark.e2e
def test_a_marquee_selects_and_one_drag_moves_all(scene: Scene) -> None:
    cells = [
        code_cell(name, "1", metadata=at(left, 100)) for name, left in (("one", 100), ("two", 500), ("far", 2000))
    ]
    ada, bob = scene.two(scene.notebook(*cells, metadata=loose()))
    zoom(ada, 0.8)
    first, second = box(ada.cell("one")), box(ada.cell("two"))
    mouse = ada.page.mouse
    ada.page.keyboard.down("Shift")
    mouse.move(first["x"] - 20, first["y"] - 20)
    mouse.down()
    mouse.move(second["x"] + 60, second["y"] + second["height"] + 30, steps=6)
    mouse.up()
    ada.page.keyboard.up("Shift")
    ada.until("[...ganimede.board.selection].sort().join() === 'one,two'")
    carry(ada, "one", 0, 80)  # 100 in the world
    for person in (ada, bob):
        person.until("['one', 'two'].every(id => ganimede.room.doc.getMap(id).get('top') === 200)")
    assert ada.place("far") == (2000, 100)
    ada.press("Control+z")  # one act, one step
    bob.until("['one', 'two'].every(id => ganimede.room.doc.getMap(id).get('top') === 100)")


def test_the_wheel_zooms_at_the_pointer_and_pans(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "1", metadata=at(300, 200)), metadata=loose()))
    zoom(ada, 1)
    before = box(ada.cell("one"))
    spot = (before["x"], before["y"])
    ada.page.mouse.move(*spot)
    ada.page.keyboard.down("Control")
    ada.page.mouse.wheel(0, -120)
    ada.page.keyboard.up("Control")
    ada.until("ganimede.board.viewport.zoom > 1.05 && ganimede.board.viewport.motion === 'rest'")
    after = box(ada.cell("one"))
    assert (after["x"], after["y"]) == pytest.approx(spot, abs=1.5), "what is under the pointer stays there"
    ada.page.mouse.move(*empty_place(ada))
    ada.page.mouse.wheel(40, 60)
    ada.until("ganimede.board.viewport.motion === 'rest'")
    panned = box(ada.cell("one"))
    assert (panned["x"], panned["y"]) == pytest.approx((after["x"] - 40, after["y"] - 60), abs=1.5)


@pytest.mark.e2e
def test_nothing_is_covered_when_an_output_grows(scene: Scene) -> None:
    cells = [
        code_cell("one", "print('\\n'.join(map(str, range(40))))", metadata=at(0, 0)),
        code_cell("two", "2", metadata=at(0, 140)),
    ]
    ada = scene.person(scene.notebook(*cells, metadata=loose(one=["two"])))
    zoom(ada, 0.6)
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_idle("one")
    expect(ada.cell("one")).to_contain_text("39")
    ada.page.wait_for_function(
        "() => { const [a, b] = ['one', 'two'].map(id => document.querySelector(`[data-cell-id=${id}]`)"
        ".getBoundingClientRect()); return a.height > 100 && b.top >= a.bottom }"
    )
    assert ada.place("two") == (0, 140), "a browser writes no layout that it measured"


@pytest.mark.e2e
def test_what_is_out_of_sight_is_not_in_the_page(scene: Scene) -> None:
    cells = [code_cell(f"cell{i:03}", f"x = {i}", metadata=at(i * 400, 0)) for i in range(60)]
    ada = scene.person(scene.notebook(*cells, metadata=loose()))
    zoom(ada, 1)
    ada.sees("cell000")
    assert ada.page.locator("[data-cell-id]").count() < 25
    ada.page.evaluate("ganimede.board.select(['cell050']); ganimede.board.reveal('cell050')")
    ada.sees("cell050")
    expect(ada.cell("cell010")).to_have_count(0)


@pytest.mark.e2e
def test_arrow_keys_enter_and_escape(scene: Scene) -> None:
    cells = [
        code_cell("one", "1", metadata=at(0, 0)),
        code_cell("two", "2", metadata=at(0, 200)),
        code_cell("right", "3", metadata=at(400, 0)),
    ]
    ada = scene.person(scene.notebook(*cells, metadata=loose()))
    zoom(ada, 1)
    box(ada.cell("one"))
    ada.cell("one").locator("[data-drag-handle]").click()
    for key, reached in (("ArrowDown", "two"), ("ArrowUp", "one"), ("ArrowRight", "right"), ("ArrowLeft", "one")):
        ada.press(key)
        ada.until("ganimede.board.current === it", reached)
    ada.press("Enter")
    expect(ada.cell("one").locator(".cm-content")).to_be_focused()
    ada.press("Escape")
    ada.until("ganimede.board.editing === null && ganimede.board.current === 'one'")
    ada.type("m")
    ada.until("ganimede.notebook.cell('one').type === 'markdown'")


@pytest.mark.parametrize("factor", ZOOMS)
def test_draw_an_edge_and_undo(scene: Scene, factor: float) -> None:
    cells = [code_cell("one", "1", metadata=at(0, 0)), code_cell("two", "2", metadata=at(400, 200))]
    ada, bob = scene.two(scene.notebook(*cells, metadata=loose()))
    zoom(ada, factor)
    ada.sees("one").hover()
    port = box(ada.page.locator('[data-port="bottom"][data-port-of="one"]'))
    end = box(ada.cell("two"))
    mouse = ada.page.mouse
    mouse.move(port["x"] + port["width"] / 2, port["y"] + port["height"] / 2)
    mouse.down()
    mouse.move(port["x"] + 60, port["y"] + 40, steps=3)
    mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=5)
    mouse.up()
    for person in (ada, bob):
        person.until("(ganimede.notebook.np.get('one') ?? []).join() === 'two'")
    assert ada.place("two") == (400, 200), "only the edge was drawn"
    ada.press("Control+z")
    for person in (ada, bob):
        person.until("(ganimede.notebook.np.get('one') ?? []).length === 0")
    ada.press("Control+Shift+z")
    bob.until("(ganimede.notebook.np.get('one') ?? []).join() === 'two'")


@pytest.mark.e2e
def test_an_edge_is_selected_and_deleted(scene: Scene) -> None:
    cells = [code_cell("one", "1", metadata=at(0, 0)), code_cell("two", "2", metadata=at(0, 300))]
    ada, bob = scene.two(scene.notebook(*cells, metadata=loose(one=["two"])))
    zoom(ada, 1)
    above, below = box(ada.cell("one")), box(ada.cell("two"))
    ada.page.mouse.click(above["x"] + above["width"] / 2, (above["y"] + above["height"] + below["y"]) / 2)
    ada.until("ganimede.board.edge?.to === 'two'")
    ada.press("Delete")
    for person in (ada, bob):
        person.until("(ganimede.notebook.np.get('one') ?? []).length === 0")
    ada.press("Control+z")
    bob.until("ganimede.notebook.np.get('one')?.join() === 'two'")


@pytest.mark.e2e
def test_a_new_cell_below_is_the_next_of_the_flow(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "1", metadata=at(0, 0)), metadata=loose()))
    zoom(ada, 1)
    ada.sees("one").hover()
    ada.button("New cell below").click()
    ada.until("ganimede.notebook.ids.length === 2")
    made = ada.ids()[1]
    ada.type("x = 1")
    bob.until("ganimede.notebook.has(it) && ganimede.notebook.np.get('one')?.join() === it", made)
    bob.until_text(made, "x = 1")
    assert ada.place(made)[0] == 0
    assert ada.place(made)[1] > 90


@pytest.mark.e2e
def test_a_markdown_cell_becomes_a_tissue_that_runs(scene: Scene) -> None:
    cells = [
        markdown_cell("head", "# Head", metadata=at(0, 0)),
        code_cell("one", "print(6 * 7)", metadata=at(500, 0)),
    ]
    ada, bob = scene.two(scene.notebook(*cells, metadata=loose()))
    zoom(ada, 1)
    ada.sees("head").hover()
    ada.button(re.compile("^More for cell"), ada.cell("head")).click()
    ada.page.get_by_role("menuitem", name="Turn into a tissue").click()
    bob.until("ganimede.notebook.pc.has('head')")
    ada.page.evaluate("ganimede.acts.putIntoTissue(['one'], 'head', 0)")
    bob.until("ganimede.notebook.parents.get('one') === 'head'")
    ada.sees("head").hover()
    ada.button("Run tissue", ada.cell("head")).click()
    bob.until_printed("one", "42")


@pytest.mark.e2e
def test_undo_points_out_what_it_changed(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "x = 1"), code_cell("two", "y = 2")), "ada")
    ada.page.evaluate("ganimede.acts.deleteCells(['two'])")
    expect(ada.cell("two")).to_have_count(0)
    ada.page.evaluate("ganimede.undo.undo()")
    expect(ada.cell("two")).to_have_class(re.compile(r"\bchanged\b"))
    expect(ada.cell("one")).not_to_have_class(re.compile(r"\bchanged\b"))
    expect(ada.cell("two")).not_to_have_class(re.compile(r"\bchanged\b"))


@pytest.mark.e2e
def test_an_undo_that_takes_a_cell_away_says_so_and_offers_it_back(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "1", metadata=at(0, 0)), metadata=loose()))
    ada.sees("one").locator("header").click()
    ada.press("b", "Escape")
    ada.until("ganimede.notebook.ids.length === 2")
    ada.press("z")
    told = ada.toast("Undone: 1 cell is gone.")
    expect(told).to_be_visible()
    ada.button("Redo", told).click()
    ada.until("ganimede.notebook.ids.length === 2")


FORK = {
    "gm": {"np_graph": {"a": ["b"]}, "pc_graph": {}},
}


def fork() -> list[dict[str, Any]]:
    return [
        code_cell("a", "a = 1", metadata=at(0, 0, 300)),
        code_cell("wall", "between = 2", metadata=at(0, 220, 300)),
        code_cell("b", "b = 3", metadata=at(0, 440, 300)),
        code_cell("c", "c = 4", metadata=at(500, 440, 300)),
    ]


def line(person: Person, start: str, end: str) -> Locator:
    return person.page.locator(f"[data-edge-from={start}][data-edge-to={end}] .line")


def half_way(person: Person, start: str, end: str) -> tuple[float, float]:
    """A point of the line on the screen."""
    x, y = line(person, start, end).evaluate(
        """each => {
          const at = each.getPointAtLength(each.getTotalLength() / 2).matrixTransform(each.getScreenCTM());
          return [at.x, at.y];
        }"""
    )
    return x, y


def test_an_edge_goes_around_what_lies_between_and_its_end_is_taken_to_another_cell(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(*fork(), metadata=FORK))
    ada.page.evaluate("ganimede.board.fit()")
    ada.until("ganimede.board.viewport.motion === 'rest'")
    wall = box(ada.sees("wall"))
    over = """([each, { x, y, width, height }]) => {
      const length = each.getTotalLength(), matrix = each.getScreenCTM();
      return [...Array(200).keys()].some((i) => {
        const at = each.getPointAtLength((length * i) / 199).matrixTransform(matrix);
        return at.x > x && at.x < x + width && at.y > y && at.y < y + height;
      });
    }"""
    drawn = line(ada, "a", "b").element_handle()
    assert not ada.page.evaluate(over, [drawn, wall])
    # Hovered, its ends can be taken.
    ada.page.mouse.move(*half_way(ada, "a", "b"))
    end = box(ada.page.locator("[data-edge-end=to]"))
    target = box(ada.cell("c"))
    ada.page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2)
    ada.page.mouse.down()
    ada.page.mouse.move(target["x"] + 40, target["y"] + 20, steps=6)
    ada.page.mouse.up()
    for person in (ada, bob):
        person.until('JSON.stringify([...ganimede.notebook.np]) === \'[["a",["c"]]]\'')
    ada.tool("Undo").click()
    bob.until('JSON.stringify([...ganimede.notebook.np]) === \'[["a",["b"]]]\'')


@pytest.mark.e2e
def test_an_edges_end_dropped_near_goes_back_and_far_away_is_deleted_with_the_way_back(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*fork(), metadata=FORK))
    ada.page.evaluate("ganimede.board.fit()")
    ada.until("ganimede.board.viewport.motion === 'rest'")

    def drag(dx: float, dy: float, last: str = "") -> None:
        ada.page.evaluate("ganimede.board.selectEdge({ from: 'a', to: 'b' })")
        end = box(ada.page.locator("[data-edge-end=to]"))
        x, y = end["x"] + end["width"] / 2, end["y"] + end["height"] / 2
        ada.page.mouse.move(x, y)
        ada.page.mouse.down()
        ada.page.mouse.move(x + dx, y + dy, steps=5)
        if last:
            ada.press(last)
        ada.page.mouse.up()

    edge = "ganimede.notebook.np.get('a')?.includes('b') ?? false"
    drag(-30, -10)
    assert ada.page.evaluate(edge)
    drag(-320, -60, "Escape")
    assert ada.page.evaluate(edge)
    drag(-320, -60)
    ada.until(f"!({edge})")
    ada.button("Undo", ada.toast("Edge deleted.")).click()
    ada.until(edge)


@pytest.mark.e2e
def test_an_edges_end_is_taken_to_another_cell_by_its_menu_and_keys(scene: Scene) -> None:
    ada = scene.person(scene.notebook(*fork(), metadata=FORK))
    ada.page.evaluate("ganimede.board.fit()")
    ada.until("ganimede.board.viewport.motion === 'rest'")
    number = ada.page.evaluate("ganimede.board.scene.numbers.get('c')")
    ada.page.mouse.click(*half_way(ada, "a", "b"), button="right")
    ada.page.get_by_role("menuitem", name="Change where it leads…").click()
    expect(ada.page.get_by_role("status").filter(has_text="Lead the edge from cell")).to_be_visible()
    ada.press(str(number), "Enter")
    ada.until("ganimede.notebook.np.get('a')?.includes('c') ?? false")
    assert ada.page.evaluate("ganimede.notebook.np.get('a').length") == 1


@pytest.mark.e2e
def test_a_tissue_folds_to_its_heading_for_both_says_what_is_in_it_and_stays_so_in_the_file(scene: Scene) -> None:
    cells = [
        markdown_cell("head", "## Part one", metadata=at(0, 0)),
        code_cell("one", "1 / 0"),
        code_cell("two", "x = 2"),
        code_cell("below", "3", metadata=at(0, 200)),
    ]
    graphs = {"gm": {"np_graph": {}, "pc_graph": {"head": ["one", "two"]}}}
    host = scene.notebook(*cells, metadata=graphs)
    ada, bob = scene.two(host)
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_idle("one")
    deep = box(ada.sees("below"))["y"]
    ada.sees("head").locator("header").click()
    ada.press("o")
    for person in (ada, bob):
        expect(person.cell("one")).to_have_count(0)
        expect(person.button("Unfold tissue: 2 cells, 1 failed")).to_be_visible()
    assert box(ada.cell("below"))["y"] < deep - 100, "what stood below comes up"
    # Arrows pass it by; who is led into it sees it, and nobody else does.
    ada.press("ArrowDown")
    assert ada.page.evaluate("ganimede.board.current") == "below"
    ada.page.evaluate("ganimede.board.goTo('two')")
    expect(ada.cell("two")).to_be_visible()
    expect(bob.cell("two")).to_have_count(0)
    ada.press("ControlOrMeta+s")
    ada.until("ganimede.server.saving.status === 'saved' && ganimede.room.unfiled === 0")
    bob.page.reload()
    bob.connected()
    expect(bob.cell("one")).to_have_count(0)
    bob.press("Shift+d")
    expect(bob.page.get_by_role("article")).to_have_count(2)
    bob.button("Unfold tissue: 2 cells, 1 failed").click()
    expect(bob.page.get_by_role("article")).to_have_count(4)
    ada.until("ganimede.board.scene.folded.size === 0 && ganimede.notebook.cell('head').collapsed === null")
    # Whoever is inside when it is folded has its heading then, and an editor stays open.
    ada.page.evaluate("ganimede.board.select(['two'])")
    bob.edit("one")
    ada.page.evaluate("ganimede.board.fold('head', true)")
    ada.until("ganimede.board.current === 'head'")
    bob.until("ganimede.notebook.cell('head').collapsed === 'o'")
    expect(bob.cell("one").locator(".cm-content")).to_be_focused()
