"""What outlives an incarnation of the KernelActor: the process, its sockets, and the facts of the run in hand.

system.py makes one :class:`KernelHandle` per notebook and passes it to every incarnation. As the sockets stay
open with the same ZMQ identity, whatever the kernel says while no incarnation lives waits in their queues.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict, Unpack

import msgspec
import trio
import zmq
from jupyter_client.session import Session

from actors.kernel_process import RunningKernel
from actors.kernel_provisioner import launch_any
from actors.kernel_spec import KernelSpec, StartFailed, UnknownKernel, find_spec
from actors.zmq_socket import ZmqSocket
from protocol.comms import Comms
from protocol.kernel_events import Decoder
from protocol.kernel_requests import AboutKernel
from protocol.messages.kernel import DisplayChange, InputRequest, RunEnded, RunReport
from protocol.outputs import OutputLimits
from protocol.payloads import next_inputs
from protocol.values import JsonObject
from protocol.widget_outputs import WidgetOutputs

Channel: TypeAlias = Literal["shell", "control", "stdin", "iopub"]
FindSpec: TypeAlias = Callable[[str], KernelSpec | UnknownKernel | StartFailed]
Launch: TypeAlias = Callable[[KernelSpec, Path], RunningKernel | StartFailed]


class More(TypedDict, total=False):
    """What a message may have besides its content. ``subshell``: whose it is, on the shell channel. ``msg_id``:
    instead of a new one."""

    parent: JsonObject
    metadata: JsonObject
    subshell: str
    msg_id: str
    buffers: Sequence[bytes]


class KernelSettings(msgspec.Struct, frozen=True):
    """Seconds, except the last two."""

    start: float = 60.0  # a kernel that is not ready by then is ended
    welcome: float = 1.0  # wait for iopub_welcome before asking in the way of older kernels
    interrupt: float = 3.0  # between the steps of the ladder
    fence: float = 0.5  # half of a run's end came: ask the kernel whether the other half will
    adoption: float = 5.0  # output of a run that nobody adopts waits so long
    shutdown: float = 1.5  # after a shutdown_request; then SIGTERM, then SIGKILL
    shutdown_busy: float = 0.2  # the same while a cell runs, which a kernel seldom leaves by itself
    terminate: float = 0.5
    kill: float = 3.0
    limits: OutputLimits = OutputLimits()
    stdin: bool = True  # somebody may answer input()


@dataclass(eq=False)
class RunInHand:
    """Facts of one run. They are recorded as they are consumed, so that the next incarnation has them."""

    run: str
    cell_id: str
    source: str
    msg_id: str = ""  # empty until it was sent to the kernel
    started: bool = False  # busy or execute_input came
    began: bool = False  # the kernel is in the cell's code: an interrupt will be heard
    status: str | None = None  # of the execute_reply
    idle: bool = False
    resent: bool = False
    interrupted: bool = False
    fence: str = ""  # the request that proves that nothing more will come
    execution_count: int | None = None
    input: InputRequest | None = None
    input_header: bytes = b""
    ended: RunEnded | None = None
    unreported: bool = False  # output was consumed that no report has told of
    told: tuple[int, int] = (0, 0)  # the shape of the outputs that the last report told of
    displays: dict[str, list[int]] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)  # when the kernel said what
    payload: tuple[JsonObject, ...] = ()  # of the execute_reply

    def report(self, start: int, outputs: tuple[JsonObject, ...]) -> RunReport:
        return RunReport(
            self.run,
            self.cell_id,
            start,
            outputs,
            self.execution_count,
            self.started,
            self.input,
            self.ended,
            dict(self.times),
            next_inputs(self.payload),
        )


class Connection:
    """One kernel process with the client's end of its sockets."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], process: RunningKernel) -> None:
        self.process = process
        self.ready = False
        self.about = AboutKernel()
        self.subshell = ""  # for questions beside a running cell, once one was made
        self.topic = f"ready-{secrets.token_hex(8)}"
        self.decoder = Decoder(process.info.key)
        self._session = Session(key=process.info.key)
        identity = self._session.session.encode()
        self.shell = ZmqSocket(context, zmq.DEALER, identity=identity)
        self.control = ZmqSocket(context, zmq.DEALER, identity=identity)
        self.stdin = ZmqSocket(context, zmq.DEALER, identity=identity)
        self.iopub = ZmqSocket(context, zmq.SUB)
        self._sockets: dict[Channel, ZmqSocket] = {
            "shell": self.shell,
            "control": self.control,
            "stdin": self.stdin,
            "iopub": self.iopub,
        }
        for channel, socket in self._sockets.items():
            socket.connect(process.info.url(channel))
        self.iopub.subscribe(b"")
        # A kernel tells only the first subscriber of a topic that the subscription is in force: one of our own.
        self.iopub.subscribe(self.topic.encode())

    def send(self, channel: Channel, type_: str, content: JsonObject, **more: Unpack[More]) -> str:
        """Send a message; its id."""
        message = self._session.msg(type_, content, parent=more.get("parent"), metadata=more.get("metadata"))
        header = message["header"]
        if subshell := more.get("subshell"):
            header["subshell_id"] = subshell
        if chosen := more.get("msg_id"):
            header["msg_id"] = chosen
        self._sockets[channel].send([*self._session.serialize(message), *more.get("buffers", ())])
        return str(header["msg_id"])

    def interrupt(self) -> None:
        if self.process.spec.interrupt_mode == "message":
            self.send("control", "interrupt_request", {})
        else:
            self.process.signal(2)

    async def end(self, settings: KernelSettings, patience: float) -> None:
        """End the process: by asking, after ``patience`` by SIGTERM, by SIGKILL, each for a bounded time; without
        patience at once. Nobody else may wait for the process meanwhile."""
        with trio.CancelScope() as gone:
            async with trio.open_nursery() as nursery:

                async def watch() -> None:
                    await self.process.wait()
                    gone.cancel()

                nursery.start_soon(watch)
                if patience:
                    self.send("control", "shutdown_request", {"restart": False})
                    await trio.sleep(patience)
                    self.process.signal(15)
                    await trio.sleep(settings.terminate)
                self.process.signal(9)
                await trio.sleep(settings.kill)
                gone.cancel()

    def close(self) -> None:
        for socket in self._sockets.values():
            socket.close()
        self.process.close()


class KernelHandle:
    """``cwd``: where kernels run. ``find`` and ``launch`` are the ports to kernelspecs and processes."""

    def __init__(
        self,
        cwd: Path,
        settings: KernelSettings | None = None,
        *,
        find: FindSpec = find_spec,
        launch: Launch = launch_any,
    ) -> None:
        self.cwd = cwd
        self.settings = settings or KernelSettings()
        self.find = find
        self.launch = launch
        self.connection: Connection | None = None
        self.run: RunInHand | None = None
        self.name = ""
        self.incarnation = 0  # kernel processes so far
        self.actors = 0  # incarnations of the actor so far
        self.reports = 0  # the last report's number, over all incarnations
        self.death = ""  # why there is no kernel, if one died
        self.language_info: JsonObject = {}
        self.displays: dict[str, list[tuple[str, int]]] = {}  # display id → outputs of cells that ran
        self.changes: list[tuple[int, DisplayChange]] = []  # with the number of the first report that had it
        self.comms = Comms()
        self.captures = WidgetOutputs()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def begin(self, run: RunInHand) -> None:
        """A new run: its cell's earlier outputs are gone, and with them their display ids."""
        self.run = run
        for display, places in list(self.displays.items()):
            self.displays[display] = [place for place in places if place[0] != run.cell_id]

    def connect(self, process: RunningKernel) -> Connection:
        self.connection = Connection(self._context, process)
        self.name = process.spec.name
        self.incarnation += 1
        self.death = ""
        self.displays.clear()
        return self.connection

    def disconnect(self) -> None:
        """The process is gone: release its sockets and its folder."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def patience(self) -> float:
        """How long the kernel may take to end when it is asked to."""
        if self.connection is None or not self.connection.ready:
            return 0.0
        busy = self.run is not None and not self.run.ended
        return self.settings.shutdown_busy if busy else self.settings.shutdown

    async def close(self) -> None:
        """The server stops: end the kernel and release everything. Shielded and bounded. No incarnation may
        live. Not for a crash of the actor: the kernel lives on through that."""
        with trio.CancelScope(shield=True):
            if self.connection is not None:
                await self.connection.end(self.settings, self.patience())
            self.disconnect()
        self._context.destroy(linger=0)
