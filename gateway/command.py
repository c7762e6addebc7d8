"""What the ``ganimede`` command does: one notebook, one process, one sentence for whatever cannot be done."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from functools import partial

import hypercorn.trio
import trio

from gateway.app import Application
from gateway.hypercorn_overrides import install, make_config
from gateway.server import Server, open_socket, open_sync_socket, policy_of
from gateway.settings import Settings, StartError, from_arguments
from gateway.state_command import state_command
from gateway.terminal import end_process

log = logging.getLogger("ganimede")

# Seconds that hypercorn waits for connections after the clients were told; one that does not read is cut.
AFTER_GOODBYE = 0.5


def run(argv: Sequence[str]) -> None:
    """Ends the process: 0 after a clean stop, 1 with one sentence on stderr otherwise."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        if list(argv[:1]) == ["state"]:
            state_command(argv[1:])
            return
        if list(argv[:1]) == ["run"]:
            from gateway.run_command import run_command  # it has imports of its own

            run_command(argv[1:])
        if list(argv[:1]) == ["export"]:
            from gateway.export_command import export_command  # so has this

            export_command(argv[1:])
            return
        settings = from_arguments(argv)
        install()
        http = open_socket(settings.host, settings.port, settings.port_explicit, "--port")
        sync = open_sync_socket(settings)
        failure = trio.run(partial(_serve, settings, http, sync))
    except StartError as error:
        sys.exit(f"ganimede: {error}")
    if failure:
        sys.exit(f"ganimede: {failure}")


async def _serve(settings: Settings, http: socket.socket, sync: socket.socket | None) -> str:
    """Serve until a signal, or until the root gives up. What went wrong, empty for a clean stop."""
    host, port = http.getsockname()[:2]
    # Refused before hypercorn starts, so that there is nothing to unwind.
    server = await Server.open(settings, policy_of(settings, port, [(host, port)]), sync)
    failure: list[str] = []
    finished = trio.Event()

    def lost(reason: str) -> None:
        failure.append(reason)
        finished.set()

    async def prepared() -> Server:
        return server

    application = Application(prepared, lost)
    config = make_config(settings, [http])
    config.graceful_timeout = AFTER_GOODBYE

    async with trio.open_nursery() as nursery:

        async def serve(*, task_status: trio.TaskStatus[list[str]]) -> None:
            await hypercorn.trio.serve(
                application,
                config,
                shutdown_trigger=finished.wait,
                task_status=task_status,
            )
            nursery.cancel_scope.cancel()

        nursery.start_soon(_obey_signals, server, finished)
        await nursery.start(serve)
        server.announce(port)
        if settings.open_browser:
            nursery.start_soon(_open_browser, server.address(port))
    return failure[0] if failure else ""


async def _open_browser(address: str) -> None:
    await trio.to_thread.run_sync(webbrowser.open, address, abandon_on_cancel=True)


async def _obey_signals(server: Server, finished: trio.Event) -> None:
    """The first signal drains, the second ends at once."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_second_signal, signals)
                await server.stop()
                nursery.cancel_scope.cancel()
            log.info("stopped by %s", signal.Signals(number).name)
            finished.set()
            return


async def _second_signal(signals: AsyncIterator[int]) -> None:
    async for number in signals:
        end_process("ganimede: ended at once by a second signal.", 128 + int(number))
