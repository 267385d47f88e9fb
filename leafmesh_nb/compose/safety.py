"""Layer 4, safety: what the text gives away, and what untrusted input can bring about.

The text is searched for credentials and personal data; what is found is masked wherever it is
quoted. Then every tool with a side effect is looked at with each agent that may call it in a step:

- No policy applies: the gate denies every call. That is no way through, so it is a fact here, and
  the policy layer says that the policy is missing.
- A policy that applies can ask or deny because of what the call says (``gates``): it is a gate.
- Policies apply, and all of them approve whatever the call says: if untrusted input reaches the
  call (``taint`` says what counts), that is an error, shown as the path; a warning where it only
  chooses among values that the mesh names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leafmesh_nb.compose.degrees import FREELY
from leafmesh_nb.compose.exposed import Exposed, exposed
from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.gates import Opening, looked_at, opening
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.compose.taint import Place, Sink, flows_of
from leafmesh_nb.language import Diagnostic, Related
from leafmesh_nb.language.secret_texts import mask
from leafmesh_nb.language.spec import AgentSpec, Policy, Spec, Step, ToolSpec
from leafmesh_nb.policy import rules

__all__ = ["check"]

MOST_PATHS = 3
"""Paths that a message shows; the facts hold all of them."""


def check(subject: Subject) -> LayerReport:
    """Look at a mesh that the language accepted."""
    spec = subject.spec
    assert spec is not None, "a mesh that the language accepted has a spec"
    findings = Findings(subject, "safety")
    found = exposed(subject)
    for item in found:
        add = findings.error if item.severity == "error" else findings.warning
        add(item.code, item.message, item.span, item.hint)
    _check_flows(subject, spec, findings)
    report = findings.report()
    return replace(report, diagnostics=_masked(report.diagnostics, subject, found))


# -- flows


@dataclass(frozen=True, slots=True)
class _Guard:
    """The policies at one sink: those that are gates, and why the others are none."""

    policies: tuple[Policy, ...]
    gates: tuple[Policy, ...]
    openings: tuple[Opening, ...]


def _check_flows(subject: Subject, spec: Spec, findings: Findings) -> None:
    def gated(step: Step, agent: AgentSpec) -> bool:
        return bool(_guard(subject, spec, "output", "output", step, agent).gates)

    open_sinks: dict[tuple[str, ...], list[Sink]] = {}
    facts: dict[str, Any] = {}
    for sink in flows_of(spec, gated):
        guard = _guard(subject, spec, "tool", sink.tool, sink.step, sink.agent)
        facts[f"{sink.workflow}: {sink.text}"] = _fact(spec, sink, guard)
        if guard.openings and not guard.gates and sink.degree:
            key = (sink.tool, *(policy.id for policy in guard.policies))
            open_sinks.setdefault(key, []).append(sink)
    for sinks in open_sinks.values():
        first = sinks[0]
        guard = _guard(subject, spec, "tool", first.tool, first.step, first.agent)
        _report(spec, findings, sinks, guard)
    if facts:
        findings.facts["side effects"] = facts


def _guard(
    subject: Subject, spec: Spec, point: str, name: str, step: Step, agent: AgentSpec
) -> _Guard:
    passing = rules.Subject(point, name, None, step.id, agent.id, step.capability or "")
    applying = tuple(p for p in spec.policies.values() if rules.applies(p, passing))
    openings = [(policy, opening(subject, policy)) for policy in applying]
    return _Guard(
        applying,
        tuple(policy for policy, found in openings if found is None),
        tuple(found for _, found in openings if found is not None),
    )


def _report(spec: Spec, findings: Findings, sinks: list[Sink], guard: _Guard) -> None:
    degree = max(sink.degree for sink in sinks)
    widest = [sink for sink in sinks if sink.degree == degree]
    paths = list(dict.fromkeys(_path(sink, path) for sink in widest for path in sink.paths))
    paths.sort(key=lambda path: -path.count("→"))  # the longest tell most of what happens
    shown = "; ".join(paths[:MOST_PATHS])
    if len(paths) > MOST_PATHS:
        shown += f"; and {len(paths) - MOST_PATHS} more"
    tool = spec.tools[sinks[0].tool]
    why = " and ".join(found.what for found in guard.openings)
    related = [Related("the tool with the side effect", tool.span)]
    related += [
        Related(f"`{step.id}` may call it", step.span)
        for step in {sink.step.span: sink.step for sink in widest[:MOST_PATHS]}.values()
    ]
    span = guard.openings[0].span
    hint = _remedy(tool)
    if any(place.kind == "output" for sink in widest for path in sink.paths for place in path):
        hint += " A policy `at: output` of a step on the way that can ask or deny is a gate too."
    if degree == FREELY:
        message = f"Untrusted input reaches `{tool.name}` with no gate between: {shown}; {why}."
        findings.error("LM620", message, span, hint, related)
    else:
        message = f"Untrusted input chooses what `{tool.name}` does, and {why}: {shown}."
        findings.warning("LM621", message, span, hint, related)


def _path(sink: Sink, path: Iterable[Place]) -> str:
    return " → ".join([*(place.text for place in path if place.text), sink.text])


def _remedy(tool: ToolSpec) -> str:
    fields = tool.input.fields
    numbers = [name for name, kind in fields if kind.kind in ("integer", "number", "money")]
    if numbers:
        condition = f"tool.arguments.{numbers[0]} <= 100"
    else:
        condition = f"tool.arguments.{fields[0][0]} in [...]"
    return (
        f"Approve only what a rule looks at, such as `when: {condition}`, with `default: deny`; or "
        "have a person asked: `then: ask` with `to:` and a name."
    )


def _fact(spec: Spec, sink: Sink, guard: _Guard) -> dict[str, Any]:
    """One sink for people and JSON."""
    paths = [_path(sink, path) for path in sink.paths]
    if not guard.policies:
        return {"gate": "none applies: every call is denied", "paths": paths}
    if not guard.gates:
        return {"gate": "none: no policy looks at what a call says", "paths": paths}
    unseen = _unseen(spec, sink.tool, guard.gates)
    fact: dict[str, Any] = {"gate": ", ".join(p.id for p in guard.gates), "paths": paths}
    return {**fact, "arguments that no rule reads": unseen} if unseen else fact


def _unseen(spec: Spec, tool: str, gates: Iterable[Policy]) -> list[str]:
    """The arguments of a tool that no condition of these policies reads."""
    read = {path[:3] for gate in gates for rule in gate.rules for path in looked_at(rule)}
    if ("tool",) in read or ("tool", "arguments") in read:
        return []
    names = spec.tools[tool].input.names()
    return [name for name in names if ("tool", "arguments", name) not in read]


# -- masks


def _masked(
    diagnostics: tuple[Diagnostic, ...], subject: Subject, found: Sequence[Exposed]
) -> tuple[Diagnostic, ...]:
    """The diagnostics with what was found masked in the lines they quote."""
    if not found:
        return diagnostics
    text = mask(subject.origin.text, [item.secret for item in found])
    lines = text.split("\n")
    return tuple(
        replace(
            d,
            lines=tuple(lines[d.span.line - 1 : d.span.line - 1 + len(d.lines)]),
            related=tuple(replace(r, line_text=lines[r.span.line - 1]) for r in d.related),
        )
        for d in diagnostics
    )
