import json
import logging
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.ids import ROOT_NAMES, is_valid_cell_id
from protocol.notebook_file import NotebookFileError, dump, load
from protocol.output_form import document_output, file_output
from protocol.values import MAX_DEPTH, CellValue, NotebookValue

pytestmark = pytest.mark.pure

TOUR = Path(__file__).parents[2] / "examples" / "tour.ipynb"


def as_bytes(notebook: object) -> bytes:
    return json.dumps(notebook).encode()


def notebook_of(*cells: object, minor: int = 5, **metadata: object) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def code_cell(*outputs: object, **keys: object) -> dict[str, Any]:
    base: dict[str, Any] = {"cell_type": "code", "id": "c", "metadata": {}, "source": "", "execution_count": None}
    return base | {"outputs": list(outputs)} | keys


def markdown_cell(**keys: object) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "text"} | keys


def display(**data: object) -> dict[str, Any]:
    bundle = {mime.replace("__", "/"): value for mime, value in data.items()}
    return {"output_type": "display_data", "data": bundle, "metadata": {}}


def nested(levels: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(levels - 1):
        inner = [inner]
    return inner


def parsed(data: bytes) -> Any:
    """The file's JSON, strictly: NaN and infinity are no JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(data, parse_constant=refuse)


def saved(notebook: dict[str, Any]) -> Any:
    """What is written when a file is opened and saved untouched, after checking all that must hold."""
    return parsed(assert_settled(load(as_bytes(notebook))))


def assert_settled(value: NotebookValue) -> bytes:
    """This value is saved as a valid file, reopens to itself, and saves to the same bytes."""
    data = dump(value)
    assert_valid(data)
    assert load(data) == value
    assert dump(load(data)) == data
    return data


def assert_valid(data: bytes) -> None:
    content = parsed(data)
    nbformat.validate(deepcopy(content))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    node = nbformat.reads(data.decode(), as_version=4)
    assert nbformat.writes(node) + "\n" == data.decode(), "not nbformat's own formatting"


# -------------------------------------------------------------------------------------------------- round trips

CANONICAL = notebook_of(
    markdown_cell(
        source=["# Title\n", "text"],
        attachments={"a.png": {"image/png": "iVBO"}, "b.svg": {"image/svg+xml": ["<svg>\n", "</svg>"]}},
        metadata={"tags": ["x", "y"], "foreign": {"deep": [1, 2.5, None, True, "é", "\u2028"]}},
    ),
    code_cell(
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two"]},
        {"output_type": "stream", "name": "stderr", "text": ["oh\n"]},
        {
            "output_type": "execute_result",
            "data": {
                "text/plain": ["1"],
                "text/html": ["<b>\n", "1</b>"],
                "text/markdown": ["*1*"],
                "application/json": {"a": [1, 1.5, [], {}]},
                "application/vnd.x+json": [["kept\n", "as it is\n"]],
                "application/javascript": ["alert(1)\n", "//"],
                "image/png": "iVBO\n",
            },
            "metadata": {"image/png": {"width": 10}},
            "execution_count": 3,
        },
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a\nb", "c"]},
        source=["x = 1\n", "x"],
        execution_count=3,
        metadata={"gm": {"top": 20, "left": -1.5, "height": 100, "width": 600, "collapsed": "o", "mine": 1}},
    ),
    {"cell_type": "raw", "id": "r", "metadata": {"format": "text/x-rst"}, "source": ["raw"], "attachments": {}},
    kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
    language_info={"name": "python", "version": "3.11.7", "codemirror_mode": {"name": "ipython", "version": 3}},
    gm={"np_graph": {"m": ["c", "r"]}, "pc_graph": {"m": []}, "theirs": {"k": 0}},
    foreign=[{"a": 1}],
)
CANONICAL_BYTES = (json.dumps(CANONICAL, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def test_an_untouched_canonical_file_saves_byte_identically() -> None:
    assert dump(load(CANONICAL_BYTES)) == CANONICAL_BYTES
    assert_settled(load(CANONICAL_BYTES))


def test_every_foreign_thing_and_every_known_one_has_its_place() -> None:
    value = load(CANONICAL_BYTES)
    assert value.np_graph == {"m": ("c", "r")}
    assert value.pc_graph == {"m": ()}
    assert value.metadata["gm"] == {"theirs": {"k": 0}}
    cell = value.cells[1]
    assert (cell.top, cell.left, cell.height, cell.width, cell.collapsed) == (20, -1.5, 100, 600, "o")
    assert cell.metadata == {"gm": {"mine": 1}}
    assert value.cells[0].attachments == CANONICAL["cells"][0]["attachments"] | {
        "b.svg": {"image/svg+xml": "<svg>\n</svg>"}
    }


def through_the_document(value: Any) -> Any:
    """JSON as a CRDT gives it back: small ints are floats, keys come in any order."""
    if isinstance(value, dict):
        return {key: through_the_document(value[key]) for key in reversed(list(value))}
    if isinstance(value, list | tuple):
        return [through_the_document(one) for one in value]
    return float(value) if type(value) is int else value


def test_what_went_through_the_document_saves_to_the_same_bytes() -> None:
    value = load(CANONICAL_BYTES)
    cells = []
    for cell in value.cells:
        keys = {key: through_the_document(getattr(cell, key)) for key in cell.__struct_fields__}
        cells.append(CellValue(**keys))
    back = NotebookValue(
        cells=tuple(cells),
        np_graph=through_the_document(value.np_graph),
        pc_graph=through_the_document(value.pc_graph),
        metadata=through_the_document(value.metadata),
    )
    assert dump(back) == CANONICAL_BYTES


def test_fault_7_newlines_execution_counts_kernelspec_foreign_metadata_and_integers_survive() -> None:
    source = "a = 1\r\n\n\tb\r  # é\u2028x\n\n"
    notebook = notebook_of(
        code_cell(source=source, execution_count=7, metadata={"top": 1, "whole": 2.0, "half": 0.5}),
        kernelspec={"name": "ir", "display_name": "R"},
        anything={"n": 3},
    )
    value = load(as_bytes(notebook))
    assert value.cells[0].source == source
    again = saved(notebook)
    assert "".join(again["cells"][0]["source"]) == source
    assert again["cells"][0]["execution_count"] == 7
    assert again["metadata"] == notebook["metadata"]
    assert json.dumps(again["cells"][0]["metadata"], sort_keys=True) == '{"half": 0.5, "top": 1, "whole": 2}'


def test_canvas_keys_that_nobody_uses_are_not_written() -> None:
    cells = (CellValue(id="a", type="code", top=0, left=0), CellValue(id="b", type="raw"))
    value = NotebookValue(cells=cells, drawn=False)
    content = parsed(assert_settled(value))
    assert content["metadata"] == {}
    assert content["cells"][0]["metadata"] == {"gm": {"top": 0, "left": 0}}
    assert content["cells"][1]["metadata"] == {}


@pytest.mark.parametrize(
    ("gm", "kept"),
    [
        ({"top": "5", "left": True, "height": None, "width": [1], "collapsed": "x"}, {}),
        ({"top": 5.0, "collapsed": "b", "extra_key": None}, {"top": 5, "collapsed": "b", "extra_key": None}),
        ({"top": 1e999, "left": 2}, {"left": 2}),
        ({}, None),
        ("a word", {"extra": {"metadata": {"gm": "a word"}}}),
    ],
)
def test_canvas_keys_of_odd_types_count_as_absent_and_foreign_ones_stay(gm: Any, kept: Any) -> None:
    metadata = saved(notebook_of(markdown_cell(metadata={"gm": gm})))["cells"][0]["metadata"]
    assert metadata == ({"gm": kept} if kept else {})


def test_graphs_of_a_file_are_repaired_on_load() -> None:
    graphs = {"np_graph": {"m": ["c", "gone", 3, "c"], "gone": ["m"]}, "pc_graph": {"m": ["m", "c"], "c": ["m"]}}
    value = load(as_bytes(notebook_of(markdown_cell(), code_cell(), gm=graphs)))
    assert value.np_graph == {"m": ("c",)}
    assert value.pc_graph == {"m": ("c",), "c": ()}


def test_a_file_tells_whether_anybody_has_drawn_its_graphs() -> None:
    assert not load(as_bytes(notebook_of(markdown_cell(), gm={"theirs": 1}))).drawn
    assert not load(b"").drawn
    assert load(as_bytes(notebook_of(markdown_cell(), gm={"pc_graph": {}}))).drawn


def test_graphs_that_somebody_emptied_stay_empty_and_are_not_derived_again() -> None:
    value = NotebookValue(cells=(CellValue(id="a", type="markdown", source="# One"),))
    assert parsed(assert_settled(value))["metadata"] == {"gm": {"np_graph": {}, "pc_graph": {}}}
    assert load(dump(value)).drawn


def test_the_tour_is_canonical_valid_and_carries_its_layout() -> None:
    data = TOUR.read_bytes()
    value = load(data)
    assert assert_settled(value) == data
    assert all(None not in (cell.top, cell.left, cell.height, cell.width) for cell in value.cells)
    assert all(cell.outputs == () and cell.execution_count is None for cell in value.cells)
    assert all(cell_id in {cell.id for cell in value.cells} for cell_id in (*value.np_graph, *value.pc_graph))
    assert any(len(nexts) > 1 for nexts in value.np_graph.values()), "a fork"
    assert value.metadata["kernelspec"] == {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }


# ---------------------------------------------------------------------------------------------- ids in the file


def test_odd_ids_are_derived_from_the_bytes_and_the_others_stay() -> None:
    ids = ["same", "same", "$bad", None, "kernel", "x" * 65, "good-1_"]
    data = as_bytes(notebook_of(*[markdown_cell(id=one) for one in ids]))
    found = [cell.id for cell in load(data).cells]
    assert found == [cell.id for cell in load(data).cells]
    assert (found[0], found[-1]) == ("same", "good-1_")
    assert len(set(found)) == len(ids)
    assert all(is_valid_cell_id(one) for one in found)
    assert [cell.id for cell in load(data + b"\n").cells][1:-1] != found[1:-1]


def test_a_missing_id_raises_no_warning_and_is_the_same_each_time() -> None:
    cell = markdown_cell()
    del cell["id"]
    data = as_bytes(notebook_of(cell, cell, minor=4))
    assert load(data) == load(data)
    assert_settled(load(data))


# ---------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("data", [b"", b" \n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
def test_an_empty_file_is_an_empty_notebook(data: bytes) -> None:
    assert load(data) == NotebookValue(drawn=False)
    assert_settled(load(data))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_understood(encoding: str) -> None:
    assert load(CANONICAL_BYTES.decode().encode(encoding)).cells[1] == load(CANONICAL_BYTES).cells[1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfe\xfa", "not UTF-8"),
        (b'{"cells": [], "\xff"', "not UTF-8"),
        (b"\x00" * 52, "not valid JSON"),
        (b"# a script\nprint()", "not valid JSON (line 1, column 1"),
        (b'{"cells": [', "not valid JSON"),
        (b'{\n<<<<<<< HEAD\n"cells": []\n=======\n>>>>>>> other\n}', "merge conflict"),
        (b"[" * 100_000, "nested deeper"),
        (b"[]", "not hold an object"),
        (b"null", "not hold an object"),
        (b'"text"', "not hold an object"),
        (b"3", "not hold an object"),
        (b"{}", "names no format and has no cells"),
        (b'{"nbformat": 4, "nbformat_minor": 5}', "no list of cells"),
        (b'{"nbformat": 4, "cells": {}}', "no list of cells"),
        (b'{"nbformat": 4, "cells": [3]}', "cell 1 is not an object"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "raw", "source": {"a": 1}}]}', "cell 1 has a source"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "raw", "source": ["a", 1]}]}', "cell 1 has a source"),
        (b'{"nbformat": 5, "cells": []}', "format 5, newer"),
        (b'{"nbformat": "4", "cells": []}', "names no format that exists"),
        (b'{"nbformat": true, "cells": []}', "names no format that exists"),
        (b'{"nbformat": 0, "cells": []}', "names no format that exists"),
        (b'{"nbformat": 1e999, "cells": []}', "names no format that exists"),
        (b'{"nbformat": 3}', "format 3, but part of it"),
        (b'{"nbformat": 3, "worksheets": [{"cells": [{}]}]}', "format 3, but part of it"),
        (b'{"nbformat": 2, "worksheets": 5}', "format 2, but part of it"),
        (b'{"cells": [{"cell_type": "code", "code": "1"}, {"cell_type": "x"}]}', "format 1, but part of it"),
        (as_bytes(notebook_of({"cell_type": "future", "metadata": {}}, minor=9)), "format 4.9 and holds"),
        (as_bytes(notebook_of(markdown_cell(new_key=1), minor=6)), "format 4.6 and holds"),
        (as_bytes(notebook_of(markdown_cell(metadata={"a": nested(MAX_DEPTH)}))), "nested deeper"),
        (as_bytes(notebook_of(deep=nested(MAX_DEPTH))), "nested deeper"),
        (as_bytes(notebook_of(code_cell(display(application__json=nested(MAX_DEPTH))))), "nested deeper"),
    ],
)
def test_what_is_no_notebook_is_refused_in_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(NotebookFileError) as refusal:
        load(data)
    sentence = str(refusal.value)
    assert words in sentence
    assert sentence.startswith("This ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_the_depth_that_is_allowed_is_allowed() -> None:
    cell = code_cell(display(application__json=nested(MAX_DEPTH - 2)), metadata={"a": nested(MAX_DEPTH - 1)})
    assert_settled(load(as_bytes(notebook_of(cell, a=nested(MAX_DEPTH - 1)))))


# ------------------------------------------------------------------------------------------ liberal where harmless


def test_a_cell_that_the_document_lists_twice_is_written_once_where_it_is_first() -> None:
    one, other = CellValue(id="a", type="raw", source="1"), CellValue(id="b", type="raw")
    odd: Any = [1]
    cells = (one, other, one, CellValue(id=odd, type="raw"))
    content = parsed(dump(NotebookValue(cells=cells)))
    assert [cell["id"] for cell in content["cells"]][:2] == ["a", "b"]
    assert len(content["cells"]) == 3


def test_a_newer_minor_that_holds_nothing_new_opens() -> None:
    assert saved(CANONICAL | {"nbformat_minor": 8}) == CANONICAL


def test_a_file_without_a_minor_version_or_any_metadata_opens() -> None:
    again = saved({"nbformat": 4, "cells": [{"cell_type": "code", "source": "1"}, {"source": ["a", "b"]}]})
    assert [(cell["cell_type"], cell["source"]) for cell in again["cells"]] == [("code", ["1"]), ("raw", ["ab"])]


def test_what_has_no_place_in_the_format_moves_to_extra() -> None:
    again = saved(
        notebook_of(
            markdown_cell(outputs=[display(text__plain="1")], execution_count=None, lang="de"),
            {"cell_type": "sql", "source": "select", "id": "s"},
            code_cell({"output_type": "stream", "name": "stdout", "text": "x", "when": 3}, attachments={"a": {}}),
            kernelspec={"name": "python3"},
            language_info={},
            title=3,
        )
        | {"top": {"level": 1}}
    )
    extras = [cell["metadata"]["gm"]["extra"] for cell in again["cells"]]
    assert extras[0] == {"outputs": [display(text__plain="1")], "lang": "de"}
    assert extras[1] == {"cell_type": "sql"}
    assert extras[2] == {"attachments": {"a": {}}, "outputs": {"0": {"when": 3}}}
    assert again["metadata"] == {
        "kernelspec": {"display_name": "python3", "name": "python3"},
        "gm": {"extra": {"metadata": {"language_info": {}, "title": 3}, "top": {"level": 1}}},
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"tags": ["a", "a"]},
        {"tags": ["a,b"]},
        {"tags": [""]},
        {"tags": "a"},
        {"name": ""},
        {"name": "a\n"},
        {"jupyter": []},
        {"collapsed": 1},
        {"scrolled": "no"},
        {"execution": {"iopub.status.idle": 3}},
    ],
)
def test_metadata_that_the_schema_does_not_take_moves_to_extra(odd: dict[str, Any]) -> None:
    again = saved(notebook_of(code_cell(metadata=odd | {"other": 1})))
    assert again["cells"][0]["metadata"] == {"other": 1, "gm": {"extra": {"metadata": odd}}}


def test_what_nbformat_leaves_out_itself_is_left_out() -> None:
    again = saved(notebook_of(code_cell(metadata={"trusted": True}), orig_nbformat=3, signature="sha"))
    assert again["metadata"] == {}
    assert again["cells"][0]["metadata"] == {}


def test_odd_outputs_are_shown_and_lose_nothing() -> None:
    odd: list[object] = [
        {"output_type": "pyout", "text": ["a", "b"], "prompt_number": 3},
        {"output_type": "bad stream", "name": "stdout", "text": "hello"},
        "a string",
        display(text__plain={"a": 1}, text__html=None, application__x=[1, 2]),
    ]
    outputs = saved(notebook_of(code_cell(*odd)))["cells"][0]["outputs"]
    assert outputs[0]["data"] == {"application/json": odd[0], "text/plain": ["ab"]}
    assert outputs[1]["data"] == {"application/json": odd[1], "text/plain": ["hello"]}
    assert outputs[2]["data"]["application/json"] == {"value": "a string"}
    assert outputs[3]["data"] == {"text/plain": ['{"a": 1}'], "application/x": "[1, 2]"}


def test_neighbours_of_one_stream_become_one_output() -> None:
    streams = [
        {"output_type": "stream", "name": name, "text": text} for name, text in zip("aaba", "1234", strict=True)
    ]
    outputs = saved(notebook_of(code_cell(*streams)))["cells"][0]["outputs"]
    assert [(one["name"], one["text"]) for one in outputs] == [("a", ["12"]), ("b", ["3"]), ("a", ["4"])]


def test_numbers_and_text_that_the_document_cannot_hold_are_softened() -> None:
    data = as_bytes(notebook_of(code_cell(display(application__json="HERE"), metadata={"big": "HERE"}))).replace(
        b'"HERE"', b"[1e999, NaN, 1" + b"0" * 30 + b", 1" + b"0" * 5000 + b', "\\ud800 \\ud83d\\ude00", 4.0, -0.0]'
    )
    value = load(data)
    softened = [None, None, 1e30, None, "\ufffd 😀", 4, 0]
    assert value.cells[0].outputs[0]["data"] == {"application/json": softened}
    assert value.cells[0].metadata == {"big": softened}
    assert b"1e+30" in assert_settled(value)


def test_integers_of_64_bits_stay_exact() -> None:
    numbers = [2**63 - 1, -(2**63), 2**53 + 1]
    assert saved(notebook_of(a=numbers))["metadata"] == {"a": numbers}


def test_of_duplicate_keys_the_last_counts() -> None:
    value = load(b'{"nbformat": 4, "metadata": {"a": 1, "a": 2}, "cells": [], "cells": []}')
    assert value.metadata == {"a": 2}


# ------------------------------------------------------------------------------------------------ older formats


def test_a_notebook_of_format_3_is_upgraded() -> None:
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "old", "kept": 1},
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 2, "source": ["A\n", "B"], "metadata": {}},
                    {
                        "cell_type": "code",
                        "language": "python",
                        "input": ["x\n", "y"],
                        "prompt_number": 4,
                        "collapsed": True,
                        "metadata": {"slide": 1},
                        "outputs": [
                            {"output_type": "pyout", "prompt_number": 4, "text": ["1"], "html": ["<b>"]},
                            {"output_type": "stream", "stream": "stderr", "text": "e"},
                            {"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": ["t"]},
                        ],
                    },
                    {"cell_type": "html", "source": "<i>", "metadata": {}},
                ]
            },
            {"cells": [{"cell_type": "raw", "source": "r", "metadata": {}}]},
        ],
    }
    again = saved(old)
    assert again["metadata"] == {"kept": 1}
    heading, code, html, raw = again["cells"]
    assert (heading["cell_type"], heading["source"]) == ("markdown", ["## A B"])
    assert (html["cell_type"], raw["cell_type"]) == ("markdown", "raw")
    assert (code["execution_count"], code["metadata"]) == (4, {"collapsed": True, "slide": 1})
    assert [one["output_type"] for one in code["outputs"]] == ["execute_result", "stream", "error"]
    assert code["outputs"][0]["data"] == {"text/html": ["<b>"], "text/plain": ["1"]}


def test_notebooks_of_formats_1_and_2_are_upgraded() -> None:
    first = {"cells": [{"cell_type": "code", "code": "1", "prompt_number": 2}, {"cell_type": "text", "text": "t"}]}
    assert [cell["source"] for cell in saved(first)["cells"]] == [["1"], ["t"]]
    cell = {"cell_type": "code", "input": ["a", "b"], "outputs": [{"output_type": "pyout", "png": "iV"}]}
    second = {"nbformat": 2, "metadata": {"name": ""}, "worksheets": [{"cells": [cell]}]}
    assert saved(second)["cells"][0]["source"] == ["a\n", "b"]


def test_an_old_file_opens_to_the_same_value_each_time_and_nothing_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cell = {"cell_type": "code", "outputs": [], "surplus": 1}
    data = as_bytes({"nbformat": 3, "worksheets": [{"cells": [cell, cell]}]})
    with caplog.at_level(logging.DEBUG):
        assert load(data) == load(data)
    assert caplog.records == []


@pytest.mark.parametrize("level", [10**12, -1, "x", None, [1], 7])
def test_a_heading_of_an_absurd_level_takes_no_memory(level: object) -> None:
    cell = {"cell_type": "heading", "level": level, "source": "A"}
    assert saved({"nbformat": 3, "worksheets": [{"cells": [cell]}]})["cells"][0]["source"] == ["# A"]
    assert saved(notebook_of(cell))["cells"][0]["source"] == ["# A"]


# ------------------------------------------------------------------------------------------------------ outputs


def test_a_live_output_in_document_form_is_text_json_and_two_lists() -> None:
    live = {
        "output_type": "execute_result",
        "execution_count": 2.0,
        "metadata": {"n": 1.0},
        "transient": {"display_id": "x"},
        "data": {
            "text/plain": "p",
            "text/html": "<b>\n</b>",
            "text/markdown": ["*", "m*"],
            "application/json": {"a": float("nan"), "b": (1.0, 10**30)},
            "image/png": "iV",
        },
    }
    document = document_output(live)
    assert document == {
        "output_type": "execute_result",
        "execution_count": 2,
        "metadata": {"n": 1},
        "data": {
            "text/plain": "p",
            "text/html": ["<b>\n</b>"],
            "text/markdown": ["*m*"],
            "application/json": {"a": None, "b": [1, 1e30]},
            "image/png": "iV",
        },
    }
    assert document_output(document) == document
    file = file_output(document)
    assert file["data"]["text/html"] == ["<b>\n", "</b>"]  # type: ignore[index,call-overload]
    assert document_output(file) == document


def test_fault_4_a_mime_value_that_is_no_string_is_json_or_becomes_text() -> None:
    document = document_output(display(application__json={"a": 1}, text__plain=3, image__png=True))
    assert document["data"] == {"application/json": {"a": 1}, "text/plain": "3", "image/png": "true"}


def test_a_live_output_nested_too_deep_is_replaced_by_a_note() -> None:
    document = document_output(display(application__json=nested(50_000)))
    assert list(document["data"]) == ["text/plain"]  # type: ignore[arg-type]
    assert "nested deeper than 64" in document["data"]["text/plain"]  # type: ignore[index,call-overload,operator]
    kept = document_output(display(application__json=nested(50_000), text__plain="seen"))
    assert kept["data"] == {"text/plain": "seen"}
    deep: dict[str, Any] = {"output_type": "display_data", "data": {}, "metadata": {"a": nested(50_000), "b": 1}}
    assert document_output(deep)["metadata"] == {"b": 1}


@pytest.mark.parametrize("output", [{}, {"output_type": None}, {"output_type": []}, {"output_type": "stream"}])
def test_any_object_becomes_some_valid_output(output: Any) -> None:
    nbformat.validate(notebook_of(code_cell(file_output(output))))


# ---------------------------------------------------------------------------------------------- hostile values

TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXT,
    st.sampled_from([10**30, -(10**400), 2**63, 1e16, nested(61), nested(70)]),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
KNOWN = st.sampled_from(
    [
        "gm",
        "name",
        "tags",
        "jupyter",
        "execution",
        "collapsed",
        "scrolled",
        "format",
        "kernelspec",
        "language_info",
        "title",
        "authors",
        "trusted",
        "signature",
        "orig_nbformat",
        "extra",
        "metadata",
    ]
)
SPEC = st.dictionaries(st.sampled_from(["name", "display_name", "codemirror_mode", "mimetype"]), JSON, max_size=3)
METADATA = st.dictionaries(KNOWN | TEXT, JSON | SPEC | st.lists(TEXT, max_size=3), max_size=3)
MIMES = st.sampled_from(
    ["text/plain", "text/html", "text/markdown", "application/json", "application/a+json", "application/\n+json"]
)
BUNDLES = st.dictionaries(MIMES | TEXT, JSON, max_size=3)
OUTPUTS = st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "error", "display_data", "execute_result", "pyout", 3])},
    optional={
        "name": JSON,
        "text": JSON,
        "ename": JSON,
        "evalue": JSON,
        "traceback": JSON,
        "data": BUNDLES | JSON,
        "metadata": METADATA | JSON,
        "execution_count": SCALARS,
        "transient": JSON,
    },
)
IDS = st.sampled_from(["a", "b", "c", "a b", "x" * 65, "", *ROOT_NAMES]) | TEXT
KINDS = st.sampled_from(["code", "markdown", "raw", "heading", "html", "sql"]) | TEXT
GRAPHS = st.dictionaries(IDS, st.lists(IDS, max_size=3) | JSON, max_size=3)
HOSTILE_CELLS = st.builds(
    CellValue,
    id=IDS,
    type=KINDS,
    source=TEXT | JSON,
    execution_count=SCALARS,
    outputs=st.lists(OUTPUTS | JSON, max_size=3).map(tuple),
    top=SCALARS,
    left=SCALARS,
    height=SCALARS,
    width=SCALARS,
    collapsed=SCALARS | st.sampled_from("iob"),
    metadata=METADATA | JSON,
    attachments=st.dictionaries(TEXT, BUNDLES | JSON, max_size=2) | JSON,
)
HOSTILE = st.builds(
    NotebookValue,
    cells=st.lists(HOSTILE_CELLS, max_size=3).map(tuple),
    np_graph=GRAPHS,
    pc_graph=GRAPHS,
    drawn=st.booleans(),
    metadata=METADATA | JSON,
)
RAW_CELLS = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS | JSON,
        "cell_type": KINDS | JSON,
        "source": TEXT | st.lists(TEXT, max_size=3) | JSON,
        "input": TEXT | JSON,
        "level": JSON,
        "metadata": METADATA | JSON,
        "outputs": st.lists(OUTPUTS | JSON, max_size=3) | JSON,
        "execution_count": SCALARS,
        "attachments": st.dictionaries(TEXT, BUNDLES, max_size=2) | JSON,
        "surplus": JSON,
    },
)
CELL_LISTS = st.lists(RAW_CELLS | JSON, max_size=3)
RAW_NOTEBOOKS = st.fixed_dictionaries(
    {},
    optional={
        "nbformat": st.sampled_from([1, 2, 3, 4, 4, 4, 5]) | SCALARS,
        "nbformat_minor": st.integers(0, 7) | SCALARS,
        "metadata": METADATA | JSON,
        "cells": st.lists(RAW_CELLS, max_size=3) | CELL_LISTS,
        "worksheets": st.lists(st.fixed_dictionaries({"cells": st.lists(RAW_CELLS, max_size=2)}), max_size=2)
        | JSON,
        "surplus": JSON,
    },
)
LONG = settings(deadline=None, max_examples=300)


@LONG
@given(HOSTILE)
@example(NotebookValue(cells=(CellValue(id="a", type="sql", metadata={"gm": {"extra": nested(62)}}),)))
def test_whatever_clients_wrote_is_dumped_as_a_valid_file_that_settles(value: NotebookValue) -> None:
    data = dump(value)
    assert dump(value) == data
    assert_valid(data)
    assert assert_settled(load(data)) == data


def test_what_is_nested_too_deep_in_the_document_is_left_out_of_the_file() -> None:
    deep, fine = nested(50_000), nested(3)
    cell = CellValue(
        id="a", type="markdown", metadata={"deep": deep, "fine": fine}, attachments={"x": {"a": deep}}
    )
    content = parsed(
        assert_settled(load(dump(NotebookValue(cells=(cell,), metadata={"deep": deep}, drawn=False))))
    )
    assert content["metadata"] == {}
    assert content["cells"][0]["metadata"] == {"fine": fine}


@LONG
@given(RAW_NOTEBOOKS)
def test_whatever_a_file_holds_is_refused_or_opens_and_settles(raw: dict[str, Any]) -> None:
    data = as_bytes(raw)
    try:
        value = load(data)
    except NotebookFileError:
        return
    assert load(data) == value
    assert_settled(value)


@LONG
@given(st.binary(max_size=40) | st.tuples(st.integers(0, len(CANONICAL_BYTES)), st.binary(max_size=3)))
def test_any_bytes_are_refused_or_open_and_settle(damage: bytes | tuple[int, bytes]) -> None:
    if isinstance(damage, tuple):
        place, change = damage
        damage = CANONICAL_BYTES[:place] + change + CANONICAL_BYTES[place + len(change) :]
    try:
        value = load(damage)
    except NotebookFileError:
        return
    assert_settled(value)


@LONG
@given(OUTPUTS | st.dictionaries(TEXT, JSON, max_size=3))
def test_document_form_is_stable_and_its_file_form_valid(output: Any) -> None:
    document = document_output(output)
    assert document_output(document) == document
    assert document_output(file_output(output)) == document
    nbformat.validate(notebook_of(code_cell(file_output(output))))


def test_a_thousand_cells_load_and_dump_well_within_half_a_second() -> None:
    cells = [deepcopy(CANONICAL["cells"][1]) | {"id": f"c{number}"} for number in range(1000)]
    began = time.perf_counter()
    value = load(as_bytes(notebook_of(*cells)))
    loaded = time.perf_counter()
    dump(value)
    dumped = time.perf_counter()
    # Measured 0.1 s each; the bound leaves room for a machine that is busy with other things.
    assert max(loaded - began, dumped - loaded) < 1
