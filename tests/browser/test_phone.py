"""A phone: fingers on a small screen."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import at, box
from tests.system.support import code_cell, markdown_cell

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}

pytestmark = pytest.mark.e2e


def phone(scene: Scene) -> Person:
    cells = [
        markdown_cell("head", "# Head", metadata=at(0, 0, 360)),
        code_cell("one", "print('from a phone')", metadata=at(20, 100, 320)),
    ]
    metadata = {"gm": {"np_graph": {}, "pc_graph": {"head": ["one"]}}}
    ada = scene.person(scene.notebook(*cells, metadata=metadata), **PHONE)
    ada.tool("Canvas").tap()
    ada.sees("one")
    return ada


class Fingers:
    def __init__(self, person: Person) -> None:
        self._page = person.page
        self._session = person.context.new_cdp_session(person.page)

    def at(self, kind: str, *points: tuple[float, float]) -> None:
        touched = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    def drag(self, *path: tuple[float, float]) -> None:
        self.at("touchStart", path[0])
        # Lifted at rest: after a fling a browser takes the next tap for its end.
        for point in (*path[1:], path[-1]):
            self.at("touchMove", point)
            self._page.wait_for_timeout(40)
        self.at("touchEnd")


def test_the_bars_cover_neither_each_other_nor_the_beginning(scene: Scene) -> None:
    ada = phone(scene)
    top = [box(ada.page.get_by_label(re.compile("^File:"))), box(ada.button(re.compile("^You are")))]
    below = [box(ada.page.get_by_role("toolbar", name=name)) for name in ("View", "Notebook")]
    for rect in (*top, *below):
        assert rect["x"] >= 0
        assert rect["x"] + rect["width"] <= 390
        assert rect["y"] + rect["height"] <= 800
    assert max(rect["y"] + rect["height"] for rect in top) < box(ada.cell("head"))["y"]
    assert below[0]["y"] + below[0]["height"] <= below[1]["y"]


def test_a_finger_pans_two_zoom_and_a_handle_moves_a_cell(scene: Scene) -> None:
    ada = phone(scene)
    fingers = Fingers(ada)
    before = box(ada.cell("head"))
    fingers.drag((100, 600), (110, 560), (130, 540))
    after = box(ada.cell("head"))
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((30, -60), abs=12)
    zoom = ada.page.evaluate("ganimede.board.viewport.zoom")
    fingers.at("touchStart", (150, 500), (250, 500))
    fingers.at("touchMove", (140, 500), (260, 500))
    fingers.at("touchMove", (125, 500), (275, 500))
    fingers.at("touchEnd")
    ada.until("ganimede.board.viewport.zoom > it * 1.2 && ganimede.board.viewport.motion === 'rest'", zoom)
    ada.tool("Show everything").tap()
    ada.until("ganimede.board.viewport.motion === 'rest'")
    handle = box(ada.cell("one").locator("[data-drag-handle]"))
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    fingers.drag((x, y), *((x, y + 40 * step) for step in range(1, 6)))
    ada.until("!ganimede.notebook.parents.has('one')")
    ada.tool("Undo").tap()
    ada.until("ganimede.notebook.parents.has('one')")


def test_a_tap_writes_and_the_bar_runs(scene: Scene) -> None:
    ada = phone(scene)
    code = box(ada.cell("one"))
    ada.page.touchscreen.tap(code["x"] + code["width"] / 2, code["y"] + code["height"] - 18)
    expect(ada.cell("one").locator(".cm-content")).to_be_focused()
    ada.tool("Run selected cell").tap()
    ada.until_printed("one", "from a phone")
