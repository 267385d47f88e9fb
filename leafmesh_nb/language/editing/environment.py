"""The names of an expression's place with their types, in a mesh that is being written.

They come from the functions that the compiler takes them from, over what is known so far.
"""

from __future__ import annotations

from collections.abc import Mapping

from leafmesh_nb.language.editing.known import Known
from leafmesh_nb.language.editing.members import resolve_type
from leafmesh_nb.language.editing.outline import Branch
from leafmesh_nb.language.editing.reference import Place
from leafmesh_nb.language.policy_scope import policy_scope
from leafmesh_nb.language.scope import instruction_names, step_type, workflow_names
from leafmesh_nb.language.spec import Target
from leafmesh_nb.language.types import ANY, INTEGER, Type

__all__ = ["names_at"]


_OF_AGENTS = ("task", "output", "request")
"""Names of a policy whose types are made of those of all the agents it covers."""


def names_at(
    place: Place, holder: Branch, known: Known, wanted: str | None = None
) -> Mapping[str, Type]:
    """The names of an expression in the value of ``holder``.

    Where only the type of one of them is ``wanted``, those of others may be ``any``.
    """
    path = holder.path
    if place == "instructions":
        return _of_instructions(path, known)
    if place == "policy":
        return _of_policy(path, known, wanted)
    if len(path) < 2:
        return {}
    workflow = path[1].name
    input = known.input_type(workflow)
    if place == "workflow save":
        return workflow_names(known.context(), input)
    outputs = {name: known.step_output(workflow, name) for name in known.steps(workflow)}
    steps = {name: step_type(_listed(name, type, path), True) for name, type in outputs.items()}
    if place == "output" or len(path) < 4:
        return workflow_names(known.context(), input, steps)
    own, step = path[3].name, path[3]
    steps.pop(own, None)
    names = dict(workflow_names(known.context(), input, steps))
    each = step.at("for_each", "in")
    if each is not None and holder.name != "in":
        listed = resolve_type(each.scalar, names)
        names |= {"item": listed.items or ANY if listed else ANY, "index": INTEGER}
    if step.get("repeat") is not None:
        names["previous"] = outputs.get(own, ANY).or_null()
    if place in ("save", "until"):
        names["output"] = outputs.get(own, ANY)
    return names


def _listed(name: str, type: Type, path: tuple[Branch, ...]) -> Type:
    """What a step gives: a list, where it is done for each item of one."""
    steps = path[1].get("steps")
    each = steps.at(name, "for_each") if steps is not None else None
    return Type("list", items=type) if each is not None else type


def _of_instructions(path: tuple[Branch, ...], known: Known) -> Mapping[str, Type]:
    if len(path) < 2 or path[1].name not in known.agents:
        return {}
    return instruction_names(known.context(), known.agent(path[1].name))


def _of_policy(path: tuple[Branch, ...], known: Known, wanted: str | None) -> Mapping[str, Type]:
    if len(path) < 2:
        return {}
    policy = path[1]
    at = policy.get("at")
    target = Target(**{
        name: tuple(branch.texts) if (branch := policy.at("for", name)) else ()
        for name in ("agents", "capabilities", "tools", "steps", "fields")
    })  # fmt: skip
    point = at.scalar if at is not None else ""
    agents = wanted in _OF_AGENTS or (wanted == "tool" and not target.tools)
    ctx = known.context(agents=agents, tools=True)
    # What is half written may be no point yet; then there is nothing to name.
    return policy_scope(ctx, point, target, known.flows()).names  # type: ignore[arg-type]
