"""JupyterLab on the same notebooks in the same browser: its defaults, no news, settings of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser

from bench.process import Failed
from bench.ui.measures import VIEW, Figures, Weight, frames, heap, keystrokes, opened, prepare, settle

CELLS = ".jp-Notebook .jp-Cell .cm-line, .jp-Notebook .jp-Cell .jp-RenderedMarkdown"
SCROLLS = "document.querySelector('.jp-NotebookPanel .jp-WindowedPanel-outer')"
MOVE = f"(() => {{ const it = {SCROLLS}; if (!it) return false; it.scrollTop += 1; return it.scrollTop > 0; }})()"
OPTIONS = (
    "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root", "--IdentityProvider.token=",
    "--ServerApp.password=", "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)  # fmt: skip


@contextmanager
def running_lab(folder: Path) -> Iterator[str]:
    """Its address. Settings, workspaces and runtime files lie in ``folder``."""
    private = {
        f"{name}_DIR": str(folder / f".{name.lower()}")
        for name in ("JUPYTER_CONFIG", "JUPYTER_RUNTIME", "JUPYTERLAB_SETTINGS", "JUPYTERLAB_WORKSPACES")
    }
    command = [sys.executable, "-m", "jupyterlab", *OPTIONS, f"--ServerApp.root_dir={folder}"]
    with open(folder / "lab.txt", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **private})
    try:
        yield _address(process, folder)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """As it says in its runtime file, once it listens."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        for file in (folder / ".jupyter_runtime").glob("jpserver-*.json"):
            with suppress(ValueError):  # half written
                return str(json.loads(file.read_text())["url"]).rstrip("/")
        time.sleep(0.05)
    raise Failed(f"JupyterLab did not start: {(folder / 'lab.txt').read_text()[-2000:]}")


def measure_lab(browser: Browser, address: str, notebook: Path, rounds: int) -> tuple[Figures, Weight]:
    context = browser.new_context(viewport=VIEW)
    page = context.new_page()
    prepare(page, CELLS, MOVE)
    weight = Weight.of(page)
    # A workspace of its own: nothing of an earlier round is opened again.
    page.goto(f"{address}/lab/workspaces/w{os.urandom(4).hex()}/tree/{notebook.name}")
    figures = opened(page)
    figures["page weight (kB)"] = weight.wire / 1000
    editor = page.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    editor.click()
    settle(page)
    figures["heap (MB)"] = heap(page)
    figures |= frames("pan at 1", page.evaluate(f"n => probe.scroll(n, {SCROLLS})", rounds))
    page.evaluate(f"{SCROLLS}.scrollTop = 0")
    settle(page)
    editor.click()
    figures |= keystrokes(page)
    context.close()
    return figures, weight
