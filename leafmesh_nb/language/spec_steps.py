"""Workflows and their steps as data: a part of ``spec``, where the rest of a mesh is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.types import ANY, NO_FIELDS, Type

__all__ = [
    "NOWHERE",
    "Complexity",
    "ForEach",
    "InDoubt",
    "Join",
    "Performer",
    "Repeat",
    "Retry",
    "Step",
    "Workflow",
    "reads_item",
]

NOWHERE = Span(1, 1, 1, 1)

Complexity = Literal["routine", "standard", "complex", "auto"]
InDoubt = Literal["retry", "ask", "fail"]
Performer = Literal["agent", "workflow", "let", "wait"]


@dataclass(frozen=True, slots=True)
class Join:
    """A step's ``after``: step ids or nested joins. ``count`` is set for ``count`` only."""

    op: Literal["all", "any", "count"]
    terms: tuple[str | Join, ...]
    count: int = 0

    def steps(self) -> tuple[str, ...]:
        """Every step id in this join, in order, once."""
        found: dict[str, None] = {}
        for term in self.terms:
            for name in (term,) if isinstance(term, str) else term.steps():
                found.setdefault(name)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class ForEach:
    """A step once for each item of a list: ``items`` gives it, ``item_type`` is of its elements.

    At most ``parallel`` items are under way at once; a list longer than ``max`` fails the step.
    """

    items: Expression
    max: int
    parallel: int = 1
    item_type: Type = ANY


@dataclass(frozen=True, slots=True)
class Repeat:
    """A step again and again until ``until`` holds; after ``max`` times without, it has failed."""

    until: Expression
    max: int


@dataclass(frozen=True, slots=True)
class Retry:
    """At most ``max`` further attempts after one that failed: the first about ``backoff`` seconds
    later, each further one after twice as long."""

    max: int
    backoff: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Who performs it is one of: an agent (``capability``, routed, or with ``agent`` by name, too),
    another ``workflow`` of the mesh in the same run, a ``let`` (a pure expression), or a ``wait``
    (seconds, or an expression that gives a time or a duration).

    ``after`` includes what the expressions imply by reading ``steps.X``. ``handles`` are the steps
    whose ``on_error`` names this one: it runs once all of them have ended and one has failed, else
    it is skipped.

    ``for_each`` is outside ``repeat``, and that outside ``race``, as in the path
    ``step[item]#iteration@racer``. ``save`` is done for each item; ``when`` for each only if it
    reads ``item`` or ``index``, and an item that is passed over is null in the output.

    ``on_error`` is ``fail``, ``continue`` or the id of a step. Under the last two a failure does
    not end the run: steps that wait for all of their terms go on as if it were done, its output
    null; ``any`` and ``count`` do not count it. In a ``for_each``, ``continue`` is about single
    items: one that failed is null.

    ``result_type`` is of what one performance gives (``output`` in ``save`` and ``until``,
    ``previous``), ``output_type`` of ``steps.X.output`` where the step is done. A ``wait`` gives
    the time that it waited for.
    """

    id: str
    capability: str | None = None
    agent: str | None = None
    workflow: str | None = None
    let: Expression | None = None
    wait: float | Expression | None = None
    after: Join | None = None
    handles: tuple[str, ...] = ()
    when: Expression | None = None
    inputs: Mapping[str, Expression] = field(default_factory=dict)
    save: Mapping[str, Expression] = field(default_factory=dict)
    for_each: ForEach | None = None
    repeat: Repeat | None = None
    race: int | None = None
    consult: tuple[str, ...] = ()
    complexity: Complexity | None = None
    domain: str | None = None
    retry: Retry | None = None
    timeout: float | None = None
    on_error: str = "fail"
    on_in_doubt: InDoubt = "retry"
    result_type: Type = ANY
    output_type: Type = ANY
    span: Span = NOWHERE

    @property
    def performer(self) -> Performer:
        """What kind of performer the step has."""
        if self.workflow is not None:
            return "workflow"
        if self.let is not None:
            return "let"
        return "agent" if self.wait is None else "wait"

    @property
    def when_each(self) -> bool:
        """Whether ``when`` is decided for each item of ``for_each``."""
        return self.when is not None and reads_item(self.when)

    @property
    def tolerated(self) -> bool:
        """Whether the run goes on where the step as a whole has failed."""
        if self.on_error == "continue":
            return self.for_each is None
        return self.on_error != "fail"

    def expressions(self) -> Iterator[Expression]:
        """Every expression of the step."""
        if self.when is not None:
            yield self.when
        if self.for_each is not None:
            yield self.for_each.items
        yield from self.inputs.values()
        if self.let is not None:
            yield self.let
        if isinstance(self.wait, Expression):
            yield self.wait
        if self.repeat is not None:
            yield self.repeat.until
        yield from self.save.values()


def reads_item(expression: Expression) -> bool:
    """Whether an expression depends on the item of a ``for_each``."""
    return any(path[0] in ("item", "index") for path in expression.reads)


@dataclass(frozen=True, slots=True)
class Workflow:
    """Steps with a typed input, and an output made of what they gave.

    ``output_type`` is an object of the static types of the output's expressions.
    """

    id: str
    input: Type
    steps: Mapping[str, Step]
    output: Mapping[str, Expression] = field(default_factory=dict)
    output_type: Type = NO_FIELDS
    save: Mapping[str, Expression] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    span: Span = NOWHERE
