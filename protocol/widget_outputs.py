"""What ipywidgets' Output widgets take in place of the cell.

While such a widget's state names a message in ``msg_id``, what that message puts out belongs into the widget's
``outputs``. ipywidgets leaves this to the client; here it is the server, once for all clients. The widget that
named a message last takes its output.
"""

from __future__ import annotations

from protocol.comms import Comm
from protocol.kernel_events import OutputEvent, UpdateDisplay
from protocol.output_form import merge_streams
from protocol.outputs import OutputFold, OutputLimits
from protocol.values import JsonObject

# Each change sends a widget's outputs whole.
LIMITS = OutputLimits(text=100_000, outputs=500, mime=10_000_000)


class WidgetOutputs:
    """The captures of one kernel."""

    def __init__(self, limits: OutputLimits = LIMITS) -> None:
        self._limits = limits
        self._capturing: dict[str, str] = {}  # comm → message, the newest last
        self._folds: dict[str, OutputFold] = {}
        self._news: set[str] = set()  # comms that took something since the last time
        self._owed: set[str] = set()  # and since the kernel was told

    @property
    def has_news(self) -> bool:
        return bool(self._news)

    def hear(self, comm_id: str, comm: Comm | None, changed: JsonObject) -> str | None:
        """The kernel opened or changed a widget (``changed``: its new values), or closed it (``comm`` is None).

        The comm whose capture ended thereby, if any."""
        if comm is None or not comm.is_output:
            self._capturing.pop(comm_id, None)
            self._forget(comm_id)
            return None
        if "outputs" in changed:
            self._forget(comm_id)
            self._folds[comm_id] = OutputFold(self._limits, _objects(changed["outputs"]))
        if "msg_id" not in changed:
            return None
        before, message = self._capturing.pop(comm_id, None), changed["msg_id"]
        if isinstance(message, str) and message:
            self._capturing[comm_id] = message
        return comm_id if before is not None and before != message else None

    def _forget(self, comm_id: str) -> None:
        self._folds.pop(comm_id, None)
        self._news.discard(comm_id)
        self._owed.discard(comm_id)

    def taker(self, event: OutputEvent) -> str | None:
        """The comm that shows ``event``, if any does."""
        return next((each for each, msg in reversed(self._capturing.items()) if msg == event.parent), None)

    def take(self, event: OutputEvent, now: float) -> bool:
        """Whether ``event`` belongs to a widget, which has it now."""
        if isinstance(event, UpdateDisplay):
            self._update_displays(event, now)
        taker = self.taker(event)
        if taker is None:
            return False
        self._folds.setdefault(taker, OutputFold(self._limits)).add(event, now)
        self._news.add(taker)
        self._owed.add(taker)
        return True

    def _update_displays(self, event: UpdateDisplay, now: float) -> None:
        for comm_id, fold in self._folds.items():
            if event.display_id in fold.displays:
                fold.add(event, now)
                self._news.add(comm_id)

    def changed(self, now: float) -> list[tuple[str, list[JsonObject]]]:
        """Each comm whose outputs are new since the last time, with all of them."""
        seen = [comm_id for comm_id in self._news if self._folds[comm_id].refresh(now) is None]
        news = [(comm_id, self._outputs(comm_id)) for comm_id in self._news]
        self._news.difference_update(seen)
        return news

    def finish(self, comm_id: str) -> list[JsonObject] | None:
        """A capture ended: what it took, all of it; None if it took nothing."""
        if comm_id not in self._owed:
            return None
        self._owed.discard(comm_id)
        self._news.discard(comm_id)
        self._folds[comm_id].finish()
        return self._outputs(comm_id)

    def _outputs(self, comm_id: str) -> list[JsonObject]:
        _, outputs, _ = self._folds[comm_id].changed_since(-1)
        return merge_streams(outputs)

    def clear(self) -> None:
        self._capturing.clear()
        self._folds.clear()
        self._news.clear()
        self._owed.clear()


def _objects(listed: object) -> list[JsonObject]:
    sound = listed if isinstance(listed, list) else []
    return [item for item in sound if isinstance(item, dict) and isinstance(item.get("output_type"), str)]
