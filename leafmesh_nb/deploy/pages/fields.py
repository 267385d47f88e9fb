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
        text = given.get(PREFIX + field["name"])
        if text is None:
            continue
        # Browsers send line breaks as CR LF (HTML, form submission).
        text = text.replace("\r\n", "\n")
        if text == field["text"].replace("\r\n", "\n"):
            continue
        changes[field["name"]] = None if text == "" and field["nullable"] else text
    return changes


def with_texts(fields: Sequence[Field], given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The fields with ``typed``: what somebody typed already, so that nothing is typed twice."""
    return [
        {**field, "typed": given.get(PREFIX + field["name"], field["text"])} for field in fields
    ]
