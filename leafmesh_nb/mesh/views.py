"""What a run shows: frames, charts and its card, all derived from its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.ports import Journal
from leafmesh_nb.errors import RunError
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

__all__ = ["CHARTS", "Views"]

CHARTS = ("routing", "costs", "timeline")


class Views:
    """The read-only side of a run. Every view masks what must not be seen."""

    id: str
    spec: Spec
    workflow: str
    journal: Journal

    def recorded(self) -> list[Event]:
        """All events that are durable so far."""
        raise NotImplementedError

    @property
    def masker(self) -> Masker:
        """Masks what this run's views must not show."""
        events = self.recorded()
        if any(field.masked and field.scope == "mesh" for field in self.spec.memory.values()):
            # This run may have read what another one wrote there.
            events += self.shared_events()
        return Masker.for_run(self.spec, events)

    def shared_events(self, after: int = 0) -> list[Event]:
        """Events of the mesh's own stream, where values of scope ``mesh`` stand."""
        return list(self.journal.read(f"mesh:{self.spec.mesh}", after))

    def events(self) -> pd.DataFrame:
        """Every event, a row each."""
        return self._frame("events_frame")

    def routing(self) -> pd.DataFrame:
        """Every candidate of every step, with the points of each factor."""
        return self._frame("routing_frame")

    def decisions(self) -> pd.DataFrame:
        """Every decision of a policy or a person."""
        return self._frame("decisions_frame")

    def memory(self) -> pd.DataFrame:
        """Every write, and every refused access."""
        return self._frame("memory_frame")

    def costs(self) -> pd.DataFrame:
        """Tokens and money by call: spent, and at list price."""
        return self._frame("costs_frame")

    def calls(self) -> pd.DataFrame:
        """Every call to a model, a function or a tool."""
        return self._frame("calls_frame")

    def handoffs(self) -> pd.DataFrame:
        """A row for each step output that another agent's step reads."""
        return self._frame("handoffs_frame")

    def audit(self) -> pd.DataFrame:
        """The story of the run, a line an event."""
        return self._frame("audit_frame")

    def _frame(self, name: str) -> pd.DataFrame:
        from leafmesh_nb.observe import frames

        events = self.recorded()
        if name == "memory_frame":
            events += self.shared_events()  # where values of scope mesh stand
        frame: pd.DataFrame = getattr(frames, name)(events, spec=self.spec, masker=self.masker)
        return frame

    def chart(self, name: str = "timeline", *, theme: str = "light") -> Figure:
        """A plotly figure: ``routing``, ``costs`` or ``timeline``. Raises RunError for others."""
        from leafmesh_nb.observe import charts

        if name not in CHARTS:
            raise RunError(f"no chart {name!r}; there are {', '.join(CHARTS)}", run=self)
        figure: Figure = getattr(charts, f"{name}_chart")(
            self.recorded(), spec=self.spec, masker=self.masker, theme=theme
        )
        return figure

    def card(self) -> dict[str, Any]:
        """The state of the run's card, as its views draw it."""
        from leafmesh_nb.observe.card import CardState

        state = CardState(self.spec, self.workflow, self.id, shared=self.shared_events)
        state.apply(self.recorded())
        return state.snapshot()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from leafmesh_nb.observe.card_html import run_html, run_text

        card = self.card()
        return {"text/html": run_html(card), "text/plain": run_text(card)}
