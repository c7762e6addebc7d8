"""The whole tree on one page.

    root ── notebook (one_for_one, temporary) ── checkpointer   owns the disk: journal and file
         │                                    ├─ hub            owns the document
         │                                    ├─ kernel         owns the Jupyter conversation
         │                                    └─ notebook       owns the run queue
         └─ gateway (added by the gateway package)              owns who is connected, both listeners' sessions

Waiting sends go ``gateway → {notebook, kernel, hub}``, ``notebook → {kernel, hub}``, ``{hub, kernel} →
checkpointer``; against these arrows flow only replies and subscriptions, which never wait. Start order is from the
disk up, stop order the reverse: the gateway says goodbye first, the checkpointer flushes while the hub still
lives.

What outlives every incarnation is made here and passed in: the opened notebook (lock, journal, file) and the
kernel handle (process, connection, keys, ZMQ identity).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from actors.boot import OpenNotebook
from actors.checkpointer import checkpointer
from actors.kernel import kernel_actor
from actors.kernel_connection import KernelHandle
from actors.mailbox import ActorDied, Address
from actors.notebook import notebook_actor
from actors.runs import RunSettings
from actors.supervisor import Child, ChildStatus, Supervisor, SupervisorMessage, describe
from actors.sync_hub import HubSettings, sync_hub
from protocol.guard import Limits
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.hub import HubMessage
from protocol.messages.kernel import KernelMessage
from protocol.messages.notebook import NotebookMessage


class RootFailed(Exception):
    """The root supervisor gave up, or broke: the process must end. The text says why."""


class System:
    """The actors of one server over one opened notebook. ``report``: told each change of a root child's status.
    ``kernel_handle``: the port to the kernel's process."""

    def __init__(
        self,
        notebook: OpenNotebook,
        *,
        runs: RunSettings,
        limits: Limits,
        new_client_id: Callable[[], int],
        report: Callable[[str, ChildStatus], None],
        kernel_handle: KernelHandle,
    ) -> None:
        self.kernel_handle = kernel_handle
        settings = HubSettings(str(notebook.path), limits, blob_limit=notebook.blobs.limits.limit)

        disk: Child[CheckpointerMessage] = Child("checkpointer", checkpointer(notebook), capacity=16)
        hub: Child[HubMessage] = Child(
            "hub", sync_hub(disk.address, settings, new_client_id), capacity=256, grace=2.0
        )
        kernel: Child[KernelMessage] = Child("kernel", kernel_actor(self.kernel_handle, disk.address), capacity=16)
        notebook_runs: Child[NotebookMessage] = Child("runs", notebook_actor(hub.address, kernel.address, runs))
        tree = Supervisor("notebook", [disk, hub, kernel, notebook_runs])
        inner: Child[SupervisorMessage] = Child("notebook", tree.run, temporary=True, grace=3.5)

        self.hub: Address[HubMessage] = hub.address
        self.notebook: Address[NotebookMessage] = notebook_runs.address
        self.kernel: Address[KernelMessage] = kernel.address
        self.notebook_tree: Address[SupervisorMessage] = inner.address
        self._children: list[Child[Any]] = [inner]
        self._tree = inner
        self._inner: tuple[Child[Any], ...] = (disk, hub, kernel, notebook_runs)
        self._report = report
        self._root: Child[SupervisorMessage] = Child("root", self._run_root, grace=5.0)
        self.root: Address[SupervisorMessage] = self._root.address
        self.ended = trio.Event()

    def add(self, child: Child[Any]) -> None:
        """A further child of the root, started after the notebook and stopped before it."""
        self._children.append(child)

    async def _run_root(self, mailbox: Any) -> None:
        await Supervisor("root", self._children, report=self._heard).run(mailbox)

    def _heard(self, name: str, status: ChildStatus) -> None:
        """A subtree that failed answers nobody until it is tried again: who asked just before must not wait."""
        if name == "notebook" and status.state == "failed":
            for child in (self._tree, *self._inner):
                child.channel.drop_questions(ActorDied)
        self._report(name, status)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until :meth:`stop`. Raises :class:`RootFailed`: that is fail-stop."""
        try:
            error = await self._root.incarnation(task_status.started)
            if error is not None:
                raise RootFailed(describe(error)) from error
        finally:
            # Also of a subtree that had failed or was cut short: nobody may wait for it for ever.
            for child in (self._root, *self._children, *self._inner):
                child.channel.close()
            self.ended.set()

    def stop(self) -> None:
        """A clean stop, in reverse start order; :meth:`run` returns when it is done."""
        self._root.stopping = True
        self._root.channel.end()

    async def close(self) -> None:
        """End the kernel process. The actors have ended."""
        await self.kernel_handle.close()
