"""Texts with ``${EXPR}`` in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leafmesh_nb.language.expressions.ast import paths, size_of
from leafmesh_nb.language.expressions.expression import Expression, parse_origin
from leafmesh_nb.language.expressions.finding import Finding, Origin
from leafmesh_nb.language.expressions.values import ErrorValue, Failure, load, written
from leafmesh_nb.language.nodes import ScalarNode, Span

__all__ = ["Template", "parse_template"]

LONGEST = 1_000_000
"""The longest text that a template gives, in characters."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text made of literal pieces and expressions.

    ``escaped`` are the expressions that would have stood behind a ``$${``: an amount in dollars is
    easily written so by mistake.
    """

    text: str
    span: Span
    pieces: tuple[str | Expression, ...]
    escaped: tuple[Expression, ...] = field(compare=False, repr=False, default=())

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """The static paths that its expressions read."""
        return frozenset().union(*(p.reads for p in self.expressions))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Its expressions, in source order."""
        return tuple(p for p in self.pieces if isinstance(p, Expression))

    def render(self, names: Mapping[str, Any], *, now: datetime | None = None) -> str | ErrorValue:
        """The text: numbers in plain digits (``620.00``), null as ``null``. Never raises."""
        texts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                texts.append(piece)
                continue
            value = piece.evaluate(names, now=now)
            if isinstance(value, ErrorValue):
                return value
            try:
                texts.append(written(load(value)))
            except Failure as failure:
                return ErrorValue(failure.message, piece.span)
            except Exception as error:
                return ErrorValue(f"a value could not be read ({type(error).__name__})", piece.span)
        if sum(map(len, texts)) > LONGEST:
            return ErrorValue(f"this text would have more than {LONGEST:,} characters", self.span)
        return "".join(texts)


def parse_template(node: ScalarNode) -> Template | list[Finding]:
    """The template of a text, or all that is wrong with it. ``$${`` stands for ``${``."""
    findings: list[Finding] = []
    pieces: list[str | Expression] = []
    escaped: list[Expression] = []
    for start, end, literal in _cut(node.text):
        if literal is not None:
            pieces.append(literal)
            if end is not None and literal.endswith("${"):
                escaped += _meant(node, end)
            continue
        if end is None:
            findings.append(
                Finding(
                    "LM112",
                    "this `${` is never closed",
                    node.locate(start, start + 2),
                    "a `}` is missing; `$${` stands for a literal `${`",
                )
            )
            break
        found = _inner(node, start + 2, end - 1)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            pieces.append(found)
    return findings or Template(node.text, node.span, tuple(pieces), tuple(escaped))


def _inner(node: ScalarNode, start: int, end: int) -> Expression | Finding:
    origin = Origin(node, node.text[start:end], start)
    found = parse_origin(origin)
    if isinstance(found, Finding):
        return found
    span = origin.locate(0, len(origin.text))
    return Expression(origin.text, span, frozenset(paths(found)), found, origin, size_of(found))


def _meant(node: ScalarNode, start: int) -> list[Expression]:
    """The expression after a ``$${``, if there is one."""
    end = _closing(node.text, start)
    found = None if end is None else _inner(node, start, end - 1)
    return [found] if isinstance(found, Expression) else []


def _cut(text: str) -> Iterator[tuple[int, int | None, str | None]]:
    """(start, end, literal text or None for an expression); no end: it is never closed."""
    position = 0
    while position < len(text):
        found = text.find("${", position)
        if found < 0:
            break
        if found > position and text[found - 1] == "$":
            yield position, found + 2, text[position : found - 1] + "${"
            position = found + 2
            continue
        if found > position:
            yield position, found, text[position:found]
        end = _closing(text, found + 2)
        yield found, end, None
        if end is None:
            return
        position = end
    if position < len(text):
        yield position, len(text), text[position:]


def _closing(text: str, position: int) -> int | None:
    """One past the ``}`` that closes a ``${``; braces in quotes and inner maps do not count."""
    depth = 0
    quote = ""
    while position < len(text):
        character = text[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            if depth == 0:
                return position + 1
            depth -= 1
        position += 1
    return None
