"""What a browser is shown before the canvas exists: the notebook's state, the question for the token, files."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import re
from pathlib import Path

from quart import Response

from gateway.settings import Settings

STATIC = Path(__file__).parent / "static"
# Only these are served as assets, each by its name.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
}


def status_page(settings: Settings) -> Response:
    page = _text("status.html")
    page = page.replace("{{notebook}}", html.escape(settings.notebook.name))
    page = page.replace("{{folder}}", html.escape(str(settings.notebook.parent)))
    return Response(page, content_type="text/html; charset=utf-8")


def token_page(wrong: bool) -> tuple[bytes, str]:
    """The page and its Content-Security-Policy: it stands alone, since whoever sees it may load nothing else."""
    page = _text("token.html").replace("{{wrong}}", "That was not this server's token." if wrong else "")
    policy = (
        f"default-src 'none'; style-src {_hash(page, 'style')}; script-src {_hash(page, 'script')}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return page.encode(), policy


def asset(name: str) -> Response:
    """A file of the package, looked up among those that exist: no name can lead anywhere else."""
    body = _assets().get(name)
    if body is None:
        return Response("There is no such file.\n", 404, content_type="text/plain; charset=utf-8")
    headers = {"Cache-Control": "no-cache"}
    return Response(body, headers=headers, content_type=_TYPES[Path(name).suffix])


@functools.cache
def _assets() -> dict[str, bytes]:
    found = (path for path in sorted(STATIC.rglob("*")) if path.suffix in _TYPES)
    return {
        path.relative_to(STATIC).as_posix(): path.read_bytes()
        for path in found
        if path.is_file() and path.resolve().is_relative_to(STATIC.resolve())
    }


@functools.cache
def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _hash(page: str, element: str) -> str:
    found = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    assert found is not None
    digest = hashlib.sha256(found[1].encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
