"""The ASGI application: ``hypercorn -k trio gateway.app`` serves ``app``; the ``ganimede`` command makes its own.

Routes and the lifespan only. The actors run in one task of the application's nursery; nothing they raise reaches
that nursery, where an exception would leave hypercorn serving an empty shell: the root's failure ends the process.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import trio
from quart import Response, request, websocket
from quart_trio import QuartTrio

from actors.mailbox import ActorDied, ActorStopped
from actors.supervisor import describe
from actors.system import RootFailed
from gateway import blobs, files, pages
from gateway.access_middleware import AccessMiddleware
from gateway.control_socket import serve_control_socket
from gateway.export_route import ExportRoute
from gateway.hypercorn_overrides import install, listening_addresses
from gateway.server import Server, open_sync_socket, policy_of
from gateway.settings import StartError, from_environment
from gateway.terminal import end_process
from gateway.worker import refuse_wrong_worker, shutdown_requested, watch_parent

Scope = Any


class Application:
    """The ASGI callable. ``prepare`` makes the server at the lifespan's start; whoever calls it decides how a
    :class:`StartError` is told. ``lost`` is called when the root gives up."""

    def __init__(self, prepare: Callable[[], Awaitable[Server]], lost: Callable[[str], None]) -> None:
        self._prepare = prepare
        self._lost = lost
        self.server: Server | None = None
        self._readers = trio.CapacityLimiter(
            4
        )  # of images and values: a slow disk takes no thread from the notebook
        self._exports = ExportRoute()
        self.quart = QuartTrio("gateway", static_folder=None)
        self._add_routes()
        self.quart.before_serving(self._start)
        self.quart.after_serving(self._stop)
        self._access = AccessMiddleware(self.quart.asgi_app, token_page=pages.token_page)
        self.quart.asgi_app = self._access  # type: ignore[method-assign]

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            refuse_wrong_worker()
        await self.quart(scope, receive, send)

    async def _start(self) -> None:
        server = await self._prepare()
        self.server = server
        self._access.policy = server.policy
        await self.quart.nursery.start(self._run, server)

    async def _run(self, server: Server, *, task_status: trio.TaskStatus[None]) -> None:
        try:
            await server.run(task_status=task_status)
        except* RootFailed as group:
            self._lost(f"Ganimede's actors failed and could not be restarted: {_why(group)}")

    async def _stop(self) -> None:
        if self.server is not None:
            await self.server.stop()

    @property
    def _served(self) -> Server:
        assert self.server is not None  # routes are refused until the server is up
        return self.server

    # -------------------------------------------------------------------------------------------------- routes

    def _add_routes(self) -> None:
        route = self.quart.route
        route("/")(self._page)
        route("/status")(self._status)
        route("/frame")(self._frame)
        route("/config")(self._config)
        route("/healthz")(self._healthy)
        route("/readyz")(self._ready)
        route("/metrics")(self._metrics)
        route("/favicon.ico")(self._icon)
        route("/codicon.ttf")(self._codicon)
        route("/assets/<path:path>")(self._asset)
        route("/files/<path:path>")(self._file)
        route("/blob/<name>")(self._blob)
        route("/export")(self._export)
        self.quart.websocket("/")(self._socket)

    async def _page(self) -> Response:
        return pages.canvas_page(self._served.settings)

    async def _status(self) -> Response:
        return pages.status_page(self._served.settings)

    async def _frame(self) -> Response:
        return pages.frame_page()

    async def _config(self) -> Response:
        return _json(msgspec.json.encode(self._served.config))

    async def _healthy(self) -> Response:
        return Response("ok\n", content_type="text/plain")

    async def _ready(self) -> Response:
        failed = self._served.services.failed
        if failed:
            return Response(f"the notebook's actors failed: {failed}\n", 503, content_type="text/plain")
        return Response("ready\n", content_type="text/plain")

    async def _metrics(self) -> Response:
        try:
            text = await self._served.metrics()
        except (ActorDied, ActorStopped):
            return Response("an actor is being restarted\n", 503, content_type="text/plain")
        return Response(text, content_type="text/plain; version=0.0.4")

    async def _icon(self) -> Response:
        return pages.asset("favicon.ico")

    async def _codicon(self) -> Response:
        return pages.asset("codicon.ttf")

    async def _asset(self, path: str) -> Response:
        gzipped = request.accept_encodings.quality("gzip") > 0
        return await trio.to_thread.run_sync(pages.asset, path, gzipped)

    async def _file(self, path: str) -> Response:
        folder = self._served.settings.notebook.parent
        known = frozenset(request.if_none_match.as_set())
        try:
            image = await trio.to_thread.run_sync(files.read_image, folder, path, known, limiter=self._readers)
        except files.NotServed as reason:
            return Response(f"{reason.sentence}\n", reason.status, content_type="text/plain; charset=utf-8")
        headers = {
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": files.CONTENT_SECURITY_POLICY,
            "ETag": f'"{image.tag}"',
        }
        if image.body is None:
            # With an empty body: one without any is sent by asyncio's means.
            return Response(b"", 304, headers=headers)
        return Response(image.body, headers=headers, content_type=image.kind)

    async def _blob(self, name: str) -> Response:
        store, known = self._served.blobs, frozenset(request.if_none_match.as_set())
        found = await trio.to_thread.run_sync(blobs.answer, store, name, known, limiter=self._readers)
        return Response(found.body, found.status, headers=found.headers, content_type=found.kind)

    async def _export(self) -> Response:
        return await self._exports.answer(self._served, request.args.get("to", ""))

    async def _socket(self) -> None:
        await serve_control_socket(websocket, self._served.services)


def _why(group: BaseExceptionGroup[RootFailed]) -> str:
    return describe(group).removeprefix("RootFailed: ")


def _json(body: bytes) -> Response:
    return Response(body, content_type="application/json")


def _from_environment() -> Application:
    """The application that plain hypercorn imports: its own sentence, then the end of the process."""
    # While the application is imported, hypercorn's sockets are the only ones that listen here.
    addresses = listening_addresses()

    async def prepare() -> Server:
        try:
            install()
            settings = from_environment(os.environ)
            for host, _ in addresses:
                settings.check_exposure(host)
            sync = open_sync_socket(settings)
            port = addresses[0][1] if addresses else settings.port
            server = await Server.open(settings, policy_of(settings, port, addresses), sync)
        except StartError as error:
            end_process(str(error))
        application.quart.nursery.start_soon(watch_parent)
        application.quart.nursery.start_soon(_goodbye_at_shutdown, server)
        server.announce(port)
        return server

    application = Application(prepare, end_process)
    return application


async def _goodbye_at_shutdown(server: Server) -> None:
    """Clients are told as soon as hypercorn's master wants to stop, not after its grace for idle sockets."""
    await shutdown_requested()
    await server.stop()


app = _from_environment()
