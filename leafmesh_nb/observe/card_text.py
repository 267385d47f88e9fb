"""A run's card as plain text, for a terminal and for viewers without HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leafmesh_nb.observe.wording import (
    GLYPHS,
    RUN_TONES,
    RUN_WORDS,
    STEP_WORDS,
    day_and_time,
    duration,
    elapsed,
    step_time,
    usd,
)

__all__ = ["run_text"]


def run_text(state: Mapping[str, Any]) -> str:
    """A run's state as lines of text."""
    return "\n".join(line.rstrip() for line in _lines(state))


def _lines(state: Mapping[str, Any]) -> Iterator[str]:
    glyph = GLYPHS[RUN_TONES[state["status"]]]
    money = usd(state["spent"])
    if state["budget"] is not None:
        money += f" of {usd(state['budget'])}"
    if state["list_price"] != state["spent"]:
        money += f" ({usd(state['list_price'])} at list price)"
    head = [state["name"], f"{glyph} {RUN_WORDS[state['status']]}", duration(elapsed(state)), money]
    yield "  ".join(part for part in head if part)
    steps = [state["steps"][name] for name in state["order"]]
    width = max((len(step["name"]) for step in steps), default=0)
    for step in steps:
        status = step["status"]
        cost = usd(step["spent"]) if step["spent"] != "0" else ""
        yield (
            f"  {GLYPHS[status]} {step['name']:<{width}}  {STEP_WORDS[status]:<9} "
            f"{step_time(step):>8}  {cost:>7}  {step['agent']}"
        )
        if step["error"]:
            yield f"      {step['error']}"
    for question in state["questions"].values():
        yield f"  ! {question['title']} {question['reason']}"
        until = f" until {day_and_time(question['due'])}" if question["due"] is not None else ""
        yield f"      {question['to']} is asked{until}"
        yield from (f"      {row['name']}: {row['text']}" for row in question["value"])
    for decision in state["decisions"]:
        ways = dict.fromkeys((decision["channel"], decision["identity"]))
        by = ", ".join(part for part in (decision["who"], *ways) if part)
        why = decision["why"] + (f" “{decision['note']}”" if decision["note"] else "")
        what = f"{decision['step']} {decision['subject']}"
        yield f"  {GLYPHS[decision['tone']]} {what} {decision['verdict']}: {why}" + (
            f" ({by})" if by else ""
        )
    yield from (f"  {row['name']}: {row['text']}" for row in state["output"])
    if state["error"]:
        yield f"  {state['error']}"
    yield from (f"  ({label})" for label in state["labels"])
