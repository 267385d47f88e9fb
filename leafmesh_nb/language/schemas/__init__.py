"""JSON Schema (2020-12) as a part of the mesh language: ``{schema: {…}}``.

    read_schema(document)    a document as a Schema, or all that is wrong with it
    parse_schema(node, …)    the same from a text, with diagnostics at their places
    type_of(schema)          what the shorthand can say as the shorthand's types
    validator(schema)        what is wrong with a value, or None
    misfit(source, target)   whether every value of one is a value of the other

Verdicts are this package's own, so that they are the same wherever a run is resumed: patterns are
RE2 or refused (a library on ``re`` can be held up by one text), numbers are exact, and messages
are the language's. Tests compare each of them with the ``jsonschema`` library.
"""

from __future__ import annotations
