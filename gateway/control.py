"""Control methods, each to the actor that answers it. The table of methods is protocol/wire.py's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import trio

from actors.mailbox import ActorDied
from actors.supervisor import ChildStatus, Kill, Retry, Status
from gateway.run_control import METHODS as RUN_METHODS
from gateway.run_control import RunControl
from protocol import answers, wire
from protocol.comm_requests import CloseComm, OpenComm, SendComm
from protocol.kernel_requests import Complete, History, Inspect, IsComplete
from protocol.messages.gateway import CountSessions
from protocol.messages.hub import Checkpoint, ClearOutputs, DescribeDocument, ListVersions, RestoreVersion
from protocol.messages.kernel import AskKernel, DescribeKernel, TellComm
from protocol.messages.notebook import DescribeRuns, InterruptAll, InterruptRun, ReplyInput, Restart, Start
from protocol.messages.shared import Done, Refused, Saving
from protocol.values import Json, JsonObject

if TYPE_CHECKING:
    from gateway.connection import Services

# Seconds a person waits for a summary before hearing that the server is busy.
PATIENCE = 10.0

# What is answered although the notebook's actors are down.
ANYWAY = ("retry", "actors")

Result: TypeAlias = "Json | Refused"


class Control:
    """``who``: recorded with what this client asks to run, where its person shows no name. ``watch_comms``: makes
    the client hear of comms."""

    def __init__(self, services: Services, who: str, watch_comms: Callable[[], Awaitable[None]]) -> None:
        self._services = services
        self._watch_comms = watch_comms
        self._runs = RunControl(services, who)

    async def obey(self, request: wire.Request, accepted: Callable[[], None]) -> str | None:
        """The text to answer with. ``accepted`` is called once the order among requests is settled.

        Raises ActorDied when the actor that had taken the question died.
        """
        services = self._services
        if services.failed and request.channel in ("notebook", "kernel") and request.method not in ANYWAY:
            accepted()
            text = f"This notebook's actors failed ({services.failed}). Send notebook.retry to start them again."
            return wire.refuse_request(request, "notebook_failed", text)
        result = await self._dispatch(request, accepted)
        if isinstance(result, Refused):
            return wire.refuse_request(request, result.code, result.message)
        return wire.answer(request, result)

    async def _dispatch(self, request: wire.Request, accepted: Callable[[], None]) -> Result:
        match (request.channel, request.method):
            case method if method in RUN_METHODS:
                said = await self._runs.obey(request, accepted)
                accepted()
                return said if isinstance(said, Refused) else _json(said)
            case ("comms", _):
                return await self._comm(request, accepted)
            case ("config", "get"):
                accepted()
                return _json(self._services.config)
            case ("notebook", _):
                return await self._notebook(request, accepted)
            case ("kernel", _):
                return await self._kernel(request, accepted)
            case _:
                return await self._chaos(request, accepted)

    async def _notebook(self, request: wire.Request, accepted: Callable[[], None]) -> Result:
        services = self._services
        match request.method, request.fields:
            case "interrupt_kernel", _:
                waiting = await services.notebook.request(InterruptAll)
                accepted()
                return _plain(await waiting())
            case "checkpoint", _:
                saving = await services.hub.request(Checkpoint)
                accepted()
                return _saved(await saving())
            case "versions", _:
                listed = await services.hub.request(ListVersions)
                accepted()
                versions = await listed()
                return versions if isinstance(versions, Refused) else _json(answers.Versions(versions))
            case "restore_version", wire.RestoreVersionFields(version):
                restored = await services.hub.request(RestoreVersion, version)
                accepted()
                return _plain(await restored())
            case "clear_outputs", wire.ClearOutputsFields(cells):
                cleared = await services.hub.request(ClearOutputs, cells)
                accepted()
                done = await cleared()
                return _json(answers.ClearedOutputs(done.cells, done.running))
            case "retry", _:
                retried = await services.root.request(Retry, "notebook")
                accepted()
                return _plain(await retried())
            case "actors", _:
                accepted()
                return await self._actors()
            case _:
                accepted()
                return await self._summary()

    async def _kernel(self, request: wire.Request, accepted: Callable[[], None]) -> Result:
        notebook = self._services.notebook
        match request.method, request.fields:
            case "interrupt", _:
                interrupted = await notebook.request(InterruptRun)
                accepted()
                return _plain(await interrupted())
            case "restart_kernel", _:
                restarted = await notebook.request(Restart)
                accepted()
                return _plain(await restarted())
            case "start_kernel", wire.StartKernelFields(name):
                started = await notebook.request(Start, name)
                accepted()
                return _plain(await started())
            case "input_reply", wire.InputReplyFields(value, question):
                replied = await notebook.request(ReplyInput, question, value)
                accepted()
                return _plain(await replied())
            case _, Complete() | Inspect() | IsComplete() | History() as question:
                asked = await self._services.kernel.request(AskKernel, question)
                accepted()
                return await _soon(asked)
            case _:
                described = await self._services.kernel.request(DescribeKernel)
                accepted()
                return await _soon(described)

    async def _comm(self, request: wire.Request, accepted: Callable[[], None]) -> Result:
        match request.fields:
            case OpenComm() | SendComm() | CloseComm() as said:
                told = await self._services.kernel.request(TellComm, said)
                accepted()
                return _plain(await told())
            case _ if request.method == "subscribe":
                accepted()
                await self._watch_comms()
                return {}
            case _:
                accepted()
                return _json(answers.Pong())

    async def _summary(self) -> Result:
        """What ``notebook.get`` answers; its keys are documented in SPEC.md, W-7."""
        services = self._services
        try:
            with trio.fail_after(PATIENCE):
                document = await services.hub.ask(DescribeDocument)
                runs = await services.notebook.ask(DescribeRuns)
                clients = await services.gateway.ask(CountSessions)
        except trio.TooSlowError:
            return Refused("busy", "The notebook does not answer at the moment.")
        question = None
        if (asked := runs.input) is not None:
            question = answers.AskedInput(runs.running, asked.id, asked.prompt, asked.password)
        summary = answers.Summary(
            path=document.path,
            epoch=document.epoch,
            cells=document.cells,
            clients=clients,
            saving=document.saving,
            kernel=runs.kernel,
            running=runs.running,
            queued=runs.queued,
            offered=runs.offered,
            input=question,
        )
        return _json(summary)

    async def _chaos(self, request: wire.Request, accepted: Callable[[], None]) -> Result:
        accepted()
        services = self._services
        if not services.chaos:
            return Refused("not_allowed", "This server was started without --chaos.")
        if isinstance(request.fields, wire.KillFields):
            supervisor = services.root if request.fields.actor == "gateway" else services.notebook_tree
            if services.failed and supervisor is services.notebook_tree:
                return Refused("not_running", "The notebook's actors failed: none of them runs.")
            return _plain(await supervisor.ask(Kill, request.fields.actor))
        return {name: msgspec.to_builtins(status) for name, status in (await statuses(services)).items()}

    async def _actors(self) -> Result:
        """What ``notebook.actors`` answers: for people who want to see the tree."""
        services = self._services
        tree = await statuses(services)
        actors = tuple(
            answers.ActorState(name, status.state, status.incarnation, status.reason)
            for name, status in tree.items()
        )
        size = await trio.to_thread.run_sync(services.journal_size)
        return _json(answers.Actors(actors, size, services.chaos))


async def statuses(services: Services) -> dict[str, ChildStatus]:
    """Of every actor that the root keeps, and of the notebook's unless they failed."""
    while True:
        tree = await services.root.ask(Status)
        if services.failed:
            return tree
        try:
            return {**tree, **await services.notebook_tree.ask(Status)}
        except ActorDied:  # it gave up while it was asked
            continue


async def _soon(answer: Callable[[], Awaitable[msgspec.Struct]]) -> Result:
    """The kernel's answer, if it comes while a person still waits for it."""
    with trio.move_on_after(PATIENCE):
        said = await answer()
        return said if isinstance(said, Refused) else _json(said)
    return Refused("busy", "The kernel is busy and did not answer.")


def saving_as_json(saving: Saving) -> JsonObject:
    return {"status": saving.status, "reason": saving.reason}


def _plain(answer: Done | Refused) -> Result:
    return answer if isinstance(answer, Refused) else {}


def _saved(saving: Saving) -> Result:
    return _json(answers.Saved()) if saving.status == "saved" else Refused("not_saved", saving.reason)


def _json(said: msgspec.Struct) -> JsonObject:
    plain: JsonObject = msgspec.to_builtins(said)
    return plain
