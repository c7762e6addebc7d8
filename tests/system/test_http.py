"""HTTP routes, their headers, and who may ask for what: SPEC.md, section A, and contract section 1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from trio_websocket import ConnectionRejected

from gateway.app import Application
from tests.conformance.control_client import ControlClient
from tests.conformance.pycrdt_client import PycrdtClient
from tests.server import Server, ServerEnded, running_server
from tests.system.support import shared_server

pytestmark = pytest.mark.system

DEFAULTS = {
    "monaco": {"fontSize": 13, "lineNumbers": "on"},
    "outputs": {"fontSize": 14},
    "grid": {"snap": {"x": 20, "y": 20}},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("http")
    (folder / "plot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "secret.txt").write_text("secret")
    (folder.parent / "outside.png").write_text("secret")
    with shared_server(folder / "<i>n & m.ipynb") as server:
        yield server


def browser(server: Server, *, token: bool = True) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {server.token}"} if token else {}
    return httpx.AsyncClient(base_url=server.url, headers=headers)


def routes() -> list[tuple[str, str, bool]]:
    """Path, method and whether it is a WebSocket, of everything that the application serves."""

    async def never() -> Any:
        raise AssertionError

    rules = Application(never, lambda reason: None).quart.url_map.iter_rules()
    return sorted(
        (re.sub(r"<[^>]+>", "status.js", rule.rule), method, bool(rule.websocket))
        for rule in rules
        for method in rule.methods or {"GET"}
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/status", "text/html; charset=utf-8"),
        ("/frame", "text/html; charset=utf-8"),
        ("/files/plot.png", "image/png"),
        ("/config", "application/json"),
        ("/assets/status.js", "text/javascript; charset=utf-8"),
        ("/assets/status.css", "text/css; charset=utf-8"),
        ("/favicon.ico", "image/x-icon"),
        ("/healthz", "text/plain"),
        ("/readyz", "text/plain"),
        ("/metrics", "text/plain; version=0.0.4"),
    ],
)
async def test_a_route_answers_with_its_type_and_the_closed_headers(server: Server, path: str, kind: str) -> None:
    async with browser(server) as http:
        answer = await http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.content
        head = await http.head(path)
        assert (head.status_code, head.content) == (200, b"")
    for name, value in (
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ):
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    if path == "/frame":
        assert "sandbox allow-scripts;" in policy
    else:
        # Style attributes are the one exception of the page; they load nothing.
        assert "script-src 'unsafe" not in policy
        assert "unsafe" not in re.sub(r"style-src(-attr)? 'unsafe-inline'", "", policy)
        assert "frame-ancestors 'none'" in policy
    assert "server" not in answer.headers
    assert answer.headers["cache-control"] in ("no-store", "no-cache", "private, no-cache")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/assets/", "/assets/token.html", "/assets/frame.html", "/assets/..%2fapp.py", "/static/x",
        "/files", "/files/", "/files/secret.txt", "/files/nothing.png", "/files/..%2foutside.png",
        "/files/%2e%2e/outside.png", "/files/..%5coutside.png",
        "/files/secret.txt%00.png", "/files/%ff.png",
    ],
)  # fmt: skip
async def test_what_does_not_exist_is_404_and_says_nothing_of_the_server(server: Server, path: str) -> None:
    async with browser(server) as http:
        answer = await http.get(path)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert "/" + __file__.split("/")[1] not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/files/../outside.png", "/files/x/../../../outside.png", "/files//plot.png", "/files/%2fetc/x.png"]
)
async def test_a_path_as_no_browser_sends_it_leads_nowhere(server: Server, path: str) -> None:
    """As it stands: clients tidy a path before they send it."""
    port = int(server.url.rsplit(":", 1)[1])
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
        await stream.send_all(request.encode() + b"Connection: close\r\n\r\n")
        answer = b"".join([chunk async for chunk in stream])
    assert int(answer.split()[1]) in (301, 308, 404)
    assert b"secret" not in answer


async def test_an_image_is_not_sent_again_while_it_is_the_same(server: Server) -> None:
    async with browser(server) as http:
        first = await http.get("/files/plot.png")
        again = await http.get("/files/plot.png", headers={"If-None-Match": first.headers["etag"]})
        other = await http.get("/files/plot.png", headers={"If-None-Match": '"other"'})
    assert (first.status_code, again.status_code, other.status_code) == (200, 304, 200)
    assert again.content == b""
    assert again.headers["x-content-type-options"] == "nosniff"


async def test_files_are_compressed_for_whoever_takes_it(server: Server) -> None:
    async with browser(server) as http:
        plain = await http.get("/assets/status.js", headers={"Accept-Encoding": "identity"})
        refused = await http.get("/assets/status.js", headers={"Accept-Encoding": "gzip;q=0, br"})
        squeezed = await http.get("/assets/status.js", headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert squeezed.headers["content-encoding"] == "gzip"
    assert plain.content == squeezed.content == refused.content


async def test_other_methods_and_broken_requests_are_refused_and_the_server_goes_on(server: Server) -> None:
    async with browser(server) as http:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert (await http.request(method, "/config", content=b"x" * 1000)).status_code == 405
        assert (await http.get("/config", params={"x": "y" * 7000})).status_code == 200
        assert (await http.get("/config")).json() == DEFAULTS


@pytest.mark.parametrize(("path", "method", "websocket"), routes())
async def test_without_the_token_nothing_is_served_but_healthz(
    server: Server, path: str, method: str, websocket: bool
) -> None:
    """A-1."""
    for token in (None, "wrong-token"):
        if websocket:
            async with ControlClient(server.control_url.rstrip("/") + path, token) as control:
                assert await control.connection.wait_closed() == 4401
            continue
        async with browser(server, token=False) as http:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            answer = await http.request(method, path, headers=headers)
        opened = path == "/healthz" and method in ("GET", "HEAD")
        assert answer.status_code == (200 if opened else 401)
        if path == "/" and method == "GET":
            assert "token" in answer.text
        assert str(server.token) not in answer.text
        assert "n &" not in answer.text


async def test_the_token_in_the_address_becomes_a_cookie_that_also_opens_the_sockets(server: Server) -> None:
    """A-1."""
    async with browser(server, token=False) as http:
        assert (await http.get("/config")).status_code == 401
        answer = await http.get("/", params={"token": str(server.token)})
        assert answer.status_code == 200  # the page itself: a redirect would lose a Strict cookie
        assert "&lt;i&gt;n &amp; m.ipynb" in answer.text
        cookie = answer.headers["set-cookie"]
        name, _, rest = cookie.partition("=")
        assert name == f"ganimede-{server.url.rsplit(':', 1)[1]}"
        assert "HttpOnly" in rest
        assert "SameSite=Strict" in rest
        assert (await http.get("/config")).status_code == 200
        assert "set-cookie" not in (await http.get("/")).headers
        assert (await http.get("/", params={"token": "wrong-token"})).status_code == 200  # the cookie is right
    async with ControlClient(server.control_url, server.token, show="cookie") as control:
        assert await control.ask("comms", "ping") == {"pong": True}
    headers = (("Cookie", cookie.partition(";")[0]),)  # as a browser sends it: cookies know no ports
    async with PycrdtClient(server.room_url, headers=headers) as client:
        assert client.synced.is_set()


ORIGINS = [
    ({}, True),
    ({"Origin": "SAME"}, True),
    ({"Origin": "http://127.0.0.1:PORT"}, True),
    ({"Origin": "http://localhost:1"}, False),
    ({"Origin": "https://localhost:PORT"}, False),
    ({"Origin": "http://evil.example:PORT"}, False),
    ({"Origin": "http://localhost.evil.example:PORT"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
]


@pytest.mark.parametrize(("headers", "allowed"), ORIGINS)
async def test_an_origin_must_be_the_pages_own_on_both_ports(
    server: Server, headers: dict[str, str], allowed: bool
) -> None:
    """A-2."""
    port = server.url.rsplit(":", 1)[1]
    headers = {name: value.replace("SAME", server.url).replace("PORT", port) for name, value in headers.items()}
    async with browser(server) as http:
        assert (await http.get("/config", headers=headers)).status_code == (200 if allowed else 403)
        assert (await http.get("/healthz", headers=headers)).status_code == (200 if allowed else 403)
    pairs = tuple(headers.items())
    for url in (server.control_url, server.room_url):
        assert await _opens(ControlClient(url, server.token, headers=pairs)) == allowed


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("localhost:9", True), ("127.0.0.1", True), ("[::1]:80", True), ("evil.example", False), ("", False)],
)
async def test_a_host_must_be_a_name_of_this_server(server: Server, host: str, allowed: bool) -> None:
    """A-2: a name that somebody pointed at this machine gets nothing."""
    async with browser(server) as http:
        for path in ("/", "/config", "/healthz"):
            answer = await http.get(path, headers={"Host": host})
            assert (answer.status_code == 200) == allowed
            assert answer.status_code in (200, 400, 403)


async def test_a_host_is_judged_on_the_sync_port_too(server: Server) -> None:
    """A-2."""
    port = server.sync_url.rsplit(":", 1)[1]
    async with httpx.AsyncClient() as http:
        for host, status in ((f"localhost:{port}", 101), ("evil.example", 403)):
            request = http.build_request(
                "GET",
                f"http://localhost:{port}/g-y-room",
                params={"token": str(server.token)},
                headers={
                    "Host": host,
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
                    "Sec-WebSocket-Version": "13",
                },
            )
            answer = await http.send(request, stream=True)
            assert answer.status_code == status
            await answer.aclose()


async def _opens(client: ControlClient) -> bool:
    try:
        async with client:
            return True
    except ConnectionRejected as rejected:
        if rejected.status_code != 403:
            raise
        return False


async def test_metrics_count_actors_connections_and_cells(server: Server) -> None:
    async with browser(server) as http, PycrdtClient(server.room_url, server.token) as client:
        client.create("metered0", "x")
        async with PycrdtClient(server.room_url, server.token):
            text = (await http.get("/metrics")).text
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert figures["ganimede_connections"] == "2"
    assert int(figures["ganimede_cells"]) >= 1
    assert figures["ganimede_saved"] in ("0", "1")
    for actor in ("checkpointer", "hub", "kernel", "runs", "notebook", "gateway"):
        assert figures[f'ganimede_actor_incarnations{{actor="{actor}"}}'] == "1"


async def test_the_configuration_is_the_defaults_and_a_persons_file_over_them(
    server: Server, tmp_path: Path
) -> None:
    async with browser(server) as http:
        assert (await http.get("/config")).json() == DEFAULTS
    file = tmp_path / "config.toml"
    file.write_text('[monaco]\nlineNumbers = "off"\n[grid.snap]\nx = 5\n')
    async with running_server(tmp_path / "n.ipynb", "--config", str(file)) as other, browser(other) as http:
        assert (await http.get("/config")).json() == {
            "monaco": {"fontSize": 13, "lineNumbers": "off"},
            "outputs": {"fontSize": 14},
            "grid": {"snap": {"x": 5, "y": 20}},
        }
        async with ControlClient(other.control_url, other.token) as control:
            assert (await control.ask("config", "get"))["grid"] == {"snap": {"x": 5, "y": 20}}


async def test_unknown_keys_in_the_configuration_are_named_and_the_server_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[monaco]\nfontsize = 3\n[colours]\nx = 1\n")
    with pytest.raises(ServerEnded) as ended:
        async with running_server(tmp_path / "n.ipynb", "--config", str(file)):
            pass
    assert ended.value.code == 1
    assert ended.value.stderr.count("\n") == 1
    assert "monaco.fontsize" in ended.value.stderr
    assert "colours" in ended.value.stderr


async def test_allowed_hosts_and_origins_may_come_in(tmp_path: Path) -> None:
    """A-2."""
    allowed = ("--allow-host", "notes.example.org", "--allow-origin", "https://notes.example.org")
    async with running_server(tmp_path / "n.ipynb", *allowed) as server, browser(server) as http:
        proxied = {"Host": "notes.example.org", "Origin": "https://notes.example.org"}
        assert (await http.get("/config", headers=proxied)).status_code == 200
        assert (await http.get("/config", headers={**proxied, "Host": "other.example.org"})).status_code == 403


async def test_without_a_token_host_and_origin_are_judged_all_the_same(tmp_path: Path) -> None:
    async with running_server(tmp_path / "n.ipynb", token=None) as server:
        assert "WARNING: no token" in server.stdout
        async with httpx.AsyncClient(base_url=server.url) as http:
            assert (await http.get("/config")).status_code == 200
            assert (await http.get("/config", headers={"Host": "evil.example"})).status_code == 403
        async with ControlClient(server.control_url) as control:
            assert await control.ask("comms", "ping") == {"pong": True}
        assert not await _opens(ControlClient(server.room_url, headers=(("Origin", "http://evil.example"),)))
