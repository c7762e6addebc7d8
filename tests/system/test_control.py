"""Control messages over a real socket: SPEC.md, section W."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import trio
from trio_websocket import ConnectionClosed
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request as WebSocketRequest
from wsproto.events import TextMessage

from protocol.wire import METHODS
from tests.conformance.control_client import ControlClient, ControlError
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server
from tests.system.support import Page, shared_server

pytestmark = pytest.mark.system

NOTEBOOK = ["checkpointer", "hub", "kernel", "runs"]
PUSHES = {
    ("notebook", "saving"),
    ("notebook", "notice"),
    ("notebook", "failed"),
    ("notebook", "queue_offered"),
    ("kernel", "status"),
    ("kernel", "input_request"),
    ("comms", "state"),
}

# What each method's message is here, and the code of its error where it has to be one.
ROWS: dict[tuple[str, str], tuple[dict[str, Any] | None, str | None]] = {
    ("kernel", "shut_down"): ({}, None),
    ("notebook", "get"): (None, None),
    ("notebook", "queue_cell"): ({"cell_id": "nowhere"}, "no_such_cell"),
    ("notebook", "run"): ({"what": "below", "cell_id": "nowhere"}, "no_such_cell"),
    ("notebook", "run_next"): ({"cell_id": "nowhere"}, "no_such_cell"),
    ("notebook", "cancel_cell"): ({"cell_id": "nowhere"}, "not_queued"),
    ("notebook", "move_cell"): ({"cell_id": "nowhere", "place": 1}, "not_queued"),
    ("notebook", "pause"): ({}, None),
    ("notebook", "resume"): ({}, None),
    ("notebook", "resume_queue"): ({}, "no_offer"),
    ("notebook", "dismiss_queue"): ({}, None),
    ("notebook", "clear_outputs"): (None, None),
    ("notebook", "interrupt_kernel"): ({}, None),
    ("notebook", "checkpoint"): ({}, None),
    ("notebook", "versions"): (None, None),
    ("notebook", "restore_version"): ({"id": 10**6}, "no_such_version"),
    ("notebook", "retry"): (None, "not_failed"),
    ("notebook", "actors"): (None, None),
    ("kernel", "interrupt"): ({}, None),
    ("kernel", "restart_kernel"): ({}, None),
    ("kernel", "start_kernel"): ({}, None),
    ("kernel", "change_kernel"): ({"name": "nowhere"}, "unknown_kernel"),
    ("kernel", "input_reply"): ({"value": "x"}, "no_input"),
    ("kernel", "specs"): (None, None),
    ("config", "get"): (None, None),
    ("comms", "ping"): ({}, None),
    ("comms", "subscribe"): ({}, None),
    ("chaos", "kill"): ({"actor": "nobody"}, "not_running"),
    ("chaos", "tree"): (None, None),
}
# What is asked of a kernel that runs.
QUESTIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("kernel", "complete"): {"code": "impo", "cursor_pos": 4},
    ("kernel", "inspect"): {"code": "print", "cursor_pos": 5},
    ("kernel", "is_complete"): {"code": "if 1:"},
    ("kernel", "history"): {"n": 3},
    ("kernel", "info"): {},
    ("comms", "open"): {"comm_id": "c", "target_name": "no.such.target"},
    ("comms", "msg"): {"comm_id": "c"},
    ("comms", "close"): {"comm_id": "c"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared_server(tmp_path_factory.mktemp("control") / "n.ipynb", "--chaos") as server:
        yield server


def client(server: Server) -> ControlClient:
    return ControlClient(server.control_url, server.token)


def test_every_method_of_the_table_is_tried_here() -> None:
    """W-5."""
    assert {*ROWS, *QUESTIONS} == set(METHODS)


@pytest.mark.parametrize(("channel", "method"), sorted(ROWS), ids=[".".join(row) for row in sorted(ROWS)])
async def test_a_request_with_an_id_is_answered_with_it(server: Server, channel: str, method: str) -> None:
    """W-1, W-2, W-3."""
    message, code = ROWS[channel, method]
    async with client(server) as control:
        ids: tuple[int | str, ...] = (17, "") if method == "restart_kernel" else (17, "a string", 0, "", -(2**53))
        for request_id in ids:
            request: dict[str, Any] = {"channel": channel, "method": method, "id": request_id, "extra": [1]}
            if message is not None:
                request["message"] = {**message, "unheard of": {"x": None}}
            await control.send(json.dumps(request))
            answer = await control.answer_to(request_id, within=20)
            assert (answer["channel"], answer["method"], answer["id"]) == (channel, method, request_id)
            if code is None:
                assert set(answer) == {"channel", "method", "id", "message"}
                assert isinstance(answer["message"], dict)
            else:
                assert set(answer) == {"channel", "method", "id", "error"}
                assert answer["error"]["code"] == code
                assert answer["error"]["message"].endswith(".")


async def test_a_request_without_an_id_is_answered_where_the_table_says_so_and_errors_always_are(
    server: Server,
) -> None:
    """W-2, W-3."""
    async with client(server) as control:
        for (channel, method), (message, _) in ROWS.items():
            for request in ({}, {"id": None}):
                frame = {"channel": channel, "method": method, **request}
                await control.send(json.dumps(frame if message is None else {**frame, "message": message}))
        await control.ask("kernel", "start_kernel", within=20)
        await control.ask("notebook", "checkpoint")
        answered = [
            (push["channel"], push["method"], push.get("error", {}).get("code"))
            for push in control.pushes
            if (push["channel"], push["method"]) not in PUSHES
        ]
        expected = [
            (*key, code)
            for key, (_, code) in ROWS.items()
            if code is not None or METHODS[key].always
            for _ in "12"
        ]
        assert sorted(answered, key=str) == sorted(expected, key=str)
        assert all(push["id"] is None for push in control.pushes if "error" in push)


@pytest.mark.parametrize("row", QUESTIONS, ids=".".join)
async def test_a_kernel_answers_questions_once_it_runs_and_bad_ones_name_the_field(
    server: Server, row: tuple[str, str]
) -> None:
    """W-9."""
    channel, method = row
    async with client(server) as control:
        await control.ask("kernel", "start_kernel", within=20)
        answer = await control.ask(channel, method, QUESTIONS[row], within=20)
        assert answer or channel == "comms"
        for field in QUESTIONS[row]:
            with pytest.raises(ControlError, match=f"bad_field.*{field}"):
                await control.ask(channel, method, {**QUESTIONS[row], field: {}})


BAD: list[tuple[str, str, object]] = [
    ("", "bad_json", None),
    ("hello", "bad_json", None),
    ("{", "bad_json", None),
    ('{"channel": "comms", "method": "ping", "id": NaN}', "bad_json", None),
    ("[" * 200_000, "bad_json", None),
    ('{"a":' * 50_000, "bad_json", None),
    ("[]", "bad_message", None),
    ("null", "bad_message", None),
    ("1e400", "bad_json", None),
    ('"notebook"', "bad_message", None),
    ("{}", "bad_message", None),
    ('{"id": 1}', "bad_message", 1),
    ('{"channel": "notebook", "id": "x"}', "bad_message", "x"),
    ('{"method": "get"}', "bad_message", None),
    ('{"channel": 1, "method": "get", "id": 2}', "bad_message", 2),
    ('{"channel": "notebook", "method": ["get"]}', "bad_message", None),
    ('{"channel": "", "method": "", "id": 1}', "unknown_channel", 1),
    ('{"channel": "gateway", "method": "get"}', "unknown_channel", None),
    ('{"channel": "NOTEBOOK", "method": "get"}', "unknown_channel", None),
    ('{"channel": "notebook", "method": "__init__", "id": 5}', "unknown_method", 5),
    ('{"channel": "notebook", "method": "ping"}', "unknown_method", None),
    (json.dumps({"channel": "notebook", "method": "m" * 100_000}), "unknown_method", None),
    ('{"channel": "notebook", "method": "queue_cell", "id": 3}', "bad_field", 3),
    ('{"channel": "notebook", "method": "queue_cell", "message": null}', "bad_field", None),
    ('{"channel": "notebook", "method": "queue_cell", "message": {"cell_id": 7}}', "bad_field", None),
    ('{"channel": "notebook", "method": "queue_cell", "message": []}', "bad_field", None),
    ('{"channel": "notebook", "method": "queue_cell", "message": "x"}', "bad_field", None),
    ('{"channel": "kernel", "method": "input_reply", "message": {"value": null}}', "bad_field", None),
    ('{"channel": "kernel", "method": "input_reply", "message": {"value": "", "id": 1}}', "bad_field", None),
    ('{"channel": "kernel", "method": "start_kernel", "message": {"name": {}}}', "bad_field", None),
    ('{"channel": "comms", "method": "ping", "id": true}', "bad_field", None),
    ('{"channel": "comms", "method": "ping", "id": 1.5}', "bad_field", None),
    ('{"channel": "comms", "method": "ping", "id": {}}', "bad_field", None),
    ('{"channel": "notebook", "method": "queue_cell", "message": {"cell_id": "\\ud800"}}', "*", None),
    (json.dumps({"channel": "comms", "method": "ping", "message": {"x": "y" * (1 << 20)}}), "too_large", None),
    ("é" * 600_000, "too_large", None),
]


async def test_bad_input_is_answered_and_the_socket_others_and_the_queue_go_on(server: Server) -> None:
    """W-4."""
    async with Page(server) as page, client(server) as sender, client(server) as other:
        counts = page.add("import time\nfor i in range(60):\n    print(i, flush=True)\n    time.sleep(0.01)")
        waits = page.add("print('went on')")
        await page.queue(counts)
        await page.queue(waits)
        for text, code, request_id in BAD:
            sender.pushes.clear()
            await sender.send(text)
            error = await _error(sender, request_id)
            assert code in ("*", error["error"]["code"]), text[:100]
            assert error["id"] == request_id
            assert error["error"]["message"]
            assert len(json.dumps(error)) < 1000
            assert await sender.ask("comms", "ping") == {"pong": True}
        assert await other.ask("comms", "ping") == {"pong": True}
        assert not [push for push in other.pushes if "error" in push]
        await page.ended(counts, waits)
        assert page.text(counts).split() == [str(i) for i in range(60)]
        assert page.text(waits) == "went on\n"


async def _error(control: ControlClient, request_id: object) -> dict[str, Any]:
    if request_id is not None:
        return await control.answer_to(request_id)
    await control._until(lambda: any("error" in push for push in control.pushes), 10)
    return next(push for push in control.pushes if "error" in push)


@pytest.mark.parametrize("message", ["x" * ((16 << 20) + 1), b"\0" * ((16 << 20) + 1)], ids=["text", "binary"])
async def test_a_message_over_the_transports_limit_closes_that_socket_with_1009(
    server: Server, message: str | bytes
) -> None:
    async with client(server) as control, client(server) as other:
        with suppress(trio.BrokenResourceError, ConnectionClosed):  # it may be closed before all has left
            await control.send(message)
        assert await control.connection.wait_closed(20) == 1009
        assert await other.ask("comms", "ping") == {"pong": True}


async def test_what_runs_is_what_was_typed_before_and_nothing_that_was_typed_after(server: Server) -> None:
    """W-8."""
    async with Page(server) as page:
        cells = []
        for number in range(20):
            cell = page.add("print('")
            page.insert(cell, len("print('"), f"typed {number}")
            page.insert(cell, len(f"print('typed {number}"), "')")
            page.send_in_order(
                json.dumps({"channel": "notebook", "method": "queue_cell", "message": {"cell_id": cell}})
            )
            page.remove(cell, 0, len("print('"))
            page.insert(cell, 0, "raise Late('")
            cells.append(cell)
        await page.ended(*cells)
        for number, cell in enumerate(cells):
            assert page.text(cell) == f"typed {number}\n", page.outputs(cell)
            assert str(page.source(cell)) == f"raise Late('typed {number}')"


async def test_the_queue_has_each_cell_once_and_only_code_that_is_there(server: Server) -> None:
    """R-1."""
    async with Page(server) as page:
        runs = await page.begin("import time\nprint('on', flush=True)\ntime.sleep(60)", until="on")
        waits, text = page.add("2 + 2"), page.add("text", type="markdown")
        await page.queue(waits)
        await page.ask("notebook", "queue_cell", {"cell_id": waits, "code": "the original sends this"})
        summary = await page.summary()
        assert (summary["running"], summary["queued"]) == (runs, [waits])
        await page.until(lambda: list(page.array("run_queue")) == [runs, waits])
        assert page.cell(waits)["state"] == "queued"
        for cell, code in ((runs, "running"), (text, "not_code"), ("nowhere", "no_such_cell"), ("cells", None)):
            with pytest.raises(ControlError) as refused:
                await page.queue(cell)
            assert refused.value.code == code or code is None
        await page.ask("notebook", "interrupt_kernel")
        await page.ended(runs, waits)
        assert page.said(runs)["ename"] == "KeyboardInterrupt"
        assert page.outputs(waits) == []
        assert list(page.array("run_queue")) == []


async def test_everybody_on_the_control_socket_hears_the_news_and_a_newcomer_the_last_of_each(
    server: Server,
) -> None:
    """W-6."""
    async with (
        Page(server) as page,
        client(server) as other,
        PycrdtClient(server.room_url, server.token) as silent,
    ):
        await page.ask("kernel", "start_kernel", within=20)
        cell = page.add("print('got', input('Name? '))")
        await page.queue(cell)
        asked = await other.push("kernel", "input_request", lambda message: message["cell_id"] == cell)
        assert set(asked["request"]) == {"id", "prompt", "password"}
        assert (asked["request"]["prompt"], asked["request"]["password"]) == ("Name? ", False)
        assert await page.control.push("kernel", "input_request") == asked
        async with client(server) as newcomer:
            assert await newcomer.push("kernel", "input_request") == asked
            status = await newcomer.push("kernel", "status")
            assert status == {"status": "busy", "reason": "", "name": "python3"}
            saving = await newcomer.push("notebook", "saving")
            assert set(saving) == {"status", "reason"}
            assert await newcomer.push("notebook", "queue_offered") == {"cells": []}
        assert (await page.summary())["input"] == {"cell_id": cell, **asked["request"]}
        await page.ask("kernel", "input_reply", {"value": "Io"})
        assert (await other.push("kernel", "input_request"))["request"] is None
        await page.ended(cell)
        assert "got Io" in page.text(cell)
        await other.push("kernel", "status", lambda message: message["status"] == "idle")
        async with client(server) as newcomer:
            await newcomer.ask("comms", "ping")
            assert not [push for push in newcomer.pushes if push["method"] == "input_request"]
        await page.ask("notebook", "checkpoint")
        await other.push("notebook", "saving", lambda message: message["status"] == "saved")
        assert silent.connection.connected  # it takes binary messages only, and had nothing else


async def test_input_is_answered_once_by_whoever_is_first_and_can_be_interrupted(server: Server) -> None:
    async with Page(server) as page, client(server) as other:
        cell = page.add("import getpass\nprint('secret', len(getpass.getpass('Key: ')))")
        await page.queue(cell)
        asked = await page.control.push("kernel", "input_request", lambda message: message["cell_id"] == cell)
        assert asked["request"]["password"] is True
        with pytest.raises(ControlError, match="no_input"):
            await other.ask("kernel", "input_reply", {"value": "x", "id": "another question"})
        await other.ask("kernel", "input_reply", {"value": "sesame", "id": asked["request"]["id"]})
        with pytest.raises(ControlError, match="no_input"):
            await page.ask("kernel", "input_reply", {"value": "late", "id": asked["request"]["id"]})
        await page.ended(cell)
        assert "secret 6" in page.text(cell)
        assert "sesame" not in json.dumps(page.outputs(cell))

        cell = page.add("input()")
        await page.queue(cell)
        await page.control.push("kernel", "input_request", lambda message: message["cell_id"] == cell)
        await page.ask("kernel", "interrupt")
        await page.ended(cell)
        assert page.said(cell)["ename"] == "KeyboardInterrupt"
        await page.works()


async def test_the_summary_has_its_documented_keys(server: Server) -> None:
    """W-7."""
    async with Page(server) as page:
        await page.ask("kernel", "start_kernel", within=20)
        summary = await page.summary()
        assert set(summary) == {
            "path", "epoch", "cells", "clients", "saving", "kernel", "running", "queued", "offered", "input",
        }  # fmt: skip
        assert summary["path"].endswith("/n.ipynb")
        assert summary["path"] == (await page.dump())["nb_path"]
        assert summary["epoch"]
        assert summary["cells"] == len(page.array("cells"))
        assert summary["clients"] >= 1
        assert summary["saving"]["status"] in ("saved", "saving")
        assert set(summary["kernel"]) == {"busy", "status", "name", "reason", "incarnation", "paused"}
        assert (summary["kernel"]["name"], summary["kernel"]["status"]) == ("python3", "idle")
        assert (summary["running"], summary["queued"], summary["input"]) == (None, [], None)
        assert summary["offered"] == []
        async with client(server):
            assert (await page.summary())["clients"] == summary["clients"] + 1


async def test_the_configuration_is_that_of_get_config(server: Server) -> None:
    async with client(server) as control, httpx.AsyncClient() as http:
        answer = await http.get(f"{server.url}/config", params={"token": server.token})
        assert await control.ask("config", "get") == answer.json()


async def test_many_requests_at_once_are_all_answered(server: Server) -> None:
    async with Page(server) as page:
        for number in range(300):
            page.send_in_order(json.dumps({"channel": "notebook", "method": "get", "id": f"n{number}"}))
        for number in range(300):
            assert (await page.control.answer_to(f"n{number}"))["message"]["path"]


async def test_fragments_between_ordinary_frames_keep_their_place(
    server: Server,
) -> None:
    """Ordinary frames are read before the library and fragments by it: a client must not be able to tell."""

    def ping(number: int) -> str:
        return json.dumps({"channel": "comms", "method": "ping", "id": number})

    address = httpx.URL(server.control_url)
    wire = WSConnection(ConnectionType.CLIENT)
    target = f"{address.path}?token={server.token}"
    stream = await trio.open_tcp_stream("127.0.0.1", address.port or 80)
    async with stream:
        await stream.send_all(wire.send(WebSocketRequest(f"localhost:{address.port}", target)))
        wire.receive_data(await stream.receive_some())
        first = ping(2)
        frames = [wire.send(TextMessage(ping(1)))]
        frames += [wire.send(TextMessage(first[:9], message_finished=False)), wire.send(TextMessage(first[9:]))]
        frames += [wire.send(TextMessage(ping(3))), wire.send(TextMessage(ping(4)))]
        await stream.send_all(b"".join(frames))
        answered, text = list[int](), ""
        while len(answered) < 4:
            wire.receive_data(await stream.receive_some())
            for event in wire.events():
                if isinstance(event, TextMessage):
                    text += event.data
                    if event.message_finished:
                        heard, text = json.loads(text), ""
                        answered += [heard["id"]] if heard["method"] == "ping" else []
        assert answered == [1, 2, 3, 4]


async def test_what_runs_is_told_with_every_restart(server: Server) -> None:
    """notebook.actors: the tree's actors, each with its incarnation, and the journal's size."""
    async with client(server) as control:
        before = await control.ask("notebook", "actors")
        assert [each["name"] for each in before["actors"]] == ["notebook", "gateway", *NOTEBOOK]
        assert before["journal"] > 0
        assert before["killable"]
        await control.ask("chaos", "kill", {"actor": "kernel"})
        with trio.fail_after(10):
            while True:
                after = {each["name"]: each for each in (await control.ask("notebook", "actors"))["actors"]}
                if after["kernel"]["state"] == "up":
                    break
        was = {each["name"]: each["incarnation"] for each in before["actors"]}
        assert after["kernel"]["incarnation"] == was["kernel"] + 1
        assert after["hub"]["incarnation"] == was["hub"]
