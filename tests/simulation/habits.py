"""What people do in a storm, and how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from tests.simulation.person import Person

# How often, of a hundred things.
HABITS = {
    "write": 49, "remove": 6, "create": 5, "delete": 3, "move": 4, "run": 11, "ask": 12, "leave": 3, "forget": 1,
    "order": 2, "interrupt": 1, "restart": 1, "checkpoint": 2,
}  # fmt: skip
PAUSES = (0.0, 0.01, 0.05, 0.2, 0.4)


async def storm(person: Person, nursery: trio.Nursery) -> None:
    """Do this and that, for ever. Requests are not waited for: people click on."""
    rng = person.rng
    while True:
        await trio.sleep(rng.choice(PAUSES))
        if not person.line.connected and rng.random() < 0.3:
            await person.connect()
        if person.failed and rng.random() < 0.1:
            nursery.start_soon(person.retry)
        if person.question and rng.random() < 0.3:
            nursery.start_soon(person.answer_input)
        if person.offered and rng.random() < 0.4:
            nursery.start_soon(person.dismiss if rng.random() < 0.2 else person.accept)
        [what] = rng.choices(list(HABITS), list(HABITS.values()))
        if what in ("leave", "forget"):
            await person.leave(forget=what == "forget")
        elif what in _EDITS:
            _EDITS[what](person)
        else:
            nursery.start_soon(_REQUESTS[what], person)


async def _interrupt(person: Person) -> None:
    await person.ask("notebook", "interrupt_kernel")


async def _restart(person: Person) -> None:
    await person.ask("kernel", "restart_kernel")


async def _checkpoint(person: Person) -> None:
    await person.ask("notebook", "checkpoint")


_EDITS: dict[str, Callable[[Person], None]] = {
    "write": Person.write,
    "remove": Person.remove,
    "create": Person.create,
    "delete": Person.delete,
    "move": Person.move,
}
_REQUESTS: dict[str, Callable[[Person], Awaitable[object]]] = {
    "run": Person.run,
    "order": Person.order,
    "ask": Person.ask_what_became_of_it,
    "interrupt": _interrupt,
    "restart": _restart,
    "checkpoint": _checkpoint,
}
