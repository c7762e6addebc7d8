"""Widgets on a real kernel, for every client alike: SPEC.md, W-10."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.control_client import ControlError
from tests.server import Server, running_server
from tests.system.support import Page, shared_server, write_notebook

pytestmark = pytest.mark.system

SLIDER = "import ipywidgets as w\nslider = w.IntSlider(value=3, description='size')\nslider"
BUTTON = """
import ipywidgets as w
out, button = w.Output(), w.Button(description='go')
def go(_):
    with out:
        print('pressed')
button.on_click(go)
w.VBox([button, out])
"""


class Watcher:
    """A client that keeps widgets as a page would."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.states: dict[str, dict[str, Any]] = {}
        self.parents: list[str] = []  # of pushes about messages of its own
        self.idle: set[str] = set()

    async def subscribe(self) -> None:
        await self.page.ask("comms", "subscribe")
        await self.until(lambda: True)

    async def until(self, holds: Callable[[], object]) -> None:
        def caught_up() -> object:
            self._catch_up()
            return holds()

        await self.page.until(caught_up)

    def _catch_up(self) -> None:
        comms = [push for push in self.page.control.pushes if push["channel"] == "comms"]
        for push in comms:
            self.page.control.pushes.remove(push)
            self._hear(push["method"], push["message"])

    def _hear(self, method: str, said: dict[str, Any]) -> None:
        match method:
            case "state":
                self.states = {each["comm_id"]: each["data"].get("state", {}) for each in said["comms"]}
            case "open":
                self.states[said["comm_id"]] = said["data"].get("state", {})
            case "close":
                self.states.pop(said["comm_id"], None)
            case "msg" if said["data"].get("method") in ("update", "echo_update"):
                self.states[said["comm_id"]] |= said["data"]["state"]
            case "idle":
                self.idle.add(said["parent"])
        if method != "state" and said.get("parent"):
            self.parents.append(said["parent"])

    def find(self, model: str, **values: Any) -> str:
        """The id of the widget of this model whose state has ``values``; empty if there is none."""
        for comm_id, state in self.states.items():
            if state.get("_model_name") == model and values.items() <= state.items():
                return comm_id
        return ""

    async def set(self, comm_id: str, msg_id: str = "", **state: Any) -> None:
        data = {"method": "update", "state": state, "buffer_paths": []}
        await self.page.ask("comms", "msg", {"comm_id": comm_id, "data": data, "msg_id": msg_id})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared_server(tmp_path_factory.mktemp("comms") / "n.ipynb") as server:
        yield server


async def test_a_slider_moves_for_all_for_the_kernel_and_for_who_joins_later(server: Server) -> None:
    async with Page(server) as ann, Page(server) as bob:
        one, two = Watcher(ann), Watcher(bob)
        await one.subscribe()
        await two.subscribe()
        await ann.run(SLIDER)
        for watcher in (one, two):
            await watcher.until(lambda watcher=watcher: watcher.find("IntSliderModel", value=3))
        slider = one.find("IntSliderModel", value=3)
        await one.set(slider, "m1", value=8)
        await two.until(lambda: two.states[slider]["value"] == 8)
        await one.until(lambda: "m1" in one.idle)
        assert ann.text(await ann.run("print(slider.value)")) == "8\n"
        await bob.run("slider.value = 9")
        for watcher in (one, two):
            await watcher.until(lambda watcher=watcher: watcher.states[slider]["value"] == 9)
        async with Page(server) as cyd:
            three = Watcher(cyd)
            await three.subscribe()
            assert three.states[slider]["value"] == 9
            assert three.states[slider]["description"] == "size"


async def test_a_buttons_callback_writes_into_its_output_widget_and_not_into_the_cell(server: Server) -> None:
    async with Page(server) as ann, Page(server) as bob:
        one, two = Watcher(ann), Watcher(bob)
        await one.subscribe()
        cell = await ann.run(BUTTON)
        await one.until(lambda: one.find("ButtonModel") and one.find("OutputModel"))
        button, out = one.find("ButtonModel"), one.find("OutputModel")
        click = {"method": "custom", "content": {"event": "click"}}
        await ann.ask("comms", "msg", {"comm_id": button, "data": click, "msg_id": "c1"})

        def pressed(watcher: Watcher, times: int) -> bool:
            shown = watcher.states[out]["outputs"]
            return bool(shown) and shown[0]["text"] == "pressed\n" * times

        await one.until(lambda: pressed(one, 1))
        await two.subscribe()
        assert pressed(two, 1)
        await bob.ask("comms", "msg", {"comm_id": button, "data": click})
        for watcher in (one, two):
            await watcher.until(lambda watcher=watcher: pressed(watcher, 2))
        assert ann.text(cell) == ""
        asked = await ann.run("print(len(out.outputs), out.outputs[0]['text'])")
        assert ann.text(asked) == "1 pressed\npressed\n\n"
        assert len(ann.outputs(cell)) == 1


async def test_what_a_cell_prints_inside_an_output_widget_shows_while_the_cell_runs(server: Server) -> None:
    source = """
import ipywidgets as w
inside = w.Output()
display(inside)
print('before')
with inside:
    print('inside')
    input('go on? ')
print('after')
"""
    async with Page(server) as page:
        watcher = Watcher(page)
        await watcher.subscribe()
        cell = page.add(source)
        await page.queue(cell)
        await page.control.push("kernel", "input_request", lambda said: said["request"] is not None)

        def shown() -> list[Any]:
            return [out["text"] for state in watcher.states.values() for out in state.get("outputs", ())]

        await watcher.until(lambda: "inside\n" in shown())
        await page.ask("kernel", "input_reply", {"value": "yes"})
        await page.until(lambda: "after" in page.text(cell))
        assert page.text(cell) == "before\nafter\n"


async def test_comms_outlive_the_kernel_actor_and_end_with_the_kernel(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb")
    async with running_server(path, "--chaos") as server, Page(server) as page:
        watcher = Watcher(page)
        with pytest.raises(ControlError, match="No kernel runs"):
            await watcher.set("nobody", value=1)
        await watcher.subscribe()
        assert watcher.states == {}
        await page.run(SLIDER)
        await watcher.until(lambda: watcher.find("IntSliderModel"))
        slider = watcher.find("IntSliderModel")
        watcher.states.clear()
        await page.ask("chaos", "kill", {"actor": "kernel"})
        await watcher.until(lambda: slider in watcher.states)  # told anew by the next incarnation
        await watcher.set(slider, value=5)
        assert page.text(await page.run("print(slider.value)")) == "5\n"
        await page.ask("kernel", "restart_kernel")
        await watcher.until(lambda: not watcher.states)


async def test_bad_comm_messages_are_answered_and_disturb_nobody(server: Server) -> None:
    async with Page(server) as page:
        await page.run("1")
        for message in (
            {},
            {"comm_id": 5},
            {"comm_id": "c", "data": []},
            {"comm_id": "c", "buffers": ["not base64!"]},
            {"comm_id": "c", "msg_id": "with space"},
            {"comm_id": "x" * 201},
        ):
            with pytest.raises(ControlError) as refused:
                await page.ask("comms", "msg", message)
            assert refused.value.code == "bad_field"
        await page.ask("comms", "msg", {"comm_id": "nobody", "data": {"method": "update", "state": {}}})
        await page.ask("comms", "open", {"comm_id": "mine", "target_name": "no.such.target"})
        assert page.text(await page.run("print('well')")) == "well\n"
