"""``ganimede run``: a notebook's cells from the terminal, with an exit code for scripts.

0: all went well. 1: a cell failed, or did not run. 2: it could not begin, for the reason said. 130: interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from gateway.client import ClientError
from gateway.client_document import Cell
from gateway.headless import CellReport, Report, Wanted, run_notebook
from gateway.setting_values import SettingError, StartError
from gateway.settings import Parser, from_arguments
from gateway.terminal import end_process
from protocol import parameters
from protocol.parameters import ParameterError
from protocol.wire import RunFields

CODES: Final = {"ok": 0, "error": 1, "interrupted": 130}
REFUSED: Final = 2
_SIGNS: Final = {"ok": ("✓", "green"), "not run": ("–", "dim"), "interrupted": ("✗", "yellow")}
_LINE: Final = 48


def run_command(argv: Sequence[str]) -> None:
    """Ends the process."""
    try:
        asked, wanted = _wanted(argv)
        console = Console(stderr=True, highlight=False)
        with _Terminal(console) as terminal:
            report = trio.run(run_notebook, wanted, terminal)
    except (StartError, ParameterError, ClientError) as error:
        end_process(f"ganimede: {error}", REFUSED)
    except KeyboardInterrupt:
        end_process("ganimede: interrupted before it began.", CODES["interrupted"])
    if asked.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
        sys.stdout.flush()
    _sum_up(console, report)
    sys.exit(CODES[report.status])


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="ganimede run",
        description="Run a notebook's cells in the order in which one reads, and save it. If a server has it "
        "open, it runs there.",
        epilog="Exit codes: 0 all went well, 1 a cell failed or did not run, 2 it could not begin, "
        "130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument("notebook", metavar="FILE")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--cell", metavar="ID", help="this cell alone")
    which.add_argument("--tissue", metavar="ID", help="the cells of the tissue that this cell is, or is in")
    which.add_argument("--from", dest="start", metavar="ID", help="this cell and all that follow")
    parser.add_argument("--out", metavar="FILE", type=Path, help="save there, and leave the notebook as it is")
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[], help="a parameter, as papermill has them"
    )
    parser.add_argument("--timeout", metavar="SECONDS", type=_seconds, help="the longest that a cell may run")
    parser.add_argument("--allow-errors", action="store_true", help="go on behind a cell that fails")
    parser.add_argument("--json", action="store_true", help="what became of each cell, on standard output")
    parser.add_argument("--kernel", metavar="NAME", help="run with this kernel instead of the notebook's own")
    parser.add_argument("--state-dir", metavar="FOLDER", help="where the journals live [GANIMEDE_STATE_DIR]")
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
        if 0 < value <= 30 * 24 * 3600:
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")


def _wanted(argv: Sequence[str]) -> tuple[argparse.Namespace, Wanted]:
    asked = _parser().parse_args(argv)
    more = [f"--kernel={asked.kernel}"] if asked.kernel else []
    more += [f"--state-dir={asked.state_dir}"] if asked.state_dir else []
    settings = from_arguments([asked.notebook, "--no-open", "--sync-port=off", *more])
    if not settings.notebook.is_file():
        raise SettingError(f"There is no notebook {asked.notebook}.")
    if asked.cell:
        run = RunFields("cells", cells=(asked.cell,))
    elif asked.tissue:
        run = RunFields("tissue", asked.tissue)
    elif asked.start:
        run = RunFields("below", asked.start)
    else:
        run = RunFields("all")
    run = msgspec.structs.replace(run, stop_on_error=not asked.allow_errors, cell_seconds=asked.timeout)
    given = dict(map(parameters.parse, asked.param))
    settings = msgspec.structs.replace(settings, headless=True)
    return asked, Wanted(settings, run, asked.out, given, asked.allow_errors)


class _Terminal:
    """A line for each cell that ended; on a terminal a bar below them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> _Terminal:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def note(self, sentence: str) -> None:
        self._console.print(Text(sentence, "dim"))

    def begin(self, cells: Sequence[str]) -> None:
        self._numbers = {cell_id: number for number, cell_id in enumerate(cells, 1)}
        self._task = self._progress.add_task("", total=len(cells))

    def cell_begins(self, cell: Cell) -> None:
        if self._task is not None:
            self._progress.update(self._task, description=_first_line(cell.source)[:30])

    def cell_ends(self, cell: Cell, report: CellReport) -> None:
        if self._task is not None:
            self._progress.advance(self._task)
        sign, style = _SIGNS.get(report.status, ("✗", "red"))
        if report.expected:
            sign, style = _SIGNS["ok"]
        took = "" if report.seconds is None else _took(report.seconds)
        words = "" if report.status == "ok" else "failed as expected" if report.expected else _words(report)
        count = len(self._numbers)
        number = f"{self._numbers[cell.id]:>{len(str(count))}}/{count}"
        line = Text.assemble(
            (f"{sign} ", style), (f"{number}  ", "dim"), f"{_first_line(cell.source):<{_LINE}}  ",
            (f"{took:>8}  ", "dim"), (words, style),
        )  # fmt: skip
        line.rstrip()
        self._console.print(line, soft_wrap=True)
        trace = (report.error or {}).get("traceback")
        if isinstance(trace, list) and not report.expected:
            self._console.print(Text.from_ansi("\n".join(map(str, trace))), soft_wrap=True)


def _took(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.1f} s"


def _first_line(source: str) -> str:
    line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"


def _words(report: CellReport) -> str:
    error = report.error or {}
    said = f"{error.get('ename')}: {error.get('evalue')}" if error.get("ename") else ""
    return {"error": said or "failed", "died": said or "the kernel died", "time limit": "over its time limit"}.get(
        report.status, report.status or "failed"
    )


def _sum_up(console: Console, report: Report) -> None:
    bad = [cell for cell in report.cells if cell.status not in ("ok", "not run") and not cell.expected]
    left = sum(cell.status == "not run" for cell in report.cells)
    words = [f"{sum(cell.status == 'ok' or cell.expected for cell in report.cells)} ran"]
    words += [f"{len(bad)} failed"] if bad else []
    words += [f"{left} did not run"] if left else []
    style = {"ok": "green", "interrupted": "yellow"}.get(report.status, "red")
    told = "Nothing was to be run" if not report.cells else ", ".join(words)
    console.print(Text(f"{told} in {report.seconds:.1f} s; saved in {report.notebook}.", style), soft_wrap=True)
