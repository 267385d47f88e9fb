"""Recorded values in a few words, as frames, charts and stories print them: text, no markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

__all__ = ["brief", "changes", "dollars", "seconds", "why"]

_LONGEST = 160
# Control characters, and those that turn the direction of the text around them.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_COMPARISON = re.compile(r"==|!=|<=|>=|<|>|\bin\b")


def brief(value: Any, longest: int = _LONGEST) -> str:
    """A JSON value on one line: ``ticket_id T1002, amount 620.00``."""
    text = _INVISIBLE.sub(" ", _brief(value))
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _brief(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case Mapping():
            return ", ".join(f"{key} {_nested(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(_nested(item) for item in value)
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)


def _nested(value: Any) -> str:
    match value:
        case None:
            return "none"
        case Mapping():
            return f"({_brief(value)})"
        case list() | tuple():
            return f"[{_brief(value)}]"
    return _brief(value)


def why(policies: Iterable[Mapping[str, Any]], outcome: str) -> str:
    """The comparisons that led to an outcome, with their values put in.

    ``policies`` are those of a recorded decision: ``tool.arguments.amount 620.00 > 100``.
    """
    found: dict[str, None] = {}
    for policy in policies:
        if policy.get("outcome") != outcome:
            continue
        rules = [r for r in policy.get("rules", ()) if r.get("verdict") != "no match"]
        for rule in rules:
            found.setdefault(_rule(rule))
        if not rules:
            found.setdefault(f"no rule of {policy.get('policy')} matched, its default is {outcome}")
    return "; ".join(text for text in found if text)


def _rule(rule: Mapping[str, Any]) -> str:
    verdict = str(rule.get("verdict", ""))
    if verdict != "matched":
        return f"rule {rule.get('rule')} could not be evaluated ({verdict.removeprefix('error: ')})"
    facts = [(str(text), value) for text, value in rule.get("values", ())]
    if not facts:
        return "always"
    compared = [text for text, value in facts if value is True and _COMPARISON.search(text)]
    operands = [fact for fact in facts if not _COMPARISON.search(fact[0])]
    if not compared:
        return ", ".join(f"{text} is {_operand(value)}" for text, value in operands)
    return ", ".join(_filled(text, operands) for text in dict.fromkeys(compared))


def _filled(text: str, operands: Sequence[tuple[str, Any]]) -> str:
    """A comparison with the value of each operand after it."""
    values = dict(operands)
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    names = sorted(values, key=lambda name: (-len(name), name))
    if not names:
        return text
    pattern = "|".join(re.escape(name) for name in names)
    return re.sub(
        rf"(?<![\w.])(?:{pattern})(?![\w.(\[])",
        lambda found: f"{found.group()} {_operand(values[found.group()])}",
        text,
    )


def _operand(value: Any) -> str:
    if isinstance(value, str) and not _PLAIN_NUMBER.match(value):
        return json.dumps(brief(value, 60), ensure_ascii=False)
    return brief(value, 60) or "null"


def changes(diff: Iterable[Mapping[str, Any]]) -> str:
    """What an edit changed: ``amount 620.00 → 500.00``."""
    return "; ".join(
        f"{change.get('path') or 'value'} {brief(change.get('old'), 60) or 'none'}"
        f" → {brief(change.get('new'), 60) or 'none'}"
        for change in diff
    )


def dollars(amount: Decimal) -> str:
    """US dollars, below one with two significant digits: ``$12.50``, ``$0.0013``."""
    if not amount:
        return "$0"
    places = max(2, min(1 - amount.adjusted(), 8))
    return f"${amount:,.{places}f}"


def seconds(duration: float) -> str:
    """A duration in two units at most: ``340 ms``, ``1.4 s``, ``12 min 30 s``, ``3 h 5 min``."""
    if duration < 0.9995:
        return f"{duration * 1000:.0f} ms"
    if duration < 59.5:
        return f"{duration:.1f} s" if duration < 9.95 else f"{duration:.0f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h"
