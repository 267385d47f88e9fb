"""Layer 3, policy: do the rules decide as their authors expect, and can they be got round?

The policies' own ``tests:`` are run. Then every seat (a step with each agent that routing can
choose) is looked at: side effects that no policy covers there, policies that routing goes round by
choosing somebody else, policies that meet nothing, and ladders that end where they began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.seats import Seat, seats
from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.language import Related, Spec
from leafmesh_nb.language.spec import Policy, Rule
from leafmesh_nb.policy.trial import try_policies

__all__ = ["check"]

OUTPUT = ""
"""What passes the gate beside the calls of tools: the output."""


def check(subject: Subject) -> LayerReport:
    """Try the rules, and look for ways round them."""
    findings = Findings(subject, "policy")
    spec = subject.spec
    assert spec is not None, "the pipeline checks what the language accepted"
    taken = tuple(seats(spec))
    tried = _tests(subject, findings, spec)
    explained = _detours(subject, findings, spec, taken)
    missed = _gaps(subject, findings, spec, taken, explained)
    _idle(findings, spec, taken, missed)
    for policy in spec.policies.values():
        for number, rule in enumerate(policy.rules):
            _ladder(subject, findings, spec, policy, number, rule)
    count = len(spec.policies)
    policies = f"{count} {'policy' if count == 1 else 'policies'}"
    findings.facts["summary"] = f"{policies}, {tried}" if count else "no policy"
    return findings.report()


def _tests(subject: Subject, findings: Findings, spec: Spec) -> str:
    """Run every test of every policy; says how many of them passed."""
    trials = try_policies(spec)
    for trial in trials:
        if not trial.passed:
            findings.error(
                "LM550",
                f"This test of `{trial.policy}` expects {trial.expect}, and the rules decide "
                f"{trial.outcome}.",
                subject.at_value("policies", trial.policy, "tests", trial.number - 1),
                f"Why: {trial.reason}. Change the rule, or what the test expects.",
            )
    passed = sum(trial.passed for trial in trials)
    return f"{passed} of {len(trials)} tests passed" if trials else "no tests written"


# -- side effects, and ways round


def _detours(
    subject: Subject, findings: Findings, spec: Spec, taken: Sequence[Seat]
) -> set[tuple[str, str]]:
    """Policies for some agents where routing can choose another, whom no policy meets.

    Gives the (agent, tool) that this explains.
    """
    explained: set[tuple[str, str]] = set()
    rivals: dict[tuple[str, str, str], list[Seat]] = {}
    for seat in taken:
        rivals.setdefault(seat.post, []).append(seat)
    for policy in spec.policies.values():
        if not policy.target.agents:
            continue
        passes: dict[str, tuple[Seat, str]] = {}
        for seat in taken:
            for tool in _effects(policy, seat):
                if not seat.governed(policy, tool):
                    continue
                for other in rivals[seat.post]:
                    if other.agent.id in policy.target.agents:
                        continue
                    if _reaches(other, tool) and not _governed(spec, other, tool):
                        passes.setdefault(other.agent.id, (other, tool))
                        explained.add((other.agent.id, tool))
        if passes:
            _detour(subject, findings, policy, passes)
    return explained


def _detour(
    subject: Subject, findings: Findings, policy: Policy, passes: dict[str, tuple[Seat, str]]
) -> None:
    (seat, tool), *_ = passes.values()
    what = f"calls of `{tool}`" if tool else "output"
    others = _listed(f"`{name}`" for name in passes)
    named = _listed(f"`{name}`" for name in policy.target.agents)
    findings.warning(
        "LM552",
        f"`{policy.id}` is only for {named}, and routing can give `{seat.capability}` to {others}, "
        f"whose {what} no policy looks at.",
        subject.at_value("policies", policy.id, "for", "agents"),
        f"Narrow it by what is done instead of who does it, `capabilities: [{seat.capability}]`, "
        f"or name {others} too.",
        [
            Related(f"`{name}` can do it too", other.agent.capabilities[other.capability].span)
            for name, (other, _) in passes.items()
        ],
    )


def _gaps(
    subject: Subject,
    findings: Findings,
    spec: Spec,
    taken: Sequence[Seat],
    explained: set[tuple[str, str]],
) -> set[str]:
    """Side effects that an agent may want at its step, where no policy covers it there.

    A tool that no policy covers at all was reported by the language (LM603). Gives the policies
    that are named here as too narrow.
    """
    missed: set[str] = set()
    found: dict[tuple[str, str], list[Seat]] = {}
    for seat in taken:
        for tool in seat.agent.tools:
            if not spec.tools[tool].side_effect or not seat.step:
                continue
            known = any(_covers(policy, tool) for policy in spec.policies.values())
            if known and not _governed(spec, seat, tool):
                found.setdefault((seat.agent.id, tool), []).append(seat)
    for (agent, tool), at in found.items():
        if (agent, tool) in explained:
            continue
        near = [p.id for p in spec.policies.values() if _covers(p, tool)]
        missed.update(near)
        person = next(iter(spec.people), "PERSON")
        places = _listed(dict.fromkeys(f"`{seat.step}`" for seat in at))
        narrow = _listed(f"`{id}`" for id in near)
        findings.warning(
            "LM551",
            f"At {places}, `{agent}` may call `{tool}`, which has side effects, and no policy "
            "covers it there: every call is denied.",
            subject.at_value("agents", agent, "tools", _index(spec, agent, tool)),
            f"Widen the `for` of {narrow}, or add a policy, here one that asks a person every "
            f"time:\n    {agent}_{tool}_gate: {{at: tool, for: {{agents: [{agent}], tools: "
            f"[{tool}]}}, rules: [{{id: always, then: ask, to: {person}}}], default: deny}}",
            [Related(f"`{id}` does not meet it", spec.policies[id].span) for id in near],
        )
    return missed


def _effects(policy: Policy, seat: Seat) -> tuple[str, ...]:
    """What of a seat passes the gate at a policy's point."""
    return tuple(seat.agent.tools) if policy.at == "tool" else (OUTPUT,)


def _reaches(seat: Seat, tool: str) -> bool:
    return tool == OUTPUT or tool in seat.agent.tools


def _governed(spec: Spec, seat: Seat, tool: str) -> bool:
    return any(seat.governed(policy, tool) for policy in spec.policies.values())


def _covers(policy: Policy, tool: str) -> bool:
    return policy.at == "tool" and (not policy.target.tools or tool in policy.target.tools)


def _index(spec: Spec, agent: str, tool: str) -> int:
    return spec.agents[agent].tools.index(tool)


def _idle(findings: Findings, spec: Spec, taken: Sequence[Seat], missed: set[str]) -> None:
    """Policies whose ``for`` never comes together: they look like a rule, and are none."""
    for policy in spec.policies.values():
        if policy.id in missed:
            continue
        if any(seat.governed(policy, tool) for seat in taken for tool in _effects(policy, seat)):
            continue
        findings.warning(
            "LM553",
            f"`{policy.id}` never applies: there is no {_narrowed(policy)}.",
            policy.span,
            "Nothing is approved, asked or denied here. Widen `for`, grant the tool to the agent, "
            "or remove the policy.",
        )


def _narrowed(policy: Policy) -> str:
    """What a policy looks at, in words: output of X for Y at step Z."""
    target = policy.target
    what = "output"
    if policy.at == "tool":
        what = f"call of {_either(target.tools) or 'a tool'}"
    parts = (
        (" by " if policy.at == "tool" else " of ", target.agents),
        (" for ", target.capabilities),
        (" at step ", target.steps),
    )
    return what + "".join(f"{word}{_either(names)}" for word, names in parts if names)


def _either(names: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


# -- ladders


def _ladder(
    subject: Subject, findings: Findings, spec: Spec, policy: Policy, number: int, rule: Rule
) -> None:
    """A rung must bring in somebody who was not asked before it."""
    asked = set(spec.roster(rule.to)) if rule.to else set()
    for rung, who in enumerate(rule.escalate):
        roster = set(spec.roster(who))
        if roster <= asked:
            last = rung == len(rule.escalate) - 1
            end = "the ladder ends there, and silence denies" if last else "this rung adds nobody"
            findings.warning(
                "LM554",
                f"`{who}` has been asked already when rule `{rule.id}` escalates: {end}.",
                subject.at_value("policies", policy.id, "rules", number, "escalate", rung),
                _others(spec, asked),
            )
        asked |= roster


def _others(spec: Spec, asked: set[str]) -> str:
    free = [name for name in spec.people if name not in asked]
    if free:
        return f"Escalate to somebody else: {', '.join(free[:8])}."
    return "Remove the rung, or add somebody else under `people:`."


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
