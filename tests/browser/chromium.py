"""The machine's own Chromium: playwright brings none of its own here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing but the tests' own server is asked for anything.
QUIET = ("--disable-background-networking", "--disable-sync", "--no-pings", "--disable-domain-reliability")


class NoChromium(Exception):
    """A sentence that says what to install."""


def find_chromium() -> str:
    """Its path; installed by apt if this is root's Debian."""
    path = _on_path()
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for line in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *line], env=environment, check=False, timeout=600)
        path = _on_path()
    if path is None:
        raise NoChromium(
            "The browser tests need Chromium, and none is on the PATH. Debian: apt-get install chromium; "
            "elsewhere the package `chromium` or Google Chrome."
        )
    return path


def _on_path() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running_chromium(*flags: str) -> Iterator[Browser]:
    path = find_chromium()
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox, *flags])
        try:
            yield browser
        finally:
            browser.close()
