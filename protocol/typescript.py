"""The control messages as TypeScript: ``python -m protocol.typescript > frontend/src/protocol.gen.ts``.

Printed and not written: this package does no I/O. A test compares the file with what this says.
"""

from __future__ import annotations

import json
import re
import sys

import msgspec
from msgspec import inspect

from protocol.answers import PUSHES, Refusal, answer_of
from protocol.wire import METHODS, Nothing

HEADER = """\
// Generated from protocol/wire.py and protocol/answers.py by `make format`: change those, not this.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
"""
# What answers say where the server's type is only "a JSON object".
_JSON_OBJECT = "{ [key: string]: Json }"
_PLAIN: dict[type[inspect.Type], str] = {
    inspect.AnyType: "Json",
    inspect.DictType: _JSON_OBJECT,
    inspect.BoolType: "boolean",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.StrType: "string",
    inspect.BytesType: "string",  # base64
    inspect.NoneType: "null",
}
_SENT = frozenset(row.fields for row in METHODS.values())


def render() -> str:
    """The whole module, always the same for the same tables."""
    answers = {key: answer_of(*key) for key in METHODS} | {("chaos", "tree"): None}
    roots = [*(row.fields for row in METHODS.values()), *answers.values(), *PUSHES.values(), Refusal]
    named = [each for each in dict.fromkeys(roots) if each not in (None, Nothing)]
    interfaces = _Interfaces()
    for struct in named:
        interfaces.reference(inspect.type_info(struct))
    methods = [
        f"  /** {row.effect[0].upper()}{row.effect[1:]}. */\n"
        f"  {_key(key)}: {{ message: {_name(row.fields)}; answer: {_name(answers[key])} }};\n"
        for key, row in METHODS.items()
    ]
    always = json.dumps([".".join(key) for key, row in METHODS.items() if row.always])
    pushes = [f"  {_key(key)}: {_name(struct)};\n" for key, struct in PUSHES.items()]
    return "\n".join(
        [
            HEADER,
            *interfaces.text.values(),
            "export interface Methods {\n" + "".join(methods) + "}\n",
            "/** What the server says by itself, and once to each new connection. */\n"
            "export interface Pushes {\n" + "".join(pushes) + "}\n",
            "/** Methods that are answered also without an id. */\n"
            f"export const ALWAYS_ANSWERED: readonly string[] = {always};\n",
        ]
    )


class _Interfaces:
    """One interface for each Struct that is met."""

    def __init__(self) -> None:
        self.text: dict[str, str] = {}

    def reference(self, kind: inspect.Type) -> str:
        """The TypeScript type of a value of this kind."""
        match kind:
            case inspect.StructType():
                self._declare(kind)
                return kind.cls.__name__
            case inspect.UnionType(types):
                return " | ".join(dict.fromkeys(self.reference(each) for each in types))
            case inspect.VarTupleType(item) | inspect.ListType(item):
                element = self.reference(item)
                return f"readonly ({element})[]" if _compound(item) else f"readonly {element}[]"
            case inspect.TupleType(items):
                return f"readonly [{', '.join(map(self.reference, items))}]"
            case inspect.LiteralType(values):
                return " | ".join(_literal(value) for value in values)
            case inspect.EnumType(cls):
                return " | ".join(_literal(member.value) for member in cls)
        if type(kind) in _PLAIN:
            return _PLAIN[type(kind)]
        raise TypeError(f"no TypeScript for {kind}")

    def _declare(self, kind: inspect.StructType) -> None:
        name = kind.cls.__name__
        if name in self.text:
            return
        self.text[name] = ""  # its place, before what it refers to
        # Only what a client sends may be left out: the server always says everything.
        sent = kind.cls in _SENT
        lines = [
            f"  {each.encode_name}{'' if each.required or not sent else '?'}: {self.reference(each.type)};\n"
            for each in kind.fields
        ]
        words = re.sub(r"``|:class:", "", " ".join((kind.cls.__doc__ or "").split("\n\n")[0].split()))
        documented = f"/** {words} */\n" if words and not words.startswith(f"{name}(") else ""
        self.text[name] = f"{documented}export interface {name} {{\n{''.join(lines)}}}\n"


def _compound(kind: inspect.Type) -> bool:
    words = inspect.UnionType | inspect.LiteralType | inspect.EnumType | inspect.TupleType
    return isinstance(kind, words)


def _literal(value: object) -> str:
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(value)


def _key(key: tuple[str, str]) -> str:
    return f"'{'.'.join(key)}'"


def _name(struct: type[msgspec.Struct] | None) -> str:
    if struct is None:
        return _JSON_OBJECT
    return "Record<string, never>" if struct is Nothing else struct.__name__


if __name__ == "__main__":
    sys.stdout.write(render())
