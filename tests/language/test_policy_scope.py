"""The names that a policy may use at each point, and their types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from leafmesh_nb.language import describe
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.loading import parse
from leafmesh_nb.language.policy_scope import PASSING, policy_scope
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.spec import Point, Spec, Target

EVERYWHERE = {"memory", "run", "cost", "task", "agent", "input", "now"}
ADDED = {
    "route": {"model"},
    "call": {"model", "request"},
    "tool": {"tool"},
    "output": {"output"},
    "memory": {"write"},
    "end": {"output"},
}

MESH = """
mesh: desk
models: {quick: {provider: offline, tier: small}}
memory:
  ticket: string
  total: money
  log: {type: {list: string}, merge: append}
tools:
  pay: {input: {amount: money}, output: {}}
  mail: {input: {to: string, text: string}, output: {}}
agents:
  reader:
    role: Reads
    capabilities: {mail.read: {input: {mail: string}, output: {topic: string}}}
    memory: {read: [ticket]}
  clerk:
    role: Clerk
    kind: python
    capabilities: {order.pay: {input: {order: string}, output: {amount: money}}}
    tools: [pay]
  writer:
    role: Writer
    kind: python
    capabilities: {order.tell: {input: {order: string}, output: {sent: boolean}}}
    tools: [mail]
workflows:
  mail:
    input: {mail: string}
    steps: {read: {capability: mail.read, with: {mail: input.mail}}}
    output: {topic: steps.read.output.topic}
  order:
    input: {order: string}
    steps: {pay: {capability: order.pay, with: {order: input.order}}}
    output: {amount: steps.pay.output.amount}
"""


@pytest.fixture(scope="module")
def spec() -> Spec:
    parsed = parse(MESH)
    assert parsed.diagnostics == (), parsed.diagnostics
    assert parsed.spec is not None
    return parsed.spec


@pytest.fixture(scope="module")
def names(spec: Spec) -> Callable[..., dict[str, str]]:
    """The names of a policy, each with its type as it is written."""
    ctx = Context(Source(spec.text, "cell"), Collector(Source(spec.text, "cell")))
    ctx.memory, ctx.tools, ctx.agents = dict(spec.memory), dict(spec.tools), dict(spec.agents)
    ctx.capabilities = {n: c for a in spec.agents.values() for n, c in a.capabilities.items()}

    def written(at: Point, **target: tuple[str, ...]) -> dict[str, str]:
        found = policy_scope(ctx, at, Target(**target), spec.workflows)
        return {name: describe(type) for name, type in found.names.items()}

    return written


@pytest.mark.parametrize("at", get_args(Point))
def test_each_point_has_the_names_of_the_table(names: Callable[..., Any], at: Point) -> None:
    found = names(at)
    assert set(found) == EVERYWHERE | ADDED[at]
    assert "steps" not in found


def test_every_point_but_route_has_something_that_passes(names: Callable[..., Any]) -> None:
    assert set(PASSING) == set(get_args(Point)) - {"route"}
    for at, path in PASSING.items():
        name, _, rest = path.partition(".")
        assert rest in names(at)[name]


def test_a_model_is_null_where_a_function_may_be_chosen(names: Callable[..., Any]) -> None:
    assert names("route")["model"].endswith(" or null")
    assert not names("route", agents=("reader",))["model"].endswith(" or null")
    assert not names("call")["model"].endswith(" or null")
    assert names("call")["model"].startswith(
        "{object: {name: string, provider: string, model: string or null, tier: "
        "{enum: [small, large, specialist]} or null"
    )


def test_a_request_holds_what_the_agent_may_read(names: Callable[..., Any]) -> None:
    assert names("call")["request"] == (
        "{object: {instructions: string, inputs: {object: {mail: string}}, "
        "memory: {object: {ticket: string or null}}, max_output_tokens: integer}}"
    )


def test_arguments_are_those_of_the_tools_that_are_meant(names: Callable[..., Any]) -> None:
    everything = (
        "{object: {name: string, arguments: {object: {amount: money or null, "
        "to: string or null, text: string or null}}}}"
    )
    assert names("tool")["tool"] == everything
    only = "{object: {name: string, arguments: {object: {amount: money}}}}"
    assert names("tool", tools=("pay",))["tool"] == only
    assert names("tool", agents=("clerk",))["tool"] == only


def test_a_write_has_the_type_of_its_fields(names: Callable[..., Any]) -> None:
    assert names("memory", fields=("total",))["write"] == (
        "{object: {field: {enum: [total]}, old: money or null, new: money}}"
    )
    assert names("memory", fields=("log",))["write"] == (
        "{object: {field: {enum: [log]}, old: {list: string} or null, new: string}}"
    )
    assert "field: {enum: [ticket, total, log]}" in names("memory")["write"]


def test_at_the_end_stands_a_workflow(names: Callable[..., Any]) -> None:
    found = names("end")
    assert found["output"] == "{object: {topic: string or null, amount: money or null}}"
    assert found["input"] == "{object: {mail: string or null, order: string or null}}"
    assert found["task"].endswith(" or null")
    assert found["agent"].endswith(" or null")


def test_a_step_narrows_what_there_is_to_see(names: Callable[..., Any]) -> None:
    found = names("output", steps=("read",))
    assert found["output"] == "{object: {topic: string}}"
    assert found["input"] == "{object: {mail: string}}"
    assert "input: {object: {mail: string}}" in found["task"]
    assert names("output", capabilities=("order.pay",))["output"] == "{object: {amount: money}}"


def test_an_agent_has_one_of_the_kinds(names: Callable[..., Any]) -> None:
    assert "kind: {enum: [llm, python, http, mcp, human]}" in names("tool")["agent"]


@pytest.mark.parametrize(
    ("at", "condition", "codes"),
    [
        ("route", "model.tier == 'small'", ["LM419"]),
        ("call", "request.max_output_tokens > 100 && model.region == 'eu'", []),
        ("call", "request.inputs.mial == ''", ["LM311"]),
        ("memory", "write.field == 'totl'", ["LM413"]),
        ("memory", "write.feld == 'total'", ["LM311"]),
        ("end", "default(output.amount, 0) > 100", []),
        ("end", "output.amount > 100", ["LM419"]),
        ("output", "model.tier == 'small'", ["LM310"]),
        ("tool", "steps.read.output.topic == ''", ["LM310"]),
    ],
)
def test_conditions_are_checked_against_them(at: str, condition: str, codes: list[str]) -> None:
    policy = f'policies: {{p: {{at: {at}, rules: [{{id: r, when: "{condition}", then: deny}}]}}}}'
    found = [d.code for d in parse(f"{MESH}{policy}\n").diagnostics]
    assert [code for code in found if code != "LM203"] == codes
    assert ("LM203" in found) == (at not in ("tool", "output"))


TWO_TYPES = """mesh: m
agents:
  s:
    role: R
    kind: python
    capabilities:
      a.a: {input: {q: string}, output: {risk: number, kind: {enum: [x, y]}}}
      b.b: {input: {q: string}, output: {risk: string, kind: {enum: [x, y]}}}
policies:
  p: {at: output, FOR rules: [{id: a, when: 'WHEN', then: deny}], default: approve}
workflows:
  w:
    input: {q: string}
    steps:
      a: {capability: a.a, with: {q: input.q}}
      b: {capability: b.b, with: {q: input.q}}
      c: {let: input.q}
"""


def test_a_rule_that_can_never_be_decided_for_one_of_the_capabilities(
    told: Callable[[str], Any],
) -> None:
    text = TWO_TYPES.replace("WHEN", "output.risk > 0.5")
    found = told(text.replace("FOR", ""))
    doubt = found.only("LM404")
    assert doubt.severity == "warning"
    assert "`b.b`" in doubt.message
    assert "for: {capabilities: [a.a]}" in doubt.hint
    assert told(text.replace("FOR", "for: {capabilities: [a.a]},")).codes == []


@pytest.mark.parametrize(
    "when",
    [
        'output.kind == "x"',
        'task.capability == "a.a" && output.risk > 0.5',
        'agent.id == "s" && output.risk > 0.5',
    ],
)
def test_a_rule_that_tells_them_apart_or_need_not(told: Callable[[str], Any], when: str) -> None:
    assert told(TWO_TYPES.replace("WHEN", when).replace("FOR", "")).codes == []


def test_a_policy_of_steps_that_no_agent_takes(told: Callable[[str], Any]) -> None:
    text = TWO_TYPES.replace("WHEN", 'output.kind == "x"')
    found = told(text.replace("FOR", "for: {steps: [a, c]},"))
    assert found.marked(found.only("LM504")) == "c"
    assert told(text.replace("FOR", "for: {steps: [a, b]},")).codes == []
