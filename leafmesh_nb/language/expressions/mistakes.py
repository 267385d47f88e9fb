"""Why a text is not an expression, in plain words and under the right character."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from leafmesh_nb.language.expressions.finding import Problem
from leafmesh_nb.language.expressions.habits import habit
from leafmesh_nb.language.expressions.pieces import CLOSERS, Piece, Spot, pieces_of

if TYPE_CHECKING:
    from lark import UnexpectedInput

__all__ = ["explain_failure"]

_LEFT_OVER = re.compile(r"\{\{\s*[A-Za-z_][\w.]*\s*\}\}")
_PROSE = re.compile(r"[A-Za-z][\w'\u2019-]*(?:[,;:]?\s+[\w'\u2019-]+)+\s*[.!?]?")
_NUMBER = re.compile(r"[0-9]+|[0-9]*\.[0-9]+(?:[eE][0-9]+)?|[0-9]+[eE][0-9]+")
_TIME_OF_DAY = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")
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
    ":=": ("an expression assigns nothing", "write `==` to compare"),
    "->": ("`->` is not an operator", "write `.`"),
    "=~": ("`=~` is not an operator", 'write `x.matches("…")`'),
    "!~": ("`!~` is not an operator", 'write `!x.matches("…")`'),
    "++": ("an expression assigns nothing", "write `x + 1`"),
    "+=": ("an expression assigns nothing", "write `x + 1`"),
    "-=": ("an expression assigns nothing", "write `x - 1`"),
    "*=": ("an expression assigns nothing", "write `x * 2`"),
    "/=": ("an expression assigns nothing", "write `x / 2`"),
    "^": ("`^` is not an operator", "write `x * x`, or `!=` between two conditions"),
    "~": ("`~` is not an operator", "write `!` before a condition"),
    "@": ("`@` has no meaning here", ""),
    "${": ("`${…}` is for templates", "write the expression without it"),
    "$": ("`$` has no meaning here", "money is a plain number, as in `100.00`"),
    "#": ("`#` has no meaning here", "a YAML comment needs a space before the `#`"),
    ";": ("`;` has no meaning here", "one expression, without an end mark"),
    "`": ("a backtick is no quote", "write `\"` or `'`"),
}
_MACROS = "write `items.map(x, …)`, or `filter`, `all`, `exists` in its place"
_WORDS = {
    "and": ("`and` is not an operator", "write `&&`"),
    "or": ("`or` is not an operator", "write `||`"),
    "not": ("`not` is not an operator", "write `!`, as in `!(x in y)`"),
    "is": ("`is` is not an operator", "write `==`"),
    "if": ("`if` has no meaning here", "write `test ? a : b`"),
    "then": ("`then` has no meaning here", "write `test ? a : b`"),
    "else": ("`else` has no meaning here", "write `test ? a : b`"),
    "for": ("`for` has no meaning here", _MACROS),
    "lambda": ("`lambda` has no meaning here", _MACROS),
    "xor": ("`xor` is not an operator", "write `!=` between two conditions"),
    "implies": ("`implies` is not an operator", "write `!a || b`"),
    "between": ("`between` is not an operator", "write `x >= 1 && x <= 2`"),
    "import": ("an expression imports nothing", ""),
    "await": ("an expression waits for nothing", ""),
    "return": ("`return` has no meaning here", "write the value alone"),
    "like": ("`like` is not an operator", 'write `x.matches("…")` or `x.contains("…")`'),
}


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
    position = _position(failure, len(text.rstrip()))
    spot = pieces_of(text, position, _wants_value(failure))
    return habit(spot) or _misspelt(spot) or _unbalanced(spot) or _prose(spot) or _unexpected(spot)


def _position(failure: UnexpectedInput, end: int) -> int:
    token = getattr(failure, "token", None)
    if token is not None and token.type == "$END":
        return end
    return min(cast(int, failure.pos_in_stream), end)


def _wants_value(failure: UnexpectedInput) -> bool:
    allowed = getattr(failure, "expected", None) or getattr(failure, "allowed", None) or ()
    return "INTEGER" in allowed


def _misspelt(spot: Spot) -> Problem | None:
    """An operator, word, quote or number of another language."""
    here = spot.here
    if here is None:
        return _misspelt_word(spot.last, spot.before)
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
        return Problem("LM117", f"`{here.shown}` is not a number", here.start, here.end, hint)
    return _misspelt_word(here, spot.before) or _misspelt_word(spot.last, spot.before[:-1])


def _misspelt_word(piece: Piece | None, before: Sequence[Piece]) -> Problem | None:
    if piece is None or piece.kind != "name" or (before and before[-1].text == "."):
        return None
    entry = _WORDS.get(piece.text.lower())
    if entry is None:
        return None
    return Problem(
        "LM114", entry[0].replace(piece.text.lower(), piece.text), piece.start, piece.end, entry[1]
    )


def _unbalanced(spot: Spot) -> Problem | None:
    here, opened = spot.here, [spot.before[index] for index in spot.opened]
    if here is None:
        if not opened or spot.wants_value:
            return None
        bracket = opened[-1]
        return Problem(
            "LM112",
            f"this `{bracket.text}` is never closed",
            bracket.start,
            bracket.end,
            f"a `{CLOSERS[bracket.text]}` is missing",
        )
    if here.text not in CLOSERS.values() or here.kind != "sign":
        return None
    if not opened:
        opener = next(o for o, c in CLOSERS.items() if c == here.text)
        return Problem(
            "LM112", f"there is no `{opener}` for this `{here.text}`", here.start, here.end
        )
    if here.text != CLOSERS[opened[-1].text]:
        return Problem(
            "LM112",
            f"`{here.text}` does not close the `{opened[-1].text}` before it",
            here.start,
            here.end,
            f"a `{CLOSERS[opened[-1].text]}` is missing",
        )
    return None


def _prose(spot: Spot) -> Problem | None:
    words = spot.text.strip()
    place = spot.here or spot.last
    if spot.last is None or place is None or not _PROSE.fullmatch(words):
        return None
    return Problem(
        "LM110",
        f"`{place.shown}` is not expected here: this reads like a text, not like an expression",
        place.start,
        place.end,
        f"a literal text is quoted twice: `'\"{words}\"'`",
    )


def _unexpected(spot: Spot) -> Problem:
    here, last = spot.here, spot.last
    if spot.wants_value:
        expected = "a value"
    elif last is not None and last.text == ".":
        expected = "a field's name"
    else:
        bracket = spot.bracket[-1:]
        expected = f"an operator or `{CLOSERS[bracket]}`" if bracket else "an operator"
    if here is None:
        after = f" after `{last.shown}`" if last is not None else ""
        return Problem(
            "LM113",
            f"the expression ends too early: {expected} is expected{after}",
            spot.position,
            spot.position,
        )
    if here.kind == "name" and not here.text.isascii():
        return Problem(
            "LM110",
            f"`{here.shown}` is not a name: names are made of a-z, 0-9 and _",
            here.start,
            here.end,
        )
    hint = ""
    touches = last is not None and last.end == here.start
    if last is not None and last.kind == "text" and touches and here.kind in ("name", "number"):
        hint = f"a `{last.text[-1]}` inside the text is written `\\{last.text[-1]}`"
    elif last is not None and last.kind == "name" and here.text.startswith("."):
        hint = f"an item of a list is written `{last.shown}[{here.shown[1:]}]`"
    elif here.text == ":" and _TIME_OF_DAY.fullmatch(spot.text.strip()):
        hint = f"a time of day is a text: `'\"{spot.text.strip()}\"'`"
    elif here.text == "?" and last is not None and last.text == ".":
        hint = "write `default(a.b, y)`"
    elif here.text == "!" and not spot.wants_value:
        hint = "to negate, write `!(…)` around the comparison"
    return Problem(
        "LM110",
        f"`{here.shown}` is not expected here; {expected} is",
        here.start,
        here.end,
        hint,
    )
