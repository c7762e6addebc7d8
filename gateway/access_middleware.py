"""The judgement of :mod:`gateway.access` around an ASGI application, and the headers every answer carries."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from gateway.access import NO_TOKEN_CLOSE, Allowed, AskToken, Denied, Policy, Request, judge, without_secrets

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
App: TypeAlias = Callable[[Any, Receive, Send], Awaitable[None]]
# The page that asks for the token (True: the one just given is wrong), and the CSP it needs.
TokenPage: TypeAlias = Callable[[bool], tuple[bytes, str]]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# An answer that sets one of these itself keeps its own.
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": CONTENT_SECURITY_POLICY.encode(),
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}
_ASSETS = ("/assets/", "/static/", "/favicon.ico", "/codicon.ttf")


class AccessMiddleware:
    """Wraps ``QuartTrio.asgi_app``. Until ``policy`` is set, everything is refused."""

    def __init__(self, app: App, policy: Policy | None = None, token_page: TokenPage | None = None) -> None:
        self._app = app
        self.policy = policy
        self.token_page = token_page

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        websocket = scope["type"] == "websocket"
        send = send if websocket else _with_headers(send, scope["path"])
        if self.policy is None:
            await _refuse(scope, receive, send, Denied(503, "The server is starting."))
            return
        headers = tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]
        )
        query = scope["query_string"].decode("latin-1")
        method = scope.get("method", "GET")
        verdict = judge(Request(method, scope["path"], query, headers, websocket), self.policy)
        # In place: the server's access log reads this very scope.
        scope_query, scope_headers = without_secrets(query, headers, self.policy)
        scope["query_string"] = scope_query.encode("latin-1")
        scope["headers"] = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in scope_headers]
        match verdict:
            case Allowed(set_cookie=None):
                await self._app(scope, receive, send)
            case Allowed(set_cookie=str(cookie)):
                await self._app(scope, receive, _with_cookie(send, cookie))
            case AskToken(wrong=wrong):
                body, policy = self.token_page(wrong) if self.token_page else (b"A token is needed.", "")
                await _answer(send, 401, body, b"text/html; charset=utf-8", policy)
            case Denied():
                await _refuse(scope, receive, send, verdict)


def _with_headers(send: Send, path: str) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(bytes(name).lower(), value) for name, value in message.get("headers", ())]
            present = {name for name, _ in headers}
            extra = [item for item in _HEADERS.items() if item[0] not in present]
            if b"cache-control" not in present and not path.startswith(_ASSETS):
                extra.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers + extra}
        await send(message)

    return send_with_headers


def _with_cookie(send: Send, cookie: str) -> Send:
    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            header = (b"set-cookie", cookie.encode("latin-1"))
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return send_with_cookie


async def _refuse(scope: Any, receive: Receive, send: Send, denied: Denied) -> None:
    body = denied.sentence.encode() + b"\n"
    if scope["type"] == "http":
        await _answer(send, denied.status, body, b"text/plain; charset=utf-8")
        return
    await receive()  # websocket.connect
    if denied.status == 401:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": NO_TOKEN_CLOSE, "reason": denied.sentence})
    elif "websocket.http.response" in scope.get("extensions", {}):
        await _answer(send, denied.status, body, b"text/plain; charset=utf-8", prefix="websocket.http.response")
    else:
        await send({"type": "websocket.close", "code": 4403})


async def _answer(
    send: Send, status: int, body: bytes, kind: bytes, policy: str = "", prefix: str = "http.response"
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    if policy:
        headers.append((b"content-security-policy", policy.encode()))
    if prefix != "http.response":
        headers.append((b"connection", b"close"))  # the handshake's connection serves nothing else
    await send({"type": f"{prefix}.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": body})


class KeepTokenOut(logging.Filter):
    """Replaces the token in whatever a logger is given, should it come there in spite of all."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if self._token in message:
            record.msg, record.args = message.replace(self._token, "…"), ()
        return True


def keep_token_out_of_logs(token: str) -> None:
    """For hypercorn's own loggers, also of a hypercorn that others configured."""
    for name in ("hypercorn.access", "hypercorn.error"):
        logging.getLogger(name).addFilter(KeepTokenOut(token))
