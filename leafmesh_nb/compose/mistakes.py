"""The four classic mistakes: none of them is an error, and each of them is regretted later.

Agents that share nothing; limits written into prompts; one vendor and no fallback; and, of what is
about to be deployed, nowhere for telemetry to go. Each is a warning in the layer it belongs to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from decimal import Decimal

from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.limits import Limit, Operator, find_limits
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.seats import seats
from leafmesh_nb.compose.subject import Subject, entries
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode
from leafmesh_nb.language.spec import AgentSpec, Spec, Step, Workflow
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import Type

__all__ = ["find"]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Where OpenTelemetry's exporters send, by their specification."""

_NO_VENDORS = ("offline", "python")
_OPPOSITE: dict[Operator, Operator] = {">": "<=", "<=": ">", ">=": "<", "<": ">="}
_NUMERIC = ("money", "number", "integer")


def find(subject: Subject) -> dict[str, LayerReport]:
    """The mistakes of a mesh by layer; of a text that is no mesh, what its words already show."""
    types, policy, safety = (Findings(subject, name) for name in ("types", "policy", "safety"))
    if subject.spec is not None:
        _isolated(subject, types, subject.spec)
        for agent in subject.spec.agents.values():
            if agent.kind == "llm":
                _limits(subject, policy, subject.spec, agent)
        if subject.release:
            _unobserved(subject, safety)
    _one_vendor(subject, safety)
    return {"types": types.report(), "policy": policy.report(), "safety": safety.report()}


# -- agents that share nothing


def _isolated(subject: Subject, findings: Findings, spec: Spec) -> None:
    kinds = {frozenset(agent.capabilities) for agent in spec.agents.values()}
    if len(kinds) < 2 or not spec.workflows or _shares_memory(spec) or _hands_over(spec):
        return
    findings.warning(
        "LM490",
        "The agents share nothing: no field of memory is granted to two of them, and no step reads "
        "what another agent's step gave.",
        subject.at_key("agents"),
        "Let a later step read an earlier one, as in with: {x: steps.FIRST.output.x}, or grant "
        "both a field, as in memory: {read: [ticket]}. Agents that work apart are two meshes.",
    )


def _shares_memory(spec: Spec) -> bool:
    for name in spec.memory:
        holders = [a for a in spec.agents.values() if name in (*a.memory.read, *a.memory.write)]
        if len(holders) > 1:
            return True
    return False


def _hands_over(spec: Spec) -> bool:
    """Whether a step reads the output of a step that another agent may have taken."""
    takers: dict[tuple[str, str], set[str]] = {}
    for seat in seats(spec):
        takers.setdefault((seat.workflow, seat.step), set()).add(seat.agent.id)

    def givers(flow: Workflow, step: Step) -> set[str]:
        """The agents whose outputs a step reads, also by way of steps that nobody performs."""
        found: set[str] = set()
        seen, waiting = {step.id}, [step]
        while waiting:
            for source in _read(waiting.pop()):
                if source in seen or source not in flow.steps:
                    continue
                seen.add(source)
                found |= takers.get((flow.id, source), set())
                if (flow.id, source) not in takers:
                    waiting.append(flow.steps[source])
        return found

    for flow in spec.workflows.values():
        for step in flow.steps.values():
            if step.workflow is not None:
                return True  # what is run within another workflow is handed its input
            given = givers(flow, step)
            if given and len(takers.get((flow.id, step.id), set()) | given) > 1:
                return True
    return False


def _read(step: Step) -> Iterator[str]:
    for expression in step.expressions():
        for path in expression.reads:
            if path[0] == "steps" and len(path) > 1:
                yield path[1]


# -- limits in prompts


def _limits(subject: Subject, findings: Findings, spec: Spec, agent: AgentSpec) -> None:
    """Each limit of an agent's role, instructions and capabilities, with the rule to paste.

    A number that a policy compares with is enforced: to tell the model of it as well is no mistake.
    """
    places: list[tuple[str, ...]] = [("role",), ("instructions",)]
    places += [("capabilities", name, "description") for name in agent.capabilities]
    enforced = _enforced(spec)
    for place in places:
        node = subject.node("agents", agent.id, *place)
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
            continue
        for limit in find_limits(node.text):
            if limit.number in enforced:
                continue
            enforced.add(limit.number)
            words = node.text[limit.start : limit.end].strip()
            findings.warning(
                "LM590",
                f"A prompt is no gate: `{agent.id}` is asked to keep to a limit (`{words}`), and "
                "whoever writes its input may talk it out of that.",
                node.locate(limit.start, limit.end),
                "Say it as a policy too, which nobody talks to:\n    "
                + _rule_to_paste(spec, agent, limit),
            )


def _enforced(spec: Spec) -> set[Decimal]:
    """Every number that stands in a policy's condition."""
    texts = [r.when.text for p in spec.policies.values() for r in p.rules if r.when is not None]
    return {Decimal(n) for text in texts for n in re.findall(r"\d+(?:\.\d+)?", text)}


def _rule_to_paste(spec: Spec, agent: AgentSpec, limit: Limit) -> str:
    """The policy that keeps to a limit, on one line, for the agent's most fitting field."""
    at, target, field, type = _field(spec, agent, limit)
    number = limit.number
    if limit.unit == "%" and type.maximum is not None and type.maximum <= 1:
        number /= 100
    if type.nullable:
        field = f"default({field}, 0)"
    person = next(iter(spec.people), "PERSON")
    named = limit.operator, limit.then
    others = _OPPOSITE[limit.operator], limit.otherwise
    within, beyond = (named, others) if limit.then == "approve" else (others, named)
    rules = ", ".join(
        f'{{id: {id}, when: "{field} {operator} {number.normalize():f}", then: {then}'
        f"{f', to: {person}' if then == 'ask' else ''}}}"
        for id, (operator, then) in (("within", within), ("beyond", beyond))
    )
    name, number_of = f"{agent.id}_limit", 2
    while name in spec.policies:
        name, number_of = f"{agent.id}_limit_{number_of}", number_of + 1
    return f"{name}: {{at: {at}, for: {target}, rules: [{rules}], default: deny}}"


def _field(spec: Spec, agent: AgentSpec, limit: Limit) -> tuple[str, str, str, Type]:
    """The point, the target, the field and its type that a sentence is most likely about.

    A side effect comes before an output, and that before an input; a field that the sentence names
    before all others. A mesh without any number gets the place where one would stand.
    """
    found: list[tuple[int, str, str, str, Type]] = []
    sentence = limit.sentence.lower()

    def add(rank: int, at: str, target: str, before: str, fields: Type) -> None:
        for name, type in fields.fields:
            if type.kind in _NUMERIC:
                named = any(word in sentence for word in name.split("_") if len(word) > 2)
                money = limit.unit == "money" and type.kind == "money"
                found.append((8 * named + 4 * money + rank, at, target, f"{before}.{name}", type))

    for tool in agent.tools:
        add(3, "tool", f"{{tools: [{tool}]}}", "tool.arguments", spec.tools[tool].input)
    for capability in agent.capabilities.values():
        target = f"{{capabilities: [{capability.name}]}}"
        add(2, "output", target, "output", capability.output)
        add(1, "output", target, "task.input", capability.input)
    if found:
        _, at, target, field, type = max(found, key=lambda entry: entry[0])
        return at, target, field, type
    first = next(iter(agent.capabilities))
    return "output", f"{{capabilities: [{first}]}}", "output.amount", Type("money")


# -- one vendor


def _one_vendor(subject: Subject, findings: Findings) -> None:
    """Read from the tree, since this version takes no mesh that names a vendor."""
    vendors: dict[str, ScalarNode] = {}
    for model in _maps(subject.node("models")):
        provider = model.get("provider")
        if model.get("fallback") is not None:
            return
        if isinstance(provider, ScalarNode) and _is_vendor(provider.text):
            vendors.setdefault(provider.text.lower(), provider)
    for agent in _maps(subject.node("agents")):
        model_name = agent.get("model")
        if isinstance(model_name, ScalarNode) and ":" in model_name.text:
            vendor = model_name.text.partition(":")[0]
            if _is_vendor(vendor):
                vendors.setdefault(vendor.lower(), model_name)
    if len(vendors) != 1:
        return
    ((vendor, place),) = vendors.items()
    findings.warning(
        "LM690",
        f"Every model is {vendor}'s, and none has a fallback: when {vendor} is down, slow or "
        "changes its terms, every step stops.",
        place.span,
        "Declare a model of another vendor too, and name it as fallback:.",
    )


def _maps(node: Node | None) -> Iterator[MappingNode]:
    for entry in entries(node):
        if isinstance(entry.value, MappingNode):
            yield entry.value


def _is_vendor(provider: str) -> bool:
    name = provider.strip().lower()
    return bool(name) and name not in _NO_VENDORS and not suggest(name, _NO_VENDORS)


# -- nowhere for telemetry to go


def _unobserved(subject: Subject, findings: Findings) -> None:
    if any(os.environ.get(name, "").strip() for name in ENDPOINTS):
        return
    findings.warning(
        "LM691",
        "Nobody will see this mesh at work but its own pages: there is nowhere for its telemetry "
        "to go.",
        subject.at_key("mesh"),
        f"Set {ENDPOINTS[0]} to your collector, such as http://localhost:4318.",
    )
