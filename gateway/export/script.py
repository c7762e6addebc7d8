"""A notebook as a program in its own language: cells behind ``# %%``, as editors know them, prose as comments."""

from __future__ import annotations

from IPython.core.inputtransformer2 import TransformerManager

from gateway.export.book import Book
from protocol.selection import SKIP, tags_of
from protocol.values import CellValue

# What a line of comment begins with, by the names that kernels give their languages.
_COMMENTS = {
    "//": "c c++ cpp csharp c# dart f# go groovy java javascript kotlin php rust scala swift typescript",
    "--": "ada elm haskell lua sql",
    "%": "erlang latex matlab octave prolog",
    ";": "clojure lisp scheme",
    "!": "fortran",
}
_COMMENT = {name: sign for sign, names in _COMMENTS.items() for name in names.split()}
_EXTENSIONS = {"python": ".py", "r": ".r", "julia": ".jl", "bash": ".sh", "javascript": ".js"}
# Python's own names for itself: what these print is also Python.
_PYTHON = frozenset({"python", "ipython", "python3"})


def extension(book: Book) -> str:
    """With its dot; what a notebook says of itself is no path."""
    told = book.language.get("file_extension")
    if isinstance(told, str) and told[:1] == "." and 1 < len(told) <= 12 and told[1:].isalnum():
        return told
    return _EXTENSIONS.get(_name(book), ".txt")


def script(book: Book) -> str:
    """Magics become the calls that IPython makes of them; cells that are not to run become comments."""
    sign = _COMMENT.get(_name(book), "#")
    parts = [f"{sign} {book.title}"]
    parts += [_part(cell, sign, _name(book)) for cell in book.cells if cell.source.strip()]
    return "\n\n".join(parts) + "\n"


def _name(book: Book) -> str:
    return str(book.language["name"]).lower()


def _part(cell: CellValue, sign: str, language: str) -> str:
    if cell.type != "code":
        return f"{sign} %% [{cell.type}]\n{_comment(cell.source, sign)}"
    if SKIP in tags_of(cell.metadata):
        return f'{sign} %% tags=["{SKIP}"]\n{_comment(cell.source, sign)}'
    return f"{sign} %%\n{_runnable(cell.source, language)}"


def _comment(text: str, sign: str) -> str:
    return "\n".join(f"{sign} {line}".rstrip() for line in text.splitlines())


def _runnable(source: str, language: str) -> str:
    if language not in _PYTHON:
        return source.rstrip("\n")
    try:
        plain: str = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
    except SyntaxError:
        plain = source  # as it is: a person sees what is wrong with it
    return plain.rstrip("\n")
