"""One client's subscription to the kernel's comms, for as long as its connection lasts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from actors.mailbox import again
from gateway.outbox import Sink
from protocol.messages.kernel import WatchComms

if TYPE_CHECKING:
    from gateway.connection import Services


class CommOutlet:
    """The KernelActor's end. ``gone`` is set when it forgot this subscription."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.gone = trio.Event()

    def offer(self, text: str, /) -> bool:
        return not self.gone.is_set() and self._sink.put(text)

    def close(self) -> None:
        self.gone.set()


class CommWatch:
    """Clients without widgets do not ask for this, and hear nothing of them."""

    def __init__(self, services: Services, sink: Sink) -> None:
        self._services = services
        self._sink = sink
        self._wanted = trio.Event()
        self._begun = trio.Event()

    async def begin(self) -> None:
        """The client wants to hear of comms; returns when it has heard what is open. Asked again: nothing new."""
        self._wanted.set()
        await self._begun.wait()

    async def keep(self) -> None:
        await self._wanted.wait()
        while not self._sink.closing:
            outlet = CommOutlet(self._sink)
            await again(partial(self._services.kernel.ask, WatchComms, outlet))
            self._begun.set()
            await outlet.gone.wait()
