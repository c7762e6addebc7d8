"""What a widget's callback puts out and no Output widget takes: in no cell's place, so people are told in words.

JupyterLab puts it into a log that few find.
"""

from __future__ import annotations

from typing import Final

from protocol.comm_requests import client_id
from protocol.comms import StrayOutput
from protocol.kernel_events import DisplayData, ErrorRaised, ExecuteResult, OutputEvent, Stream

# Of one callback's text, and how many are told of at a time: a callback in a loop must not fill anybody's page.
TEXT: Final = 2000
AT_ONCE: Final = 5


class StrayOutputs:
    """Gathered until they are told of."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], str] = {}

    def add(self, event: OutputEvent) -> bool:
        """Whether ``event`` is one: output that a client's message caused."""
        parent = client_id(event.parent)
        if not parent:
            return False
        kind, text = _said(event)
        if text and (len(self._texts) < AT_ONCE or (parent, kind) in self._texts):
            whole = self._texts.get((parent, kind), "") + text
            self._texts[parent, kind] = whole if len(whole) <= TEXT else whole[: TEXT - 1].rstrip("…") + "…"
        return True

    def __len__(self) -> int:
        return len(self._texts)

    def taken(self) -> list[StrayOutput]:
        strays = [StrayOutput(parent, kind, text) for (parent, kind), text in self._texts.items()]
        self._texts.clear()
        return strays


def _said(event: OutputEvent) -> tuple[str, str]:
    match event:
        case Stream():
            return event.read() or ("", "")
        case DisplayData() | ExecuteResult():
            plain = event.data.get("text/plain")
            return "result", plain if isinstance(plain, str) else ""
        case ErrorRaised(_, ename, evalue):
            return "error", f"{ename}: {evalue}" if evalue else ename
        case _:
            return "", ""
