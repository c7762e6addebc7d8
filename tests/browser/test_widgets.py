"""Jupyter widgets: alive in every browser that shows them, for as long as their kernel is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FrameLocator, expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.system.support import code_cell

SLIDER = "import ipywidgets as w\nslider = w.IntSlider(value=3, max=50, description='Size')\nslider"
BUTTON = """import ipywidgets as w
button, label, pressed = w.Button(description='Press'), w.Label('not yet'), []
def press(_):
    pressed.append(1)
    label.value = f'pressed {len(pressed)}'
button.on_click(press)
w.VBox([button, label])"""
OUTPUT = """import ipywidgets as w
button, out = w.Button(description='Print'), w.Output()
@out.capture()
def press(_):
    print('from the callback')
button.on_click(press)
with out:
    print('from the cell')
w.VBox([button, out])"""
COUNTER = '''import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = """
    export default {
      render({ model, el }) {
        const button = document.createElement("button");
        const show = () => { button.textContent = `count is ${model.get("value")}`; };
        button.onclick = () => { model.set("value", model.get("value") + 1); model.save_changes(); };
        model.on("change:value", show);
        show();
        el.append(button);
      },
    };
    """
    _css = "button { color: rgb(200, 30, 60); }"
    value = traitlets.Int(0).tag(sync=True)
counter = Counter()
counter'''


def run(person: Person, *cell_ids: str) -> None:
    person.page.evaluate("ids => ganimede.server.run(ids)", cell_ids)
    for cell_id in cell_ids:
        person.until_idle(cell_id)


def widget(person: Person, cell_id: str) -> FrameLocator:
    return person.sees(cell_id).frame_locator("iframe")


def test_a_slider_is_one_in_the_kernel_and_in_both_browsers(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", SLIDER), code_cell("two", "print(slider.value)")))
    run(ada, "one")
    for person in (ada, bob):
        expect(widget(person, "one").get_by_text("Size")).to_be_visible()
        expect(widget(person, "one").get_by_role("slider")).to_have_attribute("aria-valuenow", "3.0")
    widget(ada, "one").get_by_role("slider").focus()
    ada.press("ArrowRight", "ArrowRight")
    for person in (ada, bob):
        expect(widget(person, "one").get_by_role("slider")).to_have_attribute("aria-valuenow", "5.0")
    run(bob, "two")
    bob.until_printed("two", "5")


@pytest.mark.e2e
def test_a_button_calls_back_and_everybody_sees_what_it_did(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", BUTTON)))
    run(ada, "one")
    widget(bob, "one").get_by_role("button", name="Press").click()
    widget(bob, "one").get_by_role("button", name="Press").click()
    for person in (ada, bob):
        expect(widget(person, "one").get_by_text("pressed 2")).to_be_visible()


@pytest.mark.e2e
def test_an_output_widget_shows_what_callbacks_print_in_both_browsers(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", OUTPUT)))
    run(ada, "one")
    for person in (ada, bob):
        expect(widget(person, "one").get_by_text("from the cell")).to_be_visible()
    widget(ada, "one").get_by_role("button", name="Print").click()
    for person in (ada, bob):
        expect(widget(person, "one").get_by_text("from the callback")).to_be_visible()


@pytest.mark.e2e
def test_what_a_callback_prints_or_raises_and_nothing_takes_is_told(scene: Scene) -> None:
    source = BUTTON.replace("pressed.append(1)", "pressed.append(1)\n    print('hi there')\n    1 / 0")
    ada, bob = scene.two(scene.notebook(code_cell("one", source)))
    run(ada, "one")
    expect(widget(bob, "one").get_by_text("not yet")).to_be_visible()
    widget(ada, "one").get_by_role("button", name="Press").click()
    for person in (ada, bob):
        expect(person.toast("A widget printed: hi there")).to_be_visible()
        expect(person.toast(re.compile("callback failed: ZeroDivisionError"))).to_be_visible()


@pytest.mark.e2e
def test_an_anywidget_counts_for_all(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", COUNTER), code_cell("two", "print(counter.value)")))
    run(ada, "one")
    for person in (ada, bob):
        widget(person, "one").get_by_role("button", name="count is").click()
    for person in (ada, bob):
        button = widget(person, "one").get_by_role("button", name="count is 2")
        expect(button).to_be_visible()
        expect(button).to_have_css("color", "rgb(200, 30, 60)")
    run(ada, "two")
    ada.until_printed("two", "2")


@pytest.mark.e2e
def test_who_comes_later_or_reloads_finds_widgets_as_they_are(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", SLIDER), code_cell("two", "slider.value = 42"))
    ada = scene.person(host)
    run(ada, "one", "two")
    bob = scene.person(host, "Bob")
    ada.page.reload()
    ada.connected()
    for person in (ada, bob):
        expect(widget(person, "one").get_by_role("slider")).to_have_attribute("aria-valuenow", "42.0")


@pytest.mark.e2e
def test_a_widget_whose_kernel_is_gone_says_so_and_comes_back_when_it_runs(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", SLIDER)))
    run(ada, "one")
    expect(widget(bob, "one").get_by_role("slider")).to_be_visible()
    ada.page.evaluate("ganimede.server.restart()")
    for person in (ada, bob):
        expect(person.sees("one")).to_contain_text("This widget’s kernel is gone")
        expect(person.sees("one").locator("iframe")).to_have_count(0)
    run(bob, "one")
    for person in (ada, bob):
        expect(widget(person, "one").get_by_role("slider")).to_be_visible()


@pytest.mark.e2e
def test_a_link_that_was_away_brings_widgets_up_to_date(scene: Scene) -> None:
    host, wire = scene.wired(code_cell("one", SLIDER), code_cell("two", "slider.value = 7"))
    ada, bob = scene.person(host), scene.person(host, "Bob", address=wire.url)
    bob.away = True
    run(ada, "one")
    slider = widget(bob, "one").get_by_role("slider")
    expect(slider).to_have_attribute("aria-valuenow", "3.0")
    wire.cut()
    bob.until("ganimede.room.state === 'offline'")
    run(ada, "two")
    wire.mend()
    expect(slider).to_have_attribute("aria-valuenow", "7.0")
    slider.focus()
    bob.press("ArrowRight")
    expect(widget(ada, "one").get_by_role("slider")).to_have_attribute("aria-valuenow", "8.0")


@pytest.mark.e2e
def test_a_module_that_is_not_there_is_named(scene: Scene) -> None:
    source = "import ipywidgets as w, traitlets\nclass Far(w.DOMWidget):\n"
    for part in ("model", "view"):
        source += f"    _{part}_name = traitlets.Unicode('Far').tag(sync=True)\n"
        source += f"    _{part}_module = traitlets.Unicode('far-away').tag(sync=True)\n"
        source += f"    _{part}_module_version = traitlets.Unicode('^1.0.0').tag(sync=True)\n"
    ada = scene.person(scene.notebook(code_cell("one", source + "Far()")))
    run(ada, "one")
    expect(ada.sees("one")).to_contain_text("needs the module “far-away”")


@pytest.mark.e2e
def test_the_wheel_over_a_widget_moves_the_canvas(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", SLIDER)))
    run(ada, "one")
    box = widget(ada, "one").get_by_text("Size").bounding_box()
    assert box
    ada.page.mouse.move(box["x"] + 10, box["y"] + 5)
    ada.until("(globalThis.before ??= ganimede.board.viewport.y) !== undefined")
    ada.page.mouse.wheel(0, 120)
    ada.until("ganimede.board.viewport.y !== before")


@pytest.mark.e2e
def test_a_widget_reaches_neither_the_page_nor_the_network(scene: Scene) -> None:
    spy = COUNTER.replace(
        "const button =",
        """let found = "";
        try { found += parent.document.title; } catch { found += "no page, "; }
        try { found += localStorage.length; } catch { found += "no storage, "; }
        fetch("/config").then(() => { el.append("fetched"); }, () => { el.append(found + "no network"); });
        const button =""",
    )
    ada = scene.person(scene.notebook(code_cell("one", spy)))
    run(ada, "one")
    expect(widget(ada, "one").get_by_text("no page, no storage, no network")).to_be_visible()
