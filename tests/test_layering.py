"""The laws of the house: who may import whom, how long a module may be, where everything may be caught."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("protocol", "actors", "gateway")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAY_IMPORT = {
    "protocol": {"protocol", "msgspec", "pycrdt", "nbformat"},
    "actors": {"protocol", "actors", "msgspec", "trio", "zmq", "jupyter_client", "traitlets"},
}
# Clocks, randomness and everything that reaches outside the process.
IMPURE = {
    "time", "random", "secrets", "os", "io", "socket", "pathlib", "subprocess", "threading", "multiprocessing",
    "signal", "tempfile", "shutil", "sqlite3", "asyncio", "selectors", "ssl", "urllib", "http", "uuid", "datetime",
    "logging", "ctypes", "fcntl", "glob",
}  # fmt: skip
ACTORS = ("sync_hub", "notebook", "kernel", "checkpointer")
FORBIDDEN_NAMES = ("utils", "helpers", "base", "manager")
# The supervisor, the guard of one connection of the y-websocket listener, and the fence round pycrdt.
MAY_CATCH_ALL = {
    ("actors/supervisor.py", "incarnation"),
    ("gateway/sync_listener.py", "guarded"),
    ("protocol/document.py", "fence"),
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> set[str]:
    """Full names of everything imported anywhere in the module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def top(module: str) -> str:
    return module.split(".")[0]


def module_of(path: Path) -> str:
    return name(path).removesuffix(".py").replace("/", ".")


def broad_excepts(path: Path) -> Iterator[tuple[str, int]]:
    """(function, line) of each handler that catches everything and does not raise it again as its last act."""

    def visit(node: ast.AST, function: str) -> Iterator[tuple[str, int]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.ExceptHandler) and catches_all(node.type) and not raises_again(node):
            yield function, node.lineno
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function)

    yield from visit(ast.parse(path.read_text()), "")


def catches_all(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(catches_all, kind.elts))
    return kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@pytest.mark.parametrize("path", [p for p in MODULES if name(p).startswith("protocol/")], ids=name)
def test_protocol_imports_nothing_that_waits_or_reaches_outside(path: Path) -> None:
    for module in imports(path):
        assert top(module) in MAY_IMPORT["protocol"] | set(sys.stdlib_module_names), module
        assert top(module) not in IMPURE, module


@pytest.mark.parametrize("path", [p for p in MODULES if name(p).startswith("actors/")], ids=name)
def test_actors_never_import_the_gateway(path: Path) -> None:
    for module in imports(path):
        assert top(module) in MAY_IMPORT["actors"] | set(sys.stdlib_module_names), module


@pytest.mark.parametrize("actor", ACTORS)
def test_actors_never_import_one_another(actor: str) -> None:
    """Not even through a module that they own: they meet in messages and in system.py."""
    others = {f"actors.{other}" for other in ACTORS if other != actor}
    seen: set[str] = set()
    waiting = [f"actors.{actor}"]
    while waiting:
        module = waiting.pop()
        path = ROOT / (module.replace(".", "/") + ".py")
        if module in seen or not path.exists():
            continue
        seen.add(module)
        for found in imports(path):
            owner = found if (ROOT / (found.replace(".", "/") + ".py")).exists() else found.rpartition(".")[0]
            assert owner not in others, f"{module} imports {owner}"
            if top(owner) == "actors":
                waiting.append(owner)


def test_actors_are_where_this_test_believes() -> None:
    assert all((ROOT / "actors" / f"{actor}.py").exists() for actor in ACTORS)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_is_long_or_has_a_name_that_says_nothing(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in FORBIDDEN_NAMES


def test_everything_is_caught_in_three_places_only() -> None:
    found = {(name(path), function) for path in MODULES for function, _ in broad_excepts(path)}
    assert found == MAY_CATCH_ALL


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n try: pass\n except Exception: pass", [("f", 3)]),
        ("def f():\n try: pass\n except (OSError, BaseException) as e: print(e)", [("f", 3)]),
        ("try: pass\nexcept: pass", [("", 2)]),
        ("try: pass\nexcept OSError: pass", []),
        ("try: pass\nexcept BaseException:\n clean()\n raise", []),
    ],
)
def test_broad_excepts_are_found(source: str, expected: list[tuple[str, int]], tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert list(broad_excepts(path)) == expected
