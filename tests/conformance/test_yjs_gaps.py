"""What yjs holds back, because something before it is missing, comes along in its sync step 2. SPEC.md S-3."""

from __future__ import annotations

import random

import pytest
from pycrdt import Doc, Text

from protocol.guard import Guard
from protocol.update import read
from tests.conformance.clients import NodeClient
from tests.protocol.test_complete_prefix import reachable, replica
from tests.protocol.test_guard import ROOTS, content, own_updates, root_type, state_of, taken

pytestmark = pytest.mark.system

NAMES = [name for name, _ in ROOTS]


def shown(doc: Doc) -> dict[str, object]:
    return {name: as_json(value) for name, value in zip(NAMES, content(doc), strict=True)}


def as_json(value: object) -> object:
    """As JSON.stringify writes it: bytes are objects there."""
    match value:
        case bytes() | bytearray():
            return {str(at): byte for at, byte in enumerate(value)}
        case dict():
            return {key: as_json(inner) for key, inner in value.items()}
        case list():
            return [as_json(inner) for inner in value]
    return value


async def in_yjs(node: NodeClient, updates: list[bytes]) -> bytes:
    """What a yjs document answers to step 1 of somebody who has nothing, after it heard these."""
    for update in updates:
        await node.call("apply", update=update.hex())
    return bytes.fromhex(await node.call("encode"))


@pytest.mark.parametrize("seed", range(12))
async def test_the_complete_prefix_of_a_yjs_step_2_is_what_yjs_shows(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    history = [update for update in own_updates(seed) if b"\xf0\x9f" not in update]
    lost = rng.sample(range(len(history)), 2)
    some = [update for n, update in enumerate(history) if n not in lost]
    async with NodeClient(3) as node:
        answer = await in_yjs(node, some)
        guard = Guard(root_type=root_type)
        prefix, whole = guard.complete(answer)
        taken(guard, prefix)
        doc = replica(prefix)
        assert state_of(doc) == guard.state == reachable(answer)
        assert whole == (answer == prefix)
        assert shown(doc) == await node.call("roots", names=NAMES)
        # The lost ones come, and everybody holds the same.
        for update in (*history, await in_yjs(node, history)):
            part, _ = guard.complete(update)
            taken(guard, part)
            doc.apply_update(part)
        assert shown(doc) == await node.call("roots", names=NAMES)


async def test_yjs_writes_skips_and_deletions_of_what_waits() -> None:
    """What the above is about does occur."""
    first, lost, last, deleted = edits_and_a_deletion()
    async with NodeClient(3) as node:
        answer = await in_yjs(node, [first, last, deleted])
    parsed = read(answer)
    assert any(section.skips for section in parsed.sections)
    assert any(delete.clock + delete.length > reachable(answer)[5] for delete in parsed.deletes)
    guard = Guard()
    assert guard.complete(answer) == (first, False)
    taken(guard, first, lost)
    rest, whole = guard.complete(answer)
    assert whole
    taken(guard, rest)
    assert str(replica(first, lost, rest).get("text", type=Text)) == "one "


def edits_and_a_deletion() -> list[bytes]:
    """Three edits of one client, and the deletion of the last two."""
    doc: Doc = Doc(client_id=5)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("text", type=Text)
    for word in ("one ", "two ", "three"):
        text += word
    del text[4:]
    return updates
