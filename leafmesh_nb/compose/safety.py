"""Layer 4, safety: what the text gives away, and what untrusted input can bring about.

The text is searched for credentials and personal data; what is found is masked wherever it is
quoted. Then every tool with a side effect is looked at with each agent that may call it in a step:

- No policy applies: the gate denies every call. That is no way through, so it is no finding here
  (the policy layer says that the policy is missing), but it is not proven what a policy will let
  through once there is one.
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
from leafmesh_nb.compose.seats import Seat
from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.compose.taint import Sink, flows_of
from leafmesh_nb.language import Diagnostic, Related
from leafmesh_nb.language.secret_texts import mask
from leafmesh_nb.language.spec import Policy, Spec, ToolSpec

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
    """The policies at one seat: those that are gates, and why the others are none."""

    policies: tuple[Policy, ...]
    gates: tuple[Policy, ...]
    openings: tuple[Opening, ...]

    @classmethod
    def at(cls, subject: Subject, spec: Spec, seat: Seat, tool: str = "") -> _Guard:
        """Of the calls of a tool, or without one of the output."""
        applying = tuple(p for p in spec.policies.values() if seat.governed(p, tool))
        openings = [(policy, opening(subject, policy)) for policy in applying]
        return cls(
            applying,
            tuple(policy for policy, found in openings if found is None),
            tuple(found for _, found in openings if found is not None),
        )


def _check_flows(subject: Subject, spec: Spec, findings: Findings) -> None:
    def gated(seat: Seat) -> bool:
        return bool(_Guard.at(subject, spec, seat).gates)

    unguarded: dict[tuple[Opening, ...], list[Sink]] = {}
    denied: dict[str, list[Sink]] = {}
    facts: dict[str, Any] = {}
    for sink in flows_of(spec, gated):
        guard = _Guard.at(subject, spec, sink.seat, sink.tool)
        facts[f"{sink.seat.workflow}: {sink.text}"] = _fact(spec, sink, guard)
        if guard.policies and not guard.gates and sink.degree:
            unguarded.setdefault(guard.openings, []).append(sink)
        elif not guard.policies and sink.degree:
            denied.setdefault(sink.tool, []).append(sink)
    for openings, sinks in unguarded.items():
        _report(spec, findings, sinks, openings)
    for sinks in denied.values():
        findings.unproven(
            f"No policy says what becomes of {_some(_paths(sinks), 1)}: every such call is denied. "
            "What may be let through shows once a policy covers it."
        )
    if facts:
        findings.facts["side effects"] = facts
    wide_open = sum(map(len, unguarded.values()))
    findings.facts["summary"] = (
        f"{len(facts)} {'way' if len(facts) == 1 else 'ways'} to a side effect, "
        f"{wide_open or 'none'} open to untrusted input"
        if facts
        else "no side effect"
    )


def _report(
    spec: Spec, findings: Findings, sinks: list[Sink], openings: tuple[Opening, ...]
) -> None:
    degree = max(sink.degree for sink in sinks)
    widest = [sink for sink in sinks if sink.degree == degree]
    shown = _some(_paths(widest), MOST_PATHS)
    tools = [spec.tools[name] for name in dict.fromkeys(sink.tool for sink in widest)]
    related = [Related("the tool with the side effect", tool.span) for tool in tools[:MOST_PATHS]]
    for seat in [sink.seat for sink in widest][:MOST_PATHS]:
        step = spec.workflows[seat.workflow].steps[seat.step]
        place = Related(f"`{step.id}` may call it", step.span)
        related += [] if place in related else [place]
    hint = _remedy(tools[0])
    if any(place.kind == "output" for sink in widest for path in sink.paths for place in path):
        hint += " A policy `at: output` of a step on the way that can ask or deny is a gate too."
    names = " and ".join(f"`{tool.name}`" for tool in tools)
    why = " and ".join(found.what for found in openings)
    if degree == FREELY:
        message = f"Untrusted input reaches {names} with no gate between: {shown}; {why}."
        findings.error("LM620", message, openings[0].span, hint, related)
    else:
        message = f"Untrusted input chooses what is done by {names}, and {why}: {shown}."
        findings.warning("LM621", message, openings[0].span, hint, related)


def _paths(sinks: Iterable[Sink]) -> list[str]:
    """The ways to sinks, the longest first: they tell most of what happens."""
    ways = {
        " → ".join([*(place.text for place in path if place.text), sink.text]): len(path)
        for sink in sinks
        for path in sink.paths
    }
    return sorted(ways, key=lambda way: -ways[way])


def _some(paths: Sequence[str], most: int) -> str:
    more = f"; and {len(paths) - most} more" if len(paths) > most else ""
    return "; ".join(paths[:most]) + more


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
    paths = _paths([sink])
    if not guard.policies:
        return {"gate": "none applies: every call is denied", "paths": paths}
    if not guard.gates:
        return {"gate": "none: no policy looks at what a call says", "paths": paths}
    unseen = _unseen(spec, sink.tool, guard.gates)
    fact: dict[str, Any] = {"gate": ", ".join(p.id for p in guard.gates), "paths": paths}
    return {**fact, "arguments that no rule reads": unseen} if unseen else fact


def _unseen(spec: Spec, tool: str, gates: Sequence[Policy]) -> list[str]:
    """The arguments of a tool that no condition of these policies reads."""
    rules = [rule for gate in gates for rule in gate.rules]
    read = {path[:3] for rule in rules for path in looked_at(rule)}
    whole = ("tool",) in read or ("tool", "arguments") in read
    if whole or any(rule.when is None and rule.then != "approve" for rule in rules):
        return []  # or a person looks at all of them
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
