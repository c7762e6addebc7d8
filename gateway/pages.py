"""What a browser is shown: the page with the canvas, the notebook's state in plain words, the question for the
token, the frame for scripted outputs, and their files."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import html
import re
import secrets
from pathlib import Path

import msgspec
from quart import Response

from gateway.settings import Settings

STATIC = Path(__file__).parent / "static"
# The built page: made by the frontend's build, not by hand, and absent until then.
BUILT = STATIC / "page"
# Only these are served as assets, each by its name.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_SQUEEZED = frozenset({".css", ".js", ".svg", ".ttf"})
_HTML = "text/html; charset=utf-8"

# CodeMirror's style elements carry the nonce; KaTeX and sanitised outputs have style attributes, which load
# nothing that other directives do not allow. 'self' is also the page's own WebSocket, in every browser that the
# page is built for.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; "
    "style-src-elem 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; worker-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# The frame holds code of a notebook by intention: what keeps it harmless is an origin of nobody (sandbox, never
# with allow-same-origin) and no network at all. 'unsafe-inline' instead of a nonce, since a nonce would switch off
# the on… attributes and inserted scripts of ordinary outputs, and the document has nothing of ours to protect.
FRAME_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "style-src 'unsafe-inline' data: blob:; img-src data: blob:; media-src data: blob:; font-src data: blob:; "
    "connect-src data: blob:; worker-src blob:; base-uri 'none'; object-src 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


class Asset(msgspec.Struct, frozen=True):
    """``squeezed``: the same by gzip, None where that gains nothing. ``forever``: its name has a hash of it."""

    kind: str
    body: bytes
    squeezed: bytes | None
    forever: bool


def canvas_page(settings: Settings) -> Response:
    """The page, or the notebook's state where the page has not been built."""
    page = _built_page(_build_stamp())
    if page is None:
        return status_page(settings)
    nonce = secrets.token_urlsafe(18)
    title = f"<title>{html.escape(settings.notebook.name)} – Ganimede</title>"
    # In this order: a notebook's name may look like a placeholder.
    page = page.replace("{{nonce}}", nonce).replace("<title>Ganimede</title>", title, 1)
    headers = {"Content-Security-Policy": PAGE_POLICY.replace("{nonce}", nonce), "Cache-Control": "no-store"}
    return Response(page, headers=headers, content_type=_HTML)


def status_page(settings: Settings) -> Response:
    names = {"notebook": settings.notebook.name, "folder": str(settings.notebook.parent)}
    # At once: a name may look like a placeholder.
    page = re.sub(r"{{(notebook|folder)}}", lambda found: html.escape(names[found[1]]), _text("status.html"))
    return Response(page, content_type=_HTML)


def frame_page() -> Response:
    """The document that runs scripted outputs; the page posts them in."""
    headers = {
        "Content-Security-Policy": FRAME_POLICY,
        "Cache-Control": "no-store",
        "X-DNS-Prefetch-Control": "off",  # a name that is looked up is a message too
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), display-capture=(), payment=(), usb=()",
    }
    return Response(_text("frame.html"), headers=headers, content_type=_HTML)


def token_page(wrong: bool) -> tuple[bytes, str]:
    """The page and its Content-Security-Policy: it stands alone, since whoever sees it may load nothing else."""
    page = _text("token.html").replace("{{wrong}}", "That was not this server's token." if wrong else "")
    policy = (
        f"default-src 'none'; style-src {_hash(page, 'style')}; script-src {_hash(page, 'script')}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return page.encode(), policy


def asset(name: str, gzipped: bool = False) -> Response:
    """A file of the package, looked up among those that exist: no name can lead anywhere else.

    Reads the disk and compresses when a build is first asked for: for a thread. ``gzipped``: the asker takes it.
    """
    found = _assets(_build_stamp()).get(name)
    if found is None:
        return Response("There is no such file.\n", 404, content_type="text/plain; charset=utf-8")
    headers = {"Cache-Control": "private, max-age=31536000, immutable" if found.forever else "no-cache"}
    if found.squeezed is None:
        return Response(found.body, headers=headers, content_type=found.kind)
    headers["Vary"] = "Accept-Encoding"
    if not gzipped:
        return Response(found.body, headers=headers, content_type=found.kind)
    headers["Content-Encoding"] = "gzip"
    return Response(found.squeezed, headers=headers, content_type=found.kind)


def _build_stamp() -> tuple[int, int] | None:
    """Another one after each build, so that a server in development serves the newest; None: not built."""
    try:
        status = (BUILT / "index.html").stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=1)
def _built_page(stamp: tuple[int, int] | None) -> str | None:
    return None if stamp is None else (BUILT / "index.html").read_text(encoding="utf-8")


@functools.lru_cache(maxsize=1)
def _assets(stamp: tuple[int, int] | None) -> dict[str, Asset]:
    ours = {path.name: _read(path, forever=False) for path in _files(STATIC)}
    built = BUILT / "assets"
    hashed = {} if stamp is None else {
        path.relative_to(built).as_posix(): _read(path, forever=True) for path in _files(built, "**/*")
    }  # fmt: skip
    return hashed | ours


def _files(folder: Path, pattern: str = "*") -> list[Path]:
    return [
        path
        for path in sorted(folder.glob(pattern))
        if path.suffix in _TYPES and path.is_file() and path.resolve().is_relative_to(STATIC.resolve())
    ]


def _read(path: Path, forever: bool) -> Asset:
    body = path.read_bytes()
    squeezed = gzip.compress(body, 9, mtime=0) if path.suffix in _SQUEEZED and len(body) > 1000 else None
    return Asset(_TYPES[path.suffix], body, squeezed, forever)


@functools.cache
def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _hash(page: str, element: str) -> str:
    found = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    assert found is not None
    digest = hashlib.sha256(found[1].encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
