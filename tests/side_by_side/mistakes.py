"""Twenty mistakes, each made in a mesh, in a crew's two files and in a compose file.

A slip is a text and what is written in its place; None where the tool has no such thing.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AGENTS", "COMPOSE", "MISTAKES", "TASKS", "Mistake"]

AGENTS = """\
analyst:
  role: Support analyst
  goal: Say what a customer wants
  backstory: You read tickets.
  max_iter: 3
  max_execution_time: 20
clerk:
  role: Refund clerk
  goal: Propose refunds
  backstory: You know the rules.
"""
TASKS = """\
classify:
  description: Read the ticket about {topic}.
  expected_output: A category.
  agent: analyst
propose:
  description: Propose an amount.
  expected_output: An amount.
  agent: clerk
  context: [classify]
"""
COMPOSE = """\
services:
  web:
    image: nginx
    depends_on: [api]
    volumes: ["data:/data"]
    healthcheck: {test: "true", interval: 30s, retries: 3}
  api:
    image: "shop:${TAG}"
    networks: [inner]
    restart: always
    deploy: {replicas: 2}
volumes:
  data: {}
networks:
  inner: {}
"""

Slip = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Mistake:
    """The same mistake three times; the mesh's is made in the reference mesh."""

    what: str
    mesh: Slip
    crew: Slip | None
    compose: Slip | None


MISTAKES = (
    Mistake(
        "a block's name misspelt",
        ("agents:\n", "agnets:\n"),
        ("analyst:\n  role", "analist:\n  role"),
        ("services:", "servces:"),
    ),
    Mistake(
        "a key misspelt",
        ("    role: Senior", "    rolle: Senior"),
        ("backstory: You read", "backstry: You read"),
        ("depends_on", "depend_on"),
    ),
    Mistake(
        "a required key left out",
        ("    role: Refund clerk\n", ""),
        ("  goal: Propose refunds\n", ""),
        ("    image: nginx\n", ""),
    ),
    Mistake(
        "a word for a number",
        ("limits: {calls: 3", "limits: {calls: three"),
        ("max_iter: 3", "max_iter: three"),
        ("retries: 3", "retries: three"),
    ),
    Mistake(
        "a number out of bounds",
        ("proficiency: 0.8\n", "proficiency: 8\n"),
        ("max_iter: 3", "max_iter: -3"),
        ("replicas: 2", "replicas: -2"),
    ),
    Mistake("no such choice", ("    at: tool", "    at: toll"), None, ("always", "allways")),
    Mistake(
        "not a duration",
        ("timeout: 20s", "timeout: soon"),
        ("max_execution_time: 20", "max_execution_time: soon"),
        ("interval: 30s", "interval: soon"),
    ),
    Mistake(
        "no such agent, task or service",
        ("capability: refund.propose", "capability: refund.propse"),
        ("agent: analyst", "agent: analist"),
        ("[api]", "[apy]"),
    ),
    Mistake(
        "no such tool, or volume",
        ("for: {tools: [pay_out]}", "for: {tools: [payout]}"),
        ("  max_iter: 3", "  tools: [serch]"),
        ("data:/data", "date:/data"),
    ),
    Mistake(
        "nobody of that name, or no such network",
        ("to: lead", "to: leed"),
        ("context: [classify]", "context: [clasify]"),
        ("networks: [inner]", "networks: [iner]"),
    ),
    Mistake(
        "two wait for each other",
        ("        complexity: routine", "        after: pay"),
        ("  agent: analyst", "  agent: analyst\n  context: [propose]"),
        ('    image: "shop', '    depends_on: [web]\n    image: "shop'),
    ),
    Mistake(
        "a key twice",
        ("    default: deny", "    default: deny\n    at: call"),
        ("  role: Refund", "  role: Cashier\n  role: Refund"),
        ("    restart: always", "    restart: always\n    image: other"),
    ),
    Mistake(
        "a tab as indentation",
        ("    rules:", "\trules:"),
        ("  max_iter", "\tmax_iter"),
        ("    restart", "\trestart"),
    ),
    Mistake(
        "a bracket not closed",
        ("memory: {read: [ticket, tier]}", "memory: {read: [ticket, tier}"),
        ("[classify]", "[classify"),
        ("[inner]", "[inner"),
    ),
    Mistake(
        "a line too deep",
        (
            "    kind: python\n    capabilities:\n      refund.pay",
            "     kind: python\n    capabilities:\n      refund.pay",
        ),
        ("  goal: Propose", "   goal: Propose"),
        ("    restart", "     restart"),
    ),
    Mistake(
        "a list for a map",
        (
            "people:\n  lead:    {roles: [approver]}\n  finance: {roles: [approver]}",
            "people: [lead, finance]",
        ),
        (
            "clerk:\n  role: Refund clerk\n  goal: Propose refunds\n"
            "  backstory: You know the rules.",
            "clerk: [role, goal]",
        ),
        ('    healthcheck: {test: "true", interval: 30s, retries: 3}', "    healthcheck: [test]"),
    ),
    Mistake(
        "no, the word",
        ("    role: Refund clerk", "    role: no"),
        ("role: Refund clerk", "role: no"),
        ("restart: always", "restart: no"),
    ),
    Mistake(
        "a sign of YAML before a text",
        ("when: steps.propose.output.amount > 0", "when: !has(steps.propose.output.reason)"),
        ("goal: Propose refunds", "goal: !Propose refunds"),
        ("image: nginx", "image: !nginx latest"),
    ),
    Mistake(
        "a value that is not there",
        ("with: {ticket: input.ticket}", "with: {ticket: input.tickt}"),
        ("{topic}", "{topc}"),
        ("${TAG}", "${TAGG}"),
    ),
    Mistake(
        "an API key in the text",
        ("    role: Refund clerk", "    role: Refund clerk KEY"),
        ("goal: Propose refunds", "goal: Propose refunds KEY"),
        ("image: nginx", "image: nginx\n    environment: {KEY_OF: KEY}"),
    ),
)
