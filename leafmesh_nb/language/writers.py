"""Steps that may write one memory field at the same time: the field then needs append or extend."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from leafmesh_nb.language.build_steps import Draft
from leafmesh_nb.language.certainty import ended_before
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.spec import Join

__all__ = ["check_writers", "replaced"]


def replaced(
    ctx: Context, draft: Draft, workflows: Mapping[str, frozenset[str]]
) -> dict[str, Span]:
    """The fields that a step replaces by its ``save``, or by the workflow that it runs, each with
    its place; ``workflows`` has what each workflow replaces."""
    places = {
        name: entry.key.span for name, (entry, _) in draft.save.items() if _replaces(ctx, name)
    }
    if draft.step.workflow is not None:
        for name in sorted(workflows.get(draft.step.workflow, ())):
            places.setdefault(name, draft.keys.span("workflow"))
    return places


def check_writers(
    ctx: Context,
    drafts: Mapping[str, Draft],
    waits: Mapping[str, Join | None],
    workflows: Mapping[str, frozenset[str]],
) -> None:
    """Report steps of one workflow that may replace a field at the same time."""
    writers: dict[str, list[tuple[str, Span]]] = {}
    for name, draft in drafts.items():
        for field, span in replaced(ctx, draft, workflows).items():
            writers.setdefault(field, []).append((name, span))
            if draft.step.for_each is not None and draft.step.for_each.parallel > 1:
                ctx.collector.error(
                    "LM605",
                    f"Items of `{name}` may be done at the same time, and each replaces `{field}`.",
                    span,
                    "Leave `parallel` out, or give the field `merge: append` or `extend`.",
                )
    shared = {field: found for field, found in writers.items() if len(found) > 1}
    if not shared:
        return
    before = ended_before(waits)
    for field, found in shared.items():
        told = set()
        for (one, first), (other, second) in combinations(found, 2):
            if other in told or one in before[other] or other in before[one]:
                continue
            told.add(other)
            ctx.collector.error(
                "LM605",
                f"`{one}` and `{other}` may run at the same time, and both replace `{field}`.",
                second,
                "Put one `after` the other, or give the field `merge: append` or `extend`.",
                (Related("the other write", first),),
            )


def _replaces(ctx: Context, name: str) -> bool:
    field = ctx.memory.get(name)
    return field is not None and field.merge == "replace"
