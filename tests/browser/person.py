"""Somebody with the page open: what they do, what they see, and whatever went wrong in their browser."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

# Milliseconds that anything may take on a machine with little time for us.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)
# What a browser itself says of a server that is away.
AWAY = re.compile(r"WebSocket connection to|Failed to load resource: net::|ERR_CONNECTION")
# A violation of the policy is an error wherever it happens, but in the frame: there it is what the frame is for.
WATCH_POLICY = """if (self.origin !== 'null') addEventListener('securitypolicyviolation', (event) => {
  console.error(`violates ${event.violatedDirective}: ${event.blockedURI} ${event.sample} ${event.sourceFile}`);
});"""

Json = Any


class Person:
    """``away``: the server is expected to be away at times."""

    def __init__(self, context: BrowserContext, name: str) -> None:
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH_POLICY)
        self.context = context
        self.name = name
        self.away = False
        self.expected: re.Pattern[str] | None = None  # a line in the console that belongs to the test
        self.problems: list[str] = []
        self.page: Page = context.new_page()
        self.page.on(
            "pageerror", lambda error: self.problems.append(f"{error.name}: {error.message}\n{error.stack}")
        )
        self.page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        expected = (self.away and AWAY.search(message.text)) or (
            self.expected and self.expected.search(message.text)
        )
        url = str(message.location.get("url"))
        framed = url.endswith("/frame") or url.startswith("blob:null/")  # what the page hands it is of no origin
        if message.type == "error" and not expected and not framed:
            self.problems.append(f"console: {message.text} ({message.location.get('url')})")

    # ---------------------------------------------------------------------------------------------- the document

    def open(self, address: str) -> Person:
        self.page.goto(address)
        self.connected()
        self.page.evaluate("name => ganimede.people.rename(name)", self.name)
        return self

    def connected(self) -> None:
        self.until("globalThis.ganimede?.room.state === 'connected'")

    def can_write(self) -> None:
        """Until the page has all that an editor needs: from here on it may lose its server."""
        self.page.wait_for_selector(".cm-editor", state="attached")

    def sent(self) -> None:
        """Until the server holds every edit of mine."""
        self.until("ganimede.room.state === 'connected' && ganimede.room.unsent === 0")

    def until(self, holds: str, argument: Json = None, within: int = PATIENCE) -> None:
        """Until a JavaScript expression is true; ``it`` is the argument."""
        try:
            self.page.wait_for_function(f"it => ({holds})", arg=argument, timeout=within)
        except Exception as error:
            error.add_note(f"{self.name} waited for: {holds} {argument!r}; {self.describe()}")
            raise

    def describe(self) -> str:
        return str(self.page.evaluate("JSON.stringify(globalThis.ganimede?.room.doc.getArray('cells').toJSON())"))

    def ids(self) -> list[str]:
        found: list[str] = self.page.evaluate("ganimede.room.doc.getArray('cells').toArray()")
        return found

    def text(self, cell_id: str) -> str:
        """A cell's source, as this browser's document has it."""
        return str(self.page.evaluate("id => ganimede.room.doc.getMap(id).get('source').toString()", cell_id))

    def get(self, cell_id: str, key: str) -> Json:
        return self.page.evaluate("([id, key]) => ganimede.room.doc.getMap(id).toJSON()[key]", [cell_id, key])

    def place(self, cell_id: str) -> tuple[float, float]:
        return (self.get(cell_id, "left"), self.get(cell_id, "top"))

    def graph(self, name: str) -> dict[str, list[str]]:
        """ "np" or "pc"."""
        found: dict[str, list[str]] = self.page.evaluate(
            "name => ganimede.room.doc.getMap(`${name}_graph`).toJSON()", name
        )
        return found

    def until_text(self, cell_id: str, text: str) -> None:
        self.until("ganimede.room.doc.getMap(it[0]).get('source').toString() === it[1]", [cell_id, text])

    def until_idle(self, cell_id: str) -> None:
        """Until it has run: it counts, and runs no longer."""
        self.until(
            "(map => map.get('execution_count') !== null && map.get('state') === 'idle')"
            "(ganimede.room.doc.getMap(it))",
            cell_id,
        )

    def until_state(self, cell_id: str, state: str) -> None:
        self.until("ganimede.room.doc.getMap(it[0]).get('state') === it[1]", [cell_id, state])

    def output_text(self, cell_id: str) -> str:
        """Everything that its streams say."""
        outputs = self.get(cell_id, "outputs")
        return "".join(each.get("text", "") for each in outputs if each["output_type"] == "stream")

    def until_printed(self, cell_id: str, text: str) -> None:
        self.until(
            "ganimede.room.doc.getMap(it[0]).toJSON().outputs.some(o => (o.text ?? '').includes(it[1]))",
            [cell_id, text],
        )

    # -------------------------------------------------------------------------------------------------- the page

    def cell(self, cell_id: str) -> Locator:
        return self.page.locator(f'[data-cell-id="{cell_id}"]')

    def sees(self, cell_id: str) -> Locator:
        found = self.cell(cell_id)
        expect(found).to_be_visible()
        return found

    def button(self, name: str | re.Pattern[str], inside: Locator | None = None) -> Locator:
        return (inside or self.page).get_by_role("button", name=name)

    def tool(self, name: str | re.Pattern[str]) -> Locator:
        """A button of the bar at the top."""
        return self.page.get_by_role("toolbar").get_by_role("button", name=name)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def edit(self, cell_id: str) -> Locator:
        """The keyboard into the cell's editor, at the end of its text; the editor."""
        self.sees(cell_id)
        self.page.evaluate("id => ganimede.board.edit(id)", cell_id)
        editor = self.cell(cell_id).locator(".cm-content").first
        expect(editor).to_be_focused()
        self.press("ControlOrMeta+End")
        return editor

    def toast(self, text: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("status").or_(self.page.get_by_role("alert")).filter(has_text=text)
