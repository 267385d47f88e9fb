"""``%mesh new agent|policy|workflow``: a form, and a cell to start from."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["show_form"]


def show_form(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """Put a cell to start from below this one, and show its form where there may be widgets.

    The cell comes in every front end; the form then writes into it.
    """
    from leafmesh_nb.notebook.forms.session import FORMS, FormSession

    words = rest.split()
    usage = f"usage: %mesh new {' | '.join(FORMS)}"
    if len(words) != 1:
        raise UsageError(usage)
    if words[0] not in FORMS:
        close = suggest(words[0], FORMS)
        raise UsageError(f"{f'did you mean %mesh new {close}? ' if close else ''}{usage}")
    session = FormSession(words[0], bench.mesh())
    bench.shell.set_next_input(session.state["text"], replace=False)
    if getattr(bench.shell, "kernel", None) is not None:
        session.show()
