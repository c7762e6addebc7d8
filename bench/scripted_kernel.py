"""A kernel that costs next to nothing, so that a bench of the server measures the server.

``python -m bench.scripted_kernel CONNECTION_FILE``. It answers what it must; a cell's source is how many lines it
prints and how many a second ("200 10"), or anything else for one line at once. Messaging:
https://jupyter-client.readthedocs.io/en/stable/messaging.html
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.session import Session

Message = dict[str, Any]


class ScriptedKernel:
    def __init__(self, file: Path) -> None:
        info = json.loads(file.read_text())
        self.session = Session(key=info["key"].encode(), signature_scheme=info["signature_scheme"])
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.poller = zmq.Poller()
        self.sockets: dict[str, zmq.Socket[bytes]] = {}
        between = "-" if info["transport"] == "ipc" else ":"
        for channel, kind in {
            "shell": zmq.ROUTER,
            "control": zmq.ROUTER,
            "stdin": zmq.ROUTER,
            "iopub": zmq.XPUB,
        }.items():
            made = self.sockets[channel] = context.socket(kind)
            made.bind(f"{info['transport']}://{info['ip']}{between}{info[f'{channel}_port']}")
            self.poller.register(made, zmq.POLLIN)
        self.count = 0
        self.over = False

    def serve(self) -> None:
        while not self.over:
            for socket, _ in self.poller.poll():
                frames = socket.recv_multipart()
                if socket is self.sockets["iopub"]:
                    if frames[0][:1] == b"\x01":
                        self.publish("iopub_welcome", {"subscription": frames[0][1:].decode()}, None)
                    continue
                identities, parts = self.session.feed_identities(frames)
                self.hear(socket, identities, self.session.deserialize(parts))

    def hear(self, socket: zmq.Socket[bytes], identities: list[bytes], request: Message) -> None:
        kind = request["header"]["msg_type"]
        self.publish("status", {"execution_state": "busy"}, request)
        content: Message = {"status": "ok"}
        if kind == "execute_request":
            content |= self.execute(request)
        elif kind == "kernel_info_request":
            content |= {"protocol_version": "5.4", "language_info": {"name": "script"}, "banner": ""}
        self.over = kind == "shutdown_request"
        answer = kind.replace("request", "reply")
        self.session.send(socket, self.session.msg(answer, content, parent=request), ident=identities)
        self.publish("status", {"execution_state": "idle"}, request)

    def execute(self, request: Message) -> Message:
        self.count += 1
        source = request["content"]["code"]
        self.publish("execute_input", {"code": source, "execution_count": self.count}, request)
        lines, _, rate = source.partition(" ")
        if not rate.isdigit():
            data = {"text/plain": "2"}
            result = {"data": data, "metadata": {}, "execution_count": self.count}
            self.publish("execute_result", result, request)
        else:
            begun = time.monotonic()
            for line in range(int(lines)):
                time.sleep(max(0.0, begun + line / int(rate) - time.monotonic()))
                self.publish("stream", {"name": "stdout", "text": f"{line}\n"}, request)
        return {"execution_count": self.count, "user_expressions": {}, "payload": []}

    def publish(self, kind: str, content: Message, parent: Message | None) -> None:
        self.session.send(
            self.sockets["iopub"], self.session.msg(kind, content, parent=parent), ident=kind.encode()
        )


if __name__ == "__main__":
    ScriptedKernel(Path(sys.argv[1])).serve()
