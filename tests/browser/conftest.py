"""One Chromium for all, a server and fresh browser contexts for each test, and nothing that went wrong unseen."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from tests.browser.chromium import NoChromium, running_chromium
from tests.browser.host import Host, Wire
from tests.browser.person import Person
from tests.system.support import write_notebook

FAILURES = Path(__file__).resolve().parents[2] / ".cache/failures"
PAGE = Path(__file__).resolve().parents[2] / "gateway/static/page/index.html"
_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


# Package scope: it is gone before tests on trio's loop follow in the same thread.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not PAGE.exists():
        pytest.fail("The page is not built: run the tests with `make test`, or `python hatch_build.py` first.")
    try:
        with running_chromium() as browser:
            yield browser
    except NoChromium as error:
        pytest.fail(str(error))


class Scene:
    """A server with a notebook, and people on it."""

    def __init__(self, chromium: Browser, folder: Path, label: str) -> None:
        self._chromium = chromium
        self._folder = folder
        self._label = label
        self.people: list[Person] = []
        self._hosts: list[Host] = []
        self._wires: list[Wire] = []

    def notebook(
        self, *cells: dict[str, Any], metadata: dict[str, Any] | None = None, arguments: Any = ()
    ) -> Host:
        """A running server with these cells; ``--chaos`` always."""
        return self.serve(write_notebook(self._folder / "notes.ipynb", *cells, metadata=metadata), *arguments)

    def serve(self, notebook: Path, *arguments: str) -> Host:
        host = Host(notebook, self._folder / "state", "--chaos", *arguments)
        self._hosts.append(host)
        host.start()
        return host

    def wired(self, *cells: dict[str, Any], **more: Any) -> tuple[Host, Wire]:
        """The same behind a wire; whoever opens ``wire.url`` can be cut off."""
        wire = Wire()
        self._wires.append(wire)
        host = self.notebook(*cells, arguments=("--allow-origin", wire.url), **more)
        wire.lead_to(host.server.url)
        return host, wire

    def person(self, host: Host | None = None, name: str = "ada", *, address: str = "", **options: Any) -> Person:
        """Somebody new in a browser of their own. With a host they have opened it, or ``address`` on it."""
        options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
        person = Person(self._chromium.new_context(**options), name)
        self.people.append(person)
        if host is not None:
            token = f"/?token={host.server.token}"
            person.open(f"{address}{token}" if address else host.address)
        return person

    def two(self, host: Host) -> tuple[Person, Person]:
        return self.person(host, "ada"), self.person(host, "bob")

    def end(self, failed: bool) -> None:
        problems = [f"{person.name}: {problem}" for person in self.people for problem in person.problems]
        with ExitStack() as leaving:  # each of these, whatever the others do
            for host in self._hosts:
                leaving.callback(host.stop)
            for wire in self._wires:
                leaving.callback(wire.close)
            for person in self.people:
                leaving.callback(person.context.close)
            if failed or problems:
                self._picture()
        assert not problems, "\n".join(problems)

    def _picture(self) -> None:
        FAILURES.mkdir(parents=True, exist_ok=True)
        for person in self.people:
            with suppress(PlaywrightError):  # a page that crashed has no picture
                person.page.screenshot(path=FAILURES / f"{self._label}-{person.name}.png", timeout=5000)


@pytest.fixture
def scene(chromium: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    stage = Scene(chromium, tmp_path, re.sub(r"[^\w.-]+", "-", request.node.name))
    yield stage
    stage.end(request.node.stash.get(_FAILED, False))
