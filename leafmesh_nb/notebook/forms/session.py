"""A form in a notebook: drawn again after each draft, with the mesh as it is by then."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language import render_html
from leafmesh_nb.language.overlay import OverlayBlock
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.mesh import Mesh, registry
from leafmesh_nb.notebook.defining import MAGICS
from leafmesh_nb.notebook.forms.agent_form import agent_form
from leafmesh_nb.notebook.forms.controls import Form
from leafmesh_nb.notebook.forms.policy_form import policy_form
from leafmesh_nb.notebook.forms.workflow_form import workflow_form
from leafmesh_nb.notebook.overlays import WHAT, checked_body
from leafmesh_nb.notebook.yaml_html import yaml_html

__all__ = ["FORMS", "FormSession", "cell_text"]

logger = logging.getLogger(__name__)

FORMS: dict[str, tuple[OverlayBlock, Callable[[Spec, Any], Form]]] = {
    "agent": ("agents", agent_form),
    "policy": ("policies", policy_form),
    "workflow": ("workflows", workflow_form),
}


def cell_text(block: OverlayBlock, form: Form) -> str:
    """The cell that a form stands for."""
    return f"{_header(block, form)}\n{form.body}".rstrip()


def _header(block: OverlayBlock, form: Form) -> str:
    # A line break in what was typed as an id would end the magic's line.
    return f"{MAGICS[block]} {' '.join(form.id.split()) or 'ID'}"


class FormSession:
    """One form: what was typed last, and the page's end of the wire."""

    def __init__(self, what: str, mesh: Mesh) -> None:
        self.block, self._draw = FORMS[what]
        self._mesh = mesh
        first = self._draw(mesh.spec, None)
        # What stands in the next cell before anything is written there.
        self._first = cell_text(self.block, first)
        self._state = self._drawn(first)
        self._widget: Any = None
        self._slot: Any = None

    @property
    def state(self) -> dict[str, Any]:
        """What the page shows: title, controls, values, the cell's text, and what is wrong."""
        return self._state

    def show(self) -> None:
        """Display the form under the executing cell."""
        from IPython.display import display

        from leafmesh_nb.notebook.forms.widget import FormWidget

        what = WHAT[self.block]
        again = f"This form was open when the notebook was saved: %mesh new {what} opens it again."
        static = {"text/html": f"<div>{again}</div>", "text/plain": f"<form of {what}>"}
        self._widget = FormWidget(lambda: self._state, self.receive, static)
        self._slot = display(self._widget, display_id=True)

    def receive(self, message: Mapping[str, Any]) -> None:
        """A message from a page."""
        match message:
            case {"t": "draft", "seq": int(seq), "values": dict(values)}:
                try:
                    self._state = self._drawn(self._draw(self._current().spec, values))
                except Exception as error:  # what was typed must not be lost with it
                    logger.exception("a draft of a form could not be drawn")
                    said = f"{type(error).__name__}: {error}"
                    self._widget.send({"t": "failed", "seq": seq, "message": said})
                else:
                    self._widget.send({"t": "form", "seq": seq, "state": self._state})
            case {"t": "written"}:
                self._finish()

    def _current(self) -> Mesh:
        return registry.defined(self._mesh.name) or self._mesh

    def _drawn(self, form: Form) -> dict[str, Any]:
        mesh = self._current()
        header = _header(self.block, form)
        known = {(d.code, d.message) for d in mesh.diagnostics}
        try:
            _, _, told = checked_body(mesh, self.block, form.id, form.body, header)
        except MeshError as error:
            return self._with(form, 1, 0, f"<div>{_escaped(str(error))}</div>", ready=False)
        new = [d for d in told if (d.code, d.message) not in known]
        errors = sum(d.severity == "error" for d in new)
        of_id = [d for d in new if d.severity == "error" and d.code == "LM205" and d.span.line == 1]
        problem = f"{of_id[0].message} {of_id[0].hint}".replace("`", "") if of_id else ""
        shown = [d for d in new if d not in of_id]
        return self._with(
            form, errors, len(new) - errors, render_html(shown), ready=not of_id, problem=problem
        )

    def _with(
        self,
        form: Form,
        errors: int,
        warnings: int,
        told: str,
        *,
        ready: bool,
        problem: str = "",
    ) -> dict[str, Any]:
        text, mesh = cell_text(self.block, form), self._current()
        replaces = form.id in getattr(mesh.spec, self.block)
        sections = [section.to_json() for section in form.sections]
        if problem:
            sections[0]["controls"] = [
                {**c, "problem": problem} if c["path"] == "id" else c
                for c in sections[0]["controls"]
            ]
        return {
            "title": f"New {WHAT[self.block]}",
            "about": f"{'replaces one of' if replaces else 'for'} mesh {mesh.name}",
            "values": dict(form.values),
            "sections": sections,
            "text": text,
            "first": self._first,
            "yaml": yaml_html(text),
            "told": told,
            "errors": errors,
            "warnings": warnings,
            "ready": ready,
        }

    def _finish(self) -> None:
        """Leave a line in the form's place: the cell below has what it made."""
        first = self._state["text"].partition("\n")[0]
        html = (
            '<div style="font:13px/1.5 system-ui,-apple-system,sans-serif;color:#7a828c">'
            f"✓ written into the next cell: <code>{_escaped(first)}</code></div>"
        )
        plain = f"written into the next cell: {first}"
        self._slot.update({"text/html": html, "text/plain": plain}, raw=True)
        self._widget.close()


def _escaped(text: str) -> str:
    return escape(text).replace("$", "<span>$</span>")
