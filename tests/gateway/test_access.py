"""Whoever may not, cannot: before routing, on both ports, for HTTP and WebSocket."""

from __future__ import annotations

import logging
from typing import Any, Literal

import pytest
import trio

from gateway.access import Allowed, AskToken, Denied, Policy, Request, Verdict, judge, make_policy
from gateway.access_middleware import AccessMiddleware, KeepTokenOut

pytestmark = pytest.mark.pure

TOKEN = "right-token"
POLICY = make_policy(
    TOKEN, 8000, hosts=["My-Host.lan", "[2001:DB8::5]"], origins=["https://Proxy.org", "http://x.org:81"]
)
OPEN = make_policy(None, 8000)
PROGRAM = {"authorization": f"Bearer {TOKEN}"}


def verdict(
    path: str = "/config",
    *,
    query: str = "",
    headers: dict[str, str | list[str]] | None = None,
    host: str | None = "localhost:8000",
    websocket: bool = False,
    port: Literal["http", "sync"] = "http",
    method: str = "GET",
    policy: Policy = POLICY,
) -> Verdict:
    pairs = [] if host is None else [("host", host)]
    for name, value in (headers or {}).items():
        pairs += [(name, each) for each in ([value] if isinstance(value, str) else value)]
    return judge(Request(method, path, query, tuple(pairs), websocket, port), policy)


def status(found: Verdict) -> int | str:
    match found:
        case Allowed():
            return "allowed"
        case AskToken():
            return "asked"
        case Denied(status=number):
            return number


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", "allowed"),
        ("localhost:8000", "allowed"),
        ("LOCALHOST:9", "allowed"),  # a forwarded port
        ("127.0.0.1:8000", "allowed"),
        ("[::1]:8000", "allowed"),
        ("[::1]", "allowed"),
        ("[0:0:0:0:0:0:0:1]:8000", "allowed"),
        ("my-host.lan:8000", "allowed"),
        ("[2001:db8:0::5]:8000", "allowed"),
        (None, 403),
        ("", 403),
        (":8000", 403),
        ("evil.example:8000", 403),
        ("localhost.evil.example", 403),
        ("localhost.", 403),
        ("localhost:8000:8000", 403),
        ("localhost:", 403),
        ("localhost:x", 403),
        ("localhost@evil.example", 403),
        ("::1", 403),
        ("127.0.0.2", 403),
        ("127.1", 403),
        ("0.0.0.0:8000", 403),
        ("localhost, evil.example", 403),
        ("[2001:db8::6]:8000", 403),
    ],
)
@pytest.mark.parametrize("websocket", [False, True])
@pytest.mark.parametrize("port", ["http", "sync"])
def test_only_our_own_names_are_answered(
    host: str | None, expected: str | int, websocket: bool, port: Literal["http", "sync"]
) -> None:
    assert status(verdict(host=host, headers=dict(PROGRAM), websocket=websocket, port=port)) == expected


def test_two_hosts_are_none() -> None:
    assert status(verdict(host=None, headers={"host": ["localhost", "localhost"], **PROGRAM})) == 403


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:8000", "allowed"),
        ("http://127.0.0.1:8000", "allowed"),
        ("http://[::1]:8000", "allowed"),
        ("http://my-host.lan:8000", "allowed"),
        ("https://proxy.org", "allowed"),
        ("https://proxy.org:443", "allowed"),
        ("http://x.org:81", "allowed"),
        ("http://localhost", 403),
        ("http://localhost:1234", 403),
        ("http://localhost:3000", 403),
        ("https://localhost:8000", 403),
        ("http://proxy.org", 403),
        ("http://x.org", 403),
        ("null", 403),
        ("", 403),
        ("file://", 403),
        ("http://evil.example:8000", 403),
        ("http://localhost.evil.example:8000", 403),
        ("http://localhost:8000@evil.example:8000", 403),
        ("http://localhost:8000/", 403),
        ("localhost:8000", 403),
        ("http://localhost:99999", 403),
        ("http://[::1:8000", 403),
    ],
)
@pytest.mark.parametrize("websocket", [False, True])
@pytest.mark.parametrize("port", ["http", "sync"])
@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_only_pages_of_ours_may_connect_and_they_come_from_the_http_port(
    origin: str, expected: str | int, websocket: bool, port: Literal["http", "sync"], path: str
) -> None:
    found = verdict(path, headers={"origin": origin, **PROGRAM}, websocket=websocket, port=port)
    assert status(found) == expected


def test_two_origins_are_not_ours() -> None:
    ours = "http://localhost:8000"
    assert status(verdict(headers={"origin": [ours, ours], **PROGRAM})) == 403


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("", {}, 401),
        (f"token={TOKEN}", {}, "allowed"),
        (f"a=1&token={TOKEN}", {}, "allowed"),
        ("token=right%2Dtoken", {}, "allowed"),
        ("token=", {}, 401),
        ("token=wrong", {}, 401),
        ("token=right-toke", {}, 401),
        ("token=right-token%20", {}, 401),
        ("token=%ff%fe", {}, 401),
        (f"Token={TOKEN}", {}, 401),
        ("", {"authorization": f"Bearer {TOKEN}"}, "allowed"),
        ("", {"authorization": f"bearer  {TOKEN}"}, "allowed"),
        ("", {"authorization": TOKEN}, 401),
        ("", {"authorization": f"Basic {TOKEN}"}, 401),
        ("", {"authorization": "Bearer"}, 401),
        ("", {"authorization": ""}, 401),
        ("", {"authorization": "Bearer wröng"}, 401),
        ("", {"cookie": f"ganimede-8000={TOKEN}"}, "allowed"),
        ("", {"cookie": f"a=b; ganimede-8000={TOKEN}; c"}, "allowed"),
        ("", {"cookie": ["a=b", f"ganimede-8000={TOKEN}"]}, "allowed"),
        ("", {"cookie": f"ganimede-8001={TOKEN}"}, 401),
        ("", {"cookie": f"xganimede-8000={TOKEN}"}, 401),
        ("", {"cookie": "ganimede-8000"}, 401),
        ("", {"cookie": "ganimede-8000="}, 401),
        ("token=wrong", {"cookie": f"ganimede-8000={TOKEN}"}, "allowed"),  # an old bookmark
    ],
)
@pytest.mark.parametrize(("websocket", "port"), [(False, "http"), (True, "http"), (True, "sync")])
def test_the_token_decides(
    query: str,
    headers: dict[str, str | list[str]],
    expected: str | int,
    websocket: bool,
    port: Literal["http", "sync"],
) -> None:
    assert status(verdict(query=query, headers=headers, websocket=websocket, port=port)) == expected


@pytest.mark.parametrize(
    ("path", "options", "expected"),
    [
        ("/healthz", {}, "allowed"),
        ("/healthz", {"method": "HEAD"}, "allowed"),
        ("/healthz", {"method": "POST"}, 401),
        ("/healthz", {"websocket": True}, 401),
        ("/healthz", {"port": "sync"}, 401),
        ("/healthz", {"host": "evil.example"}, 403),
        ("/healthz/", {}, 401),
        ("/HEALTHZ", {}, 401),
        ("/", {}, "asked"),
        ("/", {"method": "HEAD"}, "asked"),
        ("/", {"method": "POST"}, 401),
        ("/", {"websocket": True}, 401),
        ("/", {"port": "sync"}, 401),
        ("//", {}, 401),
        ("", {}, 401),
        ("/readyz", {}, 401),
        ("/metrics", {}, 401),
        ("/config", {}, 401),
        ("/favicon.ico", {}, 401),
        ("/static/status.js", {}, 401),
        ("/assets/x", {}, 401),
        ("/g-y-room", {"websocket": True, "port": "sync"}, 401),
    ],
)
def test_without_a_token_only_health_is_told_and_the_page_asks(
    path: str, options: dict[str, Any], expected: str | int
) -> None:
    assert status(verdict(path, **options)) == expected


def test_the_page_is_told_that_a_token_was_wrong() -> None:
    assert verdict("/") == AskToken(wrong=False)
    assert verdict("/", query="token=nonsense") == AskToken(wrong=True)


def test_the_token_in_the_address_becomes_a_cookie_on_the_page_alone() -> None:
    expected = f"ganimede-8000={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert verdict("/", query=f"token={TOKEN}") == Allowed(expected)
    assert verdict("/config", query=f"token={TOKEN}") == Allowed()
    assert verdict("/", query=f"token={TOKEN}", websocket=True) == Allowed()
    assert verdict("/", headers={"cookie": f"ganimede-8000={TOKEN}"}) == Allowed()
    https = Policy(TOKEN, 443, scheme="https")
    cookie = verdict("/", query=f"token={TOKEN}", policy=https)
    assert cookie == Allowed(f"ganimede-443={TOKEN}; Path=/; HttpOnly; SameSite=Strict; Secure")
    assert verdict(headers={"origin": "https://localhost"}, policy=https) == Denied(
        401, "The token is missing or wrong."
    )


def test_without_a_token_to_ask_for_host_and_origin_still_count() -> None:
    assert verdict(policy=OPEN) == Allowed()
    assert verdict("/", websocket=True, headers={"origin": "http://localhost:8000"}, policy=OPEN) == Allowed()
    assert status(verdict(host="evil.example", policy=OPEN)) == 403
    assert status(verdict(headers={"origin": "http://evil.example"}, policy=OPEN)) == 403
    assert status(verdict(headers={"origin": "null"}, websocket=True, port="sync", policy=OPEN)) == 403


# ------------------------------------------------------------------------------------------ around an application


class Inner:
    """An application that answers everything, and remembers what it was shown."""

    def __init__(self, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.scopes: list[Any] = []
        self.headers = headers or []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": self.headers})
            await send({"type": "http.response.body", "body": b"inner"})
        elif scope["type"] == "websocket":
            await send({"type": "websocket.accept"})


def ask(
    middleware: AccessMiddleware,
    path: str = "/config",
    *,
    kind: str = "http",
    query: str = "",
    headers: dict[str, str] | None = None,
    extensions: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    pairs = {"Host": "localhost:8000", **(headers or {})}.items()
    scope = {
        "type": kind,
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
        "extensions": extensions or {},
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    trio.run(middleware, scope, receive, send)
    return sent


def test_until_it_is_told_the_policy_it_refuses_everything() -> None:
    inner = Inner()
    assert ask(AccessMiddleware(inner), query=f"token={TOKEN}")[0]["status"] == 503
    assert ask(AccessMiddleware(inner), kind="websocket")[-1]["type"] == "websocket.close"
    assert inner.scopes == []


def test_a_refused_request_never_reaches_the_application() -> None:
    inner = Inner()
    middleware = AccessMiddleware(inner, POLICY)
    assert ask(middleware)[0]["status"] == 401
    assert ask(middleware, headers={"Host": "evil.example"})[0]["status"] == 403
    assert ask(middleware, "/")[0]["status"] == 401
    ask(middleware, kind="websocket")
    assert inner.scopes == []
    assert ask(middleware, headers={"Authorization": f"Bearer {TOKEN}"})[1]["body"] == b"inner"


def test_a_websocket_without_a_token_is_accepted_and_closed_for_good() -> None:
    accept, close = ask(AccessMiddleware(Inner(), POLICY), kind="websocket")
    assert accept == {"type": "websocket.accept"}
    assert (close["type"], close["code"]) == ("websocket.close", 4401)


def test_a_websocket_of_another_site_is_refused_as_http() -> None:
    middleware = AccessMiddleware(Inner(), POLICY)
    evil = {"Origin": "http://evil.example"}
    start, body = ask(middleware, kind="websocket", headers=evil, extensions={"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
    assert b"--allow-origin" in body["body"]
    assert [each["type"] for each in ask(middleware, kind="websocket", headers=evil)] == ["websocket.close"]


def test_the_page_that_asks_brings_its_own_content_security_policy() -> None:
    middleware = AccessMiddleware(
        Inner(), POLICY, lambda wrong: (b"wrong" if wrong else b"asks", "default-src 'none'")
    )
    start, body = ask(middleware, "/")
    assert (start["status"], body["body"]) == (401, b"asks")
    assert dict(start["headers"])[b"content-security-policy"] == b"default-src 'none'"
    assert ask(middleware, "/", query="token=guess")[1]["body"] == b"wrong"


def test_every_answer_carries_the_security_headers_and_an_answers_own_win() -> None:
    middleware = AccessMiddleware(Inner(), POLICY)
    for path, headers in (("/config", PROGRAM), ("/config", {}), ("/", {})):
        found = dict(ask(middleware, path, headers=headers)[0]["headers"])
        assert found[b"x-content-type-options"] == b"nosniff"
        assert found[b"referrer-policy"] == b"no-referrer"
        assert found[b"cache-control"] == b"no-store"
        policy = found[b"content-security-policy"].decode()
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
    assert b"cache-control" not in dict(ask(middleware, "/static/status.css", headers=PROGRAM)[0]["headers"])
    own = AccessMiddleware(Inner([(b"Content-Security-Policy", b"sandbox")]), POLICY)
    names = [name for name, _ in ask(own, headers=PROGRAM)[0]["headers"]]
    assert names.count(b"content-security-policy") == 1


def test_the_cookie_is_set_by_the_page_itself_without_a_redirect() -> None:
    middleware = AccessMiddleware(Inner(), POLICY)
    start, body = ask(middleware, "/", query=f"token={TOKEN}")
    assert (start["status"], body["body"]) == (200, b"inner")
    assert dict(start["headers"])[b"set-cookie"].startswith(b"ganimede-8000=")


def test_nobody_behind_the_check_sees_the_token() -> None:
    inner = Inner()
    middleware = AccessMiddleware(inner, POLICY)
    cookie = f"a=b; ganimede-8000={TOKEN}; c=d"
    ask(middleware, "/", query=f"x=1&token={TOKEN}&y=2", headers={"Cookie": cookie, **PROGRAM})
    (scope,) = inner.scopes
    assert TOKEN not in repr(scope)
    assert scope["query_string"] == b"x=1&y=2"
    assert dict(scope["headers"]) == {b"host": b"localhost:8000", b"cookie": b"a=b; c=d"}


def test_a_log_line_loses_the_token(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test.token")
    logger.addFilter(KeepTokenOut(TOKEN))
    logger.warning("GET %s", f"/?token={TOKEN}")
    logger.warning("GET %s", "/")
    assert [record.getMessage() for record in caplog.records] == ["GET /?token=…", "GET /"]
