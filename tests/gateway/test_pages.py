"""The pages stand under a content security policy without exceptions, and serve their own files alone."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest
import trio
from quart import Response
from quart_trio import QuartTrio

from gateway import pages
from gateway.access_middleware import CONTENT_SECURITY_POLICY
from gateway.settings import from_arguments

pytestmark = pytest.mark.pure


def read(response: Response) -> tuple[int, str, bytes]:
    async def main() -> bytes:
        async with QuartTrio(__name__).app_context():
            return bytes(await response.get_data(as_text=False))

    return response.status_code, str(response.content_type), trio.run(main)


def directives(policy: str) -> dict[str, str]:
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";"))


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page, in the package's own place for files."""
    static = tmp_path / "static"
    (static / "page" / "assets" / "below").mkdir(parents=True)
    for path in pages.STATIC.iterdir():
        if path.is_file():
            (static / path.name).write_bytes(path.read_bytes())
    (static / "page" / "index.html").write_text(
        '<meta name="csp-nonce" content="{{nonce}}" /><title>Ganimede</title><script src="/assets/a-1.js"></script>'
    )
    (static / "page" / "assets" / "a-1.js").write_text("let a;" * 1000)
    (static / "page" / "assets" / "a-1.js.map").write_text("{}")
    (static / "page" / "assets" / "font-1.woff2").write_bytes(bytes(2000))
    (static / "page" / "assets" / "below" / "c-1.css").write_text("a{}")
    (tmp_path / "outside.js").write_text("outside")
    (static / "page" / "assets" / "out.js").symlink_to(tmp_path / "outside.js")
    monkeypatch.setattr(pages, "STATIC", static)
    monkeypatch.setattr(pages, "BUILT", static / "page")
    return static / "page"


def test_the_built_page_has_a_new_nonce_in_each_answer_and_names_the_notebook(built: Path, tmp_path: Path) -> None:
    settings = from_arguments([str(tmp_path / "<b>{{nonce}} & b.ipynb")], {})
    nonces = set()
    for _ in range(5):
        response = pages.canvas_page(settings)
        _, kind, body = read(response)
        page = body.decode()
        (nonce,) = re.findall(r'name="csp-nonce" content="([^"]+)"', page)
        policy = directives(response.headers["Content-Security-Policy"])
        assert policy["style-src-elem"] == f"'self' 'nonce-{nonce}'"
        assert kind == "text/html; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert "<title>&lt;b&gt;{{nonce}} &amp; b.ipynb – Ganimede</title>" in page
        nonces.add(nonce)
    assert len(nonces) == 5
    assert all(len(nonce) >= 24 for nonce in nonces)


def test_the_page_runs_only_its_own_scripts_and_reaches_only_its_own_server() -> None:
    policy = directives(pages.PAGE_POLICY)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["frame-src"] == policy["worker-src"] == "'self'"
    for name in ("base-uri", "object-src", "form-action", "frame-ancestors"):
        assert policy[name] == "'none'"
    for name, sources in policy.items():
        assert ("unsafe" in sources) == (name == "style-src-attr")
        assert set(sources.split()) <= {"'self'", "'none'", "'unsafe-inline'", "'nonce-{nonce}'", "data:", "blob:"}


def test_without_a_build_the_notebooks_state_is_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BUILT", tmp_path / "nothing")
    settings = from_arguments([str(tmp_path / "n.ipynb")], {})
    assert read(pages.canvas_page(settings)) == read(pages.status_page(settings))
    assert read(pages.asset("status.js"))[0] == 200


def test_built_files_are_kept_for_ever_and_a_new_build_is_seen(built: Path, tmp_path: Path) -> None:
    response = pages.asset("a-1.js")
    assert read(response)[1] == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert read(pages.asset("font-1.woff2"))[1] == "font/woff2"
    assert read(pages.asset("below/c-1.css"))[2] == b"a{}"
    assert pages.asset("status.js").headers["Cache-Control"] == "no-cache"
    for name in ("a-1.js.map", "out.js", "page/index.html", "page/assets/a-1.js", "index.html", "frame.html"):
        assert read(pages.asset(name))[0] == 404
    (built / "assets" / "b-2.js").write_text("new")
    (built / "index.html").write_text("<title>Ganimede</title> again")
    assert read(pages.asset("b-2.js"))[2] == b"new"
    assert b"again" in read(pages.canvas_page(from_arguments([str(tmp_path / "n.ipynb")], {})))[2]


def test_text_is_compressed_for_whoever_takes_it(built: Path) -> None:
    plain, squeezed = pages.asset("a-1.js"), pages.asset("a-1.js", gzipped=True)
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(read(squeezed)[2]) == read(plain)[2]
    assert len(read(squeezed)[2]) < 200
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == squeezed.headers["Vary"] == "Accept-Encoding"
    for name in ("font-1.woff2", "below/c-1.css"):  # compressed already, or too small to gain
        assert "Content-Encoding" not in pages.asset(name, gzipped=True).headers


def test_the_frame_is_nobodys_origin_without_a_network() -> None:
    response = pages.frame_page()
    policy = directives(response.headers["Content-Security-Policy"])
    assert policy["sandbox"] == "allow-scripts"
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    allowed = {source for name, sources in policy.items() if name.endswith("-src") for source in sources.split()}
    assert allowed <= {"'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}
    assert response.headers["X-DNS-Prefetch-Control"] == "off"
    page = read(response)[2].decode()
    assert not re.search(r"https?://|(src|href)=\"", page)
    assert "event.source !== page" in page


def test_the_status_page_names_the_notebook_and_escapes_what_it_names(tmp_path: Path) -> None:
    settings = from_arguments([str(tmp_path / "<b>a & b.ipynb")], {})
    status, kind, body = read(pages.status_page(settings))
    page = body.decode()
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert "<title>&lt;b&gt;a &amp; b.ipynb – Ganimede</title>" in page
    assert "<b>" not in page
    assert "{{" not in page


def test_the_status_page_needs_nothing_that_its_policy_forbids() -> None:
    page = (pages.STATIC / "status.html").read_text()
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert not re.search(r"<style|style=|<script>|\son\w+=|https?://|data:", page)
    for name in re.findall(r'(?:src|href)="/assets/([^"]+)"', page):
        assert read(pages.asset(name))[0] == 200


def test_the_script_writes_text_and_never_markup() -> None:
    script = (pages.STATIC / "status.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://", script)
    assert "history.replaceState" in script


@pytest.mark.parametrize("wrong", [False, True])
def test_the_page_that_asks_for_the_token_loads_nothing_else(wrong: bool) -> None:
    body, policy = pages.token_page(wrong)
    page = body.decode()
    assert not re.search(r"src=|href=|url\(|@import|\sstyle=|\son\w+=", page)
    for element in ("style", "script"):
        (inline,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert ("not this server's token" in page) == wrong
    assert 'name="token"' in page


def test_the_page_that_asks_looks_again_once_for_a_click_from_another_site() -> None:
    page = pages.token_page(False)[0].decode()
    assert 'if (!query.has("token") && !query.has("again")) location.replace("/?again")' in page


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../pages.py", "..%2fpages.py", "/etc/passwd", "static/status.js", "status.js/", "STATUS.JS",
     "status.html", "token.html", "frame.html", "codicon.ttf", "status.js\0"],
)  # fmt: skip
def test_what_is_not_an_asset_is_not_found(name: str) -> None:
    assert read(pages.asset(name))[0] == 404


def test_an_asset_says_what_it_is() -> None:
    assert read(pages.asset("status.css"))[1] == "text/css; charset=utf-8"
    assert read(pages.asset("status.js"))[1] == "text/javascript; charset=utf-8"
    status, kind, body = read(pages.asset("favicon.ico"))
    assert (status, kind, body[:4]) == (200, "image/x-icon", b"\0\0\1\0")
    assert len(body) < 2000
