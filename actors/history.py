"""What the notebook was before, and bringing it back. Owned by the SyncHub."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from actors.mailbox import Address, again
from protocol.messages.checkpointer import CheckpointerMessage, KeepVersion, ReadVersion, ShowVersions
from protocol.messages.hub import ListVersions, RestoreVersion
from protocol.messages.shared import Done, Refused
from protocol.values import NotebookValue

# How often a restore begins anew because somebody typed between the version that was kept and the change.
TRIES = 20


class History:
    """``value`` gives the notebook as it is, ``become`` makes it another if it still is what it was, durably."""

    def __init__(
        self,
        checkpointer: Address[CheckpointerMessage],
        value: Callable[[], Awaitable[NotebookValue]],
        become: Callable[[NotebookValue, NotebookValue], Awaitable[bool]],
    ) -> None:
        self._checkpointer = checkpointer
        self._value = value
        self._become = become
        self._turn = trio.Lock()

    def start(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    def obey(self, message: ListVersions | RestoreVersion) -> None:
        """Never waits; the answer comes when it comes."""
        if isinstance(message, ListVersions):
            self._nursery.start_soon(self._list, message)
        else:
            self._nursery.start_soon(self._restore, message)

    async def _list(self, message: ListVersions) -> None:
        message.reply(await again(lambda: self._checkpointer.ask(ShowVersions)))

    async def _restore(self, message: RestoreVersion) -> None:
        async with self._turn:
            message.reply(await self._restored(message.id))

    async def _restored(self, id_: int) -> Done | Refused:
        wanted = await again(lambda: self._checkpointer.ask(ReadVersion, id_))
        if isinstance(wanted, Refused):
            return wanted
        for _ in range(TRIES):
            before = await self._value()
            # Kept first: there is no moment at which what is replaced is nowhere.
            kept = await again(partial(self._checkpointer.ask, KeepVersion, before, "before restore"))
            if isinstance(kept, Refused):
                return kept
            if await self._become(before, wanted):
                return Done()
        return Refused("busy", "The notebook changes too fast to restore a version now; try again.")
