"""The pages stand under a content security policy without exceptions, and serve their own files alone."""

from __future__ import annotations

import base64
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


def test_the_page_names_the_notebook_and_escapes_what_it_names(tmp_path: Path) -> None:
    settings = from_arguments([str(tmp_path / "<b>a & b.ipynb")], {})
    status, kind, body = read(pages.status_page(settings))
    page = body.decode()
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert "<title>&lt;b&gt;a &amp; b.ipynb – Ganimede</title>" in page
    assert "<b>" not in page
    assert "{{" not in page


def test_the_page_needs_nothing_that_its_policy_forbids() -> None:
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
     "status.html", "token.html", "codicon.ttf", "status.js\0"],
)  # fmt: skip
def test_what_is_not_an_asset_is_not_found(name: str) -> None:
    assert read(pages.asset(name))[0] == 404


def test_an_asset_says_what_it_is() -> None:
    assert read(pages.asset("status.css"))[1] == "text/css; charset=utf-8"
    assert read(pages.asset("status.js"))[1] == "text/javascript; charset=utf-8"
    status, kind, body = read(pages.asset("favicon.ico"))
    assert (status, kind, body[:4]) == (200, "image/x-icon", b"\0\0\1\0")
    assert len(body) < 2000
