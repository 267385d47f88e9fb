"""A mesh: its Spec, the functions bound to it, and the way to start a run."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from leafmesh_nb.agents.bound import BoundAgents
from leafmesh_nb.agents.functions import check_signature
from leafmesh_nb.agents.prices import ListPrices
from leafmesh_nb.engine.events import Draft, RunStarted
from leafmesh_nb.engine.fold import fold
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.engine.ports import (
    Append,
    Approver,
    Batch,
    Clock,
    Journal,
    Model,
    Ports,
    Prices,
    RunRow,
)
from leafmesh_nb.engine.runner import Execution, host
from leafmesh_nb.engine.runner.clock import SystemClock
from leafmesh_nb.engine.runner.host import LEASE
from leafmesh_nb.engine.steps import expected_prices
from leafmesh_nb.errors import MeshError, RoutingError, RunError
from leafmesh_nb.journal.owner import this_process
from leafmesh_nb.language import Diagnostic, load, parse
from leafmesh_nb.language.spec import Spec, Step
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.mesh import registry
from leafmesh_nb.mesh.answers_file import read_answers
from leafmesh_nb.mesh.person import this_person
from leafmesh_nb.mesh.run import Run
from leafmesh_nb.mesh.settings import announce, journal_at
from leafmesh_nb.routing.suitability import Candidate, Excluded, Observed, rank

__all__ = ["Mesh", "Route"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Route:
    """Who would take a task, and every candidate with the points of each factor."""

    agent: str
    model: str | None
    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]


class Mesh:
    """A mesh that can run. Make one with ``Mesh.from_yaml`` or ``Mesh.from_file``.

    ``diagnostics`` holds the warnings of the text; a text with errors raises MeshError instead.
    """

    def __init__(self, spec: Spec, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        self.spec = spec
        self.diagnostics = diagnostics
        self._bound: dict[str, Callable[..., Any]] = {}
        self._models: dict[str, Model] = {}
        self._clock: Clock = SystemClock()
        self._prices: Prices = ListPrices()
        self._approver: Approver | None = None
        registry.define(self)

    @classmethod
    def from_yaml(cls, text: str, source: str = "mesh") -> Mesh:
        """A mesh from its text. ``source`` names it in diagnostics. Raises MeshError."""
        parsed = parse(text, source=source)
        if parsed.spec is None:
            load(text, source=source)
            raise MeshError(f"{source} has errors", parsed.diagnostics)
        return cls(parsed.spec, parsed.diagnostics)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Mesh:
        """A mesh from a file in UTF-8. Raises MeshError, also when it cannot be read."""
        file = Path(path)
        try:
            text = file.read_bytes().decode("utf-8", errors="surrogateescape")
        except OSError as error:
            raise MeshError(f"{file}: {error.strerror}; give the path of a mesh file") from None
        return cls.from_yaml(text, source=str(file))

    @property
    def name(self) -> str:
        """The mesh's name."""
        return self.spec.mesh

    # Functions

    def agent(self, id: str) -> Callable[[F], F]:
        """Bind a function to a declared python agent: ``@mesh.agent("clerk")``.

        It takes exactly the inputs of the agent's capability as keywords, and ``ctx`` if it likes.
        """
        declared = self.spec.agents.get(id)
        if declared is None or declared.kind != "python":
            known = [a.id for a in self.spec.agents.values() if a.kind == "python"]
            raise MeshError(f"mesh {self.name} has no python agent {id!r}{_hint(id, known)}")

        def bind(function: F) -> F:
            for capability in declared.capabilities.values():
                check_signature(f"agent {id}", function, capability.input.names())
            self._bound[f"agent:{id}"] = function
            return function

        return bind

    def tool(self, id: str) -> Callable[[F], F]:
        """Bind a function to a declared tool: ``@mesh.tool("pay_out")``."""
        declared = self.spec.tools.get(id)
        if declared is None:
            raise MeshError(
                f"mesh {self.name} has no tool {id!r}{_hint(id, list(self.spec.tools))}"
            )

        def bind(function: F) -> F:
            check_signature(f"tool {id}", function, declared.input.names())
            self._bound[f"tool:{id}"] = function
            return function

        return bind

    def take_functions(self, other: Mesh) -> None:
        """Keep the functions of an earlier definition of this mesh, where they still fit."""
        for owner, function in other._bound.items():
            kind, _, id = owner.partition(":")
            declared = self.spec.agents.get(id) if kind == "agent" else self.spec.tools.get(id)
            if declared is not None:
                self._bound.setdefault(owner, function)

    # Trying and starting

    def route(self, task: str, *, step: Step | None = None) -> Route:
        """Who would take a capability, given as its name; nothing is run, unbound agents count.

        Raises RoutingError when nobody can.
        """
        spec = self.spec
        capabilities = {c for a in spec.agents.values() for c in a.capabilities}
        if task not in capabilities:
            raise RoutingError(f"nobody declares {task!r}{_hint(task, sorted(capabilities))}")
        asked = step or Step(id="route", capability=task)
        flow = next(iter(spec.workflows))
        plan = plan_of(spec, flow)
        prices: dict[str, Decimal] = {}
        for path, declared in plan.workflow.steps.items():
            if declared.capability == task:
                prices = expected_prices(plan, path, {}, self._list_cost)
        ranking = rank(spec, asked, "", Observed(price=prices))
        if ranking.best is None:
            why = "; ".join(f"{e.agent}: {e.reason}" for e in ranking.excluded)
            raise RoutingError(f"nobody can take {task}: {why}")
        best = ranking.best
        return Route(best.agent, best.model, ranking.candidates, ranking.excluded)

    def _list_cost(self, model: Any, tokens_in: int, tokens_out: int) -> Decimal | None:
        if model.priced_as:
            return self._prices.list_cost(model.priced_as, tokens_in, tokens_out)
        return self._prices.spent(model, tokens_in, tokens_out)

    def start(
        self,
        workflow: str,
        *,
        step: bool = False,
        journal: str | os.PathLike[str] | None = None,
        requester: str | None = None,
        input: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> Run:
        """Start a run and return at once.

        ``step`` starts it paused, to go on with ``run.step()``. Inputs are keywords; one whose name
        is taken by a parameter goes into ``input``. Raises RunError for inputs that do not fit and
        for functions that are not bound, before anything is recorded.
        """
        flow = self.spec.workflows.get(workflow)
        if flow is None:
            hint = _hint(workflow, list(self.spec.workflows))
            raise RunError(f"mesh {self.name} has no workflow {workflow!r}{hint}")
        given = {**flow.defaults, **(input or {}), **inputs}
        try:
            accepted = dump(flow.input, accept(flow.input, given, lenient=True))
        except TypeMismatch as error:
            raise RunError(f"input of {workflow}: {error}") from None
        ports = self.ports(journal_at(journal))
        self._require_functions(ports.agents)
        plan = plan_of(self.spec, workflow)
        id = uuid.uuid4().hex[:10]
        now = ports.clock.now()
        started = RunStarted(
            mesh=self.name,
            workflow=workflow,
            spec_hash=self.spec.hash,
            input=accepted,
            requester=requester or this_person(),
            seed=secrets.randbits(53),
            functions=ports.agents.digests(),
            step_by_step=step,
        )
        row = RunRow(
            id=id,
            mesh=self.name,
            workflow=workflow,
            spec_hash=self.spec.hash,
            status="paused" if step else "running",
            requester=started.requester,
            created=now,
        )
        append = Append(f"run:{id}", (Draft(started, ts=now),), 0)
        events = ports.journal.create(row, self.spec.text, Batch((append,), run=id))
        run = registry.remember(Run(ports.journal, plan, events, registry.recover), ports.journal)
        self.take(run, ports)
        announce(run)
        return run

    @classmethod
    def of_run(cls, spec: Spec, here: Mesh | None) -> Mesh:
        """The mesh that a run was started with, with the parts of the one defined here."""
        mesh = cls.__new__(cls)
        mesh.spec, mesh.diagnostics = spec, ()
        mesh._bound, mesh._models = {}, dict(here._models) if here else {}
        mesh._clock = here._clock if here else SystemClock()
        mesh._prices = here._prices if here else ListPrices()
        mesh._approver = here._approver if here else None
        if here is not None:
            mesh.take_functions(here)
        return mesh

    def take(
        self, run: Run, ports: Ports, *, recovered_by: str = "", rebound: bool = False
    ) -> None:
        """Own a run in this process and drive it. Raises OwnershipError while another does."""
        epoch = ports.journal.claim(run.id, owner_of(run.id), LEASE)
        home = host()
        execution = Execution(
            plan_of(run.spec, run.workflow),
            fold(ports.journal.read(f"run:{run.id}")),
            ports,
            epoch,
            home.shared(ports.journal, self.name, ports.clock),
            home.observations(ports.journal, self.name),
            recovered_by=recovered_by,
            rebound=rebound,
        )
        run.carry(execution)
        home.launch(execution)

    def ports(self, journal: Journal) -> Ports:
        """The world of this mesh's runs."""
        approver = self._approver
        script = os.environ.get("LEAFMESH_ANSWERS")
        if approver is None and script:
            approver = read_answers(script)
        agents = BoundAgents(self.spec, self._bound, self._models)
        return Ports(journal, agents, self._clock, self._prices, approver)

    def use(
        self,
        *,
        models: Mapping[str, Model] | None = None,
        clock: Clock | None = None,
        prices: Prices | None = None,
        approver: Approver | None = None,
    ) -> Mesh:
        """Put other parts in place of the real ones, for runs that start from now on.

        ``leafmesh_nb.testing`` has fakes of each. Returns the mesh.
        """
        self._models.update(models or {})
        self._clock = clock or self._clock
        self._prices = prices or self._prices
        self._approver = approver or self._approver
        return self

    def _require_functions(self, agents: Any) -> None:
        missing = agents.missing()
        if missing:
            lines = [f'@mesh.{kind}("{id}")' for kind, _, id in (m.partition(":") for m in missing)]
            raise RunError(
                f"mesh {self.name} has no function for {', '.join(missing)}; bind each with "
                f'{" / ".join(lines)}, or name it in the mesh as python: "module:function"'
            )

    def __repr__(self) -> str:
        spec = self.spec
        return (
            f"<Mesh {self.name}: {len(spec.agents)} agents, {len(spec.policies)} policies, "
            f"workflows {', '.join(spec.workflows)}>"
        )


def owner_of(run: str) -> str:
    """This process as the owner of one run."""
    return f"{this_process()}/{run}"


def _hint(name: str, known: list[str]) -> str:
    meant = suggest(name, known)
    if meant:
        return f". Did you mean {meant!r}?"
    return f"; there are {', '.join(known)}" if known else ""
