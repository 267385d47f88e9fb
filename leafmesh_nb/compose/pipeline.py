"""The pipeline: six layers in order over one subject, to one report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from leafmesh_nb.compose import cost, mistakes, output, policy, safety, schema, types
from leafmesh_nb.compose.report import LAYERS, LayerReport, Report
from leafmesh_nb.compose.subject import Subject, entries
from leafmesh_nb.language import Diagnostic, Span
from leafmesh_nb.language.last_defence import fault
from leafmesh_nb.language.nodes import MappingNode

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
    # A name that is no type, and a field that a type does not have, are numbered the other way.
    "LM401": "schema",
    "LM311": "types",
    # What the policy layer is about, though it is numbered elsewhere.
    "LM306": "policy",
    "LM602": "policy",
    "LM603": "policy",
}
_UNKNOWN_FIELD = "LM305"
_OPEN_DEFAULT, _OPEN_PATH = "LM602", "LM620"


def check(subject: Subject) -> Report:
    """Look at a mesh through every layer.

    Each finding is told once: what the language found is shown in the layer that it is about. Where
    the language found errors there is no mesh to look at, and the other layers are not proven.
    """
    known = mistakes.find(subject)
    layers = [_layer(subject, name, look, known.get(name)) for name, look in PIPELINE]
    # A default that lets a call pass is a warning in itself; where untrusted input reaches that
    # call, the error with its path says so too.
    paths = {d.span.line for layer in layers for d in layer.diagnostics if d.code == _OPEN_PATH}
    layers = [_without(layer, _OPEN_DEFAULT, paths) for layer in layers]
    return Report(subject.spec.mesh if subject.spec else "", subject.source, tuple(layers))


def _without(layer: LayerReport, code: str, lines: set[int]) -> LayerReport:
    left = tuple(d for d in layer.diagnostics if d.code != code or d.span.line not in lines)
    return replace(layer, diagnostics=left)


def layer_of(subject: Subject, diagnostic: Diagnostic) -> str:
    """The layer that one of the language's diagnostics is about: by its code, but for a save to a
    field that memory does not have."""
    code = diagnostic.code
    if code == _UNKNOWN_FIELD and diagnostic.span in _saved(subject):
        return "types"
    return _ELSEWHERE.get(code) or _HUNDREDS.get(code[2:3], "schema")


def _saved(subject: Subject) -> set[Span]:
    """The places of the fields that workflows and steps save to."""
    found: set[Span] = set()
    for flow in entries(subject.node("workflows")):
        steps = [step.value for step in entries(subject.node("workflows", flow.key.text, "steps"))]
        for node in (flow.value, *steps):
            if isinstance(node, MappingNode):
                found.update(entry.key.span for entry in entries(node.get("save")))
    return found


def _layer(
    subject: Subject, name: str, look: Callable[[Subject], LayerReport], more: LayerReport | None
) -> LayerReport:
    known = [d for d in subject.found if layer_of(subject, d) == name]
    known += more.diagnostics if more else ()
    if subject.spec is None and name != "schema":
        own = LayerReport(name, (), (_unread(subject),))
    else:
        try:
            own = look(subject)
        except Exception as error:
            own = LayerReport(name, (fault(error, subject.source),))
    found = sorted((*known, *own.diagnostics), key=lambda d: (d.span, d.severity, d.code))
    return replace(own, diagnostics=tuple(found))


def _unread(subject: Subject) -> str:
    errors = sum(d.severity == "error" for d in subject.found)
    count = "its error is" if errors == 1 else f"its {errors} errors are"
    return f"There is no mesh to look at yet: check again once {count} mended."
