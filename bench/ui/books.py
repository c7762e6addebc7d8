"""The notebooks that are opened, the same bytes by every page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.system.support import code_cell, markdown_cell, write_notebook

SOURCE = """\
def step_{n}(signal, width={n}):
    # a moving average, and what is left of it
    found = []
    for i in range(len(signal)):
        around = signal[max(0, i - width) : i + width + 1]
        found.append(sum(around) / len(around))
    return [each - mean for each, mean in zip(signal, found)]

print(step_{n}(range({n} + 10)))"""
# Else JupyterLab asks for one in a dialogue.
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
# In columns of twenty on our canvas; JupyterLab has them one below the other.
COLUMN = 20


def notebook(path: Path, count: int) -> Path:
    """Code with outputs, and every fifth cell a text."""
    cells: list[dict[str, Any]] = []
    for n in range(count):
        column, row = divmod(n, COLUMN)
        place = {"gm": {"left": column * 680, "top": row * 320, "width": 600, "height": 280}}
        if n % 5 == 0:
            cells.append(markdown_cell(f"cell{n:04}", f"## Step {n}\n\nSome *words* about it.", metadata=place))
        else:
            said = [{"output_type": "stream", "name": "stdout", "text": f"{list(range(n % 30))}\n"}]
            cells.append(
                code_cell(f"cell{n:04}", SOURCE.format(n=n), metadata=place, outputs=said, execution_count=n)
            )
    # With no edges but also no first layout of the server's: these places are the person's.
    return write_notebook(path, *cells, metadata={"gm": {"np_graph": {}, "pc_graph": {}}, "kernelspec": KERNEL})


def long_output(path: Path, size: int) -> Path:
    """``size`` bytes of text in one output, between two small cells."""
    line = "".join(chr(97 + n % 26) for n in range(99)) + "\n"
    said = [{"output_type": "stream", "name": "stdout", "text": line * (size // len(line))}]
    return write_notebook(
        path,
        code_cell("cell0000", "1 + 1"),
        code_cell("cell0001", "print(everything)", outputs=said, execution_count=1),
        code_cell("cell0002", "2 + 2"),
    )


def plain(path: Path, count: int) -> Path:
    """What the machine does with the same text and no program."""
    boxes = (
        f'<pre class="baseline" style="position:absolute;left:{n // COLUMN * 680}px;top:{n % COLUMN * 320}px;'
        f'width:600px">{SOURCE.format(n=n)}</pre>'
        for n in range(count)
    )
    path.write_text(f"<!doctype html><title>plain</title><body>{''.join(boxes)}")
    return path
