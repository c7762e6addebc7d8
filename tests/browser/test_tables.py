"""Tables as pandas writes them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.system.support import code_cell


def html(rows: int, columns: int) -> str:
    head = "".join(f"<th>c{n}</th>" for n in range(columns))
    body = "".join(
        f"<tr><th>{row}</th>" + "".join(f"<td>{(row * 7 + n) % rows}</td>" for n in range(columns)) + "</tr>"
        for row in range(rows)
    )
    style = "<style scoped>\n    .dataframe tbody tr th {\n        vertical-align: top;\n    }\n</style>"
    return f'<div>{style}<table border="1" class="dataframe"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def shown(rows: int, columns: int) -> dict[str, object]:
    data = {"text/html": html(rows, columns), "text/plain": "a table"}
    output = {"output_type": "execute_result", "execution_count": 1, "data": data, "metadata": {}}
    return code_cell("t", "table", outputs=[output], execution_count=1)


@pytest.mark.e2e
def test_a_table_sorts_by_keyboard_and_keeps_its_head_and_labels_in_sight(scene: Scene) -> None:
    ada = scene.person(scene.notebook(shown(50, 20)), "ada")
    table = ada.sees("t").get_by_role("group", name="Table of 50 rows")
    expect(table).to_be_visible()
    table.get_by_role("button", name="Sort by c0", exact=True).press("Enter")
    expect(table.locator("tbody tr").first.locator("td").first).to_have_text("0")
    expect(table.locator("th[aria-sort=ascending]")).to_have_text("c0")
    table.evaluate("it => it.scrollTo(400, 300)")
    inside = """it => {
      const outer = it.getBoundingClientRect();
      const seen = (cell) => {
        const { left, top } = cell.getBoundingClientRect();
        return Math.round(left - outer.left) + ' ' + Math.round(top - outer.top);
      };
      const rows = [...it.querySelectorAll('tbody tr')];
      const label = rows.find((row) => row.getBoundingClientRect().top > outer.top + 60).cells[0];
      return [seen(it.querySelector('thead')).split(' ')[1], seen(label).split(' ')[0]];
    }"""
    assert table.evaluate(inside) == ["0", "0"]


@pytest.mark.e2e
def test_a_table_of_ten_thousand_rows_sorts(scene: Scene) -> None:
    ada = scene.person(scene.notebook(shown(10_000, 3)), "ada")
    table = ada.sees("t").get_by_role("group", name="Table of 10000 rows")
    expect(table).to_be_visible()
    table.get_by_role("button", name="Sort by c1").click()
    table.get_by_role("button", name="Sort by c1").click()
    expect(table.locator("tbody tr").first.locator("td").nth(1)).to_have_text("9999")
