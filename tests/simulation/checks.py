"""The promises, looked at in a copy of the document: a replica, the journal, the file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import nbformat
from pycrdt import Doc

from protocol import notebook_file
from protocol.blobs import named_by
from tests.conformance.pycrdt_client import PycrdtClient
from tests.simulation.disk import Disk
from tests.simulation.kernel import Process
from tests.simulation.ledger import Ledger, PromiseBroken

LINE = re.compile(r"(\d+)\.(\d+) (\S+) (\d+)")

# An output that says that something is missing, or cut short.
REMARKS = ("some output was lost here", "KernelDied", "RunAborted")


def check_journal(disk: Disk, ledger: Ledger, where: str) -> dict[str, Any]:
    """I1, I2 for what a server would find now, values beside the journal included; its content."""
    client = PycrdtClient("ws://journal", doc=Doc(client_id=1))
    for update in disk.probe().updates:
        client.doc.apply_update(update)
    dump = content(client)
    check_content(dump, ledger, where)
    for cell, values in dump["maps"].items():
        if lost := [each.sha256 for each in named_by(values.get("outputs") or []) if not disk.holds(each.sha256)]:
            raise PromiseBroken("I1", f"{where} refers in {cell} to values that are not there: {lost}")
    return dump


def content(client: PycrdtClient) -> dict[str, Any]:
    """What a replica holds, as plain values: the cells in order and each one's Map."""
    cells = [str(cell) for cell in client.array("cells")]
    return {
        "cells": cells,
        "maps": {cell: client.map(cell).to_py() or {} for cell in cells},
        "queue": client.array("run_queue").to_py(),
        "kernel": client.map("kernel").to_py(),
        "notebook": client.map("notebook").to_py(),
        "graphs": [client.map(name).to_py() for name in ("np_graph", "pc_graph")],
    }


def check_content(dump: Mapping[str, Any], ledger: Ledger, where: str) -> None:
    texts = {cell: str(values.get("source", "")) for cell, values in dump["maps"].items()}
    ledger.check(where, dump["cells"], texts)


def check_same(dumps: Mapping[str, Mapping[str, Any]]) -> None:
    """I3: all copies say the same."""
    said = {name: json.dumps(dump, sort_keys=True) for name, dump in dumps.items()}
    first, *others = said
    for other in others:
        if said[other] != said[first]:
            differ = [key for key in dumps[first] if dumps[first][key] != dumps[other][key]]
            raise PromiseBroken("I3", f"{first} and {other} differ in {', '.join(differ)}")


def check_filed(disk: Disk, ledger: Ledger) -> None:
    """I7, and I1 for what people were told is in the file."""
    disk.check_file()
    cells = notebook_file.load(disk.path.read_bytes()).cells
    ledger.check("the file", [cell.id for cell in cells], {cell.id: cell.source for cell in cells}, file=True)


def check_file(disk: Disk, ledger: Ledger, dump: Mapping[str, Any]) -> None:
    """I7, and I1 and I2 for the file: valid, and all that the document says of sources is in it."""
    disk.check_file()
    data = disk.path.read_bytes()
    nbformat.validate(nbformat.reads(data.decode(), as_version=4))
    value = notebook_file.load(data)
    sources = {cell.id: cell.source for cell in value.cells}
    ledger.check("the file", [cell.id for cell in value.cells], sources)
    if sources != {cell: values["source"] for cell, values in dump["maps"].items()}:
        raise PromiseBroken("I3", "the file says something else than the document")


def check_idle(dump: Mapping[str, Any]) -> None:
    """I4: nothing waits or runs."""
    busy = [
        cell
        for cell, values in dump["maps"].items()
        if values.get("state", "idle") != "idle" or values.get("queued") is not None
    ]
    if busy or dump["queue"]:
        raise PromiseBroken("I4", f"{busy or dump['queue']} wait or run for ever")


def check_outputs(dump: Mapping[str, Any], processes: Sequence[Process]) -> None:
    """I5: each cell's lines come from one execution of this cell, in order, and all of them unless it is said."""
    for cell, values in dump["maps"].items():
        outputs = values.get("outputs") or []
        text = "".join(output.get("text", "") for output in outputs if output["output_type"] == "stream")
        remarked = any(remark in json.dumps(outputs) for remark in REMARKS)
        lines = [found.groups() for found in LINE.finditer(text)]
        if not lines:
            continue
        sources = {(process, count, whose) for process, count, whose, _ in lines}
        if len(sources) > 1 or lines[0][2] != cell:
            raise PromiseBroken("I5", f"{cell} shows output of {sorted(sources)}")
        process, count = int(lines[0][0]), int(lines[0][1])
        numbers = [int(number) for *_, number in lines]
        whole = processes[process - 1].printed.get(count, len(numbers))
        wanted = list(range(whole))
        if numbers != wanted and not (remarked and numbers == sorted(set(numbers))):
            raise PromiseBroken("I5", f"{cell} shows lines {numbers} of {whole}")
        if values["execution_count"] not in (count, None):
            raise PromiseBroken(
                "I5", f"{cell} shows lines of run {count} and the count {values['execution_count']}"
            )
