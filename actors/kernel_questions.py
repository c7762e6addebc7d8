"""Questions to the kernel beside running cells: which way each goes, and whose answer comes back.

Owned by a Conversation. While no cell runs, the shell channel is free. While one does, a kernel with subshells
(ipykernel 7) answers there; an older ipykernel on its control channel, which no cell holds up; any other kernel
answers when the cell is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from actors.kernel_connection import Connection
from protocol.kernel_requests import Answer, NoAnswer, Question, answer_to, request_of
from protocol.messages.shared import Refused, Reply
from protocol.values import JsonObject

Asked: TypeAlias = tuple[Question, Reply[Answer | Refused]]

# Questions that may wait for a busy kernel. An editor asks at every key.
MAX_WAITING = 32


class Questions:
    """``busy``: whether a cell runs. Nothing here waits."""

    def __init__(self, connection: Connection, busy: Callable[[], bool]) -> None:
        self._connection = connection
        self._busy = busy
        self._waiting: dict[str, Asked] = {}  # by the request's id
        self._subshell_request = ""
        self._for_subshell: list[Asked] = []  # until it is there

    def ask(self, question: Question, reply: Reply[Answer | Refused]) -> None:
        if len(self._waiting) + len(self._for_subshell) >= MAX_WAITING:
            reply(Refused("busy", "The kernel is busy and has many questions to answer before this one."))
            return
        asked, connection = (question, reply), self._connection
        if not self._busy():
            self._send(asked)
        elif connection.subshell:
            self._send(asked, subshell=connection.subshell)
        elif connection.about.has_subshells:
            self._for_subshell.append(asked)
            if not self._subshell_request:
                self._subshell_request = connection.send("control", "create_subshell_request", {})
        else:
            self._send(asked, control=connection.about.answers_on_control)

    def _send(self, asked: Asked, *, subshell: str = "", control: bool = False) -> None:
        type_, content = request_of(asked[0])
        id_ = self._connection.send("control" if control else "shell", type_, content, subshell=subshell)
        self._waiting[id_] = asked

    def hear(self, parent: str, content: JsonObject) -> None:
        """A reply to one of ours, or to nobody's."""
        if parent and parent == self._subshell_request:
            self._hear_of_subshell(content)
        elif (asked := self._waiting.pop(parent, None)) is not None:
            question, reply = asked
            try:
                reply(answer_to(question, content))
            except NoAnswer as error:
                reply(Refused("kernel_error", str(error)))

    def _hear_of_subshell(self, content: JsonObject) -> None:
        self._subshell_request = ""
        made = content.get("subshell_id")
        if isinstance(made, str):
            self._connection.subshell = made
        else:  # not again
            self._connection.about = msgspec.structs.replace(self._connection.about, supported_features=[])
        waiting, self._for_subshell = self._for_subshell, []
        for asked in waiting:
            self._send(asked, subshell=self._connection.subshell, control=not self._connection.subshell)

    def end(self) -> None:
        """The kernel is gone."""
        for _, reply in (*self._waiting.values(), *self._for_subshell):
            reply(Refused("kernel_died", "The kernel ended before it answered."))
        self._waiting.clear()
        self._for_subshell.clear()
