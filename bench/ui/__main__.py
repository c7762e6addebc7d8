"""``python -m bench.ui [--quick]``: with 100, 500 and 1,000 cells, by turns in our page and in JupyterLab, each
time in a fresh context of one Chromium. Times begin with the first byte of a warm server; JupyterLab also starts
its kernel meanwhile, ours starts none before a cell is run. A cell is "painted" when one can read it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from bench.report import Row, compare
from bench.ui.books import notebook
from bench.ui.lab import measure_lab, running_lab
from bench.ui.measures import Figures, Weight
from bench.ui.page import measure_long, measure_page, measure_plain
from tests.browser.chromium import running_chromium

SIZES = (100, 500, 1000)
MANY = 5000
LONG = 10_000_000
# The largest median that is good enough, with 1,000 cells and by name.
AT_MOST = {
    "pan at 1, median (ms)": 17.0,
    "pan at 1, 95 % (ms)": 34.0,
    "a remote edit, by visible editor (ms)": 1.0,
    "cells that a remote edit changes": 1.0,
}


def rows_of(count: int, ours: list[Figures], theirs: list[Figures], against: str) -> list[Row]:
    rows = []
    for name in ours[0]:
        what, _, unit = name.rpartition(" (")
        row = Row(
            f"{f'{count:,} cells' if count > 0 else 'plain text'}: {what or name}",
            unit.rstrip(")") if what else "",
            [each[name] for each in ours],
        )
        if all(name in each for each in theirs):
            row.baseline, row.against = [each[name] for each in theirs], against
            row.goal = 1.0 if against == "JupyterLab" and not name.startswith("pan") else None
        if count == max(SIZES):
            row.at_most = AT_MOST.get(name)
        rows.append(row)
    return rows


def compared(browser: Browser, folder: Path, count: int, rounds: int, panned: int) -> tuple[list[Row], Weight]:
    ours: list[Figures] = []
    theirs: list[Figures] = []
    weight = Weight()
    # Of the same bytes two files: JupyterLab writes into its own when it opens it.
    book, labs = notebook(folder / f"{count}.ipynb", count), folder / "lab"
    labs.mkdir(exist_ok=True)
    copy = notebook(labs / f"{count}.ipynb", count)
    with running_lab(labs) as address:
        for number in range(rounds):
            figures, weight = measure_page(browser, book, folder / f"state-{count}-{number}", panned)
            ours.append(figures)
            theirs.append(measure_lab(browser, address, copy, panned)[0])
    return rows_of(count, ours, theirs, "JupyterLab"), weight


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.ui", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest notebook, once, and few frames")
    quick = parser.parse_args().quick
    sizes, rounds, panned = (SIZES[:1], 1, 60) if quick else (SIZES, 3, 240)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="ganimede-") as name, running_chromium() as browser:
        folder = Path(name)
        for count in sizes:
            found, weight = compared(browser, folder, count, rounds, panned)
            print(compare(found), flush=True)
            rows += found
            print(f"first load, kB: {kinds(weight)}", flush=True)
        plain = [measure_plain(browser, folder, sizes[-1], panned) for _ in range(rounds)]
        print(compare(rows_of(sizes[-1], plain, [], "") if quick else rows_of(-1, plain, [], "")))
        longest = Row("10 MB of text in an output: longest frame", "ms", at_most=150.0)
        longest.ours = [measure_long(browser, folder, LONG) for _ in range(rounds)]
        rows.append(longest)
        if not quick:
            many = measure_page(browser, notebook(folder / "many.ipynb", MANY), folder / "state-many", panned)[0]
            rows += rows_of(MANY, [many], [], "")
    print(compare(rows))


def kinds(weight: Weight) -> str:
    sizes = sorted(weight.kinds.items(), key=lambda each: -each[1])
    return ", ".join(f"{kind} {size / 1000:.1f}" for kind, size in sizes)


if __name__ == "__main__":
    main()
