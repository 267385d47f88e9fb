"""``{{name}}`` in a cell: a Python value in the text, before it is parsed and hashed.

It can never add structure: a number or a boolean stands as it is, a text that is a whole value is
quoted, and inside other text only letters, digits and plain punctuation are taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from leafmesh_nb.errors import MeshError

__all__ = ["insert"]

_HOLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_WHOLE = re.compile(r"^(?P<lead>\s*(?:- +)*(?:[\w.]+: +)?)\{\{\s*(?P<name>[A-Za-z_]\w*)\s*\}\}\s*$")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_PLAIN = re.compile(r"[\w.,/@%+()!? -]*\Z")


def insert(text: str, names: Mapping[str, Any]) -> str:
    """The text with every ``{{name}}`` replaced. Raises MeshError with line and remedy."""
    return "\n".join(_line(n, line, names) for n, line in enumerate(text.split("\n"), 1))


def _line(number: int, line: str, names: Mapping[str, Any]) -> str:
    whole = _WHOLE.match(line)
    if whole:
        value = _value(number, whole["name"], names)
        return whole["lead"] + (_quoted(value) if isinstance(value, str) else _literal(value))

    def fill(hole: re.Match[str]) -> str:
        value = _value(number, hole[1], names)
        if not isinstance(value, str):
            return _literal(value)
        if not _PLAIN.match(value) or value != value.strip():
            raise MeshError(
                f"line {number}: the text in {hole[1]} has characters that could change what this "
                "line means; give it a line of its own (key: {{" + hole[1] + "}})"
            )
        return value

    return _HOLE.sub(fill, line)


def _value(number: int, name: str, names: Mapping[str, Any]) -> str | int | float | Decimal | None:
    if name not in names:
        raise MeshError(f"line {number}: {{{{{name}}}}} needs a Python variable {name!r}")
    value = names[name]
    if value is None or isinstance(value, (str, bool, int, float, Decimal)):
        return value
    raise MeshError(
        f"line {number}: {name} is a {type(value).__name__}; {{{{{name}}}}} takes a text, a "
        "number, a boolean or None, and never adds structure"
    )


def _quoted(value: str) -> str:
    """A double-quoted YAML scalar: JSON's, with what YAML breaks lines at or forbids escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _literal(value: float | Decimal | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else repr(value)
