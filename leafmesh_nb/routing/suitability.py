"""Suitability: hard filters first, then five factors whose points sum to the score.

    skill     the capability's declared proficiency
    text      how well the request's words fit the agent's examples (``routing.text``)
    cost      cheapest candidate's list price / this one's; 1 for what is free
    latency   fastest candidate's mean latency / this one's; 0.5 where none was observed
    load      1 / (1 + calls in flight)

Each value is between 0 and 1 and earns ``weight / sum of weights * value`` points, reproducible
from the recorded numbers. A factor with no opinion earns nothing and says so; where a mesh has
weights, one that it leaves out weighs nothing. Ties go to the agent, then the model, declared
first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from leafmesh_nb.language.spec import AgentSpec, ModelSpec, Spec, Step
from leafmesh_nb.routing.models import models_for
from leafmesh_nb.routing.text import text_fit

__all__ = [
    "DEFAULT_WEIGHTS",
    "FACTORS",
    "Candidate",
    "Excluded",
    "Observed",
    "Ranking",
    "rank",
]

FACTORS = ("skill", "text", "cost", "latency", "load")
DEFAULT_WEIGHTS = dict.fromkeys(FACTORS, Decimal(1))


@dataclass(frozen=True, slots=True)
class Observed:
    """A snapshot of what is known from outside the text: recorded, so that a route is replayable.

    ``latency`` is mean seconds an agent, ``load`` calls in flight an agent, ``price`` expected US
    dollars a call of a model (absent: unknown), ``unbound`` python agents without a function.
    """

    latency: Mapping[str, float] = field(default_factory=dict)
    load: Mapping[str, int] = field(default_factory=dict)
    price: Mapping[str, Decimal] = field(default_factory=dict)
    unbound: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent with a model (None for python agents), and what each factor gave it."""

    agent: str
    model: str | None
    score: float
    factors: Mapping[str, Mapping[str, float | None]]

    def to_json(self) -> dict[str, Any]:
        """As it stands in an event."""
        return {
            "agent": self.agent,
            "model": self.model,
            "score": self.score,
            "factors": {name: dict(parts) for name, parts in self.factors.items()},
        }


@dataclass(frozen=True, slots=True)
class Excluded:
    """An agent that a hard filter kept out, and why."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates, best first; ``tie`` says how the first place was decided when it was shared."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    tie: str = ""

    @property
    def best(self) -> Candidate | None:
        """The winner, or None when everybody was excluded."""
        return self.candidates[0] if self.candidates else None

    @property
    def hindrances(self) -> str:
        """Why each agent that declares the capability cannot take the task, for a message."""
        named = "; ".join(f"{e.agent}: {e.reason}" for e in self.excluded)
        return named or "no agent declares it"


def rank(spec: Spec, step: Step, request: str, observed: Observed) -> Ranking:
    """Rank the agents that can take ``step``. ``request`` is the text of the step's inputs."""
    excluded: list[Excluded] = []
    pairs: list[tuple[AgentSpec, ModelSpec | None]] = []
    for agent in _asked(spec, step):
        reason = _hindrance(spec, step, agent, observed)
        if reason:
            excluded.append(Excluded(agent.id, reason))
        elif agent.kind == "python":
            pairs.append((agent, None))
        else:
            models, wanted = models_for(spec, agent, step)
            if not models:
                excluded.append(Excluded(agent.id, f"the mesh declares no model of {wanted}"))
            pairs.extend((agent, model) for model in models)
    candidates = _score(spec, step, request, observed, pairs)
    ordered = sorted(candidates, key=lambda c: -c.score)
    return Ranking(tuple(ordered), tuple(excluded), _tie(ordered))


def _tie(ordered: list[Candidate]) -> str:
    """How the first place was decided when several share it."""
    level = [c for c in ordered if c.score == ordered[0].score]
    if len(level) < 2:
        return ""
    several = len({c.agent for c in level}) < len(level)
    names = [f"{c.agent} with {c.model}" if several and c.model else c.agent for c in level]
    return f"{', '.join(names[:-1])} and {names[-1]} are level: declared first wins"


def _asked(spec: Spec, step: Step) -> tuple[AgentSpec, ...]:
    """Whom the filters look at: the agent that the step names, else all with the capability.

    Agents without it are no candidates that were turned down: naming them in every decision would
    bury those that were.
    """
    return (
        (spec.agents[step.agent],)
        if step.agent is not None
        else spec.capable(step.capability or "")
    )


def _hindrance(spec: Spec, step: Step, agent: AgentSpec, observed: Observed) -> str:
    """Why a hard filter keeps this agent out, or an empty text."""
    for name in sorted(_fields_read(spec, step) - set(agent.memory.read)):
        return (
            f"the step gives it memory.{name}, which it may not read; grant it with "
            f"agents.{agent.id}.memory.read: [{name}]"
        )
    for name in step.save:
        if name not in agent.memory.write:
            return (
                f"the step saves memory.{name}, which it may not write; grant it with "
                f"agents.{agent.id}.memory.write: [{name}]"
            )
    if agent.id in observed.unbound:
        return f"no function is bound to it; bind one with @mesh.agent({agent.id!r})"
    return ""


def _fields_read(spec: Spec, step: Step) -> set[str]:
    """The memory that a step's inputs are made of; memory read as a whole is all of it."""
    paths = {path for e in step.inputs.values() for path in e.reads if path[:1] == ("memory",)}
    fields = {path[1] for path in paths if len(path) > 1}
    return fields if ("memory",) not in paths else fields | set(spec.memory)


def _score(
    spec: Spec,
    step: Step,
    request: str,
    observed: Observed,
    pairs: list[tuple[AgentSpec, ModelSpec | None]],
) -> list[Candidate]:
    weights = spec.routing.weights or DEFAULT_WEIGHTS
    total = float(sum(weights.values())) or 1.0
    prices = {id(model): _price(model, observed) for _, model in pairs}
    known = [p for p in prices.values() if p is not None]
    latencies = [observed.latency[a.id] for a, _ in pairs if observed.latency.get(a.id)]
    found = []
    for agent, model in pairs:
        capability = agent.capabilities[step.capability or ""]
        values = {
            "skill": capability.proficiency,
            "text": text_fit(request, agent, capability) if request else None,
            "cost": _ratio(min(known, default=None), prices[id(model)]),
            "latency": _ratio(min(latencies, default=None), observed.latency.get(agent.id), 0.5),
            "load": 1 / (1 + observed.load.get(agent.id, 0)),
        }
        factors: dict[str, dict[str, float | None]] = {}
        for name in FACTORS:
            weight, value = float(weights.get(name, 0)), values[name]
            value = None if value is None else round(value, 4)
            points = 0.0 if value is None else round(weight / total * value, 6)
            factors[name] = {"value": value, "weight": weight, "points": points}
        score = round(sum(f["points"] or 0.0 for f in factors.values()), 6)
        found.append(Candidate(agent.id, model.name if model else None, score, factors))
    return found


def _price(model: ModelSpec | None, observed: Observed) -> Decimal | None:
    return Decimal(0) if model is None else observed.price.get(model.name)


def _ratio(
    best: Decimal | float | None, own: Decimal | float | None, unknown: float | None = None
) -> float | None:
    """``best / own``: 1 for the best, towards 0 for the worse; free is 1."""
    if own is None or best is None:
        return unknown
    return 1.0 if not own else float(best) / float(own)
