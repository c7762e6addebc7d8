"""``python -m tests.browser.screenshots [names…]``: the page's states, light and dark, on a desk and on a phone, into
.cache/screenshots.

The one of the canvas that the README shows goes to examples/canvas.png.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.browser.chromium import running_chromium
from tests.browser.conftest import Scene
from tests.browser.host import Host
from tests.browser.person import Person
from tests.system.support import code_cell, markdown_cell

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / ".cache/screenshots"
README = ROOT / "examples/canvas.png"
TOUR = ROOT / "examples/tour.ipynb"
TOUR_CODE = ["hello", "moons", "wave", "signal", "by-mean", "by-median", "compare", "scratch"]
# A desk's and a phone's.
VIEWS = {"": {"width": 1440, "height": 900}, "-phone": {"width": 390, "height": 844}}
FAULT = "def area(radius):\n    return 3.14159 * radius ** 2\n\narea('seven')"
SLOW = "import time\nfor step in range(600):\n    print('step', step)\n    time.sleep(0.1)"


class Stage:
    """A scene in which everybody's browser is light or dark."""

    def __init__(self, scene: Scene, folder: Path, scheme: str, view: str) -> None:
        self.scene = scene
        self._folder = folder
        self._scheme = scheme
        self._view = view

    def person(self, host: Host | None, name: str = "Ada", address: str = "") -> Person:
        person = self.scene.person(
            host, name, address=address, viewport=VIEWS[self._view], color_scheme=self._scheme
        )
        person.away = True
        return person

    def tour(self, ran: bool = False) -> Host:
        host = self.scene.serve(Path(shutil.copy(TOUR, self._folder / "tour.ipynb")))
        if ran:
            runner = self.person(host, "Runner")
            runner.page.evaluate("ids => ganimede.server.run(ids)", TOUR_CODE)
            for cell_id in TOUR_CODE:
                runner.until_idle(cell_id)
            runner.context.close()
            self.scene.people.remove(runner)
        return host


def opened(stage: Stage) -> Person:
    return stage.person(stage.tour())


def ran(stage: Stage) -> Person:
    return stage.person(stage.tour(ran=True))


def overview(stage: Stage) -> Person:
    ada = stage.person(stage.tour(ran=True))
    ada.page.evaluate("ganimede.board.fit()")
    return ada


def together(stage: Stage) -> Person:
    host = stage.tour(ran=True)
    ada, bob = stage.person(host, "Ada"), stage.person(host, "Bob Marsh")
    bob.page.evaluate("ganimede.people.recolor('#c2255c')")
    ada.edit("hello")
    bob.edit("hello")
    bob.press("ArrowUp", "End")
    box = bob.sees("hello").bounding_box()
    assert box is not None
    bob.page.mouse.move(box["x"] + box["width"] - 80, box["y"] + 90)
    ada.until("ganimede.people.others.some(peer => peer.pointer !== null)")
    return ada


def following(stage: Stage) -> Person:
    host = stage.tour(ran=True)
    ada, bob = stage.person(host), stage.person(host, "Grace Hopper")
    bob.page.evaluate("ganimede.board.viewport.look({ x: 6900, y: 1500 }, 0.6)")
    ada.until("ganimede.people.others[0]?.view?.left > 400")
    ada.page.evaluate("document.querySelector('.people .face').click()")
    ada.page.get_by_text("Following Grace Hopper").wait_for()
    ada.until("ganimede.board.viewport.zoom < 0.8")
    return ada


def running(stage: Stage) -> Person:
    cells = [code_cell("one", SLOW), code_cell("two", "print('next')"), code_cell("three", "print('last')")]
    ada = stage.person(stage.scene.notebook(*cells))
    ada.page.evaluate("ganimede.server.run(['one', 'two', 'three'])")
    ada.until_printed("one", "step 12")
    return ada


def queue(stage: Stage) -> Person:
    steps = ("clean(rows)", "model = fit(rows, degree=3)", "plot(model)")
    cells = [code_cell("load", SLOW), *(code_cell(f"step{n}", source) for n, source in enumerate(steps))]
    ada = stage.person(stage.scene.notebook(*cells))
    ada.page.evaluate("ganimede.server.run(['load', 'step0', 'step1', 'step2'])")
    ada.until_printed("load", "step 12")
    ada.tool(re.compile("^Run queue")).click()
    return ada


def run_menu(stage: Stage) -> Person:
    ada = stage.person(stage.tour(ran=True))
    ada.page.evaluate("ganimede.board.select(['moons'])")
    ada.edit("moons")
    ada.press("Control+End")
    ada.type("  # edited")
    ada.press("Escape")
    ada.tool("More ways to run").click()
    ada.page.get_by_role("menu").wait_for()
    return ada


def kernel_menu(stage: Stage) -> Person:
    ada = stage.person(stage.tour(ran=True))
    ada.button("Kernel menu").click()
    ada.page.get_by_role("menu").wait_for()
    return ada


def completion(stage: Stage) -> Person:
    return asked(stage, "import json\njson.", "Tab")


def inspection(stage: Stage) -> Person:
    return asked(stage, "import json\njson.dumps", "Shift+Tab")


def asked(stage: Stage, source: str, key: str) -> Person:
    cells = [
        markdown_cell("text", "## Read what was measured"),
        code_cell("one", "import json"),
        code_cell("two", ""),
    ]
    ada = stage.person(stage.scene.notebook(*cells))
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_idle("one")
    ada.edit("two")
    ada.type(source)
    ada.press("End", key)
    ada.page.locator(".cm-tooltip").first.wait_for()
    return ada


def widgets(stage: Stage) -> Person:
    source = """import ipywidgets as w
out = w.Output()
with out:
    print("10 of 40 rows fit")
w.Tab([
    w.VBox([
        w.IntSlider(value=12, max=40, description="Degree"),
        w.FloatRangeSlider(value=(0.2, 0.7), max=1, step=0.05, description="Range"),
        w.Dropdown(options=["least squares", "ridge", "lasso"], description="Method"),
        w.HBox([w.Button(description="Fit", button_style="primary", icon="play"), w.Button(description="Reset")]),
        w.Checkbox(value=True, description="Scale the columns", indent=False),
        w.IntProgress(value=7, max=10, description="Fitting", bar_style="success"),
        out,
    ]),
    w.Text(description="Name"),
], titles=["Model", "Data"])"""
    ada = stage.person(stage.scene.notebook(markdown_cell("text", "## Choose a model"), code_cell("one", source)))
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_idle("one")
    ada.page.evaluate("ganimede.acts.setCollapsed(['one'], 'i')")
    ada.sees("one").frame_locator("iframe").get_by_text("10 of 40 rows fit").wait_for()
    return ada


def plots(stage: Stage) -> Person:
    bars = (
        "import altair as alt\nrows = [{'moon': n, 'days': d} for n, d in (('Io', 1.8), ('Europa', 3.6), ('Ganymede', 7.2))]\n"
        "alt.Chart(alt.Data(values=rows), title='Orbits', width=420).mark_bar().encode(x='days:Q', y='moon:N')"
    )
    lines = (
        "import plotly.graph_objects as go\n"
        "figure = go.Figure([go.Scatter(y=[1, 3, 2, 5], name='a'), go.Scatter(y=[2, 2, 4, 3], name='b')])\n"
        "figure.update_layout(title='Two walks', height=300)"
    )
    place = {"gm": {"left": 0, "top": 0, "width": 600, "height": 80}}
    aside = {"gm": {"left": 680, "top": 0, "width": 600, "height": 80}}
    host = stage.scene.notebook(
        code_cell("bars", bars, metadata=place),
        code_cell("lines", lines, metadata=aside),
        metadata={"gm": {"np_graph": {}, "pc_graph": {}}},
    )
    ada = stage.person(host)
    ada.page.evaluate("ganimede.server.run(['bars', 'lines'])")
    for cell_id in ("bars", "lines"):
        ada.until_idle(cell_id)
    for cell_id, drawn in (("bars", ".mark-rect"), ("lines", ".main-svg")):
        ada.page.evaluate("id => ganimede.board.reveal(id)", cell_id)
        ada.sees(cell_id).frame_locator("iframe").locator(drawn).first.wait_for()
    ada.page.evaluate("ganimede.board.fit()")
    return ada


def error(stage: Stage) -> Person:
    ada = stage.person(stage.scene.notebook(markdown_cell("text", "## What went wrong"), code_cell("one", FAULT)))
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until_idle("one")
    return ada


def question(stage: Stage) -> Person:
    ada = stage.person(stage.scene.notebook(code_cell("one", "name = input('What is your name? ')\nprint(name)")))
    ada.page.evaluate("ganimede.server.run(['one'])")
    ada.until("ganimede.server.input !== null")
    return ada


def offered(stage: Stage) -> Person:
    cells = [
        code_cell("load", "import time\ntime.sleep(600)  # load the measurements"),
        code_cell("clean", "measurements = clean(measurements)"),
        code_cell("fit", "model = fit(measurements, degree=3)"),
        code_cell("plot", "plot(model)"),
    ]
    host = stage.scene.notebook(*cells)
    ada = stage.person(host)
    ada.page.evaluate("ganimede.server.run(['load', 'clean', 'fit', 'plot'])")
    ada.until("ganimede.server.asked.size === 0")
    ada.until_state("load", "running")
    host.restart()
    ada.page.get_by_role("complementary", name="Cells to run again").wait_for()
    ada.edit("fit")
    ada.type("  # finer")
    ada.press("Escape")
    return ada


def offline(stage: Stage) -> Person:
    host, wire = stage.scene.wired(code_cell("one", "x = 1"), markdown_cell("two", "Some *text*."))
    ada = stage.person(host, address=wire.url)
    ada.can_write()
    wire.cut()
    ada.until("ganimede.room.state === 'offline'")
    ada.edit("one")
    ada.type("\ny = 2")
    return ada


def empty(stage: Stage) -> Person:
    return stage.person(stage.scene.notebook())


def menu(stage: Stage) -> Person:
    ada = stage.person(stage.tour())
    ada.page.mouse.click(120, 700, button="right")
    ada.page.get_by_role("menu").wait_for()
    return ada


def palette(stage: Stage) -> Person:
    ada = stage.person(stage.tour())
    ada.page.evaluate("ganimede.board.select(['moons'])")
    ada.press("ControlOrMeta+k")
    ada.page.get_by_role("combobox").fill("run")
    return ada


def finding(stage: Stage) -> Person:
    ada = stage.person(stage.tour())
    ada.press("ControlOrMeta+Shift+h")
    ada.page.get_by_label("Find", exact=True).fill("gamma")
    ada.page.get_by_label("Replace by").fill("rate")
    ada.press("Shift+Tab")
    ada.page.get_by_role("button", name="Next").click()
    return ada


def document(stage: Stage) -> Person:
    ada = stage.person(stage.tour(ran=True))
    ada.page.evaluate("ganimede.board.select(['moons'])")
    ada.press("Shift+d")
    ada.page.locator("article[data-cell-id=moons] .cell").wait_for()
    return ada


def outline(stage: Stage) -> Person:
    ada = document(stage)
    if ada.page.get_by_role("navigation", name="Outline").count() == 0:
        ada.button("Outline").click()
    ada.page.get_by_role("navigation", name="Outline").get_by_role("button").first.wait_for()
    return ada


def connecting(stage: Stage) -> Person:
    cells = [code_cell(f"step{n}", f"step({n})") for n in range(3)]
    ada = stage.person(stage.scene.notebook(*cells))
    ada.page.evaluate("ganimede.board.select(['step0'])")
    ada.press("e", "3")
    return ada


def keys(stage: Stage) -> Person:
    ada = stage.person(stage.tour())
    ada.press("?")
    ada.page.get_by_role("dialog").wait_for()
    return ada


def guides(stage: Stage) -> Person:
    """Two cells dragged between others, with what they line up with."""

    def cell(name: str, source: str, left: int, top: int, width: int) -> dict[str, Any]:
        return code_cell(name, source, metadata={"gm": {"left": left, "top": top, "width": width}})

    cells = [
        cell("load", "rows = load('measured.csv')", 0, 0, 300),
        cell("clean", "rows = clean(rows)\nrows.head()", 360, 0, 300),
        cell("fit", "model = fit(rows)", 0, 260, 300),
        cell("plot", "plot(model)", 780, 30, 300),
    ]
    ada = stage.person(stage.scene.notebook(*cells, metadata={"gm": {"np_graph": {}, "pc_graph": {}}}))
    ada.page.evaluate("ganimede.board.fit()")
    ada.until("ganimede.board.viewport.motion === 'rest'")
    ada.page.evaluate("ganimede.board.select(['plot'])")
    handle = ada.sees("plot").locator("[data-drag-handle]").bounding_box()
    zoom = ada.page.evaluate("ganimede.board.viewport.zoom")
    assert handle is not None
    x, y = handle["x"] + handle["width"] * 0.6, handle["y"] + handle["height"] / 2
    ada.page.mouse.move(x, y)
    ada.page.mouse.down()
    ada.page.mouse.move(x - 58 * zoom, y - 28 * zoom, steps=4)
    return ada


def arrange(stage: Stage) -> Person:
    ada = stage.person(stage.tour(ran=True))
    ada.page.evaluate("ganimede.board.fit()")
    ada.until("ganimede.board.viewport.motion === 'rest'")
    ada.page.evaluate(
        "ganimede.board.select(ganimede.board.scene.order.filter(id => !ganimede.notebook.parents.has(id)))"
    )
    return ada


def actors(stage: Stage) -> Person:
    ada = stage.person(stage.tour(ran=True))
    ada.button("What is running").click()
    ada.page.get_by_role("button", name="Kill runs").click()
    ada.page.get_by_text("up, restarted once").wait_for()
    return ada


def token(stage: Stage) -> Person:
    host = stage.tour()
    ada = stage.person(None)
    ada.expected = re.compile("status of 401")
    ada.page.goto(host.server.url)
    return ada


STATES: dict[str, Callable[[Stage], Person]] = {
    each.__name__: each
    for each in (
        opened,
        ran,
        overview,
        together,
        following,
        running,
        queue,
        run_menu,
        kernel_menu,
        widgets,
        plots,
        completion,
        inspection,
        error,
        question,
        offered,
        offline,
        empty,
        menu,
        palette,
        finding,
        connecting,
        document,
        outline,
        keys,
        guides,
        arrange,
        actors,
        token,
    )
}


def take(browser: Browser, name: str, scheme: str, view: str) -> None:
    with tempfile.TemporaryDirectory(prefix="ganimede-") as folder:
        scene = Scene(browser, Path(folder), name)
        try:
            person = STATES[name](Stage(scene, Path(folder), scheme, view))
            person.page.evaluate("document.fonts.ready")
            # What is drawn later than the document says: editors, outputs, one more frame.
            person.page.wait_for_timeout(800)
            picture = PICTURES / f"{name}-{scheme}{view}.png"
            person.page.screenshot(path=picture)
            print(picture.relative_to(ROOT), flush=True)
            if (name, scheme, view) == ("together", "light", ""):
                shutil.copy(picture, README)
        finally:
            scene.end(failed=False)


def main(*names: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with running_chromium() as browser:
        for name, scheme, view in product(names or STATES, ("light", "dark"), VIEWS):
            take(browser, name, scheme, view)


if __name__ == "__main__":
    main(*sys.argv[1:])
