"""Mailboxes: what happens to mail when actors are slow, restarted, killed or gone."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import pytest
import trio
import trio.testing

from actors.mailbox import ActorDied, ActorStopped, Channel, Mailbox, again, open_subscription
from protocol.messages.shared import Reply, unheard

pytestmark = pytest.mark.actor


class Add(msgspec.Struct, frozen=True):
    number: int


class Total(msgspec.Struct, frozen=True):
    reply: Reply[int]
    factor: int = 1


Message: TypeAlias = Add | Total


def nothing() -> None:
    pass


def numbers(messages: list[Message]) -> list[int]:
    return [message.number for message in messages if isinstance(message, Add)]


async def calculator(mailbox: Mailbox[Message]) -> None:
    total = 0
    async for message in mailbox:
        match message:
            case Add(number):
                total += number
            case Total(reply, factor):
                reply(total * factor)


@pytest.fixture
def channel() -> Channel[Message]:
    return Channel("calculator", 4)


async def test_an_ask_is_answered_after_what_was_told_before(channel: Channel[Message]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(calculator, channel.open_mailbox(nothing))
        await channel.address.tell(Add(2))
        assert channel.address.offer(Add(3))
        assert await channel.address.ask(Total, 10) == 50
        assert await channel.address.ask(Total, factor=2) == 10
        channel.end()


async def test_a_full_mailbox_makes_tell_wait_and_refuses_an_offer(channel: Channel[Message]) -> None:
    for number in range(4):
        await channel.address.tell(Add(number))
    assert not channel.address.offer(Add(4))
    with trio.move_on_after(1) as scope:
        await channel.address.tell(Add(5))
    assert scope.cancelled_caught
    assert numbers(channel.open_mailbox(nothing).waiting()) == [0, 1, 2, 3]


async def test_mail_that_there_is_room_for_is_in_at_once(channel: Channel[Message]) -> None:
    with trio.testing.assert_no_checkpoints():
        await channel.address.tell(Add(1))
    assert numbers(channel.open_mailbox(nothing).waiting()) == [1]


async def test_up_is_said_once_and_at_the_first_wait(channel: Channel[Message]) -> None:
    said: list[str] = []
    mailbox = channel.open_mailbox(lambda: said.append("up"))
    for number in range(3):
        await channel.address.tell(Add(number))
    assert mailbox.waiting(1) == [Add(0)]
    assert said == []
    assert await mailbox.receive() == Add(1)
    assert await mailbox.receive() == Add(2)
    mailbox.up()
    assert said == ["up"]


async def test_queued_mail_survives_an_incarnation(channel: Channel[Message]) -> None:
    first = channel.open_mailbox(nothing)
    await channel.address.tell(Add(1))
    await channel.address.tell(Add(2))
    assert await first.receive() == Add(1)
    first.close()
    assert numbers(channel.open_mailbox(nothing).waiting()) == [2]


async def test_an_ask_taken_at_the_death_fails_at_once(channel: Channel[Message]) -> None:
    async def dies(mailbox: Mailbox[Message]) -> None:
        await mailbox.receive()
        mailbox.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(dies, channel.open_mailbox(nothing))
        began = trio.current_time()
        with pytest.raises(ActorDied, match="calculator"):
            await channel.address.ask(Total)
        assert trio.current_time() == began


async def test_a_queued_ask_is_served_by_the_next_incarnation(channel: Channel[Message]) -> None:
    async with trio.open_nursery() as nursery:
        first = channel.open_mailbox(nothing)
        answers: list[int] = []

        async def ask() -> None:
            answers.append(await channel.address.ask(Total, 7))

        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        first.close()
        await channel.address.tell(Add(1))
        nursery.start_soon(calculator, channel.open_mailbox(nothing))
        await trio.testing.wait_all_tasks_blocked()
        assert answers == [0]
        channel.end()


async def test_an_ask_whose_asker_was_cancelled_is_skipped(channel: Channel[Message]) -> None:
    mailbox = channel.open_mailbox(nothing)
    with trio.move_on_after(1):
        await channel.address.ask(Total)
    await channel.address.tell(Add(1))
    assert await mailbox.receive() == Add(1)
    with trio.move_on_after(1):
        await channel.address.ask(Total)
    assert mailbox.waiting() == []


async def test_an_answer_for_an_asker_who_has_gone_is_nothing(channel: Channel[Message]) -> None:
    mailbox = channel.open_mailbox(nothing)
    with trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(channel.address.ask, Total)
            question = await mailbox.receive()
            await trio.sleep_forever()
    assert isinstance(question, Total)
    question.reply(1)
    question.reply(2)


async def test_only_the_first_answer_counts(channel: Channel[Message]) -> None:
    async def twice(mailbox: Mailbox[Message]) -> None:
        question = await mailbox.receive()
        assert isinstance(question, Total)
        question.reply(1)
        question.reply(2)
        mailbox.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(twice, channel.open_mailbox(nothing))
        assert await channel.address.ask(Total) == 1


async def test_questions_keep_their_order_while_answers_are_awaited_later(channel: Channel[Message]) -> None:
    first = await channel.address.request(Total, 1)
    await channel.address.tell(Add(5))
    second = await channel.address.request(Total, 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(calculator, channel.open_mailbox(nothing))
        assert (await second(), await first()) == (5, 0)
        channel.end()


async def test_after_the_end_mail_that_waits_is_read_and_later_mail_is_refused(channel: Channel[Message]) -> None:
    await channel.address.tell(Add(1))
    channel.end()
    assert [message async for message in channel.open_mailbox(nothing)] == [Add(1)]
    with pytest.raises(ActorStopped):
        await channel.address.tell(Add(2))
    with pytest.raises(ActorStopped):
        await channel.address.ask(Total)
    assert not channel.address.offer(Add(2))


async def test_closing_fails_what_is_queued_and_what_waits_to_be_queued(channel: Channel[Message]) -> None:
    failures: list[str] = []

    async def ask() -> None:
        try:
            await channel.address.ask(Total)
        except ActorStopped:
            failures.append("stopped")

    async with trio.open_nursery() as nursery:
        for _ in range(6):  # four in the mailbox, two before it
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        channel.close()
        channel.close()  # idempotent
    assert failures == ["stopped"] * 6


async def test_a_wait_in_receive_ends_with_the_channel(channel: Channel[Message]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(calculator, channel.open_mailbox(nothing))
        await trio.testing.wait_all_tasks_blocked()
        channel.end()


async def test_answered_questions_are_not_kept(channel: Channel[Message]) -> None:
    mailbox = channel.open_mailbox(nothing)
    for _ in range(500):
        answer = await channel.address.request(Total)
        question = await mailbox.receive()
        assert isinstance(question, Total)
        question.reply(0)
        await answer()
    assert len(mailbox._owed) <= 33


async def test_again_asks_until_somebody_answers(channel: Channel[Message]) -> None:
    async def third_time(channel: Channel[Message]) -> None:
        for _ in range(2):
            mailbox = channel.open_mailbox(nothing)
            await mailbox.receive()
            mailbox.close()
        await calculator(channel.open_mailbox(nothing))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(third_time, channel)
        assert await again(lambda: channel.address.ask(Total)) == 0
        channel.end()
    with pytest.raises(ActorStopped):
        await again(lambda: channel.address.ask(Total))


async def test_an_outlet_never_waits_and_says_when_it_is_full_or_unread() -> None:
    outlet, receive = open_subscription(1)
    assert outlet.offer(1)
    assert not outlet.offer(2)
    assert await receive.receive() == 1
    receive.close()
    assert not outlet.offer(3)
    outlet.close()
    assert not outlet.offer(4)


async def test_nobody_hears_an_unheard_answer(channel: Channel[Message]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(calculator, channel.open_mailbox(nothing))
        await channel.address.tell(Total(unheard))
        assert await channel.address.ask(Total) == 0
        channel.end()
