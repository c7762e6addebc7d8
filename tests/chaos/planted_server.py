"""The real server with a bug planted, which the variable PLANTED names: what the chaos suite must notice.

``python -m tests.chaos.planted_server`` is the ``ganimede`` command, ``tests.chaos.planted_server:app`` what
hypercorn serves.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import trio

import gateway.app
from actors import runs, sync_hub, system
from actors.kernel_connection import KernelHandle
from actors.mailbox import Actor, Address, Mailbox
from actors.recorder import Recorder
from gateway import access_middleware, sync_listener
from gateway.access import Allowed
from gateway.cli import main
from protocol import run_events
from protocol.guard import Rejected
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.kernel import KernelMessage
from protocol.true_copy import TrueCopy
from tests.simulation import bugs
from tests.simulation.ledger import MARKER


class Forgetful(Recorder):
    """Says that a batch is durable, and keeps it in mind only."""

    async def record(self, updates: Any, queue: Any, content: bool) -> bool:
        await trio.lowlevel.checkpoint()
        self.queue = self.queue if queue is None else queue
        return True


def says_durable_and_keeps_nothing() -> None:
    sync_hub.Recorder = Forgetful  # type: ignore[misc]


def serves_on_without_its_master() -> None:
    gateway.app.watch_parent = trio.sleep_forever


def loses_the_kernel_with_its_actor() -> None:
    """The KernelActor's next incarnation goes on with its kernel until the cell in hand ends, and no longer."""
    sound = system.kernel_actor

    def kernel_actor(handle: KernelHandle, disk: Address[CheckpointerMessage]) -> Actor[KernelMessage]:
        run = sound(handle, disk)

        async def loses_it() -> None:
            while handle.run is None or not handle.run.ended:
                await trio.sleep(0.005)
            assert handle.connection is not None
            handle.connection.process.signal(signal.SIGKILL)

        async def forgets(mailbox: Mailbox[KernelMessage]) -> None:
            async with trio.open_nursery() as nursery:
                if handle.connection is not None:
                    nursery.start_soon(loses_it)
                await run(mailbox)
                nursery.cancel_scope.cancel()

        return forgets

    system.kernel_actor = kernel_actor


def crashes_over_a_malformed_update() -> None:
    sound = TrueCopy.client_update

    def client_update(self: TrueCopy, session: str, update: bytes, **how: Any) -> Any:
        taken = sound(self, session, update, **how)
        assert not isinstance(taken, Rejected)
        return taken

    TrueCopy.client_update = client_update  # type: ignore[method-assign]


def lets_everybody_in() -> None:
    for module in (access_middleware, sync_listener):
        module.judge = lambda request, policy: Allowed()  # type: ignore[attr-defined]


def repeats_an_edit_when_it_recovers() -> None:
    sound = TrueCopy.build

    def build(self: TrueCopy, *state: Any) -> Any:
        left_out = sound(self, *state)
        for cell_id in self.doc.cell_ids():
            if markers := MARKER.findall(self.doc.source(cell_id)):
                source = self.doc._maps[cell_id]["source"]
                self.doc._transact(lambda source=source, last=markers[0]: source.insert(0, last))
        return left_out

    TrueCopy.build = build  # type: ignore[method-assign]


def never_ends_a_run_in_four() -> None:
    sound, ended = runs.Runs.step, dict[str, int]()

    async def step(self: Any, event: run_events.Event) -> None:
        if not isinstance(event, run_events.Ended) or ended.setdefault(event.run, len(ended)) % 4 != 3:
            await sound(self, event)

    runs.Runs.step = step  # type: ignore[method-assign]


def _simulated(plant: Callable[[bugs.Plant], None]) -> Callable[[], None]:
    return lambda: plant(setattr)


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        says_durable_and_keeps_nothing,
        serves_on_without_its_master,
        loses_the_kernel_with_its_actor,
        crashes_over_a_malformed_update,
        lets_everybody_in,
        repeats_an_edit_when_it_recovers,
        never_ends_a_run_in_four,
    )
}
BUGS |= {
    bug.__name__: _simulated(bug)
    for bug in (
        bugs.drops_an_update_on_its_way_to_everyone,
        bugs.leaves_out_a_line_of_output,
        bugs.keeps_who_has_left,
    )
}

BUGS[os.environ["PLANTED"]]()
app = gateway.app.app

if __name__ == "__main__":
    main()
