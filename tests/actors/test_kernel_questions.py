"""Questions beside running cells: which way they go, and that each is answered."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from kernel_support import Kernel, open_kernel, run_trio
from scripted_kernel import ScriptedKernel
from test_kernel_scripted import scripted, whole

from actors.kernel_questions import MAX_WAITING
from protocol.kernel_requests import (
    AboutKernel,
    Answer,
    Complete,
    Completeness,
    Completions,
    History,
    Inspect,
    Inspection,
    IsComplete,
    Past,
    Question,
)
from protocol.messages.kernel import AskKernel, DescribeKernel, ShutDownKernel, StartKernel
from protocol.messages.shared import Done, Refused

pytestmark = pytest.mark.system

MATCHES = {"status": "ok", "matches": ["print"], "cursor_start": 0, "cursor_end": 3, "metadata": {}}
SUBSHELLS = {"implementation": "ipython", "supported_features": ["kernel subshells"]}


async def ask(kernel: Kernel, question: Question) -> Answer | Refused:
    with trio.fail_after(20):
        return await kernel.client.address.ask(AskKernel, question)


async def start(kernel: Kernel) -> None:
    assert await kernel.client.address.ask(StartKernel, "python3") == Done()


def never_ends(kernel: ScriptedKernel, request: Any, ident: Any) -> None:
    kernel.status("busy", request)


# ---------------------------------------------------------------------------------------------- a real kernel


def test_ipykernel_answers_every_question_while_idle_and_while_a_cell_runs() -> None:
    async def test() -> None:
        async with open_kernel() as kernel:
            assert await ask(kernel, Complete("x", 1)) == Refused("no_kernel", "No kernel runs.")
            await kernel.client.execute("some_name_of_ours = 1")
            for busy in (False, True):
                if busy:
                    await kernel.client.begin("print('begun', flush=True)\nimport time\ntime.sleep(600)")
                    await kernel.client.until(lambda _: "begun" in kernel.client.text())
                found = await ask(kernel, Complete("some_name_of", 12))
                assert isinstance(found, Completions)
                assert "some_name_of_ours" in found.matches
                assert (found.cursor_start, found.cursor_end) == (0, 12)
                about = await ask(kernel, Inspect("print", 3))
                assert isinstance(about, Inspection)
                assert about.found
                assert "Prints the values" in about.data["text/plain"]
                nothing = await ask(kernel, Inspect("nobody_has_this_name", 3))
                assert isinstance(nothing, Inspection)
                assert not nothing.found
                assert await ask(kernel, IsComplete("if 1:")) == Completeness("incomplete", "    ")
                past = await ask(kernel, History(5))
                assert isinstance(past, Past)
                assert any("some_name_of_ours" in entry[2] for entry in past.history)
            described = await kernel.client.address.ask(DescribeKernel)
            assert isinstance(described, AboutKernel)
            assert described.language_info["name"] == "python"

    run_trio(test)


def test_a_question_at_a_kernel_that_is_killed_is_refused_and_the_next_kernel_answers() -> None:
    async def test() -> None:
        async with open_kernel() as kernel:
            await start(kernel)
            connection = kernel.handle.connection
            assert connection is not None
            connection.process.signal(signal.SIGSTOP)
            answers: list[object] = []

            async def one() -> None:
                answers.append(await ask(kernel, Complete("x", 1)))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(one)
                await trio.testing.wait_all_tasks_blocked(0.01)
                connection.process.signal(signal.SIGKILL)
            assert answers == [Refused("kernel_died", "The kernel ended before it answered.")]
            await start(kernel)
            assert isinstance(await ask(kernel, Complete("x", 1)), Completions)

    run_trio(test)


# ------------------------------------------------------------------------------------------- scripted kernels


@pytest.mark.parametrize(
    ("about", "way"),
    [
        ({**SUBSHELLS}, ("shell", "sub1", "complete_request")),
        ({"implementation": "ipython"}, ("control", None, "complete_request")),
        ({"implementation": "other"}, ("shell", None, "complete_request")),
    ],
)
def test_while_a_cell_runs_each_kind_of_kernel_is_asked_where_it_can_answer(
    tmp_path: Path, about: dict[str, Any], way: tuple[str, str | None, str]
) -> None:
    async def test() -> None:
        async with scripted(tmp_path, never_ends) as (kernel, made):
            with trio.fail_after(10):
                await _prepared(kernel, made, about)
                assert isinstance(await ask(kernel, Complete("pri", 3)), Completions)
                assert made[0].asked[-1] == ("shell", None, "complete_request")  # idle: the plain way
                await kernel.client.begin("x")
                for _ in range(2):
                    assert isinstance(await ask(kernel, Complete("pri", 3)), Completions)
                    assert made[0].asked[-1] == way
                made_subshells = [each for each in made[0].asked if each[2] == "create_subshell_request"]
                assert len(made_subshells) == (way[1] is not None)

    run_trio(test)


async def _prepared(kernel: Kernel, made: list[ScriptedKernel], about: dict[str, Any]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(start, kernel)
        while not made:
            await trio.sleep(0.001)
        made[0].about = about
        made[0].answers = {
            "complete_request": MATCHES,
            "create_subshell_request": {"status": "ok", "subshell_id": "sub1"},
        }


def test_a_kernel_that_makes_no_subshell_after_all_is_asked_on_its_control_channel(tmp_path: Path) -> None:
    async def test() -> None:
        async with scripted(tmp_path, never_ends) as (kernel, made):
            await _prepared(kernel, made, SUBSHELLS)
            made[0].answers["create_subshell_request"] = {"status": "error", "evalue": "no"}
            await kernel.client.begin("x")
            for _ in range(2):
                assert isinstance(await ask(kernel, Complete("pri", 3)), Completions)
            assert [each[2] for each in made[0].asked].count("create_subshell_request") == 1
            assert made[0].asked[-1][0] == "control"

    run_trio(test)


def test_a_kernel_that_never_answers_gets_no_more_questions_than_it_may_hold(tmp_path: Path) -> None:
    async def test() -> None:
        async with scripted(tmp_path, whole) as (kernel, made):
            await _prepared(kernel, made, {})
            made[0].silent.add("complete_request")
            answers: list[Answer | Refused] = []

            async def one() -> None:
                answers.append(await ask(kernel, Complete("x", 1)))

            async with trio.open_nursery() as nursery:
                for _ in range(MAX_WAITING):
                    nursery.start_soon(one)
                await trio.testing.wait_all_tasks_blocked(0.01)
                refused = await ask(kernel, Complete("x", 1))
                assert isinstance(refused, Refused)
                assert refused.code == "busy"
                assert (await kernel.client.execute("x")).ended is not None  # runs are not held up
                await kernel.client.address.ask(ShutDownKernel)
            assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"kernel_died"}
            assert len(answers) == MAX_WAITING

    run_trio(test)


def test_an_answer_that_makes_no_sense_is_refused_in_words(tmp_path: Path) -> None:
    async def test() -> None:
        async with scripted(tmp_path, whole) as (kernel, made):
            await _prepared(kernel, made, {})
            for content in (
                {"status": "error", "evalue": "boom"},
                {"matches": 3},
                {"matches": ["x"], "metadata": 1},
            ):
                made[0].answers["complete_request"] = content
                answer = await ask(kernel, Complete("x", 1))
                assert isinstance(answer, Refused)
                assert answer.code == "kernel_error"

    run_trio(test)
