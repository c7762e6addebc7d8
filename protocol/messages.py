"""Every message between actors: one union per mailbox, frozen structs of bytes, ids and plain values.

Requests are imperatives, facts past participles. ``reply`` is always the first field of a question, so that
``await hub.ask(ReadCell, cell_id)`` builds it. Docs, sockets and live dicts never travel.
"""

from __future__ import annotations

from enum import StrEnum
from math import inf
from typing import Literal, Protocol, TypeAlias, TypeVar

import msgspec

from protocol.blobs import Blob
from protocol.comm_requests import CommRequest
from protocol.kernel_requests import AboutKernel, Answer, Question
from protocol.merge import Report
from protocol.selection import Selection
from protocol.values import JsonObject, NotebookValue, Version, VersionReason

T_contra = TypeVar("T_contra", contravariant=True)


class Reply(Protocol[T_contra]):
    """The one-shot answer to a question. Never waits; if the asker has gone, nothing happens."""

    def __call__(self, value: T_contra, /) -> None: ...


class Outlet(Protocol[T_contra]):
    """A producer's end of a subscription: ``offer`` never waits, False means full (the producer closes it)."""

    def offer(self, item: T_contra, /) -> bool: ...

    def close(self) -> None: ...


def unheard(_: object, /) -> None:
    """The reply of a question whose answer nobody awaits (for ``tell``)."""


# ---------------------------------------------------------------------------------------------- shared values


class Terms(msgspec.Struct, frozen=True):
    """On what terms the cells of one command run. Seconds; None: no limit."""

    stop_on_error: bool = True
    cell_seconds: float | None = None
    run_seconds: float | None = None


class Entry(msgspec.Struct, frozen=True):
    """One entry of the run queue. ``source`` is what the cell said when the entry was made.

    ``begun``: its cell was made ready (outputs emptied) to be handed to the kernel. ``offered``: the server that
    ran the queue stopped; it neither waits nor runs, but people are asked whether it should.

    The rest ends with the server, and the journal does not hold it. ``command``: shared by the entries of one
    command. ``expects_error``: an error of this cell is none. ``queued``, ``began``: seconds since 1970.
    ``started``: the kernel said that it began. ``due``, ``run_due``: when its own time and its command's are over,
    by the clock that no change of the date moves. ``overdue``: in words, once one of them was.
    """

    id: str
    cell_id: str
    source: str
    who: str = ""
    begun: bool = False
    offered: bool = False
    command: str = ""
    terms: Terms = Terms()
    expects_error: bool = False
    queued: float = 0.0
    began: float = 0.0
    started: bool = False
    due: float = inf
    run_due: float = inf
    overdue: str = ""


class Refused(msgspec.Struct, frozen=True):
    """A request that was understood and not done: ``code`` for programs, ``message`` for people."""

    code: str
    message: str


class Done(msgspec.Struct, frozen=True):
    """Success without anything to tell."""


class Saving(msgspec.Struct, frozen=True):
    """Where the work stands. ``reason`` is a sentence, set when the status is "not saved"."""

    status: Literal["saved", "saving", "not saved"]
    reason: str = ""


class Notice(msgspec.Struct, frozen=True):
    """Something for people, pushed to every client as a text message on channel ``notebook``."""

    code: str
    message: str
    level: Literal["info", "warning", "error"] = "info"


# ------------------------------------------------------------------------------------- changes to the document


class SetCell(msgspec.Struct, frozen=True):
    """Set server-owned or layout keys of one cell's Map. Unknown cells are ignored."""

    cell_id: str
    values: JsonObject


class WriteOutputs(msgspec.Struct, frozen=True):
    """Replace ``outputs[start:]`` of one cell. ``start`` beyond the end means: from the end (not idempotent)."""

    cell_id: str
    start: int
    outputs: tuple[JsonObject, ...]


class ReplaceOutput(msgspec.Struct, frozen=True):
    """Replace the one output at ``index`` if it exists (``update_display_data`` in another cell)."""

    cell_id: str
    index: int
    data: JsonObject
    metadata: JsonObject


class SetKernel(msgspec.Struct, frozen=True):
    """Set keys of the ``kernel`` Map."""

    values: JsonObject


class SetNotebookMetadata(msgspec.Struct, frozen=True):
    """Merge keys into the notebook's metadata (``language_info``, ``kernelspec``)."""

    values: JsonObject


class SetSource(msgspec.Struct, frozen=True):
    """Let a cell say something else, by the smallest edits. Unknown cells are ignored."""

    cell_id: str
    source: str


class InsertCell(msgspec.Struct, frozen=True):
    """A new code cell behind ``after``, in its tissue or its flow. Idempotent; without ``after``, nothing."""

    after: str
    cell_id: str
    source: str


Change: TypeAlias = (
    SetCell | WriteOutputs | ReplaceOutput | SetKernel | SetNotebookMetadata | SetSource | InsertCell
)


# ------------------------------------------------------------------------------------------------------ SyncHub


class Frame(msgspec.Struct):
    """One y-websocket message on its way to clients; ``framed`` caches its WebSocket encoding, made once."""

    payload: bytes
    framed: bytes = b""


class HangUp(msgspec.Struct, frozen=True):
    """Close this connection with a WebSocket close code and a reason of at most 120 bytes."""

    code: int
    reason: str


ToClient: TypeAlias = Frame | Notice | HangUp


class Subscribe(msgspec.Struct, frozen=True):
    """A connection wants the document. ``state``: the state vector that its client last announced, or None.

    After a restart of the hub the same connection subscribes again; the hub then offers what that client may
    lack. ``merged``: updates may be merged into fewer frames when the hub is busy. ``announced``: as by
    :class:`Announced`, before this subscription.
    """

    reply: Reply[Done]
    session: str
    outlet: Outlet[ToClient]
    state: bytes | None
    merged: bool
    announced: bool = False


class Unsubscribe(msgspec.Struct, frozen=True):
    session: str


class AnswerSync(msgspec.Struct, frozen=True):
    """y-protocols sync step 1 from a client: its state vector. Answered with step 2 through the outlet."""

    session: str
    state: bytes


class ClientUpdate(msgspec.Struct, frozen=True):
    """y-protocols sync step 2 (``answer``: to our step 1) or update from a client, raw bytes, not yet trusted.

    ``number``: which of the connection's updates it is, from 1, if it announced itself (protocol/receipts.py).
    """

    session: str
    update: bytes
    number: int = 0
    answer: bool = False


class Announced(msgspec.Struct, frozen=True):
    """The client of this session wants to know the lineage and what becomes of its updates."""

    session: str


class Shows(msgspec.Struct, frozen=True):
    """A connection shows itself, or tries to, under this Yjs client id (awareness)."""

    session: str
    client: int


class DraftEntry(msgspec.Struct, frozen=True):
    """What an entry for ``cell_id`` would be: reads the source now. Answered at once, not when the edits before it
    are durable: a kernel that is idle can begin while the entry is being recorded."""

    reply: Reply[Entry | Refused]
    entry_id: str
    cell_id: str
    who: str


class DraftRun(msgspec.Struct, frozen=True):
    """What the entries for all that ``selection`` means would be, in order and without ids: reads the sources now.
    Refused: what it means is nothing, or cannot be told ("no_such_cell", "not_code", "no_tissue", "circle")."""

    reply: Reply[tuple[Entry, ...] | Refused]
    selection: Selection
    who: str
    terms: Terms


class EnqueueRun(msgspec.Struct, frozen=True):
    """Record entries behind those that wait, and set their cells' states; answered when durable. Asked again:
    nothing more."""

    reply: Reply[Done]
    entries: tuple[Entry, ...]


class Enqueue(msgspec.Struct, frozen=True):
    """Record a drafted entry and set the cell's state; answered when durable, with what is recorded.

    ``begins``: nothing else waits, so the entry begins at once, with these changes in a further transaction of the
    same append. Asked again with the same entry: the one that is there.
    """

    reply: Reply[Entry]
    entry: Entry
    begins: tuple[Change, ...] = ()


class TakeUp(msgspec.Struct, frozen=True):
    """Let offered entries wait in the run queue: of ``chosen``, pairs of an offered entry's id and the id that it
    has from now on. The whole offer goes. Sources are read now, as by :class:`Enqueue`; whatever is no code cell
    any more is left out. Asked again: the entries that are there."""

    reply: Reply[tuple[Entry, ...]]
    chosen: tuple[tuple[str, str], ...]
    who: str
    at: float = 0.0  # seconds since 1970


class Edit(msgspec.Struct, frozen=True):
    """Change the document as the server. ``queue``, if given, replaces the recorded run queue, atomically with
    the changes. Answered when durable (in degraded mode: when made, and everyone has been told that it is not).
    Idempotent, but for outputs that are to be appended "from the end"."""

    reply: Reply[Done]
    changes: tuple[Change, ...]
    queue: tuple[Entry, ...] | None = None


class ReadQueue(msgspec.Struct, frozen=True):
    """The recorded run queue. ``recovered``: it comes from before this server started. That stays so until a new
    queue is recorded, whoever asks how often."""

    reply: Reply[RecordedQueue]


class RecordedQueue(msgspec.Struct, frozen=True):
    """``paused``: as the document's ``kernel`` Map says."""

    entries: tuple[Entry, ...]
    recovered: bool
    paused: bool = False


class ReadNotebook(msgspec.Struct, frozen=True):
    """The whole notebook as plain values (cached; refreshed for touched cells only)."""

    reply: Reply[NotebookValue]


class Checkpoint(msgspec.Struct, frozen=True):
    """Write the file now; answered when the bytes are on disk."""

    reply: Reply[Saving]
    force: bool = True


class DescribeDocument(msgspec.Struct, frozen=True):
    reply: Reply[DocumentSummary]


class DocumentSummary(msgspec.Struct, frozen=True):
    path: str
    epoch: str
    cells: int
    subscribers: int
    saving: Saving
    kernelspec: str  # the name in the notebook's metadata, empty if it has none


class WatchDocument(msgspec.Struct, frozen=True):
    """Subscribe to :class:`Saving` and :class:`Notice`; the present saving state is offered at once."""

    reply: Reply[Done]
    outlet: Outlet[Saving | Notice]


class ListVersions(msgspec.Struct, frozen=True):
    """What may be restored, the newest first."""

    reply: Reply[tuple[Version, ...] | Refused]


class RestoreVersion(msgspec.Struct, frozen=True):
    """Make the document say what a version says, as edits of the server's; answered when they are durable. What
    it says now is kept as a version first. Refused: "no_such_version", "not_saved", "busy"."""

    reply: Reply[Done | Refused]
    id: int


HubMessage: TypeAlias = (
    Subscribe
    | Unsubscribe
    | AnswerSync
    | ClientUpdate
    | Announced
    | Shows
    | DraftEntry
    | DraftRun
    | Enqueue
    | EnqueueRun
    | TakeUp
    | Edit
    | ReadQueue
    | ReadNotebook
    | Checkpoint
    | ListVersions
    | RestoreVersion
    | DescribeDocument
    | WatchDocument
)


# ------------------------------------------------------------------------------------------------- Checkpointer


class Load(msgspec.Struct, frozen=True):
    """What the disk holds of this notebook. Idempotent: asked by every incarnation of the hub."""

    reply: Reply[Recovered]


class Recovered(msgspec.Struct, frozen=True):
    """``updates`` applied in order give the document. ``queue``: recorded entries. ``notices``: for people.

    ``first``: no incarnation of the hub in this server has loaded before. ``old_queue``: the queue was recorded
    before this server started. ``saved``: the file says all of this; ``content`` as in :class:`Appended`.
    ``seed``: the client id of what the document began with, 0 if that is not known.
    ``gapless``: nothing was left out that a later update may build upon.
    """

    updates: tuple[bytes, ...]
    queue: tuple[Entry, ...]
    epoch: str
    saved: bool
    content: int
    first: bool
    old_queue: bool
    notices: tuple[Notice, ...] = ()
    seed: int = 0
    gapless: bool = False


class Quarantine(msgspec.Struct, frozen=True):
    """Keep an update that passed the guard and broke the document, for a bug report. Nobody waits for it."""

    update: bytes
    reason: str


class Append(msgspec.Struct, frozen=True):
    """Make ``updates`` (and ``queue``, if given) durable in one transaction.

    ``content``: they may change what the file would say (kernel state and queue positions do not).
    """

    reply: Reply[Appended | AppendFailed]
    updates: tuple[bytes, ...]
    queue: tuple[Entry, ...] | None = None
    content: bool = True


class Appended(msgspec.Struct, frozen=True):
    """``content``: the number of the last content-changing append, which :class:`Save` repeats."""

    wants_snapshot: bool
    content: int


class AppendFailed(msgspec.Struct, frozen=True):
    reason: str


class StoreSnapshot(msgspec.Struct, frozen=True):
    """Replace everything recorded by ``state``, one full update, and ``queue``, in one transaction."""

    reply: Reply[Appended | AppendFailed]
    state: bytes
    queue: tuple[Entry, ...]
    content: bool = True


class Merged(msgspec.Struct, frozen=True):
    """The file of this hash was merged into the document. ``theirs``: what it says."""

    hash: str
    theirs: NotebookValue


class Save(msgspec.Struct, frozen=True):
    """Write the notebook's file; what was not ``edited`` since it was saved leaves it as it is.

    A file that somebody else changed is merged and not written: the answer is :class:`FoundChange`, unless it is
    the one that was ``merged``. One that is no notebook is left alone, or, with ``force`` (a person asked), kept
    aside and replaced. ``content``: the last content-changing append that ``notebook`` contains.
    """

    reply: Reply[Saving | FoundChange]
    notebook: NotebookValue
    force: bool
    content: int
    merged: Merged | None = None
    edited: bool = True


class FoundChange(msgspec.Struct, frozen=True):
    """The file was changed by another program. ``notebook``: what was to be saved, with the file's changes."""

    hash: str
    notebook: NotebookValue
    theirs: NotebookValue
    report: Report


Look: TypeAlias = Literal["same", "moving", "changed", "gone"]


class LookAtFile(msgspec.Struct, frozen=True):
    """Whether somebody else changed the file. "moving": perhaps, look again soon; ``at_once``: do not wait until
    it stands still."""

    reply: Reply[Look]
    at_once: bool


class ShowVersions(msgspec.Struct, frozen=True):
    reply: Reply[tuple[Version, ...] | Refused]


class ReadVersion(msgspec.Struct, frozen=True):
    reply: Reply[NotebookValue | Refused]
    id: int


class KeepVersion(msgspec.Struct, frozen=True):
    """Keep this as a version. Idempotent."""

    reply: Reply[Done | Refused]
    notebook: NotebookValue
    reason: VersionReason


class KeepBlobs(msgspec.Struct, frozen=True):
    """Keep values that the document is going to refer to; answered when they are durable. Idempotent.

    ``bounded``: only within the notebook's budget. Refused: "over_budget", "not_saved"; the message is the end of
    a sentence.
    """

    reply: Reply[Done | Refused]
    blobs: tuple[Blob, ...]
    bounded: bool = True


class TidyBlobs(msgspec.Struct, frozen=True):
    """The document, all of which is in the journal, refers to these and no others: what nothing refers to may go,
    and what is missing is looked for in the notebook's file."""

    reply: Reply[Done]
    named: frozenset[str]


CheckpointerMessage: TypeAlias = (
    Load
    | Append
    | StoreSnapshot
    | Save
    | LookAtFile
    | ShowVersions
    | ReadVersion
    | KeepVersion
    | KeepBlobs
    | TidyBlobs
    | Quarantine
)


# ------------------------------------------------------------------------------------------------- KernelActor


class KernelStatus(StrEnum):
    NONE = "none"  # never started, or shut down
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    INTERRUPTING = "interrupting"
    NOT_RESPONDING = "not responding"
    RESTARTING = "restarting"
    DEAD = "dead"


class Execute(msgspec.Struct, frozen=True):
    """Run ``source`` as run ``run``. Idempotent: the run in hand (also of an earlier incarnation) is adopted.

    Starts a kernel of spec ``kernel`` if none is alive. ``written``: the outputs the document already holds of
    this run, empty for a new run; an adopting incarnation continues after them. Refused: another run is in
    hand ("busy"), no such kernelspec ("unknown_kernel").
    """

    reply: Reply[Done | Refused]
    run: str
    cell_id: str
    source: str
    kernel: str
    written: tuple[JsonObject, ...] = ()


class Pull(msgspec.Struct, frozen=True):
    """What is new since report number ``seen`` (0: everything). Answered as soon as there is something."""

    reply: Reply[KernelReport]
    seen: int


class InputRequest(msgspec.Struct, frozen=True):
    """The kernel waits for ``input()``. ``id`` names this question."""

    id: str
    prompt: str
    password: bool


class RunEnded(msgspec.Struct, frozen=True):
    """``status``: "ok"; "error" (the cell raised); "interrupted" (it raised after an interrupt of ours);
    "aborted" (the kernel refused to run it); "died" (the kernel ended). ``reason``: words, for "died"."""

    status: Literal["ok", "error", "interrupted", "aborted", "died"]
    reason: str = ""


class NextInput(msgspec.Struct, frozen=True):
    """The code that ran asked for a text in the next cell, or (``replace``) in its own (``set_next_input``)."""

    text: str
    replace: bool


class RunReport(msgspec.Struct, frozen=True):
    """The run in hand or the one that ended last. ``outputs`` replace ``outputs[start:]`` of what was seen.

    ``times``: when the kernel said what, in its own words, under the names that JupyterLab has for it.
    """

    run: str
    cell_id: str
    start: int
    outputs: tuple[JsonObject, ...]
    execution_count: int | None = None
    started: bool = False  # the kernel said that it began (execute_input or busy)
    input: InputRequest | None = None
    ended: RunEnded | None = None
    times: dict[str, str] = {}
    next_inputs: tuple[NextInput, ...] = ()


class DisplayChange(msgspec.Struct, frozen=True):
    """``update_display_data`` for an output of another cell than the running one."""

    cell_id: str
    index: int
    data: JsonObject
    metadata: JsonObject


class KernelReport(msgspec.Struct, frozen=True):
    """State, not events: whoever missed a report loses nothing by reading the next.

    ``number`` rises within one incarnation of the actor, which ``actor`` identifies: a report number of another
    incarnation means "seen nothing". ``incarnation`` counts kernel processes. ``reason``: why it is dead.
    """

    actor: str
    number: int
    status: KernelStatus
    reason: str
    name: str
    incarnation: int
    language_info: JsonObject
    run: RunReport | None
    displays: tuple[DisplayChange, ...] = ()


class StartKernel(msgspec.Struct, frozen=True):
    """Start a kernel if none is alive. Answered when it is ready, or refused with the reason."""

    reply: Reply[Done | Refused]
    kernel: str


class InterruptKernel(msgspec.Struct, frozen=True):
    """Climb the ladder for the run in hand. Nothing running: nothing. While starting: remembered."""

    reply: Reply[Done]


class RestartKernel(msgspec.Struct, frozen=True):
    """A new kernel process. The run in hand ends as "died". Answered when the new one is ready."""

    reply: Reply[Done | Refused]
    kernel: str


class ShutDownKernel(msgspec.Struct, frozen=True):
    """End the kernel process, gently and then by force; answered when it is gone."""

    reply: Reply[Done]


class AnswerInput(msgspec.Struct, frozen=True):
    """The answer to ``input()``. Refused ("no_input") when nothing asks, or another question than ``id``
    (empty: whatever asks now)."""

    reply: Reply[Done | Refused]
    id: str
    value: str


class AskKernel(msgspec.Struct, frozen=True):
    """A question beside running cells, answered also while one runs, where the kernel can. Refused: "no_kernel",
    "starting", "busy" (too many wait), "kernel_died", "kernel_error"."""

    reply: Reply[Answer | Refused]
    question: Question


class DescribeKernel(msgspec.Struct, frozen=True):
    """What the kernel said of itself when it started."""

    reply: Reply[AboutKernel | Refused]


class WatchComms(msgspec.Struct, frozen=True):
    """Subscribe to the kernel's comms, as text frames for clients (SPEC.md, W-10): all that is open at once, then
    each change. ``outlet`` is closed when it has to be asked for again."""

    reply: Reply[Done]
    outlet: Outlet[str]


class TellComm(msgspec.Struct, frozen=True):
    """Pass a client's comm message on. Refused: "no_kernel", "starting"."""

    reply: Reply[Done | Refused]
    request: CommRequest


KernelMessage: TypeAlias = (
    Execute
    | Pull
    | StartKernel
    | InterruptKernel
    | RestartKernel
    | ShutDownKernel
    | AnswerInput
    | AskKernel
    | DescribeKernel
    | WatchComms
    | TellComm
)


# ----------------------------------------------------------------------------------------------- NotebookActor


class QueueCell(msgspec.Struct, frozen=True):
    """Append a cell to the run queue. Queued already: done, no second entry; running: refused "running"."""

    reply: Reply[Done | Refused]
    cell_id: str
    who: str


class QueueCells(msgspec.Struct, frozen=True):
    """Append what the hub drafted to the run queue, but for cells that wait or run already. ``restart``: a fresh
    kernel first. Answered with the cells that were queued, in order."""

    reply: Reply[tuple[str, ...] | Refused]
    drafts: tuple[Entry, ...]
    restart: bool = False


class RunNext(msgspec.Struct, frozen=True):
    """As :class:`QueueCell`, and before all that wait."""

    reply: Reply[Done | Refused]
    cell_id: str
    who: str


class CancelCell(msgspec.Struct, frozen=True):
    """A waiting cell goes back to idle. Refused: "not_queued", "running"."""

    reply: Reply[Done | Refused]
    cell_id: str


class MoveCell(msgspec.Struct, frozen=True):
    """Let a waiting cell be the ``place``-th of those that wait, counted from 1. Refused as by
    :class:`CancelCell`."""

    reply: Reply[Done | Refused]
    cell_id: str
    place: int


class PauseQueue(msgspec.Struct, frozen=True):
    """Let no further cell begin, or (not ``paused``) let the queue go on. Nothing to change: done."""

    reply: Reply[Done]
    paused: bool


class ResumeQueue(msgspec.Struct, frozen=True):
    """Run what is offered, in its order and with the sources of now. ``interrupted``: also what had begun when the
    server stopped. Refused ("no_offer") when nothing of the kind is offered (any more)."""

    reply: Reply[Done | Refused]
    interrupted: bool
    who: str


class DismissQueue(msgspec.Struct, frozen=True):
    """Forget what is offered."""

    reply: Reply[Done]


class InterruptAll(msgspec.Struct, frozen=True):
    """Empty the queue (its cells go back to idle), then interrupt the running cell."""

    reply: Reply[Done]


class InterruptRun(msgspec.Struct, frozen=True):
    """Interrupt the running cell; the queue goes on."""

    reply: Reply[Done]


class Restart(msgspec.Struct, frozen=True):
    """Restart the kernel; the running cell ends, queued cells go back to idle."""

    reply: Reply[Done | Refused]


class Start(msgspec.Struct, frozen=True):
    """Start the kernel if none runs. ``kernel``: a spec's name, empty for the notebook's own."""

    reply: Reply[Done | Refused]
    kernel: str = ""


class InstalledKernel(msgspec.Struct, frozen=True):
    """A kernelspec that may be started. ``language`` as its kernel.json has it."""

    name: str
    display_name: str
    language: str


class ChangeKernel(msgspec.Struct, frozen=True):
    """End the kernel, start one of this kind, and let the notebook say so; queued cells go back to idle. Answered
    when it is ready. Refused: "kernel_fixed" (the settings name another), "start_failed", "kernel_died"."""

    reply: Reply[Done | Refused]
    kernel: InstalledKernel


class ShutDown(msgspec.Struct, frozen=True):
    """End the kernel; queued cells go back to idle. No kernel: done."""

    reply: Reply[Done]


class ReplyInput(msgspec.Struct, frozen=True):
    reply: Reply[Done | Refused]
    id: str
    value: str


class OfferedCell(msgspec.Struct, frozen=True):
    """A cell that waited, or (``interrupted``) ran, when the server stopped. ``source_crc``: the CRC-32 of what it
    said when it was queued, in UTF-8, which tells whether it has changed since."""

    cell_id: str
    who: str
    interrupted: bool
    source_crc: int


class DescribeRuns(msgspec.Struct, frozen=True):
    reply: Reply[RunsSummary]


class RunsSummary(msgspec.Struct, frozen=True):
    """``kernel``: keys of the document's ``kernel`` Map, and ``specs``: the names that may be started."""

    kernel: JsonObject
    running: str | None
    queued: tuple[str, ...]
    offered: tuple[OfferedCell, ...]
    input: InputRequest | None


class QueueOffered(msgspec.Struct, frozen=True):
    """Pushed to every client when it changes: what may be run again after a restart of the server, in order."""

    cells: tuple[OfferedCell, ...]


class InputAsked(msgspec.Struct, frozen=True):
    """Pushed to every client: the running cell waits for ``input()``; None: it does no longer."""

    cell_id: str
    request: InputRequest | None


class KernelChanged(msgspec.Struct, frozen=True):
    """Pushed to every client when the kernel's status changes."""

    status: KernelStatus
    reason: str
    name: str


class WatchRuns(msgspec.Struct, frozen=True):
    """Subscribe to what people should hear; the kernel's state, an open ``input()`` and what may be run again are
    told at once."""

    reply: Reply[Done]
    outlet: Outlet[RunNews]


RunNews: TypeAlias = InputAsked | KernelChanged | QueueOffered | Notice

NotebookMessage: TypeAlias = (
    QueueCell
    | QueueCells
    | RunNext
    | CancelCell
    | MoveCell
    | PauseQueue
    | ResumeQueue
    | DismissQueue
    | InterruptAll
    | InterruptRun
    | Restart
    | Start
    | ChangeKernel
    | ShutDown
    | ReplyInput
    | DescribeRuns
    | WatchRuns
)


# ------------------------------------------------------------------------------------------------------ Gateway


class Join(msgspec.Struct, frozen=True):
    """A connection opened. ``text``: it understands control messages. Refused: too many connections."""

    reply: Reply[Done | Refused]
    session: str
    outlet: Outlet[ToClient | str]
    text: bool


class Leave(msgspec.Struct, frozen=True):
    session: str


class HeardAwareness(msgspec.Struct, frozen=True):
    """An awareness message of a client; ``payload`` as in y-protocols, after the type."""

    session: str
    payload: bytes


class AskedAwareness(msgspec.Struct, frozen=True):
    session: str


class NotebookFailed(msgspec.Struct, frozen=True):
    """The notebook's supervisor gave up. ``reason`` empty: it was started again."""

    reason: str


class CountSessions(msgspec.Struct, frozen=True):
    reply: Reply[int]


class NameSession(msgspec.Struct, frozen=True):
    """The name under which a connection shows itself to people; empty if it does not."""

    reply: Reply[str]
    session: str


GatewayMessage: TypeAlias = (
    Join | Leave | HeardAwareness | AskedAwareness | NotebookFailed | CountSessions | NameSession
)
