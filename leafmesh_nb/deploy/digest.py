"""The sums of one run: what it spent on whom, who got its tasks, and what its rules decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
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
    """A task that was routed: who got it (empty: nobody could), against how many others, and how
    many points ahead of the next."""

    capability: str
    agent: str
    model: str
    score: float
    lead: float
    others: int


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
    open_questions: int
    calls: tuple[Spend, ...]
    routed: tuple[Won, ...]
    matched: dict[tuple[str, str], int]
    outcomes: dict[tuple[str, str], int]
    answers: dict[tuple[str, str, str], int]


def digest_of(events: Sequence[Event], state: RunState, masker: Masker) -> Digest:
    """The sums of the one run that these events are of."""
    calls = tuple(_spends(events))
    matched: dict[tuple[str, str], int] = {}
    outcomes: dict[tuple[str, str], int] = {}
    answers: dict[tuple[str, str, str], int] = {}
    routed = []
    for event in events:
        match event.body:
            case ev.TaskRouted():
                routed.append(_won(event.body))
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


def _spends(events: Sequence[Event]) -> list[Spend]:
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
        for call in calls_of([_bare(event) for event in events], Masker())
    ]


def _bare(event: Event) -> Event:
    """An event of a call without what it carried: names and numbers need no mask, and masking
    takes most of the time."""
    match event.body:
        case ev.CallStarted() as body:
            return replace(event, body=replace(body, request=None))
        case ev.CallFinished() as body:
            return replace(event, body=replace(body, result=None, reads=(), writes=()))
        case ev.CallFailed() as body:
            return replace(event, body=replace(body, error={}))
    return event


def _won(body: ev.TaskRouted) -> Won:
    scores = [float(candidate["score"]) for candidate in body.candidates]
    lead = scores[0] - scores[1] if len(scores) > 1 else 0.0
    return Won(
        capability=body.capability,
        agent=body.agent or "",
        model=body.model or "",
        score=scores[0] if scores else 0.0,
        lead=lead,
        others=max(0, len(scores) - 1),
    )


def _count(counts: dict, key: tuple) -> None:
    counts[key] = counts.get(key, 0) + 1
