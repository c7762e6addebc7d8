"""Where one looks is in the page's address: over a reload, and for somebody else."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import at, box, loose
from tests.system.support import code_cell

NEAR = "Math.abs(ganimede.board.viewport.centre.x - it[0]) < 3 && Math.abs(ganimede.board.viewport.centre.y - it[1]) < 3"


def far(scene: Scene) -> Person:
    cells = [code_cell(f"c{n}", f"# {n}", metadata=at(900 * n, 700 * n)) for n in range(4)]
    return scene.person(scene.notebook(*cells, metadata=loose()))


def settled(person: Person) -> None:
    """The address says what the camera does."""
    person.until(
        "(() => { const {x, y} = ganimede.board.viewport.centre;"
        "return location.hash.includes(`at=${Math.round(x)},${Math.round(y)},`); })()"
    )


@pytest.mark.e2e
def test_a_reload_leads_back_to_where_one_was(scene: Scene) -> None:
    ada = far(scene)
    ada.page.evaluate("ganimede.board.viewport.panBy(1500, 900)")
    ada.page.evaluate("ganimede.board.viewport.zoomBy(0.7)")
    settled(ada)
    centre = ada.page.evaluate("(({x, y}) => [x, y])(ganimede.board.viewport.centre)")
    zoom = ada.page.evaluate("ganimede.board.viewport.zoom")
    ada.page.reload()
    ada.connected()
    ada.until(NEAR, centre)
    assert abs(ada.page.evaluate("ganimede.board.viewport.zoom") - zoom) < 0.001


@pytest.mark.e2e
def test_a_link_to_a_cell_shows_it_to_somebody_else(scene: Scene) -> None:
    ada = far(scene)
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.page.evaluate("ganimede.board.select(['c3']); ganimede.board.reveal('c3')")
    ada.sees("c3").click(button="right", position={"x": 200, "y": 12})
    ada.page.get_by_role("menuitem", name="Copy link to this cell").click()
    expect(ada.toast("Link copied.")).to_be_visible()
    link = ada.page.evaluate("navigator.clipboard.readText()")
    assert "token" not in link
    assert link.endswith("#cell=c3")
    ada.page.goto("about:blank")
    ada.page.goto(link)
    ada.connected()
    expect(ada.cell("c3")).to_be_in_viewport()
    expect(ada.cell("c3")).to_have_attribute("data-selected", "true")
    ada.page.evaluate("location.hash = '#cell=c1'")
    expect(ada.cell("c1")).to_be_in_viewport()


@pytest.mark.e2e
def test_an_address_that_means_nothing_here_is_no_harm(scene: Scene) -> None:
    ada = far(scene)
    ada.page.goto(ada.page.url.partition("#")[0] + "#cell=nowhere&at=x")
    ada.page.reload()
    ada.connected()
    expect(ada.cell("c0")).to_be_in_viewport()


@pytest.mark.e2e
def test_2_shows_what_is_selected(scene: Scene) -> None:
    ada = far(scene)
    ada.page.evaluate("ganimede.board.select(['c1', 'c2'])")
    ada.press("Shift+Digit2")
    for cell_id in ("c1", "c2"):
        expect(ada.cell(cell_id)).to_be_in_viewport(ratio=1)
    assert box(ada.cell("c1"))["width"] < 600
