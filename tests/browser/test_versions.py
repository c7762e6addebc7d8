"""What the notebook was before is a press away."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.system.support import code_cell


@pytest.mark.e2e
def test_a_version_is_brought_back_for_everybody_and_so_is_what_was_there_before(scene: Scene) -> None:
    ada, bob = scene.two(scene.notebook(code_cell("one", "first")))
    ada.edit("one")
    ada.press("Control+End")
    ada.type(" and more")
    bob.until_text("one", "first and more")
    ada.button("Versions").click()
    listed = ada.page.get_by_role("region", name="Versions").get_by_role("listitem")
    ada.button("Restore", listed.filter(has_text="As it was opened")).click()
    for person in (ada, bob):
        person.until_text("one", "first")
    before = listed.filter(has_text="Before a restore")
    expect(before).to_have_count(1)
    ada.button("Restore", before).click()
    for person in (ada, bob):
        person.until_text("one", "first and more")
