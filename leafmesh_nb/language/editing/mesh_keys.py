"""The keys of a mesh as a whole, and of its models, memory, people, tools, budgets and routing."""

from __future__ import annotations

from leafmesh_nb.language.build import MESH
from leafmesh_nb.language.build_memory import FIELD, PERSON, TOOL
from leafmesh_nb.language.build_models import (
    BUDGETS,
    COMPLEXITIES,
    FACTORS,
    MODEL,
    PRICE,
    ROUTING,
    ROUTING_TIERS,
    TIERS,
    WEIGHTS,
)
from leafmesh_nb.language.editing.reference import (
    Boolean,
    Choice,
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
    Text,
    TypeOf,
)

__all__ = ["IN_DOUBT", "PYTHON", "SECTIONS", "TIER"]

TIER = Choice(
    {
        "small": "Quick and cheap, for what is routine.",
        "large": "The most able, for what is complex.",
        "specialist": "For a domain of its own, such as law.",
    }
)
assert set(TIER.values) == set(TIERS)

PYTHON = Text(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")

IN_DOUBT = Choice(
    {
        "retry": "Send it again, with the same key.",
        "ask": "A person says whether it happened, with which result.",
        "fail": "The step fails.",
    }
)

_MESH = Section(
    MESH,
    "One YAML document describes a mesh: its agents, the rules that govern them, its workflows. "
    "Unknown keys are errors: nothing is ever parsed and ignored.",
    {
        "mesh": Key("The name of this mesh.", Text("^[a-z][a-z0-9_]*$"), example="mesh: refunds"),
        "description": Key("What this mesh is for.", Text()),
        "currency": Key(
            "The one currency of `money` values, by its ISO 4217 code. Prices, limits and budgets "
            "are in USD whatever it is.",
            Text("^[A-Z]{3}$"),
            default="USD",
            example="currency: EUR",
        ),
        "models": Key(
            "The models that agents may use, by name.",
            Maps("a model", SectionOf("model")),
            example="models:\n  quick: {provider: offline, tier: small}",
        ),
        "memory": Key(
            "Shared memory: fields with a type, or with a type and settings. An agent reads and "
            "writes only the fields that it is granted.",
            Maps("a memory field", Either((TypeOf(), SectionOf("memory field")))),
            example="memory:\n  ticket: string\n"
            "  card: {type: string or null, sensitivity: secret}",
        ),
        "people": Key(
            "Whom a rule may ask, by name, with their roles.",
            Maps("a person", SectionOf("person")),
            example="people:\n  lead: {roles: [approver]}",
        ),
        "tools": Key(
            "Functions that agents reach through their context, and in no other way.",
            Maps("a tool", SectionOf("tool")),
            example='tools:\n  pay_out:\n    python: "shop:pay_out"\n    side_effect: true\n'
            "    input:  {ticket_id: string, amount: money}\n    output: {receipt: string}",
        ),
        "agents": Key(
            "Who performs the steps, by id: a role, typed capabilities, what each is granted.",
            Maps("an agent", SectionOf("agent")),
            example="agents:\n  clerk:\n    role: Refund clerk\n    kind: python\n"
            "    capabilities:\n      refund.propose:\n"
            "        input:  {ticket: string}\n        output: {amount: money}",
        ),
        "policies": Key(
            "Rules at the points of the gate that every decision passes before it takes effect. "
            "Across policies the most severe outcome wins: deny > ask > redact > approve.",
            Maps("a policy", SectionOf("policy")),
            example="policies:\n  payouts:\n    at: tool\n    for: {tools: [pay_out]}\n"
            "    rules:\n      - {id: small, when: tool.arguments.amount <= 100, then: approve}\n"
            "    default: deny",
        ),
        "budgets": Key(
            "What may be spent, in USD: reserved before a call at its worst case, settled after.",
            SectionOf("budgets"),
            example="budgets: {run: 0.50, step: 0.20, day: 20}",
        ),
        "routing": Key(
            "How agents are compared for a step, and which tier of model a complexity gets.",
            SectionOf("routing"),
            example="routing:\n  weights: {skill: 4, text: 2, cost: 2, latency: 1, load: 1}\n"
            "  tiers: {routine: small, standard: small, complex: large}",
        ),
        "workflows": Key(
            "Steps with a typed input and an output, by id.",
            Maps("a workflow", SectionOf("workflow")),
            example="workflows:\n  refund:\n    input: {ticket: string}\n    steps:\n"
            "      classify:\n        capability: ticket.classify\n"
            "        with: {ticket: input.ticket}\n"
            "    output: {category: steps.classify.output.category}",
        ),
    },
)

_MODEL = Section(
    MODEL,
    "A model that agents are given by name, by tier or by domain.",
    {
        "provider": Key(
            "Who runs the model. `offline` reads with rules of its own: no key, no cost, no "
            "network.",
            Text(),
            example="provider: offline",
        ),
        "model": Key("The provider's name of the model.", Text(), example="model: gpt-5-mini"),
        "tier": Key("How able it is, for agents that ask for a tier.", TIER, example="tier: small"),
        "domains": Key(
            "What it is a specialist for; a step's `domain` finds it.",
            ListOf(Text(), alone=True),
            example="domains: [legal]",
        ),
        "price": Key(
            "What it costs, in USD per million tokens, where that is not known.",
            SectionOf("price"),
            example="price: {input: 0.25, output: 2}",
        ),
        "priced_as": Key(
            "Shows, beside what was spent, what the same tokens would cost elsewhere.",
            Text(r"^[a-z0-9_-]+:[\w./:@-]+$"),
            example='priced_as: "openai:gpt-5-mini"',
        ),
        "max_output_tokens": Key(
            "The most tokens of one answer; the worst case of a call is reserved by it.",
            Number(whole=True, least=1),
            example="max_output_tokens: 1024",
        ),
        "timeout": Key("How long one call may take.", Duration(), example="timeout: 30s"),
        "base_url": Key(
            "Where its interface is, if not at the vendor's address.",
            Text(),
            example='base_url: "http://127.0.0.1:11434/v1"',
        ),
        "api_key_env": Key(
            "The environment variable that holds the key. A key itself never stands in a mesh.",
            Text(),
            example="api_key_env: OPENAI_API_KEY",
        ),
        "fallback": Key(
            "The model that takes over when this one fails.",
            ListOf(Name("models"), alone=True),
            example="fallback: quick",
        ),
        "context_window": Key(
            "How many tokens a request and its answer may have together.",
            Number(whole=True, least=1),
            example="context_window: 128000",
        ),
        "region": Key("Where the model runs.", Text(), example="region: eu-west-1"),
    },
)

_PRICE = Section(
    PRICE,
    "USD per million tokens.",
    {
        "input": Key("USD per million tokens that are sent.", Dollars()),
        "output": Key("USD per million tokens that are answered.", Dollars()),
        "cached_input": Key(
            "USD per million tokens that the provider had in its cache.", Dollars()
        ),
    },
)

_FIELD = Section(
    FIELD,
    "A field of shared memory. Reads are a snapshot at a step's start, writes apply at its end.",
    {
        "type": Key("The type of its value.", TypeOf(), example="type: {list: string}"),
        "scope": Key(
            "How long it lives.",
            Choice(
                {
                    "run": "For one run.",
                    "mesh": "Across runs and agents; granted to one agent, it is that agent's own.",
                }
            ),
            default="run",
        ),
        "merge": Key(
            "What a write does. Writers that may run in parallel need `append` or `extend`.",
            Choice(
                {
                    "replace": "The new value takes the place of the old one.",
                    "append": "The value becomes one more item of the list.",
                    "extend": "The items of a list are added to the list.",
                }
            ),
            default="replace",
        ),
        "sensitivity": Key(
            "`pii` and `secret` are masked in every view, export and saved output; revealing one "
            "is recorded.",
            Choice(
                {
                    "public": "Anybody may see it.",
                    "internal": "Shown to those who see the run.",
                    "pii": "Personal data: masked.",
                    "secret": "Masked.",
                }
            ),
            default="internal",
        ),
        "min": Key("The least value, of a number or of money.", Number(), example="min: 0"),
        "max": Key("The greatest value, of a number or of money.", Number(), example="max: 1"),
    },
)

_PERSON = Section(
    PERSON,
    "Somebody who may be asked.",
    {
        "roles": Key(
            "Names that rules may use in place of people.",
            ListOf(Text("^[a-z][a-z0-9_]*$"), alone=True),
            example="roles: [approver]",
        )
    },
)

_TOOL = Section(
    TOOL,
    "A function that agents reach through their context. Without a policy, one with side effects "
    "is denied.",
    {
        "input": Key(
            "Its arguments: names to types.",
            Fields(),
            example="input: {ticket_id: string, amount: money}",
        ),
        "output": Key(
            "What it returns: names to types.", Fields(), example="output: {ok: boolean}"
        ),
        "python": Key(
            "The function, as `module:function`. Without it, one is bound in the notebook by "
            "`@mesh.tool`.",
            PYTHON,
            example='python: "shop:pay_out"',
        ),
        "side_effect": Key(
            "Whether it changes something outside. Such a call is recorded before it goes out, "
            "passes a policy, and is never repeated by itself.",
            Boolean(),
            default="false",
        ),
        "description": Key("What it does, for whoever may call it.", Text()),
        "on_in_doubt": Key(
            "What happens to a call that was started and is not known to have ended.",
            IN_DOUBT,
            default="ask with side effects, else retry",
        ),
    },
)

_BUDGETS = Section(
    BUDGETS,
    "Bounds in USD. Each is reserved before a call at its worst case and settled after it; what is "
    "in doubt settles at the worst case.",
    {
        "run": Key("For one run.", Dollars(), example="run: 0.50"),
        "step": Key("For a step with its items and retries.", Dollars(), example="step: 0.20"),
        "day": Key("For this mesh in one day, UTC.", Dollars(), example="day: 20"),
        "count": Key(
            "Which amounts are counted.",
            Choice(
                {
                    "spent": "What was really spent.",
                    "list_price": "What the same tokens cost as `priced_as` says.",
                }
            ),
            default="spent",
        ),
    },
)

_ROUTING = Section(
    ROUTING,
    "Which agent takes a step, and with which model.",
    {
        "weights": Key(
            "How much each factor of suitability counts.",
            SectionOf("weights"),
            example="weights: {skill: 4, text: 2, cost: 2, latency: 1, load: 1}",
        ),
        "tiers": Key(
            "The tier of model for a step's `complexity`; an agent's own `model` wins.",
            SectionOf("tiers"),
            example="tiers: {routine: small, standard: small, complex: large}",
        ),
    },
)

_ABOUT_FACTORS = {
    "skill": "The agent's proficiency in the capability.",
    "text": "How much the request resembles the capability's examples.",
    "cost": "How little a call is expected to cost.",
    "latency": "How quickly it answered before.",
    "load": "How little it has to do now.",
}
_WEIGHTS = Section(
    WEIGHTS,
    "The weight of each factor of suitability, from 0 to 1000.",
    {name: Key(_ABOUT_FACTORS[name], Number(least=0, most=1000)) for name in FACTORS},
)

_ROUTING_TIERS = Section(
    ROUTING_TIERS,
    "The tier of model for each complexity.",
    {
        name: Key(f"The tier for a step whose complexity is `{name}`.", TIER)
        for name in COMPLEXITIES
    },
)

SECTIONS = {
    "mesh": _MESH,
    "model": _MODEL,
    "price": _PRICE,
    "memory field": _FIELD,
    "person": _PERSON,
    "tool": _TOOL,
    "budgets": _BUDGETS,
    "routing": _ROUTING,
    "weights": _WEIGHTS,
    "tiers": _ROUTING_TIERS,
}
