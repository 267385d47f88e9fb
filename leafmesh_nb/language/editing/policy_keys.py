"""The keys of policies, their rules and their tests."""

from __future__ import annotations

from leafmesh_nb.language.build_policies import POINTS, POLICY, TARGET
from leafmesh_nb.language.build_rules import EXCLUDED, QUORUM, RULE
from leafmesh_nb.language.editing.reference import (
    Choice,
    Data,
    Duration,
    Either,
    Expression,
    Key,
    ListOf,
    Name,
    Number,
    Section,
    SectionOf,
    Template,
    Text,
)
from leafmesh_nb.language.policy_tests import LATER, TEST
from leafmesh_nb.language.redactions import REDACT

__all__ = ["SECTIONS"]

_ABOUT_POINTS = {
    "route": "Before an agent and a model take a step.",
    "call": "Before a request goes to a model.",
    "tool": "Before a tool is called.",
    "output": "Before an answer counts.",
    "memory": "Before a field is written.",
    "end": "Before a run ends with its output.",
}
_ABOUT_VERDICTS = {
    "approve": "It passes.",
    "ask": "A person decides; only the path that asks waits.",
    "deny": "It does not pass, and is never retried.",
    "redact": "It passes without the parts that a rule names.",
}


def _verdicts(*without: str) -> Choice:
    about = {name: text for name, text in _ABOUT_VERDICTS.items() if name not in without}
    return Choice(about, tuple(name for name in about if name in LATER))


_POLICY = Section(
    POLICY,
    "Rules at one point of the gate. Of the rules that match, in any order, the most severe "
    "outcome decides: deny, ask, redact, approve; and so it is across policies.",
    {
        "at": Key(
            "The point of the gate.",
            Choice(_ABOUT_POINTS, tuple(name for name in _ABOUT_POINTS if name not in POINTS)),
            example="at: tool",
        ),
        "for": Key(
            "What it covers; a policy whose `for` misses is absent. Without it, everything.",
            SectionOf("target"),
            example="for: {tools: [pay_out]}",
        ),
        "rules": Key(
            "Conditions, each with what it leads to; their order does not matter.",
            ListOf(SectionOf("rule")),
            example="rules:\n  - {id: small, when: tool.arguments.amount <= 100, then: approve}",
        ),
        "default": Key(
            "What applies when no rule matched; `ask` asks as the first rule that asks.",
            _verdicts("redact"),
            default="deny",
        ),
        "on_error": Key(
            "What applies when a rule cannot be evaluated: never `approve`; `ask` asks as the "
            "first rule that asks.",
            _verdicts("approve", "redact"),
            default="deny",
        ),
        "on_timeout": Key(
            "What applies when nobody answered to the end of the ladder: silence is no consent.",
            _verdicts("approve", "ask", "redact"),
            default="deny",
        ),
        "tests": Key(
            "What is given, and the outcome it must lead to; `%mesh test` runs them.",
            ListOf(SectionOf("policy test")),
            example='tests:\n  - {given: {tool: {arguments: {amount: "100"}}}, expect: approve}',
        ),
    },
)

_TARGET = Section(
    TARGET,
    "What a policy covers. Each key narrows it.",
    {
        "agents": Key("These agents.", ListOf(Name("agents"), alone=True)),
        "capabilities": Key("These capabilities.", ListOf(Name("capabilities"), alone=True)),
        "tools": Key(
            "These tools.", ListOf(Name("tools"), alone=True), example="for: {tools: [pay_out]}"
        ),
        "steps": Key("These steps, of any workflow.", ListOf(Name("steps"), alone=True)),
        "fields": Key("These memory fields.", ListOf(Name("memory"), alone=True)),
    },
)

_RULE = Section(
    RULE,
    "A condition and what it leads to.",
    {
        "id": Key(
            "The rule's own name: decisions are recorded by it.",
            Text("^[a-z][a-z0-9_]*$"),
            example="id: small",
        ),
        "when": Key(
            "The condition. Without it the rule always matches; an error in it leads to "
            "`on_error`.",
            Expression("policy", condition=True),
            default="always",
            example="when: tool.arguments.amount <= 100",
        ),
        "then": Key(
            "What it leads to.",
            Either((_verdicts("redact"), SectionOf("redact"))),
            example="then: approve",
        ),
        "to": Key("Whom to ask: a person or a role.", Name("roster"), example="to: lead"),
        "within": Key(
            "How long the question waits before the next one is asked.",
            Duration(),
            default="24h",
            example="within: 30m",
        ),
        "escalate": Key(
            "Who is asked next, one after the other.",
            ListOf(Name("roster"), alone=True),
            example="escalate: [finance]",
        ),
        "quorum": Key(
            "How many of a role must approve.",
            SectionOf("quorum"),
            example="quorum: {count: 2, of: approver}",
        ),
        "not": Key(
            "Who may not answer, whoever that is in the run at hand.",
            ListOf(Choice(dict.fromkeys(EXCLUDED, "Who started the run.")), alone=True),
            example="not: [requester]",
        ),
        "identity": Key(
            "How the person who answers must be known.",
            Choice({"signed_in": "Signed in to the service, not only named in a notebook."}),
            example="identity: signed_in",
        ),
        "reason": Key(
            "What is shown with the decision; `${…}` takes the names of the policy.",
            Template("policy"),
            example='reason: "${tool.arguments.amount} is over the limit"',
        ),
    },
)

_REDACT = Section(
    REDACT,
    "It passes without the named parts.",
    {
        "redact": Key(
            "What is taken out of what passes: paths that begin with a name of the point.",
            ListOf(Text(), alone=True),
            example="then: {redact: ['output.orders[].email']}",
        )
    },
)

_QUORUM = Section(
    QUORUM,
    "How many of a role must approve.",
    {
        "count": Key("How many.", Number(whole=True, least=1)),
        "of": Key("Of which role.", Name("roster")),
    },
)

_TEST = Section(
    TEST,
    "What is given, and the outcome it must lead to.",
    {
        "given": Key(
            "Values of the names that the policy uses; fields may be left out.",
            Data("given"),
            example='given: {tool: {arguments: {amount: "100"}}}',
        ),
        "expect": Key("The outcome.", _verdicts(), example="expect: approve"),
    },
)

SECTIONS = {
    "policy": _POLICY,
    "target": _TARGET,
    "rule": _RULE,
    "redact": _REDACT,
    "quorum": _QUORUM,
    "policy test": _TEST,
}
