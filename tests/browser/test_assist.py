"""What the kernel knows, while one writes: completion and inspection."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.system.support import code_cell


def choices(person: Person) -> Locator:
    return person.page.get_by_role("listbox")


def started(scene: Scene, *sources: str) -> Person:
    ada = scene.person(scene.notebook(*(code_cell(f"c{n}", text) for n, text in enumerate(sources))))
    ada.page.evaluate("ganimede.server.run(['c0'])")
    ada.until_idle("c0")
    return ada


def test_tab_completes_from_the_kernel_and_a_chosen_word_goes_in(scene: Scene) -> None:
    ada = started(scene, "first_measurement = 1\nfirst_model = 2", "")
    ada.edit("c1")
    ada.type("first_me")
    ada.press("Tab")
    expect(choices(ada).get_by_role("option", name="first_measurement")).to_be_visible()
    ada.press("Enter")
    ada.until_text("c1", "first_measurement")
    ada.press("Escape")
    ada.until("ganimede.board.editing === null")


@pytest.mark.e2e
def test_a_dot_asks_and_typing_on_narrows_and_escape_closes(scene: Scene) -> None:
    ada = started(scene, "import math", "")
    ada.edit("c1")
    ada.type("math.")
    expect(choices(ada).get_by_role("option", name="acos", exact=False).first).to_be_visible()
    ada.type("sq")
    expect(choices(ada).get_by_role("option")).to_have_count(2)  # sqrt, isqrt
    ada.press("Escape")
    expect(choices(ada)).to_have_count(0)
    ada.until("ganimede.board.editing === 'c1'")
    assert ada.text("c1") == "math.sq"


@pytest.mark.e2e
def test_behind_an_emoji_the_place_is_the_right_one(scene: Scene) -> None:
    ada = started(scene, "measurement = 1", "")
    ada.edit("c1")
    ada.type("x = '😀'; measu")
    ada.press("Tab")
    expect(choices(ada)).to_be_visible()
    ada.press("Enter")
    ada.until_text("c1", "x = '😀'; measurement")


@pytest.mark.e2e
def test_while_a_cell_runs_and_without_a_kernel_there_are_completions_too(scene: Scene) -> None:
    ada = started(scene, "import time\nmeasurement = 1", "time.sleep(60)", "")
    ada.page.evaluate("ganimede.server.run(['c1'])")
    ada.until_state("c1", "running")
    ada.edit("c2")
    ada.type("measure")
    ada.press("Tab")
    expect(choices(ada).get_by_role("option", name="measurement")).to_be_visible()
    ada.press("Escape")
    ada.page.evaluate("ganimede.server.shutDown()")
    ada.until("ganimede.server.kernel.status === 'none'")
    ada.type("ment = 2\nmeas")
    ada.press("Tab")
    expect(choices(ada).get_by_role("option", name="measurement")).to_be_visible()


@pytest.mark.e2e
def test_shift_tab_says_what_a_name_is_until_the_caret_moves_on(scene: Scene) -> None:
    ada = started(scene, "def area(radius):\n    'Of a circle.'", "area")
    ada.edit("c1")
    ada.press("Shift+Tab")
    told = ada.page.get_by_role("tooltip")
    expect(told).to_contain_text("Of a circle.")
    expect(told).to_contain_text("area(radius)")
    assert "\x1b" not in told.inner_text()
    ada.press("Escape")
    expect(told).to_have_count(0)
    ada.until("ganimede.board.editing === 'c1'")
    ada.press("Shift+Tab")
    expect(told).to_be_visible()
    ada.type("(")
    expect(told).to_have_count(0)


@pytest.mark.e2e
def test_tab_still_indents_at_the_beginning_of_a_line(scene: Scene) -> None:
    ada = started(scene, "1", "")
    ada.edit("c1")
    ada.type("if True:\n")
    ada.press("Shift+Tab")
    ada.press("Tab")
    ada.type("x")
    ada.until_text("c1", "if True:\n    x")


@pytest.mark.e2e
def test_code_of_another_kernel_has_its_own_colours_static_and_live(scene: Scene) -> None:
    metadata = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    ada = scene.person(scene.notebook(code_cell("one", 'x <- "text" # so'), metadata=metadata))
    for _ in range(2):
        expect(ada.sees("one").locator(".tok-string")).to_have_text('"text"')
        expect(ada.sees("one").locator(".tok-comment")).to_have_text("# so")
        ada.edit("one")
