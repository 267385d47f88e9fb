"""What the journal's events are called outside: one versioned table of names.

The ``gen_ai.*`` names are those of OpenTelemetry's semantic conventions 1.41.0, the last release
that held the GenAI conventions (status: Development). ``openinference.span.kind`` is the name by
which Phoenix and MLflow know routing, policies and approvals. What neither has is ``leafmesh.*``.
No name is both a leaf and the prefix of another: backends that build objects from dots lose one.

``VERSION`` counts up with every change of a name or of what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "DURATION_BOUNDS",
    "SCHEMA_URL",
    "SCOPE",
    "SHAPES",
    "TOKEN_BOUNDS",
    "VERSION",
    "WAIT_BOUNDS",
    "Attribute",
    "Happening",
    "Metric",
    "Shape",
    "provider_name",
]

VERSION = 1
SCOPE = "leafmesh_nb"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of span: its name's first word, the GenAI operation (or none), its OpenInference kind.

    ``client`` marks a request that leaves the process.
    """

    word: str
    operation: str
    kind: str
    client: bool = False


SHAPES: dict[str, Shape] = {
    "workflow": Shape("invoke_workflow", "invoke_workflow", "CHAIN"),
    "agent": Shape("invoke_agent", "invoke_agent", "AGENT"),
    "step": Shape("step", "", "CHAIN"),  # one for which no agent was found
    "route": Shape("route", "", "CHAIN"),
    "model": Shape("chat", "chat", "LLM", client=True),
    "function": Shape("function", "", "CHAIN"),
    "tool": Shape("execute_tool", "execute_tool", "TOOL"),
    "policy": Shape("policy", "", "GUARDRAIL"),
    "approval": Shape("approval", "", "GUARDRAIL"),
}
"""By what a span is made of; three of them are the kinds of calls."""


class Attribute(StrEnum):
    """Attributes of spans, of their events and links, and of metric points."""

    OPERATION = "gen_ai.operation.name"
    PROVIDER = "gen_ai.provider.name"
    WORKFLOW = "gen_ai.workflow.name"
    AGENT = "gen_ai.agent.name"
    AGENT_DESCRIPTION = "gen_ai.agent.description"
    REQUEST_MODEL = "gen_ai.request.model"
    MAX_TOKENS = "gen_ai.request.max_tokens"
    OUTPUT_TYPE = "gen_ai.output.type"
    INPUT_TOKENS = "gen_ai.usage.input_tokens"
    OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
    TOKEN_TYPE = "gen_ai.token.type"
    TOOL = "gen_ai.tool.name"
    TOOL_TYPE = "gen_ai.tool.type"
    TOOL_CALL = "gen_ai.tool.call.id"
    ERROR_TYPE = "error.type"

    # Opt-in: what was said.
    SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
    INPUT_MESSAGES = "gen_ai.input.messages"
    OUTPUT_MESSAGES = "gen_ai.output.messages"
    TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
    TOOL_RESULT = "gen_ai.tool.call.result"
    REASON = "leafmesh.content.reason"
    NOTE = "leafmesh.content.note"

    SPAN_KIND = "openinference.span.kind"

    MESH = "leafmesh.mesh.name"
    MESH_HASH = "leafmesh.mesh.hash"
    RUN = "leafmesh.run.id"
    RUN_STATUS = "leafmesh.run.status"
    REQUESTER = "leafmesh.run.requester"
    RUN_BY = "leafmesh.run.by"
    RECOVERED = "leafmesh.run.recovered"
    STEP = "leafmesh.step.path"
    STEP_STATUS = "leafmesh.step.status"
    CAPABILITY = "leafmesh.step.capability"

    ROUTE_AGENT = "leafmesh.route.agent"
    ROUTE_MODEL = "leafmesh.route.model"
    ROUTE_SCORE = "leafmesh.route.score"
    ROUTE_CANDIDATES = "leafmesh.route.candidates"
    ROUTE_EXCLUDED = "leafmesh.route.excluded"
    ROUTE_TIE = "leafmesh.route.tie"

    CALL_KEY = "leafmesh.call.key"
    CALL_ATTEMPT = "leafmesh.call.attempt"
    CALL_STATUS = "leafmesh.call.status"
    CALL_LIVE = "leafmesh.call.live"
    CALL_MODEL = "leafmesh.call.model"
    SIDE_EFFECT = "leafmesh.call.side_effect"

    SPENT = "leafmesh.cost.spent_usd"
    LIST_PRICE = "leafmesh.cost.list_usd"

    POINT = "leafmesh.policy.point"
    SUBJECT = "leafmesh.policy.subject"
    ACTION = "leafmesh.policy.action"
    OUTCOME = "leafmesh.policy.outcome"
    GOVERNED = "leafmesh.policy.governed"
    POLICIES = "leafmesh.policy.policies"
    RULES = "leafmesh.policy.rules"
    EDITED_BY = "leafmesh.policy.edited_by"

    APPROVAL = "leafmesh.approval.id"
    APPROVAL_TO = "leafmesh.approval.to"
    APPROVAL_ROSTER = "leafmesh.approval.roster"
    APPROVAL_OUTCOME = "leafmesh.approval.outcome"
    APPROVAL_PERSON = "leafmesh.approval.person"
    APPROVAL_CHANNEL = "leafmesh.approval.channel"
    APPROVAL_IDENTITY = "leafmesh.approval.identity"
    APPROVAL_WAITED = "leafmesh.approval.waited_seconds"

    FIELD = "leafmesh.memory.field"
    FIELD_VERSION = "leafmesh.memory.version"
    FIELD_SCOPE = "leafmesh.memory.scope"
    ACCESS = "leafmesh.memory.access"

    BUDGET = "leafmesh.budget.scope"
    BUDGET_LIMIT = "leafmesh.budget.limit"
    BUDGET_USED = "leafmesh.budget.used"
    BUDGET_AMOUNT = "leafmesh.budget.amount"

    LINK = "leafmesh.link.kind"

    MAPPING = "leafmesh.mapping.version"


class Happening(StrEnum):
    """Names of events on spans."""

    PAUSED = "leafmesh.run.paused"
    RESUMED = "leafmesh.run.resumed"
    REBOUND = "leafmesh.run.rebound"
    SKIPPED = "leafmesh.step.skipped"
    MEMORY_WRITTEN = "leafmesh.memory.written"
    MEMORY_DENIED = "leafmesh.memory.denied"
    MEMORY_PATCHED = "leafmesh.memory.patched"
    BUDGET_REFUSED = "leafmesh.budget.refused"
    ESCALATED = "leafmesh.approval.escalated"
    REFUSED = "leafmesh.approval.refused"


class Metric(StrEnum):
    """Instruments: tokens, durations and waits are histograms, the others monotonic sums."""

    TOKENS = "gen_ai.client.token.usage"
    DURATION = "gen_ai.client.operation.duration"
    SPENT = "leafmesh.cost.spent"
    LIST_PRICE = "leafmesh.cost.list_price"
    DECISIONS = "leafmesh.policy.decisions"
    APPROVALS = "leafmesh.approval.answers"
    WAITED = "leafmesh.approval.wait"
    RUNS = "leafmesh.run.ended"

    @property
    def unit(self) -> str:
        """Its unit in UCUM."""
        return _DESCRIBED[self][0]

    @property
    def description(self) -> str:
        """What it counts."""
        return _DESCRIBED[self][1]


_DESCRIBED: dict[Metric, tuple[str, str]] = {
    Metric.TOKENS: ("{token}", "Number of input and output tokens used."),
    Metric.DURATION: ("s", "GenAI operation duration."),
    Metric.SPENT: ("{USD}", "US dollars spent on calls."),
    Metric.LIST_PRICE: ("{USD}", "US dollars that the same tokens cost at list price."),
    Metric.DECISIONS: ("{decision}", "Decisions at the gate, by outcome."),
    Metric.APPROVALS: ("{question}", "Questions to people, by what came of them."),
    Metric.WAITED: ("s", "Time from a question to its answer."),
    Metric.RUNS: ("{run}", "Runs that ended, by status."),
}

# The boundaries that the conventions recommend.
TOKEN_BOUNDS = tuple(float(4**n) for n in range(14))
DURATION_BOUNDS = tuple(0.01 * 2**n for n in range(14))
# People answer within seconds or within days.
WAIT_BOUNDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0, 604800.0)

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "grok": "x_ai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}


def provider_name(provider: str) -> str:
    """A provider of the mesh by its name in the conventions; others keep their own."""
    return _PROVIDERS.get(provider, provider)
