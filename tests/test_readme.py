"""The README says what the code does."""

from __future__ import annotations

from pathlib import Path

from gateway.settings import render_table
from protocol.wire import METHODS

ROOT = Path(__file__).parent.parent


def test_the_readme_holds_the_table_of_settings_as_the_code_renders_it() -> None:
    readme = (ROOT / "README.md").read_text()
    assert render_table() in readme, "paste what gateway.settings.render_table() returns"


def test_the_specification_names_every_control_method() -> None:
    specification = (ROOT / "protocol" / "SPEC.md").read_text()
    for channel, method in METHODS:
        assert f"| {channel}.{method} |" in specification
