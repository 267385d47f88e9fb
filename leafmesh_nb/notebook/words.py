"""The words of a magic's line: split by Python's tokenizer, so that a quoted text is one value."""

from __future__ import annotations

import io
import token
import tokenize

__all__ = ["split"]

_OPEN, _CLOSE = "([{", ")]}"


def split(line: str) -> list[str]:
    """Split at white space outside strings and brackets; quotes stay.

    ``refund ticket="charged twice" n=[1, 2]`` is three words. Raises ValueError for an unfinished
    string or bracket.
    """
    ends: list[tuple[int, int]] = []
    depth, was_open = 0, False
    try:
        for item in tokenize.generate_tokens(io.StringIO(line).readline):
            if item.type in (token.NEWLINE, token.NL, token.ENDMARKER, tokenize.COMMENT):
                continue
            if item.type == token.ERRORTOKEN and item.string.strip() in ("'", '"'):
                raise ValueError("a quote is not closed")
            start, end = item.start[1], item.end[1]
            if item.type == token.OP:
                depth += (item.string in _OPEN) - (item.string in _CLOSE)
            if item.type in (token.INDENT, token.DEDENT) or not item.string.strip():
                continue
            if ends and (start == ends[-1][1] or was_open):
                ends[-1] = (ends[-1][0], end)
            else:
                ends.append((start, end))
            was_open = depth > 0
    except (tokenize.TokenError, IndentationError, SyntaxError) as error:
        raise ValueError(f"the line does not end: {error.args[0]}") from None
    return [line[start:end] for start, end in ends]
