"""What a kernel works on: its current mesh, its runs by name, and where things are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from leafmesh_nb.mesh import registry, settings
from leafmesh_nb.mesh.reveal import record_reveal
from leafmesh_nb.mesh.run import Run
from leafmesh_nb.notebook.attendant import CardAttendant
from leafmesh_nb.notebook.mesh_file import MeshFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from leafmesh_nb.engine.ports import Journal
    from leafmesh_nb.language.overlay import OverlayBlock
    from leafmesh_nb.mesh.definition import Mesh
    from leafmesh_nb.notebook.live.session import LiveSession
    from leafmesh_nb.notebook.magics import MeshMagics

__all__ = ["Workbench"]

MOST_CARDS = 4
"""Cards that one cell shows by itself: a loop over a table must not draw a hundred."""


class Workbench:
    """One per kernel, made when the extension is loaded."""

    def __init__(self, shell: InteractiveShell, magics: MeshMagics) -> None:
        self.shell = shell
        self.magics = magics
        self.started: list[Run] = []
        self.names: dict[str, Run] = {}
        self.files = MeshFiles()
        # By mesh, in the order in which they were run: what cells changed in its text.
        self.overlaid: dict[str, dict[tuple[OverlayBlock, str], None]] = {}
        self._shown_in: tuple[int, int] = (0, 0)

    @property
    def journal(self) -> Journal:
        """The journal that this kernel uses."""
        return settings.journal_at(None)

    def evaluate(self, expression: str, names: dict[str, Any]) -> Any:
        """A value that is written in the line of a magic. Raises UsageError."""
        try:
            return eval(expression, self.shell.user_global_ns, {**self.shell.user_ns, **names})
        except Exception as error:
            raise UsageError(
                f"{expression} could not be evaluated: {type(error).__name__}: {error}"
            ) from None

    # Meshes and runs

    def mesh(self) -> Mesh:
        """The mesh that was defined last. Raises UsageError when there is none."""
        found = registry.defined()
        if found is None:
            raise UsageError("no mesh is defined yet: write one in a %%mesh cell")
        return found

    def bind(self, name: str, value: Any) -> None:
        """Bind a variable in the notebook."""
        self.shell.push({name: value})

    def run(self, name: str) -> Run:
        """A run by an id prefix or a name given by -o; empty: the newest of this kernel."""
        name = name.strip()
        if not name:
            if self.started:
                return self.started[-1]
            rows = self.journal.runs()
            if not rows:
                raise UsageError("there is no run yet: start one with %mesh run WORKFLOW key=value")
            return registry.find(rows[0].id, self.journal)
        known = self.names.get(name) or self.shell.user_ns.get(name)
        return known if isinstance(known, Run) else registry.find(name, self.journal)

    def name_run(self, name: str | None, start: Callable[[], Run]) -> Run:
        """Start a run, and bind it to the variable that ``-o`` names. Raises UsageError, with
        nothing started, for what is no name."""
        if name and not name.isidentifier():
            raise UsageError(f"-o takes the name of a variable, not {name!r}")
        run = start()
        if name:
            self.names[name] = run
            self.bind(name, run)
        return run

    def steered(self, name: str, verb: str, statuses: tuple[str, ...]) -> Run:
        """The run that a verb without a name means; refuses when several could be meant."""
        if name.strip():
            return self.run(name)
        runs, notes = registry.open_runs(self.journal)
        fitting = [run for run in runs if run.status in statuses]
        mine = [run for run in fitting if run in self.started]
        found = mine or fitting
        if len(found) == 1:
            return found[0]
        if not found:
            missing = f"there is no run to {verb} (that is {' or '.join(statuses)})"
            raise UsageError("\n".join([missing, *notes]))
        names = "\n".join(f"  {r.id}  {r.spec.mesh}.{r.workflow}  {r.status}" for r in found)
        raise UsageError(f"several runs could be meant; say which: %mesh {verb} RUN\n{names}")

    # Showing

    def started_here(self, run: Run) -> None:
        """A card for a run that a cell started; a loop of many gets cards for the first few."""
        self.started.append(run)
        cell = self.shell.execution_count
        count = self._shown_in[1] + 1 if self._shown_in[0] == cell else 1
        self._shown_in = (cell, count)
        if count <= MOST_CARDS:
            self.show_live(run)
        elif self._kernel:
            run.attendant = CardAttendant(lambda: self._open(run))

    def show_live(self, run: Run) -> None:
        """Show a run's live card under the executing cell, where the front end may have one."""
        if self._kernel:
            session = self._open(run)
            run.attendant = CardAttendant(lambda: session)

    @property
    def _kernel(self) -> bool:
        return getattr(self.shell, "kernel", None) is not None

    def _open(self, run: Run) -> LiveSession:
        from leafmesh_nb.notebook.live.session import LiveSession

        def revealed(what: str) -> None:
            record_reveal(run, what)

        session = LiveSession(
            run,
            person=self.magics.person or None,
            on_reveal=revealed,
            shared=run.shared_events,
        )
        session.show()
        return session

    def show_html(self, html: str, text: str) -> None:
        """Show HTML with its plain twin."""
        from IPython.display import publish_display_data

        publish_display_data({"text/html": html, "text/plain": text})
