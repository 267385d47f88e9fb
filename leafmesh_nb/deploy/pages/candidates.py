"""Who could have taken each task of a run, and how the points came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leafmesh_nb.deploy.shelf import KeptRun
from leafmesh_nb.engine import events as ev
from leafmesh_nb.observe.masked import masked_body
from leafmesh_nb.observe.wording import step_name
from leafmesh_nb.routing.suitability import FACTORS

__all__ = ["Candidate", "Part", "Task", "tasks_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """What one factor gave: ``start`` and ``width`` are shares of one point; ``value`` is
    between 0 and 1, or None where the factor had no opinion."""

    factor: str
    points: float
    value: float | None
    weight: float
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One who could have taken the task."""

    agent: str
    model: str
    score: float
    chosen: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A task and its candidates, best first; ``excluded`` are ``(agent, reason)``."""

    step: str
    name: str
    capability: str
    at: datetime
    agent: str
    candidates: tuple[Candidate, ...]
    excluded: tuple[tuple[str, str], ...]
    tie: str
    error: str
    why: str


def tasks_of(kept: KeptRun) -> list[Task]:
    """The routed tasks of a run, in order."""
    return [
        _task(event.path, event.ts, masked_body(event, kept.masker))
        for event in kept.events
        if isinstance(event.body, ev.TaskRouted)
    ]


def _task(step: str, at: datetime, body: Mapping[str, Any]) -> Task:
    chosen = body["agent"], body["model"]
    found = tuple(
        Candidate(
            agent=str(c["agent"]),
            model=str(c["model"] or ""),
            score=float(c["score"]),
            chosen=(c["agent"], c["model"]) == chosen,
            parts=_parts(c["factors"]),
        )
        for c in body["candidates"]
    )
    return Task(
        step=step,
        name=step_name(step),
        capability=str(body["capability"]),
        at=at,
        agent=str(body["agent"] or ""),
        candidates=found,
        excluded=tuple((str(e["agent"]), str(e["reason"])) for e in body["excluded"]),
        tie=str(body["tie"]),
        error=str((body["error"] or {}).get("message", "")),
        why=_why(found, str(body["tie"])),
    )


def _parts(factors: Mapping[str, Mapping[str, Any]]) -> tuple[Part, ...]:
    parts, start = [], 0.0
    for name in FACTORS:
        factor = factors.get(name)
        if factor is None:
            continue
        points = float(factor.get("points") or 0)
        value = factor.get("value")
        parts.append(
            Part(
                name,
                points,
                None if value is None else float(value),
                float(factor.get("weight") or 0),
                start,
                points,  # nobody has more than one
            )
        )
        start += points
    return tuple(parts)


def _why(found: tuple[Candidate, ...], tie: str) -> str:
    """Why the first is the first, in a few words."""
    if not found:
        return "nobody could take it"
    if len(found) == 1:
        return "the only one who can"
    if tie:
        return tie
    first, second = found[0], found[1]
    gains = {
        mine.factor: mine.points - other.points
        for mine, other in zip(first.parts, second.parts, strict=False)
    }
    best = max(gains, key=lambda name: gains[name], default="")
    lead = first.score - second.score
    return f"{lead:.2f} points ahead of {second.agent}, most of it for {best}"
