"""One running server: its settings, its notebook, its actors, and the order in which they start and stop."""

from __future__ import annotations

import errno
import logging
import random
import secrets
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import trio

from actors.blob_store import BlobLimits, BlobStore
from actors.boot import AlreadyOpen, BootError, OpenNotebook, open_notebook
from actors.disk import describe_lock
from actors.kernel_connection import KernelHandle, KernelSettings
from actors.kernel_process import sweep_folders
from actors.kernel_spec import described_kernels, find_spec, find_without_history, installed_kernels
from actors.runs import RunSettings
from actors.supervisor import Child, ChildStatus
from actors.system import System
from gateway import rendezvous
from gateway.access import Policy, make_policy
from gateway.access_middleware import keep_token_out_of_logs
from gateway.connection import Services
from gateway.control import statuses
from gateway.gateway import gateway_actor
from gateway.setting_values import is_loopback
from gateway.settings import Limits, Settings, StartError, load_config
from gateway.terminal import say
from protocol.answers import ConfigDocument
from protocol.guard import Limits as GuardLimits
from protocol.messages.gateway import CountSessions, GatewayMessage, NotebookFailed
from protocol.messages.hub import DescribeDocument
from protocol.messages.notebook import InstalledKernel
from protocol.outputs import OutputLimits

log = logging.getLogger("ganimede")

# Seconds a clean stop may take; a supervisor's children have shorter bounds of their own.
DRAIN = 4.0


async def kernel_names() -> tuple[str, ...]:
    """The kernelspecs that may be started."""
    return await trio.to_thread.run_sync(installed_kernels)


async def kernels() -> tuple[InstalledKernel, ...]:
    """What people are told of them."""
    return await trio.to_thread.run_sync(described_kernels)


def _awareness_clock() -> int:
    """Tenths of seconds since 2023: browsers remember awareness clocks longer than a server lives."""
    return int((time.time() - 1.7e9) * 10)


def _output_limits(limits: Limits) -> OutputLimits:
    return OutputLimits(text=limits.output_text, values=limits.cell_values, blob=limits.blob)


class NotebookTaken(StartError):
    """Another server has the notebook open. ``folder``: where rendezvous.py looks for its address."""

    def __init__(self, sentence: str, folder: Path) -> None:
        super().__init__(sentence)
        self.folder = folder


class Server:
    """Made by :meth:`open`; :meth:`run` until :meth:`stop`."""

    def __init__(
        self,
        settings: Settings,
        config: ConfigDocument,
        policy: Policy,
        notebook: OpenNotebook,
        sync_socket: socket.socket | None,
    ) -> None:
        self.settings = settings
        self.config = config
        self.policy = policy
        self._notebook = notebook
        self._sync_socket = sync_socket
        self._stopped = trio.Event()
        self._stop_asked = trio.Event()
        self._system = System(
            notebook,
            runs=RunSettings(settings.kernel or "", lambda: secrets.token_hex(8), settings.record_times),
            limits=GuardLimits(),
            new_client_id=lambda: random.SystemRandom().randrange(1, 2**32),
            report=self._report,
            kernel_handle=KernelHandle(
                settings.kernel_folder or notebook.path.parent,
                KernelSettings(limits=_output_limits(settings.limits), stdin=not settings.headless),
                find=find_without_history if settings.headless else find_spec,
            ),
        )
        self._gateway: Child[GatewayMessage] = Child(
            "gateway",
            gateway_actor(lambda: self.services, lambda: self.policy, sync_socket, _awareness_clock),
            grace=1.2,
        )
        self._system.add(self._gateway)
        self.services = Services(
            self._system.hub,
            self._system.notebook,
            self._system.kernel,
            self._gateway.address,
            self._system.root,
            self._system.notebook_tree,
            config,
            settings.limits,
            kernels,
            settings.chaos,
            lambda: notebook.journal.size(),  # of whichever journal it has by then
        )

    @property
    def blobs(self) -> BlobStore:
        return self._notebook.blobs

    @property
    def sync_socket(self) -> socket.socket | None:
        return self._sync_socket

    @classmethod
    async def open(cls, settings: Settings, policy: Policy, sync_socket: socket.socket | None) -> Server:
        """Everything that can be refused with a sentence is refused here. Raises :class:`StartError`."""
        if settings.token:
            keep_token_out_of_logs(settings.token)
        config = load_config(settings.config)
        if settings.kernel:
            specs = await kernel_names()
            if settings.kernel.lower() not in specs:
                known = ", ".join(specs) or "none"
                raise StartError(f"There is no Jupyter kernel named {settings.kernel!r}; installed are: {known}.")
        await trio.to_thread.run_sync(sweep_folders)
        try:
            notebook = await trio.to_thread.run_sync(
                open_notebook,
                settings.notebook,
                settings.state_dir,
                secrets.token_hex(8),
                BlobLimits(settings.limits.blob, settings.limits.notebook_values),
            )
        except AlreadyOpen as taken:
            raise NotebookTaken(str(taken), taken.folder) from None
        except BootError as error:
            raise StartError(str(error)) from None
        return cls(settings, config, policy, notebook, sync_socket)

    def _report(self, name: str, status: ChildStatus) -> None:
        """The notebook's supervisor gave up, or was started again: connections and people hear of it."""
        if name != "notebook":
            return
        failed = status.reason if status.state == "failed" else ""
        if failed != self.services.failed:
            self.services.failed = failed
            self.services.gateway.offer(NotebookFailed(failed))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the actors until :meth:`stop`. Raises RootFailed (perhaps in a group)."""
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._system.run)
                task_status.started()
                nursery.start_soon(self._stop_when_asked)
                await self._system.ended.wait()
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await self._system.close()
            rendezvous.remove(self._notebook.folder)
            self._notebook.close()
            self._stopped.set()

    async def _stop_when_asked(self) -> None:
        await self._stop_asked.wait()
        self._system.stop()

    async def stop(self) -> None:
        """The gateway says goodbye, the file and the journal are flushed, the kernel ends. Idempotent."""
        self._stop_asked.set()
        with trio.move_on_after(DRAIN):
            await self._stopped.wait()

    def address(self, port: int, *, with_token: bool = True) -> str:
        """What a person types: ``localhost``, because cookies and origins are judged by name."""
        host = "localhost" if is_loopback(self.settings.host) else self.settings.host
        if host in ("0.0.0.0", "::"):  # noqa: S104
            host = socket.gethostname()
        query = f"?token={self.settings.token}" if self.settings.token and with_token else ""
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/{query}"

    def announce(self, port: int) -> None:
        """The readiness line, once, and who holds the lock, for a second server's sentence."""
        describe_lock(self._notebook.lock, self.address(port, with_token=False))
        rendezvous.leave(self._notebook.folder, self.address(port))
        lines = [f"Ganimede is ready: {self.address(port)}"]
        if self._sync_socket is not None:
            sync_port = self._sync_socket.getsockname()[1]
            sync = self.address(sync_port, with_token=False).replace("http", "ws", 1)
            lines.append(f"Sync for y-websocket clients: {sync}g-y-room")
        if self.settings.token is None:
            lines.append("WARNING: no token is asked. Whoever reaches this port can run code as you.")
        if not is_loopback(self.settings.host):
            lines.append("WARNING: this address is open to the network, without TLS: put a proxy in front of it.")
        say("\n".join(lines))

    async def metrics(self) -> str:
        """Prometheus' text format."""
        lines = ["# TYPE ganimede_actor_incarnations counter"]
        for name, status in (await statuses(self.services)).items():
            lines.append(f'ganimede_actor_incarnations{{actor="{name}"}} {status.incarnation}')
        sessions = await self.services.gateway.ask(CountSessions)
        lines += ["# TYPE ganimede_connections gauge", f"ganimede_connections {sessions}"]
        tasks = trio.lowlevel.current_statistics().tasks_living
        lines += ["# TYPE ganimede_tasks gauge", f"ganimede_tasks {tasks}"]
        if not self.services.failed:
            document = await self.services.hub.ask(DescribeDocument)
            saved = int(document.saving.status == "saved")
            lines += ["# TYPE ganimede_cells gauge", f"ganimede_cells {document.cells}"]
            lines += ["# TYPE ganimede_saved gauge", f"ganimede_saved {saved}"]
        return "\n".join(lines) + "\n"


def policy_of(settings: Settings, port: int, addresses: Sequence[tuple[str, int]]) -> Policy:
    """Which names and origins are ours: loopback names, the addresses listened on, and what settings allow."""
    hosts = [host for host, _ in addresses if host not in ("0.0.0.0", "::")]  # noqa: S104
    if len(hosts) < len(addresses):
        hosts.append(socket.gethostname())
    return make_policy(settings.token, port, hosts=(*hosts, *settings.allow_hosts), origins=settings.allow_origins)


def open_sync_socket(settings: Settings) -> socket.socket | None:
    """The second port's listening socket; None when it is off."""
    if settings.sync_port is None:
        return None
    return open_socket(settings.host, settings.sync_port, settings.sync_port_explicit, "--sync-port")


def open_socket(host: str, port: int, explicit: bool, flag: str) -> socket.socket:
    """Listen. A taken port that was asked for is an error, a taken default moves to the next free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in [port] if explicit else range(port, port + 100):
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _notice_half_open(listening)
        try:
            listening.bind((host, candidate))
            listening.listen(128)
        except OSError as error:
            listening.close()
            if explicit or error.errno != errno.EADDRINUSE:
                reason = (error.strerror or str(error)).lower()
                raise StartError(f"{flag} {candidate} on {host} cannot be used: {reason}.") from None
            continue
        if candidate != port:
            say(f"Port {port} is taken: using {candidate}.")
        return listening
    raise StartError(f"No free port from {port} on: name one with {flag}.")


def _notice_half_open(listening: socket.socket) -> None:
    """TCP keepalive, inherited by accepted sockets: hypercorn ignores missing pongs."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)
