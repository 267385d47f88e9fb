"""The spans of runs that stand in a journal."""

from __future__ import annotations

from leafmesh_nb.engine.events import Event, RunStarted
from leafmesh_nb.engine.ports import Journal
from leafmesh_nb.errors import JournalError
from leafmesh_nb.language import load
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.telemetry.projection import project
from leafmesh_nb.observe.telemetry.spans import Span

__all__ = ["Reader"]


class Reader:
    """Reads runs with the mesh that each was started with, which says what is to be masked."""

    def __init__(self, journal: Journal, *, content: bool) -> None:
        self._journal = journal
        self._content = content
        self._specs: dict[str, Spec] = {}
        self._shared: dict[str, list[Event]] = {}

    def spans(self, run: str, head: int | None = None) -> list[Span]:
        """The spans of a run that its events up to ``head`` finished, or all that is there.

        Raises JournalError when the run cannot be read, or its mesh.
        """
        events = self._journal.read(f"run:{run}")
        body = events[0].body if events else None
        if not isinstance(body, RunStarted):
            raise JournalError(f"run {run} in {self._journal.location} has no run.started")
        spec = self._spec(run, body.spec_hash)
        masker = Masker.for_run(spec, [*events, *self._read_elsewhere(spec)])
        told = events if head is None else [event for event in events if event.seq <= head]
        return project(told, spec, masker, content=self._content)

    def _spec(self, run: str, spec_hash: str) -> Spec:
        spec = self._specs.get(spec_hash)
        if spec is None:
            text = self._journal.spec(spec_hash)
            if text is None:
                # Nobody knows any more what must not be shown.
                raise JournalError(
                    f"the journal {self._journal.location} has lost the mesh of run {run}; "
                    "verify() tells more"
                )
            spec = self._specs[spec_hash] = load(text, source=f"mesh of run {run}")
        return spec

    def _read_elsewhere(self, spec: Spec) -> list[Event]:
        """What stands in the mesh's own stream, where a field of scope mesh is sensitive."""
        if not any(field.masked and field.scope == "mesh" for field in spec.memory.values()):
            return []
        if spec.mesh not in self._shared:
            self._shared[spec.mesh] = self._journal.read(f"mesh:{spec.mesh}")
        return self._shared[spec.mesh]
