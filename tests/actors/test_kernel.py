"""The KernelActor with real kernels. One kernel is shared where its death is not the subject."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import trio
import trio.testing
import zmq
from kernel_support import Kernel, open_kernel, run_trio

from actors.kernel_connection import KernelHandle, KernelSettings
from actors.kernel_introduction import PIECE
from actors.kernel_spec import KernelSpec, find_spec
from actors.mailbox import ActorDied
from protocol.messages.kernel import (
    AnswerInput,
    Execute,
    InterruptKernel,
    KernelStatus,
    Pull,
    RestartKernel,
    ShutDownKernel,
    StartKernel,
)
from protocol.messages.shared import Done, Refused
from protocol.outputs import OutputLimits

pytestmark = pytest.mark.system

QUICK = KernelSettings(interrupt=0.5, shutdown=1.0)


@pytest.fixture(scope="module")
def handle() -> Iterator[KernelHandle]:
    made = KernelHandle(Path.cwd())
    yield made
    trio.run(made.close)


def pid(kernel: Kernel) -> int:
    connection = kernel.handle.connection
    assert connection is not None
    return connection.process.pid  # type: ignore[attr-defined,no-any-return]


async def running(kernel: Kernel, source: str, cell: str = "cell") -> str:
    """Begin ``source`` and wait until it printed "begun"."""
    run = await kernel.client.begin(f"print('begun', flush=True)\n{source}", cell)
    await kernel.client.until(lambda _: "begun" in kernel.client.text(cell))
    return run


# --------------------------------------------------------------------------------------------------- outputs


def test_a_value_streams_and_an_error_come_out_as_nbformat_outputs(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            ended = await client.execute("1+1")
            assert ended.ended is not None
            assert ended.ended.status == "ok"
            assert ended.started
            assert client.outputs["cell"] == [
                {
                    "output_type": "execute_result",
                    "data": {"text/plain": "2"},
                    "metadata": {},
                    "execution_count": ended.execution_count,
                }
            ]
            await client.execute("import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')")
            assert sorted((o["name"], o["text"]) for o in client.outputs["cell"])[0] == ("stderr", "b\n")
            assert client.text() == "a\nc\n"
            ended = await client.execute("1/0")
            assert ended.ended is not None
            assert ended.ended.status == "error"
            (error,) = client.outputs["cell"]
            assert (error["ename"], error["evalue"]) == ("ZeroDivisionError", "division by zero")
            assert error["traceback"]
            assert client.report is not None
            assert client.report.status is KernelStatus.IDLE
            assert client.report.language_info["name"] == "python"

    run_trio(test)


def test_displays_are_updated_within_a_run_and_in_other_cells(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            await client.execute(
                "from IPython.display import display\nprint('x')\nh = display('one', display_id=True)\n"
                "h.update('two')\nprint('y')",
                "first",
            )
            assert client.outputs["first"][1]["data"] == {"text/plain": "'two'"}
            await client.execute("h.update('three')\nh.display('four')", "second")
            assert client.outputs["first"][1]["data"] == {"text/plain": "'four'"}
            assert client.outputs["second"][0]["data"] == {"text/plain": "'four'"}
            await client.execute("h.update('five')", "third")
            assert client.outputs["first"][1]["data"] == {"text/plain": "'five'"}
            assert client.outputs["second"][0]["data"] == {"text/plain": "'five'"}
            assert client.outputs["third"] == []
            await client.execute("0")
            assert client.report is not None
            assert client.report.displays == ()  # what was seen is not told again

    run_trio(test)


def test_clear_output_and_rich_values(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            await client.execute(
                "from IPython.display import *\nprint('gone')\nclear_output(wait=True)\nprint('kept')\n"
                "display(JSON({'a': [1, None, float('nan')]}))\ndisplay(HTML('<b>x</b>'))"
            )
            text, json_, html = (o for o in client.outputs["cell"] if o.get("name") != "stderr")
            assert text["text"] == "kept\n"
            assert json_["data"]["application/json"] == {"a": [1, None, "nan"]}
            assert html["data"]["text/html"] == ["<b>x</b>"]

    run_trio(test)


def test_ten_thousand_flushed_lines_arrive_whole_and_in_order(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            await kernel.client.execute("for i in range(10_000): print('line', i, flush=True)")
            assert kernel.client.text() == "".join(f"line {i}\n" for i in range(10_000))
            assert len(kernel.client.outputs["cell"]) == 1

    run_trio(test)


def test_a_flood_is_bounded_and_says_what_is_missing(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            before = psutil.Process().memory_info().rss
            await kernel.client.execute("for i in range(2000): print('x' * 9_999, flush=True)\nprint('the end')")
            assert psutil.Process().memory_info().rss - before < 60_000_000
            text = "".join(o["text"] for o in kernel.client.outputs["cell"])
            assert len(text) < 1_100_000
            assert "MB of output left out]" in text
            assert text.endswith("the end\n")

    run_trio(test)


# ----------------------------------------------------------------------------------------- input and interrupts


def test_input_is_asked_and_answered(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            run = await client.begin("import getpass\nprint(input('name? ') + getpass.getpass('word? '))")
            report = await client.until(lambda r: r.run and r.run.input)
            assert report.run is not None
            assert report.run.input is not None
            assert (report.run.input.prompt, report.run.input.password) == ("name? ", False)
            refused = await client.address.ask(AnswerInput, "another question", "x")
            assert isinstance(refused, Refused)
            assert await client.address.ask(AnswerInput, report.run.input.id, "Ada") == Done()
            report = await client.until(lambda r: r.run and r.run.input and r.run.input.password)
            await kernel.crash()  # the question stays open
            assert await client.address.ask(Execute, run, "cell", "", "python3", ()) == Done()
            report = await client.pull()
            assert report.run is not None
            assert report.run.input is not None
            assert await client.address.ask(AnswerInput, "", "x") == Done()
            await client.end(run)
            assert "Adax" in client.text()
            assert isinstance(await client.address.ask(AnswerInput, "", "x"), Refused)

    run_trio(test)


@pytest.mark.parametrize("source", ["import time; time.sleep(60)", "input()", "while True: pass"])
def test_an_interrupt_ends_the_run_and_the_kernel_lives(handle: KernelHandle, source: str) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            await client.execute("variable = 5")
            run = await running(kernel, source)
            if source == "input()":
                await client.question()
            assert await client.address.ask(InterruptKernel) == Done()
            ended = await client.end(run)
            assert ended.ended is not None
            assert ended.ended.status == "interrupted"
            assert ended.input is None
            assert client.outputs["cell"][-1]["ename"] == "KeyboardInterrupt"
            await client.execute("variable")
            assert client.outputs["cell"][0]["data"] == {"text/plain": "5"}

    run_trio(test)


def test_interrupts_right_after_the_start_of_a_run_never_leave_it_running(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            for number in range(15):
                run = await kernel.client.begin("import time\nfor _ in range(3000): time.sleep(0.001)")
                await trio.sleep(number * 0.001)
                await kernel.client.address.ask(InterruptKernel)
                ended = await kernel.client.end(run)
                assert ended.ended is not None
                assert ended.ended.status == "interrupted"
            ok = await kernel.client.execute("1")
            assert ok.ended is not None
            assert ok.ended.status == "ok"

    run_trio(test)


def test_an_interrupt_while_nothing_runs_is_nothing(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            await kernel.client.execute("1")
            assert await kernel.client.address.ask(InterruptKernel) == Done()
            ended = await kernel.client.execute("2")
            assert ended.ended is not None
            assert ended.ended.status == "ok"

    run_trio(test)


def test_a_second_run_is_refused_while_one_is_in_hand(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            run = await running(kernel, "input()")
            answer = await kernel.client.address.ask(Execute, "other", "cell2", "1", "python3")
            assert isinstance(answer, Refused)
            assert answer.code == "busy"
            assert await kernel.client.address.ask(Execute, run, "cell", "", "python3") == Done()
            await kernel.client.address.ask(InterruptKernel)
            await kernel.client.end(run)

    run_trio(test)


# ----------------------------------------------------------------------------------------- the actor is killed


def test_a_killed_actor_is_followed_by_one_that_adopts_the_run(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            await client.execute("mine = 41")
            source = "import time\nfor i in range(300):\n    print(i, flush=True); time.sleep(0.002)\nmine += 1"
            run = await client.begin(source)
            await client.until(lambda _: len(client.text()) > 100)
            for _ in range(3):
                await kernel.stop()
                await trio.sleep(0.05)
                await kernel.start()
                written = tuple(client.outputs["cell"])
                assert await client.address.ask(Execute, run, "cell", source, "python3", written) == Done()
                with trio.move_on_after(0.1):
                    while True:
                        await client.pull()
            ended = await client.end(run)
            assert ended.ended is not None
            assert ended.ended.status == "ok"
            numbers = client.text().split()
            assert numbers == sorted(set(numbers), key=int)  # nothing twice, nothing out of order
            if "some output was lost here" not in client.text(name="stderr"):
                assert numbers == [str(i) for i in range(300)]
            await client.execute("mine")
            assert client.outputs["cell"][0]["data"] == {"text/plain": "42"}

    run_trio(test)


def test_output_that_was_consumed_and_never_pulled_leaves_a_named_gap(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            source = "import time; time.sleep(0.2)\nfor i in range(50): print(i, flush=True)\ninput()"
            run = await running(kernel, source)
            in_hand = handle.run
            assert in_hand is not None
            while in_hand.input is None or not in_hand.unreported:  # consumed, and nobody pulls
                await trio.sleep(0.01)
            await kernel.crash()
            written = tuple(client.outputs["cell"])
            await client.address.ask(Execute, run, "cell", "", "python3", written)
            await client.pull()
            await client.question()
            assert "some output was lost here" in client.text(name="stderr")
            await client.address.ask(AnswerInput, "", "")
            await client.end(run)

    run_trio(test)


def test_a_run_that_ended_while_no_actor_lived_is_reported_as_ended(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            run = await running(kernel, "import time; time.sleep(0.2); print('more')")
            await kernel.stop()
            await trio.sleep(0.4)
            await kernel.start()
            await client.address.ask(Execute, run, "cell", "", "python3", tuple(client.outputs["cell"]))
            ended = await client.end(run)
            assert ended.ended is not None
            assert ended.ended.status == "ok"
            assert client.text() == "begun\nmore\n"

    run_trio(test)


def test_pulls_of_askers_that_have_gone_leave_nothing_behind(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            client = kernel.client
            await client.execute("1")
            while True:  # until there is nothing new
                with trio.move_on_after(0.2) as quiet:
                    await client.pull()
                if quiet.cancelled_caught:
                    break
            for _ in range(100):
                with trio.move_on_after(0.001):
                    await client.address.ask(Pull, client.seen)
            await client.execute("print('still here')")
            assert client.text() == "still here\n"

    run_trio(test)


# --------------------------------------------------------------------------------------------- restart and death


def test_restart_ends_the_run_and_forgets_the_variables() -> None:
    async def test() -> None:
        async with open_kernel() as kernel:
            client = kernel.client
            # While it starts, busy, waiting for input, idle.
            run = await client.begin("1")
            await client.until(lambda r: r.status is KernelStatus.STARTING and r.incarnation == 1)
            assert await client.address.ask(RestartKernel, "python3") == Done()
            ended = await client.end(run)
            assert ended.ended is not None
            assert ended.ended.status == "died"
            for source in ("import time; time.sleep(60)", "input()", ""):
                await client.execute("variable = 1")
                run = await running(kernel, source)
                if source == "input()":
                    await client.question()
                elif not source:
                    await client.end(run)
                assert await client.address.ask(RestartKernel, "python3") == Done()
                if source:
                    ended = await client.end(run)
                    assert ended.ended is not None
                    assert ended.ended.status == "died"
                    assert "restarted" in ended.ended.reason
                await client.execute("variable")
                assert client.outputs["cell"][0]["ename"] == "NameError"
            assert client.report is not None
            assert client.report.incarnation == 5

    run_trio(test, limit=60)


def test_an_interrupt_while_starting_ends_the_run_and_not_the_kernel() -> None:
    async def test() -> None:
        async with open_kernel() as kernel:
            client = kernel.client
            run = await client.begin("1")
            await client.until(lambda r: r.status is KernelStatus.STARTING and r.incarnation == 1)
            await client.address.ask(InterruptKernel)
            ended = await client.end(run)
            assert ended.ended is not None
            assert ended.ended.status == "interrupted"
            await client.execute("2")
            assert client.outputs["cell"][0]["data"] == {"text/plain": "2"}
            assert client.report is not None
            assert client.report.incarnation == 1

    run_trio(test)


def test_the_death_of_the_kernel_ends_the_run_with_the_reason_in_words() -> None:
    async def test() -> None:
        async with open_kernel() as kernel:
            client = kernel.client
            ended = await client.execute("import os; os._exit(3)")
            assert ended.ended is not None
            assert ended.ended.status == "died"
            assert "exited with code 3" in ended.ended.reason
            for source in ("import time; time.sleep(60)", "input()"):
                run = await running(kernel, source)
                killed = time.perf_counter()
                os.kill(pid(kernel), signal.SIGKILL)
                ended = await client.end(run)
                assert time.perf_counter() - killed < 0.25
                assert ended.ended is not None
                assert ended.ended.status == "died"
                assert "killed (SIGKILL)" in ended.ended.reason
                assert client.report is not None
                assert client.report.status is KernelStatus.DEAD
            await client.execute("1")
            os.kill(pid(kernel), signal.SIGTERM)
            report = await client.until(lambda r: r.status is KernelStatus.DEAD)
            assert "SIGTERM" in report.reason
            await kernel.crash()
            assert (await client.pull()).status is KernelStatus.DEAD
            await client.execute("3")
            assert client.outputs["cell"][0]["data"] == {"text/plain": "3"}

    run_trio(test, limit=60)


def test_a_kernel_that_dies_while_no_actor_lives_is_noticed_by_the_next() -> None:
    async def test() -> None:
        async with open_kernel() as kernel:
            client = kernel.client
            run = await running(kernel, "import time; time.sleep(60)")
            await kernel.stop()
            os.kill(pid(kernel), signal.SIGKILL)
            await kernel.start()
            await client.address.ask(Execute, run, "cell", "", "python3", tuple(client.outputs["cell"]))
            ended = await client.end(run)
            assert ended.ended is not None
            assert ended.ended.status == "died"

    run_trio(test)


def test_a_kernel_that_ignores_interrupts_is_not_responding_and_can_be_restarted() -> None:
    async def test() -> None:
        async with open_kernel(handle := KernelHandle(Path.cwd(), QUICK)) as kernel:
            client = kernel.client
            run = await running(kernel, "import time; time.sleep(60)")
            os.kill(pid(kernel), signal.SIGSTOP)
            await client.address.ask(InterruptKernel)
            await client.until(lambda r: r.status is KernelStatus.INTERRUPTING)
            report = await client.until(lambda r: r.status is KernelStatus.NOT_RESPONDING)
            assert "killed and restarted" in report.reason
            started = time.perf_counter()
            assert await client.address.ask(RestartKernel, "python3") == Done()
            assert time.perf_counter() - started < 5
            ended = await client.end(run)
            assert ended.ended is not None
            assert ended.ended.status == "died"
            await client.execute("1")
            os.kill(pid(kernel), signal.SIGSTOP)
            assert await client.address.ask(ShutDownKernel) == Done()
            report = await client.until(lambda r: r.status is KernelStatus.NONE)
        await handle.close()

    run_trio(test)


def test_kernels_come_and_go_in_the_order_asked_for() -> None:
    async def test() -> None:
        async with open_kernel(handle := KernelHandle(Path.cwd(), QUICK)) as kernel:
            ask = kernel.client.address.request
            first = [
                await ask(StartKernel, "python3"),
                await ask(ShutDownKernel),
                await ask(StartKernel, "python3"),
            ]
            answer = await first[0]()
            assert isinstance(answer, Refused)
            assert "shut down" in answer.message
            assert [await answer() for answer in first[1:]] == [Done(), Done()]
            for _ in range(3):
                old = pid(kernel)
                waiting = [
                    await ask(ShutDownKernel),
                    await ask(RestartKernel, "python3"),
                    await ask(StartKernel, "python3"),
                ]
                assert [await answer() for answer in waiting] == [Done(), Done(), Done()]
                assert pid(kernel) != old
                ended = await kernel.client.execute("1")
                assert ended.ended is not None
                assert ended.ended.status == "ok"
        await handle.close()

    run_trio(test)


def test_a_kernel_that_does_not_start_says_its_last_words() -> None:
    python = find_spec("python3")

    def find(name: str) -> Any:
        assert isinstance(python, KernelSpec)
        argv = {
            "broken": (sys.executable, "-c", "print('hello'); import no_such_module"),
            "silent": (sys.executable, "-c", "print('waiting', flush=True); import time; time.sleep(60)"),
            "missing": ("/no/such/program",),
        }
        return msgspec.structs.replace(python, argv=argv[name])

    async def test() -> None:
        settings = KernelSettings(start=0.7)
        async with open_kernel(own := KernelHandle(Path.cwd(), settings, find=find)) as kernel:
            client = kernel.client
            for name, words in {
                "broken": "No module named 'no_such_module'",
                "silent": "within 0.7 s. Its last words: waiting",
                "missing": "/no/such/program",
            }.items():
                run = await client.begin("1", kernel=name)
                ended = await client.end(run)
                assert ended.ended is not None
                assert ended.ended.status == "died"
                assert words in ended.ended.reason
                answer = await client.address.ask(StartKernel, name)
                assert isinstance(answer, Refused)
                assert words in answer.message
        await own.close()

    run_trio(test)


def test_an_unknown_kernelspec_is_refused_and_the_installed_ones_are_named(tmp_path: Path) -> None:
    async def test() -> None:
        async with open_kernel() as kernel:
            for name in ("julia-1.99", "../python3", str(tmp_path)):
                answer = await kernel.client.address.ask(Execute, "run", "cell", "1", name)
                assert isinstance(answer, Refused)
                assert answer.code == "unknown_kernel"
                assert "python3" in answer.message
            assert isinstance(await kernel.client.address.ask(RestartKernel, "nope"), Refused)
            assert (await kernel.client.pull()).status is KernelStatus.NONE

    run_trio(test)


BROKEN_SPECS = {
    "nojson": ("{", "Expecting"),
    "noobject": ("[1, 2]", "no JSON object"),
    "noprogram": ('{"argv": [], "display_name": "x", "language": "x"}', "names no program"),
    "numbers": ('{"argv": [1], "display_name": "x", "language": "x"}', "not text"),
    "environment": ('{"argv": ["x"], "env": {"A": 1}, "display_name": "x", "language": "x"}', "not text"),
    "zero": ('{"argv": ["x\\u0000"], "display_name": "x", "language": "x"}', "a character"),
    "equals": ('{"argv": ["x"], "env": {"A=B": ""}, "display_name": "x", "language": "x"}', "a character"),
}


def test_a_broken_kernelspec_is_refused_in_words_and_the_actor_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    for name, (text, _) in BROKEN_SPECS.items():
        (tmp_path / "kernels" / name).mkdir(parents=True)
        (tmp_path / "kernels" / name / "kernel.json").write_text(text)

    async def test() -> None:
        async with open_kernel() as kernel:
            for name, (_, words) in BROKEN_SPECS.items():
                for answer in (
                    await kernel.client.address.ask(StartKernel, name),
                    await kernel.client.address.ask(Execute, "run", "cell", "1", name),
                ):
                    assert isinstance(answer, Refused), name
                    assert answer.code == "start_failed"
                    assert f"“{name}” cannot be used" in answer.message
                    assert words in answer.message
            assert kernel.handle.actors == 1

    run_trio(test)


def test_start_answers_when_the_kernel_is_ready_and_a_kernel_runs_where_its_notebook_is(tmp_path: Path) -> None:
    async def test() -> None:
        handle = KernelHandle(tmp_path, KernelSettings(limits=OutputLimits(text=1000)))
        async with open_kernel(handle) as kernel, trio.open_nursery() as nursery:
            answers: list[Any] = []

            async def ask() -> None:
                answers.append(await kernel.client.address.ask(StartKernel, "python3"))

            for _ in range(3):
                nursery.start_soon(ask)
            await kernel.client.until(lambda r: r.status is KernelStatus.IDLE)
            await ask()
            assert answers.count(Done()) >= 1
            await kernel.client.execute("import os, sys; print(os.getcwd(), sys.executable, sep='\\n')")
            assert kernel.client.text().split() == [str(tmp_path), sys.executable]
        await handle.close()
        assert answers == [Done()] * 4

    run_trio(test)


def test_closing_leaves_no_descriptor_no_process_and_no_folder() -> None:
    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    def note(kernel: Kernel) -> None:
        assert kernel.handle.connection is not None
        folders.append(Path(kernel.handle.connection.process.info.address).parent)
        assert folders[-1].stat().st_mode & 0o077 == 0

    async def test() -> None:
        async with open_kernel() as kernel:
            await kernel.client.execute("import subprocess; child = subprocess.Popen(['sleep', '60']); child.pid")
            child.append(int(kernel.client.outputs["cell"][0]["data"]["text/plain"]))
            note(kernel)
            await kernel.client.address.ask(RestartKernel, "python3")
            note(kernel)
            await kernel.client.execute("import os; os._exit(0)")
            await kernel.client.execute("1")
            note(kernel)

    child: list[int] = []
    folders: list[Path] = []
    before = descriptors()
    processes = psutil.Process().children()
    run_trio(test)
    assert descriptors() == before
    assert len(set(folders)) == 3
    assert not any(folder.exists() for folder in folders)
    assert psutil.Process().children() == processes
    assert not psutil.pid_exists(child[0]) or psutil.Process(child[0]).status() == psutil.STATUS_ZOMBIE


def test_a_kernel_ends_with_its_server() -> None:
    code = (
        "import sys, os; sys.path[:0] = [os.getcwd(), 'tests/actors']\n"
        "from kernel_support import *\n"
        "async def main():\n"
        "    async with open_kernel() as kernel:\n"
        "        await kernel.client.execute('1')\n"
        "        print(kernel.handle.connection.process.pid, flush=True)\n"
        "        os._exit(9)\n"
        "run_trio(main)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    number = int(told.stdout)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_question_in_hand_fails_when_the_actor_dies(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            await kernel.client.execute("1")
            died = trio.Event()

            async def wait() -> None:
                try:
                    while True:
                        await kernel.client.pull()
                except ActorDied:
                    died.set()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked(0.05)
                await kernel.crash()
                await died.wait()

    run_trio(test)


def test_a_flood_without_a_flush_comes_in_pieces_and_whole(handle: KernelHandle) -> None:
    source = (
        "import sys\nfor _ in range(300): print('x' * 9_999)\nfor _ in range(2): sys.stdout.write('y' * 3_000_000)"
    )

    async def test() -> None:
        async with open_kernel(handle) as kernel:
            await kernel.client.execute("pass")
            assert handle.connection is not None
            with zmq.Context() as context, context.socket(zmq.SUB) as spy:
                spy.rcvhwm = 0
                spy.connect(handle.connection.process.info.url("iopub"))
                spy.subscribe(b"")
                await kernel.client.execute("pass")  # by the end of it, the subscription is in force
                await kernel.client.execute("pass")
                await kernel.client.execute(source)
                texts = []
                while spy.poll(1000):
                    content = msgspec.json.decode(spy.recv_multipart()[-1])
                    if content.get("name") == "stdout":
                        texts.append(content["text"])
                    if content.get("execution_state") == "idle" and texts:
                        break
            assert "".join(texts) == ("x" * 9_999 + "\n") * 300 + "y" * 6_000_000
            assert max(map(len, texts)) <= PIECE + 10_000
            names = await kernel.client.execute(
                "print([name for name in dir() if name in ('bounded', 'arm', 'thread')])"
            )
            assert names.ended is not None
            assert kernel.client.text() == "[]\n"

    run_trio(test)


def test_a_kernel_hands_its_interpreter_over_soon_to_who_asks_beside_a_cell(handle: KernelHandle) -> None:
    async def test() -> None:
        async with open_kernel(handle) as kernel:
            await kernel.client.execute("import sys; print(sys.getswitchinterval())")
            assert kernel.client.text() == "0.001\n"

    run_trio(test)
