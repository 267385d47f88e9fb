"""Texts that go round in circles, as models that have lost the thread write them."""

from __future__ import annotations

import zlib

__all__ = ["repeats"]

_PHRASE = 8
_MOST_REPEATED = 0.5
_LEAST_RATIO = 0.12
"""Thresholds measured on answers of models: above the one, or below the other, a text repeats."""


def repeats(text: str) -> bool:
    """Whether more than half of a text's phrases of 8 words were there before, or it shrinks to
    less than 0.12 of its size when compressed (for scripts that put no spaces between words)."""
    words = text.split()
    phrases = [tuple(words[at : at + _PHRASE]) for at in range(len(words) - _PHRASE + 1)]
    if phrases and 1 - len(set(phrases)) / len(phrases) > _MOST_REPEATED:
        return True
    raw = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(raw)) < _LEAST_RATIO * len(raw)
