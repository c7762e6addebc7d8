"""One life of the server: the real tree over the simulated disk and kernel, with connections over wires."""

from __future__ import annotations

import random

import trio

from actors.boot import OpenNotebook
from actors.mailbox import ActorDied, ActorStopped
from actors.runs import RunSettings
from actors.supervisor import Child, ChildStatus
from actors.system import RootFailed, System
from gateway.access import make_policy
from gateway.connection import Connection, Gone, Services
from gateway.gateway import gateway_actor
from gateway.outbox import Outbox
from gateway.settings import Limits
from protocol.answers import ConfigDocument
from protocol.guard import Limits as GuardLimits
from protocol.messages.gateway import GatewayMessage, NotebookFailed
from protocol.messages.hub import Frame, HangUp
from tests.simulation.disk import Disk, PowerCut
from tests.simulation.kernel import Handle, Process
from tests.simulation.transport import Link, WireEnded

OUTBOX = 64  # frames: small enough for a stalled client to overflow it


class Server:
    """As gateway/server.py puts it together, with everything random and everything outside injected.

    ``hubs``: incarnations of the hub so far.
    """

    def __init__(
        self, notebook: OpenNotebook, disk: Disk, rng: random.Random, processes: list[Process], clock: int
    ) -> None:
        self.notebook = notebook
        self._disk = disk
        self.links: list[Link] = []
        self.hubs = 0
        self.crashed = self.up = False
        self.ended = trio.Event()
        self._rng = rng
        self._processes = processes
        self._clock = clock
        self._sessions = 0
        self.scope = trio.CancelScope()

    def _build(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self.system = System(
            self.notebook,
            runs=RunSettings("", lambda: f"{self._rng.getrandbits(64):016x}", date=trio.current_time),
            limits=GuardLimits(),
            new_client_id=self._new_client_id,
            report=self._report,
            kernel_handle=Handle(nursery, self._rng, self._processes),
        )
        policy = make_policy(None, 1)
        gateway: Child[GatewayMessage] = Child(
            "gateway", gateway_actor(lambda: self.services, lambda: policy, None, self._next_clock), grace=1.2
        )
        self.system.add(gateway)
        self.services = Services(
            self.system.hub, self.system.notebook, self.system.kernel, gateway.address, self.system.root,
            self.system.notebook_tree, ConfigDocument(), Limits(), _specs, chaos=True,
        )  # fmt: skip

    def _new_client_id(self) -> int:
        self.hubs += 1
        return self._rng.randrange(1, 2**32)

    def _next_clock(self) -> int:
        self._clock += 1000
        return self._clock

    def _report(self, name: str, status: ChildStatus) -> None:
        if name == "notebook":
            failed = status.reason if status.state == "failed" else ""
            if failed != self.services.failed:
                self.services.failed = failed
                self.services.gateway.offer(NotebookFailed(failed))

    # ------------------------------------------------------------------------------------------------- its life

    async def run(self) -> None:
        """Until :meth:`stop`, a power cut or a crash; either way no task of it is left."""
        try:
            with self.scope:
                async with trio.open_nursery() as nursery:
                    self._build(nursery)
                    await nursery.start(self.system.run)
                    self.up = True
                    await self.system.ended.wait()
                    await self.system.close()
                    nursery.cancel_scope.cancel()
        except* PowerCut:
            self.crashed = True
        except* RootFailed:
            self.crashed = True  # fail-stop
        except* (ActorDied, ActorStopped):
            if self._disk.on:  # else it comes of the power cut
                raise
        finally:
            self.crashed = self.crashed or self.scope.cancelled_caught
            self.up = False
            for link in self.links:
                link.cut()
            self.ended.set()

    def crash(self) -> None:
        """As kill -9 would: nobody is told, nothing is cleaned up that anybody could see."""
        self._disk.off()
        for link in self.links:
            link.cut()
        self.scope.cancel()

    async def stop(self) -> None:
        self.system.stop()
        await self.ended.wait()

    # ---------------------------------------------------------------------------------------------- connections

    def accept(self, link: Link, who: str, merges: bool) -> None:
        """Raises ConnectionRefusedError when there is no server any more."""
        if not self.up or self.system.ended.is_set():
            raise ConnectionRefusedError
        self.links.append(link)
        self._nursery.start_soon(self._serve, link, who, merges)

    async def _serve(self, link: Link, who: str, merges: bool) -> None:
        outbox = Outbox(OUTBOX, 4 * 1024 * 1024)
        connection = Connection(self.services, outbox, text=True, merges=merges, who=who)
        self._sessions += 1
        connection.session = f"session-{self._sessions}"

        async def receive() -> str | bytes:
            try:
                return await link.up.get()
            except WireEnded:
                raise Gone from None

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, outbox, link, nursery.cancel_scope)
                await connection.serve(receive)
                outbox.hang_up(HangUp(1000, ""))
        finally:
            link.down.end()
            link.up.cut()
            self.links.remove(link)


async def _write(outbox: Outbox, link: Link, scope: trio.CancelScope) -> None:
    while True:
        for item in await outbox.take():
            while link.stalled:
                await trio.sleep(0.1)
            match item:
                case HangUp(code, _):
                    link.closed_with = code
                    link.down.end()
                    scope.cancel()
                    return
                case Frame(payload):
                    link.down.put(payload)
                case _:
                    link.down.put(item)


async def _specs() -> tuple[str, ...]:
    return ("simulated",)
