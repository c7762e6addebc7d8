"""The tests' own eyes: what goes wrong in a browser is seen, and a wire that is cut is cut."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Scene
from tests.browser.host import Wire
from tests.system.support import code_cell


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("does", "seen"),
    [
        ("setTimeout(() => { throw new Error('a fault') })", "a fault"),
        ("Promise.reject(new Error('unhandled'))", "unhandled"),
        ("console.error('said so')", "said so"),
        (
            "{ const s = document.createElement('script'); s.textContent = '1'; document.head.append(s) }",
            "script-src",
        ),
        ("{ const i = new Image(); i.src = 'https://example.org/i.png' }", "img-src"),
        (
            "{ const s = document.createElement('style'); s.textContent = 'p {}'; document.head.append(s) }",
            "style-src",
        ),
    ],
)
def test_what_goes_wrong_is_seen(scene: Scene, does: str, seen: str) -> None:
    ada = scene.person()
    host = scene.notebook(code_cell("one", ""))
    ada.page.goto(host.address)
    assert ada.problems == []
    with (
        ada.page.expect_event("console")
        if "throw" not in does and "Promise" not in does
        else ada.page.expect_event("pageerror")
    ):
        ada.page.evaluate(f"() => {{ {does} }}")
    assert any(seen in problem for problem in ada.problems), ada.problems
    ada.problems.clear()


@pytest.mark.e2e
def test_a_cut_wire_is_noticed_and_a_mended_one_leads_again(scene: Scene) -> None:
    host, wire = scene.wired(code_cell("one", ""))
    assert isinstance(wire, Wire)
    ada = scene.person(host, address=wire.url)
    ada.away = True
    wire.cut()
    ada.until("ganimede.room.state === 'offline'")
    wire.mend()
    ada.connected()
