"""Values as they are written elsewhere, and what to write here: ``yes``, ``$0.50``, ``80%``."""

from __future__ import annotations

import re
from decimal import Decimal

from leafmesh_nb.language.nodes import ScalarNode

__all__ = ["boolean_meant", "number_meant"]

_BOOLEANS = {
    **dict.fromkeys(("yes", "on", "y", "true"), "true"),
    **dict.fromkeys(("no", "off", "n", "false"), "false"),
}
_CURRENCY = r"(?:[$€£¥]|USD|EUR|GBP)"
_NUMBER = re.compile(
    rf"{_CURRENCY}?\s?(?P<number>-?\d[\d_,' ]{{0,30}}(?:\.\d{{1,30}})?)"
    rf"\s?(?:(?P<percent>%)|{_CURRENCY})?\Z",
    re.ASCII,
)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z", re.ASCII)
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+\Z", re.ASCII)
_GROUPS = re.compile(r"[_' ]")
_WITHOUT_QUOTES = "Write it without quotes."


def boolean_meant(node: ScalarNode) -> str:
    """The hint for a text in place of true or false; empty where none is seen in it."""
    text = node.text.strip()
    meant = _BOOLEANS.get(text.lower())
    if meant is None:
        return ""
    return _WITHOUT_QUOTES if text == meant else f"Write {meant}."


def number_meant(node: ScalarNode) -> str:
    """The hint for a text in place of a number; empty where none is seen in it."""
    text = node.text.strip()
    found = _NUMBER.match(text)
    if found is None:
        return ""
    digits = _GROUPS.sub("", found["number"])
    if _THOUSANDS.match(digits):
        digits = digits.replace(",", "")
    elif _DECIMAL_COMMA.match(digits):
        digits = digits.replace(",", ".")
    elif "," in digits:
        return ""
    number = Decimal(digits) / 100 if found["percent"] else Decimal(digits)
    written = format(number, "f")
    return _WITHOUT_QUOTES if written == text else f"Write {written}."
