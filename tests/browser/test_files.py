"""Files that come in: dropped on the canvas, on the document, into a text; pasted images."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.browser.test_canvas import at, loose
from tests.browser.test_outputs import png
from tests.system.support import code_cell, markdown_cell

DROP = """([at, files, paste]) => {
  const data = new DataTransfer();
  for (const [name, type, base64] of files)
    data.items.add(new File([Uint8Array.from(atob(base64), (each) => each.charCodeAt(0))], name, { type }));
  const target = document.elementFromPoint(at.x, at.y);
  if (paste)
    return void document.activeElement.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  const event = (kind) => target.dispatchEvent(new DragEvent(kind, {
    dataTransfer: data, bubbles: true, cancelable: true, clientX: at.x, clientY: at.y }));
  event('dragover');
  globalThis.hint = '';
  return new Promise((resolve) => setTimeout(() => {
    globalThis.hint = document.querySelector('.hint')?.textContent ?? '';
    event('drop');
    resolve();
  }));
}"""


def give(
    person: Person, *files: tuple[str, str, bytes], x: float = 600, y: float = 500, paste: bool = False
) -> None:
    held = [[name, kind, base64.b64encode(content).decode()] for name, kind, content in files]
    person.page.evaluate(DROP, [{"x": x, "y": y}, held, paste])


def notebook(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}).encode()


def test_an_image_and_a_notebook_that_are_dropped_become_cells_where_they_were_dropped(scene: Scene) -> None:
    host = scene.notebook(code_cell("one", "1", metadata=at(0, 0)), metadata=loose())
    ada, bob = scene.two(host)
    ada.sees("one")
    give(ada, ("a plot.png", "image/png", png(120, 60)))
    assert ada.page.evaluate("hint") == "Drop 1 image here"
    ada.until("ganimede.notebook.ids.length === 2")
    made = ada.ids()[1]
    for person in (ada, bob):
        person.page.evaluate("id => ganimede.board.reveal(id)", made)
        image = person.cell(made).locator("img")
        expect(image).to_be_visible()
        assert image.evaluate("each => each.decode().then(() => each.naturalWidth)") == 120
    dropped = ada.page.evaluate("ganimede.board.viewport.toWorld({ x: 600, y: 500 })")
    left, top = ada.place(made)
    assert abs(left - dropped["x"]) <= 20
    assert abs(top - dropped["y"]) <= 20
    give(ada, ("other.ipynb", "", notebook(markdown_cell("m", "# From elsewhere"), code_cell("c", "x = 5"))))
    bob.until("ganimede.notebook.ids.length === 4")
    expect(ada.toast("2 cells came in.")).to_be_visible()
    ada.press("ControlOrMeta+z")
    bob.until("ganimede.notebook.ids.length === 2")
    ada.press("ControlOrMeta+s")
    ada.until("ganimede.server.saving.status === 'saved' && ganimede.room.unfiled === 0")
    saved = json.loads(host.notebook.read_text())["cells"][1]
    assert saved["source"] == "![a-plot](attachment:a-plot.png)" or saved["source"] == [
        "![a-plot](attachment:a-plot.png)"
    ]
    assert base64.b64decode(saved["attachments"]["a-plot.png"]["image/png"]) == png(120, 60)


@pytest.mark.e2e
def test_an_image_that_is_pasted_into_a_text_becomes_part_of_it_and_names_are_kept_apart(scene: Scene) -> None:
    ada = scene.person(scene.notebook(markdown_cell("text", "Look: ")))
    ada.edit("text")
    give(ada, ("image.png", "image/png", png(30, 30)), paste=True)
    ada.until_text("text", "Look: ![image](attachment:image.png)")
    ada.press("ControlOrMeta+End")
    give(ada, ("image.png", "image/png", png(50, 50)), paste=True)
    ada.until_text("text", "Look: ![image](attachment:image.png)![image-2](attachment:image-2.png)")
    ada.press("Escape")
    expect(ada.cell("text").locator("img")).to_have_count(2)
    widths = (
        ada.cell("text")
        .locator("img")
        .evaluate_all("all => Promise.all(all.map(async (each) => (await each.decode(), each.naturalWidth)))")
    )
    assert widths == [30, 50]
    ada.press("ControlOrMeta+z")
    ada.until_text("text", "Look: ![image](attachment:image.png)")


@pytest.mark.e2e
def test_what_cannot_come_in_says_why_and_the_page_stays(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "1")))
    ada.sees("one")
    give(ada, ("data.zip", "application/zip", b"PK\0\0"), ("huge.png", "image/png", bytes(5_000_001)))
    expect(ada.toast("data.zip is neither text nor an image.")).to_be_visible()
    expect(ada.toast("huge.png is larger than 5 MB")).to_be_visible()
    give(ada, ("x.png", "image/png", png()), x=200, y=30)  # on the bar: nothing, not even the file itself
    assert ada.ids() == ["one"]
    assert ada.page.evaluate("location.protocol") == "http:"


@pytest.mark.e2e
def test_a_program_that_is_dropped_on_the_document_comes_beside_the_current_cell(scene: Scene) -> None:
    ada = scene.person(scene.notebook(code_cell("one", "1"), code_cell("two", "2")))
    ada.page.evaluate("ganimede.board.select(['one'])")
    ada.press("Shift+d")
    ada.page.locator("article .cell").first.wait_for()
    give(ada, ("tool.py", "text/x-python", b"def tool():\n    return 1\n"), x=640, y=300)
    ada.until("ganimede.notebook.ids.length === 3")
    made = next(each for each in ada.ids() if each not in ("one", "two"))
    expect(ada.page.locator(f"article[data-cell-id={made}]")).to_contain_text("def tool")
