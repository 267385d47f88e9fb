"""Characters that look like others, or like nothing: which they are, in words."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["odd_character", "plain_for", "remark", "why_odd"]

_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_UNSEEN = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069"
_DASHES = "\u2010-\u2015"
_QUOTES = "\u2018-\u201f"
_WIDE = "\uff01-\uff5e"
_ODD = re.compile(f"[{_SPACES}{_UNSEEN}{_DASHES}{_QUOTES}{_WIDE}]")
_IS_UNSEEN = re.compile(f"[{_UNSEEN}]")
_PLAIN = {
    **dict.fromkeys(range(0x2010, 0x2016), "-"),
    **dict.fromkeys(range(0x2018, 0x201C), "'"),
    **dict.fromkeys(range(0x201C, 0x2020), '"'),
}
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|(?<!\S)#.*")
_SUGGESTS = "Did you mean"


def odd_character(text: str) -> re.Match[str] | None:
    """The first character outside of quotes that looks like another one that a mesh is written
    with, or like nothing."""
    if text.isascii():
        return None
    return _ODD.search(_QUOTED.sub(lambda match: "x" * len(match[0]), text))


def plain_for(character: str) -> str:
    """What was meant by an odd character; empty where it is seen by nobody."""
    if _IS_UNSEEN.match(character):
        return ""
    return unicodedata.normalize("NFKC", character).translate(_PLAIN)


def why_odd(character: str) -> str:
    """What is wrong with an odd character, as a sentence with its name."""
    meant = plain_for(character)
    if not meant:
        what = "There is a character here that nobody sees"
    elif meant == " ":
        what = "This only looks like a space"
    else:
        what = f"This only looks like `{meant}`"
    return f"{what}: {_name(character)}."


def remark(code: str, written: str, hint: str) -> str:
    """What to add to the hint about ``written``, where how it looks says nothing."""
    if written.isascii():
        return ""
    if code.startswith("LM11") and _ODD.match(written):
        return f"{why_odd(written[0])} Type it again."
    if not hint.startswith(_SUGGESTS):
        return ""
    for character in written:
        name = unicodedata.name(character, "")
        if _IS_UNSEEN.match(character):
            return f"There is a character in it that nobody sees: {_name(character)}."
        if not character.isascii() and not name.startswith("LATIN"):
            return f"The `{character}` in it is {_name(character)}."
    return ""


def _name(character: str) -> str:
    name = unicodedata.name(character, "")
    code = f"U+{ord(character):04X}"
    return f"{name} ({code})" if name else code
