"""Kernels that a provisioner of jupyter_client starts, perhaps on another machine.

A kernelspec names one in ``metadata.kernel_provisioner`` (jupyter_client, "Customizing the kernel's runtime
environment"). Provisioners need asyncio: each of their kernels has a thread with an event loop of its own, in
which jupyter_client's own manager starts, signals and waits for it. Messages do not pass through it.
"""

from __future__ import annotations

import asyncio
import signal as signals
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import trio
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from actors.kernel_process import RunningKernel, environment_of, launch
from actors.kernel_spec import KernelSpec, StartFailed

# Seconds that a provisioner may take to start a kernel, and to clean up behind it.
START = 120.0
CLEANUP = 10.0


class Ports(msgspec.Struct, frozen=True):
    """Where such a kernel listens."""

    transport: str
    ip: str
    ports: dict[str, int]
    key: bytes

    def url(self, channel: str) -> str:
        port = self.ports[channel]
        return f"ipc://{self.ip}-{port}" if self.transport == "ipc" else f"{self.transport}://{self.ip}:{port}"


def launch_any(spec: KernelSpec, cwd: Path) -> RunningKernel | StartFailed:
    """As the kernelspec wants it. Blocking."""
    if spec.provisioner in ("", "local-provisioner"):
        return launch(spec, cwd)
    keeper = _Keeper(spec, cwd)
    keeper.start()
    try:
        error = keeper.started.exception(START)
    except TimeoutError:
        keeper.leave(0)
        return StartFailed(f"The provisioner “{spec.provisioner}” did not start the kernel within {START:g} s.")
    if error is not None:
        return StartFailed(f"The provisioner “{spec.provisioner}” could not start the kernel: {_words(error)}.")
    return ProvisionedKernel(spec, keeper.started.result(), keeper)


def _words(error: BaseException) -> str:
    text = str(error).strip().rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Keeper(threading.Thread):
    """Lives as long as its kernel. ``ended``: why it did, in words."""

    def __init__(self, spec: KernelSpec, cwd: Path) -> None:
        super().__init__(name=f"kernel {spec.name}")
        self._spec, self._cwd = spec, cwd
        self.started: Future[Ports] = Future()
        self.ended: Future[str] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Future[None] | None = None
        self._provisioner: KernelProvisionerBase | None = None

    def run(self) -> None:
        [failure] = asyncio.run(self._kept())
        if failure is not None and not self.started.done():
            self.started.set_exception(failure)
        if failure is not None and not self.ended.done():
            self.ended.set_result(f"its provisioner failed ({_words(failure)})")

    async def _kept(self) -> list[BaseException | None]:
        """Whatever somebody's provisioner raises is a reason in words."""
        self._task = asyncio.ensure_future(self._keep())
        return list(await asyncio.gather(self._task, return_exceptions=True))

    async def _keep(self) -> None:
        self._loop = asyncio.get_running_loop()
        manager = AsyncKernelManager(kernel_name=self._spec.name)
        environment = environment_of(self._spec)
        await manager.start_kernel(cwd=str(self._cwd), env=environment)
        provisioner = manager.provisioner
        assert provisioner is not None
        self._provisioner = provisioner
        said = manager.get_connection_info()
        self.started.set_result(_ports(dict(said)))
        code = await provisioner.wait()
        self.ended.set_result(_how(code))
        with suppress(TimeoutError):
            await asyncio.wait_for(manager.cleanup_resources(), CLEANUP)

    def signal(self, number: int) -> None:
        """Nothing waits for it; a kernel that is gone gets none."""
        loop, provisioner = self._loop, self._provisioner
        if loop is None or provisioner is None or self.ended.done():
            return

        async def send() -> None:
            with suppress(ProcessLookupError, OSError):
                if number == signals.SIGKILL:
                    await provisioner.kill()
                elif number == signals.SIGTERM:
                    await provisioner.terminate()
                else:
                    await provisioner.send_signal(number)

        with suppress(RuntimeError):  # its loop has just ended
            loop.call_soon_threadsafe(lambda: loop.create_task(send()))

    def leave(self, within: float) -> None:
        """Nobody wants it any more. As a process ends behind its threads, this one has so long to clean up."""
        loop, task = self._loop, self._task
        if loop is None or task is None:
            return
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: loop.call_later(within, task.cancel))


def _ports(said: dict[str, Any]) -> Ports:
    ports = {name: int(said[f"{name}_port"]) for name in ("shell", "iopub", "stdin", "control", "hb")}
    key = said["key"]
    return Ports(said["transport"], said["ip"], ports, key if isinstance(key, bytes) else str(key).encode())


def _how(code: int | None) -> str:
    if code is None:
        return "ended"
    if code >= 0:
        return f"exited with code {code}"
    name = signals.Signals(-code).name if -code in signals.valid_signals() else f"signal {-code}"
    return f"killed ({name})"


class ProvisionedKernel:
    """A :class:`RunningKernel` that is kept by a thread. Its own output goes wherever its provisioner sends it."""

    def __init__(self, spec: KernelSpec, info: Ports, keeper: _Keeper) -> None:
        self.spec = spec
        self.info = info
        self._keeper = keeper

    async def wait(self) -> None:
        ended = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def tell(_: Future[str]) -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(ended.set)

        self._keeper.ended.add_done_callback(tell)
        await ended.wait()

    async def read_log(self) -> None:
        return None

    def signal(self, number: int) -> None:
        self._keeper.signal(number)

    def exit_reason(self) -> str:
        return self._keeper.ended.result() if self._keeper.ended.done() else "still running"

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        self._keeper.leave(CLEANUP)
