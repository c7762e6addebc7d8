"""The page opens: the token, the tour, what the top bar says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Request, Route, expect

from tests.browser.conftest import Scene
from tests.system.support import code_cell, markdown_cell

TOUR = Path(__file__).resolve().parents[2] / "examples/tour.ipynb"


def test_the_tour_opens_and_its_cells_are_painted(scene: Scene, tmp_path: Path) -> None:
    ada = scene.person(scene.serve(Path(shutil.copy(TOUR, tmp_path / "tour.ipynb"))))
    ids = ada.ids()
    assert "welcome" in ids
    expect(ada.sees("welcome").get_by_role("heading").first).to_have_text("A notebook with room to think")
    expect(ada.page).to_have_title("tour")
    # What is painted is what the document holds, wherever it lies.
    for shown in ada.page.locator("[data-cell-id]").all():
        assert shown.get_attribute("data-cell-id") in ids


def test_the_first_load_is_light_and_panels_come_with_the_first_sign_of_a_person(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "1"), markdown_cell("two", "# Two"))
    ada = scene.person()
    sent: list[Request] = []
    ada.page.on("requestfinished", lambda request: sent.append(request))
    ada.page.goto(host.address)
    ada.connected()
    ada.sees("two").get_by_role("heading").wait_for()
    # As they are sent, compressed.
    sizes = [each.sizes()["responseBodySize"] for each in sent if each.url.endswith((".js", ".css"))]
    assert 100_000 < sum(sizes) < 250_000
    ada.page.mouse.move(100, 100)
    expect(ada.page.locator("dialog[aria-label='Gestures and keys']")).to_be_attached()
    ada.sees("one").locator(".cm-editor").wait_for()


def test_keys_that_are_meant_for_a_panel_on_its_way_do_not_reach_the_cells(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "1"))
    ada = scene.person()
    held: list[Route] = []
    ada.page.route("**/assets/Panels-*.js", lambda route: held.append(route))
    ada.page.goto(host.address)
    ada.connected()
    ada.sees("one")
    ada.page.evaluate("ganimede.board.select(['one'])")
    ada.press("ControlOrMeta+k")
    ada.type("dd")
    assert ada.ids() == ["one"]
    [late] = held
    late.continue_()
    expect(ada.page.get_by_role("combobox", name="Find a command or a cell")).to_be_focused()
    ada.press("Escape")
    ada.type("dd")
    ada.until("ganimede.notebook.ids.length === 0")


def test_without_the_token_a_page_asks_for_it(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "1"))
    ada = scene.person()
    ada.expected = re.compile("status of 401")
    ada.page.goto(host.server.url)
    field = ada.page.get_by_label("Token")
    field.fill("wrong")
    ada.button("Open").click()
    expect(ada.page.get_by_role("alert")).to_have_text("That was not this server's token.")
    field.fill(host.server.token or "")
    ada.button("Open").click()
    ada.connected()
    ada.sees("one")
    assert "token" not in ada.page.url
    # The cookie is enough from now on.
    ada.page.goto(host.server.url)
    ada.connected()


@pytest.mark.e2e
def test_the_top_bar_tells_the_truth(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "import time; time.sleep(60)"), markdown_cell("two", "# Two"))
    ada = scene.person(host)
    says = ada.page.get_by_role("group")
    expect(says.and_(ada.page.get_by_label("Connection: Connected"))).to_be_visible()
    expect(says.and_(ada.page.get_by_label("Kernel: No kernel"))).to_be_visible()
    expect(says.and_(ada.page.get_by_label("File: Saved"))).to_be_visible()
    ada.page.evaluate("ganimede.server.run(['one'])")
    expect(says.and_(ada.page.get_by_label("Kernel: Busy"))).to_be_visible()
    expect(ada.page).to_have_title("● notes")
    ada.tool("Interrupt kernel").click()
    expect(says.and_(ada.page.get_by_label("Kernel: Idle"))).to_be_visible()


def test_nobody_else_may_frame_or_read_the_page(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "1"))
    ada = scene.person()
    answer = ada.page.goto(host.address)
    assert answer is not None
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy


def test_everything_comes_from_the_server_and_assets_are_kept(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "1"), markdown_cell("two", "# Two"))
    ada = scene.person()
    asked: dict[str, str] = {}
    ada.page.on("response", lambda answer: asked.update({answer.url: answer.headers.get("cache-control", "")}))
    ada.open(host.address)
    ada.sees("two")
    assert all(url.startswith((host.server.url, "data:", "blob:")) for url in asked), asked
    assets = {url: kept for url, kept in asked.items() if "/assets/" in url}
    assert assets
    assert all("immutable" in kept for kept in assets.values()), assets


@pytest.mark.e2e
def test_the_editor_comes_with_the_first_sign_of_a_person_and_the_press_that_came_first_counts(
    scene: Scene,
) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "alpha"), code_cell("two", "beta")))
    ada.sees("one")
    expect(ada.page.locator(".cm-editor")).to_have_count(0)
    waiting: list[Route] = []
    ada.page.route("**/assets/editor-*.js", lambda route: waiting.append(route))
    with ada.page.expect_request("**/assets/editor-*.js"):
        ada.cell("two").locator(".code-lines").click()
    expect(ada.cell("two").locator(".cm-content")).to_have_count(0)
    assert len(waiting) == 1
    waiting[0].continue_()
    expect(ada.cell("two").locator(".cm-content")).to_be_focused()
    ada.type("!")
    assert "!" in ada.text("two")
