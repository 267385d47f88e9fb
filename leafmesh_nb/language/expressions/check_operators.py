"""Types of comparisons and arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from leafmesh_nb.language.expressions.ast import (
    Binary,
    Chain,
    Constant,
    ListOf,
    Node,
    Unary,
    applications,
)
from leafmesh_nb.language.expressions.literals import (
    DAY,
    LiteralError,
    duration_of,
    timestamp_of,
)
from leafmesh_nb.language.expressions.static import (
    ANY,
    BOOLEAN,
    DURATION,
    NUMBER,
    STRING,
    Type,
    common,
    family,
    in_words,
    is_null,
    is_whole,
    unbounded,
)
from leafmesh_nb.language.suggest import suggest

if TYPE_CHECKING:
    from leafmesh_nb.language.expressions.check import Checker, Scope

__all__ = ["check_binary", "check_chain"]

_ORDERED = frozenset({"number", "string", "boolean", "date", "datetime", "duration"})
_TEMPORAL = frozenset({"date", "datetime", "duration"})
_COMPARISONS = ("<", "<=", ">", ">=")


def check_binary(checker: Checker, node: Binary, scope: Scope) -> Type:
    """The type of ``left operator right``."""
    if node.operator in ("==", "!="):
        left, right = checker.infer(node.left, scope), checker.infer(node.right, scope)
        _check_equality(checker, node, left, right, scope)
        return BOOLEAN
    if node.operator == "in":
        return _membership(checker, node, scope)
    left, right = checker.value(node.left, scope), checker.value(node.right, scope)
    if node.operator in _COMPARISONS:
        _check_order(checker, node, left, right, scope)
        return BOOLEAN
    return _computed(checker, node, left, right, scope)


def check_chain(checker: Checker, node: Chain, scope: Scope) -> Type:
    """The type of ``first operator second operator third …``."""
    found = checker.value(node.operands[0], scope)
    for part in applications(node):
        found = _computed(checker, part, found, checker.value(part.right, scope), scope)
    return found


def _computed(checker: Checker, node: Binary, left: Type, right: Type, scope: Scope) -> Type:
    if node.operator in "/%" and right.minimum == right.maximum == 0:
        checker.error("LM410", "this divides by zero", scope, (node.start, node.end))
        return ANY
    if left.kind == "any" or right.kind == "any":
        return ANY
    found = _arithmetic(node.operator, left, right)
    if found is None:
        checker.error(
            "LM410",
            f"`{node.operator}` does not take {in_words(left)} and {in_words(right)}",
            scope,
            (node.start, node.end),
            _conversion(node, left, right, scope),
        )
        return ANY
    return found


def _arithmetic(operator: str, left: Type, right: Type) -> Type | None:
    a, b = family(left), family(right)
    if a == b == "number":
        return _number(operator, left, right)
    if operator == "+":
        if a == b == "string":
            return STRING
        if a == b == "list":
            return common(left, right)
        if a == "duration" and b in _TEMPORAL:
            return right
        return left if b == "duration" and a in _TEMPORAL else None
    if operator == "-":
        if b == "duration" and a in _TEMPORAL:
            return left
        return DURATION if a == b and a in ("date", "datetime") else None
    return None


def _number(operator: str, left: Type, right: Type) -> Type | None:
    if operator == "%":
        return unbounded(left) if left.kind == right.kind == "integer" else None
    found = unbounded(common(left, right))
    if operator == "/":
        whole = left.kind == right.kind == "integer"
        if left.kind == right.kind == "money":
            found = NUMBER
    else:
        whole = operator in "+-" or is_whole(left) or is_whole(right)
    return found if whole else replace(found, fraction=True)


def _membership(checker: Checker, node: Binary, scope: Scope) -> Type:
    left = checker.infer(node.left, scope)
    if isinstance(node.right, ListOf):
        for item in node.right.items:
            kind = checker.infer(item, scope)
            _check_pair(checker, left, node.left, kind, item, (item.start, item.end), scope)
        return BOOLEAN
    right = checker.value(node.right, scope)
    place = (node.right.start, node.right.end)
    if right.kind == "list":
        if right.items is not None:
            _check_pair(
                checker, left, node.left, right.items, node.right, (node.start, node.end), scope
            )
    elif family(right) == "map":
        if left.kind != "any" and family(left) != "string":
            checker.error(
                "LM410", f"the keys of a map are texts, not {in_words(left)}", scope,
                (node.left.start, node.left.end),
            )  # fmt: skip
    elif right.kind != "any":
        hint = ""
        if family(right) == "string":
            hint = f"write `{scope.text(node.right)}.contains({scope.text(node.left)})`"
        checker.error(
            "LM410", f"`in` needs a list or a map; this is {in_words(right)}", scope, place, hint
        )
    return BOOLEAN


def _check_equality(checker: Checker, node: Binary, left: Type, right: Type, scope: Scope) -> None:
    place = (node.start, node.end)
    if not _check_pair(checker, left, node.left, right, node.right, place, scope):
        _check_bounds(checker, node, left, right, scope)


def _check_pair(
    checker: Checker, left: Type, one: Node, right: Type, other: Node, place: tuple[int, int],
    scope: Scope,
) -> bool:  # fmt: skip
    """Whether the two values can never be equal, which is then recorded."""
    if "any" in (left.kind, right.kind) or is_null(left) or is_null(right):
        return False
    if left.nullable and right.nullable:
        return False
    if family(left) != family(right):
        checker.error(
            "LM414",
            f"{in_words(left)} is never equal to {in_words(right)}",
            scope,
            place,
            _literal_hint(one, left, other, right),
        )
        return True
    if left.kind == right.kind == "enum" and not set(left.values) & set(right.values):
        if isinstance(one, Constant) and isinstance(other, Constant):
            return False
        if isinstance(one, Constant):
            left, right, other = right, left, one
        at = (other.start, other.end) if isinstance(other, Constant) else place
        unknown = right.values[0] if right.values else ""
        close = suggest(unknown, left.values)
        checker.error(
            "LM413",
            f'"{unknown}" is none of its values' if len(right.values) == 1
            else f"{in_words(left)} is never {in_words(right)}",
            scope,
            at,
            f'Did you mean `"{close}"`?' if close else f"its values are {', '.join(left.values)}",
        )  # fmt: skip
        return True
    return False


def _check_order(checker: Checker, node: Binary, left: Type, right: Type, scope: Scope) -> None:
    a, b = family(left), family(right)
    place = (node.start, node.end)
    if a == "any" or b == "any":
        lone = left if b == "any" else right
        if family(lone) not in _ORDERED | {"any"}:
            checker.error("LM410", f"{in_words(lone)} has no order", scope, place)
        return
    if a != b or a not in _ORDERED:
        checker.error(
            "LM410",
            f"{in_words(left)} and {in_words(right)} have no order",
            scope,
            place,
            _conversion(node, left, right, scope),
        )
        return
    _check_bounds(checker, node, left, right, scope)


def _check_bounds(checker: Checker, node: Binary, left: Type, right: Type, scope: Scope) -> None:
    """A comparison with a constant that the bounds of the other side rule out."""
    if isinstance(node.left, Constant) == isinstance(node.right, Constant):
        return
    operator = node.operator
    small, large = (right, left) if operator in (">", ">=") else (left, right)
    never = _above(small.minimum, large.maximum, strict=operator in ("<", ">"))
    if operator == "==":
        never = never or _above(right.minimum, left.maximum, strict=False)
    if operator == "!=" or not never:
        return
    other = right if isinstance(node.left, Constant) else left
    bounds = [
        f"at least {other.minimum:f}" if other.minimum is not None else "",
        f"at most {other.maximum:f}" if other.maximum is not None else "",
    ]
    checker.error(
        "LM413",
        "this can never be true",
        scope,
        (node.start, node.end),
        f"the value is {' and '.join(b for b in bounds if b)}",
    )


def _above(low: Decimal | None, high: Decimal | None, *, strict: bool) -> bool:
    """Whether nothing from ``low`` on is below ``high`` (or, not strict, up to it)."""
    return low is not None and high is not None and (low > high or (strict and low == high))


def _literal_hint(one: Node, left: Type, other: Node, right: Type) -> str:
    """How to write a constant so that it has the type of the other side."""
    for literal, kind in ((one, right), (other, left)):
        if isinstance(literal, Constant):
            found = _as_kind(literal.value, kind)
            if found:
                return found
    return ""


def _as_kind(value: object, kind: Type) -> str:
    wanted = family(kind)
    if isinstance(value, str):
        if wanted == "number":
            number = value.strip()
            return f"write `{number}` without quotes" if _looks_numeric(number) else ""
        if wanted == "boolean" and value.lower() in ("true", "false"):
            return f"write `{value.lower()}` without quotes"
        if wanted == "datetime":
            moment = f"{value}T00:00:00Z" if DAY.fullmatch(value) else value
            return _read_by("timestamp", timestamp_of, moment, "2026-03-01T12:00:00Z")
        if wanted == "date" and DAY.fullmatch(value):
            return f'compare times: `timestamp(x)` with `timestamp("{value}T00:00:00Z")`'
        if wanted == "duration":
            return _read_by("duration", duration_of, value, "1h30m")
    elif wanted == "string" and value is not None and not isinstance(value, bool):
        return f'write `"{value}"` in quotes'
    return ""


def _read_by(function: str, reader: Callable[[str], object], text: str, example: str) -> str:
    """How to write a constant text that a function reads."""
    try:
        reader(text)
    except LiteralError:
        return f'as in `{function}("{example}")`'
    return f'write `{function}("{text}")`'


def _looks_numeric(text: str) -> bool:
    return text.replace(".", "", 1).isdigit() and text.isascii()


def _conversion(node: Binary, left: Type, right: Type, scope: Scope) -> str:
    """How to make an operator fit its operands."""
    text, a, b = scope.text, family(left), family(right)
    if node.operator == "+" and "string" in (a, b):
        other = node.right if a == "string" else node.left
        return f"write `string({text(other)})`"
    if node.operator in _COMPARISONS:
        if isinstance(node.left, Binary) and node.left.operator in _COMPARISONS:
            return f"write `{text(node.left)} && {_with(node, text(node.left.right), text)}`"
        if isinstance(node.left, Unary) and node.left.operator == "!":
            return f"write `!({_with(node, text(node.left.operand), text)})`"
        if {a, b} == {"date", "datetime"}:
            return f"write `timestamp({text(node.left if a == 'date' else node.right)})`"
    elif not _quoted_number(node):
        return ""
    return _literal_hint(node.left, left, node.right, right)


def _with(node: Binary, left: str, text: Callable[[Node], str]) -> str:
    return f"{left} {node.operator} {text(node.right)}"


def _quoted_number(node: Binary) -> bool:
    """Whether an operand is a number in quotes."""
    return any(
        isinstance(part, Constant)
        and isinstance(part.value, str)
        and _looks_numeric(part.value.strip())
        for part in (node.left, node.right)
    )
