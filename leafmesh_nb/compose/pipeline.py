"""The pipeline: six layers in order over one subject, to one report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from leafmesh_nb.compose import cost, mistakes, output, policy, safety, schema, types
from leafmesh_nb.compose.report import LAYERS, LayerReport, Report
from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.language import Diagnostic

__all__ = ["check", "layer_of"]

PIPELINE: tuple[tuple[str, Callable[[Subject], LayerReport]], ...] = (
    ("schema", schema.check),
    ("types", types.check),
    ("policy", policy.check),
    ("safety", safety.check),
    ("cost", cost.check),
    ("output", output.check),
)

_HUNDREDS = dict(zip("45678", LAYERS[1:], strict=True))
_ELSEWHERE = {
    # What the policy layer is about, though it is numbered elsewhere.
    "LM306": "policy",
    "LM602": "policy",
    "LM603": "policy",
}


def check(subject: Subject) -> Report:
    """Look at a mesh through every layer.

    Each finding is told once: what the language found is shown in the layer that it is about. Where
    the language found errors there is no mesh to look at, and the other layers are not proven.
    """
    known = mistakes.find(subject)
    layers = tuple(_layer(subject, name, look, known.get(name)) for name, look in PIPELINE)
    return Report(subject.spec.mesh if subject.spec else "", subject.source, layers)


def layer_of(diagnostic: Diagnostic) -> str:
    """The layer that one of the language's diagnostics is about, by its code."""
    code = diagnostic.code
    return _ELSEWHERE.get(code) or _HUNDREDS.get(code[2:3], "schema")


def _layer(
    subject: Subject, name: str, look: Callable[[Subject], LayerReport], more: LayerReport | None
) -> LayerReport:
    known = [d for d in subject.found if layer_of(d) == name]
    known += more.diagnostics if more else ()
    if subject.spec is None and name != "schema":
        own = LayerReport(name, (), (_unread(subject),))
    else:
        own = look(subject)
    found = sorted((*known, *own.diagnostics), key=lambda d: (d.span, d.severity, d.code))
    return replace(own, diagnostics=tuple(found))


def _unread(subject: Subject) -> str:
    errors = sum(d.severity == "error" for d in subject.found)
    count = "its error is" if errors == 1 else f"its {errors} errors are"
    return f"There is no mesh to look at yet: check again once {count} mended."
