"""One output in document form and in file form, and the plain JSON that both are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any, TypeAlias

from protocol.values import MAX_DEPTH, JsonObject, Number, TooDeep, encodable, finite, plain

Raw: TypeAlias = "dict[str, Any]"  # an object as it was found: nothing is known about its values

LISTED = ("text/html", "text/markdown")  # mimes whose values are one-element lists in the document

_TOO_DEEP_NOTE = f"[left out: nested deeper than {MAX_DEPTH} levels]"


def document_output(output: Raw) -> JsonObject:
    """One output in document form: valid nbformat 4.5, text as one string, ``text/html`` and ``text/markdown``
    as a one-element list, JSON mime values as JSON. For outputs of files and of live kernels. Never raises.

    What is nested too deep is replaced by a ``text/plain`` note. An unknown kind becomes ``display_data`` that
    shows it. Doing it twice changes nothing.
    """
    kind = output.get("output_type")
    if kind == "stream":
        name = output.get("name")
        return {
            "output_type": kind,
            "name": encodable(name) if isinstance(name, str) else "stdout",
            "text": words(output.get("text")),
        }
    if kind == "error":
        traceback = output.get("traceback")
        return {
            "output_type": kind,
            "ename": words(output.get("ename")),
            "evalue": words(output.get("evalue")),
            "traceback": [words(line) for line in (traceback if isinstance(traceback, list) else [traceback])],
        }
    if kind not in ("display_data", "execute_result"):
        text = joined(output.get("text")) or f"[an output of an unknown kind: {words(kind)[:80]}]"
        bundle = {"application/json": output, "text/plain": text}
        return {"output_type": "display_data", "data": mime_bundle(bundle), "metadata": {}}
    shown: JsonObject = {
        "output_type": kind,
        "data": mime_bundle(output.get("data"), listed=LISTED),
        "metadata": fitting(output.get("metadata")),
    }
    if kind == "execute_result":
        shown["execution_count"] = as_count(output.get("execution_count"))
    return shown


def file_output(output: JsonObject) -> JsonObject:
    """One output in file form: as :func:`document_output`, with text split into lines as nbformat does."""
    return split_output(document_output(output))


def split_output(output: Raw) -> JsonObject:
    if output["output_type"] == "stream":
        return output | {"text": str(output["text"]).splitlines(True)}
    return output | {"data": split_bundle(output["data"])} if "data" in output else output


def split_bundle(bundle: Any) -> Raw:
    return {mime: words(value).splitlines(True) if is_split(mime) else value for mime, value in bundle.items()}


def is_json(mime: str) -> bool:
    """Whether a mime's values are JSON as they are, and not text."""
    return re.fullmatch(r"application/(.*\+)?json", mime) is not None


def is_split(mime: str) -> bool:
    """Whether a file has a mime's values as lists of lines."""
    return mime.startswith("text/") or mime in ("application/javascript", "image/svg+xml")


def merge_streams(outputs: Iterable[JsonObject]) -> list[JsonObject]:
    """Neighbours of one stream become one output."""
    merged: list[JsonObject] = []
    for name, group in groupby(outputs, key=lambda one: one.get("name")):
        if name is None:
            merged.extend(group)
        else:
            text = "".join(str(one["text"]) for one in group)
            merged.append({"output_type": "stream", "name": name, "text": text})
    return merged


def mime_bundle(found: object, listed: tuple[str, ...] = ()) -> JsonObject:
    """A mime bundle: JSON mime values as they are, everything else as text."""
    bundle: JsonObject = {}
    for mime, value in found.items() if isinstance(found, dict) else ():
        try:
            if is_json(mime):
                bundle[encodable(mime)] = plain(value, MAX_DEPTH - 2)
            elif value is not None:
                bundle[encodable(mime)] = [words(value)] if mime in listed else words(value)
        except TooDeep:
            bundle.setdefault("text/plain", _TOO_DEEP_NOTE)
    return bundle


# --------------------------------------------------------------------------------------------------- plain JSON


def plain_object(value: Raw) -> JsonObject:
    return {encodable(key): plain(one, MAX_DEPTH - 1) for key, one in value.items()}


def fitting(found: object) -> JsonObject:
    """A plain object without the members that are nested too deep."""
    kept: JsonObject = {}
    for key, value in found.items() if isinstance(found, dict) else ():
        try:
            if isinstance(key, str):
                kept[encodable(key)] = plain(value, MAX_DEPTH - 1)
        except TooDeep:
            continue
    return kept


def as_pixels(value: object) -> Number | None:
    return finite(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def as_count(value: object) -> int | None:
    """An execution count: nbformat takes no negative ones."""
    number = as_pixels(value)
    return number if isinstance(number, int) and number >= 0 else None


def joined(value: object) -> str | None:
    """Text of one string or a list of them; None for anything else."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return encodable("".join(value))
    return None


def words(value: object) -> str:
    """Text of anything: what is no text in its JSON form, nothing for null. Never raises."""
    text = joined(value)
    if text is not None or value is None:
        return text or ""
    try:
        return json.dumps(plain(value), ensure_ascii=False, sort_keys=True)
    except TooDeep:
        return _TOO_DEEP_NOTE
