"""Which models an agent may use for a step: its own choice, else by domain and complexity."""

from __future__ import annotations

from leafmesh_nb.language.spec import AgentSpec, ModelSpec, Spec, Step

__all__ = ["DEFAULT_TIERS", "models_for"]

DEFAULT_TIERS = {"routine": "small", "standard": "small", "complex": "large"}


def models_for(spec: Spec, agent: AgentSpec, step: Step) -> tuple[tuple[ModelSpec, ...], str]:
    """The models that fit, in declaration order, and what was looked for.

    An agent's own ``model:`` wins. Without one, a step's ``domain`` wants a specialist of that
    domain; for a step without a domain, ``routing.tiers`` maps its ``complexity`` (``standard``
    unless it says otherwise) to a tier.
    """
    choice = agent.model
    if choice is not None and choice.name is not None:
        return tuple(m for m in spec.models.values() if m.name == choice.name), choice.name
    if choice is not None and choice.tier is not None:
        return _of_tier(spec, choice.tier), f"tier {choice.tier}"
    if choice is not None and choice.domain is not None:
        return _of_domain(spec, choice.domain), f"domain {choice.domain}"
    if step.domain is not None:
        return _of_domain(spec, step.domain), f"domain {step.domain}"
    complexity = step.complexity or "standard"
    tier = spec.routing.tiers.get(complexity, DEFAULT_TIERS[complexity])
    return _of_tier(spec, tier), f"tier {tier} for {complexity} work"


def _of_tier(spec: Spec, tier: str) -> tuple[ModelSpec, ...]:
    return tuple(m for m in spec.models.values() if m.tier == tier)


def _of_domain(spec: Spec, domain: str) -> tuple[ModelSpec, ...]:
    return tuple(m for m in spec.models.values() if domain in m.domains)
