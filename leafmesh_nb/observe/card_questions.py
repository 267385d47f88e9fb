"""An open question as a card shows it: who is asked, what for, why, and what the agent saw."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.gate import OUTPUT, PERFORMANCE
from leafmesh_nb.engine.plan import step_at
from leafmesh_nb.observe.card_values import as_text, edit_fields, rows, shorten, shown, visible
from leafmesh_nb.observe.wording import milliseconds, step_name

if TYPE_CHECKING:
    from leafmesh_nb.engine.state import ApprovalState, RunState
    from leafmesh_nb.language.spec import Rule, Spec, Workflow
    from leafmesh_nb.language.types import Type
    from leafmesh_nb.memory.masking import Masker

__all__ = ["answer_type", "behind_mask", "question_view", "to_edit"]

Json = Any
View = dict[str, Any]

_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\Z")


def question_view(
    spec: Spec,
    workflow: Workflow,
    state: RunState,
    asked: ApprovalState,
    masker: Masker,
    label: str,
) -> View:
    """All of one question, masked. Times are milliseconds since 1970.

    ``label`` says where the step's output comes from.
    """
    body = asked.asked
    parts = _parts(spec, state, asked)
    kind = answer_type(spec, workflow, asked)
    return {
        "id": body.id,
        "step": asked.path,
        "point": body.point,
        "subject": body.subject,
        "title": shown(_title(asked), masker),
        "reason": shown(body.reason, masker),
        "asked_by": body.asked_by,
        "asked_at": milliseconds(asked.asked_at),
        "to": asked.to,
        "roster": list(asked.roster),
        "due": None if asked.due is None else milliseconds(asked.due),
        "ladder": [str(rung[0]) for rung in asked.ladder],
        "options": [o for o in body.options if o != "escalate" or asked.ladder],
        "value": rows(parts["value"], masker, f"{body.id}/value"),
        "label": label if body.point == OUTPUT else "",
        "inputs": rows(parts["inputs"], masker, f"{body.id}/inputs"),
        "memory": rows(parts["memory"], masker, f"{body.id}/memory"),
        "fields": edit_fields(kind, to_edit(asked), masker) if kind else [],
        "policy": body.policy,
        "rule": body.rule,
        "condition": _condition_text(_rule(spec, asked), masker),
        "conditions": _conditions(asked, masker),
        "requester": shown(state.started.requester, masker),
    }


def answer_type(spec: Spec, workflow: Workflow, asked: ApprovalState) -> Type | None:
    """The type of a value that an edit gives: a tool's arguments or result, or a step's output."""
    body = asked.asked
    if body.action in (OUTPUT, PERFORMANCE):
        step = step_at(spec, workflow.id, asked.path)
        agent = spec.agents.get(body.asked_by)
        if step is None or agent is None:
            return None
        capability = agent.capabilities.get(step.capability or "")
        return capability.output if capability else None
    tool = spec.tools.get(body.subject)
    if tool is None:
        return None
    return tool.output if body.point == "in_doubt" else tool.input


def to_edit(asked: ApprovalState) -> Mapping[str, Json]:
    """What an edit starts from: what was proposed, or nothing where a result is missing."""
    value = asked.asked.value
    return value if asked.asked.point != "in_doubt" and isinstance(value, Mapping) else {}


def behind_mask(spec: Spec, state: RunState, source: str) -> str:
    """The text behind a masked row of an open question. Raises KeyError for an unknown source.

    ``source`` is a row's own: ``QUESTION/value/0``, ``QUESTION/inputs/1``, ``QUESTION/memory/0``.
    """
    id, _, place = source.partition("/")
    part, _, number = place.partition("/")
    value = _parts(spec, state, state.approvals[id])[part]
    if not isinstance(value, Mapping):
        return as_text(value)
    fields = list(value.values())
    if not number.isdecimal() or int(number) >= len(fields):
        raise KeyError(source)
    return as_text(fields[int(number)])


def _parts(spec: Spec, state: RunState, asked: ApprovalState) -> dict[str, Json]:
    step = state.steps[asked.path]
    return {
        "value": asked.asked.value,
        "inputs": step.inputs,
        "memory": _memory(spec, state, asked),
    }


def _memory(spec: Spec, state: RunState, asked: ApprovalState) -> dict[str, Json]:
    """The fields that the asking agent may read, as they were when its step began."""
    agent = spec.agents.get(asked.asked.asked_by)
    versions = state.steps[asked.path].versions
    seen: dict[str, Json] = {}
    for name in agent.memory.read if agent else ():
        version = versions.get(name, 0)
        if version and name in state.memory:
            seen[name] = state.memory[name].at(version)
        elif version:
            # The values of shared memory stand in the stream of the mesh, not in the run's.
            seen[name] = f"version {version} of the mesh's shared memory"
    return seen


def _title(asked: ApprovalState) -> str:
    body = asked.asked
    if body.point == "in_doubt":
        return f"Did {body.subject} happen?"
    if body.point == OUTPUT:
        return f"Accept what {body.asked_by} gave for {step_name(asked.path)}?"
    return f"Let {body.asked_by} call {body.subject}?"


def _rule(spec: Spec, asked: ApprovalState) -> Rule | None:
    policy = spec.policies.get(asked.asked.policy)
    if policy is None:
        return None
    return next((rule for rule in policy.rules if rule.id == asked.asked.rule), None)


def _condition_text(rule: Rule | None, masker: Masker) -> str:
    return "" if rule is None or rule.when is None else shown(rule.when.text, masker)


def _conditions(asked: ApprovalState, masker: Masker) -> list[View]:
    """Each comparison of the rule with the values it read: ``tool.arguments.amount 620.00 > 100``.

    ``holds`` is whether it was true, or None for a value that stands alone.
    """
    pairs = [(str(text), value) for text, value in asked.asked.values]
    masked = masker.fields((text.rpartition(".")[2], value) for text, value in pairs)
    operands = {
        text: _operand(text, value, hidden)
        for (text, value), hidden in zip(pairs, masked, strict=True)
        if _PATH.match(text)
    }
    found: list[View] = []
    for (text, value), hidden in zip(pairs, masked, strict=True):
        if text in operands:
            continue
        inside = [name for name in operands if _mentions(text, name)]
        holds = value if isinstance(value, bool) else None
        line = shown(text, masker)
        for name in sorted(inside, key=len, reverse=True):
            line = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", _beside(operands[name]), line)
        if holds is None:
            line = f"{line} = {shorten(visible(as_text(hidden)), 200)}"
        found.append({"text": line, "holds": holds})
    told = " ".join(text for text, _ in pairs if text not in operands)
    alone = [name for name in operands if not _mentions(told, name)]
    return [{"text": operands[name], "holds": None} for name in alone] + found


def _operand(name: str, value: Json, masked: Json) -> str:
    text = shorten(visible(as_text(masked)), 200)
    # Money is decimal text in JSON, and reads better bare.
    quoted = isinstance(masked, str) and masked == value and not _NUMBER.match(text)
    return f"{name} {json.dumps(text, ensure_ascii=False) if quoted else text}"


def _beside(text: str) -> Any:
    # A function, so that a backslash in a value is no group reference.
    return lambda _: text


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text) is not None
