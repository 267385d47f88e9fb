"""The sums of one run: what it spent on whom, who got its tasks, and what its rules decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.calls import calls_of
from leafmesh_nb.observe.phrasing import brief

__all__ = ["Digest", "Spend", "Won", "digest_of"]

LONGEST = 120


@dataclass(frozen=True, slots=True)
class Spend:
    """One call. Money is US dollars; None is what nobody knows, or has no list price."""

    day: date
    agent: str
    target: str
    call: str
    spent: Decimal | None
    list_price: Decimal | None
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Won:
    """A task that was routed: who got it (empty: nobody could), against how many others."""

    at: datetime
    step: str
    capability: str
    agent: str
    model: str
    score: float
    lead: float
    others: int
    excluded: int
    tie: str


@dataclass(frozen=True, slots=True)
class Digest:
    """The sums of a run. ``matched`` counts how often a rule (policy, rule) matched, ``outcomes``
    what a policy said; ``answers`` what people said to a rule's questions. ``about`` is what the
    run asks, gave or failed of, masked and on one line."""

    workflow: str
    about: str
    spent: Decimal
    list_price: Decimal
    unpriced: bool
    tokens: int
    open_questions: int
    calls: tuple[Spend, ...]
    routed: tuple[Won, ...]
    matched: dict[tuple[str, str], int]
    outcomes: dict[tuple[str, str], int]
    answers: dict[tuple[str, str, str], int]


def digest_of(events: Sequence[Event], state: RunState, masker: Masker) -> Digest:
    """The sums of the one run that these events are of."""
    calls = tuple(_spends(events, masker))
    matched: dict[tuple[str, str], int] = {}
    outcomes: dict[tuple[str, str], int] = {}
    answers: dict[tuple[str, str, str], int] = {}
    routed = []
    for event in events:
        match event.body:
            case ev.TaskRouted():
                routed.append(_won(event, event.body))
            case ev.PolicyDecided():
                for policy in event.body.policies:
                    _count(outcomes, (policy["policy"], policy["outcome"]))
                    for rule in policy["rules"]:
                        if rule["verdict"] == "matched":
                            _count(matched, (policy["policy"], rule["rule"]))
            case ev.ApprovalAnswered(id=id, answer=answer):
                asked = state.approvals[id].asked
                _count(answers, (asked.policy, asked.rule, answer))
            case ev.ApprovalExpired(id=id):
                asked = state.approvals[id].asked
                _count(answers, (asked.policy, asked.rule, "expired"))
    return Digest(
        workflow=state.started.workflow,
        about=_about(state, masker),
        spent=state.spent,
        list_price=state.list_price,
        unpriced=any(c.call == "model" and c.list_price is None for c in calls),
        tokens=state.tokens,
        open_questions=sum(1 for _ in state.open_approvals()),
        calls=calls,
        routed=tuple(routed),
        matched=matched,
        outcomes=outcomes,
        answers=answers,
    )


def _about(state: RunState, masker: Masker) -> str:
    open_ones = [f"asks {asked.to}: {asked.asked.reason}" for asked in state.open_approvals()]
    if open_ones:
        more = f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else ""
        return brief(masker.text(open_ones[0]), LONGEST) + more
    if state.error:
        return brief(masker.text(str(state.error.get("message", ""))), LONGEST)
    return brief(masker.value(state.output), LONGEST) if state.output else ""


def _spends(events: Sequence[Event], masker: Masker) -> list[Spend]:
    return [
        Spend(
            day=call.at.date(),
            agent=str(call.started["agent"]),
            target=str(call.started["target"]),
            call=str(call.started["call"]),
            spent=call.spent,
            list_price=call.list_price,
            tokens_in=int((call.ended or {}).get("tokens_in") or 0),
            tokens_out=int((call.ended or {}).get("tokens_out") or 0),
        )
        for call in calls_of(events, masker)
    ]


def _won(event: Event, body: ev.TaskRouted) -> Won:
    scores = [float(candidate["score"]) for candidate in body.candidates]
    lead = scores[0] - scores[1] if len(scores) > 1 else 0.0
    return Won(
        at=event.ts,
        step=event.path,
        capability=body.capability,
        agent=body.agent or "",
        model=body.model or "",
        score=scores[0] if scores else 0.0,
        lead=lead,
        others=max(0, len(scores) - 1),
        excluded=len(body.excluded),
        tie=body.tie,
    )


def _count(counts: dict, key: tuple) -> None:
    counts[key] = counts.get(key, 0) + 1
