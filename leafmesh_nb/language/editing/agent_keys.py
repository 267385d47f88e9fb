"""The keys of agents and their capabilities."""

from __future__ import annotations

from leafmesh_nb.language.build_agents import (
    AGENT,
    CAPABILITY,
    EXAMPLE,
    GRANTS,
    KINDS,
    LIMITS,
    MODEL_CHOICE,
)
from leafmesh_nb.language.editing.mesh_keys import PYTHON, TIER
from leafmesh_nb.language.editing.reference import (
    Choice,
    Data,
    Dollars,
    Duration,
    Either,
    Fields,
    Key,
    ListOf,
    Maps,
    Name,
    Number,
    Section,
    SectionOf,
    Template,
    Text,
)

__all__ = ["SECTIONS"]

_ABOUT_KINDS = {
    "llm": "A language model answers, by its role, its instructions and the output's schema.",
    "python": "A Python function, bound in the notebook or named by `python`.",
    "http": "A JSON endpoint.",
    "mcp": "A tool of an MCP server.",
    "human": "A person fills in a form made from the output's schema.",
}

_AGENT = Section(
    AGENT,
    "An agent by what it can do. It reaches tools and memory only through what it is granted.",
    {
        "role": Key("Who this agent is, in a line.", Text(), example="role: Refund clerk"),
        "kind": Key(
            "Who performs the work.",
            Choice(_ABOUT_KINDS, tuple(kind for kind in _ABOUT_KINDS if kind not in KINDS)),
            default="llm",
        ),
        "instructions": Key(
            "What a language model is told to do. `${…}` takes the inputs and the granted memory.",
            Template("instructions"),
            example="instructions: Read the ticket and say what the customer wants.",
        ),
        "capabilities": Key(
            "What it can do, by name: typed input and output. Agents with the same capability are "
            "interchangeable, so the types must agree.",
            Maps("a capability", SectionOf("capability")),
            example="capabilities:\n  ticket.classify:\n    input:  {ticket: string}\n"
            "    output: {category: {enum: [refund, bug]}}",
        ),
        "model": Key(
            "A model by name, `{tier: …}` or `{domain: …}`. Without it, the step's `complexity` "
            "and `domain` decide.",
            Either((Name("models"), SectionOf("model choice"))),
            example="model: {tier: small}",
        ),
        "memory": Key(
            "The memory fields it may read and write.",
            SectionOf("grants"),
            example="memory: {read: [ticket], write: [precedents]}",
        ),
        "tools": Key(
            "The tools it may call; each call passes the policies.",
            ListOf(Name("tools"), alone=True),
            example="tools: [pay_out]",
        ),
        "limits": Key(
            "Bounds of one execution of a step, with its tool loop.",
            SectionOf("limits"),
            example="limits: {calls: 3, timeout: 20s, cost: 0.05}",
        ),
        "python": Key(
            "The function of a python agent, as `module:function`. Without it, one is bound in "
            "the notebook by `@mesh.agent`.",
            PYTHON,
            example='python: "shop:propose"',
        ),
        "url": Key(
            "Where the endpoint of an `http` agent, or the MCP server, is.",
            Text("^https?://"),
            example='url: "https://refunds.example.com/propose"',
        ),
        "command": Key(
            "The program that is an MCP server, with its arguments.",
            ListOf(Text(), alone=True),
            example='command: ["uvx", "refund-server"]',
        ),
        "tool": Key("The tool of the MCP server.", Text(), example="tool: propose_refund"),
        "api_key_env": Key(
            "The environment variable that holds the key. A key itself never stands in a mesh.",
            Text(),
            example="api_key_env: REFUNDS_API_KEY",
        ),
    },
)

_CAPABILITY = Section(
    CAPABILITY,
    "Something that an agent can do. A python agent's arguments are exactly the inputs.",
    {
        "input": Key("What it takes: names to types.", Fields(), example="input: {ticket: string}"),
        "output": Key(
            "What it gives: names to types.",
            Fields(),
            example="output: {amount: money or null, reason: string}",
        ),
        "description": Key("What it does, in a sentence.", Text()),
        "examples": Key(
            "Texts it handles, alone or with the output each should get. Routing compares the "
            "request with them, and a model is shown them.",
            ListOf(Either((Text(), SectionOf("example")))),
            example='examples:\n  - {text: "I was charged twice", output: {category: refund}}',
        ),
        "proficiency": Key(
            "How good this agent is at it, from 0 to 1.",
            Number(least=0, most=1),
            default="0.5",
            example="proficiency: 0.8",
        ),
    },
)

_EXAMPLE = Section(
    EXAMPLE,
    "A text that a capability handles.",
    {
        "text": Key("The text, as it may arrive.", Text()),
        "output": Key(
            "The output it should get, or a part of it.",
            Data("output"),
            example="output: {category: refund}",
        ),
    },
)

_MODEL_CHOICE = Section(
    MODEL_CHOICE,
    "Which model, by tier or by domain.",
    {
        "tier": Key("Any model of this tier.", TIER),
        "domain": Key("A specialist for this domain.", Name("domains"), example="domain: legal"),
    },
)

_GRANTS = Section(
    GRANTS,
    "The memory that an agent is granted.",
    {
        "read": Key(
            "Fields it may read.", ListOf(Name("memory"), alone=True), example="read: [ticket]"
        ),
        "write": Key(
            "Fields it may write.",
            ListOf(Name("memory"), alone=True),
            example="write: [precedents]",
        ),
    },
)

_LIMITS = Section(
    LIMITS,
    "Bounds of one execution of a step, with its tool loop.",
    {
        "calls": Key("The most calls.", Number(whole=True, least=1), example="calls: 3"),
        "timeout": Key("How long it may take.", Duration(), example="timeout: 20s"),
        "cost": Key("What it may cost, in USD.", Dollars(), example="cost: 0.05"),
    },
)

SECTIONS = {
    "agent": _AGENT,
    "capability": _CAPABILITY,
    "example": _EXAMPLE,
    "model choice": _MODEL_CHOICE,
    "grants": _GRANTS,
    "limits": _LIMITS,
}
