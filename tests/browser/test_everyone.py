"""For everyone: what axe finds, what a screen reader is told, text at twice its size, the system's own colours."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import faults
from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import box
from tests.browser.test_open import TOUR
from tests.system.support import code_cell, markdown_cell

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def tour(scene: Scene, tmp_path: Path, **options: Any) -> Person:
    return scene.person(scene.serve(Path(shutil.copy(TOUR, tmp_path / "tour.ipynb"))), **options)


def test_axe_finds_nothing_on_the_canvas_and_in_the_document(scene: Scene, tmp_path: Path) -> None:
    ada = tour(scene, tmp_path)
    ada.sees("welcome").get_by_role("heading").first.wait_for()
    ada.page.mouse.move(100, 500)
    at_rest(ada)
    assert "\n".join(faults(ada.page)) == ""
    ada.press("Shift+d")
    ada.page.locator("article .cell").first.wait_for()
    at_rest(ada)
    assert "\n".join(faults(ada.page)) == ""


def at_rest(ada: Person) -> None:
    """As near that cells have buttons, which from further away are smaller than a finger, and live editors."""
    if ada.page.evaluate("ganimede.board.viewport.zoom") > 0.4:
        ada.page.evaluate("ganimede.board.viewport.zoomBy(1 / ganimede.board.viewport.zoom)")
    ada.until("document.querySelector('.cell:not(.plain) .code:not([data-wrap=true]) .code-static') === null")


def _palette(ada: Person) -> None:
    ada.press("ControlOrMeta+k")
    ada.page.get_by_role("combobox").fill("run")


def _find(ada: Person) -> None:
    ada.press("ControlOrMeta+Shift+h")
    ada.page.get_by_label("Find", exact=True).fill("gamma")
    expect(ada.page.locator("#find-words")).to_have_text(re.compile("^1 of"))


def _help(ada: Person) -> None:
    ada.press("?")
    ada.page.get_by_role("dialog").wait_for()


def _queue(ada: Person) -> None:
    ada.tool("Run queue").click()


def _versions(ada: Person) -> None:
    ada.button("Versions").click()
    ada.page.get_by_role("region", name="Versions").wait_for()


def _menu(ada: Person) -> None:
    ada.tool("More ways to run").click()
    ada.page.get_by_role("menu").wait_for()


def _people(ada: Person) -> None:
    ada.button(re.compile("^You are")).click()


def _editing(ada: Person) -> None:
    ada.edit("hello")
    ada.page.locator(".cm-content").first.wait_for()


def _ran(ada: Person) -> None:
    ada.page.evaluate("ganimede.server.runWhat('all')")
    ada.until("ganimede.notebook.queue.length === 0 && ganimede.notebook.cell('hello').executionCount !== null")
    ada.page.evaluate("ganimede.board.fit()")


STATES: list[Callable[[Person], None]] = [
    _palette, _find, _help, _queue, _versions, _menu, _people, _editing, _ran,
]  # fmt: skip


@pytest.mark.e2e
@pytest.mark.parametrize("view", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(scene: Scene, tmp_path: Path, scheme: str, view: dict[str, int]) -> None:
    ada = tour(scene, tmp_path, color_scheme=scheme, viewport=view)
    found = {}
    for state in STATES:
        ada.page.reload()
        ada.connected()
        ada.can_write()
        if state is _versions and view is PHONE:
            continue  # no room for them there
        state(ada)
        at_rest(ada)
        found[state.__name__] = faults(ada.page)
    ada.page.evaluate("location.hash = '#as=document'")
    ada.page.reload()
    ada.connected()
    ada.page.locator("article .cell").first.wait_for()
    at_rest(ada)
    found["document"] = faults(ada.page)
    assert "\n".join(f"{name}: {each}" for name, all_ in found.items() for each in all_) == ""


@pytest.mark.e2e
def test_a_screen_reader_is_told_what_happens_by_itself_and_once(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "1"), code_cell("two", "1 / 0"))
    ada = scene.person(host)
    told = ada.page.locator("[data-announcer]")
    expect(told).to_have_attribute("aria-live", "polite")
    ada.page.wait_for_function("globalThis.ganimede.room.unsent === 0")
    bob = scene.person(host, "bob")
    expect(told).to_have_text(re.compile("is here"))
    ada.page.evaluate("ganimede.server.run(['one'])")
    expect(told).to_have_text("Cell 1 is done.")
    ada.page.evaluate("ganimede.server.run(['two'])")
    expect(told).to_have_text("Cell 2 failed.")
    # What somebody else runs is theirs.
    bob.page.evaluate("ganimede.server.run(['one'])")
    bob.until_idle("one")
    bob.context.close()
    scene.people.remove(bob)
    expect(told).to_have_text("bob left.")
    # The chips change with every letter: they are there to be read, and say nothing by themselves.
    expect(ada.page.locator(".chip[role=status], .chip [aria-live]")).to_have_count(0)


@pytest.mark.e2e
def test_the_first_stops_lead_past_the_cells_and_back(scene: Scene, tmp_path: Path) -> None:
    ada = tour(scene, tmp_path)
    ada.sees("welcome")
    ada.press("Tab")
    expect(ada.button("To the notebook")).to_be_focused()
    assert box(ada.button("To the notebook"))["width"] > 60
    ada.press("Tab", "Enter")
    expect(ada.tool("New code cell")).to_be_focused()
    ada.button("To the notebook").focus()
    ada.press("Enter")
    expect(ada.cell("welcome")).to_be_focused()


# As a browser's zoom of 200 % has it on a desk of 1440.
@pytest.mark.e2e
@pytest.mark.parametrize("mode", ["canvas", "document"])
def test_at_twice_the_size_nothing_is_cut_off_or_covered(scene: Scene, tmp_path: Path, mode: str) -> None:
    ada = tour(scene, tmp_path, viewport={"width": 720, "height": 450}, device_scale_factor=2)
    if mode == "document":
        ada.press("Shift+d")
        ada.page.locator("article .cell").first.wait_for()
    bars = ada.page.locator("header .group:visible")
    rects = [box(each) for each in bars.all()]
    size = ada.page.viewport_size
    assert size is not None
    for rect in rects:
        assert rect["x"] >= 0
        assert rect["x"] + rect["width"] <= size["width"]
        assert rect["y"] + rect["height"] <= size["height"]
    for one in rects:
        for other in rects:
            apart = (
                one["x"] + one["width"] <= other["x"]
                or other["x"] + other["width"] <= one["x"]
                or one["y"] + one["height"] <= other["y"]
                or other["y"] + other["height"] <= one["y"]
            )
            assert one is other or apart
    # Every button of the bars is as large as a finger needs, and nothing lies over it.
    buttons = [each for each in ada.page.locator(".group button:visible").all()]
    assert len(buttons) > 8
    for button in buttons:
        assert button.evaluate(
            """each => {
              const { left, top, width, height } = each.getBoundingClientRect();
              const at = document.elementFromPoint(left + width / 2, top + height / 2);
              return width >= 24 && height >= 24 && (at === each || each.contains(at));
            }"""
        ), button.get_attribute("aria-label")


@pytest.mark.e2e
def test_with_the_systems_own_colours_a_selected_cell_and_the_focus_are_seen(scene: Scene) -> None:
    ada = scene.person(
        scene.notebook(code_cell("one", "1"), markdown_cell("two", "# Two")), forced_colors="active"
    )
    ada.page.evaluate("ganimede.board.select(['one'])")
    style = "each => getComputedStyle(each).outlineStyle"
    assert ada.sees("one").locator(".cell").evaluate(style) == "solid"
    assert ada.sees("two").locator(".cell").evaluate(style) == "none"


@pytest.mark.e2e
def test_focus_is_never_under_the_bars_in_the_document(scene: Scene) -> None:
    cells = [code_cell(f"c{n}", f"x = {n}\ny = {n}") for n in range(20)]
    ada = scene.person(scene.notebook(*cells), viewport={"width": 1000, "height": 600})
    ada.press("Shift+d")
    ada.page.locator("article .cell").first.wait_for()
    ada.press("End")
    for _ in range(19):
        ada.press("k")
        cell_id = ada.page.evaluate("ganimede.board.current")
        expect(ada.cell(cell_id)).to_be_focused()
        rect = box(ada.cell(cell_id))
        assert rect["y"] >= 58
        assert rect["y"] + min(rect["height"], 100) <= 600
