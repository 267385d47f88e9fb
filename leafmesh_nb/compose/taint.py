"""Where untrusted values go: from what comes into a mesh to the tools that act on the world.

**Sources.** A workflow's inputs, and what tools without side effects return: they read mail, pages
and tickets that others wrote. What the mesh's text itself says, ``run``, ``now`` and the answers
of side effects are no sources.

**Flows.** Through ``with`` and ``save``; through an agent, a model as well as a function: what it
was given (its inputs, the memory it may read, what its tools return) may be in all that it gives
(its outputs; for a function also the memory it may write and the arguments of its tools); through
memory, in another run too where the scope is ``mesh``; through what is computed (``let``), the
items of a list, and workflows that run others, with their memory. ``when`` is no flow: it decides
whether a step runs, and with what stays the mesh's own.

**How much flows.** A text, an open number, a list or map of such says what it likes
(``FREELY``). An enum, a boolean, a date, a number with both bounds only chooses among values that
the mesh names (``BY_CHOICE``); so does what is used as a test, as in ``input.vip ? 100 : 10``. A
path carries no more than its narrowest part.

**Gates.** A policy at ``output`` that can ask or deny because of what it sees (``gates``) stops
what comes out of a step, if it applies whichever agent takes the step. Functions are no gates: what
they check stands nowhere in the mesh. Policies at the tool itself are for the caller to look at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from leafmesh_nb.compose.degrees import BY_CHOICE, FREELY, Degree, carried, degree_of
from leafmesh_nb.compose.seats import Seat, seats
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.joins import ancestors
from leafmesh_nb.language.spec import AgentSpec, Join, Spec, Step, Workflow
from leafmesh_nb.language.types import ANY, Type

__all__ = ["Place", "Sink", "flows_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands. ``step`` is the step that gave or wrote it."""

    kind: Literal["input", "memory", "output", "tool", "agent"]
    workflow: str
    step: str
    name: str

    @property
    def text(self) -> str:
        """As a path shows it; empty for an agent, which is named by what it gives."""
        if self.kind == "output":
            return f"{self.step}.output{self.name and '.'}{self.name}"
        if self.kind == "tool":
            return f"what `{self.name}` returns"
        return "" if self.kind == "agent" else f"{self.kind}.{self.name}"


@dataclass(frozen=True, slots=True)
class Sink:
    """A tool with a side effect that an agent may call when it takes a step.

    ``paths`` has, for every source that reaches it, the places from the source on; ``degree`` is
    how much they carry, 0 where there are none.
    """

    seat: Seat
    tool: str
    degree: Degree
    paths: tuple[tuple[Place, ...], ...]

    @property
    def text(self) -> str:
        """As the end of a path: ``pay(teller).pay_out``."""
        return f"{self.seat.step}({self.seat.agent.id}).{self.tool}"


def flows_of(spec: Spec, gated: Callable[[Seat], bool]) -> tuple[Sink, ...]:
    """Every sink of a mesh with what flows there.

    ``gated`` says whether a policy stands behind what comes out of a seat.
    """
    taken = [seat for seat in seats(spec) if seat.step]
    graph = _Graph(spec, _run_together(spec))
    for workflow in spec.workflows.values():
        mine = [seat for seat in taken if seat.workflow == workflow.id]
        _Wiring(graph, workflow, mine, gated).add()
    graph.connect_memory()
    return tuple(
        _sink(graph, seat, tool)
        for seat in taken
        for tool in seat.agent.tools
        if spec.tools[tool].side_effect
    )


def _sink(graph: _Graph, seat: Seat, tool: str) -> Sink:
    end = Place("agent", seat.workflow, seat.step, seat.agent.id)
    fits = degree_of(graph.spec.tools[tool].input)
    for degree in (FREELY, BY_CHOICE):
        paths = graph.paths_to(end, degree) if fits >= degree else ()
        if paths:
            return Sink(seat, tool, degree, paths)
    return Sink(seat, tool, 0, ())


# -- the graph


_Visit = tuple[Place, bool]
"""A place on a way, and whether the way to it passes through a model."""


@dataclass(slots=True)
class _Graph:
    """What flows where, and how much of it."""

    spec: Spec
    together: Mapping[str, frozenset[str]]
    after: dict[Place, dict[Place, Degree]] = field(default_factory=dict)
    gated: set[Place] = field(default_factory=set)
    models: set[Place] = field(default_factory=set)
    writes: dict[str, dict[Place, None]] = field(default_factory=dict)
    reads: dict[str, dict[Place, None]] = field(default_factory=dict)
    orders: dict[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    _ways: dict[tuple[Place, Degree], Mapping[_Visit, _Visit]] = field(default_factory=dict)

    def flow(self, source: Place, target: Place, degree: Degree) -> None:
        """``source`` is in ``target``, as much of it as the degree says."""
        known = self.after.setdefault(source, {})
        known[target] = max(degree, known.get(target, 0))

    def write(self, workflow: str, step: str, name: str) -> Place:
        """A memory field as one step (or a workflow, an empty name) writes it.

        Of a field of the mesh there is one place: who reads it may see what anybody wrote.
        """
        mesh = self.spec.memory[name].scope == "mesh"
        place = Place("memory", "" if mesh else workflow, "" if mesh else step, name)
        self.writes.setdefault(name, {}).setdefault(place)
        return place

    def read(self, name: str, reader: Place) -> None:
        """A memory field is in ``reader``, as it is when the step starts."""
        self.reads.setdefault(name, {}).setdefault(reader)

    def connect_memory(self) -> None:
        """What is written flows to whoever may read it afterwards."""
        for name, readers in self.reads.items():
            degree = degree_of(self.spec.memory[name].type)
            for place in self.writes.get(name, ()):
                for reader in readers:
                    if self._may_see(place, reader):
                        self.flow(place, reader, degree)

    def _may_see(self, written: Place, reader: Place) -> bool:
        if self.spec.memory[written.name].scope == "mesh":
            return True
        if len(self.together[written.workflow]) > 1:
            return reader.workflow in self.together[written.workflow]  # in whatever order
        if written.workflow != reader.workflow or reader.step == "":
            return False
        if reader.step == written.step:
            step = self.spec.workflows[written.workflow].steps[written.step]
            return bool(step.for_each or step.repeat or step.retry)  # its next part sees it
        return reader.step not in self.orders[written.workflow].get(written.step, ())

    def paths_to(self, end: Place, degree: Degree) -> tuple[tuple[Place, ...], ...]:
        """A path from every source that reaches ``end``, ``end`` left out: the shortest one that
        passes through a model, where the input can persuade, else the shortest."""
        found = []
        for source in [place for place in self.after if place.kind in ("input", "tool")]:
            ways = self._ways_from(source, degree)
            last = next((way for way in ((end, True), (end, False)) if way in ways), None)
            if last is not None:
                found.append(tuple(_back(ways[last], ways))[::-1])
        return tuple(found)

    def _ways_from(self, source: Place, degree: Degree) -> Mapping[_Visit, _Visit]:
        """The visit before each, on the shortest ways from a source; its own is itself."""
        if (source, degree) not in self._ways:
            start = (source, False)
            before = {start: start}
            waiting = deque([start])
            while waiting:
                visit = waiting.popleft()
                for target, most in self.after.get(visit[0], {}).items():
                    here = (target, visit[1] or target in self.models)
                    if most >= degree and here not in before and target not in self.gated:
                        before[here] = visit
                        waiting.append(here)
            self._ways[source, degree] = before
        return self._ways[source, degree]


def _back(visit: _Visit, before: Mapping[_Visit, _Visit]) -> Iterator[Place]:
    """The places of a way, from its end to its source."""
    yield visit[0]
    while before[visit] != visit:
        visit = before[visit]
        yield visit[0]


@dataclass(frozen=True, slots=True)
class _Wiring:
    """Adds the flows of one workflow to the graph of its mesh."""

    graph: _Graph
    workflow: Workflow
    seats: Sequence[Seat]
    gated: Callable[[Seat], bool]

    def add(self) -> None:
        graph, steps = self.graph, self.workflow.steps
        joins = {name: step.after for name, step in steps.items()}
        graph.orders[self.workflow.id] = _ended_before(joins)
        self._add_saves("", self.workflow.save)
        for step in steps.values():
            outputs = self._outputs(step)
            taken = [seat for seat in self.seats if seat.step == step.id]
            for seat in taken:
                self._add_agent(step, seat.agent, outputs)
            if taken and all(self.gated(seat) for seat in taken):
                graph.gated.update(outputs)
            if any(seat.agent.kind == "llm" for seat in taken):
                graph.models.update(outputs)
            self._add_values(step, outputs)
            self._add_saves(step.id, step.save)

    def _add_values(self, step: Step, outputs: Mapping[Place, Type]) -> None:
        """What a step gives that no agent performs."""
        graph = self.graph
        for output, kind in outputs.items():
            if step.let is not None:
                self._add_expression(step.id, step.let, output, kind)
            elif isinstance(step.wait, Expression):
                self._add_expression(step.id, step.wait, output, kind)
        callee = graph.spec.workflows.get(step.workflow or "")
        if callee is None:
            return
        for name, expression in step.inputs.items():
            given = Place("input", callee.id, "", name)
            self._add_expression(step.id, expression, given, callee.input.field(name) or ANY)
        within = _Wiring(graph, callee, (), self.gated)
        for name, expression in callee.output.items():
            for output, kind in outputs.items():
                if output.name in ("", name):
                    within._add_expression("", expression, output, kind)

    def _add_agent(self, step: Step, agent: AgentSpec, outputs: Mapping[Place, Type]) -> None:
        """What an agent is given for a step, and what it gives."""
        graph, spec = self.graph, self.graph.spec
        here = Place("agent", self.workflow.id, step.id, agent.id)
        given = agent.capabilities[step.capability or ""].input
        for name, expression in step.inputs.items():
            self._add_expression(step.id, expression, here, given.field(name) or ANY)
        for name in agent.memory.read:
            graph.read(name, here)
        for name in agent.tools:
            if not spec.tools[name].side_effect:
                returned = Place("tool", "", "", name)
                graph.flow(returned, here, degree_of(spec.tools[name].output))
        for output, kind in outputs.items():
            graph.flow(here, output, degree_of(kind))
        if agent.kind == "python":
            for name in agent.memory.write:
                target = graph.write(self.workflow.id, step.id, name)
                graph.flow(here, target, degree_of(spec.memory[name].type))

    def _add_saves(self, step: str, save: Mapping[str, Expression]) -> None:
        for name, expression in save.items():
            target = self.graph.write(self.workflow.id, step, name)
            self._add_expression(step, expression, target, self.graph.spec.memory[name].type)

    def _add_expression(self, step: str, expression: Expression, target: Place, kind: Type) -> None:
        for path, most in carried(expression.node):
            degree = min(most, degree_of(kind))
            for source, own in self._read(step, path):
                self.graph.flow(source, target, min(degree, own))

    def _read(self, step: str, path: tuple[str, ...]) -> Iterator[tuple[Place, Degree]]:
        """The places that a path reads, with what their types let through."""
        spec, steps = self.graph.spec, self.workflow.steps
        loop = steps[step].for_each if step in steps else None
        if path[0] == "item" and loop is not None:
            for over, most in carried(loop.items.node):
                for source, own in self._read(step, over):
                    yield source, min(most, own)
        elif path[0] == "input":
            for name, kind in self.workflow.input.fields:
                if path[1:2] in ((), (name,)):
                    yield Place("input", self.workflow.id, "", name), degree_of(kind)
        elif path[0] == "memory":
            for name, field in spec.memory.items():
                if path[1:2] in ((), (name,)):
                    reading = Place("agent", self.workflow.id, step, f"memory.{name}")
                    self.graph.read(name, reading)
                    yield reading, degree_of(field.type)
        elif path[0] in ("output", "previous") or (path[0] == "steps" and path[2:3] != ("status",)):
            giver, rest = (path[1], path[3:]) if path[0] == "steps" else (step, path[1:])
            for output in self._outputs(steps[giver]) if giver in steps else ():
                if not output.name or rest[:1] in ((), (output.name,)):
                    yield output, FREELY

    def _outputs(self, step: Step) -> dict[Place, Type]:
        """What a step gives: by field, or whole where it is no object, under an empty name."""
        fields = step.output_type.fields if step.output_type.kind == "object" else ()
        return {
            Place("output", self.workflow.id, step.id, name): kind
            for name, kind in fields or (("", step.output_type),)
        }


def _run_together(spec: Spec) -> dict[str, frozenset[str]]:
    """For each workflow, those that may be in one run with it, and so share its memory."""
    runs = {name: plan_of(spec, name).flows.keys() for name in spec.workflows}
    return {
        name: frozenset().union(*(flows for flows in runs.values() if name in flows))
        for name in spec.workflows
    }


def _ended_before(joins: Mapping[str, Join | None]) -> dict[str, frozenset[str]]:
    """For each step, the steps that have surely ended when it starts. ``joins`` has no cycle."""
    above = ancestors(joins)
    found: dict[str, frozenset[str]] = {}
    for name in sorted(joins, key=lambda step: len(above[step])):
        direct = _surely_ended(joins[name])
        found[name] = frozenset(direct).union(*(found.get(step, frozenset()) for step in direct))
    return found


def _surely_ended(join: Join | None) -> set[str]:
    if join is None or (join.op != "all" and len(join.terms) > max(join.count, 1)):
        return set()
    parts = ({term} if isinstance(term, str) else _surely_ended(term) for term in join.terms)
    return set().union(*parts)
