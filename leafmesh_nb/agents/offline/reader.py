"""Reads an output out of a step's inputs: rules and word overlap, no language model.

The same arguments give the same reading; nothing is fetched, no clock is read. Text is data: it
is searched and quoted, never evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from leafmesh_nb.agents.offline.fields import ObjectReader
from leafmesh_nb.agents.offline.page import Page
from leafmesh_nb.agents.offline.reading import Example, Reading, UnreadableFieldError
from leafmesh_nb.agents.offline.shapes import Sort, fits, sort_of, unwrap


def read(
    schema: Mapping[str, Any],
    inputs: Mapping[str, Any],
    examples: Sequence[Example] = (),
    *,
    context: Sequence[str] = (),
    today: date | None = None,
) -> Reading:
    """Fill `schema` (a JSON Schema of an object) from the texts among `inputs`.

    An enum takes its best value by overlap with the examples and the values' names (ties in the
    order of declaration, confidence 0 without overlap). Numbers, money and dates are taken near
    the words of the field's name, in its unit where it has one; a whole number that counts things
    may also be told by naming them. Booleans are true when the text says so, or what `context`
    lists in defining them, and false when it does not; texts are quoted. An optional value that is
    not there is null. An input of the same name and type is copied unless it is prose. `context`
    (a role, instructions) helps to choose and is never quoted; what it says of a date tells
    whether a day to come is meant. Without `today` "tomorrow" is not a date.

    Raises UnreadableFieldError where another required value is not in the text, or where the
    schema uses keywords beyond the mesh language's types.
    """
    shape, _ = unwrap(schema)
    if sort_of(shape) not in (Sort.OBJECT, Sort.MAP, Sort.ANY):
        raise UnreadableFieldError("output", "an object")
    page = Page.of(inputs, today)
    reader = ObjectReader(tuple(examples), tuple(context), copied=inputs)
    found = reader.read(shape, page)
    output = {name: value.value for name, value in found.items()}
    if not fits(output, shape):
        raise UnreadableFieldError("output", "an object that fits its whole schema")
    return Reading(
        output,
        min((m for value in found.values() for m in value.margins), default=1.0),
        {name: value.evidence for name, value in found.items()},
    )
