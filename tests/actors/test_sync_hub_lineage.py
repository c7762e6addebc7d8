"""Clients whose copy is of an earlier document. SPEC.md S-13."""

from __future__ import annotations

import pytest

from protocol.messages.hub import AnswerSync
from protocol.seed import client_id, seed
from protocol.sync import Step1, Update, decode
from protocol.values import CellValue, NotebookValue
from tests.actors.fakes import MemoryDisk
from tests.actors.hub_stage import NOTEBOOK, SEED, Client, Hub, hub_over
from tests.protocol.clients import Browser

pytestmark = pytest.mark.actor

OLD = seed(NotebookValue(cells=(CellValue(id="old", type="code", top=0, left=0),)), b"other" * 7)


@pytest.fixture
def disk() -> MemoryDisk:
    made = MemoryDisk(SEED)
    made.seed = client_id(bytes(32))
    return made


def old_copy(*, edits: int) -> Browser:
    """A copy of the old document: its seed, what its server wrote, and edits of so many people."""
    server = Browser(500, OLD)
    copy = Browser(600, OLD)
    copy.hear(server.edit(lambda: server.path.insert(0, "/n/old.ipynb")))
    for n in range(edits):
        person = Browser(700 + n, copy.doc.get_update())
        copy.hear(person.edit(lambda person=person, n=n: person.notebook.update({f"k{n}": n})))
    return copy


def kinds(client: Client) -> list[type]:
    return [type(decode(frame)) for frame in client.inbox.frames]


async def connected(hub: Hub, browser: Browser, *, announce: bool) -> Client:
    client = Client(hub, "old", 0)
    client.browser = browser
    await hub.join("old", client.inbox, None)
    if announce:
        await hub.address.tell(AnswerSync("old", browser.doc.get_state()))
    return client


async def test_a_copy_of_another_lineage_is_refused_before_anything_is_sent_or_read(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        client = await connected(hub, old_copy(edits=1), announce=True)
        await client.answer(client.browser.doc.get_update())
        await hub.settle()
        assert [item.code for item in client.inbox.hung_up] == [4409]
        assert kinds(client) == [Step1]
        assert await hub.notebook() == NOTEBOOK


async def test_one_that_subscribes_with_such_a_state_is_refused_as_well(disk: MemoryDisk) -> None:
    async with hub_over(disk) as hub:
        client = Client(hub, "old", 0)
        client.browser = old_copy(edits=1)
        await client.connect()
        await hub.settle()
        assert [item.code for item in client.inbox.hung_up] == [4409]
        assert kinds(client) == []


@pytest.mark.parametrize("announce", [True, False], ids=["after step 1", "without"])
@pytest.mark.parametrize("answer", [True, False], ids=["step 2", "update"])
async def test_a_copy_with_two_ids_is_refused_when_it_brings_what_its_server_wrote(
    disk: MemoryDisk, announce: bool, answer: bool
) -> None:
    async with hub_over(disk) as hub:
        client = await connected(hub, old_copy(edits=0), announce=announce)
        await hub.settle()
        assert client.inbox.hung_up == []  # it might be two tabs that were never in sync
        await (client.answer if answer else client.send)(client.browser.doc.get_update())
        await hub.settle()
        assert [item.code for item in client.inbox.hung_up] == [4409]
        assert await hub.notebook() == NOTEBOOK


@pytest.mark.parametrize("tabs", [0, 1, 2])
async def test_a_client_that_was_never_in_sync_is_let_in(disk: MemoryDisk, tabs: int) -> None:
    async with hub_over(disk) as hub:
        browser = Browser(700)
        for n in range(tabs):
            tab = Browser(701 + n, browser.doc.get_update())
            browser.hear(tab.add(f"fresh{n}"))
        client = await connected(hub, browser, announce=True)
        for _ in range(2):
            await client.hear()
            await hub.settle()
        assert client.inbox.hung_up == []
        ids = {cell.id for cell in (await hub.notebook()).cells}
        assert ids == {"a", "b", *(f"fresh{n}" for n in range(tabs))}
        assert set(browser.cells.to_py()) == ids
        assert Update in kinds(client)


async def test_who_holds_the_seed_brings_back_what_a_damaged_journal_lost(disk: MemoryDisk) -> None:
    """The path that the server wrote as well, though only servers write it."""
    async with hub_over(disk) as hub:
        one = await hub.connect("s1", 7)
        await one.send(one.browser.type("a", "2"))
        await hub.settle()
        await one.hear()
        copy = one.browser
        del disk.updates[1:]
        await hub.stage.kill("hub")
        await one.connect()
        await one.hear()
        await hub.settle()
        assert one.inbox.hung_up == []
        assert (await hub.notebook()).cells[0].source == "12"
        await one.hear()
        assert str(copy.path) == "/n/x.ipynb"


async def test_while_the_seed_is_not_known_nobody_is_refused_for_his_ids(disk: MemoryDisk) -> None:
    disk.seed = 0
    async with hub_over(disk) as hub:
        client = await connected(hub, old_copy(edits=3), announce=True)
        await hub.settle()
        assert client.inbox.hung_up == []
