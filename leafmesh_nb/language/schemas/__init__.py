"""JSON Schema (2020-12) as a part of the mesh language: ``{schema: {…}}``.

    reading.read_schema(document)     a document as a Schema, or all that is wrong with it
    syntax.parse_schema(node, …)      the same from a text, with diagnostics at their places
    to_type.type_of(schema)           the type: the shorthand where that can say it
    validate.validator(schema)        what is wrong with a value, or None
    subset.Prover                     whether all values of one schema are values of another
    samples.samples(document)         a few of its values, to look for one that another refuses

Verdicts are this package's own, so that they are the same wherever a run is resumed: patterns are
RE2 or refused (a library on ``re`` can be held up by one text), numbers are exact, and messages
are the language's. Tests compare each of them with the ``jsonschema`` library.
"""

from __future__ import annotations
