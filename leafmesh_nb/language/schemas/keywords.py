"""The keywords of JSON Schema 2020-12: what their values are, and which hold schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = [
    "ANNOTATIONS",
    "ASSERTED_FORMATS",
    "COUNTS",
    "DIALECT",
    "ELSEWHERE",
    "IN_PLACE",
    "KEYWORDS",
    "NAMED_SCHEMAS",
    "NUMBERS",
    "SCHEMAS",
    "SCHEMA_LISTS",
    "TYPES",
    "subschemas",
]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")

# fmt: off
SCHEMAS = frozenset({
    "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
})
SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED_SCHEMAS = frozenset({
    "$defs", "definitions", "dependentSchemas", "patternProperties", "properties",
})
COUNTS = frozenset({
    "maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems",
    "minLength", "minProperties",
})
NUMBERS = frozenset({"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"})
ANNOTATIONS = frozenset({
    "$comment", "$vocabulary", "contentEncoding", "contentMediaType", "contentSchema", "default",
    "deprecated", "description", "discriminator", "example", "examples", "readOnly", "title",
    "writeOnly",
})
"""What says nothing of which values there are; ``discriminator`` is OpenAPI's hint at a union."""

KEYWORDS = SCHEMAS | SCHEMA_LISTS | NAMED_SCHEMAS | COUNTS | NUMBERS | ANNOTATIONS | {
    "$anchor", "$id", "$ref", "$schema", "const", "dependentRequired", "enum", "format", "pattern",
    "required", "type", "uniqueItems",
}
# fmt: on

ELSEWHERE: Mapping[str, str] = {
    "$dynamicAnchor": "Name the schema under `$defs`, and use `$ref`.",
    "$dynamicRef": "Use `$ref`.",
    "$recursiveAnchor": "Name the schema under `$defs`, and use `$ref`.",
    "$recursiveRef": "Use `$ref`.",
    "additionalItems": "In 2020-12 it is `items`, and what comes first is `prefixItems`.",
    "dependencies": "In 2020-12 it is `dependentRequired` or `dependentSchemas`.",
    "divisibleBy": "In 2020-12 it is `multipleOf`.",
    "id": "In 2020-12 it is `$id`.",
    "nullable": 'Write type: [string, "null"].',
    "optional": "List what is not optional under `required`.",
}
"""Keywords of other drafts and dialects, and what stands for them."""

ASSERTED_FORMATS = frozenset({"date", "date-time", "money"})
"""The formats that are types of the mesh language. Any other is an annotation, as by default."""

IN_PLACE = ("$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""The keywords whose schemas are applied to the same value again."""


def subschemas(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The schemas directly within a schema, with their places: not what ``$ref`` leads to."""
    for key, value in document.items():
        if key in SCHEMAS:
            yield (key,), value
        elif key in SCHEMA_LISTS and isinstance(value, list):
            for index, inner in enumerate(value):
                yield (key, index), inner
        elif key in NAMED_SCHEMAS and isinstance(value, Mapping):
            for name, inner in value.items():
                yield (key, name), inner
