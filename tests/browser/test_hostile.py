"""Cells, outputs, names and files from who means harm: nothing of them runs on the page's origin."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.system.support import code_cell, markdown_cell, write_notebook

# It runs in the frame, if it runs at all: on the page's own origin it would leave this.
EVIL = (
    "document.documentElement.dataset.harmed='yes';try{top.document.documentElement.dataset.harmed='yes'}catch{}"
)
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{EVIL}"><script>{EVIL}</script><a href="javascript:{EVIL}"><text y="20">svg</text></a></svg>'
HTML = {
    "script": f"<script>{EVIL}</script>",
    "handler": f'<img src="x:" onerror="{EVIL}">',
    "javascript link": f'<a href="javascript:{EVIL}" id="lure">press</a>',
    "svg in html": SVG,
    "srcdoc": "<iframe srcdoc=\"<script>parent.document.documentElement.dataset.harmed='yes'</script>\"></iframe>",
    "form": f'<form action="/config"><button formaction="javascript:{EVIL}">press</button></form>',
    "mutation": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x: onerror={EVIL}&gt;">',
    "base and meta": f'<base href="https://example.org/"><meta http-equiv="refresh" content="0;url=javascript:{EVIL}">',
    "style that loads": "<style>@import 'https://example.org/a.css'; body { display: none }</style>",
    "clobbering": '<form id="ganimede"><input name="board"><input name="room"></form><a id="app"></a>',
    "template": f"<template><script>{EVIL}</script></template><object data='javascript:{EVIL}'></object>",
}
MARKDOWN = {
    "html": f'<script>{EVIL}</script><img src=x: onerror="{EVIL}">',
    "link": f"[press](javascript:{EVIL.replace('(', '%28').replace(')', '%29')})",
    "image": f"![x](javascript:{EVIL.replace('(', '%28').replace(')', '%29')})",
    "katex": r"$\href{javascript:alert(1)}{press} \htmlData{x=1}{y} \includegraphics{https://example.org/i.png}$",
    "fence": f"```html\n<script>{EVIL}</script>\n```",
    "out of the folder": "![x](../../../../etc/passwd) ![y](/etc/passwd) ![z](..%2f..%2fetc%2fpasswd)",
    "attachment": "![x](attachment:x.svg)",
}
OTHERS: list[tuple[str, Any]] = [
    ("image/svg+xml", SVG),
    ("text/latex", r"$$\href{javascript:alert(1)}{press}$$"),
    ("text/markdown", [f'<img src=x: onerror="{EVIL}"> [press](javascript:alert)']),
    ("application/json", {"__proto__": {"harmed": "<img src=x: onerror=1>"}, "<script>": EVIL}),
    ("image/png", f'x" onerror="{EVIL}'),
    ("text/plain", f"\x1b]8;;javascript:{EVIL}\x07press\x1b]8;;\x07 \x1b[31m<script>{EVIL}</script>"),
    ("application/javascript", EVIL),
]


def shown(mime: str, value: Any) -> list[dict[str, Any]]:
    return [{"output_type": "display_data", "data": {mime: value}, "metadata": {}}]


def unharmed(person: Person) -> None:
    """Nothing ran, the page is as it was, and what could be pressed was pressed."""
    for lure in person.page.get_by_text("press", exact=True).all():
        if lure.is_visible():
            lure.click(force=True, no_wait_after=True)
    person.until("globalThis.ganimede.room.state === 'connected'")
    assert person.page.evaluate("document.documentElement.dataset.harmed") is None
    assert person.page.evaluate("getComputedStyle(document.body).display") != "none"
    assert person.page.evaluate("document.querySelectorAll('base').length") == 0
    dangerous = (
        "[...document.querySelectorAll('#app *')].flatMap(e => [...e.attributes].filter(a => /^on/i.test(a.name)"
        " || /^\\s*javascript:/i.test(a.value)).map(a => `${e.tagName} ${a.name}=${a.value}`))"
    )
    assert person.page.evaluate(dangerous) == []
    # What the policy refused stands in the console: that is as it should be.
    person.problems.clear()


def test_the_whole_corpus_on_one_page(scene: Scene) -> None:
    """A larger one, sample by sample, is test_hostile_corpus.py's."""
    outputs = [*(shown("text/html", [each]) for each in HTML.values()), *(shown(*each) for each in OTHERS)]
    cells = [code_cell(f"out{i}", "1", outputs=each, execution_count=1) for i, each in enumerate(outputs)]
    cells += [markdown_cell(f"text{i}", each) for i, each in enumerate(MARKDOWN.values())]
    assert len(cells) > 20
    ada = scene.person(scene.notebook(*cells))
    ada.page.evaluate("ganimede.board.fit()")
    for cell in cells:
        ada.page.evaluate("id => (ganimede.board.select([id]), ganimede.board.reveal(id))", cell["id"])
        ada.sees(cell["id"])
    unharmed(ada)


def test_a_script_runs_only_in_a_frame_that_can_reach_nothing(scene: Scene) -> None:
    probe = """<p id="said">nothing</p><script>
      const tell = (what) => (document.getElementById('said').textContent += ` ${what}`);
      tell(`origin ${self.origin}`);
      try { tell(parent.document.title) } catch { tell('no parent') }
      try { tell(localStorage.length) } catch { tell('no storage') }
      fetch('/config').then((r) => tell(`config ${r.status}`), () => tell('no config'));
    </script>"""
    ada = scene.person(
        scene.notebook(code_cell("one", "1", outputs=shown("text/html", [probe]), execution_count=1))
    )
    frame = ada.sees("one").frame_locator("iframe").locator("#said")
    expect(frame).to_contain_text("no config")
    expect(frame).to_contain_text("origin null no parent no storage")
    unharmed(ada)


@pytest.mark.e2e
def test_a_hostile_name_of_a_person_and_of_the_file(scene: Scene, tmp_path: Any) -> None:
    name = "<img src=x: onerror=document.documentElement.dataset.harmed='yes'>"
    path = write_notebook(tmp_path / f"{name.replace('/', '')}.ipynb", code_cell("one", "1"))
    host = scene.serve(path)
    ada = scene.person(host, name[:40])
    bob = scene.person(host, "bob")
    ada.edit("one")
    bob.until("ganimede.people.others.some(peer => peer.cell === 'one')")
    hostile = {"name": name, "color": "red;background:url(https://example.org)", "colorLight": name}
    ada.page.evaluate("user => ganimede.room.awareness.setLocalStateField('user', user)", hostile)
    bob.until("ganimede.people.others.some(peer => peer.name.startsWith('<img'))")
    for person in (ada, bob):
        unharmed(person)
        expect(person.page.get_by_role("heading", level=1)).to_contain_text("<img")


@pytest.mark.e2e
def test_a_hostile_error_and_kernel_text(scene: Scene) -> None:
    error = {
        "output_type": "error",
        "ename": f"<script>{EVIL}</script>",
        "evalue": SVG,
        "traceback": [SVG, HTML["handler"]],
    }
    ada = scene.person(scene.notebook(code_cell("one", json.dumps(HTML), outputs=[error], execution_count=1)))
    expect(ada.sees("one")).to_contain_text("<script>")
    unharmed(ada)
