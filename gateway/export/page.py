"""One HTML file of a notebook: as a document to read from top to bottom, or as its canvas.

Both hold the same articles in reading order. On the canvas a script (built from the page's own layout) puts them
in their places and lets people pan and zoom; without it, and on paper, the canvas is a document too.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from typing import Literal

from gateway.export.book import Book
from gateway.export.colours import highlighted
from gateway.export.outputs import output
from gateway.export.prose import prose
from gateway.pages import BUILT
from protocol.values import CellValue

View = Literal["canvas", "document"]
_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)


class NotBuilt(Exception):
    """The page has not been built: there is no style sheet."""


def page(book: Book, view: View) -> str:
    style, script = _asset("standalone.css"), _asset("standalone.js") if view == "canvas" else ""
    articles, outline = _articles(book)
    title = html.escape(book.title)
    policy = (
        "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
        f"script-src {_digest(script)}; base-uri 'none'; form-action 'none'"
    )
    body = "\n".join(articles)
    contents = _contents(outline) if view == "document" else ""
    data = f'<script type="application/json" id="graph">{_graph(book)}</script>' if script else ""
    run = f"<script>{script}</script>" if script else ""
    return f"""<!doctype html>
<html lang="en" data-view="{view}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Ganimede">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header class="top"><h1>{title}</h1></header>
{contents}<main>
{body}
</main>
{data}{run}
</body>
</html>
"""


def _asset(name: str) -> str:
    try:
        return (BUILT / "assets" / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotBuilt from None


def _digest(script: str) -> str:
    if not script:
        return "'none'"
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _graph(book: Book) -> str:
    notebook = book.notebook
    places = {cell.id: {"left": cell.left, "top": cell.top, "width": cell.width} for cell in notebook.cells}
    graph = {
        "ids": [cell.id for cell in notebook.cells],
        "np": notebook.np_graph,
        "pc": notebook.pc_graph,
        "places": places,
    }
    # Inside a script element nothing may look like its end.
    return json.dumps(graph, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def _articles(book: Book) -> tuple[list[str], list[tuple[int, str, str]]]:
    """The cells, and the headings among them: level, anchor, safe HTML."""
    articles: list[str] = []
    outline: list[tuple[int, str, str]] = []
    for number, cell in enumerate(book.cells, 1):
        made = _source(cell, book)
        if cell.type == "markdown":
            made = _anchored(made, number, outline)
        outputs = _outputs(cell, book)
        kind = {"code": "Code", "markdown": "Text"}.get(cell.type, "Raw text")
        label = f"{kind}, cell {number}"
        articles.append(
            f'<article class="cell {html.escape(cell.type)}" id="cell-{number}" '
            f'data-id="{html.escape(cell.id)}" aria-label="{label}">\n{made}{outputs}</article>'
        )
    return articles, outline


def _source(cell: CellValue, book: Book) -> str:
    if cell.type == "markdown":
        attachments = cell.attachments if isinstance(cell.attachments, dict) else None
        return f'<div class="prose">{prose(cell.source, book.image, attachments)}</div>\n'
    if not cell.source.strip():
        return ""
    if cell.type != "code":
        return f'<pre class="source raw">{html.escape(cell.source)}</pre>\n'
    count = "" if cell.execution_count is None else str(cell.execution_count)
    mark = f'<span class="count" aria-label="Run {count}">{count}</span>' if count else ""
    code = f'<pre class="source">{mark}<code>{highlighted(cell.source, str(book.language["name"]))}</code></pre>\n'
    if cell.collapsed in ("i", "b"):
        return f"<details><summary>Code</summary>\n{code}</details>\n"
    return code


def _outputs(cell: CellValue, book: Book) -> str:
    if cell.type != "code" or not cell.outputs:
        return ""
    made = "\n".join(filter(None, (output(each, book.image) for each in cell.outputs)))
    if not made:
        return ""
    made = f'<div class="outputs">\n{made}\n</div>\n'
    return f"<details><summary>Outputs</summary>\n{made}</details>\n" if cell.collapsed in ("o", "b") else made


def _anchored(made: str, number: int, outline: list[tuple[int, str, str]]) -> str:
    def named(found: re.Match[str]) -> str:
        anchor = f"heading-{number}-{len(outline) + 1}"
        outline.append((int(found[1]), anchor, re.sub(r"<[^>]*>", "", found[2])))
        # The notebook's own title is the page's first heading: what it holds comes below.
        level = min(6, int(found[1]) + 1)
        return f'<h{level} id="{anchor}" class="h{found[1]}">{found[2]}</h{level}>'

    return _HEADING.sub(named, made)


def _contents(outline: list[tuple[int, str, str]]) -> str:
    if len(outline) < 2:
        return ""
    items = "\n".join(
        f'<li class="level-{level}"><a href="#{anchor}">{text}</a></li>' for level, anchor, text in outline
    )
    return f'<nav aria-label="Contents"><ol>\n{items}\n</ol></nav>\n'
