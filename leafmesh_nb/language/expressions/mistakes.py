"""Why a text is not an expression, in plain words and under the right character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from leafmesh_nb.language.expressions.finding import Problem

if TYPE_CHECKING:
    from lark import UnexpectedInput

__all__ = ["explain_failure"]

_SCAN = re.compile(
    r"""
    (?P<text>[rR]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<unclosed>["'])
    |(?P<curly>[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb])
    |(?P<name>[A-Za-z_]\w*)
    |(?P<number>[0-9]\w*(?:\.[0-9]\w*)*|\.[0-9]\w*)
    |(?P<sign>===|!==|&&|\|\||<=|>=|==|!=|<>|=<|=>|\*\*|//|\?\?|\?\.|:=|->|\$\{|\$|.)
    |(?P<other>\n)
    """,
    re.VERBOSE | re.DOTALL,
)
_LEFT_OVER = re.compile(r"\{\{\s*[A-Za-z_][\w.]*\s*\}\}")
_PROSE = re.compile(r"[A-Za-z][\w'\u2019-]*(?:[,;:]?\s+[\w'\u2019-]+)+\s*[.!?]?")
_NUMBER = re.compile(r"[0-9]+|[0-9]*\.[0-9]+(?:[eE][0-9]+)?|[0-9]+[eE][0-9]+")
_DURATION = re.compile(r"(?:[0-9]+(?:h|ms|us|m|s))+")

_SIGNS = {
    "=": ("`=` does not compare", "write `==`"),
    "===": ("`===` is not an operator", "write `==`"),
    "!==": ("`!==` is not an operator", "write `!=`"),
    "<>": ("`<>` is not an operator", "write `!=`"),
    "=<": ("`=<` is not an operator", "write `<=`"),
    "=>": ("`=>` is not an operator", "write `>=`"),
    "&": ("`&` is not an operator", "write `&&`"),
    "|": ("`|` is not an operator", "write `||`"),
    "**": ("there is no power operator", "multiply, as in `x * x`"),
    "//": ("`//` is not an operator", "write `/`, which drops the fraction between integers"),
    "??": ("`??` is not an operator", "write `default(x, y)`"),
    "?.": ("`?.` is not an operator", "write `default(a.b, y)`"),
    ":=": ("an expression assigns nothing", ""),
    "->": ("`->` is not an operator", ""),
    "${": ("`${…}` is for templates", "write the expression without it"),
    "$": ("`$` has no meaning here", "money is a plain number, as in `100.00`"),
    "#": ("`#` has no meaning here", "a YAML comment needs a space before the `#`"),
    ";": ("`;` has no meaning here", "one expression, without an end mark"),
    "`": ("a backtick is no quote", "write `\"` or `'`"),
}
_WORDS = {
    "and": ("`and` is not an operator", "write `&&`"),
    "or": ("`or` is not an operator", "write `||`"),
    "not": ("`not` is not an operator", "write `!`, as in `!(x in y)`"),
    "is": ("`is` is not an operator", "write `==`"),
    "if": ("`if` has no meaning here", "write `test ? a : b`"),
    "then": ("`then` has no meaning here", "write `test ? a : b`"),
    "else": ("`else` has no meaning here", "write `test ? a : b`"),
    "like": ("`like` is not an operator", 'write `x.matches("…")` or `x.contains("…")`'),
}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str
    text: str
    start: int
    end: int


def explain_failure(text: str, failure: UnexpectedInput) -> Problem:
    """The problem behind a failure of the parser, which names the first character it refused."""
    left_over = _LEFT_OVER.search(text)
    if left_over is not None:
        return Problem(
            "LM116",
            f"`{left_over.group()}` was not filled in",
            left_over.start(),
            left_over.end(),
            "{{name}} takes a Python variable in a notebook cell; elsewhere write the value",
        )
    end = len(text.rstrip())
    position = _position(failure, end)
    pieces = [
        _Piece(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in _SCAN.finditer(text)
        if not match.group().isspace()
    ]
    before = [piece for piece in pieces if piece.end <= position]
    here = next((piece for piece in pieces if piece.start <= position < piece.end), None)
    wants_value = _wants_value(failure)
    return (
        _misspelt(here, before)
        or _unbalanced(here, before, wants_value)
        or _prose(text, here, before)
        or _unexpected(text, here, before, position, wants_value)
    )


def _position(failure: UnexpectedInput, end: int) -> int:
    token = getattr(failure, "token", None)
    if token is not None and token.type == "$END":
        return end
    return min(cast(int, failure.pos_in_stream), end)


def _wants_value(failure: UnexpectedInput) -> bool:
    allowed = getattr(failure, "expected", None) or getattr(failure, "allowed", None) or ()
    return "INTEGER" in allowed


def _misspelt(here: _Piece | None, before: list[_Piece]) -> Problem | None:
    """An operator, word, quote or number of another language."""
    last = before[-1] if before else None
    if here is None:
        return _misspelt_word(last, before)
    if here.kind == "unclosed":
        return Problem(
            "LM111",
            "this text is never closed",
            here.start,
            here.end,
            f"end it with `{here.text}` (inside it, write `\\{here.text}`)",
        )
    if here.kind == "curly":
        return Problem(
            "LM114", "this is a typographic quote", here.start, here.end, "write `\"` or `'`"
        )
    if here.kind == "sign" and here.text in _SIGNS:
        message, hint = _SIGNS[here.text]
        return Problem("LM114", message, here.start, here.end, hint)
    if here.kind == "number" and not _NUMBER.fullmatch(here.text):
        hint = f'write `duration("{here.text}")`' if _DURATION.fullmatch(here.text) else ""
        return Problem("LM117", f"`{here.text}` is not a number", here.start, here.end, hint)
    return _misspelt_word(here, before) or _misspelt_word(last, before[:-1])


def _misspelt_word(piece: _Piece | None, before: list[_Piece]) -> Problem | None:
    if piece is None or piece.kind != "name" or (before and before[-1].text == "."):
        return None
    entry = _WORDS.get(piece.text.lower())
    if entry is None:
        return None
    return Problem(
        "LM114", entry[0].replace(piece.text.lower(), piece.text), piece.start, piece.end, entry[1]
    )


def _open_brackets(before: list[_Piece]) -> list[_Piece]:
    opened: list[_Piece] = []
    for piece in before:
        if piece.text in _CLOSERS:
            opened.append(piece)
        elif opened and piece.text == _CLOSERS[opened[-1].text]:
            opened.pop()
    return opened


def _unbalanced(here: _Piece | None, before: list[_Piece], wants_value: bool) -> Problem | None:
    opened = _open_brackets(before)
    if here is None:
        if not opened or wants_value:
            return None
        bracket = opened[-1]
        return Problem(
            "LM112",
            f"this `{bracket.text}` is never closed",
            bracket.start,
            bracket.end,
            f"a `{_CLOSERS[bracket.text]}` is missing",
        )
    if here.text not in _CLOSERS.values() or here.kind != "sign":
        return None
    if not opened:
        opener = next(o for o, c in _CLOSERS.items() if c == here.text)
        return Problem(
            "LM112", f"there is no `{opener}` for this `{here.text}`", here.start, here.end
        )
    if here.text != _CLOSERS[opened[-1].text]:
        return Problem(
            "LM112",
            f"`{here.text}` does not close the `{opened[-1].text}` before it",
            here.start,
            here.end,
            f"a `{_CLOSERS[opened[-1].text]}` is missing",
        )
    return None


def _prose(text: str, here: _Piece | None, before: list[_Piece]) -> Problem | None:
    if not before or not _PROSE.fullmatch(text.strip()):
        return None
    place = here or before[-1]
    words = text.strip()
    return Problem(
        "LM110",
        f"`{place.text}` is not expected here: this reads like a text, not like an expression",
        place.start,
        place.end,
        f"a literal text is quoted twice: `'\"{words}\"'`",
    )


def _unexpected(
    text: str, here: _Piece | None, before: list[_Piece], position: int, wants_value: bool
) -> Problem:
    if wants_value:
        expected = "a value"
    elif before and before[-1].text == ".":
        expected = "a field's name"
    else:
        opened = _open_brackets(before)
        expected = f"an operator or `{_CLOSERS[opened[-1].text]}`" if opened else "an operator"
    if here is None:
        after = f" after `{before[-1].text}`" if before else ""
        return Problem(
            "LM113",
            f"the expression ends too early: {expected} is expected{after}",
            position,
            position,
        )
    if here.kind == "name" and not here.text.isascii():
        return Problem(
            "LM110",
            f"`{here.text}` is not a name: names are made of a-z, 0-9 and _",
            here.start,
            here.end,
        )
    hint = ""
    last = before[-1] if before else None
    if last is not None and last.kind == "text" and last.end == here.start:
        hint = f"a `{last.text[-1]}` inside the text is written `\\{last.text[-1]}`"
    elif last is not None and last.kind == "name" and here.text.startswith("."):
        hint = f"an item of a list is written `{last.text}[{here.text[1:]}]`"
    elif here.text == ":" and last is not None and last.kind == "number":
        hint = f"a time of day is a text: `'\"{text.strip()}\"'`"
    return Problem(
        "LM110",
        f"`{here.text}` is not expected here; {expected} is",
        here.start,
        here.end,
        hint,
    )
