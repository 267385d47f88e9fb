"""Habits of other languages that take more than one word to see, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable

from leafmesh_nb.language.currencies import CURRENCIES
from leafmesh_nb.language.expressions.finding import Problem
from leafmesh_nb.language.expressions.pieces import Piece, Spot

__all__ = ["habit"]

_LONGEST = 200
_GROUPED = re.compile(r"[0-9]{1,3}(?:_[0-9]{3})+(?:\.[0-9]+)?")
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,15}")
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[(?:\d+|\"\w+\"|'\w+')\])*", re.ASCII)
_NOT_NULL = re.compile(r"\s+(?:is\s+not\s+None|!=\s*(?:None|null))\Z")
_BRACES = re.compile(r"\{([^{}]*)\}")
_WORDS_OF_LOGIC = re.compile(r"\b(?:and|or|if|not)\b|&&|\|\|")
_PREFIXES = {
    "f": ("there are no f-strings here", 'write `"a " + string(x)`; a template takes `${x}`'),
    "b": ("there are no bytes here", "write the text without the `b`"),
    "u": ("a text has no prefix `u` here", "write the text without it"),
}


def habit(spot: Spot) -> Problem | None:
    """The problem behind a known habit, or None."""
    return next(filter(None, (rule(spot) for rule in _RULES)), None)


def _problem(
    piece: Piece, message: str, hint: str, code: str = "LM114", whole: str = ""
) -> Problem:
    return Problem(code, message, piece.start, piece.end, hint, whole)


def _choice(spot: Spot) -> Problem | None:
    """``a if b else c``."""
    here, text = spot.here, spot.text
    otherwise = next((piece for piece in spot.after if piece.text == "else"), None)
    if here is None or here.text != "if" or otherwise is None or spot.opened:
        return None
    yes, test = text[: here.start].strip(), text[here.end : otherwise.start].strip()
    no = text[otherwise.end :].strip()
    if not (yes and test and no) or len(text) > _LONGEST:
        return None
    if guard := _PATH.fullmatch(_NOT_NULL.sub("", test)):
        # In Python a value is a condition, and one that is there is true.
        if yes == guard[0] or yes.startswith((f"{guard[0]}.", f"{guard[0]}[")):
            return _choose(here, f"default({yes}, {no})")
        test = _NOT_NULL.sub(" != null", test)
    return _choose(here, f"{test} ? {yes} : {no}")


def _choose(here: Piece, whole: str) -> Problem:
    return _problem(here, "`if` has no meaning here", f"write `{whole}`", whole=whole)


def _identity(spot: Spot) -> Problem | None:
    """``is not``."""
    here, after = spot.here, spot.after
    if here is None or here.text != "is" or not after or after[0].text != "not":
        return None
    return Problem("LM114", "`is not` is not an operator", here.start, after[0].end, "write `!=`")


def _negated(spot: Spot) -> Problem | None:
    """``not`` where a name could stand: before a value, or before a bracket."""
    last, here = spot.last, spot.here
    if last is None or last.text != "not" or here is None or spot.wants_value:
        return None
    whole = ""
    rest = spot.text.strip().removeprefix("not ")
    if len(spot.before) == 1 and not _WORDS_OF_LOGIC.search(rest):
        whole = f"!({rest.strip()})"
    return _problem(last, "`not` is not an operator", "write `!`, as in `!(x in y)`", whole=whole)


def _equals(spot: Spot) -> Problem | None:
    """``=`` of a named argument, or of a map."""
    here, last = spot.here, spot.last
    if here is None or last is None:
        return None
    if here.text == "=" and spot.bracket == "{":
        return _problem(here, "`=` does not belong in a map", 'write `:`, as in `{"a": 1}`')
    starts = len(spot.before) > 1 and spot.before[-2].text in ("(", ",")
    if here.text == "=" and spot.bracket == "f(" and last.kind == "name" and starts:
        return Problem(
            "LM114",
            "an argument has no name here",
            last.start,
            here.end,
            "write its value alone, as in `round(x, 2)`",
        )
    if here.text == "=>" and spot.bracket == "f(" and last.kind == "name" and starts:
        return _problem(here, "`=>` has no meaning here", "write a comma, as in `items.map(x, …)`")
    return None


def _bracketed(spot: Spot) -> Problem | None:
    """Slices, tuples and sets."""
    here = spot.here
    if here is None:
        return None
    if here.text == ":" and spot.bracket == "[":
        hint = "one item is `x[0]`; a text has `startsWith`, `endsWith` and `contains`"
        return _problem(here, "there are no slices here", hint)
    if here.text == "," and spot.bracket in ("(", "{"):
        what = "tuples" if spot.bracket == "(" else "sets"
        return _problem(here, f"there are no {what} here", "a list is written `[a, b]`")
    return None


def _prefixed(spot: Spot) -> Problem | None:
    """``f"…"`` and its like; three quotes."""
    here, last = spot.here, spot.last
    if here is None or last is None or here.kind not in ("text", "unclosed") or spot.wants_value:
        return None
    if last.end != here.start:
        return None
    if last.kind == "name" and (found := _PREFIXES.get(last.text.lower()[-1:])):
        message, hint = found
        whole = ""
        if last.text == "f" and spot.text.strip() == spot.text[last.start : here.end]:
            whole = _joined(here.text)
        return Problem("LM114", message, last.start, here.end, hint, whole)
    if last.text in ("''", '""'):
        quote = here.text[0]
        hint = f"write one quote on each side, as in `{quote}text{quote}`"
        return Problem("LM114", "three quotes have no meaning here", last.start, here.end, hint)
    return None


def _joined(text: str) -> str:
    """What an f-string with plain names in it is here."""
    quote, inner = text[:1], text[1:-1]
    if text[-1:] != quote or "{{" in inner or "\\" in inner:
        return ""
    parts = []
    for index, part in enumerate(_BRACES.split(inner)):
        if index % 2:
            if not _PATH.fullmatch(part):
                return ""
            parts.append(f"string({part})")
        elif part:
            parts.append(f"{quote}{part}{quote}")
    return " + ".join(parts)


def _number(spot: Spot) -> Problem | None:
    """Numbers with group marks, units, currencies or percents."""
    here, last = spot.here, spot.last
    if here is not None and here.kind == "number":
        plain = ""
        if _GROUPED.fullmatch(here.text):
            plain = here.text.replace("_", "")
        elif _HEX.fullmatch(here.text):
            plain = str(int(here.text, 16))
        if plain:
            message = f"`{here.shown}` is not a number"
            return _problem(here, message, f"write `{plain}`", "LM117")
    if here is not None and here.text in ("€", "£", "¥"):
        hint = "money is a plain number, as in `100.00`"
        return _problem(here, f"`{here.text}` has no meaning here", hint)
    if last is None:
        return None
    if here is None and last.text == "%" and len(spot.before) > 1:
        share = spot.before[-2]
        if share.kind == "number" and share.end == last.start:
            hint = "half is `0.5`"
            return Problem("LM117", "there are no percents here", share.start, last.end, hint)
    if here is None and last.text == "." and len(spot.before) > 1:
        digits = spot.before[-2]
        if digits.kind == "number" and digits.end == last.start:
            hint = f"write `{digits.text}.0`" if digits.text.isdigit() else f"write `{digits.text}`"
            return Problem("LM117", "a number ends with a digit", digits.start, last.end, hint)
    if last.kind != "number" or here is None:
        return None
    if here.text == "," and not spot.opened and spot.after and spot.after[0].kind == "number":
        end, plain = spot.after[0].end, last.text + spot.after[0].text
        message = "a number has no group marks"
        return Problem("LM117", message, last.start, end, f"write `{plain}`")
    if here.text in CURRENCIES:
        hint = "money is a plain number, as in `100.00`, in the mesh's one currency"
        return _problem(here, f"`{here.text}` has no meaning here", hint)
    return None


def _half_choice(spot: Spot) -> Problem | None:
    """``test ? a`` without its other half."""
    if spot.here is not None or spot.wants_value or spot.opened:
        return None
    signs = [piece for piece in spot.before if piece.text in ("?", ":") and piece.kind == "sign"]
    if not signs or signs[-1].text != "?":
        return None
    return Problem(
        "LM113", "this `?` has no `:`", signs[-1].start, signs[-1].end, "write `test ? a : b`"
    )


_RULES: tuple[Callable[[Spot], Problem | None], ...] = (
    _choice,
    _identity,
    _equals,
    _bracketed,
    _prefixed,
    _number,
    _half_choice,
    _negated,
)
