"""The expression language of a mesh: a strict subset of CEL with exact numbers.

``parse_expression`` gives an Expression or findings; ``check`` types it against the names of its
place; ``evaluate`` gives a value or an ErrorValue, and ``explain`` the values of its parts.
Departures from CEL: numbers compare and add exactly across integer, decimal and money (there is
no binary floating point), division of decimals keeps 34 digits, and ``has(a.b)`` is false where
it or ``a`` is null.
"""

from __future__ import annotations

from leafmesh_nb.language.expressions.check import check
from leafmesh_nb.language.expressions.explain import Explanation, Part
from leafmesh_nb.language.expressions.expression import (
    Expression,
    parse_expression,
    parse_expression_text,
)
from leafmesh_nb.language.expressions.finding import Finding
from leafmesh_nb.language.expressions.template import Template, parse_template
from leafmesh_nb.language.expressions.values import ErrorValue

__all__ = [
    "ErrorValue",
    "Explanation",
    "Expression",
    "Finding",
    "Part",
    "Template",
    "check",
    "parse_expression",
    "parse_expression_text",
    "parse_template",
]
