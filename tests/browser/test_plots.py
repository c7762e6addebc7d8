"""Plots of plotly and Altair, as the kernel's libraries write them: drawn without any other host."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.system.support import code_cell

PLOTLY = {
    "data": [{"type": "scatter", "x": [1, 2, 3], "y": [1, 3, 2], "name": "one"}],
    "layout": {"title": {"text": "Heights"}, "template": {"layout": {"plot_bgcolor": "#E5ECF6"}}},
}
VEGALITE = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "title": "Bars",
    "data": {"values": [{"x": "a", "y": 3}, {"x": "b", "y": 1}]},
    "transform": [{"calculate": "datum.y * 2", "as": "twice"}],
    "mark": "bar",
    "encoding": {"x": {"field": "x", "type": "nominal"}, "y": {"field": "twice", "type": "quantitative"}},
}
VEGA = {
    "$schema": "https://vega.github.io/schema/vega/v5.json",
    "width": 100, "height": 50,
    "marks": [{"type": "rect", "encode": {"enter": {"width": {"value": 40}, "height": {"value": 40}}}}],
}  # fmt: skip


def cell(name: str, mime: str, spec: Any, **more: Any) -> dict[str, Any]:
    data = {mime: spec, "text/plain": f"what {name} is in words", **more}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return code_cell(name, "draw()", outputs=[output], execution_count=1)


def plot(person: Person, cell_id: str) -> FrameLocator:
    return person.sees(cell_id).frame_locator("iframe")


def test_plotly_and_vega_draw_what_a_notebook_holds(scene: Scene) -> None:
    host = scene.notebook(
        cell(
            "p",
            "application/vnd.plotly.v1+json",
            PLOTLY,
            **{"text/html": "<script src='https://cdn.plot.ly/x.js'></script>"},
        ),
        cell("v", "application/vnd.vegalite.v5+json", VEGALITE),
        cell("w", "application/vnd.vega.v5+json", VEGA),
    )
    ada = scene.person(host, "ada")
    expect(plot(ada, "p").locator(".main-svg").first).to_be_visible()
    expect(plot(ada, "p").locator(".gtitle")).to_have_text("Heights")
    expect(plot(ada, "v").locator("svg .mark-rect path")).to_have_count(2)
    expect(plot(ada, "w").locator("svg .mark-rect path").first).to_be_visible()
    expect(ada.sees("p").get_by_role("group", name="Plot: Heights")).to_be_visible()


@pytest.mark.e2e
def test_a_plot_answers_the_pointer_and_follows_the_colours(scene: Scene) -> None:
    ada = scene.person(scene.notebook(cell("p", "application/vnd.plotly.v1+json", PLOTLY)), "ada")
    title = plot(ada, "p").locator(".gtitle")
    expect(title).to_be_visible()
    colour = "it => getComputedStyle(it).fill"
    light = title.evaluate(colour)
    ada.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(title).not_to_have_css("fill", light)
    plot(ada, "p").locator(".scatterlayer path.point").nth(1).hover(force=True)
    expect(plot(ada, "p").locator(".hoverlayer .hovertext").first).to_be_attached()


@pytest.mark.e2e
def test_the_wheel_over_a_plot_moves_the_canvas(scene: Scene) -> None:
    ada = scene.person(scene.notebook(cell("v", "application/vnd.vegalite.v5+json", VEGALITE)), "ada")
    expect(plot(ada, "v").locator("svg").first).to_be_visible()
    before = ada.page.evaluate("ganimede.board.viewport.y")
    plot(ada, "v").locator("svg").first.hover()
    ada.page.mouse.wheel(0, 120)
    ada.until(f"ganimede.board.viewport.y > {before} + 50")


@pytest.mark.e2e
def test_a_chart_that_wants_data_from_elsewhere_says_so_and_asks_nobody(scene: Scene) -> None:
    spec = VEGALITE | {"data": {"url": "https://host.example/data.json"}}
    ada = scene.person(scene.notebook(cell("v", "application/vnd.vegalite.v5+json", spec)), "ada")
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url))
    expect(ada.sees("v")).to_contain_text("load its data from host.example: nothing comes from elsewhere")
    assert not [url for url in asked if "host.example" in url]


@pytest.mark.e2e
def test_a_broken_plot_says_why(scene: Scene) -> None:
    spec = VEGALITE | {"mark": "nothing that is drawn"}
    ada = scene.person(scene.notebook(cell("v", "application/vnd.vegalite.v5+json", spec)), "ada")
    expect(ada.sees("v").locator(".note")).to_have_text(re.compile(r"\w+"))


@pytest.mark.e2e
def test_altair_and_plotly_draw_by_their_defaults(scene: Scene) -> None:
    altair = (
        "import altair as alt\n"
        "rows = alt.Data(values=[{'x': 'a', 'y': 3}, {'x': 'b', 'y': 1}])\n"
        "alt.Chart(rows).mark_bar().encode(x='x:N', y='y:Q')"
    )
    plotly = f"import plotly.graph_objects as go\ngo.Figure({json.dumps(PLOTLY['data'])})"
    ada = scene.person(scene.notebook(code_cell("a", altair), code_cell("p", plotly)), "ada")
    ada.page.evaluate("ganimede.server.run(['a', 'p'])")
    for cell_id in ("a", "p"):
        ada.until_idle(cell_id)
    expect(plot(ada, "a").locator("svg .mark-rect path")).to_have_count(2)
    expect(plot(ada, "p").locator(".main-svg").first).to_be_visible()
