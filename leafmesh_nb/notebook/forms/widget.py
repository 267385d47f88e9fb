"""The widget behind a form: an anywidget without a build, in the live card's clothes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

__all__ = ["FormWidget"]

HERE = Path(__file__).parent / "view"
CARD = Path(__file__).parents[1] / "live" / "view"
# One module in the browser: what a blob URL holds cannot import its neighbours.
SCRIPTS = (CARD / "elements.js", HERE / "controls.js", HERE / "form.js")
STYLES = (CARD / "view.css", HERE / "form.css")

State = dict[str, Any]


def _state_to_json(_: Any, widget: FormWidget) -> State:
    return widget.snapshot()


class FormWidget(anywidget.AnyWidget):
    """Carries messages between a form and its views; ``state`` is always the newest."""

    _esm = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    _css = "\n".join(path.read_text("utf-8") for path in STYLES)
    state = traitlets.Any().tag(sync=True, to_json=_state_to_json)

    def __init__(
        self,
        snapshot: Callable[[], State],
        receive: Callable[[Mapping[str, Any]], None],
        static: Mapping[str, str],
    ) -> None:
        self.snapshot = snapshot
        self._static = dict(static)
        super().__init__(state=0)
        # On ipykernel 7.4, have messages delivered while a cell blocks; the hook is private there.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda _data, subshell: subshell
        self.on_msg(lambda _widget, content, _buffers: receive(content))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The form, and beside it what a viewer without widgets shows."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, **self._static}, metadata
