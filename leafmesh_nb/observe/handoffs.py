"""Handoffs: what one agent's step made and another agent's step read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.events import Event, RunStarted, StepEnded, StepResolved, TaskRouted
from leafmesh_nb.engine.paths import inner, parse
from leafmesh_nb.engine.plan import step_at
from leafmesh_nb.observe.columns import COUNT, TEXT, TIME, Kind, table
from leafmesh_nb.observe.masked import masked_body, masker_for
from leafmesh_nb.observe.phrasing import brief
from leafmesh_nb.observe.standing import run_of, states

if TYPE_CHECKING:
    import pandas as pd

    from leafmesh_nb.language.spec import Spec, Step
    from leafmesh_nb.memory.masking import Masker

__all__ = ["handoffs_frame"]

_COLUMNS: dict[str, Kind] = {
    "run": TEXT,
    "when": TIME,
    "from_step": TEXT,
    "from_agent": TEXT,
    "to_step": TEXT,
    "to_agent": TEXT,
    "via": TEXT,
    "fields": TEXT,
    "value": TEXT,
    "bytes": COUNT,
}


def handoffs_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row a step output that another agent's step read when it was resolved.

    Columns: ``run when from_step from_agent to_step to_agent via fields value bytes``. ``via``
    names the keys that read it (``when``, ``for_each``, ``with``, ``save``), ``fields`` the fields
    of the output (``all`` for the whole), ``bytes`` is their size as compact JSON in UTF-8. Raises
    ValueError without ``spec``: who reads what stands in the mesh.
    """
    if spec is None:
        raise ValueError("handoffs are derived from the mesh; pass spec=")
    mask = masker_for(events, spec, masker)
    workflows: dict[str, str] = {}
    agents: dict[tuple[str, str], str] = {}
    outputs: dict[tuple[str, str], tuple[Any, Any]] = {}
    resolved: dict[tuple[str, str], datetime] = {}
    rows: list[dict[str, Any]] = []
    for event in events:
        run, body = run_of(event), event.body
        if isinstance(body, RunStarted):
            workflows[run] = body.workflow
        elif isinstance(body, StepResolved) and body.run:
            resolved[run, event.path] = event.ts
        elif isinstance(body, StepEnded) and body.status == "done":
            outputs[run, event.path] = body.output, masked_body(event, mask)["output"]
        elif isinstance(body, TaskRouted) and body.agent is not None:
            place = parse(event.path)
            agents[run, event.path] = agents[run, inner(place.scope, place.step)] = body.agent
            step = step_at(spec, workflows.get(run, ""), event.path)
            if step is None:
                continue
            for id, (via, paths) in _read(step).items():
                source = inner(place.scope, id)
                output = outputs.get((run, source))
                giver = agents.get((run, source))
                if output is None or giver is None or giver == body.agent:
                    continue
                row = _row(paths, *output)
                row |= {"via": ", ".join(via), "from_step": source, "from_agent": giver}
                row |= {"run": run, "when": resolved.get((run, event.path), event.ts)}
                rows.append(row | {"to_step": event.path, "to_agent": body.agent})
    return table(rows, _COLUMNS, states(events))


def _read(step: Step) -> dict[str, tuple[list[str], list[tuple[str, ...]]]]:
    """By source step: the keys of ``step`` that read its output, and the paths within it."""
    found: dict[str, tuple[list[str], list[tuple[str, ...]]]] = {}
    keys = {
        "when": () if step.when is None else (step.when,),
        "for_each": () if step.for_each is None else (step.for_each.items,),
        "with": tuple(step.inputs.values()),
        "save": tuple(step.save.values()),
    }
    for key, expressions in keys.items():
        for expression in expressions:
            for read in sorted(expression.reads):
                if read[0] != "steps" or len(read) < 2 or read[2:3] not in ((), ("output",)):
                    continue
                via, paths = found.setdefault(read[1], ([], []))
                if key not in via:
                    via.append(key)
                if read[3:] not in paths:
                    paths.append(read[3:])
    return found


def _row(paths: Sequence[tuple[str, ...]], output: Any, shown: Any) -> dict[str, Any]:
    """What was read: the outermost of the paths that were."""
    outer = sorted(p for p in paths if not any(p != q and p[: len(q)] == q for q in paths))
    if outer == [()]:
        return {"fields": "all", "value": brief(shown), "bytes": _size(output)}
    names = [".".join(path) for path in outer]
    return {
        "fields": ", ".join(names),
        "value": brief({n: _at(shown, p) for n, p in zip(names, outer, strict=True)}),
        "bytes": sum(_size(_at(output, path)) for path in outer),
    }


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _size(value: Any) -> int:
    return len(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    )
