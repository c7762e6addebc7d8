"""Orders to the run queue over the wire, with a real kernel: SPEC.md, R-8 to R-14, K-5."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.conformance.control_client import ControlError
from tests.server import Server, running_server
from tests.system.support import Page, code_cell, markdown_cell, read_notebook, shared_server, write_notebook

pytestmark = pytest.mark.system

HELD = "import time\nprint('on', flush=True)\ntime.sleep(60)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared_server(tmp_path_factory.mktemp("queue") / "n.ipynb") as server:
        yield server


def order(page: Page) -> list[str]:
    return [str(each) for each in page.array("run_queue")]


async def refused(page: Page, method: str, **message: Any) -> str:
    with pytest.raises(ControlError) as error:
        await page.ask("notebook", method, message)
    return error.value.code


async def test_waiting_cells_can_be_cancelled_moved_and_put_first_and_the_document_says_who_asked(
    server: Server,
) -> None:
    """R-8, D-7."""
    async with Page(server) as page:
        held = await page.begin(HELD, "on")
        a, b, c, d = (page.add(f"print({n})") for n in range(4))
        answer = await page.ask("notebook", "run", {"what": "cells", "cells": [a, b, c]})
        assert answer == {"cells": [a, b, c]}
        await page.ask("notebook", "move_cell", {"cell_id": c, "place": 1})
        await page.ask("notebook", "run_next", {"cell_id": d})
        await page.ask("notebook", "cancel_cell", {"cell_id": b})
        await page.until(lambda: order(page) == [held, d, c, a])
        assert (page.cell(b)["state"], page.cell(b)["queued"]) == ("idle", None)
        asked = page.cell(c)["queued"]
        assert asked["who"]
        assert asked["at"] > 1.6e9
        assert await refused(page, "cancel_cell", cell_id=held) == "running"
        assert await refused(page, "move_cell", cell_id=b, place=1) == "not_queued"
        assert await refused(page, "move_cell", cell_id=c, place=0) == "bad_field"
        await page.ask("kernel", "interrupt")
        await page.ended(a, b, c, d)
        run = page.cell(a)["run"]
        assert run["queued"] <= run["began"] <= run["ended"]
        assert (run["status"], page.cell(held)["run"]["status"]) == ("ok", "interrupted")
        assert run["source_crc"] == zlib.crc32(b"print(0)")
        ran = [page.cell(each)["execution_count"] for each in (d, c, a)]
        assert ran == sorted(ran)


async def test_a_paused_queue_waits_until_somebody_lets_it_go_on(server: Server) -> None:
    """R-9."""
    async with Page(server) as page, Page(server) as other:
        await page.run("1")
        await page.ask("notebook", "pause")
        cell = page.add("print('went on')")
        await page.queue(cell)
        await other.until(lambda: other.map("kernel").to_py()["paused"] is True)
        summary = await page.summary()
        assert (summary["running"], summary["queued"], summary["kernel"]["paused"]) == (None, [cell], True)
        await other.ask("notebook", "resume")
        await page.ended(cell)
        assert page.text(cell) == "went on\n"


FLOW = (
    code_cell("load0000", "x = ['load']"),
    markdown_cell("head0000", "# Tissue"),
    code_cell("inside00", "x.append('inside')"),
    code_cell("skipped0", "x.append('skipped')", metadata={"tags": ["skip-execution"]}),
    code_cell("fails000", "1 / 0", metadata={"tags": ["raises-exception"]}),
    code_cell("shows000", "print(*x)"),
)
GRAPHS = {
    "np_graph": {"load0000": ["head0000"], "head0000": ["shows000"]},
    "pc_graph": {"head0000": ["inside00", "skipped0", "fails000"]},
}


async def test_commands_mean_many_cells_and_tags_are_kept(tmp_path: Path) -> None:
    """R-10, R-11."""
    path = write_notebook(tmp_path / "n.ipynb", *FLOW, metadata={"gm": GRAPHS})
    async with running_server(path) as server, Page(server) as page:

        async def run(what: str, cell: str = "", **more: Any) -> list[str]:
            said = await page.ask("notebook", "run", {"what": what, "cell_id": cell, **more}, within=30)
            cells: list[str] = said["cells"]
            await page.ended(*cells)
            return cells

        assert await run("all") == ["load0000", "inside00", "fails000", "shows000"]
        assert page.text("shows000") == "load inside\n"
        assert page.said("fails000")["ename"] == "ZeroDivisionError"
        assert await run("tissue", "inside00") == ["inside00", "fails000"]
        assert await run("downstream", "head0000") == ["inside00", "fails000", "shows000"]
        assert page.text("shows000") == "load inside inside inside\n"
        assert await run("to", "inside00", restart=True) == ["load0000", "inside00"]
        assert page.cell("inside00")["execution_count"] == 2
        assert await run("above", "inside00") == ["load0000"]
        assert await run("below", "shows000") == ["shows000"]
        page.array("cells")
        with page.doc.transaction():
            page.doc.get("np_graph", type=type(page.map("np_graph")))["shows000"] = ["load0000"]
        assert await refused(page, "run", what="downstream", cell_id="load0000") == "circle"


async def test_an_error_stops_a_run_unless_it_goes_on_after_errors_and_limits_end_what_takes_too_long(
    server: Server,
) -> None:
    """R-12, R-13."""
    async with Page(server) as page:
        bad, good, slow = page.add("1 / 0"), page.add("print('good')"), page.add("import time\ntime.sleep(60)")
        await page.ask("notebook", "run", {"what": "cells", "cells": [bad, good]})
        await page.ended(bad, good)
        assert page.outputs(good) == []
        terms = {"stop_on_error": False, "cell_seconds": 0.4}
        await page.ask("notebook", "run", {"what": "cells", "cells": [bad, slow, good], **terms})
        await page.ended(bad, slow, good)
        assert page.text(good) == "good\n"
        assert page.said(slow)["evalue"] == "Interrupted: it ran longer than the 0.4 s that a cell may take."
        assert page.cell(slow)["run"]["status"] == "time limit"
        await page.ask("notebook", "run", {"what": "cells", "cells": [slow, good], "run_seconds": 0.4})
        await page.ended(slow, good)
        assert page.said(slow)["ename"] == "TimeLimit"


async def test_what_a_run_leaves_is_in_the_file_and_whether_the_source_has_changed_since(tmp_path: Path) -> None:
    """D-7, F-9."""
    path = write_notebook(tmp_path / "n.ipynb", code_cell("first000", "print(1)"))
    async with running_server(path) as server, Page(server) as page:
        await page.queue("first000")
        await page.ended("first000")
        await page.ask("notebook", "checkpoint")
        metadata = read_notebook(path)["cells"][0]["metadata"]
        assert list(metadata["execution"]) == [
            "iopub.execute_input", "iopub.status.busy", "iopub.status.idle", "shell.execute_reply",
        ]  # fmt: skip
        assert "source_crc" not in metadata["gm"]
        page.insert("first000", 0, "# changed\n")
        await page.ask("notebook", "checkpoint")
        assert read_notebook(path)["cells"][0]["metadata"]["gm"]["source_crc"] == zlib.crc32(b"print(1)")
        run = page.cell("first000")["run"]
        with page.doc.transaction():
            page.map("first000")["run"] = {"who": "mallory"}
            page.map("first000")["queued"] = {"who": "mallory"}
        await page.refresh()
        await page.until(lambda: page.cell("first000")["run"] == run)
        assert page.cell("first000")["queued"] is None


async def test_help_stands_among_the_outputs_and_code_can_ask_for_the_next_cell(server: Server) -> None:
    """R-14."""
    async with Page(server) as page:
        cell = await page.run("len?")
        assert "number of items" in page.said(cell)["data"]["text/plain"]
        asking = await page.run("get_ipython().set_next_input('print(7)')")
        cells = [str(each) for each in page.array("cells")]
        made = cells[cells.index(asking) + 1]
        assert page.source(made).to_py() == "print(7)"
        assert isinstance(page.cell(made)["top"], int | float)
        own = await page.run("get_ipython().set_next_input('print(8)', replace=True)")
        assert page.source(own).to_py() == "print(8)"


async def test_the_kernel_is_changed_and_shut_down_and_those_that_are_there_are_listed(server: Server) -> None:
    """K-5."""
    async with Page(server) as page:
        specs = await page.ask("kernel", "specs")
        [python] = [each for each in specs["kernels"] if each["name"] == "python3"]
        assert python["language"] == "python"
        await page.run("x = 1")
        held = await page.begin(HELD, "on")
        waiting = page.add("x")
        await page.queue(waiting)
        await page.ask("kernel", "change_kernel", {"name": "python3"}, within=30)
        await page.ended(held, waiting)
        assert page.said(held)["evalue"] == "The kernel was restarted."
        await page.until(lambda: page.map("notebook").to_py()["metadata"].get("kernelspec", {}).get("name"))
        assert page.map("notebook").to_py()["metadata"]["kernelspec"] == {
            "name": "python3", "display_name": python["display_name"], "language": "python",
        }  # fmt: skip
        await page.ask("kernel", "shut_down", within=30)
        assert (await page.summary())["kernel"]["status"] == "none"
        with trio.fail_after(30):
            await page.works()
