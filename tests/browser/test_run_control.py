"""The run queue and the kernel as people steer them: menus, the panel, limits, what a cell says of its last run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.system.support import code_cell, markdown_cell

SLOW = "import time; print('begun', flush=True); time.sleep(60)"
DEAF = """import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print('deaf', flush=True)
end = time.monotonic() + 120
while time.monotonic() < end:
    pass
"""


def choose(person: Person, opener: Locator, item: str) -> None:
    opener.click()
    person.page.get_by_role("menuitem", name=item, exact=True).click()


def run_menu(person: Person, item: str) -> None:
    choose(person, person.tool("More ways to run"), item)


def kernel_menu(person: Person, item: str) -> None:
    choose(person, person.button("Kernel menu"), item)


def panel(person: Person) -> Locator:
    found = person.page.get_by_role("complementary", name="Run queue")
    if found.count() == 0:
        person.tool(re.compile("^Run queue")).click()
    return found


def row(person: Person, text: str) -> Locator:
    return panel(person).get_by_role("listitem").filter(has_text=text)


def test_two_people_order_one_queue(scene: Scene) -> None:
    cells = [code_cell("one", SLOW), *(code_cell(name, f"'{name}'") for name in ("two", "three", "four"))]
    ada, bob = scene.two(scene.notebook(*cells))
    run_menu(ada, "Run all cells")
    ada.until_printed("one", "begun")
    for person in (ada, bob):
        expect(row(person, "begun")).to_contain_text(ada.name)
        expect(row(person, "'two'")).to_contain_text("1")
        expect(person.cell("three")).to_contain_text("queued 2nd")
    row(bob, "'four'").hover()
    bob.button("Run next", row(bob, "'four'")).click()
    ada.until("ganimede.notebook.queue.join() === 'one,four,two,three'")
    row(ada, "'two'").hover()
    ada.button("Move down", row(ada, "'two'")).click()
    bob.until("ganimede.notebook.queue.join() === 'one,four,three,two'")
    bob.button(re.compile("'three'"), panel(bob)).focus()
    bob.press("Delete")
    for person in (ada, bob):
        person.until("ganimede.notebook.queue.join() === 'one,four,two'")
        expect(person.cell("three")).to_have_attribute("data-state", "idle")
    bob.button("Pause", panel(bob)).click()
    expect(ada.cell("four")).to_contain_text("queued 1st, paused")
    ada.button("Interrupt", row(ada, "begun")).click()
    ada.until_idle("one")
    assert ada.page.evaluate("ganimede.notebook.queue.join()") == "four,two", "nothing begins while it is paused"
    expect(ada.cell("one")).to_contain_text(re.compile("interrupted after|failed in"))
    ada.button("Resume", panel(ada)).click()
    for name in ("four", "two"):
        expect(bob.sees(name)).to_contain_text(f"'{name}'")
        bob.until_idle(name)
    expect(bob.cell("four")).to_contain_text(f"by {ada.name}")
    expect(panel(bob)).to_contain_text("Nothing runs or waits.")


@pytest.mark.e2e
def test_a_row_is_dragged_to_another_place(scene: Scene) -> None:
    cells = [code_cell("one", SLOW), *(code_cell(name, f"'{name}'") for name in ("two", "three", "four"))]
    ada = scene.person(scene.notebook(*cells))
    run_menu(ada, "Run all cells")
    ada.until_printed("one", "begun")
    grip, goal = (row(ada, text).get_by_title("Drag to move").bounding_box() for text in ("'four'", "'two'"))
    assert grip
    assert goal
    ada.page.mouse.move(grip["x"] + 5, grip["y"] + 12)
    ada.page.mouse.down()
    ada.page.mouse.move(goal["x"] + 5, goal["y"] + 12, steps=5)
    ada.page.mouse.up()
    ada.until("ganimede.notebook.queue.join() === 'one,four,two,three'")
    ada.button("Cancel all that wait", panel(ada)).click()
    ada.until("ganimede.notebook.queue.join() === 'one'")


@pytest.mark.e2e
def test_runs_seen_from_a_cell(scene: Scene) -> None:
    cells = [
        markdown_cell("head", "# Part"),
        code_cell("a", "print('a')"),
        code_cell("b", "print('b')"),
        code_cell("c", "print('c')"),
    ]
    graphs = {"gm": {"np_graph": {"a": ["b"], "b": ["c"]}, "pc_graph": {}}}
    ada = scene.person(scene.notebook(*cells, metadata=graphs))
    ada.page.evaluate("ganimede.board.select(['b'])")
    run_menu(ada, "Run all above")
    ada.until_printed("a", "a")
    ada.until("ganimede.notebook.queue.length === 0")
    assert ada.output_text("b") == ada.output_text("c") == ""
    run_menu(ada, "Run what follows along the edges")
    ada.until_printed("c", "c")
    ada.until_idle("c")
    assert ada.get("b", "execution_count") == 2
    run_menu(ada, "Restart and run to here")
    expect(ada.toast("The kernel was restarted.")).to_be_visible()
    ada.until("ganimede.notebook.cell('b').executionCount === 2 && ganimede.notebook.queue.length === 0")
    assert ada.get("a", "execution_count") == 1
    assert ada.get("c", "execution_count") == 3, "from the kernel before"


@pytest.mark.e2e
def test_a_circle_is_refused_in_a_sentence(scene: Scene) -> None:
    graphs = {"gm": {"np_graph": {"a": ["b"], "b": ["a"]}, "pc_graph": {}}}
    ada = scene.person(scene.notebook(code_cell("a", "1"), code_cell("b", "2"), metadata=graphs))
    ada.page.evaluate("ganimede.board.select(['a'])")
    run_menu(ada, "Run what follows along the edges")
    expect(ada.toast(re.compile("circle|cycle"))).to_be_visible()


@pytest.mark.e2e
def test_a_changed_text_is_marked_until_it_runs_and_over_a_reload(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "print(1)"))
    ada = scene.person(host)
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_printed("one", "1")
    expect(ada.cell("one")).to_contain_text("ran in")
    expect(ada.cell("one")).not_to_contain_text("edited since")
    ada.edit("one")
    ada.press("End")
    ada.type("  # more")
    expect(ada.cell("one")).to_contain_text("edited since")
    ada.sent()
    ada.page.reload()
    ada.connected()
    expect(ada.cell("one")).to_contain_text("edited since")
    ada.page.evaluate("ganimede.server.run(['one'])")
    expect(ada.cell("one")).not_to_contain_text("edited since")


@pytest.mark.e2e
def test_a_time_limit_ends_a_cell_and_lasts_over_a_reload(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", SLOW), code_cell("two", "print('on')"))
    ada = scene.person(host)
    panel(ada).get_by_label("Time limit of a cell").fill("1")
    panel(ada).get_by_label("Time limit of a cell").blur()
    panel(ada).get_by_label("An error sends the rest back").uncheck()
    ada.page.reload()
    ada.connected()
    expect(panel(ada).get_by_label("Time limit of a cell")).to_have_value("1")
    run_menu(ada, "Run all cells")
    expect(ada.cell("one")).to_contain_text("over its time limit after")
    ada.until_printed("two", "on")


@pytest.mark.e2e
def test_a_deaf_kernel_is_killed_by_whoever_says_so(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", DEAF)))
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_printed("one", "deaf")
    kernel_menu(ada, "Interrupt the running cell")
    expect(bob.page.get_by_label("Kernel: Interrupting…")).to_be_visible()
    for person in (ada, bob):
        expect(person.page.get_by_role("alert").filter(has_text="does not respond")).to_be_visible()
    bob.page.get_by_role("alert").get_by_role("button", name="Kill and restart").click()
    for person in (ada, bob):
        expect(person.page.get_by_role("alert").filter(has_text="does not respond")).to_have_count(0)
        person.until_idle("one")
    expect(ada.page.get_by_label("Kernel: Idle")).to_be_visible()


@pytest.mark.e2e
def test_the_kernel_is_shut_down_started_and_changed(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "a = 1")))
    kernel_menu(ada, "Start")
    expect(ada.page.get_by_label("Kernel: Idle")).to_be_visible()
    kernel_menu(ada, "Shut down")
    expect(ada.page.get_by_label("Kernel: No kernel")).to_be_visible()
    kernel_menu(ada, "Change kernel…")
    ada.page.get_by_role("menuitemradio", name="Python 3").first.click()
    expect(ada.toast(re.compile("runs this notebook now"))).to_be_visible()
    expect(ada.page.get_by_label("Kernel: Idle")).to_be_visible()


@pytest.mark.e2e
def test_a_question_is_cancelled_and_a_password_is_not_shown(scene: Scene) -> None:
    source = "import getpass\nprint(len(getpass.getpass('Key? ')))"
    ada, bob = scene.two(scene.notebook(code_cell("one", source)))
    ada.page.evaluate("ganimede.server.run(['one'])")
    field = bob.sees("one").get_by_label("Key?")
    expect(field).to_have_attribute("type", "password")
    ada.button("Cancel", ada.sees("one")).click()
    for person in (ada, bob):
        person.until_idle("one")
        expect(person.cell("one").get_by_label("Key?")).to_have_count(0)
    bob.page.evaluate("ganimede.server.run(['one'])")
    field.fill("secret")
    field.press("Enter")
    ada.until_printed("one", "6")
    assert "secret" not in ada.page.content()
