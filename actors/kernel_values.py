"""Large values of what a kernel shows: they go to the disk before anybody hears of the output.

Whoever reads the kernel's output waits for that, for so long as a disk may take: what comes after stays in order,
and no more than one value is on its way. A disk that takes longer costs the value, not the run.
"""

from __future__ import annotations

from typing import TypeAlias, TypeGuard

import msgspec
import trio

from actors.mailbox import ActorStopped, Address, again
from protocol.blobs import Blob, carve_output
from protocol.kernel_events import DisplayData, ExecuteResult, KernelEvent, UpdateDisplay
from protocol.messages.checkpointer import CheckpointerMessage, KeepBlobs
from protocol.messages.shared import Done, Refused
from protocol.output_form import document_output
from protocol.outputs import OutputFold, OutputLimits, left_out
from protocol.values import JsonObject

Shown: TypeAlias = DisplayData | ExecuteResult | UpdateDisplay

# Seconds for the disk; and for each further value until it has taken one again.
PATIENCE = 10.0
IMPATIENCE = 0.2
# Bytes of an output that goes into the document after all, if its values cannot be kept.
BEARABLE = 1_000_000


class KernelValues:
    """``checkpointer`` None: everything stays in the outputs. ``settled``: no value is on its way."""

    def __init__(self, checkpointer: Address[CheckpointerMessage] | None, limits: OutputLimits) -> None:
        self._checkpointer = checkpointer
        self._limits = limits
        self._patience = PATIENCE
        self.settled = trio.Event()
        self.settled.set()

    def concern(self, event: KernelEvent) -> TypeGuard[Shown]:
        return (
            isinstance(event, DisplayData | ExecuteResult | UpdateDisplay)
            and event.size > self._limits.blob
            and self._checkpointer is not None
        )

    async def kept(self, event: Shown, fold: OutputFold | None) -> Shown:
        """The event with references for its large values, durable now; or with words in their place.

        ``fold``: of the run that shows it.
        """
        self.settled = trio.Event()
        try:
            slim, blobs = await trio.to_thread.run_sync(_carved, event, self._limits.blob)
            return await self._kept(event, slim, blobs, fold) if blobs else slim
        finally:
            self.settled.set()

    async def _kept(self, event: Shown, slim: Shown, blobs: tuple[Blob, ...], fold: OutputFold | None) -> Shown:
        size = sum(len(blob.data) for blob in blobs)
        if fold is not None and size > fold.room_for_values(event.display_id):
            return _words(event, left_out(size, fold.full))
        answer = await self._ask(blobs)
        if isinstance(answer, Done):
            return slim
        if answer.code == "not_saved" and event.size <= BEARABLE:
            return event
        return _words(event, left_out(size, answer.message))

    async def _ask(self, blobs: tuple[Blob, ...]) -> Done | Refused:
        checkpointer = self._checkpointer
        assert checkpointer is not None
        answer: Done | Refused = Refused("not_saved", "the disk takes too long")
        patience, self._patience = self._patience, IMPATIENCE
        try:
            with trio.move_on_after(patience):
                answer = await again(lambda: checkpointer.ask(KeepBlobs, blobs))
                self._patience = PATIENCE
        except ActorStopped:
            return Refused("not_saved", "the server stops")
        return answer


def _carved(event: Shown, limit: int) -> tuple[Shown, tuple[Blob, ...]]:
    whole = document_output({"output_type": "display_data", "data": event.data, "metadata": {}})
    blobs: list[Blob] = []
    data = carve_output(whole, limit, blobs.append)["data"]
    assert isinstance(data, dict)
    return msgspec.structs.replace(event, data=data, size=len(msgspec.json.encode(data))), tuple(blobs)


def _words(event: Shown, words: str) -> Shown:
    data: JsonObject = {"text/plain": words}
    return msgspec.structs.replace(event, data=data, metadata={}, size=len(words))
