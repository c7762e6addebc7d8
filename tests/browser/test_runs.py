"""Cells run: outputs, input(), interrupt, restart, and people who leave meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.system.support import code_cell

COUNTING = "import time\nfor i in range(60):\n    print(i, flush=True)\n    time.sleep(0.03)"


def test_type_and_run(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "")))
    ada.edit("one")
    ada.type("print(6 * 7)")
    ada.press("Control+Enter")
    for person in (ada, bob):
        expect(person.sees("one")).to_contain_text("42")
        person.until_idle("one")
    assert ada.text("one") == "print(6 * 7)"


@pytest.mark.e2e
def test_shift_enter_goes_on_to_the_next_cell(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "a = 1"), code_cell("two", "print(a)")))
    ada.edit("one")
    ada.press("Shift+Enter")
    ada.until("ganimede.board.current === 'two'")
    ada.until_idle("one")


def test_the_button_runs_and_says_what_is_running(scene: Scene) -> None:
    cells = [code_cell("one", "import time; print('begun'); time.sleep(30)"), code_cell("two", "1")]
    ada = scene.person(scene.notebook(*cells))
    for cell_id in ("one", "two"):
        ada.sees(cell_id).hover()
        ada.button("Run cell", ada.cell(cell_id)).click()
    expect(ada.cell("one")).to_have_attribute("data-state", "running")
    expect(ada.cell("two")).to_have_attribute("data-state", "queued")
    ada.until_printed("one", "begun")
    ada.tool("Interrupt kernel").click()
    for cell_id in ("one", "two"):
        expect(ada.cell(cell_id)).to_have_attribute("data-state", "idle")
    expect(ada.cell("one")).to_contain_text("KeyboardInterrupt")


@pytest.mark.e2e
def test_an_error_is_shown_with_its_name(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "{}['missing']")))
    ada.page.evaluate("ganimede.server.run(['one'])")
    expect(ada.sees("one")).to_contain_text("KeyError")
    assert "\x1b" not in ada.cell("one").inner_text()


def test_input_is_asked_under_the_cell_and_answered(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "name = input('Who? ')\nprint('hello', name)")))
    ada.page.evaluate("ganimede.server.run(['one'])")
    for person in (ada, bob):
        expect(person.sees("one")).to_contain_text("Who?")
    field = bob.cell("one").get_by_role("textbox", name="Who?")
    field.fill("grace")
    field.press("Enter")
    for person in (ada, bob):
        expect(person.cell("one")).to_contain_text("hello grace")
        expect(person.cell("one").get_by_role("textbox", name="Who?")).to_have_count(0)


@pytest.mark.e2e
def test_restart_forgets_and_says_so(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "a = 1"), code_cell("two", "print(a)")))
    ada.page.evaluate("ganimede.server.run(['one', 'two'])")
    ada.until_printed("two", "1")
    ada.tool("Restart kernel").click()
    ada.page.get_by_role("menuitem", name="Restart and lose all variables").click()
    expect(ada.toast("The kernel was restarted.")).to_be_visible()
    ada.page.evaluate("ganimede.server.run(['two'])")
    expect(ada.cell("two")).to_contain_text("NameError")


@pytest.mark.e2e
def test_a_fresh_kernel_runs_everything_in_the_order_of_the_flow(scene: Scene) -> None:
    graphs = {"gm": {"np_graph": {"two": ["one"]}, "pc_graph": {}}}
    cells = [code_cell("one", "print(a + 1)"), code_cell("two", "a = 1")]
    ada = scene.person(scene.notebook(*cells, metadata=graphs))
    ada.page.mouse.click(20, 400, button="right")
    ada.page.get_by_role("menuitem", name="Run all cells").click()
    ada.until_printed("one", "2")
    ada.tool("Restart kernel").click()
    ada.page.get_by_role("menuitem", name="Restart and run all cells").click()
    expect(ada.toast("The kernel was restarted.")).to_be_visible()
    ada.until("ganimede.notebook.cell('two').executionCount === 1")
    ada.until("ganimede.notebook.cell('one').executionCount === 2")


@pytest.mark.e2e
def test_who_leaves_in_the_middle_of_a_run_finds_it_complete(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", COUNTING))
    ada = scene.person(host)
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_printed("one", "5")
    ada.page.goto("about:blank")
    ada.open(host.address)
    ada.until_idle("one")
    assert ada.output_text("one") == "".join(f"{i}\n" for i in range(60))
    expect(ada.sees("one")).to_contain_text("59")


@pytest.mark.e2e
def test_after_kill_9_of_the_server_the_queue_runs_when_somebody_says_so(scene: Scene) -> None:
    slow = "import time; print('begun', flush=True); time.sleep(60)"
    host = scene.notebook(code_cell("one", slow), code_cell("two", "a = 1"), code_cell("three", "print(a)"))
    ada, bob = scene.two(host)
    for person in (ada, bob):
        person.away = True
        person.can_write()
    ada.page.evaluate("ganimede.server.run(['one', 'two', 'three'])")
    ada.until_printed("one", "begun")
    ada.until("ganimede.server.asked.size === 0")
    host.restart()
    offers = [person.page.get_by_role("complementary", name="Cells to run again") for person in (ada, bob)]
    for offer in offers:
        expect(offer).to_contain_text("The server stopped before 3 cells had run")
        expect(offer.get_by_role("listitem")).to_have_count(3)
        expect(offer.get_by_role("listitem").first).to_contain_text("interrupted")
    expect(ada.cell("one")).to_contain_text("The kernel ended with the server.")
    ada.edit("three")
    ada.type(" # of now")
    ada.press("Escape")
    expect(offers[1].get_by_role("listitem").last).to_contain_text("edited")
    bob.button("Only the 2 that waited", offers[1]).click()
    for person, offer in zip((ada, bob), offers, strict=True):
        person.until_printed("three", "1")
        person.until_idle("three")
        expect(offer).to_have_count(0)
    assert [ada.get(cell_id, "execution_count") for cell_id in ("two", "three")] == [1, 2]


@pytest.mark.e2e
def test_a_forgotten_queue_is_not_offered_by_the_next_server_either(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "import time; print('begun', flush=True); time.sleep(60)"))
    ada = scene.person(host)
    ada.away = True
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_printed("one", "begun")
    for _ in range(2):
        host.restart()
        offer = ada.page.get_by_role("complementary", name="Cells to run again")
        expect(ada.button("Run it again", offer)).to_be_visible()
    ada.button("Forget", offer).click()
    expect(offer).to_have_count(0)
    host.restart()
    ada.until("ganimede.room.state === 'connected'")
    assert ada.page.evaluate("ganimede.server.request('notebook.get', {}).then(it => it.offered.length)") == 0
    expect(offer).to_have_count(0)
