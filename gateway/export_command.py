"""``ganimede export``: a notebook as a script or as one HTML file, from the terminal.

0: written. 2: it could not be, for the reason said.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen

import platformdirs

from actors.boot import is_open
from actors.disk import in_words
from actors.state_folders import state_folder
from gateway import rendezvous
from gateway.export.book import Book
from gateway.export.formats import FORMATS, Exported, Format, export
from gateway.export.page import NotBuilt
from gateway.setting_values import StartError, folder
from gateway.settings import Parser
from gateway.terminal import end_process
from protocol import notebook_file
from protocol.notebook_file import NotebookFileError
from protocol.seed import arrange

REFUSED: Final = 2
# Seconds for a server that has the notebook open.
WITHIN: Final = 150.0


def export_command(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
    """Ends the process where something cannot be done."""
    try:
        asked = _parser().parse_args(argv)
        path = Path(asked.notebook)
        made = _exported(path, asked.to, _state_dir(asked.state_dir, os.environ if environ is None else environ))
        _write(made, path, asked.out)
    except StartError as error:
        end_process(f"ganimede: {error}", REFUSED)


def _parser() -> argparse.ArgumentParser:
    formats = "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
    parser = Parser(
        prog="ganimede export",
        description="Write a notebook as a file for people who have no Ganimede. If a server has it open, what "
        "people see there is written, saved or not.",
        epilog="Nothing in the HTML loads from elsewhere, and nothing that a notebook holds runs in it.",
        allow_abbrev=False,
    )
    parser.add_argument("notebook", metavar="FILE")
    parser.add_argument(
        "--to", metavar="FORMAT", choices=FORMATS, default="document", help=f"{formats} [document]"
    )
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="write there, over what is there; - for standard output "
        "[beside the notebook, if no such file is there yet]",
    )  # fmt: skip
    parser.add_argument("--state-dir", metavar="FOLDER", help="where the journals live [GANIMEDE_STATE_DIR]")
    return parser


def _state_dir(told: str | None, environ: Mapping[str, str]) -> Path:
    told = told or environ.get("GANIMEDE_STATE_DIR")
    if told:
        return folder(told, "--state-dir")
    return Path(platformdirs.user_state_dir("ganimede", appauthor=False))


def _exported(path: Path, to: Format, state_dir: Path) -> Exported:
    if not path.is_file():
        raise StartError(f"There is no notebook {path}.")
    try:
        taken = is_open(path, state_dir)
    except (OSError, RuntimeError):
        taken = False  # then nobody can have it open there
    if taken:
        address = rendezvous.find(state_folder(state_dir, path))
        if address is None:
            raise StartError(
                f"{path.name} is open in a server that cannot be reached: save it there, then stop it."
            )
        return _fetched(address, to)
    try:
        notebook = arrange(notebook_file.load(path.read_bytes()))
        return export(Book(notebook, path.stem, path.absolute().parent, lambda _: None), to)
    except NotebookFileError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"{path} cannot be read: {in_words(error)}.") from None
    except NotBuilt:
        raise StartError("The page was not built when Ganimede was installed: only --to script works.") from None


def _fetched(address: str, to: Format) -> Exported:
    """``address``: with the token in it, as the server left it for this user."""
    parts = urlsplit(address)
    token = parse_qs(parts.query).get("token", [""])[0]
    request = Request(f"http://{parts.netloc}/export?to={to}")  # a server of this machine speaks nothing else
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(request, timeout=WITHIN) as answer:  # noqa: S310 - the scheme is in the line above
            name = unquote(answer.headers["Content-Disposition"].rpartition("''")[2])
            return Exported(name, answer.headers["Content-Type"], answer.read())
    except HTTPError as error:
        raise StartError(
            error.read().decode(errors="replace").strip() or f"The server said {error.code}."
        ) from None
    except (OSError, HTTPException) as error:
        why = in_words(error) if isinstance(error, OSError) else str(error)
        raise StartError(f"The server that has the notebook open does not answer: {why}.") from None


def _write(made: Exported, notebook: Path, out: str | None) -> None:
    if out == "-":
        sys.stdout.buffer.write(made.body)
        sys.stdout.flush()
        return
    target = notebook.with_name(made.name) if out is None else Path(out)
    if out is None and target.exists():
        raise StartError(f"{target} is there already: name a file with --out, which may be the same one.")
    try:
        if target.exists() and target.samefile(notebook):
            raise StartError("That is the notebook itself.")
        _replace(target, made.body)
    except OSError as error:
        raise StartError(f"{target} cannot be written: {in_words(error)}.") from None
    sys.stdout.write(f"Written: {target} ({len(made.body) / 1000:,.0f} kB)\n")


def _replace(target: Path, body: bytes) -> None:
    """Whole or not at all; what is no ordinary file (a pipe, /dev/null) is written into."""
    if target.exists() and not target.is_file():
        target.write_bytes(body)
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~mask)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
