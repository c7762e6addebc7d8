"""What waits for one client: bounded, and its end is known to whoever fills it."""

from __future__ import annotations

import json

import pytest

from gateway.outbox import GatewayOutlet, HubOutlet, Outbox
from protocol.messages.hub import Frame, HangUp
from protocol.messages.shared import Notice


async def test_items_are_taken_in_the_order_they_were_put() -> None:
    box = Outbox(10, 1000)
    assert box.put(Frame(b"a"))
    assert box.put("b")
    assert await box.take() == [Frame(b"a"), "b"]


async def test_a_client_that_lets_it_overflow_is_closed_1013_after_what_waits() -> None:
    box = Outbox(2, 1000)
    assert box.put("a")
    assert box.put("b")
    assert not box.put("c")
    assert not box.put("d")
    taken = await box.take()
    assert taken[:2] == ["a", "b"]
    assert isinstance(taken[2], HangUp)
    assert taken[2].code == 1013


async def test_one_item_of_any_size_fits_into_an_empty_outbox_and_the_next_does_not() -> None:
    box = Outbox(10, 100)
    assert box.put(Frame(bytes(10_000)))
    assert not box.put(Frame(b"x"))


async def test_nothing_follows_a_hang_up() -> None:
    box = Outbox(10, 100)
    assert box.put(HangUp(1012, "bye"))
    assert box.closing
    assert not box.put("late")
    assert await box.take() == [HangUp(1012, "bye")]


async def test_a_subscription_that_ends_with_its_hub_is_noticed() -> None:
    outlet = HubOutlet(Outbox(1, 100))
    outlet.close()
    assert outlet.gone.is_set()
    assert not outlet.offer(Frame(b"a"))


async def test_notices_reach_people_from_the_gateway_only() -> None:
    box = Outbox(1, 100)
    assert HubOutlet(box).offer(Notice("a", "b"))
    assert not GatewayOutlet(box).offer(Notice("a", "b"))
    assert len(box) == 0


async def test_the_gateways_end_closes_the_connection() -> None:
    box = Outbox(1, 100)
    GatewayOutlet(box).close()
    [last] = await box.take()
    assert isinstance(last, HangUp)
    assert last.code == 1012


@pytest.mark.parametrize("text", [True, False])
def test_what_the_hub_tells_one_client_reaches_it_where_it_has_words(text: bool) -> None:
    """S-10: on the sync port there is nothing but y-websocket frames."""
    outbox = Outbox(10, 1000)
    assert HubOutlet(outbox, text).offer(Notice("client_id_taken", "A sentence.", "warning"))
    pushed = {"level": "warning", "code": "client_id_taken", "message": "A sentence."}
    assert [json.loads(item)["message"] for item in outbox.items if isinstance(item, str)] == [pushed] * text
    assert len(outbox) == text
