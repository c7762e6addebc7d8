"""The KernelActor with a kernel that behaves exactly as the test says: orders of messages, losses, oddities."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from kernel_support import Client, Kernel, open_kernel, run_trio
from scripted_kernel import SPEC, ScriptedKernel, stream

from actors.kernel_connection import KernelHandle, KernelSettings
from actors.mailbox import Address
from protocol.messages.checkpointer import CheckpointerMessage
from protocol.messages.kernel import Execute, InterruptKernel, KernelStatus, RestartKernel, StartKernel

pytestmark = pytest.mark.actor

SETTINGS = KernelSettings(
    start=2.0, welcome=0.1, interrupt=0.1, fence=0.05, adoption=0.1, shutdown=0.2, terminate=0.1, kill=0.5
)
OK = {"status": "ok", "execution_count": 1}


@asynccontextmanager
async def scripted(
    folder: Path,
    on_execute: Callable[..., None],
    *,
    welcome: bool = True,
    settings: KernelSettings = SETTINGS,
    disk: Address[CheckpointerMessage] | None = None,
) -> AsyncIterator[tuple[Kernel, list[ScriptedKernel]]]:
    """A kernel actor whose kernels are scripts; the second one is another process, in another folder."""
    made: list[ScriptedKernel] = []

    def launch(_: Any, __: Path) -> Any:
        place = folder / str(len(made))
        place.mkdir()

        def make() -> ScriptedKernel:
            kernel = ScriptedKernel(place, on_execute, welcome=welcome)
            made.append(kernel)
            nursery.start_soon(kernel.run)
            return kernel

        return trio.from_thread.run_sync(make)

    async with trio.open_nursery() as nursery:
        handle = KernelHandle(folder, settings, find=lambda _: SPEC, launch=launch)
        try:
            async with open_kernel(handle, disk) as kernel:
                yield kernel, made
        finally:
            await handle.close()
            nursery.cancel_scope.cancel()


def whole(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
    """An ordinary run that prints its own source."""
    kernel.status("busy", request)
    kernel.publish("execute_input", {"code": "", "execution_count": 1}, request)
    kernel.publish("stream", stream(request["content"]["code"]), request)
    kernel.reply(request, ident, OK)
    kernel.status("idle", request)


async def outcome(client: Client, source: str = "x") -> str:
    ended = (await client.execute(source)).ended
    assert ended is not None
    return ended.status


def test_a_kernel_without_welcome_messages_gets_ready_and_loses_no_first_output(tmp_path: Path) -> None:
    async def test() -> None:
        async with scripted(tmp_path, whole, welcome=False) as (kernel, _):
            assert await outcome(kernel.client, "first") == "ok"
            assert kernel.client.text() == "first"

    run_trio(test)


def test_a_run_ends_when_reply_and_idle_have_come_in_either_order(tmp_path: Path) -> None:
    held: list[Any] = []

    def reply_only(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        kernel.status("busy", request)
        kernel.reply(request, ident, OK)
        held.append(lambda: (kernel.publish("stream", stream("late"), request), kernel.status("idle", request)))

    def idle_only(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        kernel.status("busy", request)
        kernel.publish("stream", stream("soon"), request)
        kernel.status("idle", request)
        held.append(lambda: kernel.reply(request, ident, OK))

    async def test() -> None:
        async with scripted(tmp_path, reply_only) as (kernel, made):
            for script, text in ((reply_only, "late"), (idle_only, "soon")):
                await kernel.client.address.ask(StartKernel, "scripted")
                made[0].on_execute = script
                made[0].silent = {"kernel_info_request"}  # no fence ends it earlier
                run = await kernel.client.begin("x")
                with trio.move_on_after(0.15):
                    await kernel.client.end(run)
                    raise AssertionError("only half of the end had come")
                held.pop()()
                ended = (await kernel.client.end(run)).ended
                assert ended is not None
                assert ended.status == "ok"
                assert kernel.client.text() == text

    run_trio(test)


@pytest.mark.parametrize("lost", ["reply", "idle"])
def test_a_lost_half_of_the_end_does_not_leave_the_run_running(tmp_path: Path, lost: str) -> None:
    def script(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        kernel.status("busy", request)
        if lost != "reply":
            kernel.reply(request, ident, OK)
        if lost != "idle":
            kernel.status("idle", request)

    async def test() -> None:
        async with scripted(tmp_path, script) as (kernel, made):
            assert await outcome(kernel.client) == ("error" if lost == "reply" else "ok")
            made[0].on_execute = whole
            assert await outcome(kernel.client) == "ok"

    run_trio(test)


def test_a_run_that_was_aborted_before_it_began_is_sent_once_more(tmp_path: Path) -> None:
    def script(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        if len(kernel.executed) in (1, 3, 4):
            kernel.status("busy", request)
            kernel.reply(request, ident, {"status": "aborted"})
            kernel.status("idle", request)
        else:
            whole(kernel, request, ident)

    async def test() -> None:
        async with scripted(tmp_path, script) as (kernel, made):
            assert await outcome(kernel.client, "a") == "ok"
            assert kernel.client.text() == "a"
            assert await outcome(kernel.client, "b") == "aborted"
            assert made[0].executed == ["a", "a", "b", "b"]

    run_trio(test)


def test_the_ladder_interrupts_twice_and_then_says_not_responding(tmp_path: Path) -> None:
    held: list[Any] = []

    def script(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        kernel.publish("execute_input", {"code": "", "execution_count": 1}, request)
        held.append((request, ident))

    async def test() -> None:
        async with scripted(tmp_path, script) as (kernel, made):
            client = kernel.client
            run = await client.begin("x")
            await client.until(lambda r: r.run and r.run.started)
            await client.address.ask(InterruptKernel)
            await client.until(lambda r: r.status is KernelStatus.NOT_RESPONDING)
            assert made[0].interrupts == 2
            await client.address.ask(InterruptKernel)  # once more from the first step
            await client.until(lambda r: r.status is KernelStatus.INTERRUPTING)
            request, ident = held.pop()
            made[0].reply(request, ident, {"status": "error", "ename": "KeyboardInterrupt"})
            made[0].status("idle", request)
            ended = (await client.end(run)).ended
            assert ended is not None
            assert ended.status == "interrupted"
            made[0].on_execute = whole
            assert await outcome(client) == "ok"
            assert client.report is not None
            assert client.report.status is KernelStatus.IDLE

    run_trio(test)


def test_output_of_others_and_after_the_end_stays_out(tmp_path: Path) -> None:
    old: list[Any] = []

    def script(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        for earlier in old:
            kernel.publish("stream", stream("from before"), earlier)
        kernel.publish("stream", stream("nobody's"), None)
        whole(kernel, request, ident)
        old.append(request)

    async def test() -> None:
        async with scripted(tmp_path, script) as (kernel, _):
            for name in ("one", "two"):
                assert await outcome(kernel.client, name) == "ok"
                assert kernel.client.text() == name

    run_trio(test)


def test_forged_and_broken_messages_are_passed_over(tmp_path: Path) -> None:
    def script(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        iopub = kernel.sockets["iopub"]
        iopub.send([b"", b"<IDS|MSG>"])
        iopub.send([b"nonsense"])
        kernel.session.key = b"other"
        kernel.publish("stream", stream("forged"), request)
        kernel.session.key = b"key"
        kernel.publish("stream", {"no": "text"}, request)
        kernel.publish("display_data", {"data": 3}, request)
        whole(kernel, request, ident)

    async def test() -> None:
        async with scripted(tmp_path, script) as (kernel, _):
            assert await outcome(kernel.client, "x") == "ok"
            assert kernel.client.text() == "x"

    run_trio(test)


def test_what_a_kernel_says_before_it_dies_is_heard(tmp_path: Path) -> None:
    def script(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        kernel.publish("stream", stream("last words"), request)
        kernel.dead.set()

    async def test() -> None:
        async with scripted(tmp_path, script) as (kernel, _):
            run = await kernel.client.begin("x")
            ended = (await kernel.client.end(run)).ended
            assert ended is not None
            assert ended.status == "died"
            assert ended.reason == "The kernel died: the script ended."
            assert kernel.client.text() == "last words"

    run_trio(test)


def test_a_restart_runs_nothing_of_before_in_the_new_kernel(tmp_path: Path) -> None:
    def script(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        kernel.status("busy", request)
        if request["content"]["code"] == "new":
            whole(kernel, request, ident)

    async def test() -> None:
        async with scripted(tmp_path, script) as (kernel, made):
            client = kernel.client
            old = await client.begin("old")
            await client.until(lambda r: r.run and r.run.started)
            async with trio.open_nursery() as nursery:

                async def restart() -> None:
                    await client.address.ask(RestartKernel, "scripted")

                nursery.start_soon(restart)
                ended = (await client.end(old)).ended
                assert ended is not None
                assert ended.status == "died"
                new = await client.begin("new")  # while the restart is going on
                ended = (await client.end(new)).ended
                assert ended is not None
                assert ended.status == "ok"
            assert [kernel.executed for kernel in made] == [["old"], ["new"]]

    run_trio(test)


def test_every_asker_of_a_restart_is_answered(tmp_path: Path) -> None:
    async def test() -> None:
        async with scripted(tmp_path, whole) as (kernel, _):
            await outcome(kernel.client)
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(kernel.client.address.ask, RestartKernel, "scripted")
            assert await outcome(kernel.client) == "ok"

    run_trio(test)


def test_a_run_that_nobody_adopts_ends_all_the_same(tmp_path: Path) -> None:
    held: list[Any] = []

    def script(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
        kernel.publish("execute_input", {"code": "", "execution_count": 1}, request)
        held.append((request, ident))

    async def test() -> None:
        async with scripted(tmp_path, script) as (kernel, made):
            client = kernel.client
            run = await client.begin("x")
            await client.until(lambda r: r.run and r.run.started)
            await kernel.crash()
            report = await client.pull()
            assert (report.run, report.status) == (None, KernelStatus.BUSY)
            request, ident = held.pop()
            made[0].publish("stream", stream("unheard"), request)
            made[0].reply(request, ident, OK)
            made[0].status("idle", request)
            await client.until(lambda r: r.status is KernelStatus.IDLE)
            await client.address.ask(Execute, run, "cell", "x", "scripted", ())
            ended = (await client.end(run)).ended
            assert ended is not None
            assert ended.status == "ok"
            assert "some output was lost here" in client.text(name="stderr")
            made[0].on_execute = whole
            assert await outcome(client, "y") == "ok"

    run_trio(test)
