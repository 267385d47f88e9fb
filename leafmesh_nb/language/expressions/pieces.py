"""A text that is no expression, cut into pieces: what stands around its first wrong character."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CLOSERS", "Piece", "Spot", "pieces_of"]

_LONGEST = 60
CLOSERS = {"(": ")", "[": "]", "{": "}"}

_SCAN = re.compile(
    r"""
    (?P<text>[rR]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<unclosed>["'])
    |(?P<curly>[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb])
    |(?P<name>[A-Za-z_]\w*)
    |(?P<number>[0-9]\w*(?:\.[0-9]\w*)*|\.[0-9]\w*)
    |(?P<sign>===|!==|&&|\|\||<=|>=|==|!=|<>|=<|=>|=~|!~|\*\*|//|\+\+|\+=|-=|\*=|/=|\?\?|\?\.
        |:=|->|\$\{|\$|.)
    |(?P<other>\n)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, number, text or sign; ``kind`` is the name of its group above."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def shown(self) -> str:
        """The text for a message, not longer than one wants to read."""
        return self.text if len(self.text) <= _LONGEST else self.text[: _LONGEST - 1] + "…"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the parser stopped: the piece it refused (None at the end), those before and after."""

    text: str
    position: int
    wants_value: bool
    here: Piece | None
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]

    @property
    def last(self) -> Piece | None:
        """The piece before."""
        return self.before[-1] if self.before else None

    @property
    def opened(self) -> list[int]:
        """The brackets that are open here, innermost last, as indices of ``before``."""
        opened: list[int] = []
        for index, piece in enumerate(self.before):
            if piece.kind == "sign" and piece.text in CLOSERS:
                opened.append(index)
            elif opened and piece.text == CLOSERS[self.before[opened[-1]].text]:
                opened.pop()
        return opened

    @property
    def bracket(self) -> str:
        """The innermost open bracket: ``[``, ``{``, ``(`` for a group, ``f(`` for a call."""
        opened = self.opened
        if not opened:
            return ""
        index = opened[-1]
        if self.before[index].text != "(" or not index:
            return self.before[index].text
        caller = self.before[index - 1]
        return "f(" if caller.kind == "name" and caller.text != "in" else "("


def pieces_of(text: str, position: int, wants_value: bool) -> Spot:
    """The pieces around a position."""
    pieces = [
        Piece(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in _SCAN.finditer(text)
        if not match.group().isspace()
    ]
    return Spot(
        text,
        position,
        wants_value,
        next((piece for piece in pieces if piece.start <= position < piece.end), None),
        tuple(piece for piece in pieces if piece.end <= position),
        tuple(piece for piece in pieces if piece.start > position),
    )
