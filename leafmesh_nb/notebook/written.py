"""Python values as they are written: in YAML, in the language of expressions, inside a text.

Each function raises Unwritable for a value that has no such form, saying what to do instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

__all__ = ["Plain", "Unwritable", "as_code", "as_text", "as_yaml", "plain", "quoted"]

Plain = None | bool | int | Decimal | str | date | timedelta | list["Plain"] | dict[str, "Plain"]
"""What a value of a notebook comes down to. ``date`` includes ``datetime``."""

MOST_DIGITS = 300
"""As many as the language reads in a number."""
DEEPEST = 20
MOST_VALUES = 10_000

_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
_HOLE = re.compile(r"\{\{[^{}\n]{0,100}\}\}")
_TAKEN = "A text, a number, a boolean, None, a date, or a list or dict of them can stand here"


class Unwritable(ValueError):
    """A value that cannot stand in a mesh; the message goes on from the variable's name, ``hint``
    says what can."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def plain(value: Any) -> Plain:
    """A value of Python, numpy or pandas as one of the few kinds that a mesh knows."""
    return _plain(value, 0, [0])


def _plain(value: Any, depth: int, count: list[int]) -> Plain:
    count[0] += 1
    if depth > DEEPEST:
        raise Unwritable(f"is nested more than {DEEPEST} levels deep, or holds itself")
    if count[0] > MOST_VALUES:
        raise Unwritable(f"holds more than {MOST_VALUES:,} values: a mesh is no place for data")
    if isinstance(value, Enum):
        return _plain(value.value, depth + 1, count)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise Unwritable(f"has the key {key!r:.40}, and the keys of a map are texts")
        return {_text(key): _plain(inner, depth + 1, count) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1, count) for inner in value]
    return _scalar(value)


def _scalar(value: Any) -> Plain:
    # numpy's scalars are no numbers of Python; its arrays of one value are no scalars.
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    if type(value).__name__ in ("NAType", "NaTType"):
        raise Unwritable("is a missing value of pandas", "None is written as null.")
    match value:
        case None | bool():
            return value
        case str():
            return _text(str(value))
        case int():
            # As many bits as so many digits have; Python refuses to write out much longer ones.
            if value.bit_length() > MOST_DIGITS * 3.3:
                raise Unwritable(f"has more than {MOST_DIGITS} digits")
            return int(value)
        case float():
            return _finite(Decimal(repr(float(value))))
        case Decimal():
            return _finite(value)
        case date() | timedelta():
            return value
    raise Unwritable(f"is {_article(type(value).__name__)}", f"{_TAKEN}{_instead(value)}.")


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise Unwritable("is not a finite number")
    if abs(value.adjusted()) > MOST_DIGITS or len(value.as_tuple().digits) > MOST_DIGITS:
        raise Unwritable(f"has more than {MOST_DIGITS} digits")
    return value


def _text(text: str) -> str:
    if found := _IMPOSSIBLE.search(text):
        what = "a NUL character" if found[0] == "\0" else "half of a surrogate pair"
        raise Unwritable(f"has {what} in its text, which a mesh cannot hold")
    if found := _HOLE.search(text):
        raise Unwritable(
            f"has {found[0]} in its text, which would be taken for a placeholder",
            "A value is not filled again: take the braces out of it.",
        )
    return text


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _instead(value: Any) -> str:
    if isinstance(value, set | frozenset):
        return "; a set has no order, and sorted(…) makes a list"
    if hasattr(value, "tolist"):
        return "; .tolist() makes a list"
    return "; str(…) makes a text"


# -- in YAML


def as_yaml(value: Plain, *, code: bool = False) -> str:
    """A value on one line of YAML, valid in a flow map too.

    ``code``: it stands where texts are expressions, so a text is written as a literal of these.
    """
    match value:
        case list():
            return f"[{', '.join(as_yaml(inner, code=code) for inner in value)}]"
        case dict():
            pairs = (f"{quoted(key)}: {as_yaml(inner, code=code)}" for key, inner in value.items())
            return f"{{{', '.join(pairs)}}}"
        case None | bool() | int() | Decimal():
            return _literal(value)
    return quoted(as_code(value) if code else as_text(value))


def quoted(text: str) -> str:
    """``text`` as one line of quoted YAML that is read back as it is."""
    if ('"' in text or "\\" in text) and text.isprintable() and not _UNSEEN.search(text):
        return "'" + text.replace("'", "''") + "'"
    # JSON's text is YAML's, but for what YAML takes for a line's end or does not allow.
    written = json.dumps(text, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def _literal(value: Decimal | int | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


# -- in a text, in an expression


def as_text(value: Plain) -> str:
    """A value in the middle of a text. Lists and maps have no such form."""
    match value:
        case str():
            return value
        case timedelta():
            return _duration(value)
        case date():
            return value.isoformat()
        case list() | dict():
            kind = "list" if isinstance(value, list) else "map"
            raise Unwritable(
                f"is a {kind}, which has no form inside a text",
                "It can be a whole value: give it a line of its own (key: {{name}}).",
            )
    return _literal(value)


def as_code(value: Plain) -> str:
    """A value as a literal of the expression language: it never does anything there but be."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case timedelta():
            return f'duration("{_duration(value)}")'
        case datetime():
            if value.tzinfo is None:
                raise Unwritable(
                    "has no time zone", "A time of a mesh has one: .astimezone() adds it."
                )
            return f'timestamp("{value.isoformat()}")'
        case date():
            return f'"{value.isoformat()}"'
        case list():
            return f"[{', '.join(map(as_code, value))}]"
        case dict():
            return f"{{{', '.join(f'{as_code(k)}: {as_code(v)}' for k, v in value.items())}}}"
    written = _literal(value)
    return f"({written})" if written.startswith("-") else written


def _duration(value: timedelta) -> str:
    if value < timedelta():
        raise Unwritable("is a negative duration")
    seconds = Decimal(value // timedelta(microseconds=1)) / 1_000_000
    return f"{seconds.normalize():f}s" if seconds else "0s"
