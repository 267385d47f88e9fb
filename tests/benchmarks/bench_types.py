"""Microseconds to compare two types, and to check a value, of the shorthand and of JSON Schema.

python tests/benchmarks/bench_types.py
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from leafmesh_nb.language import Type, accept, fit
from leafmesh_nb.language.fit import compare
from leafmesh_nb.language.schemas.document import Schema
from leafmesh_nb.language.schemas.reading import read_schema
from leafmesh_nb.language.schemas.to_type import type_of
from leafmesh_nb.language.schemas.validate import validator
from leafmesh_nb.language.types import MONEY, STRING, object_of

ROUNDS = 15
EACH = 200

LINE = {
    "type": "object",
    "properties": {"sku": {"type": "string", "minLength": 1}, "price": {"type": "number"}},
    "required": ["sku", "price"],
}
ORDER = {
    "$ref": "#/$defs/order",
    "$defs": {
        "line": LINE,
        "order": {
            "type": "object",
            "properties": {
                "number": {"type": "string", "pattern": "^A[0-9]+$"},
                "total": {"type": "number", "minimum": 0},
                "state": {"enum": ["open", "paid"]},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "maxItems": 100},
            },
            "required": ["number", "lines"],
        },
    },
}
TREE = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
            },
            "required": ["value"],
        }
    },
}
UNION = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": kind}, "size": {"type": "integer", "minimum": 1}},
            "required": ["kind"],
        }
        for kind in ("cat", "dog", "fish")
    ]
}
VALUE = {
    "number": "A12",
    "total": 12.5,
    "state": "open",
    "lines": [{"sku": "pen", "price": 2.5}, {"sku": "ink", "price": 10}],
}


def schema(document: Any) -> Schema:
    """A document that is a schema."""
    found = read_schema(document)
    assert isinstance(found, Schema)
    return found


def loosened(document: Any) -> Any:
    """The same schema with `integer` as `number` everywhere."""
    if isinstance(document, dict):
        return {
            key: "number" if (key, value) == ("type", "integer") else loosened(value)
            for key, value in document.items()
        }
    return [loosened(item) for item in document] if isinstance(document, list) else document


def microseconds(call: Callable[[], object], each: int = EACH) -> float:
    """The CPU time of a call: the least mean of the rounds, for others use this machine too."""
    found = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        for _ in range(each):
            call()
        found.append((time.process_time() - began) / each * 1e6)
    return min(found)


def main() -> int:
    """Print the table."""

    def compared(source: Type, target: Type, fits: bool | None) -> float:
        misfit = compare(source, target)
        assert (misfit is None) == bool(fits), misfit

        def call() -> None:
            # What has been compared is known: a mesh repeats its types.
            fit.by_schema.cache_clear()
            compare(source, target)

        return microseconds(call)

    row = object_of({"id": STRING, "amount": MONEY, "note": STRING.or_null()})
    order, tree, union = (type_of(schema(found)) for found in (ORDER, TREE, UNION))
    text = type_of(schema({"type": "string", "minLength": 3}))
    rows = [
        ("objects of the shorthand fit", compared(row, row.or_null(), True)),
        ("a text that may be too short, not proved", compared(STRING, text, False)),
        ("a schema of an order fits a wider one", compared(
            order, type_of(schema(loosened({**ORDER, "minProperties": 2}))), True)),
        ("a recursive schema fits a wider one", compared(
            tree, type_of(schema(loosened(TREE))), True)),
        ("a union of three fits a wider one", compared(
            union, type_of(schema(loosened(UNION))), True)),
    ]  # fmt: skip
    check, library = validator(schema(ORDER)), Draft202012Validator(ORDER)
    assert check(VALUE) is None
    library.validate(VALUE)
    rows += [
        ("an order is checked", microseconds(lambda: check(VALUE))),
        ("the same by the jsonschema library", microseconds(lambda: library.is_valid(VALUE))),
        ("an order is accepted: copied, coerced and checked", microseconds(
            lambda: accept(order, VALUE))),
    ]  # fmt: skip
    for name, found in rows:
        print(f"{name:52} {found:8.1f} µs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
