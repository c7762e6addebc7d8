"""The client for programs, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from gateway import client_link
from gateway.client import ClientError, LinkRefused, NotebookClient, RequestFailed, connect
from protocol.wire import RunFields
from tests.server import Server, running_server
from tests.system.support import Page, code_cell, read_notebook, same_ports, shared_server, write_notebook

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = write_notebook(tmp_path_factory.mktemp("client") / "x.ipynb", code_cell("one", "1 + 1"))
    with shared_server(path) as running:
        yield running


@asynccontextmanager
async def client(server: Server, name: str = "") -> AsyncIterator[NotebookClient]:
    with trio.fail_after(60):
        async with connect(server.url, server.token, name=name) as notebook:
            yield notebook


async def test_a_cell_is_written_run_and_read(server: Server) -> None:
    async with client(server) as notebook:
        cell_id = notebook.add_cell("for n in range(3):\n    print(n)\nn * 7")
        [cell] = await notebook.run_cells(cell_id)
        assert (cell.status, cell.state, cell.text) == ("ok", "idle", "0\n1\n2\n")
        assert cell.outputs[-1]["data"] == {"text/plain": "14"}
        assert cell.seconds is not None
        notebook.document.set_source(cell_id, "1 / 0")
        [failed] = await notebook.run_cells(cell_id)
        assert failed.status == "error"
        assert failed.error is not None
        assert failed.error["ename"] == "ZeroDivisionError"


@pytest.mark.full
async def test_each_run_is_over_when_its_end_is_told(server: Server) -> None:
    """The answer comes behind the document's word that the cell waits."""
    async with client(server) as notebook:
        cell_id = notebook.add_cell("")
        for n in range(30):
            notebook.document.set_source(cell_id, f"print({n})")
            [cell] = await notebook.run_cells(cell_id)
            assert cell.text == f"{n}\n"


async def test_others_see_its_edits_and_it_sees_theirs(server: Server) -> None:
    async with client(server, "Robot") as notebook, Page(server) as ann:
        cell_id = notebook.add_cell("mine", "markdown")
        await ann.until(lambda: cell_id in ann.array("cells").to_py())
        assert ann.cell(cell_id)["source"] == "mine"
        ann.insert(cell_id, 4, " and yours")
        await notebook.until(lambda: notebook.cell(cell_id).source == "mine and yours")
        await ann.until(lambda: {"user": {"name": "Robot"}} in ann.present().values())
        notebook.document.delete(cell_id)
        await ann.until(lambda: cell_id not in ann.array("cells").to_py())
        with pytest.raises(KeyError):
            notebook.cell(cell_id)


async def test_it_knows_when_edits_are_durable_and_when_they_are_in_the_file(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "x.ipynb", code_cell("one", "old"))
    async with running_server(path, state_dir=tmp_path / "state") as server, client(server) as notebook:
        notebook.document.set_source("one", "new")
        await notebook.durable()
        await notebook.save()
        await notebook.filed()
        assert "".join(read_notebook(path)["cells"][0]["source"]) == "new"


async def test_a_server_that_comes_back_gets_what_was_written_meanwhile(tmp_path: Path) -> None:
    path = write_notebook(
        tmp_path / "x.ipynb", code_cell("one", "old"), code_cell("two", "import time; time.sleep(60)")
    )
    ports = same_ports()
    async with running_server(path, *ports, state_dir=tmp_path / "state") as first:
        async with client(first) as notebook:
            await notebook.run(RunFields("cells", cells=("two",)))
            await notebook.until(lambda: notebook.cell("two").state == "running")
            refused: list[RequestFailed] = []

            async def ask() -> None:
                with pytest.raises(RequestFailed) as failure:
                    await notebook.restart()
                refused.append(failure.value)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                await trio.testing.wait_all_tasks_blocked(0.05)
                first.kill()
                await notebook.until(lambda: not notebook.connected)
            assert [each.code for each in refused] == ["lost"]
            notebook.document.set_source("one", "written while it was away")
            async with running_server(path, *ports, state_dir=tmp_path / "state"):
                await notebook.durable()
                await notebook.save()
                assert notebook.cell("two").state == "idle"
    assert "".join(read_notebook(path)["cells"][0]["source"]) == "written while it was away"


async def test_refusals_are_sentences_with_codes(server: Server) -> None:
    async with client(server) as notebook:
        with pytest.raises(RequestFailed, match="There is no cell 'nowhere'") as failure:
            await notebook.run_cells("nowhere")
        assert failure.value.code == "no_such_cell"
        with pytest.raises(RequestFailed) as failure:
            await notebook.ask("notebook.nothing")
        assert failure.value.code == "unknown_method"


async def test_what_a_program_raises_inside_travels_on_as_it_is(server: Server) -> None:
    class Mine(Exception):
        pass

    with pytest.raises(Mine):
        async with client(server):
            raise Mine


async def test_nobody_there_a_wrong_token_and_something_else_are_told_apart(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_link, "WITHIN", 1.0)
    with pytest.raises(LinkRefused, match="No server answers at localhost:1"):
        async with connect("http://localhost:1/"):
            pass
    with pytest.raises(LinkRefused, match="token is missing or wrong"):
        async with connect(server.url, "wrong"):
            pass

    async def talk(stream: trio.SocketStream) -> None:
        await stream.send_all(b"220 mail.example.org\r\n")

    async with trio.open_nursery() as nursery:
        listener, *_ = await nursery.start(trio.serve_tcp, talk, 0)
        port = listener.socket.getsockname()[1]
        with pytest.raises(LinkRefused, match="is no Ganimede server"):
            async with connect(f"http://127.0.0.1:{port}/"):
                pass
        nursery.cancel_scope.cancel()


async def test_another_lineage_ends_the_client_in_a_sentence(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "x.ipynb", code_cell("one", "old"))
    ports = same_ports()
    async with running_server(path, *ports, state_dir=tmp_path / "a") as first:
        async with client(first) as notebook:
            first.kill()
            path.unlink()
            write_notebook(path, code_cell("other", "x"))
            async with running_server(path, *ports, state_dir=tmp_path / "b"):
                with pytest.raises(ClientError, match="anew"):
                    await notebook.until(lambda: "other" in notebook.document.ids)
            assert notebook.document.ids == ("one",), "not a byte of it was merged"
