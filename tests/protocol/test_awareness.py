import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.awareness import FIRST_CLOCK, Presence, PresenceLimits, Send
from protocol.lib0 import Reader, write_string, write_uint

pytestmark = pytest.mark.pure


def update(*entries):
    """An awareness update; a state is a value, or text as it is."""
    out = bytearray()
    write_uint(out, len(entries))
    for client, clock, state in entries:
        write_uint(out, client)
        write_uint(out, clock)
        write_string(out, state if isinstance(state, str) else json.dumps(state))
    return bytes(out)


def entries(message):
    """(client, clock, state) of a whole y-websocket message."""
    reader = Reader(message)
    assert reader.byte() == 1
    inner = Reader(reader.blob())
    reader.done()
    found = [(inner.uint(), inner.uint(), json.loads(inner.string())) for _ in range(inner.uint())]
    inner.done()
    return found


def sent(sends):
    """Per session, all entries in the order sent."""
    result = {}
    for send in sends:
        assert isinstance(send, Send)
        assert send.to
        for session in send.to:
            result.setdefault(session, []).extend(entries(send.message))
    return result


def states(found):
    return [(client, state) for client, _, state in found]


@pytest.fixture
def room():
    """Three connections, a, b and c, without a state."""
    presence = Presence()
    for session in "abc":
        presence.joined(session, 0.0)
    return presence


def told(presence, session, *entries, now=0.0):
    heard = presence.heard(session, update(*entries), now)
    assert not heard.refused
    return sent(heard.sends)


# ------------------------------------------------------------------------------------------------ who hears what


def test_a_state_goes_to_the_others_with_our_clock_and_back_with_its_own(room):
    heard = told(room, "a", (7, 3, {"name": "Ada", "unheard-of": [1, None]}))
    assert heard["a"] == [(7, 3, {"name": "Ada", "unheard-of": [1, None]})]
    assert heard["b"] == heard["c"]
    assert states(heard["b"]) == [(7, {"name": "Ada", "unheard-of": [1, None]})]
    assert heard["b"][0][1] > FIRST_CLOCK


def test_one_message_serves_all_others(room):
    sends = room.heard("a", update((7, 3, {})), 0.0).sends
    assert [send.to for send in sends] == [("a",), ("b", "c")]


def test_the_state_is_passed_on_as_it_was_written(room):
    text = '{ "b":1.50, "a" : "\\u00e9é" }'
    for send in room.heard("a", update((7, 3, text)), 0.0).sends:
        assert text.encode() in send.message


def test_a_renewal_is_passed_on_and_back(room):
    first = told(room, "a", (7, 3, {"x": 1}))
    second = told(room, "a", (7, 4, {"x": 1}), now=15.0)
    assert second["a"] == [(7, 4, {"x": 1})]
    assert second["b"][0][1] > first["b"][0][1]


def test_what_a_connection_said_before_is_not_passed_on_again(room):
    told(room, "a", (7, 3, {"x": 1}))
    assert told(room, "a", (7, 3, {"x": 1}), (7, 2, {"x": 0})) == {}


def test_only_one_connection_speaks_for_an_id_and_only_for_that(room):
    told(room, "a", (7, 3, {}))
    told(room, "b", (8, 3, {}))
    assert told(room, "b", (7, 2**53 - 1, "null"), (7, 99, {"name": "Eve"}), (9, 1, {})) == {}
    assert states(sent(room.greeting("c", 0.0))["c"]) == [(7, {}), (8, {})]


def test_a_frame_cannot_make_a_crowd(room):
    heard = told(room, "a", *((client, 1, {}) for client in range(20_000)))
    assert states(heard["b"]) == [(0, {})]


def test_a_removal_of_its_own_state_is_told_to_the_others_only(room):
    before = told(room, "a", (7, 3, {}))
    gone = told(room, "a", (7, 4, "null"))
    assert set(gone) == {"b", "c"}
    assert gone["b"] == [(7, before["b"][0][1] + 1, None)]
    assert room.greeting("c", 0.0) == ()


def test_a_connection_may_speak_for_another_id_after_it_removed_its_first(room):
    told(room, "a", (7, 3, {}))
    told(room, "a", (7, 3, "null"))
    assert states(told(room, "a", (8, 1, {}))["b"]) == [(8, {})]
    assert states(told(room, "b", (7, 1, {}))["a"]) == [(7, {})]


def test_removing_what_was_never_set_is_nothing(room):
    assert told(room, "a", (7, 3, "null")) == {}


def test_who_leaves_is_told_to_the_others_with_a_higher_clock(room):
    before = told(room, "a", (7, 2**53 - 1, {}))
    assert sent(room.left("a", 1.0)) == {session: [(7, before["b"][0][1] + 1, None)] for session in "bc"}
    assert room.left("a", 1.0) == ()


def test_who_leaves_without_a_state_is_told_to_nobody(room):
    assert room.left("a", 0.0) == ()


def test_who_comes_back_with_a_clock_that_began_anew_is_seen_at_once(room):
    before = told(room, "a", (7, 5000, {}))
    room.left("a", 1.0)
    room.joined("again", 2.0)
    after = told(room, "again", (7, 0, {}), now=2.0)
    assert after["b"][0][1] > before["b"][0][1] + 1
    assert after["again"] == [(7, 0, {})]


def test_nobody_takes_an_id_that_another_connection_holds_until_that_has_gone(room):
    told(room, "a", (7, 5, {"tab": 1}))
    refused = room.heard("b", update((7, 9, {"tab": 2})), 0.0)
    assert refused.sends == ()
    assert "client id" in refused.refused
    room.left("a", 1.0)
    assert states(told(room, "b", (7, 10, {"tab": 2}))["c"]) == [(7, {"tab": 2})]


def test_who_waits_for_an_id_hears_nothing_of_it_from_others(room):
    told(room, "a", (7, 5, {}))
    room.heard("b", update((7, 9, {})), 0.0)
    told(room, "c", (8, 1, {}))
    assert states(sent(room.greeting("b", 0.0))["b"]) == [(8, {})]
    assert set(told(room, "a", (7, 6, {}))) == {"a", "c"}
    assert set(sent(room.left("a", 1.0))) == {"c"}


def test_an_echo_of_somebody_who_has_left_does_not_take_the_id(room):
    heard = told(room, "a", (7, 5, {"name": "Ada"}))
    (echo,) = heard["b"]
    assert told(room, "b", echo) == {}
    room.left("a", 1.0)
    assert told(room, "b", echo) == {}
    room.joined("a", 2.0)
    assert states(told(room, "a", (7, 6, {}))["b"]) == [(7, {})]


# --------------------------------------------------------------------------------------------- greeting, queries


def test_a_greeting_names_everybody_else(room):
    told(room, "a", (7, 3, {"n": 1}))
    told(room, "b", (8, 3, {"n": 2}))
    assert states(sent(room.greeting("c", 0.0))["c"]) == [(7, {"n": 1}), (8, {"n": 2})]
    assert states(sent(room.greeting("a", 0.0))["a"]) == [(8, {"n": 2})]


def test_who_forgot_the_states_but_not_their_clocks_sees_them_in_a_greeting(room):
    ((_, known, _),) = told(room, "a", (7, 3, {}))["b"]
    room.left("b", 1.0)
    room.joined("b", 2.0)
    ((_, greeted, _),) = sent(room.greeting("b", 2.0))["b"]
    ((_, later, _),) = told(room, "a", (7, 4, {}), now=3.0)["b"]
    assert known < greeted < later


def test_a_greeting_when_nobody_is_here_is_nothing(room):
    told(room, "a", (7, 3, {}))
    assert room.greeting("a", 0.0) == ()


def test_a_query_is_always_answered_and_never_with_the_askers_own_state(room):
    told(room, "a", (7, 3, {}))
    assert [entries(send.message) for send in room.queried("a", 0.0)] == [[]]
    assert states(sent(room.queried("b", 0.0))["b"]) == [(7, {})]


def test_a_newcomer_is_not_told_of_who_fell_silent(room):
    told(room, "a", (7, 3, {}))
    assert room.greeting("c", 29.0) != ()
    assert room.greeting("c", 30.0) == ()
    told(room, "a", (7, 4, {}), now=31.0)
    assert room.greeting("c", 32.0) != ()


def test_who_sets_no_state_hears_an_empty_update_every_twenty_seconds(room):
    told(room, "a", (7, 3, {}))
    assert room.tick(19.9) == ()
    assert room.tick(20.0) == (Send(("b", "c"), b"\x01\x01\x00"),)
    assert room.tick(39.9) == ()
    told(room, "b", (8, 1, {}), now=39.9)
    assert room.tick(40.0) == (Send(("c",), b"\x01\x01\x00"),)
    told(room, "a", (7, 4, "null"), now=50.0)
    assert room.tick(60.0) == (Send(("c",), b"\x01\x01\x00"),)
    assert room.tick(70.0) == (Send(("a",), b"\x01\x01\x00"),)


# ------------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    "state",
    [
        "",
        "1",
        "[]",
        '"x"',
        " null",
        "{",
        '{"x": NaN}',
        '{"x": Infinity}',
        '{"x": -Infinity}',
        '{"x": 1e999}',
        '{"x": "' + "x" * 16_400 + '"}',
        '{"x":' + "[" * 16 + "]" * 16 + "}",
        '{"x":' * 5_00 + "1" + "}" * 5_00,
    ],
    ids=lambda state: state[:20],
)
def test_a_state_that_is_no_small_flat_object_is_refused(room, state):
    heard = room.heard("a", update((7, 3, state)), 0.0)
    assert heard.refused.endswith(".")
    assert heard.sends == ()
    assert room.greeting("b", 0.0) == ()
    told(room, "a", (7, 4, {"fine": 1}))
    assert room.heard("a", update((7, 5, state)), 0.0).refused
    assert states(sent(room.greeting("b", 0.0))["b"]) == [(7, {"fine": 1})]


def test_a_state_at_the_limits_is_taken(room):
    told(room, "a", (7, 3, '{"x":' + "[" * 15 + "1" + "]" * 15 + "}"))
    told(room, "b", (8, 3, '{"x":"' + "x" * (16 * 1024 - 8) + '"}'))


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x01", b"\x00\x00", b"\xff\xff\xff\xff\x07", b"\x01\x07\x00\x05nul", update((7, 3, {}))[:-1]],
)
def test_malformed_bytes_are_refused_with_a_sentence(room, payload):
    heard = room.heard("a", payload, 0.0)
    assert heard.sends == ()
    assert heard.refused.endswith(".")


def test_a_frame_beyond_its_limit_is_refused(room):
    assert "larger" in room.heard("a", b"\x00" * (1024 * 1024 + 1), 0.0).refused


def test_states_that_come_too_fast_are_held_and_the_latest_is_sent_at_the_next_tick(room):
    passed = sum(bool(told(room, "a", (7, clock, {"n": clock}))) for clock in range(1000))
    assert passed == 120
    assert room.tick(0.0) == ()
    (late,) = [sent(room.tick(0.05))]
    assert late["a"] == [(7, 999, {"n": 999})]
    assert states(late["b"]) == [(7, {"n": 999})]
    assert room.tick(0.1) == ()


def test_sixty_states_a_second_pass_for_ever(room):
    for clock in range(1200):
        assert told(room, "a", (7, clock, {}), now=clock / 60)


def test_one_connection_that_is_too_fast_does_not_slow_another(room):
    for clock in range(1000):
        told(room, "a", (7, clock, {}))
    assert told(room, "b", (8, 1, {}))


def test_echoes_of_others_do_not_count(room):
    told(room, "a", (7, 0, {}))
    for clock in range(1000):
        told(room, "b", (7, FIRST_CLOCK + 1, {}))
        told(room, "a", (8, clock, {}))
    assert told(room, "a", (7, 1, {}))


def test_a_removal_is_never_held_back_and_takes_a_held_state_along(room):
    for clock in range(200):
        told(room, "a", (7, clock, {}))
    gone = told(room, "a", (7, 200, "null"))
    assert gone["b"][0][2] is None
    assert room.tick(1.0) == ()


def test_a_state_that_nobody_was_told_yet_is_in_no_greeting_and_needs_no_removal(room):
    for clock in range(200):
        told(room, "a", (7, clock, {}))
        told(room, "a", (7, clock, "null"))
    heard = told(room, "a", (7, 1000, {}))
    assert heard == {}
    assert room.greeting("b", 0.0) == ()
    assert room.left("a", 0.0) == ()


def test_clocks_of_ids_rise_even_when_old_ones_are_forgotten():
    presence = Presence(PresenceLimits(remembered=10))
    presence.joined("watcher", 0.0)
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    highest = {}
    for _ in range(500):
        client = rng.randrange(40)
        presence.joined("a", 0.0)
        for clock in range(rng.randrange(1, 5)):
            for _, ours, _ in told(presence, "a", (client, clock, {}))["watcher"]:
                assert ours > highest.get(client, 0)
                highest[client] = ours
        for _, ours, _ in sent(presence.left("a", 0.0))["watcher"]:
            assert ours > highest[client]
            highest[client] = ours
        assert presence.highest_clock >= max(highest.values())
    assert len(presence._clocks) == 10


def test_a_successor_that_begins_at_the_highest_clock_is_heard(room):
    before = told(room, "a", (7, 1, {}))["b"]
    successor = Presence(first_clock=room.highest_clock)
    successor.joined("a", 0.0)
    successor.joined("b", 0.0)
    assert told(successor, "a", (7, 2, {}))["b"][0][1] > before[0][1]


def test_joining_twice_is_an_error_and_a_stranger_is_refused(room):
    with pytest.raises(ValueError, match="joined already"):
        room.joined("a", 0.0)
    assert room.heard("nobody", update((7, 1, {})), 0.0).refused
    assert room.left("nobody", 0.0) == ()


# -------------------------------------------------------------------------- stock clients, as y-protocols has them


class Client:
    """What ``applyAwarenessUpdate`` of y-protocols does, and y-websocket's sending back of whatever changed."""

    def __init__(self, id, state):
        self.id = id
        self.clock = 0
        self.clocks = {}
        self.states = {id: state}

    def frame(self, state):
        self.clock += 1
        if state is None:
            self.states.pop(self.id, None)
        else:
            self.states[self.id] = state
        return update((self.id, self.clock, state))

    def hear(self, message):
        """The echo that a stock client sends, or None."""
        changed = []
        for client, clock, state in entries(message):
            if client == self.id:
                assert (clock, state) == (self.clock, self.states[self.id]), "its own state came back altered"
                continue
            known = self.clocks.get(client, -1)
            if clock > known or (clock == known and state is None and client in self.states):
                self.clocks[client] = clock
                if state is None:
                    self.states.pop(client, None)
                else:
                    self.states[client] = state
                changed.append((client, clock, state))
        return update(*changed) if changed else None


@settings(max_examples=60, deadline=None, print_blob=True)
@given(st.integers(0, 2**32))
def test_stock_clients_that_come_and_go_see_one_another_as_they_are(seed):
    print("seed", seed)
    rng = random.Random(seed)
    presence = Presence(PresenceLimits(rate=5.0, burst=3))
    here, away, now, number = {}, [Client(id, {"id": id}) for id in range(1, 6)], 0.0, 0

    def deliver(sends):
        queue = list(sends)
        while queue:
            send = queue.pop(0)
            for session in send.to:
                echo = here[session].hear(send.message)
                if echo is not None:
                    queue += presence.heard(session, echo, now).sends

    for _ in range(60):
        now += rng.choice((0.0, 0.01, 0.5))
        roll = rng.random()
        if roll < 0.2 and away:
            client = away.pop(rng.randrange(len(away)))
            if rng.random() < 0.3:  # the page was loaded again
                client = Client(client.id, {"id": client.id})
            client.states = {client.id: client.states.get(client.id, {"back": 1})}
            number += 1
            session = str(number)
            here[session] = client
            presence.joined(session, now)
            deliver(presence.heard(session, client.frame(client.states[client.id]), now).sends)
            deliver(presence.greeting(session, now))
        elif roll < 0.3 and here:
            session = rng.choice(list(here))
            away.append(here.pop(session))
            deliver(presence.left(session, now))
        elif roll < 0.9 and here:
            session, client = rng.choice(list(here.items()))
            state = None if rng.random() < 0.1 else {"x": rng.randrange(9)}
            deliver(presence.heard(session, client.frame(state), now).sends)
        else:
            deliver(presence.tick(now))
    for _ in range(5):
        now += 1.0
        deliver(presence.tick(now))
    truth = {client.id: client.states[client.id] for client in here.values() if client.id in client.states}
    for client in here.values():
        assert client.states == truth


@settings(max_examples=100, deadline=None, print_blob=True)
@given(st.lists(st.binary(max_size=40), max_size=5))
def test_no_bytes_raise(payloads):
    presence = Presence()
    presence.joined("a", 0.0)
    presence.joined("b", 0.0)
    for payload in payloads:
        for send in presence.heard("a", payload, 0.0).sends:
            entries(send.message)
