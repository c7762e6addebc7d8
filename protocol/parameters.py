"""Parameters of a run, as papermill has them: a cell tagged ``parameters`` holds the defaults, and one tagged
``injected-parameters`` behind it what this run wants instead.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from protocol.selection import tags_of
from protocol.values import CellValue

DEFAULTS, INJECTED = "parameters", "injected-parameters"

Value: TypeAlias = "None | bool | int | float | str | list[Value] | dict[str, Value]"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ParameterError(Exception):
    """A sentence for the person who gave it."""


def parse(text: str) -> tuple[str, Value]:
    """``name=value``: the value as JSON (``true``, ``[1, 2]``), else as a Python literal, else as text."""
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise ParameterError(f"A parameter is given as name=value, not as {text!r}.")
    for read in (json.loads, ast.literal_eval):
        try:
            found: Value = read(value)
            json.dumps(found)  # sets, bytes and complex numbers have no form in other languages
            return name, found
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return name, value


def source_of(parameters: Mapping[str, Value], language: str) -> str:
    """The code of the injected cell. Raises :class:`ParameterError` for a language that is not known here."""
    assign = _LANGUAGES.get(language.lower())
    if assign is None:
        known = ", ".join(sorted({name for name in _LANGUAGES if name != "ir"}))
        raise ParameterError(f"Parameters can be given to notebooks in {known}; this one is in {language}.")
    return "\n".join(["# Parameters", *(assign(name, value) for name, value in parameters.items())])


def place_of(cells: Sequence[CellValue]) -> tuple[CellValue | None, str | None]:
    """The cell injected by an earlier run, if any, and else behind which cell it goes (None: before all)."""
    earlier = next((cell for cell in cells if INJECTED in tags_of(cell.metadata)), None)
    after = next((cell.id for cell in cells if DEFAULTS in tags_of(cell.metadata)), None)
    return earlier, after


def _python(value: Value) -> str:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f"float({str(value)!r})"
    if isinstance(value, list):
        return f"[{', '.join(map(_python, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_python(each)}' for key, each in value.items())}}}"
    return repr(value)


def _r(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, list):
        return f"list({', '.join(map(_r, value))})"
    if isinstance(value, dict):
        return f"list({', '.join(f'{json.dumps(key)} = {_r(each)}' for key, each in value.items())})"
    return json.dumps(value, ensure_ascii=False)


def _julia(value: Value) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_julia, value))}]"
    if isinstance(value, dict):
        pairs = (f"{_julia(key)} => {_julia(each)}" for key, each in value.items())
        return f"Dict({', '.join(pairs)})"
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("$", "\\$") if isinstance(value, str) else text


def _bash(value: Value) -> str:
    if isinstance(value, str):
        return shlex.quote(value)
    return shlex.quote("" if value is None else json.dumps(value, ensure_ascii=False))


_LANGUAGES: dict[str, Callable[[str, Value], str]] = {
    "python": lambda name, value: f"{name} = {_python(value)}",
    "r": lambda name, value: f"{name} = {_r(value)}",
    "julia": lambda name, value: f"{name} = {_julia(value)}",
    "bash": lambda name, value: f"{name}={_bash(value)}",
}
