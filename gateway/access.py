"""Who may come in: one judgement, before routing, for HTTP and WebSocket alike, on both ports.

Denied is what is not allowed. Host and Origin keep other sites out of a browser that is logged in here (and names
that were pointed at this machine by others); the token keeps other people out.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode

import msgspec

from gateway.setting_values import normal_host, split_origin

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
NO_TOKEN_CLOSE = 4401

Headers: TypeAlias = Sequence[tuple[str, str]]


class Policy(msgspec.Struct, frozen=True):
    """``token`` None: none is asked. ``hosts``: names beside the loopback names, printed or allowed by a setting.

    ``http_port`` is the page's port, also where the second socket is judged: pages come from there.
    """

    token: str | None
    http_port: int
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    scheme: Literal["http", "https"] = "http"

    @property
    def cookie(self) -> str:
        """Cookies know no ports: the name keeps two servers on one host apart."""
        return f"ganimede-{self.http_port}"


def make_policy(
    token: str | None, http_port: int, *, hosts: Iterable[str] = (), origins: Iterable[str] = ()
) -> Policy:
    """``hosts``: what the server printed and ``allow_hosts``; ``origins``: ``allow_origins``."""
    return Policy(token, http_port, frozenset(map(normal_host, hosts)), frozenset(map(_normal_origin, origins)))


class Request(msgspec.Struct, frozen=True):
    """What is judged. Header names in lower case; ``query`` as it stood in the address, without the ``?``."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    is_websocket: bool
    port: Literal["http", "sync"] = "http"


class Allowed(msgspec.Struct, frozen=True):
    """``set_cookie``: a header for the answer; the address carried the token, which must not stay there."""

    set_cookie: str | None = None


class AskToken(msgspec.Struct, frozen=True):
    """Answer with the page that asks for the token. ``wrong``: one was given, and it is not ours."""

    wrong: bool = False


class Denied(msgspec.Struct, frozen=True):
    """401: no token. On a WebSocket it is accepted and closed with ``NO_TOKEN_CLOSE``, so that clients that know
    the 44xx codes do not try again. Any other status is an HTTP answer, also to a WebSocket."""

    status: int
    sentence: str


Verdict: TypeAlias = Allowed | AskToken | Denied

_BAD_HOST = Denied(403, "This name is not one of this server's: see --allow-host.")
_BAD_ORIGIN = Denied(403, "Pages of this origin may not connect: see --allow-origin.")
_NO_TOKEN = Denied(401, "The token is missing or wrong.")


def judge(request: Request, policy: Policy) -> Verdict:
    """The one check. Pure; the token is compared in constant time."""
    if not _host_is_known(_all(request.headers, "host"), policy):
        return _BAD_HOST
    if not _origin_is_known(_all(request.headers, "origin"), policy):
        return _BAD_ORIGIN
    reads = request.method in ("GET", "HEAD") and not request.is_websocket and request.port == "http"
    if policy.token is None or (reads and request.path == "/healthz"):
        return Allowed()
    asked = [value for name, value in parse_qsl(request.query, keep_blank_values=True) if name == "token"]
    if _any_is(asked, policy.token):
        return Allowed(_set_cookie(policy) if reads and request.path == "/" else None)
    if _any_is(_bearers(request.headers), policy.token) or _any_is(
        _cookies(request.headers, policy), policy.token
    ):
        return Allowed()
    return AskToken(wrong=bool(asked)) if reads and request.path == "/" else _NO_TOKEN


def without_secrets(query: str, headers: Headers, policy: Policy) -> tuple[str, list[tuple[str, str]]]:
    """The same request as far as anyone behind the check, or a log, needs it."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if any(name == "token" for name, _ in pairs):
        query = urlencode([pair for pair in pairs if pair[0] != "token"])
    kept = [(name, value) for name, value in headers if name not in ("authorization", "cookie")]
    others = [part for part in _cookie_parts(headers) if part.partition("=")[0] != policy.cookie]
    return query, [*kept, ("cookie", "; ".join(others))] if others else kept


# ------------------------------------------------------------------------------------------------------ the parts


def _all(headers: Headers, name: str) -> list[str]:
    return [value.strip() for key, value in headers if key == name]


def _host_is_known(hosts: list[str], policy: Policy) -> bool:
    """Exactly one Host, whose name (the port aside: it may have been forwarded) is one of ours."""
    if len(hosts) != 1:
        return False
    name, colon, port = hosts[0].rpartition(":")
    if not colon or hosts[0].endswith("]"):
        name, port = hosts[0], "0"
    if not (port.isascii() and port.isdigit()) or (":" in name and not name.startswith("[")):
        return False
    return _is_ours(normal_host(name), policy)


def _is_ours(host: str, policy: Policy) -> bool:
    return host in LOOPBACK_NAMES or host in policy.hosts


def _origin_is_known(origins: list[str], policy: Policy) -> bool:
    """No Origin: a program, or a plain visit; then the token decides."""
    if not origins:
        return True
    parts = split_origin(origins[0]) if len(origins) == 1 else None
    if parts is None:
        return False
    scheme, host, port = parts
    ours = scheme == policy.scheme and port == policy.http_port and _is_ours(host, policy)
    return ours or _normal_origin(origins[0]) in policy.origins


def _normal_origin(text: str) -> str:
    parts = split_origin(text)
    return "{}://{}:{}".format(*parts) if parts else ""


def _any_is(given: Iterable[str], token: str) -> bool:
    expected = token.encode()
    return any([hmac.compare_digest(value.encode(errors="replace"), expected) for value in given])


def _bearers(headers: Headers) -> list[str]:
    parts = [value.split(None, 1) for value in _all(headers, "authorization")]
    return [part[1].strip() for part in parts if len(part) == 2 and part[0].lower() == "bearer"]


def _cookie_parts(headers: Headers) -> list[str]:
    return [part.strip() for value in _all(headers, "cookie") for part in value.split(";") if part.strip()]


def _cookies(headers: Headers, policy: Policy) -> list[str]:
    parts = [part.partition("=") for part in _cookie_parts(headers)]
    return [value for name, _, value in parts if name == policy.cookie]


def _set_cookie(policy: Policy) -> str:
    secure = "; Secure" if policy.scheme == "https" else ""
    return f"{policy.cookie}={policy.token}; Path=/; HttpOnly; SameSite=Strict{secure}"
