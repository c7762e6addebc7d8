"""Stock y-websocket clients against the real server: SPEC.md, sections S, D and G."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Literal

import pytest
import trio
from pycrdt import Array, Doc, Map, Text, create_update_message, merge_updates, write_message, write_var_uint
from trio_websocket import ConnectionClosed

from tests.conformance.clients import NodeClient, converged, until
from tests.conformance.connection import Connection
from tests.conformance.pycrdt_client import PycrdtClient, awareness_message
from tests.server import Server, running_server
from tests.system.support import FULL, Page, same_ports, shared_server

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared_server(tmp_path_factory.mktemp("sync") / "n.ipynb") as server:
        yield server


def stock(server: Server) -> PycrdtClient:
    return PycrdtClient(server.room_url, server.token)


async def seen(client: PycrdtClient, *cell_ids: str) -> None:
    async def there() -> bool:
        return set(cell_ids) <= set(client.array("cells"))

    await until(there)


# ---------------------------------------------------------------------------------------------------- convergence


async def test_three_stock_clients_and_a_page_edit_one_cell_while_others_come_and_go(server: Server) -> None:
    """S-1, S-2."""
    async with NodeClient(1) as old, NodeClient(3) as new, stock(server) as python, Page(server) as page:
        for node in (old, new):
            await node.connect(server.sync_url, server.token)
        python.create("together", "|")
        await until(lambda: _have(old, "together"))
        await until(lambda: _have(new, "together"))
        await seen(page, "together")

        async def edit(node: NodeClient, name: str) -> None:
            for number in range(15):
                await node.call("edit", cell="together", insert=f"<{name}{number}>")
                await node.call("create", cell=f"{name}{number:04}xx", source=name, after="together")
                if number % 2:
                    await node.call("delete", cell=f"{name}{number:04}xx")

        async def edit_here(client: PycrdtClient, name: str) -> None:
            for number in range(15):
                client.insert("together", len(str(client.source("together"))), f"<{name}{number}>")
                client.create(f"{name}{number:04}xx", name, index=0)
                if number % 2:
                    client.delete(f"{name}{number:04}xx")
                await trio.lowlevel.checkpoint()  # so that the four take turns

        async with trio.open_nursery() as nursery:
            nursery.start_soon(edit, old, "o")
            nursery.start_soon(edit, new, "n")
            nursery.start_soon(edit_here, python, "p")
            nursery.start_soon(edit_here, page, "g")
        content = await converged(old, new, python, page, within=15)
        source = content["maps"]["together"]["source"]
        for name in "onpg":
            kept = [f"{name}{number:04}xx" for number in range(0, 15, 2)]
            assert [cell for cell in content["cells"] if cell[:1] == name and cell[1:5].isdigit()] in (
                kept,
                kept[::-1],
            )
            assert all(source.count(f"<{name}{number}>") == 1 for number in range(15))
        for node in (old, new):
            status = await node.call("status")
            assert (status["complaints"], status["closes"]) == ([], [])
        async with stock(server) as fresh:
            assert await converged(fresh, python) == await python.dump()


async def _have(node: NodeClient, cell_id: str) -> bool:
    return cell_id in (await node.dump())["cells"]


async def test_the_sender_of_an_edit_does_not_get_it_back(server: Server) -> None:
    """S-2."""
    async with stock(server) as sender, stock(server) as other:
        sender.create("sent0000", "x")
        await seen(other, "sent0000")
        heard = sender.updates
        for _ in range(10):
            sender.insert("sent0000", 0, "y")
        await until(lambda: _says(other, "sent0000", "y" * 10 + "x"))
        other.create("answer00", "z")
        await seen(sender, "answer00")
        assert sender.updates == heard + 1


async def _says(client: PycrdtClient, cell_id: str, text: str) -> bool:
    return cell_id in list(client.array("cells")) and str(client.source(cell_id)) == text


@pytest.mark.parametrize("version", [1, 3])
async def test_what_was_edited_offline_arrives_once(server: Server, version: Literal[1, 3]) -> None:
    cell, made = f"offline{version}", f"later00{version}"
    async with NodeClient(version) as node, stock(server) as python:
        await node.connect(server.sync_url, server.token)
        python.create(cell, "x")
        await converged(node, python)
        await node.call("disconnect")
        await python.drop()
        await node.call("edit", cell=cell, insert="node ")
        await node.call("create", cell=made, source="made offline")
        python.insert(cell, 1, " python")
        async with stock(server) as other:
            other.insert(cell, 1, "!")
            await node.connect(server.sync_url, server.token)
            await python.connect()
            content = await converged(node, python, other)
        assert sorted(content["maps"][cell]["source"]) == sorted("node x! python")
        assert content["maps"][made]["source"] == "made offline"


@pytest.mark.parametrize("how", ["clean", "kill -9"])
async def test_stock_clients_come_back_by_themselves_after_a_restart_of_the_server(
    tmp_path: Path, how: str
) -> None:
    """P-1, S-9: what one of them showed to another is there after the restart, once."""
    ports = same_ports()
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(NodeClient(1))
        new = await stack.enter_async_context(NodeClient(3))
        async with running_server(tmp_path / "n.ipynb", *ports, state_dir=tmp_path / "state") as server:
            for node in (old, new):
                await node.connect(server.sync_url, server.token)
            await old.call("create", cell="survives", source="before")
            await until(lambda: _have(new, "survives"))
            if how == "clean":
                server.terminate()
                assert await server.wait() == 0
            else:
                server.kill()
                await server.wait()
            for node in (old, new):
                await node.call("closed")
                codes = [close["code"] for close in (await node.call("status"))["closes"] if close]
                assert codes[0] == (1012 if how == "clean" else 1006)
            await old.call("edit", cell="survives", insert="old ")
            await new.call("edit", cell="survives", index=6, insert=" new")
        async with running_server(tmp_path / "n.ipynb", *ports, state_dir=tmp_path / "state") as server:
            for node in (old, new):
                await node.call("synced", timeout=15_000, within=20)
            async with stock(server) as fresh:
                content = await converged(old, new, fresh, within=10)
        assert content["cells"] == ["survives"]
        assert content["maps"]["survives"]["source"] == "old before new"


# ------------------------------------------------------------------------------------------------------ awareness


async def test_awareness_is_seen_by_all_and_removed_with_its_connection(server: Server) -> None:
    """S-5."""
    async with NodeClient(1) as old, stock(server) as python, Page(server) as page:
        await old.connect(server.sync_url, server.token)
        python.set_awareness({"id": "python", "cursor": {"x": 1, "y": 2}})
        page.set_awareness({"id": "page"})
        async with NodeClient(3) as new:
            await new.connect(server.sync_url, server.token)
            await new.call("awareness", state={"id": "new", "colour": "#fff"})

            async def all_here() -> bool:
                return "new" in _names(python) & _names(page) & await _node_names(old) and {
                    "python",
                    "page",
                } <= await _node_names(new)

            await until(all_here)
            await new.call("awareness", state={"id": "moved"})
            await until(lambda: _named(python, "moved"))

        async def gone() -> bool:
            return not {"new", "moved"} & (_names(python) | _names(page) | await _node_names(old))

        await until(gone)
        await python.drop()

        async def left() -> bool:
            return not {"python"} & (_names(page) | await _node_names(old))

        await until(left)
        await python.connect()
        await until(lambda: _named(page, "python"))  # at once, though its clock began anew


async def _named(client: PycrdtClient, name: str) -> bool:
    return name in _names(client)


def _names(client: PycrdtClient) -> set[str]:
    return {state.get("id", "") for state in client.present().values()}


async def _node_names(node: NodeClient) -> set[str]:
    return {state.get("id", "") for state in (await node.call("states")).values()}


async def test_a_renewal_comes_back_with_the_clock_it_was_sent_with(server: Server) -> None:
    """S-5: stock clients renew every 15 s and close when they hear nothing for 30 s."""
    async with stock(server) as client, stock(server) as other:
        mine = client.doc.client_id
        for clock in range(1, 4):
            client.set_awareness({"id": "same"})

            async def echoed(clock: int = clock) -> bool:
                return client.states.get(mine) == (clock, {"id": "same"})

            await until(echoed)
        await until(lambda: _named(other, "same"))
        assert other.states[mine][0] != 3  # the server's own


async def test_a_stock_client_that_says_nothing_stays_connected(server: Server) -> None:
    """S-5. Its own renewals keep it; what it hears in a short run is that they come back."""
    async with NodeClient(1) as old, NodeClient(3) as new:
        for node in (old, new):
            await node.connect(server.sync_url, server.token)
        await old.call("awareness", state=None)
        await trio.sleep(40 if FULL else 1)
        for node in (old, new):
            status = await node.call("status")
            assert (status["connected"], status["closes"], status["complaints"]) == (True, [], [])


async def test_awareness_may_be_asked_for(server: Server) -> None:
    async with stock(server) as asker, stock(server) as other:
        other.set_awareness({"id": "asked for"})
        await until(lambda: _named(asker, "asked for"))
        asker.states.clear()
        await asker.send(b"\x03")
        await until(lambda: _named(asker, "asked for"))


async def test_awareness_that_lies_or_is_too_much_harms_nobody(server: Server) -> None:
    """S-6."""
    async with stock(server) as liar, stock(server) as other, stock(server) as honest:
        honest.set_awareness({"id": "honest"})
        await until(lambda: _named(other, "honest"))
        mine, theirs = liar.doc.client_id, honest.doc.client_id
        await liar.send(awareness_message({mine: (1, {"id": "liar"}), theirs: (2**31 - 1, None)}))
        await liar.send(awareness_message({number: (1, {"id": "ghost"}) for number in range(1, 5000)}))
        await liar.send(b"\x01" + write_message(b"\xff\xff\xff\xff\xff"))
        await liar.send(awareness_message({mine: (2, {"id": "x" * 1_000_000})}))
        for number in range(500):
            await liar.send(awareness_message({mine: (3 + number, {"id": f"move {number}"})}))
        await until(lambda: _named(other, "move 499"), within=15)  # the latest, late
        assert _names(other) == {"honest", "move 499"}
        assert other.connection.connected


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("version", [1, 3])
async def test_an_unknown_room_is_refused(server: Server, version: Literal[1, 3]) -> None:
    """S-9."""
    async with NodeClient(version) as node:
        await node.call("connect", url=server.sync_url, room="another", params={"token": server.token})
        await node.call("closed")
        status = await node.call("status")
        assert status["closes"][0]["code"] == 4404
        assert "/g-y-room" in status["closes"][0]["reason"]
        assert not status["synced"]
        assert status["updates"] == 0
        assert status["retrying"] == (version == 1)


@pytest.mark.parametrize("path", ["/", "/g-y-room/", "/g-y-room2", "/../g-y-room", "/%67-y-room"])
async def test_a_room_has_one_name(server: Server, path: str) -> None:
    client = PycrdtClient(server.sync_url + path, server.token)
    async with client.connection:
        await client.connect(wait=False)
        assert await client.connection.wait_closed() == 4404


def nested_value(depth: int) -> bytes:
    """An update that sets a key of a Map to a list in a list in a list …"""
    key = b"\x01\x08notebook" + b"\x01k"
    value = b"\x01" + b"\x75\x01" * depth + b"\x7e"
    return b"\x01\x01" + write_var_uint(77) + b"\x00" + b"\x28" + key + value + b"\x00"


def nested_types(depth: int) -> list[bytes]:
    """Updates that together nest Maps."""
    doc: Doc[object] = Doc()
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    inner = doc.get("nest", type=Map)
    for _ in range(depth):
        outer, inner = inner, Map()
        outer["k"] = inner
    doc.unobserve(subscription)
    return updates


def as_update(update: bytes) -> bytes:
    return b"\x00\x02" + write_message(update)


BAD_FRAMES: dict[str, bytes] = {
    "an empty message": b"",
    "an unknown type": b"\x07abc",
    "an unknown step": b"\x00\x09\x00",
    "half a message": b"\x00\x02\x20abc",
    "a tail": b"\x00\x02\x02\x00\x00tail",
    "an endless number": b"\x80" * 100,
    "no update": as_update(b"\x01\x02\x03\x04\x05"),
    "an empty update": as_update(b""),
    "a huge count": as_update(write_var_uint(2**40)),
    "a huge string": as_update(b"\x01\x01\x4d\x00\x04\x01\x08notebook" + write_var_uint(2**31) + b"x\x00"),
    "a deeply nested value": as_update(nested_value(30_000)),
    "noise": bytes(range(256)) * 400,
    "text": b"text",
}


@pytest.mark.parametrize("socket", ["sync", "control"])
async def test_a_frame_that_cannot_be_read_closes_its_connection_alone(server: Server, socket: str) -> None:
    """S-4."""
    url = server.room_url if socket == "sync" else server.control_url
    async with stock(server) as other:
        before = await other.dump()
        for name, frame in BAD_FRAMES.items():
            sender = Connection(url, server.token)
            async with sender:
                await sender.connect(lambda message: None)
                await sender.send(frame)
                assert await sender.wait_closed() == 4400, name
                assert sender.close_reason, name
        assert other.connection.connected
        async with stock(server) as fresh:
            assert await fresh.dump() == before


async def test_a_text_message_on_the_sync_port_is_refused(server: Server) -> None:
    sender = Connection(server.room_url, server.token)
    async with sender:
        await sender.connect(lambda message: None)
        await sender.send('{"channel": "comms", "method": "ping"}')
        assert await sender.wait_closed() == 4400


async def test_a_message_over_the_transports_limit_closes_its_connection_with_1009(server: Server) -> None:
    async with stock(server) as other:
        sender = Connection(server.room_url, server.token)
        async with sender:
            await sender.connect(lambda message: None)
            with suppress(trio.BrokenResourceError, ConnectionClosed):
                await sender.send(bytes((16 << 20) + 1))
            assert await sender.wait_closed(20) == 1009
        assert other.connection.connected


async def test_types_nested_one_per_update_are_refused_at_some_depth(server: Server) -> None:
    """S-4: each update is harmless by itself, all of them together crash whoever reads them."""
    sender = Connection(server.room_url, server.token)
    async with sender:
        await sender.connect(lambda message: None)
        with suppress(ConnectionClosed):
            for update in nested_types(300):
                await sender.send(create_update_message(update))
        assert await sender.wait_closed() == 4400
    async with stock(server) as fresh:
        assert fresh.synced.is_set()


def gapped_updates() -> list[bytes]:
    """Edits of one client, of which the first ones are missing."""
    doc: Doc[object] = Doc()
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    array = doc.get("cells", type=Array)
    for number in range(10):
        array.append(f"gap{number:05}")
    doc.unobserve(subscription)
    return updates[2:]


@pytest.mark.full
async def test_updates_with_a_gap_of_a_client_that_does_not_answer_are_refused(server: Server) -> None:
    """S-3."""
    asked: list[bytes] = []
    sender = Connection(server.room_url, server.token)
    async with sender:
        await sender.connect(lambda message: asked.append(bytes(message)) if message[:2] == b"\0\0" else None)
        with suppress(ConnectionClosed), trio.move_on_after(30):
            while True:
                for update in gapped_updates():
                    await sender.send(create_update_message(update))
                await trio.sleep(0.2)
        assert await sender.wait_closed() == 4400
    assert len(asked) == 1  # what was sent before the answer would be in the answer
    async with stock(server) as fresh:
        assert not [cell for cell in fresh.array("cells") if str(cell).startswith("gap")]


async def test_of_a_sync_answer_with_a_gap_the_rest_is_dropped_and_the_sender_told(server: Server) -> None:
    """S-3: on the page's socket in words."""
    heard: list[str | bytes] = []
    sender = Connection(server.control_url, server.token)
    doc: Doc[object] = Doc()
    doc.get("whole", type=Map)["key"] = "arrives"
    async with sender, stock(server) as other:
        await sender.connect(heard.append)
        await sender.send(b"\x00\x01" + write_message(merge_updates(doc.get_update(), *gapped_updates())))

        async def told() -> bool:
            return any("edits_incomplete" in each for each in heard if isinstance(each, str))

        await until(told)
        await until(lambda: _is(other, "whole", {"key": "arrives"}))
        assert sender.connected
        assert not [cell for cell in other.array("cells") if str(cell).startswith("gap")]


async def _is(client: PycrdtClient, name: str, content: object) -> bool:
    return client.map(name).to_py() == content


# ------------------------------------------------------------------------------------- what the server puts right


async def test_what_the_server_owns_is_put_back(server: Server) -> None:
    """D-3."""
    async with stock(server) as client, stock(server) as other:
        client.create("owned000", "1 + 1")
        await seen(other, "owned000")
        before = await other.dump()
        cell = client.map("owned000")
        cell["state"] = "running"
        cell["execution_count"] = 99
        cell["outputs"] = Array([{"output_type": "stream", "name": "stdout", "text": "never"}])
        client.array("run_queue").append("owned000")
        client.map("kernel")["busy"] = True
        client.map("kernel")["forged"] = "x"
        path = client.doc.get("nb_path", type=Text)
        with client.doc.transaction():
            path.insert(0, "/etc/")
        client.map("notebook")["aligned"] = True  # this one is allowed
        client.insert("owned000", 0, "0 + ")
        await until(lambda: _says(other, "owned000", "0 + 1 + 1"))
        content = await converged(client, other)
        assert content["maps"]["owned000"] == {**before["maps"]["owned000"], "source": "0 + 1 + 1"} | {
            key: content["maps"]["owned000"][key] for key in ("top", "left", "width", "height")
        }
        for key in ("run_queue", "kernel", "nb_path"):
            assert content[key] == before[key]


async def test_graphs_are_repaired_after_a_second_of_quiet_and_not_before(server: Server) -> None:
    """G-3, G-4."""
    async with stock(server) as client, stock(server) as other:
        for cell in ("graph00a", "graph00b", "graph00c"):
            client.create(cell)
        np_graph, pc_graph, cells = client.map("np_graph"), client.map("pc_graph"), client.array("cells")
        np_graph["graph00a"] = Array(["later000"])  # an edge first, then its cell, as the original does
        await trio.sleep(0.4)
        assert other.map("np_graph").to_py()["graph00a"] == ["later000"]
        client.create("later000")
        with client.doc.transaction():
            pc_graph["graph00a"] = Array(["graph00b", "nowhere0"])
            pc_graph["graph00b"] = Array(["graph00a"])
            pc_graph["later000"] = Array(["graph00b", "graph00c"])
            np_graph["nowhere0"] = Array(["graph00c"])
            cells.append("graph00a")

        async def repaired() -> bool:
            content = await other.dump()
            parents = [child for children in content["pc_graph"].values() for child in children]
            known = set(content["cells"])
            edges = {**content["np_graph"], **content["pc_graph"]}
            return (
                len(content["cells"]) == len(known)
                and len(parents) == len(set(parents))
                and set(edges) <= known
                and all(set(targets) <= known for targets in edges.values())
                and all(content["maps"][cell]["top"] is not None for cell in content["cells"])
            )

        started = trio.current_time()
        await until(repaired, within=5)
        assert trio.current_time() - started > 0.5
        content = await converged(client, other)
        assert content["np_graph"]["graph00a"] == ["later000"]
        assert not _cycle(content["pc_graph"])


def _cycle(graph: dict[str, list[str]]) -> bool:
    def reaches(start: str, at: str, steps: int) -> bool:
        return steps > 0 and any(child == start or reaches(start, child, steps - 1) for child in graph.get(at, []))

    return any(reaches(cell, cell, len(graph)) for cell in graph)


async def test_deleted_cells_leave_the_lists_and_come_back_whole_with_undo(server: Server) -> None:
    """D-6."""
    async with stock(server) as client, stock(server) as other:
        client.create("undone00", "kept text")
        client.map("np_graph")["undone00"] = Array([])
        await seen(other, "undone00")
        client.delete("undone00")
        await until(lambda: _without(other, "undone00"))
        await trio.sleep(1.5)  # the repair
        assert str(other.source("undone00")) == "kept text"
        other.array("cells").append("undone00")
        await seen(client, "undone00")
        assert str(client.source("undone00")) == "kept text"


async def _without(client: PycrdtClient, cell_id: str) -> bool:
    return cell_id not in list(client.array("cells"))


# ------------------------------------------------------------------------------------------ slow and fast clients


async def test_who_does_not_read_is_closed_with_1013_and_nobody_waits_for_it(tmp_path: Path) -> None:
    """S-7."""
    limits = {"GANIMEDE_LIMIT_OUTBOX_BYTES": "200000", "GANIMEDE_LIMIT_OUTBOX_FRAMES": "64"}
    async with (
        running_server(tmp_path / "n.ipynb", env=limits) as server,
        stock(server) as writer,
        stock(server) as reader,
        stock(server) as slow,
        Page(server) as slow_page,
    ):
        writer.create("big00000")
        for client in (reader, slow, slow_page):
            await seen(client, "big00000")
        slow.connection.pause()
        slow_page.connection.pause()
        longest = 0.0
        for number in range(100):
            started = trio.current_time()
            with writer.doc.transaction():
                writer.map("notebook")["ballast"] = f"{number} " + "x" * 120_000

            async def arrived(number: int = number) -> bool:
                return str(reader.map("notebook").get("ballast", "")).startswith(f"{number} ")

            await until(arrived, every=0.001)
            longest = max(longest, trio.current_time() - started)
        assert longest < 2.0
        before = cpu_seconds(server.pid)
        await trio.sleep(1)
        assert cpu_seconds(server.pid) - before < 0.5  # those that do not read cost nothing while they are closed
        for client in (slow, slow_page):
            client.connection.resume()
            assert await client.connection.wait_closed(20) == 1013
            await client.connect(within=20)
        await converged(writer, reader, slow, slow_page, within=20)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_a_thousand_updates_at_once_close_nobody_and_none_is_lost(server: Server) -> None:
    """S-7, and contract section 3: the original's page sends an update per key."""
    async with stock(server) as writer, stock(server) as reader, Page(server) as page:
        writer.create("fast0000")
        for number in range(1000):
            writer.insert("fast0000", 0, str(number % 10))
        expected = "".join(str(number % 10) for number in reversed(range(1000)))
        await until(lambda: _says(reader, "fast0000", expected), within=20)
        await until(lambda: _says(page, "fast0000", expected), within=20)
        assert writer.connection.connected


async def test_a_client_frozen_and_thawed_is_whole_again(server: Server) -> None:
    async with NodeClient(3) as node, stock(server) as python:
        await node.connect(server.sync_url, server.token)
        python.create("frozen00", "x")
        await until(lambda: _have(node, "frozen00"))
        os.kill(node.pid, signal.SIGSTOP)
        for _ in range(50):
            python.insert("frozen00", 0, "y")
        os.kill(node.pid, signal.SIGCONT)
        await converged(node, python)


# ------------------------------------------------------------------------------------------- who writes under which id


@pytest.mark.full
async def test_who_comes_back_while_the_old_connection_is_half_open_loses_nothing(server: Server) -> None:
    """S-10, S-11: the same document on a new connection; of the old one nobody noticed that it is dead."""
    async with stock(server) as other, stock(server) as old:
        old.set_awareness({"user": "x"})
        old.create("halfopen", "sent")
        await until(lambda: _says(other, "halfopen", "sent"))
        old._hear_sync = lambda message: None  # type: ignore[method-assign]
        back = PycrdtClient(server.room_url, server.token, doc=old.doc)
        # From here on the old connection says nothing more.
        old.doc.unobserve(old._subscription)
        old._subscription = old.doc.observe(lambda event: None)
        back.insert("halfopen", 4, " offline")
        async with back:
            back.set_awareness({"user": "x"})
            back.insert("halfopen", 12, " typed")
            await until(lambda: _says(other, "halfopen", "sent offline typed"), within=20)
            assert await old.connection.wait_closed() == 1013
            back.insert("halfopen", 18, ".")
            await until(lambda: _says(other, "halfopen", "sent offline typed."))
            assert back.connection.connected


async def test_edits_under_the_id_of_somebody_who_is_here_are_cut_and_the_page_told(server: Server) -> None:
    """S-10."""
    heard: list[str | bytes] = []
    sender = Connection(server.control_url, server.token)
    async with stock(server) as victim, sender:
        victim.create("victim00", "mine")
        await until(lambda: _holds(server, "victim00"))
        forged: Doc[object] = Doc(client_id=victim.doc.client_id)
        forged.apply_update(victim.doc.get_update())
        before = forged.get_state()
        forged.get("cells", type=Array).append("forged00")
        await sender.connect(heard.append)
        for _ in range(3):
            await sender.send(create_update_message(forged.get_update(before)))

        async def told() -> bool:
            return any("client_id_taken" in each for each in heard if isinstance(each, str))

        await until(told)
        victim.insert("victim00", 4, " still")
        async with stock(server) as fresh:
            await until(lambda: _says(fresh, "victim00", "mine still"))
            assert "forged00" not in list(fresh.array("cells"))
        assert sum("client_id_taken" in each for each in heard if isinstance(each, str)) == 1
        assert victim.connection.connected
        assert sender.connected


async def test_an_id_that_somebody_shows_itself_under_is_not_anybodys(server: Server) -> None:
    """S-10: also before its first edit."""
    heard: list[str | bytes] = []
    sender = Connection(server.control_url, server.token)
    async with stock(server) as victim, stock(server) as other, sender:
        victim.set_awareness({"user": "x"})
        await until(lambda: _present(other, victim.doc.client_id))
        forged: Doc[object] = Doc(client_id=victim.doc.client_id)
        forged.get("cells", type=Array).append("forged01")
        await sender.connect(heard.append)
        await sender.send(create_update_message(forged.get_update()))

        async def told() -> bool:
            return any("client_id_taken" in each for each in heard if isinstance(each, str))

        await until(told)
        victim.create("first000", "mine")
        await until(lambda: _says(other, "first000", "mine"))
        assert "forged01" not in list(other.array("cells"))


async def _present(client: PycrdtClient, client_id: int) -> bool:
    return client_id in client.present()


async def _holds(server: Server, cell: str) -> bool:
    async with stock(server) as fresh:
        return cell in list(fresh.array("cells"))
