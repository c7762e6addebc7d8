"""Markdown as the page shows it, with mathematics as MathML, which browsers know by themselves.

markdown-it is the Python port of what the page uses; the rules for what a ``$`` means are those of its plugin.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

from latex2mathml import exceptions as latex_errors
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

from gateway.export.book import ReadImage, data_address
from gateway.export.colours import highlighted
from gateway.export.sanitise import sanitise
from protocol.values import JsonObject

_LONGEST = 20_000  # characters of a formula
# Whatever the converter stumbles over: its own errors have nothing in common, and some input it just trips on.
_UNREADABLE: Final[tuple[type[Exception], ...]] = (
    *(each for each in vars(latex_errors).values() if isinstance(each, type) and issubclass(each, Exception)),
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
)


def prose(text: str, read_image: ReadImage, attachments: JsonObject | None = None) -> str:
    """Safe HTML. Images that are attached or lie beside the notebook come along."""
    parser = _parser()
    tokens = parser.parse(text)
    for token in _all(tokens):
        if token.type == "image":
            _bring(token, read_image, attachments or {})
    return sanitise(parser.renderer.render(tokens, parser.options, {}))


def mathematics(latex: str, *, display: bool) -> str:
    """MathML; what cannot be read as LaTeX stands there as it was written."""
    if len(latex) <= _LONGEST:
        try:
            return convert(latex, display="block" if display else "inline")
        except _UNREADABLE:
            pass  # a person who knows LaTeX can still read it
    tag = "pre" if display else "code"
    return f'<{tag} class="latex">{html.escape(latex)}</{tag}>'


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"highlight": lambda code, language, _: highlighted(code, language)})
    parser.enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True, renderer=_dollars)
    parser.use(amsmath_plugin, renderer=lambda text: mathematics(text, display=True))
    return parser


def _dollars(text: str, options: Mapping[str, Any]) -> str:
    return mathematics(text, display=bool(options.get("display_mode")))


def _all(tokens: Sequence[Token]) -> list[Token]:
    return [each for token in tokens for each in (token, *_all(token.children or []))]


def _bring(token: Token, read_image: ReadImage, attachments: JsonObject) -> None:
    source = str(token.attrGet("src") or "")
    if source.startswith("data:"):
        return
    if source.startswith("attachment:"):
        found = _attached(attachments.get(unquote(source.removeprefix("attachment:"))))
    else:
        local = not re.match(r"[a-z][a-z0-9+.-]*:|//|/", source, re.IGNORECASE)
        found = read_image(unquote(source.split("?")[0].split("#")[0])) if local else None
    if found is not None:
        token.attrSet("src", found)


def _attached(bundle: object) -> str | None:
    if not isinstance(bundle, dict):
        return None
    for kind, value in bundle.items():
        if isinstance(value, str) and str(kind).startswith("image/"):
            if kind == "image/svg+xml":
                return data_address(kind, value.encode())
            return f"data:{kind};base64,{''.join(value.split())}"
    return None
