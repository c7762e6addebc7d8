"""The faults of the original (contract section 7), each with a test that fails if it comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import nbformat
import pytest
from trio_websocket import ConnectionRejected

from tests.conformance.clients import converged
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server, running_server
from tests.system.support import Page, code_cell, markdown_cell, shared_server, text_of, write_notebook

pytestmark = pytest.mark.system

METADATA = {
    "kernelspec": {"name": "python3", "display_name": "Python 3 (kept)", "language": "python"},
    "authors": [{"name": "Simon Marius", "year": 1614}],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = write_notebook(
        tmp_path_factory.mktemp("faults") / "n.ipynb",
        markdown_cell("outer", "# Outer\nwith a second line\n"),
        markdown_cell("deep", "####### seven\n"),
        code_cell("kept", "a = 1\n\nb = 2\n", execution_count=7, metadata={"tags": ["hidden"], "other": {"n": 3}}),
        markdown_cell("inner", "\n## Inner"),
        code_cell("child", "c = 3"),
        metadata=METADATA,
    )
    with shared_server(path) as server:
        yield server


async def test_1_a_cell_that_fails_or_is_interrupted_while_another_waits_leaves_a_queue_that_works(
    server: Server,
) -> None:
    """R-2, R-3."""
    async with Page(server) as page:
        fails = await page.begin("import time\nprint('on', flush=True)\ntime.sleep(0.3)\n1 / 0", until="on")
        waits = page.add("print('never')")
        await page.queue(waits)
        await page.ended(fails, waits)
        assert page.said(fails)["ename"] == "ZeroDivisionError"
        assert page.outputs(waits) == []
        await page.works()

        sleeps = await page.begin("print('on', flush=True)\ntime.sleep(60)", until="on")
        waits = page.add("print('goes on')")
        await page.queue(waits)
        await page.ask("kernel", "interrupt")
        await page.ended(sleeps, waits)
        assert page.said(sleeps)["ename"] == "KeyboardInterrupt"
        assert page.text(waits) == "goes on\n"
        await page.works()


async def test_2_unknown_methods_and_channels_are_answered_and_nobody_else_notices(server: Server) -> None:
    """W-4."""
    async with (
        ControlClient(server.control_url, server.token) as asker,
        ControlClient(server.control_url, server.token) as other,
    ):
        for channel, method, code in (
            ("notebook", "explode", "unknown_method"),
            ("kernel", "__class__", "unknown_method"),
            ("nothing", "get", "unknown_channel"),
        ):
            answer = await asker.answer(channel, method)
            assert answer["error"]["code"] == code
            assert await asker.ask("comms", "ping") == {"pong": True}
            assert await other.ask("comms", "ping") == {"pong": True}
            assert "path" in await other.ask("notebook", "get")


async def test_3_one_control_client_leaves_and_the_other_stays(server: Server) -> None:
    async with Page(server) as stays:
        for leave in ("disconnect", "drop"):
            async with ControlClient(server.control_url, server.token) as leaves:
                await leaves.ask("comms", "ping")
                await getattr(leaves, leave)()
            await stays.works()


async def test_4_mime_values_that_are_no_strings_end_with_their_cell(server: Server) -> None:
    async with Page(server) as page:
        cell = await page.run("from IPython.display import JSON\ndisplay(JSON({'a': [1, {'b': None}]}))\n{'x': 1}")
        shown, result = page.outputs(cell)
        assert shown["data"]["application/json"] == {"a": [1, {"b": None}]}
        assert result["data"]["text/plain"] == "{'x': 1}"
        cell = await page.run(
            "display({'application/vnd.mine.v1+json': [1, 2.5, True], 'text/html': '<b>x</b>'}, raw=True)"
        )
        assert page.said(cell)["data"] == {
            "application/vnd.mine.v1+json": [1, 2.5, True],
            "text/html": ["<b>x</b>"],
        }
        await page.works()


async def test_5_input_asks_and_goes_on_with_the_answer(server: Server) -> None:
    async with Page(server) as page, ControlClient(server.control_url, server.token) as other:
        cell = page.add("print('Hello', input('Who? '))")
        await page.queue(cell)
        asked = await other.push("kernel", "input_request", lambda message: message["cell_id"] == cell)
        assert asked["request"]["prompt"] == "Who? "
        await other.ask("kernel", "input_reply", {"value": "Io", "id": asked["request"]["id"]})
        await page.ended(cell)
        assert page.text(cell).endswith("Hello Io\n")
        await page.works()


async def test_6_an_interrupt_while_the_kernel_starts_ends_the_run_and_the_next_one_works(tmp_path: Path) -> None:
    """R-3, K-3."""
    async with running_server(tmp_path / "n.ipynb") as server, Page(server) as page:
        for channel, method in (("kernel", "interrupt"), ("notebook", "interrupt_kernel")):
            cell, waits = page.add("import time\ntime.sleep(60)"), page.add("1")
            await page.queue(cell)
            await page.queue(waits)
            await page.until(lambda: page.map("kernel").get("status") == "starting")
            await page.ask(channel, method)
            await page.ended(cell, waits)
            await page.works()
            await page.run("import os\nos._exit(0)")


async def test_7_a_saved_file_keeps_newlines_counts_kernelspec_foreign_metadata_and_whole_numbers(
    server: Server,
) -> None:
    """F-2."""
    async with Page(server) as page:
        page.map("kept")["top"] = 120.0
        page.map("kept")["left"] = 0.5
        page.insert("kept", len("a = 1\n\nb = 2\n"), "c = 3\n")
        ran = await page.run("6 * 7")
        await page.ask("notebook", "checkpoint")
        path = Path((await page.summary())["path"])
        count = page.cell(ran)["execution_count"]
    text = text_of(path)
    raw = json.loads(text)
    cells = {cell["id"]: cell for cell in raw["cells"]}
    assert "".join(cells["kept"]["source"]) == "a = 1\n\nb = 2\nc = 3\n"
    assert cells["kept"]["execution_count"] == 7
    assert cells["kept"]["metadata"]["tags"] == ["hidden"]
    assert cells["kept"]["metadata"]["other"] == {"n": 3}
    for whole in ('"top": 120', '"n": 3'):  # in Python 3 == 3.0
        assert whole in text
        assert f"{whole}." not in text
    assert cells["kept"]["metadata"]["gm"]["left"] == 0.5
    assert cells[ran]["execution_count"] == count
    assert isinstance(cells[ran]["execution_count"], int)
    assert cells[ran]["outputs"][0]["execution_count"] == count
    assert raw["metadata"]["kernelspec"] == METADATA["kernelspec"]
    assert raw["metadata"]["authors"] == METADATA["authors"]
    assert raw["metadata"]["language_info"]["name"] == "python"
    nbformat.validate(nbformat.from_dict(raw))


async def test_8_a_dead_kernel_is_noticed_and_display_messages_are_what_they_are(server: Server) -> None:
    """K-4."""
    async with Page(server) as page:
        cell = page.add("import os\nos._exit(3)")
        waits = page.add("1")
        await page.queue(cell)
        await page.queue(waits)
        await page.ended(cell, waits)
        assert "exited with code 3" in page.said(cell)["evalue"]
        await page.until(lambda: page.last("kernel", "status")["status"] == "dead")
        await page.works()

        cleared = await page.run(
            "from IPython.display import clear_output\nprint('a')\nclear_output()\nprint('b')"
        )
        assert page.outputs(cleared) == [{"output_type": "stream", "name": "stdout", "text": "b\n"}]

        shown = await page.run("handle = display('first', display_id='one')")
        updated = await page.run("handle.update('second')")
        await page.until(lambda: page.said(shown)["data"]["text/plain"] == "'second'")
        assert len(page.outputs(shown)) == 1
        assert page.outputs(updated) == []

        failed = await page.run("raise KeyError('missing')")
        error = page.said(failed)
        assert (error["ename"], error["evalue"]) == ("KeyError", "'missing'")
        assert error["traceback"]


async def test_9_headings_of_more_than_six_and_headings_before_other_lines(server: Server) -> None:
    """G-1, G-2."""
    async with Page(server) as page:
        content = await page.dump()
        assert content["pc_graph"]["outer"] == ["deep", "kept", "inner"]
        assert content["pc_graph"]["inner"] == ["child"]
        assert "deep" not in content["pc_graph"]
        assert content["maps"]["outer"]["source"] == "# Outer\nwith a second line\n"


async def test_10_a_disconnect_destroys_nothing_and_offline_edits_arrive(server: Server) -> None:
    async with (
        PycrdtClient(server.room_url, server.token) as leaves,
        PycrdtClient(server.room_url, server.token) as stays,
    ):
        leaves.create("leaving1", "before")
        await converged(leaves, stays)
        await leaves.drop()
        stays.insert("leaving1", 0, "while away, ")
        leaves.insert("leaving1", 6, " and offline")
        leaves.create("leaving2", "made offline")
        await leaves.connect()
        content = await converged(leaves, stays)
        assert content["maps"]["leaving1"]["source"] == "while away, before and offline"
        assert content["maps"]["leaving2"]["source"] == "made offline"
    async with PycrdtClient(server.room_url, server.token) as later:
        assert "leaving2" in (await later.dump())["cells"]


async def test_10_a_page_runs_no_script_but_the_servers_own(server: Server) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {server.token}"}) as http:
        policy = (await http.get(server.url)).headers["content-security-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"


async def test_11_both_sockets_are_local_and_ask_for_a_token_and_judge_the_origin(server: Server) -> None:
    """A-1, A-2."""
    for url in (server.control_url, server.room_url):
        port = urlsplit(url).port
        assert port is not None
        assert _listens_on(port) == {"0100007F"}
        for token in (None, "wrong-token"):
            client = ControlClient(url, token)
            async with client:
                assert await client.connection.wait_closed() == 4401
        with pytest.raises(ConnectionRejected) as rejected:
            async with ControlClient(url, server.token, headers=(("Origin", "http://evil.example"),)):
                pass
        assert rejected.value.status_code == 403


def _listens_on(port: int) -> set[str]:
    """The addresses, as Linux shows them, on which somebody listens on ``port``."""
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    places = [line[1].split(":") for line in lines if line[3] == "0A"]
    return {address for address, number in places if int(number, 16) == port}
