"""Kernels of other kinds: other languages, other ways to start and to interrupt them."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.server import running_server
from tests.system.support import Page, code_cell, write_notebook

pytestmark = pytest.mark.system

IPYKERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
LOOP = {"bash": "echo begun; while true; do :; done", "python": "print('begun', flush=True)\nwhile True: pass"}


def kernelspec(folder: Path, name: str, **spec: Any) -> dict[str, str]:
    """The environment in which ``name`` is installed."""
    place = folder / "jupyter/kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps({"display_name": name, "argv": IPYKERNEL, **spec}))
    return {"JUPYTER_PATH": str(folder / "jupyter")}


@asynccontextmanager
async def opened(folder: Path, kernel: str, language: str, environment: dict[str, str]) -> AsyncIterator[Page]:
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": language}}
    path = write_notebook(folder / "x.ipynb", code_cell("one", ""), metadata=metadata)
    async with running_server(path, env=environment) as server, Page(server) as page:
        yield page


async def check_a_kernel(page: Page, language: str, hello: str, wrong: str, endless: str) -> None:
    """What every kernel is asked: output, an error, an interrupt, a completion, a restart, the end."""
    said = await page.run(hello)
    assert page.text(said) == "hello\n"
    failed = await page.run(wrong)
    assert page.outputs(failed), "an error says something"
    looping = await page.begin(endless, until="begun")
    await page.ask("kernel", "interrupt")
    await page.ended(looping)
    assert page.text(await page.run(hello)) == "hello\n"
    summary = await page.summary()
    assert summary["kernel"]["status"] == "idle"
    await page.until(lambda: page.map("notebook")["metadata"].get("language_info"))
    assert page.map("notebook")["metadata"]["language_info"]["name"].lower() == language
    assert "matches" in await page.ask("kernel", "complete", {"code": hello[:3], "cursor_pos": 3})
    await page.ask("kernel", "restart_kernel")
    assert page.text(await page.run(hello)) == "hello\n"
    await page.ask("kernel", "shut_down")
    assert (await page.summary())["kernel"]["status"] == "none"


@pytest.mark.full
async def test_bash_runs_errs_is_interrupted_and_restarts(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    environment = kernelspec(tmp_path, "bash", argv=argv, language="bash")
    async with opened(tmp_path, "bash", "bash", environment) as page:
        await check_a_kernel(page, "bash", "echo hello", "ls /nowhere-at-all", LOOP["bash"])


async def test_xeus_python_which_sends_no_welcome_runs_errs_is_interrupted_and_restarts(tmp_path: Path) -> None:
    async with opened(tmp_path, "xpython", "python", {}) as page:
        await check_a_kernel(page, "python", "print('hello')", "1 / 0", LOOP["python"])


@pytest.mark.full
async def test_a_kernel_that_wants_a_message_is_interrupted_by_one(tmp_path: Path) -> None:
    environment = kernelspec(tmp_path, "messaged", language="python", interrupt_mode="message")
    async with opened(tmp_path, "messaged", "python", environment) as page:
        source = "import time\nprint('begun', flush=True)\nfor _ in range(600): time.sleep(0.1)"
        looping = await page.begin(source, until="begun")
        await page.ask("kernel", "interrupt")
        await page.ended(looping)
        assert page.said(looping)["ename"] == "KeyboardInterrupt"
        assert page.text(await page.run("print('on')")) == "on\n"


PROVISIONER = '''
import asyncio, os
from jupyter_client.provisioning import LocalProvisioner

class Provisioner(LocalProvisioner):
    """Says what it is asked, and needs the asyncio loop that it was promised."""

    def note(self, word):
        asyncio.get_running_loop()
        with open(os.environ["PROVISIONER_LOG"], "a") as log:
            print(word, file=log)

    async def pre_launch(self, **kwargs):
        self.note("pre_launch")
        kwargs["env"] = {**kwargs["env"], "BY_PROVISIONER": "yes"}
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd, **kwargs):
        self.note("launch_kernel")
        if os.environ.get("PROVISIONER_FAILS"):
            raise RuntimeError("there is no room for it")
        return await super().launch_kernel(cmd, **kwargs)

    async def send_signal(self, signum):
        self.note(f"signal {int(signum)}")
        await super().send_signal(signum)

    async def cleanup(self, restart=False):
        self.note("cleanup")
        await super().cleanup(restart)
'''


@pytest.fixture
def provisioned(tmp_path: Path) -> dict[str, str]:
    """A provisioner that is installed as any package would have it."""
    site = tmp_path / "site"
    about = site / "provisioner-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "somebodys_provisioner.py").write_text(PROVISIONER)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: provisioner\nVersion: 1.0\n")
    entry = "[jupyter_client.kernel_provisioners]\nsomebodys = somebodys_provisioner:Provisioner\n"
    (about / "entry_points.txt").write_text(entry)
    spec = {"language": "python", "metadata": {"kernel_provisioner": {"provisioner_name": "somebodys"}}}
    log = {"PYTHONPATH": str(site), "PROVISIONER_LOG": str(tmp_path / "log")}
    return {**kernelspec(tmp_path, "provisioned", **spec), **log}


async def test_a_provisioner_starts_signals_and_cleans_up_behind_its_kernel(
    tmp_path: Path, provisioned: dict[str, str]
) -> None:
    log = tmp_path / "log"
    async with opened(tmp_path, "provisioned", "python", provisioned) as page:
        asked = await page.run("import os; print(os.environ['BY_PROVISIONER'], os.getcwd())")
        assert page.text(asked) == f"yes {tmp_path}\n"
        looping = await page.begin(LOOP["python"], until="begun")
        await page.ask("kernel", "interrupt")
        await page.ended(looping)
        assert page.said(looping)["ename"] == "KeyboardInterrupt"
        died = await page.run("os._exit(3)")
        assert "exited with code 3" in json.dumps(page.outputs(died))
        await page.ask("kernel", "restart_kernel")
        assert page.text(await page.run("print('again')")) == "again\n"
        first = log.read_text().splitlines()
        assert first[:2] == ["pre_launch", "launch_kernel"]
        assert "signal 2" in first
        assert first.count("launch_kernel") == 2
        await page.ask("kernel", "shut_down")
        with trio.fail_after(20):
            while log.read_text().splitlines().count("cleanup") < 2:
                await trio.sleep(0.05)


@pytest.mark.full
async def test_a_provisioner_that_fails_is_a_sentence_and_another_kernel_runs(
    tmp_path: Path, provisioned: dict[str, str]
) -> None:
    environment = {**provisioned, "PROVISIONER_FAILS": "1"}
    async with opened(tmp_path, "provisioned", "python", environment) as page:
        failed = await page.run("1")
        assert "somebodys” could not start the kernel: RuntimeError: there is no room" in json.dumps(
            page.outputs(failed), ensure_ascii=False
        )
        await page.ask("kernel", "change_kernel", {"name": "python3"})
        assert page.text(await page.run("print('here')")) == "here\n"
