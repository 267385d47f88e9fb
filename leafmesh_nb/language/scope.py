"""The names that an expression may use, with their types, for each place in a mesh.

| place | names |
|---|---|
| a step's ``with when let wait``, ``in`` of ``for_each``, a workflow's ``output`` | ``input memory
  steps run now`` |
| a step's ``save`` and ``until`` | the same and ``output``, that step's own |
| these of a step with ``for_each``, its ``in`` aside | ``item index``, too |
| these of a step with ``repeat`` | ``previous``, too |
| a workflow's ``save`` | ``input memory run now``: it is done before any step |
| ``instructions`` | ``input memory run now``: the capability's inputs, the granted fields |

A field of ``memory`` is null until it is written: it is ``T or null`` where that is not sure to
have happened (``written``). ``run`` is ``{id, workflow, requester, started}``. The names of
policies are ``policy_scope``'s.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from leafmesh_nb.language.spec import AgentSpec
from leafmesh_nb.language.types import (
    ANY,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    STRING,
    Type,
    object_of,
)

if TYPE_CHECKING:
    from leafmesh_nb.language.context import Context

__all__ = ["RUN", "STATUS", "instruction_names", "memory_names", "union", "workflow_names"]

Names = dict[str, Type]

STATUS = Type("enum", values=("done", "skipped", "failed"))
RUN = object_of(
    {"id": STRING, "workflow": STRING, "requester": STRING.or_null(), "started": DATETIME}
)
COMPLEXITY = Type("enum", values=("routine", "standard", "complex"), nullable=True)


def memory_names(
    ctx: Context, only: Iterable[str] | None = None, written: Container[str] | None = None
) -> Type:
    """Shared memory as an object of its fields: null, where they are not surely ``written`` (None:
    all are) and do not start as an empty list that is added to."""
    if "memory" in ctx.broken:
        return ANY
    names = ctx.memory if only is None else [name for name in only if name in ctx.memory]
    fields = {name: ctx.memory[name] for name in names}
    return object_of(
        {
            name: field.type
            if written is None or name in written or field.merge != "replace"
            else field.type.or_null()
            for name, field in fields.items()
        }
    )


def workflow_names(
    ctx: Context,
    input: Type,
    steps: Mapping[str, Type] | None = None,
    written: Container[str] | None = None,
) -> Names:
    """The names of a workflow's expressions; ``steps`` maps each step to ``{status, output}``,
    ``written`` are the memory fields that are surely written before."""
    memory = memory_names(ctx, written=written)
    names = {"input": input, "memory": memory, "run": RUN, "now": DATETIME}
    if steps is not None:
        names["steps"] = object_of(steps)
    return names


def step_type(output: Type, done: bool) -> Type:
    """What ``steps.X`` is where X must be done, or where it may have been skipped."""
    return object_of({"status": STATUS, "output": output if done else output.or_null()})


def instruction_names(ctx: Context, agent: AgentSpec) -> Names:
    """The names of an agent's instructions."""
    return {
        "input": union(c.input for c in agent.capabilities.values()),
        "memory": memory_names(ctx, agent.memory.read, ()),
        "run": RUN,
        "now": DATETIME,
    }


def union(types: Iterable[Type]) -> Type:
    """A type that has the values of all of these; ``any`` where the shorthand has none."""
    found = tuple(dict.fromkeys(types))
    if not found:
        return ANY
    if len(found) == 1:
        return found[0]
    joined = _joined(found)
    return joined.or_null() if any(type.nullable for type in found) else joined


def _joined(types: tuple[Type, ...]) -> Type:
    kinds = {type.kind for type in types}
    if kinds == {"object"}:
        fields: dict[str, list[Type]] = {}
        for type in types:
            for name, inner in type.fields:
                fields.setdefault(name, []).append(inner)
        open = any(type.open for type in types)
        # What one of them does not name may be anything in it where it is open.
        some = (lambda kind: ANY) if open else Type.or_null
        joined = {
            name: union(inner) if len(inner) == len(types) else some(union(inner))
            for name, inner in fields.items()
        }
        return replace(object_of(joined), open=open)
    if kinds == {"enum"}:
        return Type("enum", values=tuple(dict.fromkeys(v for t in types for v in t.values)))
    if kinds <= {"enum", "string"}:
        return STRING
    if kinds in ({"list"}, {"map"}):
        return Type(types[0].kind, items=union(type.items or ANY for type in types))
    if kinds <= {"integer", "number", "money"}:
        return MONEY if "money" in kinds else NUMBER if "number" in kinds else INTEGER
    return Type(types[0].kind) if len(kinds) == 1 else ANY
