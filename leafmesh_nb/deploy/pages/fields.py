"""What a form's fields hold: texts somebody typed, and which of them say something new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["PREFIX", "typed_changes", "with_texts"]

PREFIX = "field."
"""Before a field's own name, so that none is taken for one of the form's."""

Field = Mapping[str, Any]


def typed_changes(fields: Sequence[Field], given: Mapping[str, str]) -> dict[str, str | None]:
    """The fields of ``edit_fields`` that hold another text than the page was made with.

    None empties one that may be empty. A masked field left alone stays as it is.
    """
    changes: dict[str, str | None] = {}
    for field in fields:
        text = _typed(field, given)
        if text != field["text"]:
            changes[field["name"]] = None if text == "" and field["nullable"] else text
    return changes


def with_texts(fields: Sequence[Field], given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The fields with ``typed``: what somebody typed already, so that nothing is typed twice."""
    return [{**field, "typed": _typed(field, given)} for field in fields]


def _typed(field: Field, given: Mapping[str, str]) -> str:
    text = given.get(PREFIX + field["name"])
    # Browsers send line breaks as CR LF (HTML standard, form submission).
    return str(field["text"]) if text is None else text.replace("\r\n", "\n")
