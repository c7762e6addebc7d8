"""Exports in a browser: from the page, and opened from the disk by somebody who has nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from gateway.export.book import Book
from gateway.export.formats import export
from protocol import notebook_file
from protocol.seed import arrange
from tests.browser.conftest import Scene
from tests.browser.test_hostile_corpus import CORPUS, armed, cells
from tests.system.support import code_cell, markdown_cell, write_notebook

TOUR = Path(__file__).resolve().parents[2] / "examples/tour.ipynb"


def written(notebook: Path, to: Any) -> str:
    """The address of an export on the disk."""
    value = arrange(notebook_file.load(notebook.read_bytes()))
    made = export(Book(value, notebook.stem, notebook.parent, lambda _: None), to)
    path = notebook.with_name(made.name)
    path.write_bytes(made.body)
    return path.as_uri()


def opened(browser: Browser, address: str, **options: Any) -> tuple[Page, list[str]]:
    """The page, and everything that went wrong or went elsewhere."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, **options).new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: wrong.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
    )
    page.goto(address)
    return page, wrong


BOXES = """() => [...document.querySelectorAll('article')].map((it) => {
  const { left, top, right, bottom } = it.getBoundingClientRect();
  return [left, top, right, bottom];
})"""


def test_the_page_exports_what_was_just_typed(scene: Scene) -> None:
    host = scene.notebook(markdown_cell("m", "# Title"), code_cell("c", "print(1)"))
    ada = scene.person(host, "ada")
    ada.page.evaluate("ganimede.room.doc.getMap('c').get('source').insert(0, '# typed just now\\n')")
    with ada.page.expect_download() as download:
        ada.page.get_by_role("button", name="Export").click()
        ada.page.get_by_role("menuitem", name="Script").click()
    assert download.value.suggested_filename == "notes.py"
    assert "# typed just now\nprint(1)" in download.value.path().read_text()
    ada.page.get_by_text("Exported: notes.py").wait_for()


@pytest.mark.e2e
def test_an_exported_canvas_lies_as_it_did_and_can_be_moved_by_keys_wheel_and_pointer(
    chromium: Browser, tmp_path: Path
) -> None:
    notebook = tmp_path / "tour.ipynb"
    notebook.write_bytes(TOUR.read_bytes())
    page, wrong = opened(chromium, written(notebook, "canvas"))
    boxes = page.evaluate(BOXES)
    for n, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[n + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    flow = notebook_file.load(TOUR.read_bytes()).np_graph
    assert page.locator(".edges .line").count() == sum(map(len, flow.values())) > 0
    page.keyboard.press("Tab")
    page.keyboard.press("1")
    assert all(left >= 0 and right <= 1440 and bottom <= 900 for left, _, right, bottom in page.evaluate(BOXES))
    before = page.evaluate(BOXES)[0]
    page.mouse.move(700, 850)
    page.mouse.wheel(0, 100)
    page.wait_for_function(f"() => ({BOXES})()[0][1] < {before[1] - 50}")
    page.mouse.down()
    page.mouse.move(800, 850, steps=4)
    page.mouse.up()
    assert page.evaluate(BOXES)[0][0] > before[0] + 50
    width = before[2] - before[0]
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate(BOXES)[0][2] - page.evaluate(BOXES)[0][0] > width * 1.2
    assert wrong == []
    page.context.close()


@pytest.mark.e2e
def test_without_scripts_a_canvas_is_a_document(chromium: Browser, tmp_path: Path) -> None:
    notebook = tmp_path / "tour.ipynb"
    notebook.write_bytes(TOUR.read_bytes())
    page, _ = opened(chromium, written(notebook, "canvas"), java_script_enabled=False)
    tops = [box["y"] for box in (each.bounding_box() for each in page.locator("article").all()) if box]
    assert tops == sorted(tops)
    assert len(set(tops)) == len(tops) > 10
    page.context.close()


@pytest.mark.e2e
@pytest.mark.parametrize("to", ["canvas", "document"])
@pytest.mark.parametrize("kind", ["html", "svg", "markdown", "latex", "text", "javascript", "image"])
def test_what_means_harm_is_silent_in_an_exported_file(
    chromium: Browser, tmp_path: Path, kind: str, to: str
) -> None:
    samples = cells(kind, list(CORPUS[kind]))
    if kind in ("html", "markdown"):
        sources = [armed(CORPUS[kind][name]) for name in CORPUS[kind]]
        samples += [markdown_cell(f"text-{n}", source) for n, source in enumerate(sources)]
    page, wrong = opened(chromium, written(write_notebook(tmp_path / "x.ipynb", *samples), to))
    for target in page.locator("article a").all()[:40]:
        target.focus()
    assert page.evaluate("window.pwned") is None
    quiet = ("Content Security Policy", "ERR_FILE_NOT_FOUND", "ERR_INVALID_URL")  # it refuses, or finds no image
    assert [each for each in wrong if not any(word in each for word in quiet)] == []
    assert json.dumps(page.evaluate("[document.title, location.protocol]")) == '["x", "file:"]'
    page.context.close()
