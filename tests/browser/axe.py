"""What axe-core (npm, frontend/node_modules) finds in a page against WCAG 2.2 A and AA and its best practices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SOURCE = Path(__file__).resolve().parents[2] / "frontend/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Frames have a page of their own, without an origin: what is in them is what the kernel sent.
RUN = """async ({ tags, exclude }) => {
  const found = await axe.run({ exclude }, { runOnly: tags, iframes: false, resultTypes: ['violations'] });
  return found.violations.map(({ id, impact, help, nodes }) => ({
    id, impact, help,
    where: nodes.slice(0, 4).map((node) => `${node.target.join(' ')}: ${node.failureSummary.split('\\n').slice(1).join(' ').trim()}`),
  }));
}"""


def faults(page: Page, *exclude: str) -> list[str]:
    """Each with its rule, how grave it is, and where; empty: nothing."""
    if not page.evaluate("'axe' in globalThis"):
        # As a string, which the page's policy does not concern: it knows no scripts but the server's own.
        page.evaluate(f"() => {{ {SOURCE.read_text()} }}")
    found: list[dict[str, Any]] = page.evaluate(RUN, {"tags": TAGS, "exclude": [*exclude, "iframe"]})
    return [f"{each['id']} ({each['impact']}): {each['help']}: {'; '.join(each['where'])}" for each in found]
