"""A mesh as data: what ``language`` makes of a text, and all that the other floors read of it.

Everything here is frozen. Durations are seconds (float), money limits are Decimal US dollars,
``Type`` objects describe values. Cross references (names of agents, models, fields …) have been
resolved and checked by ``build``: a Spec that exists is consistent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from leafmesh_nb.language.expressions import Expression, Template
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.spec_steps import (
    NOWHERE,
    Complexity,
    ForEach,
    InDoubt,
    Join,
    Performer,
    Repeat,
    Retry,
    Step,
    Workflow,
    reads_item,
)
from leafmesh_nb.language.types import Type

__all__ = [
    "AgentSpec",
    "Budgets",
    "Capability",
    "Complexity",
    "Example",
    "ForEach",
    "Grants",
    "InDoubt",
    "Join",
    "Limits",
    "MemoryField",
    "ModelChoice",
    "ModelSpec",
    "Performer",
    "Person",
    "Policy",
    "PolicyTest",
    "Price",
    "Quorum",
    "Redaction",
    "Repeat",
    "Retry",
    "Routing",
    "Rule",
    "Spec",
    "Step",
    "Target",
    "ToolSpec",
    "Workflow",
    "reads_item",
]

Tier = Literal["small", "large", "specialist"]
Kind = Literal["llm", "python", "http", "mcp", "human"]
Point = Literal["route", "call", "tool", "output", "memory", "end"]
Default = Literal["approve", "ask", "deny"]
Verdict = Literal["approve", "redact", "ask", "deny"]
VERDICTS: tuple[Default, ...] = ("approve", "ask", "deny")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. Without ``cached_input``, cached tokens cost as others do."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model by name.

    ``model`` is the vendor's own name of it, ``base_url`` the address of a server that speaks the
    vendor's protocol, ``api_key_env`` the environment variable that holds the key. ``price``
    overrides the price list; ``priced_as`` is ``provider:model`` whose list price is shown beside.
    ``fallback`` are the models to try in its place, in this order; ``context_window`` is in
    tokens; ``region`` labels where data is processed.
    """

    name: str
    provider: str
    model: str | None = None
    tier: Tier | None = None
    domains: tuple[str, ...] = ()
    priced_as: str | None = None
    max_output_tokens: int | None = None
    timeout: float | None = None
    price: Price | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    fallback: tuple[str, ...] = ()
    context_window: int | None = None
    region: str | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class MemoryField:
    """A field of shared memory."""

    name: str
    type: Type
    scope: Literal["run", "mesh"] = "run"
    merge: Literal["replace", "append", "extend"] = "replace"
    sensitivity: Literal["public", "internal", "pii", "secret"] = "internal"
    span: Span = NOWHERE

    @property
    def masked(self) -> bool:
        """Whether views, exports and saved outputs show a mask instead of the value."""
        return self.sensitivity in ("pii", "secret")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be asked; ``roles`` are names that rules may use in their place."""

    name: str
    roles: tuple[str, ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function that agents reach through their context. ``input`` and ``output`` are objects.

    ``on_in_doubt`` says what is done with a call that was sent and never came back; without it a
    side effect asks a person and anything else is called again.
    """

    name: str
    input: Type
    output: Type
    python: str | None = None
    side_effect: bool = False
    description: str = ""
    on_in_doubt: InDoubt | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Example:
    """A text that a capability handles, with the output it should get (possibly partial)."""

    text: str
    output: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capability:
    """What an agent can do: typed input and output objects, examples, declared proficiency."""

    name: str
    input: Type
    output: Type
    description: str = ""
    examples: tuple[Example, ...] = ()
    proficiency: float = 0.5
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """An agent's ``model:`` key: a name, an inline ``provider:model``, a tier or a domain; exactly
    one is set."""

    name: str | None = None
    inline: str | None = None
    tier: Tier | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Grants:
    """Memory fields an agent may read and write."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one execution of a step: outbound calls, seconds, US dollars."""

    calls: int | None = None
    timeout: float | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent by what it can do.

    ``python`` belongs to python agents: ``module:function``. ``url`` is the JSON endpoint of an
    http agent, or the MCP server of an mcp agent, which may be a ``command`` that is started
    instead; ``tool`` is that server's tool; ``api_key_env`` names the environment variable whose
    value is sent as bearer token.
    """

    id: str
    role: str
    kind: Kind = "llm"
    instructions: Template | None = None
    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    model: ModelChoice | None = None
    memory: Grants = field(default_factory=Grants)
    tools: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    python: str | None = None
    url: str | None = None
    command: tuple[str, ...] = ()
    tool: str | None = None
    api_key_env: str | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Target:
    """A policy's ``for``: an empty tuple does not narrow. ``fields`` are those of memory."""

    agents: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Redaction:
    """A place in what passes the gate that is taken out of it.

    ``path`` begins with a name of its point, such as ``output.orders[].email``; ``parts`` are its
    steps: names of fields, ``[]`` for each item of a list, ``*`` for each value of a map.
    """

    path: str
    parts: tuple[str, ...]
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many people of a role must approve."""

    count: int
    of: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition and what it leads to. ``when`` None matches always.

    For ``redact``: ``redact`` are the places. For ``ask``: ``to`` a person or a role, ``within``
    seconds, ``escalate`` the next ones to ask; ``excluded`` may not answer, whoever they are in
    the run at hand; ``quorum`` must approve together; ``identity`` is how whoever answers must be
    known.
    """

    id: str
    when: Expression | None
    then: Verdict
    to: str | None = None
    within: float | None = None
    escalate: tuple[str, ...] = ()
    excluded: tuple[Literal["requester"], ...] = ()
    reason: Template | None = None
    redact: tuple[Redaction, ...] = ()
    quorum: Quorum | None = None
    identity: Literal["signed_in"] | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """``given`` names (plain values) and the outcome they must lead to."""

    given: Mapping[str, Any]
    expect: Verdict
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules at one point of the gate."""

    id: str
    at: Point
    target: Target
    rules: tuple[Rule, ...]
    default: Default = "deny"
    on_error: Literal["ask", "deny"] = "deny"
    on_timeout: Literal["deny"] = "deny"
    tests: tuple[PolicyTest, ...] = ()
    digest: str = ""
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Budgets:
    """Worst cases in US dollars; ``count`` says whether spent or list-price money is counted."""

    run: Decimal | None = None
    step: Decimal | None = None
    day: Decimal | None = None
    count: Literal["spent", "list_price"] = "spent"


@dataclass(frozen=True, slots=True)
class Routing:
    """Weights of the factors of suitability, and the tier for each declared complexity."""

    weights: Mapping[str, Decimal] = field(default_factory=dict)
    tiers: Mapping[str, Tier] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole mesh. ``hash`` is the SHA-256 of ``text`` in hex."""

    mesh: str
    text: str
    hash: str
    source: str
    description: str = ""
    currency: str = "USD"
    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    memory: Mapping[str, MemoryField] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    tools: Mapping[str, ToolSpec] = field(default_factory=dict)
    agents: Mapping[str, AgentSpec] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    budgets: Budgets = field(default_factory=Budgets)
    routing: Routing = field(default_factory=Routing)
    workflows: Mapping[str, Workflow] = field(default_factory=dict)

    def roster(self, who: str) -> tuple[str, ...]:
        """The people that a person's or a role's name stands for, in declaration order."""
        if who in self.people:
            return (who,)
        return tuple(p.name for p in self.people.values() if who in p.roles)

    def capable(self, capability: str) -> tuple[AgentSpec, ...]:
        """The agents that declare a capability, in declaration order."""
        return tuple(a for a in self.agents.values() if capability in a.capabilities)
