"""A Yjs update, format v1, taken apart far enough to judge it, without building any of its content.

The format, from ``encodeStateAsUpdate`` in https://github.com/yjs/yjs (all numbers are lib0 varuints)::

    update  = sections, { section }, delete clients, { delete client }
    section = blocks (at least 1), client, clock, { block }      consecutive clocks of one client, from ``clock``
    block   = info byte, [origin id], [right origin id], [parent], [parent sub], content
    parent  = 1, root name | 0, id                               only without origin and right origin
    delete client = client, ranges, { clock, length }

The low five bits of the info byte are the kind of the content; bit 7: origin, bit 6: right origin, bit 5: the
parent sub is there. Kind 0 (GC: clocks whose content is gone) has a length and nothing else. Kind 10 (Skip:
clocks that the sender lacks as well; yjs writes it into a sync step 2 around what waits for them) is read, and
never applied: see cutting.py. Everything that an ordinary client never writes is refused here; so is what
yrs cannot read, because an error in the middle of applying leaves a document half changed: also kind 2
(JSON, replaced by Any in 2019), of which yrs reads one more string than there is. Clocks count UTF-16 code units
in text, elements elsewhere.
"""

from __future__ import annotations

from array import array
from typing import Final, TypeAlias

import msgspec

from protocol.lib0 import Malformed, Reader
from protocol.values import MAX_DEPTH

Id: TypeAlias = tuple[int, int]  # client, clock

GC: Final = 0
DELETED: Final = 1
JSON: Final = 2
BINARY: Final = 3
STRING: Final = 4
EMBED: Final = 5
FORMAT: Final = 6
TYPE: Final = 7
ANY: Final = 8
SKIP: Final = 10

ARRAY: Final = 0
MAP: Final = 1
TEXT: Final = 2

CLOCKS: Final = 2**31  # clocks stay below: yrs holds them in 32 bits and subtracts them as signed numbers
_JSON_WORDS = (b"null", b"true", b"false")  # what nearly every format is


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one update may hold at most."""

    size: int = 4 * 1024 * 1024  # bytes
    structs: int = 100_000
    deletes: int = 100_000  # ranges
    nesting: int = 8  # shared types inside shared types, a root type not counted
    # Containers inside one Any value, or inside one JSON text: what the server wrote must be let back in.
    depth: int = MAX_DEPTH + 8
    length: int = 2**24  # clocks of one struct: UTF-16 units of a text, elements of an array


UNLIMITED: Final = Limits(size=2**40, structs=2**40, deletes=2**40, nesting=2**40, depth=128, length=CLOCKS)


class Block(msgspec.Struct, frozen=True, gc=False):
    """One struct: ``length`` clocks of ``client`` from ``clock``. ``kind`` is one of the constants above.

    ``parent``: a root name or the id of a nested type; None: that of ``origin`` or else of ``right``.
    ``type_ref``: ARRAY, MAP or TEXT for kind TYPE, else -1. ``pairs``: for text, the offsets of the first halves
    of characters that take two clocks, rising.
    """

    client: int
    clock: int
    length: int
    kind: int
    origin: Id | None = None
    right: Id | None = None
    parent: str | Id | None = None
    sub: str | None = None
    type_ref: int = -1
    pairs: array[int] | None = None


class Section(msgspec.Struct, frozen=True):
    """The structs of one client: clocks ``clock`` to ``end`` (exclusive), bytes ``start`` to ``stop``. ``gone``:
    up to which clock there are GC blocks, 0 without any. ``skips``: some of the blocks are of kind SKIP."""

    client: int
    clock: int
    end: int
    blocks: list[Block]
    start: int
    stop: int
    gone: int
    skips: bool


class Delete(msgspec.Struct, frozen=True, gc=False):
    """``length`` clocks of ``client`` from ``clock`` are deleted."""

    client: int
    clock: int
    length: int


class Update(msgspec.Struct, frozen=True):
    data: bytes
    sections: list[Section]
    deletes: list[Delete]


def read(data: bytes, limits: Limits = UNLIMITED) -> Update:
    """Take an update apart. Raises :class:`Malformed` for bytes that are none, and beyond the limits."""
    if len(data) > limits.size:
        raise Malformed(f"An update is larger than {limits.size} bytes.")
    return _Walk(data, limits).update()


def offsets(update: Update, section: Section, stop: int) -> list[int]:
    """Where each of the first ``stop`` blocks of a section begins in the bytes, and where the last ends."""
    walk = _Walk(update.data, UNLIMITED)
    walk.at = section.start
    for _ in range(3):  # count, client, clock
        walk.uint()
    found = [walk.at]
    for block in section.blocks[:stop]:
        walk.block(block.client, block.clock)
        found.append(walk.at)
    return found


class _Walk(Reader):
    __slots__ = ("limits", "pairs", "structs", "type_ref")

    def __init__(self, data: bytes, limits: Limits) -> None:
        super().__init__(data)
        self.limits = limits
        self.structs = 0
        self.type_ref = -1  # of the content read last, if it was a type
        self.pairs: array[int] | None = None  # of the content read last, if it was text

    def update(self) -> Update:
        sections = [self.section() for _ in range(self.count())]
        if len(sections) > 1 and len({section.client for section in sections}) != len(sections):
            raise Malformed("A client occurs twice in one update.")
        deletes = self.deletes()
        self.done()
        return Update(self.data, sections, deletes)

    def section(self) -> Section:
        start = self.at
        count = self.count()
        if count == 0:
            raise Malformed("A client brings no structs.")
        self.structs += count
        if self.structs > self.limits.structs:
            raise Malformed(f"An update has more than {self.limits.structs} structs.")
        client = self.uint()
        first = clock = self.uint()
        blocks = []
        gone = 0
        skips = False
        for _ in range(count):
            block = self.block(client, clock)
            clock += block.length
            if block.kind == GC:
                gone = clock
            elif block.kind == SKIP:
                skips = True
            blocks.append(block)
            if clock >= CLOCKS:
                raise Malformed("A clock overflows.")
        return Section(client, first, clock, blocks, start, self.at, gone, skips)

    def block(self, client: int, clock: int) -> Block:
        info = self.byte()
        if info == GC:
            return Block(client, clock, self.length(self.uint()), GC)
        kind = info & 31
        if info == SKIP:
            return Block(client, clock, self.length(self.uint()), SKIP)
        if not DELETED <= kind <= ANY or kind == JSON:
            raise Malformed(f"There is no content of kind {kind} here.")
        origin = (self.uint(), self.uint()) if info & 128 else None
        right = (self.uint(), self.uint()) if info & 64 else None
        parent: str | Id | None = None
        sub = None
        if info & 192 == 0:
            parent = self.parent()
            if info & 32:
                sub = self.string()
        length = _CONTENT[kind](self)
        if kind == STRING:
            return Block(client, clock, self.length(length), STRING, origin, right, parent, sub, -1, self.pairs)
        if kind != TYPE:
            return Block(client, clock, self.length(length), kind, origin, right, parent, sub)
        return Block(client, clock, 1, TYPE, origin, right, parent, sub, self.type_ref)

    def parent(self) -> str | Id:
        named = self.uint()
        if named > 1:
            raise Malformed("A parent is neither a name nor an id.")
        return self.string() if named else (self.uint(), self.uint())

    def length(self, length: int) -> int:
        if 0 < length <= self.limits.length:
            return length
        raise Malformed("A struct is empty." if length == 0 else "A struct is too long.")

    def deletes(self) -> list[Delete]:
        deletes: list[Delete] = []
        clients = set()
        for _ in range(self.count()):
            client = self.uint()
            if client in clients:
                raise Malformed("A client occurs twice in one update.")
            clients.add(client)
            ranges = self.count()
            if len(deletes) + ranges > self.limits.deletes:
                raise Malformed(f"An update has more than {self.limits.deletes} deletions.")
            for _ in range(ranges):
                clock, length = self.uint(), self.uint()
                if clock + length >= CLOCKS:
                    raise Malformed("A clock overflows.")
                deletes.append(Delete(client, clock, length))
        return deletes

    # ------------------------------------------------------------------ content: each returns its length in clocks

    def content_binary(self) -> int:
        self.take(self.uint())
        return 1

    def content_string(self) -> int:
        raw = self.take(self.uint())
        self.pairs = None
        if raw.isascii():
            return len(raw)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise Malformed("A string is not UTF-8.") from None
        if max(text) <= "\uffff":
            return len(text)
        wide = (at for at, character in enumerate(text) if character > "\uffff")
        self.pairs = array("I", (at + before for before, at in enumerate(wide)))
        return len(text) + len(self.pairs)

    def content_embed(self) -> int:
        self.check_json(self.blob())
        return 1

    def content_format(self) -> int:
        self.string()
        self.check_json(self.blob())
        return 1

    def content_type(self) -> int:
        self.type_ref = self.uint()
        if self.type_ref > TEXT:
            raise Malformed("A shared type is neither an Array nor a Map nor a Text.")
        return 1

    def content_any(self) -> int:
        count = self.count()
        depth = self.limits.depth
        for _ in range(count):
            self.skip_any(depth)
        return count

    def skip_any(self, depth: int) -> None:
        """As :meth:`Reader.any`, without building the value."""
        tag = self.byte()
        if tag == 119:
            if not (raw := self.take(self.uint())).isascii():
                _check_text(raw)
        elif tag == 125:
            self.sint()
        elif tag == 122 or tag == 123:
            self.take(8)
        elif tag == 117 or tag == 118:
            if depth <= 0:
                raise Malformed("A value is nested too deeply.")
            for _ in range(self.count()):
                if tag == 118:
                    self.string()
                self.skip_any(depth - 1)
        elif tag == 124:
            self.take(4)
        elif tag == 116:
            self.take(self.uint())
        elif not (120 <= tag <= 127):
            raise Malformed(f"There is no value tag {tag}.")

    def check_json(self, text: bytes) -> None:
        """yrs parses the JSON of formats and embeds as it reads, and refuses the whole update on an error."""
        if text in _JSON_WORDS:
            return
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("A format or an embed is not JSON.") from None
        level = _containers([value])
        for _ in range(self.limits.depth):
            level = [inner for outer in level for inner in _containers(outer)]
            if not level:
                return
        raise Malformed("A value is nested too deeply.")


def _containers(value: dict[str, object] | list[object]) -> list[dict[str, object] | list[object]]:
    """The objects and arrays directly inside ``value``."""
    return [
        inner
        for inner in (value.values() if isinstance(value, dict) else value)
        if isinstance(inner, (dict, list))
    ]


def _check_text(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise Malformed("A string is not UTF-8.") from None


_CONTENT = (
    Reader.uint,  # GC never comes here
    Reader.uint,  # DELETED
    Reader.uint,  # JSON neither
    _Walk.content_binary,
    _Walk.content_string,
    _Walk.content_embed,
    _Walk.content_format,
    _Walk.content_type,
    _Walk.content_any,
)
