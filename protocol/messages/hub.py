"""What the SyncHub is asked and told."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from protocol.messages.changes import Change
from protocol.messages.shared import Done, Entry, Notice, Outlet, Refused, Reply, Saving, Terms
from protocol.selection import Selection
from protocol.values import NotebookValue, Version


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


class HasHeard(msgspec.Struct, frozen=True):
    """Has this incarnation all that this connection sent before? Answered once that is durable. False: an earlier
    incarnation died with some of it, perhaps, and the client has not yet answered the sync request of this one."""

    reply: Reply[bool]
    session: str


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


class ClearOutputs(msgspec.Struct, frozen=True):
    """Take what these code cells put out, or every one (None), and their run counts away. Answered when that is
    durable. Unknown cells are ignored. Asked again: nothing more."""

    reply: Reply[ClearedOutputs]
    cells: tuple[str, ...] | None


class ClearedOutputs(msgspec.Struct, frozen=True):
    """``cells``: which had something. ``running``: which keep it, since their run still writes there."""

    cells: tuple[str, ...]
    running: tuple[str, ...]


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
    | HasHeard
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
    | ClearOutputs
    | DescribeDocument
    | WatchDocument
)
