"""A mesh: its Spec, the functions bound to it, and the way to start a run."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from leafmesh_nb.agents.bound import BoundAgents
from leafmesh_nb.agents.inside import inside_call
from leafmesh_nb.agents.prices import ListPrices
from leafmesh_nb.engine.events import Body, Draft, RunStarted
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
from leafmesh_nb.engine.runner.clock import SystemClock
from leafmesh_nb.engine.runner.execution import Execution
from leafmesh_nb.engine.runner.host import LEASE, host
from leafmesh_nb.errors import MeshError, RunError
from leafmesh_nb.journal.owner import this_process
from leafmesh_nb.language import Diagnostic, load, parse
from leafmesh_nb.language.spec import Spec, Workflow
from leafmesh_nb.mesh import registry
from leafmesh_nb.mesh.answers_file import read_answers
from leafmesh_nb.mesh.binding import (
    check_agent,
    check_tool,
    declared_agent,
    declared_tool,
    fitting,
    hint,
    how_to_bind,
    lacking,
)
from leafmesh_nb.mesh.inputs import accepted_input
from leafmesh_nb.mesh.person import this_person
from leafmesh_nb.mesh.routes import Route, route
from leafmesh_nb.mesh.run import Run
from leafmesh_nb.mesh.settings import announce, journal_at
from leafmesh_nb.policy.trial import Trial, try_policies

if TYPE_CHECKING:
    from leafmesh_nb.compose import Report
    from leafmesh_nb.journal import Durability

__all__ = ["Mesh", "Route"]

F = TypeVar("F", bound=Callable[..., Any])


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
        if not isinstance(text, str):
            raise MeshError(f"a mesh is made from its text, not from {type(text).__name__}")
        parsed = parse(text, source=str(source))
        spec = parsed.spec or load(text, source=str(source))
        return cls(spec, parsed.diagnostics)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Mesh:
        """A mesh from a file in UTF-8. Raises MeshError, also when it cannot be read."""
        remedy = "give the path of a mesh file"
        try:
            file = Path(path)
            text = file.read_bytes().decode("utf-8", errors="surrogateescape")
        except OSError as error:
            raise MeshError(f"{path}: {error.strerror}; {remedy}") from None
        except (TypeError, ValueError) as error:
            raise MeshError(f"{path!r} is no path ({error}); {remedy}") from None
        return cls.from_yaml(text, source=str(file))

    @property
    def name(self) -> str:
        """The mesh's name."""
        return self.spec.mesh

    # Functions

    def agent(self, id: str) -> Callable[[F], F]:
        """Bind a function to a declared python agent: ``@mesh.agent("clerk")``.

        It takes exactly the inputs of the agent's capability as keywords, and ``ctx`` if it likes.
        Raises MeshError for an agent that cannot have one, AgentError for one that does not fit.
        """
        declared = declared_agent(self.spec, id)

        def bind(function: F) -> F:
            check_agent(declared, function)
            self._bound[f"agent:{id}"] = function
            return function

        return bind

    def tool(self, id: str) -> Callable[[F], F]:
        """Bind a function to a declared tool: ``@mesh.tool("pay_out")``. Raises as ``agent``."""
        declared = declared_tool(self.spec, id)

        def bind(function: F) -> F:
            check_tool(declared, function)
            self._bound[f"tool:{id}"] = function
            return function

        return bind

    def take_functions(self, other: Mesh) -> None:
        """Keep the functions of an earlier definition of this mesh, where they still fit."""
        self._bound = {**fitting(self.spec, other._bound), **self._bound}

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions that were bound here, by ``agent:ID`` and ``tool:ID``."""
        return dict(self._bound)

    # Trying and starting

    def route(self, task: str) -> Route:
        """Who would take a capability, given as its name; nothing is run, unbound agents count.

        Raises RoutingError when nobody can.
        """
        return route(self.spec, task, self._prices)

    def check(
        self, samples: Iterable[Mapping[str, Any]] | None = None, *, release: bool = False
    ) -> Report:
        """Is it ready to ship? Six layers: schema, types, policy, safety, cost, output.

        Layers 1 to 5 run nothing. ``samples`` are workflow inputs for the sixth, a dry run: models
        that ``use`` put in place or offline readers, no tool with a side effect, a throwaway
        journal. ``release`` is for what is about to be deployed: a function that is not bound is an
        error then, and telemetry that goes nowhere a warning. Raises MeshError for samples that are
        none.
        """
        from leafmesh_nb.mesh.checking import check_mesh
        from leafmesh_nb.mesh.dry_run import Parts

        parts = Parts(dict(self._bound), dict(self._models), self._clock, self._prices)
        return check_mesh(self.spec, self.diagnostics, parts, samples=samples, release=release)

    def test(self) -> tuple[Trial, ...]:
        """Run the policies' own tests; each result says what was expected and what was decided."""
        return try_policies(self.spec)

    def start(
        self,
        workflow: str,
        *,
        step: bool = False,
        journal: str | os.PathLike[str] | None = None,
        replay: str | None = None,
        durability: Durability | None = None,
        input: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> Run:
        """Start a run and return at once.

        ``step`` starts it paused, to go on with ``run.step()``. ``durability``: what was committed
        survives the end of the process ("normal"), or the end of the power as well ("full", which
        waits for the disk at every commit; side effects are synced before they begin in any case).
        It holds while this process drives the run; ``%config MeshMagics.durability`` sets it for
        all. Inputs are keywords; one whose name
        is taken by a parameter goes into ``input``. Raises RunError for inputs that do not fit and
        for functions that are not bound, before anything is recorded.
        """
        if replay is not None:
            raise RunError(
                "replay= is not available yet in this version; an input of that name goes into "
                "input={'replay': …}"
            )
        if durability not in (None, "normal", "full"):
            raise RunError(
                f"durability is 'normal' or 'full', not {durability!r}; an input of that name goes "
                "into input={'durability': …}"
            )
        flow = self.spec.workflows.get(str(workflow))
        if flow is None:
            known = hint(str(workflow), self.spec.workflows)
            raise RunError(f"mesh {self.name} has no workflow {workflow!r}{known}")
        accepted = accepted_input(flow, input, inputs)
        opened = journal_at(journal, durability=durability)
        return self.begin(flow, accepted, opened, step=bool(step))

    def begin(
        self,
        flow: Workflow,
        accepted: dict[str, Any],
        journal: Journal,
        *,
        step: bool = False,
        id: str | None = None,
        requester: str | None = None,
        release: str = "",
        bodies: Sequence[tuple[str, Body]] = (),
        parent: Mapping[str, Any] | None = None,
    ) -> Run:
        """Start a run with an input that was accepted, for whoever starts runs for others.

        ``id`` None makes one up; JournalError when the journal has it already. ``requester`` None
        is whoever sits here. ``release`` is the one that whoever takes the run over must have.
        ``bodies`` with their paths are what it takes over from the run that ``parent`` names.
        """
        agents = self.check_bound(flow)
        ports = self.ports(journal, agents)
        plan = plan_of(self.spec, flow.id)
        id = id or uuid.uuid4().hex[:10]
        now = ports.clock.now()
        started = RunStarted(
            mesh=self.name,
            workflow=flow.id,
            spec_hash=self.spec.hash,
            input=accepted,
            requester=requester or this_person(),
            seed=secrets.randbits(53),
            functions=agents.digests(),
            step_by_step=step,
            parent=parent,
        )
        row = RunRow(
            id=id,
            mesh=self.name,
            workflow=flow.id,
            spec_hash=self.spec.hash,
            status="paused" if step else "running",
            requester=started.requester,
            created=now,
            min_release=release,
        )
        drafts = [Draft(body, path, now) for path, body in (("", started), *bodies)]
        append = Append(f"run:{id}", tuple(drafts), 0)
        events = ports.journal.create(row, self.spec.text, Batch((append,), run=id))
        run = registry.remember(Run(ports.journal, plan, events, registry.recover), ports.journal)
        self.take(run, ports)
        announce(run)
        return run

    def check_bound(self, flow: Workflow) -> BoundAgents:
        """The functions and models as they are bound. Raises RunError where ``flow`` lacks one."""
        agents = self.agents()
        missing = lacking(self.spec, flow, agents.missing())
        if missing:
            raise RunError(
                f"workflow {flow.id} of mesh {self.name} has no function for "
                f"{', '.join(missing)}; bind each with {how_to_bind(missing)}, or name it in the "
                'mesh as python: "module:function"'
            )
        return agents

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
            home.shared(ports.journal, self.name),
            home.observations(ports.journal, self.name),
            recovered_by=recovered_by,
            rebound=rebound,
        )
        run.carry(execution)
        home.launch(execution)

    def agents(self) -> BoundAgents:
        """The functions and models of this mesh as they are bound now."""
        return BoundAgents(self.spec, self._bound, self._models)

    def ports(self, journal: Journal, agents: BoundAgents) -> Ports:
        """The world of a run. Raises ApprovalError for a script of answers that does not hold."""
        approver = self._approver
        script = os.environ.get("LEAFMESH_ANSWERS")
        if approver is None and script:
            approver = read_answers(script)
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

        ``leafmesh_nb.testing`` has models, a clock and an approver for it. Returns the mesh.
        Raises MeshError for a model that the mesh does not declare.
        """
        if inside_call():
            raise MeshError(f"the parts of mesh {self.name} cannot change inside an agent's call")
        for name in models or {}:
            if name not in self.spec.models:
                known = hint(str(name), self.spec.models)
                raise MeshError(f"mesh {self.name} has no model {name!r}{known}")
        self._models.update(models or {})
        self._clock = clock or self._clock
        self._prices = prices or self._prices
        self._approver = approver or self._approver
        return self

    def __repr__(self) -> str:
        spec = self.spec
        return (
            f"<Mesh {self.name}: {len(spec.agents)} agents, {len(spec.policies)} policies, "
            f"workflows {', '.join(spec.workflows)}>"
        )


def owner_of(run: str) -> str:
    """This process as the owner of one run."""
    return f"{this_process()}#{run}"
