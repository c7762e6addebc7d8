"""Fold what a kernel says during one run into nbformat outputs, bounded, and cheap to send again and again.

Outputs are in document form. While the run lasts, the text of a stream is several consecutive stream outputs,
of which only the last one changes, so what is sent again stays small; :meth:`OutputFold.finish` joins them.
Text beyond the budget is left out in the middle: the first half of the budget, a line that says how much is
missing, and the end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from protocol.blobs import LIMIT, weight
from protocol.kernel_events import (
    ClearOutput,
    DisplayData,
    ErrorRaised,
    ExecuteResult,
    OutputEvent,
    Stream,
    UpdateDisplay,
)
from protocol.output_form import document_output
from protocol.output_gap import OutputGap, Text, shortened, size_in_words
from protocol.stream_text import StreamText
from protocol.values import Json, JsonObject

_GLIMPSE = 4096  # characters of the end that a gap shows while text still comes, or before a display
_SLACK = 64


class OutputLimits(msgspec.Struct, frozen=True):
    """Per cell. ``text``: characters; ``mime``: bytes of what is in the document; ``values``: bytes of what lies
    beside it, which is each value of more than ``blob``; ``live``: seconds between two looks at a flood's end."""

    text: int = 1_000_000
    outputs: int = 10_000
    mime: int = 50_000_000
    values: int = 500_000_000
    blob: int = LIMIT
    live: float = 0.25


class OutputFold:
    """The outputs of one run. ``written``: outputs that the document holds of it already (adoption);
    ``displays``: where among them display ids are."""

    def __init__(
        self,
        limits: OutputLimits | None = None,
        written: Iterable[JsonObject] = (),
        displays: Mapping[str, list[int]] | None = None,
    ) -> None:
        self.version = 0
        self._limits = limits or OutputLimits()
        self._changes: list[tuple[int, int]] = []  # (version, lowest index changed then), both rising
        self._clear_next = False
        self._reset()
        self._slots += written
        for index, slot in enumerate(self._slots):
            if isinstance(data := slot.get("data"), dict) and (kept := weight(data)):
                self._weigh(index, 0, kept)
        for key, indexes in (displays or {}).items():
            self.displays[key] = [index for index in indexes if index < len(self._slots)]
        self._reopen_stream()

    def _reset(self) -> None:
        self._slots: list[JsonObject] = []
        # Bytes in the document and of values elsewhere, by index, and their sums.
        self._sizes: dict[int, tuple[int, int]] = {}
        self._mime = self._values = 0
        self._stream: StreamText | None = None
        self._stream_at = 0
        self._text = 0  # characters of streams that are complete
        self._gap: OutputGap | None = None
        self._gap_at = 0
        self._gap_seen: float | None = None
        self._gap_stale = False
        self._end_room = self._limits.text // 2  # characters that the ends of gaps may still take
        self._dropped = 0
        self._dropped_at: int | None = None
        self.displays: dict[str, list[int]] = {}

    def _reopen_stream(self) -> None:
        """The text that was written last goes on: its last line may still be overwritten."""
        at = _streak(self._slots)
        if at < len(self._slots):
            self._stream = StreamText(str(self._slots[at]["name"]))
            self._stream_at = at
            self._sync_stream(self._stream.write("".join(str(slot["text"]) for slot in self._slots[at:])))
        self._text = sum(len(str(slot["text"])) for slot in self._slots[:at] if slot["output_type"] == "stream")

    @property
    def shape(self) -> tuple[int, int]:
        """Enough to notice that some output is missing."""
        return shape(self._slots)

    def add(self, event: OutputEvent, now: float) -> None:
        """Take one event. ``now`` paces how often the end of a flood is looked at."""
        if isinstance(event, ClearOutput):
            if event.wait:
                self._clear_next = True
            else:
                self._clear()
            return
        if self._clear_next and not isinstance(event, UpdateDisplay):
            self._clear()
        match event:
            case Stream():
                self._add_stream(event, now)
            case DisplayData() | ExecuteResult():
                self._add_display(event)
            case UpdateDisplay():
                self._update_displays(event)
            case ErrorRaised():
                self._add_error(event)

    def refresh(self, now: float) -> float | None:
        """Look at the end of a flood if it is time; when to come again if there is something unseen."""
        if self._gap is None or not self._gap_stale:
            return None
        due = now if self._gap_seen is None else self._gap_seen + self._limits.live
        if now < due:
            return due
        self._gap_seen, self._gap_stale = now, False
        self._show_gap(self._gap, min(_GLIMPSE, self._end_room))
        return None

    def changed_since(self, version: int) -> tuple[int, tuple[JsonObject, ...], int]:
        """``(start, outputs, version)``: whoever has this fold's outputs as of ``version`` replaces those from
        ``start`` on. A negative version means nothing is known: everything."""
        if version < 0:
            return 0, tuple(self._slots), self.version
        news = bisect_right(self._changes, version, key=lambda change: change[0])
        start = self._changes[news][1] if news < len(self._changes) else len(self._slots)
        return start, tuple(self._slots[start:]), self.version

    def finish(self) -> None:
        """The run is over: the end of a flood is decoded, and neighbouring pieces of a stream become one."""
        self._close_stream(self._end_room)
        joined: list[JsonObject] = []
        moved: list[int] = []
        first = len(self._slots)
        texts: list[str] = []
        for slot in self._slots:
            if joined and _same_stream(joined[-1], slot):
                first = min(first, len(joined) - 1)
                texts.append(str(slot["text"]))
            else:
                _join(joined, texts)
                joined.append(slot)
                texts = [str(slot["text"])] if slot["output_type"] == "stream" else []
            moved.append(len(joined) - 1)
        _join(joined, texts)
        if first < len(self._slots):
            self._slots = joined
            self._changed(first)
        self.displays = {key: [moved[index] for index in places] for key, places in self.displays.items()}

    def add_remark(self, text: str) -> None:
        """A sentence of ours among the outputs, on stderr (something was lost here)."""
        self._close_stream(self._end_room)
        self._append(_stream_output("stderr", text))

    # ------------------------------------------------------------------------------------------------- streams

    def _add_stream(self, event: Stream, now: float) -> None:
        if self._gap is not None:
            self._gap.add(event.content)
        elif self._dropped_at is not None:
            self._drop()
            return
        elif (text := event.read()) is not None:
            self._write(*text)
        if self._gap is not None:
            self._gap_stale = True
            self.refresh(now)

    def _write(self, name: str, text: str) -> None:
        """Write as much as the first half of the budget allows; a gap takes the rest."""
        half = self._limits.text // 2
        while text:
            room = half - self._text - (self._stream.size if self._stream else 0)
            if room <= min(_SLACK, half // 2):
                self._close_stream(0)
                self._gap, self._gap_at, self._gap_seen = OutputGap(self._end_room), len(self._slots), None
                self._gap.add_text(name, text)
                return
            if self._stream is None or self._stream.name != name:
                self._close_stream(0)
                if len(self._slots) >= self._limits.outputs:
                    self._drop()
                    return
                self._stream, self._stream_at = StreamText(name), len(self._slots)
            self._sync_stream(self._stream.write(text[:room]))
            text = text[room:]

    def _sync_stream(self, first: int) -> None:
        stream = self._stream
        assert stream is not None
        self._slots[self._stream_at + first :] = [
            _stream_output(stream.name, piece) for piece in stream.pieces(first)
        ]
        self._changed(self._stream_at + first)

    def _close_stream(self, room: int) -> None:
        """Another output comes: the text before it is complete. ``room``: characters a gap may show."""
        if self._stream is not None:
            self._text += self._stream.size
            self._stream = None
        if self._gap is not None:
            self._end_room -= self._show_gap(self._gap, min(room, self._end_room))
            self._gap = None

    def _show_gap(self, gap: OutputGap, room: int) -> int:
        missing, texts = gap.end(room)
        remark: list[JsonObject] = []
        if missing:
            before: JsonObject = self._slots[self._gap_at - 1] if self._gap_at else {}
            break_ = "" if str(before.get("text", "\n")).endswith("\n") else "\n"
            remark = [_stream_output("stderr", f"{break_}[about {size_in_words(missing)} of output left out]\n")]
        self._slots[self._gap_at :] = remark + _fold_texts(texts)
        self._changed(self._gap_at)
        return sum(len(text) for _, text in texts)

    # ------------------------------------------------------------------------------------------ other outputs

    def _add_display(self, event: DisplayData | ExecuteResult) -> None:
        if event.display_id:  # a known id shows the new value everywhere, as in JupyterLab
            self._update_displays(event)
        self._close_stream(_GLIMPSE)
        if self._full:
            self._drop()
            return
        index = len(self._slots)
        output: JsonObject = {"output_type": "display_data", **self._bundle(event, index)}
        if isinstance(event, ExecuteResult):
            output["output_type"] = "execute_result"
            output["execution_count"] = event.execution_count
        self._append(document_output(output))
        if event.display_id:
            self.displays.setdefault(event.display_id, []).append(index)

    def _add_error(self, event: ErrorRaised) -> None:
        """Kept also after a flood, for it says how the run ended; but it is text of the cell like any other."""
        self._close_stream(self._end_room)
        if len(self._slots) > self._limits.outputs + 1:
            self._drop()
            return
        room = max(_GLIMPSE, self._limits.text // 4)
        lines: list[Json] = list(event.traceback)
        if sum(map(len, event.traceback)) > room:
            lines = [shortened("\n".join(event.traceback), room)]
        name, value = shortened(event.ename, _GLIMPSE), shortened(event.evalue, room)
        self._append({"output_type": "error", "ename": name, "evalue": value, "traceback": lines})

    @property
    def full(self) -> str:
        """Why there is no more room, as the end of a sentence."""
        return f"the outputs of this cell exceed {size_in_words(self._limits.values)}"

    def room_for_values(self, display_id: str) -> int:
        """Bytes that may still be kept elsewhere, for an output that takes the place of those with this id."""
        replaced = sum(self._sizes.get(index, (0, 0))[1] for index in self.displays.get(display_id, ()))
        return self._limits.values - self._values + replaced

    def _bundle(self, event: DisplayData | ExecuteResult | UpdateDisplay, index: int) -> JsonObject:
        """What goes into the output at ``index``: the event's values, or a sentence when they are too much."""
        self._weigh(index, 0, 0)
        kept = weight(event.data)
        words = ""
        if self._values + kept > self._limits.values:
            words = left_out(kept, self.full)
        elif self._mime + event.size > self._limits.mime:
            limit = size_in_words(self._limits.mime)
            words = left_out(event.size, f"the outputs of this cell exceed {limit}")
        if words:
            return {"data": {"text/plain": words}, "metadata": {}}
        self._weigh(index, event.size, kept)
        return {"data": event.data, "metadata": event.metadata}

    def _weigh(self, index: int, size: int, kept: int) -> None:
        old_size, old_kept = self._sizes.pop(index, (0, 0))
        self._mime += size - old_size
        self._values += kept - old_kept
        self._sizes[index] = size, kept

    def _update_displays(self, event: DisplayData | ExecuteResult | UpdateDisplay) -> None:
        for index in self.displays.get(event.display_id, ()):
            self._slots[index] = document_output({**self._slots[index], **self._bundle(event, index)})
            self._changed(index)

    @property
    def _full(self) -> bool:
        return self._dropped_at is not None or len(self._slots) >= self._limits.outputs

    def _append(self, output: JsonObject) -> None:
        self._slots.append(output)
        self._changed(len(self._slots) - 1)

    def _drop(self) -> None:
        self._dropped += 1
        remark = _stream_output("stderr", f"[{self._dropped} more outputs left out]\n")
        if self._dropped_at is None:
            self._dropped_at = len(self._slots)
            self._slots.append(remark)
        else:
            self._slots[self._dropped_at] = remark
        self._changed(self._dropped_at)

    def _clear(self) -> None:
        self._clear_next = False
        self._reset()
        self._changed(0)

    def _changed(self, index: int) -> None:
        while self._changes and self._changes[-1][1] >= index:
            self._changes.pop()
        self.version += 1
        self._changes.append((self.version, index))


def left_out(size: int, why: str) -> str:
    """What stands in an output's place."""
    return f"[an output of {size_in_words(size)} left out: {why}]"


def shape(outputs: Sequence[JsonObject]) -> tuple[int, int]:
    """The number of outputs, and of characters in the last one if it is a stream."""
    last = outputs[-1] if outputs else None
    return len(outputs), len(str(last["text"])) if last is not None and last["output_type"] == "stream" else 0


def _stream_output(name: str, text: str) -> JsonObject:
    return {"output_type": "stream", "name": name, "text": text}


def _same_stream(one: JsonObject, other: JsonObject) -> bool:
    return one["output_type"] == other["output_type"] == "stream" and one["name"] == other["name"]


def _streak(slots: list[JsonObject]) -> int:
    """Where the stream that the last outputs are pieces of begins."""
    at = len(slots)
    if at and slots[-1]["output_type"] == "stream":
        at -= 1
        while at and _same_stream(slots[at - 1], slots[at]):
            at -= 1
    return at


def _join(joined: list[JsonObject], texts: list[str]) -> None:
    if len(texts) > 1:
        text: Json = "".join(texts)
        joined[-1] = {**joined[-1], "text": text}


def _fold_texts(texts: Iterable[Text]) -> list[JsonObject]:
    outputs: list[JsonObject] = []
    open_: StreamText | None = None
    for name, text in texts:
        if open_ is None or open_.name != name:
            if open_ is not None:
                outputs += [_stream_output(open_.name, piece) for piece in open_.pieces()]
            open_ = StreamText(name)
        open_.write(text)
    if open_ is not None:
        outputs += [_stream_output(open_.name, piece) for piece in open_.pieces()]
    return outputs
