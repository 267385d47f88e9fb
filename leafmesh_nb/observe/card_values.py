"""Values on a card: masked rows to read, fields to edit, and what a person typed made a value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept

if TYPE_CHECKING:
    from leafmesh_nb.language.types import Type
    from leafmesh_nb.memory.masking import Masker

__all__ = ["as_text", "edit_fields", "edited", "rows", "shorten", "shown", "visible"]

Json = Any
View = dict[str, Any]

LONGEST_TEXT = 4_000
MOST_ROWS = 40
# A text longer than this, or with line breaks, gets a box of several lines.
ONE_LINE = 90

# Control characters, those that turn the direction of the text around them, and halves of
# surrogate pairs, which no message to a browser can carry.
_TREACHEROUS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_INPUTS = {
    "integer": "integer",
    "number": "decimal",
    "money": "decimal",
    "boolean": "boolean",
    "enum": "choice",
    "date": "date",
    "string": "text",
    "datetime": "text",
}


def as_text(value: Json) -> str:
    """A JSON value as people read it: texts bare, the rest as JSON, broken where it is long."""
    match value:
        case str():
            return value
        case None:
            return "–"
        case Decimal():
            return format(value, "f")
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= ONE_LINE else json.dumps(value, ensure_ascii=False, indent=2)


def shown(text: str, masker: Masker, longest: int = LONGEST_TEXT) -> str:
    """An untrusted text as a card shows it: masked, then honest to the eye, then shortened."""
    return shorten(visible(masker.text(text)), longest)


def visible(text: str) -> str:
    """A text without characters that hide, reorder or break what is shown."""
    return _TREACHEROUS.sub("\ufffd", text)


def shorten(text: str, longest: int = LONGEST_TEXT) -> str:
    """At most ``longest`` characters, and how many are missing."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest:,} more characters)"


def rows(value: Json, masker: Masker, source: str = "") -> list[View]:
    """What a card shows of a value: ``{name, text, masked, source}``, a row a field.

    A value that is no object is one row without a name. ``source`` says where the value stands,
    for whoever wants to look behind the mask: that of the whole, and the number of the field.
    """
    if not isinstance(value, Mapping):
        return [_row("", value, masker.value(value), source)]
    fields = [(str(name), item) for name, item in value.items()]
    masked = masker.fields(fields)
    views = [
        _row(shown(name, masker, 200), item, masked[at], f"{source}/{at}")
        for at, (name, item) in enumerate(fields[:MOST_ROWS])
    ]
    if len(fields) > MOST_ROWS:
        more = f"{len(fields) - MOST_ROWS} more fields"
        views.append({"name": "…", "text": more, "masked": False, "source": ""})
    return views


def _row(name: str, value: Json, masked: Json, source: str) -> View:
    text = as_text(masked)
    hidden = text != as_text(value)
    return {"name": name, "text": shorten(visible(text)), "masked": hidden, "source": source}


def edit_fields(kind: Type, value: Mapping[str, Json], masker: Masker) -> list[View]:
    """Inputs for an object of type ``kind``, as ``{name, kind, nullable, options, text, old}``.

    ``kind`` is one of text, integer, decimal, boolean, choice, date, json; ``text`` is what the
    input holds, ``old`` what stood there. A masked value is left out of the input: it stays as it
    is unless somebody types another.
    """
    fields: list[View] = []
    olds = masker.fields((name, value.get(name)) for name, _ in kind.fields)
    for (name, field), old in zip(kind.fields, olds, strict=True):
        current = value.get(name)
        masked = as_text(old) != as_text(current)
        text = "" if current is None or masked else visible(_editable(current))
        fields.append(
            {
                "name": name,
                "kind": _INPUTS.get(field.kind, "json"),
                "nullable": field.nullable,
                "options": list(field.values),
                "text": text,
                "old": shorten(visible(as_text(old)), 200),
                "long": field.kind == "string" and ("\n" in text or len(text) > ONE_LINE),
                "masked": masked,
            }
        )
    return fields


def _editable(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def edited(
    kind: Type, original: Mapping[str, Json], changes: Mapping[str, str | None]
) -> dict[str, Json]:
    """The original with what a person typed in its place, as JSON. None empties a field.

    Raises ValueError, naming the field, for a text that is no value of the field's type.
    """
    value = dict(original)
    for name, text in changes.items():
        field = kind.field(name)
        if field is None:
            raise ValueError(f"there is no field {name!r}")
        value[name] = None if text is None else _typed(name, field, text)
    needed = [name for name, field in kind.fields if not field.nullable]
    missing = [name for name in needed if value.get(name) is None]
    if missing:
        raise ValueError(f"{', '.join(missing)}: a value is needed")
    return value


def _typed(name: str, field: Type, text: str) -> Json:
    try:
        if _INPUTS.get(field.kind, "json") == "json":
            return dump(field, accept(field, json.loads(text, parse_float=Decimal)))
        return dump(field, accept(field, text, lenient=True))
    except TypeMismatch as error:
        raise ValueError(f"{name}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{name}: this is not JSON ({error})") from None
