"""``ganimede state list | show | rm``: the journals of unsaved work, for the person whose disk they lie on."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import platformdirs

from actors.disk import LockTaken, in_words
from actors.state_folders import About, about, folders, remove, state_folder
from gateway.setting_values import StartError, folder
from gateway.settings import Parser

_SHORT = 8  # digits of an id that lists show


def state_command(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
    """Raises :class:`StartError` with one sentence for what cannot be done."""
    given = _parser().parse_args(argv)
    told = given.state_dir or (os.environ if environ is None else environ).get("GANIMEDE_STATE_DIR")
    default = platformdirs.user_state_dir("ganimede", appauthor=False)
    state_dir = folder(told, "--state-dir") if told else Path(default)
    try:
        given.run(state_dir, given)
    except BrokenPipeError:  # whoever reads has seen enough; what is left must not fail again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise StartError(f"The state folder {state_dir} cannot be used: {in_words(error)}.") from None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="ganimede state",
        description="The journals of notebooks. A journal holds what is not in the file yet, also text that was "
        "deleted since, and stays when its notebook is gone.",
        allow_abbrev=False,
    )
    where = "where the journals live [GANIMEDE_STATE_DIR]"
    parser.add_argument("--state-dir", metavar="FOLDER", help=where)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list | show | rm")

    def verb(name: str, run: Callable[[Path, argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        made.set_defaults(run=run)
        # Also behind the verb, where people look for it.
        made.add_argument("--state-dir", metavar="FOLDER", default=argparse.SUPPRESS, help=where)
        return made

    listing = verb("list", _list, "Every journal, the one that changed last first.")
    showing = verb("show", _show, "One journal in detail.")
    removing = verb("rm", _remove, "Delete a journal with everything that was set aside beside it.")
    for each in (showing, removing):
        each.add_argument("notebook", metavar="NOTEBOOK_OR_ID", help="a notebook's file, or an id that list shows")
    for each in (listing, showing):
        each.add_argument("--json", action="store_true", help="for programs")
    removing.add_argument("--yes", action="store_true", help="do not ask, even if there is unsaved work")
    return parser


# -------------------------------------------------------------------------------------------------------- verbs


def _list(state_dir: Path, given: argparse.Namespace) -> None:
    found = []
    for each in folders(state_dir):
        with suppress(FileNotFoundError):  # deleted meanwhile
            found.append(about(each))
    found.sort(key=lambda it: it.changed, reverse=True)
    if given.json:
        _write(json.dumps([_plain(it) for it in found], indent=2))
    elif not found:
        _write(f"There are no journals in {state_dir}.")
    else:
        rows = [(it.folder.name[:_SHORT], human_size(it.size), human_age(time.time() - it.changed),
                 it.epoch[:_SHORT] or "?", _work(it), "no" if it.open_in is None else "yes", _notebook(it))
                for it in found]  # fmt: skip
        _write(_table(("ID", "SIZE", "CHANGED", "EPOCH", "WORK", "OPEN", "NOTEBOOK"), rows))


def _show(state_dir: Path, given: argparse.Namespace) -> None:
    it = about(_find(state_dir, given.notebook))
    if given.json:
        _write(json.dumps(_plain(it), indent=2))
    else:
        _write(_details(it))


def _details(it: About) -> str:
    lines = [
        ("Notebook", _notebook(it)),
        ("Journal", str(it.folder)),
        ("Work", _work(it)),
        ("Open", "no" if it.open_in is None else f"in a server {f'({it.open_in})' if it.open_in else ''}".strip()),
        ("Size", human_size(it.size)),
        ("Last change", f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(it.changed))}, "
                        f"{human_age(time.time() - it.changed)}"),
    ]  # fmt: skip
    if it.trouble:
        lines.append(("Damaged", f"{it.trouble}; opening the notebook keeps what can be read"))
    else:
        lines += [
            ("Snapshot", human_size(it.snapshot_bytes)),
            ("Updates since", f"{it.updates} ({human_size(it.update_bytes)})"),
            ("Queued runs", str(it.queued)),
            ("Versions kept", str(it.versions + sum(name.endswith(".ipynb") for name in it.others))),
            ("Large outputs", f"{it.values} ({human_size(it.value_bytes)})"),
            ("Epoch", it.epoch or "none yet"),
            ("Format", str(it.format)),
        ]
    lines += [("Set aside" if n == 0 else "", name) for n, name in enumerate(it.others)]
    width = max(len(name) for name, _ in lines) + 2
    return "\n".join(f"{name:{width}}{value}" for name, value in lines)


def _remove(state_dir: Path, given: argparse.Namespace) -> None:
    it = about(_find(state_dir, given.notebook))
    name = it.name or f"journal {it.folder.name[:_SHORT]}"
    if it.open_in is not None:
        raise StartError(_is_open(name, it.open_in))
    if not given.yes and (it.unsaved or it.trouble):
        what = (
            "cannot be read, so it may hold unsaved work" if it.trouble else "holds work that is not in its file"
        )
        raise StartError(f"The journal of {name} {what}: add --yes to delete it all the same.")
    if not given.yes and not _agreed(f"Delete the journal of {name} ({human_size(it.size)})? [y/N] "):
        raise StartError("Nothing was deleted.")
    try:
        remove(it.folder)
    except LockTaken as taken:  # opened while we asked
        raise StartError(_is_open(name, str(taken.args[0]))) from None
    _write(f"Deleted the journal of {name} ({human_size(it.size)}).")


def _is_open(name: str, where: str) -> str:
    return f"{name} is open in a Ganimede server{f' ({where})' if where else ''}: stop it first."


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise StartError("There is nobody to ask here: add --yes to delete without a question.")
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _find(state_dir: Path, wanted: str) -> Path:
    """The folder of a notebook's path or of an id or its beginning."""
    there = folders(state_dir)
    path = Path(wanted).expanduser()
    try:
        place = state_folder(state_dir, path)
    except (OSError, RuntimeError, ValueError):
        place = state_dir
    if place in there:
        return place
    if len(wanted) >= 4 and set(wanted) <= set("0123456789abcdef"):
        fitting = [each for each in there if each.name.startswith(wanted)]
        if len(fitting) > 1:
            raise StartError(f"{len(fitting)} journals have an id that begins with {wanted}: give more of it.")
        if fitting:
            return fitting[0]
    raise StartError(f"There is no journal of {wanted} in {state_dir}: `ganimede state list` shows all.")


# ------------------------------------------------------------------------------------------------- for reading


def _work(it: About) -> str:
    return "damaged" if it.trouble else "UNSAVED" if it.unsaved else "saved"


def _notebook(it: About) -> str:
    if not it.place:
        return "(not recorded)"
    return it.name if it.exists else f"{it.name} (gone)"


def _plain(it: About) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(
        msgspec.structs.replace(it, place=it.name), enc_hook=str, builtin_types=()
    )
    del plain["hashes"]
    named = {"id": it.folder.name, "notebook": plain.pop("place")}
    return named | plain | {"exists": it.exists, "open": it.open_in is not None}


def human_size(size: int) -> str:
    number = float(size)
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


def human_age(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s'[: count != 1]} ago"
    return "just now"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    )


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
