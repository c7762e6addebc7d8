"""Outputs as people see and use them: long ones, colours, formulas, pictures beside the notebook, scripts apart."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.test_commands import palette
from tests.system.support import code_cell, markdown_cell, write_notebook


def png(width: int = 40, height: int = 20) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((40, 90, 200)) * width) * height
    header = chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def with_output(cell_id: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return code_cell(cell_id, "1", outputs=list(outputs), execution_count=1)


def shown(mime: str, value: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {mime: value}, "metadata": {}}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


@pytest.mark.e2e
def test_a_long_output_scrolls_and_unfolds_and_stays_so(scene: Scene) -> None:
    text = "".join(f"line {number}\n" for number in range(200))
    ada = scene.person(scene.notebook(with_output("long", stream(text)), code_cell("next", "2")))
    region = ada.sees("long").get_by_role("region")
    expect(region).to_contain_text("line 199")
    box = region.bounding_box()
    assert box is not None
    assert box["height"] < 700
    ada.button("Show all", region).click()
    expect(ada.button("Show less", region)).to_be_visible()
    ada.until("document.querySelector('[data-cell-id=long]').offsetHeight > 2000")
    # Folded and unfolded: it is as it was left.
    ada.page.evaluate("ganimede.acts.setCollapsed(['long'], 'o')")
    expect(region).to_have_count(0)
    ada.page.evaluate("ganimede.acts.setCollapsed(['long'], null)")
    expect(ada.button("Show less", ada.cell("long"))).to_be_visible()


@pytest.mark.e2e
def test_the_end_of_a_very_long_text_is_shown_and_the_rest_on_demand(scene: Scene) -> None:
    text = "".join(f"\x1b[32mline {number} \x1b[0mof many\n" for number in range(40_000))
    ada = scene.person(scene.notebook(with_output("huge", stream(text))))
    pre = ada.sees("huge").locator("pre[data-stream=stdout]")
    expect(pre).to_contain_text("line 39999 of many")
    assert len(pre.text_content() or "") < 200_001
    ada.page.get_by_role("button", name="Show 800 kB more of").click()
    ada.page.get_by_role("button", name="Show all (1").click()
    expect(pre).to_contain_text("line 0 of many", use_inner_text=False)


@pytest.mark.e2e
def test_what_is_copied_is_what_was_printed(scene: Scene) -> None:
    text = "".join(f"line {number}\n\n  \x1b[1mbold\x1b[0m\n" for number in range(3000))
    ada = scene.person(scene.notebook(with_output("one", stream(text))))
    pre = ada.sees("one").locator("pre[data-stream=stdout]")
    copied = pre.evaluate("pre => (getSelection().selectAllChildren(pre), getSelection().toString())")
    assert copied.rstrip("\n") == text.replace("\x1b[1m", "").replace("\x1b[0m", "").rstrip("\n")


def test_a_progress_bar_stays_in_its_place_while_it_runs(scene: Scene) -> None:
    source = (
        "import time, sys\nprint('begin')\nfor i in range(5):\n"
        "    print(f'\\r{i + 1}/5', end='', flush=True); time.sleep(0.1)\n"
        "print('\\nwarned', file=sys.stderr); 1/0"
    )
    ada = scene.person(scene.notebook(code_cell("run", source)))
    ada.page.evaluate("ganimede.server.run(['run'])")
    ada.until_idle("run")
    cell = ada.sees("run")
    expect(cell.locator("pre[data-stream=stdout]")).to_have_text("begin\n5/5")
    expect(cell.locator("pre[data-stream=stderr]")).to_contain_text("warned")
    expect(cell.get_by_text("ZeroDivisionError: division by zero")).to_have_count(1)
    expect(cell).to_contain_text("Traceback (most recent call last):")


@pytest.mark.e2e
def test_markdown_has_formulas_and_the_pictures_beside_the_notebook(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a b.png").write_bytes(png())
    attachment = {"x.png": {"image/png": base64.b64encode(png()).decode()}}
    text = "# Title\n\n$e^{i\\pi}$\n\n![beside](images/a%20b.png) ![own](attachment:x.png) ![up](../secret.png)"
    path = write_notebook(folder / "n.ipynb", markdown_cell("text", text, attachments=attachment))
    ada = scene.person(scene.serve(path))
    cell = ada.sees("text")
    expect(cell.get_by_role("heading", name="Title")).to_be_visible()
    expect(cell.locator(".katex").first).to_be_visible()
    for name in ("beside", "own"):
        ada.until("document.querySelector(`img[alt=${it}]`)?.naturalWidth === 40", name)
    expect(cell).to_contain_text("up – The image ../secret.png is not in the notebook's folder")


def test_a_scripted_output_gets_the_pointer_when_it_is_clicked_and_follows_the_theme(scene: Scene) -> None:
    html = (
        "<button onclick=\"this.textContent='pressed'\" style='height:150px'>press</button>"
        "<script>document.body.append('drawn')</script><img src='https://host.example/x.png'>"
    )
    ada = scene.person(scene.notebook(with_output("one", shown("text/html", [html]))))
    cell = ada.sees("one")
    frame = cell.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text("drawn")
    ada.until("document.querySelector('[data-cell-id=one] iframe').offsetHeight > 150")
    expect(cell).to_contain_text("wanted to load from host.example")
    ada.button("Click to use", cell).click()
    frame.get_by_text("press").click()
    expect(frame.get_by_text("pressed")).to_be_visible()
    for theme in ("dark", "light"):
        ada.page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
        expect(frame.locator("html")).to_have_attribute("data-theme", theme)


def test_every_kind_has_its_view(scene: Scene) -> None:
    picture = base64.b64encode(png()).decode()
    table = '<table border="1" class="dataframe"><tbody><tr><th>0</th><td>1.5</td></tr></tbody></table>'
    ada = scene.person(
        scene.notebook(
            with_output(
                "all",
                shown("text/plain", "array([1, 2])"),
                shown("image/png", picture),
                shown("image/svg+xml", '<svg width="30" height="30"><circle r="9"/></svg>'),
                shown("text/latex", "$x^2$"),
                shown("text/html", [table]),
                shown("application/json", {"key": [1, {"deep": None}]}),
                shown("application/x-unheard-of", "?"),
            )
        )
    )
    cell = ada.sees("all")
    expect(cell).to_contain_text("array([1, 2])")
    ada.until("[...document.querySelectorAll('[data-cell-id=all] img')].every(i => i.naturalWidth >= 30)")
    expect(cell.locator("img")).to_have_count(2)
    expect(cell.locator(".katex").first).to_be_attached()
    expect(cell.locator("table.dataframe td")).to_have_text("1.5")
    cell.get_by_text("[2 items]").click()
    expect(cell).to_contain_text("{1 key}")
    expect(cell).to_contain_text("application/x-unheard-of")


@pytest.mark.e2e
def test_outputs_are_cleared_for_both_and_in_the_file_and_a_running_cell_keeps_its_own(scene: Scene) -> None:
    waits = "import time\nprint('begun', flush=True)\ntime.sleep(600)"
    host = scene.notebook(
        with_output("one", stream("first\n")), with_output("two", stream("second\n")), code_cell("three", waits)
    )
    ada, bob = scene.two(host)
    ada.sees("one").locator("header").click()
    palette(ada)
    ada.type("clear the outputs")
    ada.press("Enter")
    for person in (ada, bob):
        person.until("ganimede.notebook.cell('one').outputs.length === 0")
        expect(person.cell("two")).to_contain_text("second")
        expect(person.cell("one")).not_to_contain_text("first")
    expect(ada.toast("The outputs of 1 cell are cleared.")).to_be_visible()
    bob.page.evaluate("ganimede.server.run(['three'])")
    bob.until_printed("three", "begun")
    bob.tool("More ways to run").click()
    bob.page.get_by_role("menuitem", name="Clear all outputs").click()
    expect(bob.toast("What runs keeps its own until it ends.")).to_be_visible()
    expect(ada.cell("three")).to_contain_text("begun")
    ada.until("ganimede.notebook.cell('two').executionCount === null")
    ada.tool("Interrupt kernel").click()
    ada.until_idle("three")
    ada.press("ControlOrMeta+s")
    ada.until("ganimede.server.saving.status === 'saved' && ganimede.room.unfiled === 0")
    assert "second" not in host.notebook.read_text()
    assert "KeyboardInterrupt" in host.notebook.read_text()


@pytest.mark.e2e
def test_a_picture_is_looked_at_by_itself_leafed_through_copied_and_saved(scene: Scene, tmp_path: Path) -> None:
    host = scene.notebook(
        with_output("one", shown("image/png", base64.b64encode(png(900, 30)).decode())),
        with_output("two", shown("image/png", base64.b64encode(png(70, 50)).decode())),
    )
    ada = scene.person(host, permissions=["clipboard-read", "clipboard-write"])
    ada.can_write()
    opener = ada.button("Look at the image by itself", ada.sees("one"))
    opener.focus()
    ada.press("Enter")
    dialog = ada.page.get_by_role("dialog", name="Image")
    wide = "each => [each.naturalWidth, each.getBoundingClientRect().width]"
    natural, drawn = dialog.get_by_role("img").evaluate(wide)
    assert (natural, drawn <= 1280) == (900, True)
    expect(dialog).to_contain_text("1 of 2")
    ada.press("ArrowRight")
    expect(dialog).to_contain_text("2 of 2")
    assert dialog.get_by_role("img").evaluate(wide)[0] == 70
    expect(ada.button("Next image", dialog)).to_be_disabled()
    with ada.page.expect_download() as saved:
        ada.button("Save image", dialog).click()
    saved.value.save_as(tmp_path / "saved.png")
    assert saved.value.suggested_filename == "image.png"
    assert (tmp_path / "saved.png").read_bytes() == png(70, 50)
    ada.button("Copy image", dialog).click()
    expect(ada.toast("Image copied.")).to_be_attached()
    size = ada.page.evaluate(
        """async () => {
          const [item] = await navigator.clipboard.read();
          const map = await createImageBitmap(await item.getType('image/png'));
          return [map.width, map.height];
        }"""
    )
    assert size == [70, 50]
    ada.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    assert ada.page.evaluate("ganimede.notebook.ids.length") == 2, "no key of it reached the cells"
