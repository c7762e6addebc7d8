"""Outputs as HTML that runs nothing: of each the richest form that needs no script."""

from __future__ import annotations

import html
import json
from collections.abc import Callable

from gateway.export.book import ReadImage, data_address
from gateway.export.colours import terminal
from gateway.export.prose import mathematics, prose
from gateway.export.sanitise import sanitise
from protocol.blobs import references
from protocol.values import Json, JsonObject

# Of these only a picture or words can come along.
_LIVE = (
    "application/vnd.plotly.",
    "application/vnd.vega",
    "application/vnd.jupyter.widget-view",
    "application/javascript",
)
LIVE = "This output is interactive: open the notebook to use it."
MISSING = "This output's value is missing."


def output(value: JsonObject, read_image: ReadImage) -> str:
    match value.get("output_type"):
        case "stream":
            name = "stderr" if value.get("name") == "stderr" else "stdout"
            return f'<pre class="stream {name}">{terminal(_text(value.get("text")))}</pre>'
        case "error":
            return _error(value)
        case _:
            data = value.get("data")
            return _bundle(data, read_image) if isinstance(data, dict) else ""


def _error(value: JsonObject) -> str:
    trace = value.get("traceback")
    lines = [each for each in trace if isinstance(each, str)] if isinstance(trace, list) else []
    named = f"{value.get('ename') or 'Error'}: {value.get('evalue') or ''}"
    return f'<pre class="error" aria-label="Error">{terminal(chr(10).join(lines) or named)}</pre>'


def _bundle(data: JsonObject, read_image: ReadImage) -> str:
    live = any(mime.startswith(_LIVE) for mime in data)
    order = list(_FORMS) if not live else [mime for mime in _FORMS if mime != "text/html"] + ["text/html"]
    for mime in order:
        if mime in data and (made := _FORMS[mime](data[mime], read_image)):
            return _note(data, live and not mime.startswith("image/")) + made
    return _note(data, live)


def _note(data: JsonObject, live: bool) -> str:
    said = LIVE if live else MISSING if references(data) else ""
    return f'<p class="note">{said}</p>' if said else ""


def _text(value: Json) -> str:
    return (
        "".join(each for each in value if isinstance(each, str)) if isinstance(value, list) else str(value or "")
    )


def _html(value: Json, _: ReadImage) -> str:
    made = sanitise(_text(value))
    return f'<div class="rich">{made}</div>' if made.strip() else ""


def _markdown(value: Json, read_image: ReadImage) -> str:
    return f'<div class="rich prose">{prose(_text(value), read_image)}</div>'


def _svg(value: Json, _: ReadImage) -> str:
    # As an image it can run nothing and load nothing.
    return f'<img alt="Drawing" src="{data_address("image/svg+xml", _text(value).encode())}">'


def _latex(value: Json, _: ReadImage) -> str:
    text = _text(value).strip()
    for sign in ("$$", "$"):
        if len(text) > 2 * len(sign) and text.startswith(sign) and text.endswith(sign):
            return sanitise(mathematics(text[len(sign) : -len(sign)], display=True))
    return sanitise(mathematics(text, display=True))


def _json(value: Json, _: ReadImage) -> str:
    return f'<pre class="plain">{html.escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>'


def _plain(value: Json, _: ReadImage) -> str:
    return f'<pre class="plain">{terminal(_text(value))}</pre>'


def _image(mime: str) -> Callable[[Json, ReadImage], str]:
    def made(value: Json, _: ReadImage) -> str:
        coded = html.escape("".join(_text(value).split()))
        return f'<img alt="Image" src="data:{mime};base64,{coded}">' if coded else ""

    return made


# The richest first, as the page has them.
_FORMS: dict[str, Callable[[Json, ReadImage], str]] = {
    "text/html": _html,
    "text/markdown": _markdown,
    "image/svg+xml": _svg,
    **{f"image/{kind}": _image(f"image/{kind}") for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp")},
    "text/latex": _latex,
    "application/json": _json,
    "text/plain": _plain,
}
