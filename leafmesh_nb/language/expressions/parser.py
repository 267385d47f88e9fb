"""Text to syntax tree. The grammar is in ``grammar.lark``; lark is imported on first use."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from leafmesh_nb.language.expressions.ast import (
    Binary,
    Call,
    Chain,
    Comprehension,
    Conditional,
    Constant,
    Has,
    Index,
    ListOf,
    Logic,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
    applications,
    children,
)
from leafmesh_nb.language.expressions.finding import Problem
from leafmesh_nb.language.expressions.literals import (
    INT_MAX,
    INT_MIN,
    LiteralError,
    number_of,
    text_of,
)
from leafmesh_nb.language.expressions.mistakes import explain_failure

if TYPE_CHECKING:
    from lark import Lark, Token

__all__ = ["DEPTH", "LENGTH", "MACROS", "parse"]

DEPTH = 32
"""The deepest nesting of an expression."""
LENGTH = 4096
"""The longest expression, in characters."""

MACROS = ("all", "exists", "exists_one", "filter", "map")

_WORDS = {"true": True, "false": False, "null": None}
_FOREIGN_WORDS = {
    "True": "true",
    "TRUE": "true",
    "False": "false",
    "FALSE": "false",
    "None": "null",
    "NULL": "null",
    "Null": "null",
    "nil": "null",
    "undefined": "null",
}
_DATE = re.compile(r"(?<![\w.])\d{4}-\d{1,2}-\d{1,2}(?![\w.])", re.ASCII)


class _Refused(Exception):
    """Carries a problem out of the parser."""

    def __init__(self, code: str, message: str, place: tuple[int, int], hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(code, message, *place, hint)


@lru_cache(maxsize=2048)
def parse(text: str) -> Node | Problem:
    """The tree of an expression, or the first thing that is wrong with it. Never raises."""
    if len(text) > LENGTH:
        return Problem(
            "LM118",
            f"this expression has {len(text):,} characters; at most {LENGTH:,} are allowed",
            LENGTH,
            len(text),
        )
    if not text.strip():
        return Problem("LM113", "an expression is missing here", 0, len(text))
    from lark import UnexpectedInput

    try:
        tree = cast(Node, _parser().parse(text))
        _refuse_foreign(tree, text)
    except _Refused as refused:
        return refused.problem
    except UnexpectedInput as failure:
        return explain_failure(text, failure)
    return tree


@cache
def _parser() -> Lark:
    from lark import Lark

    grammar = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=_Builder(),
    )


def _depth(place: tuple[int, int], *parts: Node) -> int:
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > DEPTH:
        raise _Refused(
            "LM118",
            f"this expression is nested deeper than {DEPTH} levels",
            place,
        )
    return depth


def _start(token: Token) -> int:
    return cast(int, token.start_pos)


def _end(token: Token) -> int:
    return cast(int, token.end_pos)


class _Builder:
    """What each rule of the grammar becomes; called by lark with tokens and finished nodes.

    lark calls a method per alternative with its list of children, punctuation included.
    """

    def start(self, parts: list[Any]) -> Node:
        return cast(Node, parts[0])

    def conditional(self, parts: list[Any]) -> Node:
        test, _, then, _, otherwise = parts
        place = (test.start, otherwise.end)
        return Conditional(*place, _depth(place, test, then, otherwise), test, then, otherwise)

    def logic(self, parts: list[Any]) -> Node:
        terms = tuple(parts[0::2])
        place = (terms[0].start, terms[-1].end)
        return Logic(*place, _depth(place, *terms), cast(Any, str(parts[1])), terms)

    def binary(self, parts: list[Any]) -> Node:
        left, operator, right = parts
        place = (left.start, right.end)
        return Binary(
            *place, _depth(place, left, right), str(operator), left, right, _start(operator)
        )

    def chain(self, parts: list[Any]) -> Node:
        if len(parts) == 3:
            return self.binary(parts)
        operands, operators = tuple(parts[0::2]), parts[1::2]
        place = (operands[0].start, operands[-1].end)
        return Chain(
            *place, _depth(place, *operands), tuple(map(str, operators)), operands,
            tuple(map(_start, operators)),
        )  # fmt: skip

    def unary(self, parts: list[Any]) -> Node:
        operator, operand = parts
        place = (_start(operator), operand.end)
        if operator == "-" and isinstance(operand, Constant):
            value = operand.value
            # Folded here so that the least integer can be written.
            if type(value) is int:
                return Constant(*place, 1, -value)
            if isinstance(value, Decimal):
                return Constant(*place, 1, value.copy_negate() if value else value)
        return Unary(*place, _depth(place, operand), cast(Any, str(operator)), operand)

    def select(self, parts: list[Any]) -> Node:
        operand, _, name = parts
        place = (operand.start, _end(name))
        return Select(*place, _depth(place, operand), operand, str(name), _start(name))

    def index(self, parts: list[Any]) -> Node:
        operand, _, key, close = parts
        place = (operand.start, _end(close))
        return Index(*place, _depth(place, operand, key), operand, key)

    def call(self, parts: list[Any]) -> Node:
        receiver: Node | None = None
        if isinstance(parts[0], Node):
            receiver, _, *parts = parts
        name, _, *rest, close = parts
        arguments = tuple(part for part in rest if isinstance(part, Node))
        place = ((name.start_pos if receiver is None else receiver.start), _end(close))
        around = arguments if receiver is None else (receiver, *arguments)
        depth = _depth(place, *around)
        if receiver is not None and name in MACROS:
            return _comprehension(place, depth, str(name), receiver, arguments)
        if receiver is None and name == "has":
            if len(arguments) != 1 or not isinstance(arguments[0], Select):
                raise _Refused(
                    "LM119", "`has()` asks for a field, as in `has(input.amount)`", place
                )
            return Has(*place, depth, arguments[0])
        return Call(*place, depth, receiver, str(name), _start(name), arguments)

    def name(self, parts: list[Any]) -> Node:
        (token,) = parts
        return Name(_start(token), _end(token), 1, str(token))

    def parenthesised(self, parts: list[Any]) -> Node:
        opening, inner, closing = parts
        return replace(cast(Node, inner), start=_start(opening), end=_end(closing))

    def list_of(self, parts: list[Any]) -> Node:
        items = tuple(part for part in parts if isinstance(part, Node))
        place = (_start(parts[0]), _end(parts[-1]))
        return ListOf(*place, _depth(place, *items), items)

    def map_of(self, parts: list[Any]) -> Node:
        nodes = [part for part in parts if isinstance(part, Node)]
        place = (_start(parts[0]), _end(parts[-1]))
        entries = tuple(zip(nodes[0::2], nodes[1::2], strict=True))
        return MapOf(*place, _depth(place, *nodes), entries)

    def decimal(self, parts: list[Any]) -> Node:
        return _constant(parts[0], number_of)

    def integer(self, parts: list[Any]) -> Node:
        return _constant(parts[0], _integer_of)

    def text(self, parts: list[Any]) -> Node:
        return _constant(parts[0], text_of)

    def word(self, parts: list[Any]) -> Node:
        return _constant(parts[0], _WORDS.__getitem__)


def _constant(token: Token, read: Any) -> Node:
    start = _start(token)
    try:
        return Constant(start, _end(token), 1, read(str(token)))
    except LiteralError as error:
        place = (start + error.start, start + max(error.end, error.start + 1))
        raise _Refused("LM117", error.message, place) from None


def _integer_of(source: str) -> int:
    if len(source.lstrip("0")) > 19:
        raise LiteralError("this integer does not fit 64 bits", 0, len(source))
    return int(source)


def _comprehension(
    place: tuple[int, int], depth: int, kind: str, over: Node, arguments: tuple[Node, ...]
) -> Node:
    counts = (2, 3) if kind == "map" else (2,)
    variable = arguments[0] if arguments else None
    if len(arguments) not in counts or not isinstance(variable, Name):
        raise _Refused(
            "LM119",
            f"`{kind}()` takes a variable and an expression over it",
            place,
            f"as in `items.{kind}(x, {'x * 2' if kind == 'map' else 'x > 2'})`",
        )
    rest = arguments[1:]
    condition = rest[0] if kind != "map" or len(rest) == 2 else None
    result = rest[-1] if kind == "map" else None
    return Comprehension(*place, depth, cast(Any, kind), over, variable.name, condition, result)


def _refuse_foreign(node: Node, text: str) -> None:
    """What reads as an expression and cannot have been meant as one."""
    pending = [node]
    while pending:
        part = pending.pop()
        pending.extend(children(part))
        if isinstance(part, Name) and part.name in _FOREIGN_WORDS:
            word = _FOREIGN_WORDS[part.name]
            raise _Refused(
                "LM115",
                f"`{part.name}` is not a value here",
                (part.start, part.end),
                f"write `{word}`",
            )
        if isinstance(part, Constant):
            value = part.value
            if type(value) is int and not INT_MIN <= value <= INT_MAX:
                raise _Refused("LM117", "this integer does not fit 64 bits", (part.start, part.end))
        elif isinstance(part, Chain):
            for each in applications(part):
                written = text[each.start : each.end]
                if each.operator == "-" and _DATE.fullmatch(written):
                    raise _Refused(
                        "LM115",
                        f"`{written}` is a subtraction, not a date",
                        (each.start, each.end),
                        f'write `"{written}"`, or `timestamp("{written}T00:00:00Z")` for the time',
                    )
