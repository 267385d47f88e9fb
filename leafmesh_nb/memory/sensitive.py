"""The values that a run's events tell of sensitive fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from leafmesh_nb.memory.leaves import number_text

if TYPE_CHECKING:
    from leafmesh_nb.language.spec import Spec, Workflow
    from leafmesh_nb.language.types import Type

__all__ = ["Recorded", "sensitive_values"]

Json = Any
_Path = tuple[str, ...]


class Recorded(Protocol):
    """An event as far as masking reads it (the engine's ``Event`` is one)."""

    @property
    def stream(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def body(self) -> Any: ...


def sensitive_values(spec: Spec, events: Iterable[Recorded]) -> tuple[set[str], list[str]]:
    """Names whose values are sensitive as a whole, and the texts of all such values.

    They are the values of fields with sensitivity ``pii`` or ``secret``: as written, patched, or
    handed to an agent, and the inputs and outputs that a ``save`` puts there.
    """
    fields = {f.name: f.type for f in spec.memory.values() if f.masked}
    names = set(fields)
    texts: list[str] = []
    if not fields:
        return names, texts
    saved: dict[str, dict[str, list[_Path]]] = {}
    for event in events:
        body = event.body
        match event.kind:
            case "run.started":
                workflow = spec.workflows.get(body.workflow)
                paths: list[_Path] = [(name,) for name in body.input if name in fields]
                if workflow is not None:
                    paths += _input_paths(workflow, fields)
                    saved[event.stream] = _output_paths(spec.workflows.values(), fields)
                names.update(path[0] for path in paths if len(path) == 1)
                for path in paths:
                    texts += _texts(_at(body.input, path))
            case "memory.written" | "memory.patched" if body.field in fields:
                op = getattr(body, "op", "replace")
                texts += _texts(body.value, _added(fields[body.field], op))
            case "call.started" if isinstance(body.request, Mapping):
                seen = body.request.get("memory")
                if isinstance(seen, Mapping):
                    for name in fields.keys() & seen.keys():
                        texts += _texts(seen[name], fields[name])
            case "call.finished":
                for write in body.writes:
                    if write.get("field") in fields:
                        declared = _added(fields[write["field"]], write.get("op"))
                        texts += _texts(write.get("value"), declared)
            case "step.ended":
                for path in saved.get(event.stream, {}).get(_step(event.path), ()):
                    texts += _texts(_at(body.output, path))
    return names, texts


def _added(declared: Type, op: str | None) -> Type | None:
    """The type of what a write hands over: a field, or one item of it."""
    return declared.items if op == "append" else declared


def _texts(value: Json, declared: Type | None = None) -> Iterator[str]:
    """Every text in a value, numbers as text, and the keys of a declared map."""
    match value:
        case str():
            yield value
        case bool() | None:
            return
        case int() | float() | Decimal():
            yield number_text(value)
        case Mapping():
            keys = declared is not None and declared.kind == "map"
            for key, item in value.items():
                if keys:
                    yield str(key)
                inner = None
                if declared is not None:
                    inner = declared.items if keys else declared.field(str(key))
                yield from _texts(item, inner)
        case list() | tuple():
            for item in value:
                yield from _texts(item, declared.items if declared is not None else None)


def _input_paths(workflow: Workflow, fields: Mapping[str, Type]) -> list[_Path]:
    """Where in a workflow's input the values stand that a ``save`` puts into these fields."""
    saves = [workflow.save, *(step.save for step in workflow.steps.values())]
    return [
        read[1:]
        for save in saves
        for field, expression in save.items()
        if field in fields
        for read in expression.reads
        if read[0] == "input" and len(read) > 1
    ]


def _output_paths(
    workflows: Iterable[Workflow], fields: Mapping[str, Type]
) -> dict[str, list[_Path]]:
    """The same within the outputs of the steps, by step: a run may run other workflows, too."""
    found: dict[str, list[_Path]] = {}
    for step in (step for workflow in workflows for step in workflow.steps.values()):
        for field, expression in step.save.items():
            if field not in fields:
                continue
            for read in expression.reads:
                if read[0] == "output":
                    found.setdefault(step.id, []).append(read[1:])
                elif read[0] == "steps" and read[2:3] == ("output",):
                    found.setdefault(read[1], []).append(read[3:])
    return found


def _step(path: str) -> str:
    """The id of the step at a path: without item, iteration and racer, and what it is within."""
    return re.split(r"[\[#@]", path.rpartition("/")[2], maxsplit=1)[0]


def _at(value: Json, path: Sequence[str]) -> Json:
    """The value at a path, or None where it leads nowhere."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
