"""Outputs whose values lie beside the document: drawn like any other, and said to be missing where they are."""

from __future__ import annotations

import base64
import random
import re
import zlib
from struct import pack
from typing import Any

import pytest
from playwright.sync_api import expect

from protocol.blobs import MIME
from tests.browser.conftest import Scene
from tests.browser.test_outputs import shown, with_output


def noise(side: int = 200) -> bytes:
    """A PNG that no compression makes small."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    dice = random.Random(4)
    rows = b"".join(b"\0" + dice.randbytes(3 * side) for _ in range(side))
    header = chunk(b"IHDR", pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.e2e
def test_large_outputs_are_fetched_and_what_is_missing_is_said_in_words(scene: Scene) -> None:
    table = "".join(f"<tr><td>row {n}</td><td>{'x' * 20}</td></tr>" for n in range(2000))
    ghost: dict[str, Any] = {"sha256": "0" * 64, "size": 123_456}
    lost = shown(MIME, {"image/png": {**ghost, "base64": "plain"}, "text/plain": None})
    lost["data"]["text/plain"] = "[image/png of 123.5 kB]"
    host = scene.notebook(
        with_output("lost", lost),
        with_output("plot", shown("image/png", base64.b64encode(noise()).decode())),
        with_output("table", shown("text/html", f"<table>{table}</table>")),
    )
    ada = scene.person()
    ada.expected = re.compile("status of 404")
    ada.open(host.address)
    note = ada.sees("lost").get_by_role("note")
    expect(note).to_contain_text("is missing on the server")
    ada.button("Try again", note).click()
    expect(ada.sees("lost").get_by_role("note")).to_contain_text("is missing on the server")
    image = ada.sees("plot").locator("img")
    expect(image).to_have_attribute("src", f"/blob/{_only_name(ada)}")
    ada.until("document.querySelector('[data-cell-id=plot] img').naturalWidth === 200")
    expect(ada.sees("table").locator("td").first).to_have_text("row 0")


def _only_name(ada: Any) -> str:
    """What the document refers to in the first cell."""
    script = f"ganimede.room.doc.getMap('plot').get('outputs').get(0).data[{MIME!r}]['image/png'].sha256"
    return str(ada.page.evaluate(script))
