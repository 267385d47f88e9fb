"""The widget behind the live card: an anywidget without a build. Imported when one is shown."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from leafmesh_nb.observe.card_html import run_html, run_text

__all__ = ["RunWidget", "stamped", "static_bundle"]

HERE = Path(__file__).parent
# One module in the browser: what a blob URL holds cannot import its neighbours.
PARTS = ("elements", "words", "store", "values", "editor", "question", "graph", "parts", "view")

State = dict[str, Any]


def stamped(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message with this clock's time in milliseconds, by which a view sets its own."""
    return {**message, "now": round(time.time() * 1000)}


def static_bundle(state: State) -> dict[str, str]:
    """What a saved notebook shows of a run's state."""
    return {"text/html": run_html(state), "text/plain": run_text(state)}


def _state_to_json(_: Any, widget: RunWidget) -> State:
    return stamped(widget.snapshot())


class RunWidget(anywidget.AnyWidget):
    """Carries messages between one run's card and its views.

    ``state`` is serialised from the live snapshot, so that a reloaded page or a second tab starts
    with what is true now, not with what was true when the cell ran.
    """

    _esm = "\n".join((HERE / "view" / f"{part}.js").read_text("utf-8") for part in PARTS)
    _css = (HERE / "view" / "view.css").read_text("utf-8")
    state = traitlets.Any().tag(sync=True, to_json=_state_to_json)
    uid = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, snapshot: Callable[[], State], receive: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self.snapshot = snapshot
        super().__init__(state=0, uid=uuid.uuid4().hex)
        self._answer_while_busy()
        self.on_msg(lambda _widget, content, _buffers: receive(content))

    def _answer_while_busy(self) -> None:
        """Have ipykernel 7.4 deliver this comm's messages on a subshell while a cell blocks.

        The hook is private there: where it is missing, a click waits for the cell.
        """
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda _data, subshell: subshell

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and beside it the static one for viewers without widgets."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, **static_bundle(self.snapshot())}, metadata
