"""Large outputs of a real kernel: beside the document, served, and whole in the file. SPEC.md, section B."""

from __future__ import annotations

import base64
import random
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from protocol.blobs import MIME
from tests.server import running_server
from tests.system.support import Page, code_cell, read_notebook, write_notebook

pytestmark = pytest.mark.system

IMAGE = b"\x89PNG\r\n\x1a\n" + random.Random(5).randbytes(1_000_000)
CELL = "aaaaaaaa"
NAME = sha256(IMAGE).hexdigest()
SHOW = f"""
import random
from IPython.display import display
data = {IMAGE[:8]!r} + random.Random(5).randbytes(1_000_000)
display({{"image/png": data, "text/plain": "a plot"}}, raw=True)
print("behind it")
"""


async def test_an_image_of_a_megabyte_is_a_reference_in_the_document_and_whole_in_the_file(tmp_path: Path) -> None:
    path, state = write_notebook(tmp_path / "n.ipynb", code_cell(CELL, SHOW)), tmp_path / "state"
    with trio.fail_after(60):
        async with running_server(path, state_dir=state) as server:
            async with Page(server) as page:
                await page.queue(CELL)
                await page.ended(CELL)
                assert [each["output_type"] for each in page.outputs(CELL)] == ["display_data", "stream"]
                await page.ask("notebook", "checkpoint")
            async with Page(server) as other:
                outputs = other.outputs(CELL)
                assert outputs[0]["data"] == {
                    "text/plain": "a plot",
                    MIME: {"image/png": {"sha256": NAME, "size": len(IMAGE), "base64": "plain"}},
                }
                assert len(other.doc.get_update()) < 10_000
            await _served(server)
            server.terminate()
            assert await server.wait() == 0
            assert "Traceback" not in server.stderr
        saved = path.read_bytes()
        image = read_notebook(path)["cells"][0]["outputs"][0]["data"]["image/png"]
        assert base64.b64decode(image) == IMAGE
        for folder in (state, tmp_path / "other"):  # from its journal, and from the file alone
            async with running_server(path, state_dir=folder) as again, Page(again) as page:
                assert page.outputs(CELL) == outputs
                await page.ask("notebook", "checkpoint")
            assert path.read_bytes() == saved


async def _served(server: Any) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get(f"/blob/{NAME}")).status_code == 401
        client.headers["Authorization"] = f"Bearer {server.token}"
        answer = await client.get(f"/blob/{NAME}")
        assert (answer.status_code, answer.content) == (200, IMAGE)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox;")
        known = await client.get(f"/blob/{NAME}", headers={"If-None-Match": answer.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        for odd in (
            "0" * 64,
            "..%2f..%2fjournal.sqlite",
            "journal.sqlite",
            NAME[:-1],
            NAME + ".tmp",
            NAME.upper(),
        ):
            refused = await client.get(f"/blob/{odd}")
            assert refused.status_code == 404
            assert b"SQLite" not in refused.content
