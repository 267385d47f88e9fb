"""Small pages of the notebook: a mesh, what runs, open questions, a verification.

Inline styles only, every text escaped, legible on white and on dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from html import escape
from pathlib import Path

from leafmesh_nb.engine.ports import Verification
from leafmesh_nb.language.spec import AgentSpec, Policy, Spec
from leafmesh_nb.mesh.definition import Mesh
from leafmesh_nb.mesh.run import Run
from leafmesh_nb.mesh.signatures import signed_by

__all__ = [
    "mesh_html",
    "mesh_text",
    "questions_text",
    "status_html",
    "status_text",
    "verification_html",
    "verification_text",
]

_BOX = (
    "font:13px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;border:1px solid "
    "rgba(128,128,128,.3);border-radius:10px;padding:12px 16px;max-width:1040px;margin:4px 0"
)
_CELL = (
    "padding:4px 18px 4px 0;text-align:left;vertical-align:top;white-space:normal;"
    "border:0;background:none"
)
_MUTED = "color:#7a828c"


def mesh_html(spec: Spec, name: str) -> str:
    """What a mesh holds, as a card."""
    agents = [
        (agent.id, agent.role, ", ".join(agent.capabilities), _model(agent), _memory(agent))
        for agent in spec.agents.values()
    ]
    policies = [
        (policy.id, f"at {policy.at}", _target(policy), "; ".join(_rules(policy)))
        for policy in spec.policies.values()
    ]
    flows = [
        (flow.id, f"({', '.join(flow.input.names())})", " → ".join(flow.steps))
        for flow in spec.workflows.values()
    ]
    title = (
        f'<b style="font-size:15px">{_text(spec.mesh)}</b> '
        f'<span style="{_MUTED}">{_text(spec.description)}</span>'
    )
    parts = [
        _section("Agents", ("", "role", "can", "model", "memory"), agents),
        _section("Policies", ("", "", "for", "rules"), policies),
        _section("Workflows", ("", "input", "steps"), flows),
        f'<div style="{_MUTED};margin-top:8px">bound to <code>{_text(name)}</code> · '
        f"{spec.hash[:12]}{_start(spec)}</div>",
    ]
    return f'<div style="{_BOX}"><div>{title}</div>{"".join(parts)}</div>'


def mesh_text(spec: Spec, name: str) -> str:
    """The same in plain text."""
    return "\n".join(
        [
            f"mesh {spec.mesh}: {_count(spec.agents, 'agent', 'agents')}, "
            f"{_count(spec.policies, 'policy', 'policies')}, "
            f"workflows {', '.join(spec.workflows) or 'none yet'}; bound to {name}",
            *(f"start it with {example}" for example in _examples(spec)[:1]),
        ]
    )


def _count(things: Sized, one: str, many: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else many}"


def status_html(mesh: Mesh | None, runs: Sequence[Run], notes: Sequence[str] = ()) -> str:
    """What is defined, what is running, what waits for you; ``notes`` say what is left out."""
    rows = [(run.id, f"{run.spec.mesh}.{run.workflow}", _state(run), _waits(run)) for run in runs]
    defined = _text(repr(mesh)) if mesh else "no mesh is defined yet: write one in a %%mesh cell"
    running = _section("Runs", ("", "", "", "waits for"), rows) if rows else _muted("no open run")
    left_out = "".join(map(_muted, notes))
    return f'<div style="{_BOX}"><div>{defined}</div>{running}{left_out}</div>'


def status_text(mesh: Mesh | None, runs: Sequence[Run], notes: Sequence[str] = ()) -> str:
    """The same in plain text."""
    lines = [repr(mesh) if mesh else "no mesh is defined yet: write one in a %%mesh cell"]
    lines += [
        f"{r.id}  {r.spec.mesh}.{r.workflow}  {_state(r)}  {_waits(r)}".rstrip() for r in runs
    ]
    lines += [] if runs else ["no open run"]
    return "\n".join([*lines, *notes])


def questions_text(runs: Iterable[Run]) -> str:
    """Open questions by run, for a place without cards."""
    lines: list[str] = []
    for run in runs:
        lines.append(f"run {run.id}  {run.spec.mesh}.{run.workflow}, for {run.requester}")
        mask = run.masker.text
        lines += [
            mask(f"  {q.id}  {q.step}: {q.subject} → {', '.join(q.roster)}: {q.reason}")
            for q in run.approvals()
        ]
    lines.append("answer with run.approvals()[0].approve(by=…) or .reject(…)")
    return "\n".join(lines)


def verification_html(found: Verification) -> str:
    """What a check of the chains found, as a card."""
    tone, mark = ("#238a57", "✓ verified") if found.ok else ("#d9503d", "✕ broken")
    facts = f"{found.runs} runs, {found.events:,} events, head {found.head[:16]}"
    bad = (
        ""
        if found.ok
        else f'<div style="color:{tone}">{_text(f"{found.bad}: {found.reason}")}</div>'
    )
    return (
        f'<div style="{_BOX}"><b style="color:{tone}">{mark}</b> {_text(facts)}'
        f'{bad}<div style="{_MUTED}">{_text(signed_by(found))}</div>'
        f'<div style="{_MUTED}">{_text(_from_here(found.journal))}</div></div>'
    )


def _from_here(path: str) -> str:
    """A path as it reads from the working directory: a saved notebook tells nobody's folders."""
    place, here = Path(path), Path.cwd()
    return str(place.relative_to(here)) if place.is_relative_to(here) else place.name


def verification_text(found: Verification) -> str:
    """The same in plain text."""
    state = "verified" if found.ok else f"BROKEN at {found.bad}: {found.reason}"
    facts = f"{found.runs} runs, {found.events} events, head {found.head}"
    return f"{state}: {facts}\n{signed_by(found)}"


def _state(run: Run) -> str:
    return f"{run.status}, interrupted: %mesh resume {run.id}" if run.abandoned() else run.status


def _waits(run: Run) -> str:
    return "; ".join(run.masker.text(f"{q.to}: {q.reason}") for q in run.approvals())


def _model(agent: AgentSpec) -> str:
    if agent.kind == "python":
        return "python"
    choice = agent.model
    if choice is None:
        return "routed"
    return choice.name or (f"tier {choice.tier}" if choice.tier else f"domain {choice.domain}")


def _memory(agent: AgentSpec) -> str:
    read, write = ", ".join(agent.memory.read), ", ".join(agent.memory.write)
    return "; ".join(
        part
        for part in (f"reads {read}" if read else "", f"writes {write}" if write else "")
        if part
    )


def _target(policy: Policy) -> str:
    target = policy.target
    return ", ".join((*target.agents, *target.capabilities, *target.tools, *target.steps)) or "all"


def _rules(policy: Policy) -> list[str]:
    rules = [
        f"{rule.when.text if rule.when else 'always'} → {rule.then}"
        f"{' ' + rule.to if rule.to else ''}"
        for rule in policy.rules
    ]
    return [*rules, f"else {policy.default}"]


def _examples(spec: Spec) -> list[str]:
    """How to start each workflow."""
    return [
        f"%mesh run {flow.id} {' '.join(f'{name}=…' for name in flow.input.names())}".strip()
        for flow in spec.workflows.values()
    ]


def _start(spec: Spec) -> str:
    return "".join(
        f" · start it with <code>{_text(example)}</code>" for example in _examples(spec)[:1]
    )


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_CELL}">{"<b>" + _text(c) + "</b>" if i == 0 else _text(c)}</td>'
            for i, c in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    if not body:
        return ""
    head = "".join(f'<td style="{_CELL};{_MUTED};font-size:11px">{_text(h)}</td>' for h in heads)
    return (
        f'<div style="{_MUTED};font-size:11px;font-weight:600;margin-top:10px">{_text(title)}</div>'
        f'<table style="border-collapse:collapse;font-size:13px;margin:0"><tr>{head}</tr>{body}'
        "</table>"
    )


def _muted(text: str) -> str:
    return f'<div style="{_MUTED}">{_text(text)}</div>'


def _text(text: str) -> str:
    """Escaped; a dollar sign in a span of its own, so that JupyterLab typesets no formula."""
    return escape(text).replace("$", "<span>$</span>")
