"""Every sample of hostile.json in a real browser: nothing runs on the page's origin, nobody else hears of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Request

from tests.browser.conftest import Scene
from tests.browser.person import Person
from tests.system.support import code_cell, markdown_cell

# In `make test` test_hostile.py has one page with a sample of each kind.
pytestmark = pytest.mark.e2e

CORPUS = json.loads((Path(__file__).parent / "hostile.json").read_text(encoding="utf-8"))
ELSEWHERE = "host.example"
# Wherever it runs, it tries to leave a trace in the page.
RUN = "window.pwned=1;try{top.pwned=1}catch(e){}"
MIMES = {
    "html": "text/html",
    "svg": "image/svg+xml",
    "markdown": "text/markdown",
    "latex": "text/latex",
    "text": "text/plain",
    "json": "application/json",
    "javascript": "application/javascript",
    "image": "image/png",
}
AT_ONCE = 8  # samples in one notebook: enough to be quick, few enough to name who did it
# What a browser says when it refuses; and scripts in the frame may fail as they like.
REFUSED = re.compile(
    r"Content Security Policy|violates|sandbox|Blocked|blocked|Failed to load resource|not allowed|Unsafe attempt"
)


def armed(value: Any) -> Any:
    if isinstance(value, str):
        if value == "DEEP":
            return f"{'<div>' * 2000}<img src=x onerror={RUN}>"
        return value.replace("RUN", RUN).replace("HOST", ELSEWHERE)
    return {armed(key): armed(each) for key, each in value.items()} if isinstance(value, dict) else value


def cells(kind: str, samples: list[str]) -> list[dict[str, Any]]:
    found = []
    for at, name in enumerate(samples):
        value = armed(CORPUS[kind][name])
        place = {"gm": {"left": 0, "top": at * 900, "width": 600, "height": None, "collapsed": None}}
        output = {
            "output_type": "display_data",
            "data": {MIMES[kind]: [value] if kind in ("html", "markdown") else value},
            "metadata": {},
        }
        found.append(code_cell(f"sample-{at}", name, outputs=[output], execution_count=1, metadata=place))
        if kind == "markdown":
            attachments = {"evil.html": {"text/html": "PHA+"}, "evil.svg": {"image/svg+xml": '"><script>'}}
            place = {"gm": {**place["gm"], "left": 700}}
            found.append(markdown_cell(f"text-{at}", value, attachments=attachments, metadata=place))
    return found


def groups() -> list[Any]:
    return [
        pytest.param(kind, list(CORPUS[kind])[at : at + AT_ONCE], id=f"{kind}-{at // AT_ONCE}")
        for kind in MIMES
        for at in range(0, len(CORPUS[kind]), AT_ONCE)
    ]


def elsewhere(address: str) -> bool:
    """Another host than this machine's; addresses without a host stay within the page."""
    return urlsplit(address).hostname not in (None, "", "localhost", "127.0.0.1", "chromewebdata")


class Watch:
    """What left the page: requests that no policy stopped, windows, dialogs, navigations."""

    def __init__(self, person: Person) -> None:
        self.left: list[str] = []
        page = person.page
        page.on("dialog", self._dialog)
        page.on("popup", lambda popup: self.left.append(f"a window: {popup.url}"))
        page.on("requestfinished", self._finished)
        page.on("requestfailed", self._failed)
        page.on("framenavigated", self._navigated)

    def _dialog(self, dialog: Any) -> None:
        self.left.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _finished(self, request: Request) -> None:
        if elsewhere(request.url):
            self.left.append(f"a request: {request.url}")

    def _failed(self, request: Request) -> None:
        """A request that the policy stops is seen here too, and never leaves."""
        if elsewhere(request.url) and not re.search("csp|ERR_BLOCKED", request.failure or ""):
            self.left.append(f"a request: {request.url} ({request.failure})")

    def _navigated(self, frame: Any) -> None:
        if elsewhere(frame.url):
            self.left.append(f"a document: {frame.url}")


@pytest.mark.parametrize(("kind", "samples"), groups())
def test_a_hostile_sample_harms_nobody(scene: Scene, kind: str, samples: list[str]) -> None:
    ada = scene.person()
    ada.expected = REFUSED
    watch = Watch(ada)
    ada.open(scene.notebook(*cells(kind, samples)).address)
    for at, name in enumerate(samples):
        ada.page.evaluate("id => ganimede.board.reveal(id)", f"sample-{at}")
        shown = ada.sees(f"sample-{at}")
        shown.locator("[data-outputs]").wait_for(state="attached")
        for frame in shown.locator("iframe").all():
            frame.wait_for(state="visible")
        ada.page.wait_for_timeout(250)  # for what runs later: images that fail, animations, promises
        for lure in shown.get_by_text("press", exact=True).all():
            lure.click(force=True, no_wait_after=True, timeout=2000)
        assert ada.page.evaluate("window.pwned ?? Object.prototype.pwned ?? null") is None, name
        assert watch.left == [], name
    check_page(ada)
    # A script in the frame may fail; on the page nothing does.
    ada.problems[:] = [problem for problem in ada.problems if "pwned" not in problem and "/frame" not in problem]


def check_page(person: Person) -> None:
    """It is whole: nothing was hidden, covered or replaced."""
    page = person.page
    person.until("globalThis.ganimede.room.state === 'connected'")
    assert page.evaluate("document.body.checkVisibility()")
    assert page.evaluate("document.querySelectorAll('base, #app form, meta[http-equiv]').length") == 0
    assert page.evaluate("document.querySelectorAll('[data-cell-id=evil]').length") == 0
    assert page.evaluate("typeof ganimede.board.reveal") == "function"
    assert page.evaluate("document.elementFromPoint(640, 24).closest('[data-outputs]') === null")
