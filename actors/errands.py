"""What the hub's own helpers (saver, history) do to the document: between two batches of mail, in its turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeVar

import msgspec
import trio

from protocol.merge import Report, merge
from protocol.messages.checkpointer import FoundChange
from protocol.true_copy import TrueCopy
from protocol.values import NotebookValue

T = TypeVar("T")


class Errands:
    """``commit`` makes durable what :meth:`run` changed. ``let_out``: what leaves once a batch is durable."""

    def __init__(
        self,
        copy: TrueCopy,
        commit: Callable[[], Awaitable[None]],
        let_out: Callable[[Callable[[], None]], None],
    ) -> None:
        self._copy = copy
        self._commit = commit
        self._let_out = let_out
        self._waiting: list[Callable[[], None]] = []
        self._pause: trio.CancelScope | None = None  # None: nobody serves, at boot and at the end

    def pause(self, deadline: float) -> trio.CancelScope:
        """The scope in which the hub waits for mail, until ``deadline`` or an errand comes."""
        self._pause = trio.CancelScope(deadline=-inf if self._waiting else deadline)
        return self._pause

    async def close(self) -> None:
        """The hub serves no longer: what waits is done now, and what comes at once."""
        self._pause = None
        self.run()
        await self._commit()

    async def take(self, before: NotebookValue, found: FoundChange) -> Report:
        """Bring in what the file changed of ``before``; what people typed meanwhile is merged as well."""

        def take() -> Report:
            made = merge(before, self._copy.doc.value(), found.notebook)
            self._copy.become(made.notebook)
            return msgspec.structs.replace(found.report, conflicts=found.report.conflicts + made.report.conflicts)

        return await self._do(take)

    async def become(self, before: NotebookValue, wanted: NotebookValue) -> bool:
        """Say what ``wanted`` says; False if the document is not what it was ``before``."""

        def become() -> bool:
            if self._copy.doc.value() != before:
                return False
            self._copy.become(wanted)
            return True

        return await self._do(become)

    async def named_blobs(self) -> frozenset[str]:
        """What the document refers to, when all that it says is in the journal."""
        return await self._do(lambda: self._copy.doc.named_blobs())

    async def _do(self, change: Callable[[], T]) -> T:
        """Change the document; returns when that is durable."""
        done = trio.Event()
        answer: list[T] = []

        def errand() -> None:
            answer.append(change())
            self._let_out(done.set)

        self._waiting.append(errand)
        if self._pause is None:
            self.run()
            await self._commit()
        else:
            self._pause.deadline = -inf
        await done.wait()
        return answer[0]

    def run(self) -> None:
        errands, self._waiting = self._waiting, []
        for errand in errands:
            errand()
