"""``python -m bench.ui [--quick]``: the page in Chromium, with 100, 500 and 1,000 cells.

Beside each stands a page of plain text with as many `<pre>`: what this machine can do at all. Frames are the time
between two of them (16.7 ms is the best there is) while every one of them pans or zooms.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

from playwright.sync_api import Browser, Page, Response

from tests.browser.chromium import running_chromium
from tests.browser.host import Host
from tests.browser.person import Person
from tests.system.support import code_cell, markdown_cell, write_notebook

PROBE = Path(__file__).with_name("ui_probe.js").read_text()
SIZES = (100, 500, 1000)
VIEW = {"width": 1440, "height": 900}
SOURCE = """\
def step_{n}(signal, width={n}):
    # a moving average, and what is left of it
    found = []
    for i in range(len(signal)):
        around = signal[max(0, i - width) : i + width + 1]
        found.append(sum(around) / len(around))
    return [each - mean for each, mean in zip(signal, found)]

print(step_{n}(range({n} + 10)))"""
LATER = "later"
Figures: TypeAlias = "dict[str, str]"


def notebook(path: Path, count: int) -> Path:
    """Columns of twenty: code with outputs, and every fifth cell a text."""
    cells: list[dict[str, Any]] = []
    for n in range(count):
        column, row = divmod(n, 20)
        place = {"gm": {"left": column * 680, "top": row * 320, "width": 600, "height": 280}}
        if n % 5 == 0:
            cells.append(markdown_cell(f"cell{n:04}", f"## Step {n}\n\nSome *words* about it.", metadata=place))
        else:
            said = [{"output_type": "stream", "name": "stdout", "text": f"{list(range(n % 30))}\n"}]
            cells.append(
                code_cell(f"cell{n:04}", SOURCE.format(n=n), metadata=place, outputs=said, execution_count=n)
            )
    # With no edges but also no first layout of the server's: these places are the person's.
    return write_notebook(path, *cells, metadata={"gm": {"np_graph": {}, "pc_graph": {}}})


def plain(path: Path, count: int) -> Path:
    """What the machine does with the same text and no program."""
    boxes = (
        f'<pre class="baseline" style="position:absolute;left:{n // 20 * 680}px;top:{n % 20 * 320}px;width:600px">'
        f"{SOURCE.format(n=n)}</pre>"
        for n in range(count)
    )
    path.write_text(f"<!doctype html><title>plain</title><body>{''.join(boxes)}")
    return path


def frames(times: list[float]) -> str:
    return f"{statistics.median(times):.1f} / {statistics.quantiles(times, n=20)[-1]:.1f}"


def opened(page: Page) -> Figures:
    """When the first cell was painted and when nothing moved any more, in ms since the server's first byte."""
    page.wait_for_function("() => probe.quiet()", timeout=120_000)
    first, last, answered = page.evaluate(
        "[probe.first, probe.last, performance.getEntriesByType('navigation')[0].responseStart]"
    )
    return {"first cell (ms)": f"{first - answered:.0f}", "idle (ms)": f"{max(first, last) - answered:.0f}"}


def settle(page: Page) -> None:
    """Until nothing moves, what was begun just now included."""
    page.evaluate("probe.last = performance.now()")
    page.wait_for_function("() => probe.quiet()")


def heap(page: Page) -> str:
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    devtools.send("Performance.enable")
    metrics = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
    return f"{metrics['JSHeapUsedSize'] / 2**20:.1f}"


def typed(person: Person, count: int) -> str:
    person.edit("cell0001")
    person.page.evaluate("probe.keys.length = 0")
    for _ in range(count):
        person.type("x")
    person.until("probe.keys.length >= it", count)
    return frames(person.page.evaluate("probe.keys"))


def rerendered(person: Person, host: Host, browser: Browser) -> str:
    """How many cells change in this page when somebody else types one letter into one that is in sight."""
    other = Person(browser.new_context(viewport=VIEW), "bob").open(host.address)
    changed = "cell0002"
    person.page.evaluate("id => (ganimede.board.select([]), ganimede.board.reveal(id))", changed)
    settle(person.page)
    person.page.evaluate("() => void (globalThis.touched = probe.watch())")
    other.page.evaluate("id => ganimede.room.doc.getMap(id).get('source').insert(0, '#')", changed)
    person.until("ganimede.room.doc.getMap(it).get('source').toString().startsWith('#')", changed)
    settle(person.page)
    found: list[str] = person.page.evaluate("touched()")
    other.context.close()
    return f"{len(found)} ({'it' if found == [changed] else ', '.join(found[:4])})"


def weight(answers: list[Response]) -> dict[str, int]:
    """gzip bytes by kind; fonts are compressed already."""
    found: dict[str, int] = {}
    for answer in answers:
        body = answer.body()
        kind = Path(answer.url.partition("?")[0]).suffix or "page"
        packed = len(body) if kind == ".woff2" else len(gzip.compress(body, 9))
        found[kind] = found.get(kind, 0) + packed
    return found


def measure_page(browser: Browser, folder: Path, count: int, rounds: int) -> tuple[Figures, dict[str, int]]:
    with Host(notebook(folder / f"{count}.ipynb", count), folder / f"state-{count}") as host:
        person = Person(browser.new_context(viewport=VIEW), "ada")
        person.page.add_init_script(PROBE)
        answers: list[Response] = []
        person.page.on("response", lambda answer: answers.append(answer))
        person.page.goto(host.address)
        person.connected()
        figures = opened(person.page)
        ours = [each for each in answers if each.url.startswith(host.server.url)]
        packed = weight(ours)
        # The live editors come with the first sign of a person: what follows is measured with them in place.
        person.page.mouse.move(VIEW["width"] / 2, VIEW["height"] / 2)
        person.page.wait_for_selector(".cm-editor")
        settle(person.page)
        packed[LATER] = sum(weight([each for each in answers if each not in ours]).values())
        figures["heap (MB)"] = heap(person.page)
        for zoom in (1, 0.3):
            person.page.evaluate("k => ganimede.board.viewport.zoomAt({ x: 0, y: 0 }, k)", zoom)
            settle(person.page)
            figures[f"pan at {zoom} (ms)"] = frames(person.page.evaluate("n => probe.pan(n)", rounds))
            figures[f"zoom at {zoom} (ms)"] = frames(person.page.evaluate("n => probe.zoom(n)", rounds))
        person.page.evaluate("ganimede.board.viewport.zoomAt({ x: 0, y: 0 }, 1)")
        figures["key to paint (ms)"] = typed(person, 40)
        figures["cells a remote edit changes"] = rerendered(person, host, browser)
        if person.problems:
            figures["problems"] = person.problems[0]
        person.context.close()
    return figures, packed


def measure_plain(browser: Browser, folder: Path, count: int, rounds: int) -> Figures:
    context = browser.new_context(viewport=VIEW)
    page = context.new_page()
    page.add_init_script(PROBE)
    page.goto(plain(folder / f"{count}.html", count).as_uri())
    figures = opened(page)
    figures["heap (MB)"] = heap(page)
    for zoom in (1, 0.3):
        page.evaluate("k => (document.body.style.zoom = k)", zoom)
        figures[f"pan at {zoom} (ms)"] = frames(page.evaluate("n => probe.scroll(n)", rounds))
    context.close()
    return figures


def table(columns: list[tuple[str, Figures]]) -> str:
    names = list(dict.fromkeys(name for _, figures in columns for name in figures))
    rows = [["", *(title for title, _ in columns)]]
    rows += [[name, *(figures.get(name, "–") for _, figures in columns)] for name in names]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.ui", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest notebook and few frames")
    quick = parser.parse_args().quick
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; frames and keys: median / 95 %", flush=True
    )
    columns: list[tuple[str, Figures]] = []
    packed: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="ganimede-") as folder, running_chromium() as browser:
        for count in SIZES[:1] if quick else SIZES:
            rounds = 60 if quick else 240
            figures, packed = measure_page(browser, Path(folder), count, rounds)
            columns.append((f"{count} cells", figures))
            columns.append((f"{count} plain", measure_plain(browser, Path(folder), count, rounds)))
    print(table(columns))
    later = packed.pop(LATER) / 1000
    total = sum(packed.values()) / 1000
    parts = ", ".join(
        f"{kind} {size / 1000:.1f}" for kind, size in sorted(packed.items(), key=lambda each: -each[1])
    )
    print(f"\nFirst load: {total:.1f} kB gzip ({parts}); the limit is 250 kB.")
    print(f"The live editor, with the first sign of a person or 1.5 s later: {later:.1f} kB more.")


if __name__ == "__main__":
    main()
