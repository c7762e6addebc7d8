"""Our page: what JupyterLab is compared in, and what only a canvas has."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from bench.ui.books import long_output, plain
from bench.ui.measures import (
    VIEW,
    Figures,
    Weight,
    frames,
    heap,
    keystrokes,
    opened,
    prepare,
    settle,
)
from tests.browser.host import Host
from tests.browser.person import Person

CELLS = "[data-cell-id]"
MOVE = """(() => {
  const board = globalThis.ganimede?.board;
  if (!board) return false;
  const before = board.viewport.y;
  probe.wheel({ deltaY: 1 });
  return board.viewport.y !== before;
})()"""


def begin(browser: Browser) -> tuple[Person, Weight]:
    person = Person(browser.new_context(viewport=VIEW), "ada")
    prepare(person.page, CELLS, MOVE)
    return person, Weight.of(person.page)


def measure_page(browser: Browser, notebook: Path, state: Path, rounds: int) -> tuple[Figures, Weight]:
    with Host(notebook, state) as host:
        person, weight = begin(browser)
        person.page.goto(host.address)
        person.connected()
        figures = opened(person.page)
        # The live editors come with the first sign of a person: what follows is measured with them in place.
        person.page.mouse.move(VIEW["width"] / 2, VIEW["height"] / 2)
        person.page.wait_for_selector(".cm-editor")
        settle(person.page)
        figures["page weight (kB)"] = weight.wire / 1000
        figures["heap (MB)"] = heap(person.page)
        for zoom in (1, 0.3):
            person.page.evaluate("k => ganimede.board.viewport.zoomAt({ x: 0, y: 0 }, k)", zoom)
            settle(person.page)
            figures |= frames(f"pan at {zoom}", person.page.evaluate("n => probe.pan(n)", rounds))
            figures |= frames(f"zoom at {zoom}", person.page.evaluate("n => probe.zoom(n)", rounds))
        person.page.evaluate("ganimede.board.viewport.zoomAt({ x: 0, y: 0 }, 1)")
        person.edit("cell0001")
        figures |= keystrokes(person.page)
        figures |= remote_edits(person, host, browser)
        problems = person.problems
        person.context.close()
    if problems:
        raise RuntimeError(problems[0])
    return figures, weight


def remote_edits(person: Person, host: Host, browser: Browser) -> Figures:
    """What the page does when somebody else types letters into a cell that is in sight: time by live editor, and
    how many cells change."""
    other = Person(browser.new_context(viewport=VIEW), "bob").open(host.address)
    changed, letters = "cell0002", 30
    person.page.evaluate("id => (ganimede.board.select([]), ganimede.board.reveal(id))", changed)
    settle(person.page)
    editors = person.page.evaluate("document.querySelectorAll('.cm-editor').length")
    person.page.evaluate("() => (probe.updates(ganimede.room.doc), void (globalThis.touched = probe.watch()))")
    for _ in range(letters):
        other.page.evaluate("id => ganimede.room.doc.getMap(id).get('source').insert(0, '#')", changed)
        other.sent()
    person.until("ganimede.room.doc.getMap(it).get('source').toString().startsWith('#'.repeat(30))", changed)
    settle(person.page)
    touched: list[str] = person.page.evaluate("touched()")
    each = sorted(person.page.evaluate("probe.spent"))
    other.context.close()
    return {
        "a remote edit, by visible editor (ms)": each[len(each) // 2] / max(1, editors),
        "cells that a remote edit changes": len(touched),
    }


def measure_long(browser: Browser, folder: Path, size: int) -> float:
    """The longest frame from the first cell until all is quiet and was panned over, in ms."""
    with Host(long_output(folder / "long.ipynb", size), folder / "state-long") as host:
        person, _ = begin(browser)
        person.page.goto(host.address)
        person.connected()
        person.page.evaluate("() => probe.record()")
        opened(person.page)
        person.page.evaluate("() => probe.pan(120)")
        settle(person.page)
        longest = float(person.page.evaluate("probe.longest"))
        person.context.close()
    return longest


def measure_plain(browser: Browser, folder: Path, count: int, rounds: int) -> Figures:
    context = browser.new_context(viewport=VIEW)
    page = context.new_page()
    prepare(page, "pre.baseline", "true")
    page.goto(plain(folder / f"{count}.html", count).as_uri())
    figures = opened(page)
    figures["heap (MB)"] = heap(page)
    for zoom in (1, 0.3):
        page.evaluate("k => (document.body.style.zoom = k)", zoom)
        figures |= frames(f"pan at {zoom}", page.evaluate("n => probe.scroll(n)", rounds))
    context.close()
    return figures
