"""The page's types of the control messages are those of the server."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from protocol import typescript, wire

pytestmark = pytest.mark.pure

FILE = Path(__file__).resolve().parents[2] / "frontend/src/protocol.gen.ts"


def test_the_generated_file_is_what_the_tables_say() -> None:
    assert FILE.read_text() == typescript.render(), "stale: run `make format`"


def test_a_changed_table_makes_it_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    class RenameFields(msgspec.Struct, frozen=True):
        title: str
        folder: str | None = None

    before = typescript.render()
    monkeypatch.setitem(wire.METHODS, ("notebook", "rename"), wire.Method(RenameFields, "give it a name"))  # type: ignore[arg-type]
    after = typescript.render()
    assert after != before
    assert "'notebook.rename': { message: RenameFields; answer: Record<string, never> };" in after


def test_what_a_client_may_leave_out_is_optional_and_what_the_server_says_is_not() -> None:
    text = typescript.render()
    assert "export interface StartKernelFields {\n  name?: string;\n}" in text
    assert "export interface QueueCellFields {\n  cell_id: string;\n}" in text
    assert (
        "  status: 'not saved' | 'saved' | 'saving';\n  reason: string;\n" in text
    )  # Saving.reason has a default


def test_every_method_has_a_row() -> None:
    text = typescript.render()
    for channel, method in wire.METHODS:
        assert f"  '{channel}.{method}': {{ message: " in text


def test_a_type_without_a_counterpart_is_refused() -> None:
    with pytest.raises(TypeError, match="no TypeScript"):
        typescript._Interfaces().reference(msgspec.inspect.type_info(complex))
