"""Going back in a run: a new run that keeps what had ended before a step, and does the rest again.

Nothing of the old run is rewritten. What it paid for is reused; what it did outside, and wrote to
shared memory, is not undone: it is listed, in ``run.started`` of the new run.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from leafmesh_nb.agents.inside import inside_call
from leafmesh_nb.engine.events import Body, MemoryPatched
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.engine.prefix import Prefix, prefix_of
from leafmesh_nb.errors import RunError
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.mesh.binding import hint
from leafmesh_nb.mesh.person import this_person

if TYPE_CHECKING:
    from leafmesh_nb.mesh.run import Run

__all__ = ["branch", "told"]

Way = Literal["rewind", "fork"]


def branch(run: Run, step: str, way: Way, *, memory: Mapping[str, Any], step_by_step: bool) -> Run:
    """Go back to before ``step`` of a run, in a new run.

    Raises RunError for a step that there is not, memory that does not fit, functions that are not
    bound here, and from inside an agent's call.
    """
    from leafmesh_nb.mesh import registry
    from leafmesh_nb.mesh.definition import Mesh

    if inside_call():
        raise RunError(f"run {run.id} cannot {way} from inside an agent's call", run=run)
    flow = run.spec.workflows[run.workflow]
    if step not in flow.steps:
        known = hint(str(step), flow.steps)
        raise RunError(f"workflow {flow.id} has no step {step!r}{known}", run=run)
    patches = _patches(run.spec, memory, way)
    mesh = Mesh.of_run(run.spec, registry.defined(run.spec.mesh))
    if way == "rewind" and run.status in registry.OPEN:
        mesh.check_bound(flow)  # before the old run is given up
        _end(run)
    # Only now: what the old run did until its end is what is kept, or was not undone.
    events = run.recorded()
    before = prefix_of(plan_of(run.spec, run.workflow), events, step)
    bodies = (*before.bodies, *_counted(patches, before))
    return mesh.begin(
        flow,
        dict(events[0].body.input),  # type: ignore[attr-defined]  # a run begins with its start
        run.journal,
        step=step_by_step,
        # Whoever asked for it asked for all of it; what is made of it in a fork is the forker's.
        requester=run.requester if way == "rewind" else None,
        bodies=bodies,
        parent=_parent(run, step, way, before),
    )


def _end(run: Run) -> None:
    """Cancel a run, unless it comes to an end of its own in that moment."""
    from leafmesh_nb.mesh import registry

    try:
        run.cancel()
    except RunError:
        if run.status in registry.OPEN:
            raise


def _patches(spec: Spec, memory: Mapping[str, Any], way: Way) -> dict[str, Any]:
    if not isinstance(memory, Mapping):
        raise RunError(f"memory= takes a dict of fields, not {type(memory).__name__}")
    found = {}
    for name, value in memory.items():
        field = spec.memory.get(name)
        if field is None or field.scope != "run":
            known = hint(str(name), [f.name for f in spec.memory.values() if f.scope == "run"])
            raise RunError(f"{way}: memory.{name} is no field of scope run in this mesh{known}")
        try:
            found[name] = dump(field.type, accept(field.type, value, lenient=True))
        except TypeMismatch as error:
            raise RunError(f"{way}: memory.{name} {error}") from None
    return found


def _counted(patches: Mapping[str, Any], before: Prefix) -> list[tuple[str, Body]]:
    """What a person changed, behind what is kept of each field."""
    person = this_person()
    return [
        ("", MemoryPatched(name, before.versions.get(name, 0) + 1, person, value))
        for name, value in patches.items()
    ]


def _parent(run: Run, step: str, way: Way, before: Prefix) -> dict[str, Any]:
    return {
        "run": run.id,
        "step": step,
        "way": way,
        "by": this_person(),
        "kept": list(before.kept),
        "again": list(before.again),
        "calls": before.calls,
        "saved": str(before.saved),
        "stayed": [[one.kind, one.name, one.path] for one in before.stayed],
    }


def told(parent: Mapping[str, Any]) -> list[str]:
    """Where a run comes from, in lines for a person; empty for one that began anew."""
    if not parent or "way" not in parent:
        return []
    saved = Decimal(parent["saved"])
    calls = parent["calls"]
    reused = f"; {calls} call{'' if calls == 1 else 's'} reused" if calls else ""
    money = f", ${saved.normalize():f} not paid again" if saved else ""
    kept = ", ".join(parent["kept"]) or "nothing"
    lines = [
        f"{'rewound' if parent['way'] == 'rewind' else 'forked'} from run {parent['run']} before "
        f"{parent['step']}: kept {kept}{reused}{money}; again: {', '.join(parent['again'])}"
    ]
    effects = [f"{name} of {path}" for kind, name, path in parent["stayed"] if kind == "effect"]
    shared = [f"{name} by {path}" for kind, name, path in parent["stayed"] if kind == "shared"]
    if effects:
        lines.append(f"not undone, outside: {', '.join(effects)}")
    if shared:
        lines.append(f"not undone, in shared memory: {', '.join(shared)}")
    return lines
