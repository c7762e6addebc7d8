"""What the document refers to and does not hold. Owned by the SyncHub.

At the server's start, large values that are still in the document (a journal of before, a smaller limit now) move
out of it. Every so often the Checkpointer hears what the document refers to, so that the rest can go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from actors.mailbox import Address, again
from protocol.blobs import Blob, carve_output
from protocol.messages.changes import ReplaceOutput
from protocol.messages.checkpointer import CheckpointerMessage, KeepBlobs, TidyBlobs
from protocol.messages.shared import Done
from protocol.values import NotebookValue

# Seconds.
EVERY = 20.0


async def move_out(
    checkpointer: Address[CheckpointerMessage], notebook: NotebookValue, limit: int
) -> tuple[ReplaceOutput, ...]:
    """The changes that make references of the notebook's large values. Those that cannot be kept stay."""
    changes: list[ReplaceOutput] = []
    for change, blobs in _large(notebook, limit):  # nobody is connected whom it could hold up
        kept = await again(lambda blobs=blobs: checkpointer.ask(KeepBlobs, blobs, False))  # type: ignore[misc]
        if isinstance(kept, Done):
            changes.append(change)
    return tuple(changes)


def _large(notebook: NotebookValue, limit: int) -> list[tuple[ReplaceOutput, tuple[Blob, ...]]]:
    found = []
    for cell in notebook.cells:
        for index, output in enumerate(cell.outputs):
            blobs: list[Blob] = []
            data, metadata = carve_output(output, limit, blobs.append).get("data"), output.get("metadata")
            if blobs and isinstance(data, dict):
                kept = metadata if isinstance(metadata, dict) else {}
                found.append((ReplaceOutput(cell.id, index, data, kept), tuple(blobs)))
    return found


class BlobCare:
    """``named`` gives the names that the document refers to, None while not all of it is in the journal."""

    def __init__(
        self,
        checkpointer: Address[CheckpointerMessage],
        named: Callable[[], Awaitable[frozenset[str] | None]],
    ) -> None:
        self._checkpointer = checkpointer
        self._named = named

    def start(self, nursery: trio.Nursery) -> None:
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        while True:
            named = await self._named()
            if named is not None:
                await again(lambda named=named: self._checkpointer.ask(TidyBlobs, named))  # type: ignore[misc]
            await trio.sleep(EVERY)
