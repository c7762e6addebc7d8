"""Exports of plain values: what is in them, and what nobody gets into them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gateway.export.book import Book
from gateway.export.colours import terminal
from gateway.export.formats import FORMATS, Format, export
from gateway.export.outputs import LIVE, MISSING, output
from gateway.export.prose import prose
from gateway.export.sanitise import sanitise
from gateway.export.script import script
from protocol.blobs import carve_notebook
from protocol.seed import arrange
from protocol.values import CellValue, JsonObject, NotebookValue

pytestmark = pytest.mark.pure

CORPUS = json.loads((Path(__file__).parents[1] / "browser/hostile.json").read_text(encoding="utf-8"))
MIMES = {"html": "text/html", "svg": "image/svg+xml", "markdown": "text/markdown", "latex": "text/latex",
         "text": "text/plain", "javascript": "application/javascript", "image": "image/png"}  # fmt: skip
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def book(*cells: CellValue, folder: Path = Path("/nowhere"), blobs: Any = None, **more: Any) -> Book:
    notebook = arrange(NotebookValue(cells=cells, **more))
    return Book(notebook, "notes", folder, blobs or (lambda _: None))


def code(source: str, *outputs: JsonObject, name: str = "a", **more: Any) -> CellValue:
    return CellValue(id=name, type="code", source=source, outputs=outputs, **more)


def text(source: str, name: str = "m", **more: Any) -> CellValue:
    return CellValue(id=name, type="markdown", source=source, **more)


def shown(data: JsonObject) -> str:
    return output({"output_type": "display_data", "data": data, "metadata": {}}, lambda _: None)


def made(it: Book, to: Format) -> str:
    return export(it, to).body.decode()


class Danger(HTMLParser):
    """Everything in a page that could run, load or send, but for one script and its data, which are ours."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag in (
            "iframe",
            "object",
            "embed",
            "form",
            "base",
            "link",
            "svg",
            "input",
            "button",
            "frame",
            "template",
        ):
            self.found.append(tag)
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or name in ("srcset", "srcdoc", "formaction", "action", "ping", "background"):
                self.found.append(f"{tag} {name}")
            if name in ("src", "poster", "data") and not address.startswith("data:"):
                self.found.append(f"{tag} {name}={value}")
            scheme = re.match(r"[\s\x00-\x1f]*([a-z][a-z0-9+.-]*):", address)
            if name in ("href", "xlink:href") and scheme and scheme[1] not in ("http", "https", "mailto"):
                self.found.append(f"{tag} {name}={value}")
            if name == "style" and re.search(r"url|expression|position|@import|\\", address):
                self.found.append(f"{tag} {name}={value}")


def dangers(page: str) -> Danger:
    parser = Danger()
    parser.feed(page)
    return parser


# -------------------------------------------------------------------------------------------------------- nobody's

SAMPLES = [(kind, name) for kind in CORPUS if kind in MIMES for name in CORPUS[kind]]


@pytest.mark.parametrize(("kind", "name"), SAMPLES, ids=[f"{kind}: {name}" for kind, name in SAMPLES])
def test_nothing_that_a_notebook_holds_runs_or_loads_in_an_export(kind: str, name: str) -> None:
    value = CORPUS[kind][name]
    value = f"{'<div>' * 2000}<img src=x onerror=RUN>" if value == "DEEP" else value
    if isinstance(value, str):
        value = value.replace("RUN", "window.pwned=1").replace("HOST", "host.example")
    cells = [code("x", {"output_type": "display_data", "data": {MIMES[kind]: value}, "metadata": {}})]
    if kind in ("html", "markdown"):
        cells.append(text(value))
    it = book(*cells)
    found = dangers(made(it, "document"))
    assert found.found == []
    assert found.scripts == 0
    found = dangers(made(it, "canvas"))
    assert found.found == []
    assert found.scripts == 2, "our data and our script"


@pytest.mark.parametrize(
    "name", ["</title><script>window.pwned=1</script>", '"><img src=x onerror=alert(1)>', "</script>"]
)
def test_names_and_ids_are_words_and_no_markup(name: str) -> None:
    cell = code("1", name=name)
    notebook = NotebookValue(cells=(cell,), metadata={"language_info": {"name": name, "file_extension": name}})
    it = Book(arrange(notebook), name, Path("/nowhere"), lambda _: None)
    for to in ("document", "canvas"):
        found = dangers(made(it, to))
        assert found.found == []
        assert found.scripts == (2 if to == "canvas" else 0)
    assert export(it, "script").name == f"{name}.txt"


def test_the_files_own_policy_knows_one_script_and_no_other_host() -> None:
    for to, scripts in (("document", "script-src 'none'"), ("canvas", "script-src 'sha256-")):
        page = made(book(code("1")), to)  # type: ignore[arg-type]
        [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
        assert policy.startswith("default-src 'none'")
        assert scripts in policy
        assert "http" not in policy


# --------------------------------------------------------------------------------------------------------- scripts


def test_a_script_has_prose_as_comments_and_magics_as_calls() -> None:
    it = book(
        text("# Title\n\nwords", "t"), code("%matplotlib inline\nx = 1\n!ls", name="c"), code("", name="empty"),
        code("never()", name="s", metadata={"tags": ["skip-execution"]}), text("<raw>", "r"),
    )  # fmt: skip
    said = script(it)
    compile(said, "notes.py", "exec")
    assert "# %% [markdown]\n# # Title\n#\n# words\n" in said
    assert "get_ipython().run_line_magic('matplotlib', 'inline')\nx = 1\nget_ipython().system('ls')" in said
    assert '# %% tags=["skip-execution"]\n# never()' in said
    assert said.count("# %%") == 4


def test_a_script_is_in_the_notebooks_language() -> None:
    info = {"language_info": {"name": "C++17", "file_extension": ".cpp"}, "kernelspec": {}}
    assert export(book(code("int x;"), metadata=info), "script").name == "notes.cpp"
    js = {"language_info": {"name": "javascript", "file_extension": ".js"}}
    it = book(text("say"), code("%not a magic"), metadata=js)
    assert script(it) == "// notes\n\n// %% [markdown]\n// say\n\n// %%\n%not a magic\n"
    assert export(book(code("1"), metadata={"kernelspec": {"language": "R"}}), "script").name == "notes.r"


def test_code_that_is_no_python_stays_as_it_was_written() -> None:
    assert "# %%\nthis is ( no python" in script(book(code("this is ( no python")))


# ------------------------------------------------------------------------------------------------------------ pages


def test_cells_come_in_reading_order_and_headings_become_an_outline() -> None:
    cells = (text("## Second", "b"), code("two", name="c"), text("# First <b>bold</b>", "a"))
    page = made(book(*cells, np_graph={"a": ("b",)}, pc_graph={"b": ("c",)}), "document")
    assert [page.index(f'data-id="{name}"') for name in "abc"] == sorted(
        page.index(f'data-id="{name}"') for name in "abc"
    )
    assert re.findall(r'<a href="#([^"]*)">([^<]*)</a>', page) == [
        ("heading-1-1", "First bold"),
        ("heading-2-2", "Second"),
    ]
    assert '<h2 id="heading-1-1" class="h1">First <b>bold</b></h2>' in page
    assert page.count("<h1>") == 1


def test_the_same_notebook_gives_the_same_bytes() -> None:
    for to in FORMATS:
        assert export(book(text("# a"), code("1")), to).body == export(book(text("# a"), code("1")), to).body


def test_the_richest_form_that_runs_nothing_is_shown() -> None:
    assert "<table" in shown({"text/html": ["<table><tr><td>1</td></tr></table>"], "text/plain": "1"})
    plot = shown({"application/vnd.plotly.v1+json": {}, "image/png": PNG, "text/html": "<div></div>"})
    assert plot.startswith('<img alt="Image" src="data:image/png;base64,')
    widget = shown({"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "Slider"})
    assert LIVE in widget
    assert "Slider" in widget
    assert LIVE in shown({"application/vnd.vegalite.v5+json": {}})
    assert shown({"text/html": "<script>1</script>", "text/plain": "what it was"}) == (
        '<pre class="plain">what it was</pre>'
    )


def test_large_values_are_put_back_and_missing_ones_are_said_to_be(tmp_path: Path) -> None:
    held: dict[str, bytes] = {}
    big = code("x", {"output_type": "display_data", "data": {"image/png": PNG * 2000}, "metadata": {}})
    notebook = carve_notebook(NotebookValue(cells=(big,)), 1000, lambda blob: held.update({blob.name: blob.data}))
    assert held
    page = made(Book(arrange(notebook), "x", tmp_path, held.get), "document")
    assert len(page) > len(PNG) * 1000
    assert MISSING in made(Book(arrange(notebook), "x", tmp_path, lambda _: None), "document")


def test_images_beside_the_notebook_and_attached_ones_come_along(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a plot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    cell = text(
        "![one](sub/a%20plot.png) ![two](attachment:in.png) ![three](https://host.example/x.png) ![four](../x.png)",
        attachments={"in.png": {"image/png": PNG}},
    )
    page = made(book(cell, folder=tmp_path), "document")
    assert re.findall(r'<img[^>]*alt="(\w+)"', page) == ["one", "two", "three", "four"]
    assert page.count("data:image/png;base64,") == 2
    assert "host.example" not in page


def test_mathematics_is_mathml_and_what_is_none_stays_as_it_was_written() -> None:
    assert re.search(r"<math[^>]*>.*<mfrac>.*</math>", prose(r"$\frac{1}{2}$", lambda _: None))
    assert 'display="block"' in prose("$$\nx^2\n$$", lambda _: None)
    assert r"\frac{" in prose(r"$\frac{$", lambda _: None)
    assert r"<code>$a$</code>" in prose("`$a$`", lambda _: None)
    assert "costs $5 and $6" in prose("costs $5 and $6", lambda _: None)


def test_folded_parts_are_folded() -> None:
    said: JsonObject = {"output_type": "stream", "name": "stdout", "text": "out"}
    assert made(book(code("x", said, collapsed="b")), "document").count("<details>") == 2


def test_a_terminals_colours_are_classes_and_text_is_text() -> None:
    assert terminal("a \x1b[31;1m<b>\x1b[0m c") == 'a <span class="fg-1 bold">&lt;b&gt;</span> c'
    assert terminal("\x1b[38;2;1;2;3mx") == '<span style="color:#010203">x</span>'
    assert "\x1b" not in terminal("\x1b[31m" + "x" * 300_000)


def test_a_style_may_colour_and_not_leave_its_place() -> None:
    assert sanitise('<p style="color: red; position: fixed">x</p>') == '<p style="color:red">x</p>'
    assert "url" not in sanitise('<p style="background-color: url(https://host.example)">x</p>')
