"""What people ask a kernel beside running cells: completion, inspection, and the like.

Jupyter's messaging protocol 5.x ("Messages on the shell (ROUTER/DEALER) channel"): each question is one request
and one reply. Cursor positions count Unicode code points. Nothing a kernel answers raises here.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, assert_never

import msgspec

from protocol.values import JsonObject

# Matches that are passed on: nobody scrolls through more, and each client pays for them.
MAX_MATCHES = 5_000
MAX_HISTORY = 1_000


class Complete(msgspec.Struct, frozen=True):
    """What could stand at ``cursor_pos``."""

    code: str
    cursor_pos: int


class Inspect(msgspec.Struct, frozen=True):
    """What the name at ``cursor_pos`` is; ``detail_level`` 1 asks for its source too."""

    code: str
    cursor_pos: int
    detail_level: Literal[0, 1] = 0


class IsComplete(msgspec.Struct, frozen=True):
    """Whether ``code`` could be run as it is."""

    code: str


class History(msgspec.Struct, frozen=True):
    """The last ``n`` inputs of this user's kernels; ``pattern``: with ``*`` and ``?``, those that match it."""

    n: int = 100
    pattern: str = ""
    unique: bool = False


class KernelInfo(msgspec.Struct, frozen=True):
    """What the kernel said of itself when it started."""


Question: TypeAlias = Complete | Inspect | IsComplete | History


class Completions(msgspec.Struct, frozen=True):
    """``matches`` would replace ``code[cursor_start:cursor_end]``. ``metadata``: what the kernel adds, such as
    ``_jupyter_types_experimental``."""

    matches: tuple[str, ...] = ()
    cursor_start: int = 0
    cursor_end: int = 0
    metadata: dict[str, Any] = {}


class Inspection(msgspec.Struct, frozen=True):
    """``data``: a mime bundle, empty unless ``found``."""

    found: bool = False
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}


class Completeness(msgspec.Struct, frozen=True):
    """``indent``: what the next line should begin with, if it is incomplete."""

    status: Literal["complete", "incomplete", "invalid", "unknown"] = "unknown"
    indent: str = ""


class Past(msgspec.Struct, frozen=True):
    """``history``: (session, line, input), oldest first."""

    history: tuple[tuple[int, int, str], ...] = ()


class AboutKernel(msgspec.Struct, frozen=True):
    """A kernel_info_reply; empty strings where the kernel is silent."""

    implementation: str = ""
    implementation_version: str = ""
    banner: str = ""
    protocol_version: str = ""
    language_info: dict[str, Any] = {}
    help_links: list[Any] = []
    supported_features: list[Any] = []

    @property
    def has_subshells(self) -> bool:
        """It answers beside a running cell, in threads of its own (JEP 91)."""
        return "kernel subshells" in self.supported_features

    @property
    def answers_on_control(self) -> bool:
        """It answers questions on the control channel, which no cell holds up: only ipykernel is known to."""
        return self.implementation == "ipython"


Answer: TypeAlias = Completions | Inspection | Completeness | Past


def request_of(question: Question) -> tuple[str, JsonObject]:
    """The message that asks it: type and content."""
    match question:
        case Complete(code, cursor):
            return "complete_request", {"code": code, "cursor_pos": _inside(code, cursor)}
        case Inspect(code, cursor, detail):
            content: JsonObject = {"code": code, "cursor_pos": _inside(code, cursor), "detail_level": detail}
            return "inspect_request", content
        case IsComplete(code):
            return "is_complete_request", {"code": code}
        case History(n, pattern, unique):
            many = max(1, min(n, MAX_HISTORY))
            asked: JsonObject = {"output": False, "raw": True, "n": many, "unique": unique}
            kind = {"hist_access_type": "search", "pattern": pattern} if pattern else {"hist_access_type": "tail"}
            return "history_request", {**asked, **kind}
        case _:
            assert_never(question)


def _inside(code: str, cursor: int) -> int:
    return max(0, min(cursor, len(code)))


class NoAnswer(Exception):
    """A sentence for people: the kernel replied, but not with an answer."""


def answer_to(question: Question, content: JsonObject) -> Answer:
    """What the reply's ``content`` comes to. Raises :class:`NoAnswer`."""
    if content.get("status") == "error":
        raise NoAnswer(f"The kernel could not answer: {content.get('evalue') or 'it gave no reason'}.")
    try:
        match question:
            case Complete():
                return _completions(content)
            case Inspect():
                return msgspec.convert(content, Inspection)
            case IsComplete():
                return msgspec.convert(content, Completeness)
            case History():
                return _past(content)
            case _:
                assert_never(question)
    except msgspec.ValidationError as error:
        raise NoAnswer(f"The kernel's answer cannot be read ({error}).") from None


def _completions(content: JsonObject) -> Completions:
    found = msgspec.convert(content, Completions)
    return msgspec.structs.replace(found, matches=found.matches[:MAX_MATCHES])


def _past(content: JsonObject) -> Past:
    entries = content.get("history")
    # Each is (session, line, input), or (session, line, (input, output)) from kernels that give both.
    listed = entries if isinstance(entries, list) else []
    triples = [item for item in listed if isinstance(item, list) and len(item) == 3]
    inputs = [(item[0], item[1], _first(item[2])) for item in triples[-MAX_HISTORY:]]
    return Past(msgspec.convert(inputs, tuple[tuple[int, int, str], ...]))


def _first(said: object) -> object:
    return said[0] if isinstance(said, list) and said else said


def about(content: JsonObject) -> AboutKernel:
    """A kernel_info_reply's content, whatever is missing or of another type in it left out."""
    fields = {field.name: field.type for field in msgspec.structs.fields(AboutKernel)}
    sound = {}
    for name, type_ in fields.items():
        try:
            sound[name] = msgspec.convert(content.get(name), type_)
        except msgspec.ValidationError:
            continue
    return AboutKernel(**sound)
