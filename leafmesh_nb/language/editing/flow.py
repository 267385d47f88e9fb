"""Flow collections that are being written: ``{a: 1, b: [c, `` with or without an end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leafmesh_nb.language.editing.outline import Branch

__all__ = ["DEEPEST", "depth_after", "read_flow"]

DEEPEST = 60
"""Levels that are looked into; no mesh has as many."""

_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?""")
_MARKS = re.compile(r"[{\[}\]]")
_SPACE = re.compile(r"(?:\s+|(?<=\s)#.*)*")
_KEY = re.compile(r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s,{}\[\]:]|:(?!\s|[,{}\[\]]|$))+""")
_COLON = re.compile(r"\s*:(?=\s|[,{}\[\]]|$)\s*")
_TURN = re.compile(r"""["'()\[\]{},]""")


def depth_after(text: str) -> int:
    """How many brackets are open at the end of a text."""
    if '"' in text or "'" in text:
        text = _QUOTED.sub("", text)
    depth = 0
    for mark in _MARKS.findall(text):
        depth += 1 if mark in "{[" else -1
        if depth <= 0:
            return 0
    return depth


def read_flow(owner: Branch) -> list[Branch]:
    """The keys and items of a branch whose value is a flow collection, with all within them."""
    children: list[Branch] = []
    _collection(owner, owner.value, owner.stop, children)
    return children


def _collection(owner: Branch, at: int, stop: int, children: list[Branch]) -> int:
    """Read what stands between brackets, the first of which is at ``at``; gives the offset after
    the last, at most ``stop``."""
    text = owner.whole
    curly = text[at] == "{"
    at += 1
    while True:
        at = _past_space(text, at, stop)
        if at >= stop:
            return stop
        if text[at] in "}]":
            return at + 1
        if text[at] == ",":
            at += 1
            continue
        begin = at
        child = type(owner)(text, owner, "", at, at, owner.column, value=at)
        if curly and (key := _KEY.match(text, at, stop)):
            child.name, child.end, at = _unquoted(key.group()), key.end(), key.end()
            colon = _COLON.match(text, at, stop)
            at = colon.end() if colon else at
            child.value = at
        within: list[Branch] = []
        child.hold(within)
        children.append(child)
        if at < stop and text[at] in "{[" and child.level < DEEPEST:
            at = _collection(child, at, stop, within)
        at = max(_scalar_end(text, at, stop), begin + 1)
        child.stop = child.value + len(text[child.value : at].rstrip())


def _past_space(text: str, at: int, stop: int) -> int:
    found = _SPACE.match(text, at, stop)
    return found.end() if found else at


def _scalar_end(text: str, at: int, stop: int) -> int:
    """Where a scalar ends. A comma within parentheses is an expression's, and so is an index."""
    parens = indexes = 0
    while turn := _TURN.search(text, at, stop):
        mark, at = turn.group(), turn.end()
        match mark:
            case '"' | "'" if not (turn.start() and text[turn.start() - 1].isalnum()):
                quoted = _QUOTED.match(text, turn.start(), stop)
                at = quoted.end() if quoted else at
            case "(":
                parens += 1
            case ")":
                parens = max(0, parens - 1)
            case "[":
                indexes += 1
            case "]" if indexes:
                indexes -= 1
            case "," if parens or indexes:
                pass
            case '"' | "'":
                pass  # an apostrophe
            case _:
                return turn.start()
    return stop


def _unquoted(text: str) -> str:
    if text[:1] in ("'", '"'):
        return text[1:-1] if text[-1:] == text[:1] and len(text) > 1 else text[1:]
    return text
