"""What is measured in every page in the same way."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from playwright.sync_api import Page

PROBE = Path(__file__).with_name("probe.js").read_text()
VIEW = {"width": 1440, "height": 900}
KEYS = 40
# By name: a number, in the unit that the name says.
Figures: TypeAlias = "dict[str, float]"


@dataclass
class Weight:
    """Bytes that came over the wire, as they were sent: compressed where the server compresses."""

    wire: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Page) -> Weight:
        weight, urls = cls(), {}
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")

        def finished(event: Any) -> None:
            size = int(event["encodedDataLength"])
            weight.wire += size
            kind = Path(urls.get(event["requestId"], "").partition("?")[0]).suffix or "page"
            weight.kinds[kind] = weight.kinds.get(kind, 0) + size

        def framed(event: Any) -> None:
            weight.wire += len(event["response"]["payloadData"])

        devtools.on(
            "Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]})
        )
        devtools.on("Network.loadingFinished", finished)
        devtools.on("Network.webSocketFrameReceived", framed)
        return weight


def prepare(page: Page, cells: str, move: str) -> None:
    """``cells``: a selector of cells that can be read. ``move``: an expression that moves the view by a pixel and
    is true if it did."""
    page.add_init_script(f"globalThis.probeCells = {cells!r}; globalThis.probeMove = () => {move};")
    page.add_init_script(PROBE)


def opened(page: Page) -> Figures:
    """Since the server's first byte: when the first cell was painted, when the view could be moved, and when
    nothing changed any more."""
    page.wait_for_function("() => probe.quiet()", timeout=240_000)
    first, moved, last, answered = page.evaluate(
        "[probe.first, probe.moved, probe.last, performance.getEntriesByType('navigation')[0].responseStart]"
    )
    return {
        "first cell painted (ms)": first - answered,
        "scrollable (ms)": moved - answered,
        "idle (ms)": max(first, last) - answered,
    }


def settle(page: Page) -> None:
    """Until nothing moves, what was begun just now included."""
    page.evaluate("probe.last = performance.now()")
    page.wait_for_function("() => probe.quiet()", timeout=120_000)


def frames(name: str, times: list[float]) -> Figures:
    """Milliseconds from one frame to the next: 16.7 is the best there is."""
    return {
        f"{name}, median (ms)": statistics.median(times),
        f"{name}, 95 % (ms)": statistics.quantiles(times, n=20)[-1],
    }


def heap(page: Page) -> float:
    """MB, after what nobody needs is gone."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    devtools.send("Performance.enable")
    metrics = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
    return float(metrics["JSHeapUsedSize"]) / 2**20


def keystrokes(page: Page) -> Figures:
    """The editor has the focus. What led there, maybe a key as well, is over when the first letter is typed."""
    settle(page)
    page.evaluate("probe.keys.length = 0")
    for typed in range(KEYS):
        page.keyboard.press("x")
        page.wait_for_function("typed => probe.keys.length > typed", arg=typed)
    return frames("keystroke to paint", page.evaluate("probe.keys"))
