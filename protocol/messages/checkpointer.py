"""What the Checkpointer is asked and told."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from protocol.blobs import Blob
from protocol.merge import Report
from protocol.messages.shared import Done, Entry, Notice, Refused, Reply, Saving
from protocol.values import NotebookValue, Version, VersionReason


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
