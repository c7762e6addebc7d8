"""The kernel's comms, for whoever watches them: widgets, which every client shows alike.

What is open and what it says lives in the :class:`KernelHandle`, so it outlives incarnations of the KernelActor;
who watches is one incarnation's, and subscribes to the next one again.
"""

from __future__ import annotations

from math import inf

from actors.kernel_connection import Connection, KernelHandle
from protocol import wire
from protocol.comm_events import CommClosed, CommEvent, CommMessage
from protocol.comm_requests import CloseComm, CommRequest, client_id, kernel_id, message_of
from protocol.comms import PUSHES, CommIdle, Push
from protocol.kernel_events import OutputEvent
from protocol.messages.shared import Outlet
from protocol.stray_outputs import StrayOutputs
from protocol.values import JsonObject

# Seconds between two updates of an Output widget's outputs, which are sent whole.
_EVERY = 0.1


class KernelComms:
    """Nothing here waits."""

    def __init__(self, handle: KernelHandle) -> None:
        self._comms = handle.comms
        self._captures = handle.captures
        self._handle = handle
        self._watchers: list[Outlet[str]] = []
        self._strays = StrayOutputs()
        self._flushed_at = -inf

    # --------------------------------------------------------------------------------------------------- watchers

    def watch(self, outlet: Outlet[str]) -> None:
        """``outlet`` gets everything that is open now, and every change from then on, as text frames."""
        if outlet.offer(_text(self._comms.snapshot())):
            self._watchers.append(outlet)
        else:
            outlet.close()

    def close(self) -> None:
        for outlet in self._watchers:
            outlet.close()
        self._watchers.clear()

    def _tell(self, push: Push | None) -> None:
        if push is None or not self._watchers:
            return
        text = _text(push)
        for outlet in [each for each in self._watchers if not each.offer(text)]:
            self._watchers.remove(outlet)
            outlet.close()

    # ------------------------------------------------------------------------------------------------ what is said

    def send(self, connection: Connection, request: CommRequest) -> None:
        """A client's message, in its order among executions: callbacks run where cells run."""
        type_, content = message_of(request)
        metadata = {} if isinstance(request, CloseComm) else request.metadata
        buffers = () if isinstance(request, CloseComm) else request.buffers
        connection.send(
            "shell", type_, content, metadata=metadata, buffers=buffers, msg_id=kernel_id(request.msg_id)
        )
        self._tell(self._comms.take(request))

    def hear(self, event: CommEvent) -> None:
        """The kernel's."""
        self._tell(self._comms.hear(event))
        changed: object = {} if isinstance(event, CommClosed) else event.data.get("state")
        if isinstance(event, CommMessage) and event.data.get("method") != "update":
            return
        state = changed if isinstance(changed, dict) else {}
        ended = self._captures.hear(event.comm_id, self._comms.get(event.comm_id), state)
        if ended is not None:
            self._hand_over(ended)

    def _hand_over(self, comm_id: str) -> None:
        """A capture ended: the kernel's widget gets what it took, as from JupyterLab."""
        outputs, connection = self._captures.finish(comm_id), self._handle.connection
        if outputs is None:
            return
        state: JsonObject = {"outputs": [*outputs]}
        self._tell(self._comms.set_state(comm_id, state))
        if connection is not None:
            data: JsonObject = {"method": "update", "state": state, "buffer_paths": []}
            connection.send("shell", "comm_msg", {"comm_id": comm_id, "data": data})

    def hear_status(self, parent: str, state: str) -> None:
        """Once a message of a client's was handled, that client may send the next."""
        if state == "idle" and (message := client_id(parent)):
            self._tell(CommIdle(message))

    # ----------------------------------------------------------------------------------------------------- outputs

    def takes(self, event: OutputEvent) -> bool:
        """Whether :meth:`take_output` would take it."""
        return self._captures.taker(event) is not None

    def take_output(self, event: OutputEvent, now: float) -> bool:
        """Whether a widget shows it in place of the cell, or it is the output of a widget's callback."""
        return self._captures.take(event, now) or self._strays.add(event)

    def flush(self, now: float) -> float | None:
        """Tell of what callbacks put out; when to come again if there is more or it is too soon."""
        if not self._has_news:
            return None
        if now >= self._flushed_at + _EVERY:
            self._flushed_at = now
            for comm_id, outputs in self._captures.changed(now):
                self._tell(self._comms.set_state(comm_id, {"outputs": [*outputs]}))
            for stray in self._strays.taken():
                self._tell(stray)
        return self._flushed_at + _EVERY if self._has_news else None

    @property
    def _has_news(self) -> bool:
        return self._captures.has_news or len(self._strays) > 0

    def clear(self) -> None:
        """The kernel is gone."""
        self._captures.clear()
        self._tell(self._comms.clear())


def _text(push: Push) -> str:
    return wire.push("comms", PUSHES[type(push)], push)
