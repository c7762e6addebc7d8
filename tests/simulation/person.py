"""Somebody at a notebook: edits, runs, goes offline and comes back, and asks now and then what became of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import trio

from protocol.sync import DURABLE, FILED
from tests.simulation.disk import header
from tests.simulation.ledger import MARKER, Fact, Ledger, PromiseBroken
from tests.simulation.line import Line
from tests.simulation.offers import Offers
from tests.simulation.tab import Tab

# Notices after which an answer says nothing of the edits before it: they are asked for again, some time.
NOT_TAKEN = ("client_id_taken", "edits_incomplete")

# Seconds: an answer that takes longer than this on a connection that stands never comes.
NEVER = 100.0


@dataclass(eq=False)
class Pending:
    """What was done and is not acknowledged in both ways, by receipt and in the file. ``sent``: to which life of
    which hub, if it was sent for certain; ``number``: of the update on this connection that holds it."""

    fact: Fact
    removal: bool
    sent: tuple[int, int] | None = None
    number: int | None = None


class Person:
    """``hub()``: which life of the server and which of its hubs is up. ``trace``: told of what matters."""

    def __init__(
        self,
        name: str,
        rng: random.Random,
        ledger: Ledger,
        offers: Offers,
        line: Line,
        hub: Callable[[], tuple[int, int]],
        trace: Callable[..., None],
    ) -> None:
        self.name = name
        self.rng = rng
        self.line = line
        self.hung_up: list[int] = line.close_codes
        self.question = ""  # the input() that waits, as the last push said
        self.offered: list[str] = []  # the cells that may be run again, as the last push said
        self._ledger = ledger
        self._offers = offers
        self._hub = hub
        self._trace = trace
        self._announces = rng.random() < 0.7
        self._made = 0
        self._asked = 0
        self._answers: dict[int, tuple[trio.Event, list[Any]]] = {}
        self._pending: list[Pending] = []
        self.failed = ""  # why the notebook's actors are down, as the last push said
        self._warned = False  # told on this connection that some of its edits were not taken
        line.on_text, line.on_end = self._hear_text, self._cut_off
        self._open_tab()

    def _open_tab(self) -> None:
        self.client = Tab(
            self.rng.randrange(1, 2**32), self.line, self._resent, self._receipt if self._announces else None
        )

    # ---------------------------------------------------------------------------------------------- connections

    @property
    def online(self) -> bool:
        return self.line.connected and self.client.synced.is_set()

    async def connect(self) -> bool:
        client = self.client
        try:
            await client.connect(within=5.0)
        except (ConnectionRefusedError, trio.TooSlowError):
            await self.retry()  # nothing is synced while the notebook's actors are down
            await self.line.drop()
            return False
        self._trace(self.name, "online")
        return True

    async def leave(self, *, forget: bool = False) -> None:
        """Go offline; ``forget``: the tab is closed, and with it goes what nobody else has."""
        await self.line.drop()
        self._trace(self.name, "closes the tab" if forget else "offline")
        if forget:
            self._pending.clear()
            self.client.close()
            self._open_tab()

    def _resent(self) -> None:
        """All that the server lacks is in the answer that is on its way to it."""
        for each in self._pending:
            each.sent = self._hub()
            each.number = self.client.sent if each.number is None else each.number

    def _receipt(self, kind: int, number: int) -> None:
        """The first so many updates of this connection are durable, or in the file."""
        held = [each for each in self._pending if each.number is not None and each.number <= number]
        for each in held:
            self._ledger.acknowledge(each.fact, removal=each.removal, filed=kind == FILED)
            if kind == FILED:
                self._pending.remove(each)
        self._trace(self.name, "durable" if kind == DURABLE else "filed", number, len(held))

    # -------------------------------------------------------------------------------------------------- asking

    def _hear_text(self, text: str) -> None:
        said = json.loads(text)
        if (said["channel"], said["method"]) == ("kernel", "input_request") and "id" not in said:
            request = said["message"]["request"]
            self.question = request["id"] if request else ""
        if said["method"] == "queue_offered":
            self.offered = [each["cell_id"] for each in said["message"]["cells"]]
        if said["method"] == "failed":
            self.failed = said["message"]["reason"]
        if said["method"] == "notice":
            self._warned = self._warned or said["message"]["code"] in NOT_TAKEN
        waiting = self._answers.pop(said.get("id", -1), None)
        if waiting is not None:
            waiting[1].append(said)
            waiting[0].set()

    def _cut_off(self) -> None:
        self.failed, self._warned = "", False
        self.offered = []
        for each in self._pending:
            each.sent = each.number = None
        waiting, self._answers = self._answers, {}
        for answered, _ in waiting.values():
            answered.set()

    async def ask(self, channel: str, method: str, **message: object) -> Any:
        """The whole answer, or None if the connection ended first."""
        if not self.line.connected:
            return None
        self._asked += 1
        answered, answer = self._answers[self._asked] = trio.Event(), []
        text = json.dumps({"channel": channel, "method": method, "message": message, "id": self._asked})
        self.client._queue(text)  # behind the edits that came before it
        with trio.move_on_after(NEVER) as patience:
            await answered.wait()
        if patience.cancelled_caught:
            raise PromiseBroken("I4", f"{self.name} never got an answer to {channel}.{method}")
        return answer[0] if answer else None

    async def ask_what_became_of_it(self) -> Any:
        """The notebook's summary; what it acknowledges is entered in the books."""
        hub = self._hub()
        asked = [each for each in self._pending if each.sent == hub]
        answer = await self.ask("notebook", "get")
        summary = answer and answer.get("message")
        sound = summary and summary["saving"]["status"] != "not saved" and not self._warned
        if sound and self._hub() == hub:
            for each in asked:
                self._ledger.acknowledge(each.fact, removal=each.removal)
            self._trace(self.name, "was answered", len(asked))
            if not self._announces:
                self._pending = [each for each in self._pending if each not in asked]
        return answer

    # ------------------------------------------------------------------------------------------------- editing

    def _did(self, fact: Fact, *, removal: bool = False) -> None:
        """Entered before it is done: its update is the next one to be sent, if there is a connection."""
        fact.unmade = fact.unmade or removal
        sent, number = (self._hub(), self.client.sent + 1) if self.online else (None, None)
        self._pending.append(Pending(fact, removal, sent, number))

    def cells(self) -> list[str]:
        """Those that are there and whole: a cell may be known before its content is."""
        client = self.client
        listed = client.array("cells").to_py() or []
        return [str(cell) for cell in listed if client.map(str(cell)).get("source") is not None]

    def _cell(self) -> str | None:
        cells = self.cells()
        return self.rng.choice(cells) if cells else None

    def write(self) -> None:
        cell = self._cell()
        if cell is None:
            return
        self._made += 1
        marker = f"<{self.name}.{self._made}>"
        text = str(self.client.source(cell))
        places = [len(header(cell)), *(found.end() for found in MARKER.finditer(text))]
        self._did(self._ledger.made(marker, cell))
        self.client.insert(cell, self.rng.choice(places), marker)
        self._trace(self.name, "writes", marker, cell)

    def remove(self) -> None:
        cell = self._cell()
        found = list(MARKER.finditer(str(self.client.source(cell)))) if cell else []
        if cell and found:
            which = self.rng.choice(found)
            self._did(self._ledger.facts[which.group()], removal=True)
            self.client.remove(cell, which.start(), len(which.group()))
            self._trace(self.name, "removes", which.group())

    def create(self) -> None:
        self._made += 1
        cell = f"{self.name}-{self._made}"
        self._did(self._ledger.made(cell, cell))
        self.client.create(cell, header(cell), top=self.rng.randrange(1000), left=0)
        self._trace(self.name, "creates", cell)

    def delete(self) -> None:
        cells = self.cells()
        if len(cells) > 2:
            cell = self.rng.choice(cells)
            self._did(self._ledger.facts[cell], removal=True)
            self.client.delete(cell)
            self._trace(self.name, "deletes", cell)

    def move(self) -> None:
        cell = self._cell()
        if cell is not None:
            content = self.client.map(cell)
            with self.client.doc.transaction():
                content["top"], content["left"] = self.rng.randrange(5000), self.rng.randrange(5000)

    # -------------------------------------------------------------------------------------------------- running

    async def run(self) -> None:
        cell = self._cell()
        if cell is not None:
            answer = await self.ask("notebook", "queue_cell", cell_id=cell)
            self._trace(self.name, "runs", cell, _verdict(answer))

    async def order(self) -> None:
        """Many cells at once, or another order for those that wait."""
        rng, cell = self.rng, self._cell()
        if cell is None:
            return
        limits = {"cell_seconds": rng.choice((0.3, 2.0, None)), "run_seconds": rng.choice((1.0, None))}
        what = rng.choice(("all", "above", "to", "below", "downstream"))
        terms = {"stop_on_error": rng.random() < 0.5, "restart": rng.random() < 0.1, **limits}
        orders: list[tuple[str, dict[str, object]]] = [
            ("run", {"what": what, "cell_id": cell, **terms}),
            ("run_next", {"cell_id": cell}),
            ("cancel_cell", {"cell_id": cell}),
            ("move_cell", {"cell_id": cell, "place": rng.randrange(1, 4)}),
            ("pause", {}),
            ("resume", {}),
        ]
        method, message = rng.choice(orders)
        answer = await self.ask("notebook", method, **message)
        self._trace(self.name, method, cell, _verdict(answer))

    async def accept(self) -> None:
        """What waited, or also what ran, when the server stopped. Others may press the same button."""
        await self._answer_offer("resume_queue", interrupted=self.rng.random() < 0.7)

    async def dismiss(self) -> None:
        await self._answer_offer("dismiss_queue")

    async def _answer_offer(self, method: str, **message: object) -> None:
        hub, cells = self._hub(), self.offered
        verdict = _verdict(await self.ask("notebook", method, **message))
        self._trace(self.name, method, *cells, verdict)
        if verdict != "ok":
            return
        if method == "resume_queue":
            self._offers.accepted(hub[0])
        answer = await self.ask_what_became_of_it()
        summary = answer and answer.get("message")
        if summary and summary["saving"]["status"] != "not saved" and self._hub() == hub:
            self._offers.gone(hub[0])

    async def retry(self) -> None:
        """The notebook failed, and there is a button for that."""
        if self.failed:
            await self.ask("notebook", "retry")

    async def answer_input(self) -> None:
        if self.question:
            await self.ask("kernel", "input_reply", value="yes", id=self.question)


def _verdict(answer: Any) -> str:
    if answer is None:
        return "no answer"
    return str(answer["error"]["code"]) if "error" in answer else "ok"
