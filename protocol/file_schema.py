"""The keys and the metadata that nbformat 4.5 allows. What it does not allow moves to ``metadata.gm.extra``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from protocol.output_form import Raw

_KNOWN_KEYS = {
    "notebook": {"cells", "metadata", "nbformat", "nbformat_minor", "orig_nbformat", "orig_nbformat_minor"},
    "code": {"id", "cell_type", "metadata", "source", "outputs", "execution_count"},
    "markdown": {"id", "cell_type", "metadata", "source", "attachments"},
    "raw": {"id", "cell_type", "metadata", "source", "attachments"},
    "stream": {"output_type", "name", "text"},
    "error": {"output_type", "ename", "evalue", "traceback"},
    "display_data": {"output_type", "data", "metadata"},
    "execute_result": {"output_type", "data", "metadata", "execution_count"},
}
# What nbformat itself leaves out on reading and writing.
_TRANSIENT = {"notebook": {"orig_nbformat", "orig_nbformat_minor", "signature"}}
_TRANSIENT_IN_CELLS = {"trusted"}


def _strings(value: Any, *keys: str) -> bool:
    """An object whose ``keys``, those of them that it has, are strings."""
    return isinstance(value, dict) and all(isinstance(value.get(key, ""), str) for key in keys)


def _is_kernelspec(value: Any) -> bool:
    return _strings(value, "name", "display_name") and {"name", "display_name"} <= set(value)


def _is_language_info(value: Any) -> bool:
    known = ("name", "file_extension", "mimetype", "pygments_lexer")
    return _strings(value, *known) and "name" in value and isinstance(value.get("codemirror_mode", ""), str | dict)


def _are_tags(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(tag, str) and tag and "," not in tag for tag in value):
        return False
    return len(set(value)) == len(value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


# What nbformat 4.5's schema says about metadata; all other keys are free.
_IN_EVERY_CELL: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str) and re.fullmatch(r".+", value) is not None,
    "tags": _are_tags,
    "jupyter": _is_object,
    "gm": _is_object,
}
_METADATA_RULES: dict[str, dict[str, Callable[[Any], bool]]] = {
    "notebook": {
        "kernelspec": _is_kernelspec,
        "language_info": _is_language_info,
        "title": lambda value: isinstance(value, str),
        "authors": lambda value: isinstance(value, list),
        "gm": _is_object,
    },
    "code": _IN_EVERY_CELL
    | {
        "execution": lambda value: _strings(value, *(value if isinstance(value, dict) else ())),
        "collapsed": lambda value: isinstance(value, bool),
        "scrolled": lambda value: isinstance(value, bool) or value == "auto",
    },
    "markdown": _IN_EVERY_CELL,
    "raw": _IN_EVERY_CELL | {"format": lambda value: isinstance(value, str)},
}


def settle_metadata(found: Any, kind: str, extra: Raw) -> Raw:
    """Metadata that the schema takes, in a new dict; what it does not take goes to ``extra``."""
    if not isinstance(found, dict):
        extra.update(filled({"metadata": found}))
        return {}
    transient = _TRANSIENT.get(kind, _TRANSIENT_IN_CELLS)
    kept = {key: value for key, value in found.items() if key not in transient}
    spec: Any = kept.get("kernelspec")
    if kind == "notebook" and _strings(spec, "name", "display_name") and "name" in spec:
        kept["kernelspec"] = {"display_name": spec["name"]} | spec  # often missing, and harmless
    rules = _METADATA_RULES[kind]
    odd = {key: kept.pop(key) for key in rules if key in kept and not rules[key](kept[key])}
    if odd:
        extra["metadata"] = odd
    return kept


def pop_gm(metadata: Raw) -> Raw:
    gm = metadata.pop("gm", None)
    return dict(gm) if isinstance(gm, dict) else {}


def with_gm(metadata: Raw, gm: Raw, extra: Raw) -> Raw:
    if extra:
        before = gm.get("extra", {})
        gm = gm | {"extra": (before if isinstance(before, dict) else {"extra": before}) | extra}
    return metadata | {"gm": gm} if gm else metadata


def unknown_keys(found: Raw, kind: str) -> Raw:
    known = _KNOWN_KEYS.get(kind)
    return {} if known is None else filled({key: found[key] for key in found if key not in known})


def filled(found: Raw) -> Raw:
    """Without the values that say nothing."""
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}
