"""Colours of programs (Pygments) and of terminals (ANSI escapes) as classes, for a sheet with light and dark."""

from __future__ import annotations

import html
import re
from itertools import pairwise

from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound
from rich.style import Style
from rich.text import Text

# Characters beyond which text stays without colours: both libraries take their time.
_LONGEST = 200_000
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# The names that Pygments has for what kernels call otherwise.
_NAMES = {"ipython": "python", "python3": "python", "c++": "cpp", "sos": "python"}


def highlighted(code: str, language: str) -> str:
    """HTML of spans with Pygments's short class names."""
    if len(code) > _LONGEST:
        return html.escape(code)
    try:
        lexer = get_lexer_by_name(_NAMES.get(language.lower(), language.lower()), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return html.escape(code)
    spans: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return spans.removesuffix("\n")


def terminal(text: str) -> str:
    """HTML of what a terminal would show: its 16 colours as classes ``fg-1``, ``bg-1``…, all others in place."""
    if "\x1b" not in text:
        return html.escape(text)
    if len(text) > _LONGEST:
        return html.escape(_ESCAPE.sub("", text))
    read = Text.from_ansi(text, end="")
    marks = sorted({0, len(read.plain), *(at for span in read.spans for at in (span.start, span.end))})
    parts = []
    for begin, end in pairwise(marks):
        styles = [span.style for span in read.spans if span.start <= begin < span.end]
        known = [each for each in styles if isinstance(each, Style)]
        parts.append(_span(html.escape(read.plain[begin:end]), Style.combine(known) if known else Style()))
    return "".join(parts)


def _span(text: str, style: Style) -> str:
    classes, direct = [], []
    for sheet, name, colour in (("fg", "color", style.color), ("bg", "background-color", style.bgcolor)):
        if colour is None or colour.is_default:
            continue
        if colour.number is not None and colour.number < 16:
            classes.append(f"{sheet}-{colour.number}")
        else:
            red, green, blue = colour.get_truecolor()
            direct.append(f"{name}:#{red:02x}{green:02x}{blue:02x}")
    for name, on in (("bold", style.bold), ("italic", style.italic), ("underline", style.underline)):
        if on:
            classes.append(name)
    if not classes and not direct:
        return text
    attributes = f' class="{" ".join(classes)}"' if classes else ""
    attributes += f' style="{";".join(direct)}"' if direct else ""
    return f"<span{attributes}>{text}</span>"
