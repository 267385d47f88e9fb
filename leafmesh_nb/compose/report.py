"""What a check found: six layers, each with its colour, findings and what it could not prove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from leafmesh_nb.language import Diagnostic, dump_any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LAYERS", "Colour", "LayerReport", "Report"]

Colour = Literal["green", "amber", "red", "not proven"]

LAYERS = ("schema", "types", "policy", "safety", "cost", "output")

COLUMNS = ("layer", "colour", "severity", "code", "message", "hint", "source", "line", "column")


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer.

    ``unproven`` says what could not be proven, each with what would prove it; ``facts`` is what the
    layer wants to tell besides, by name (such as the bound of a run's cost), for people and JSON.
    The fact ``summary`` is the line that the layer's row shows: what was looked at, in a few words.
    """

    name: str
    diagnostics: tuple[Diagnostic, ...] = ()
    unproven: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def colour(self) -> Colour:
        """Red with an error, amber with a warning; green only where all of it was proven."""
        if any(d.severity == "error" for d in self.diagnostics):
            return "red"
        if self.diagnostics:
            return "amber"
        return "not proven" if self.unproven else "green"

    @property
    def summary(self) -> str:
        """What was looked at, in a line; empty where the layer does not say."""
        return str(self.facts.get("summary", ""))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "colour": self.colour,
            "diagnostics": [d.to_dict() for d in self.diagnostics],
            "unproven": list(self.unproven),
            "facts": dump_any(dict(self.facts)),
        }


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """The six layers of one check, in the order of ``LAYERS``. ``source`` names the text.

    ``mesh`` is empty where the text could not be read.
    """

    mesh: str
    source: str
    layers: tuple[LayerReport, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error; there may be warnings, and things not proven."""
        return all(layer.colour != "red" for layer in self.layers)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every finding, by layer."""
        return tuple(d for layer in self.layers for d in layer.diagnostics)

    def layer(self, name: str) -> LayerReport:
        """One layer by its name. Raises KeyError."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"no layer {name!r}; the layers are {', '.join(LAYERS)}")

    @property
    def verdict(self) -> str:
        """All of it in a few words: errors, else warnings, and what is not proven."""
        errors = sum(d.severity == "error" for d in self.diagnostics)
        warnings = len(self.diagnostics) - errors
        if errors:
            return f"not ready: {_count(errors, 'error')}"
        open_layers = ", ".join(layer.name for layer in self.layers if layer.unproven)
        found = f"no errors, {_count(warnings, 'warning')}" if warnings else "no errors"
        if open_layers:
            return f"{found}; not proven: {open_layers}"
        return found if warnings else "ready: every layer is green"

    def to_dict(self) -> dict[str, Any]:
        """As JSON; each layer is ``{name, colour, diagnostics, unproven, facts}``."""
        return {
            "ok": self.ok,
            "mesh": self.mesh,
            "source": self.source,
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def to_sarif(self, version: str = "") -> dict[str, Any]:
        """As SARIF 2.1.0, which code hosts show beside the lines of a change.

        ``version`` is the one of the program that writes it.
        """
        from leafmesh_nb.compose.sarif import sarif

        return sarif(self, version)

    def to_frame(self) -> pd.DataFrame:
        """A row for each finding and each thing not proven, and one for a layer with neither.

        ``severity`` is error, warning or not proven, missing where the layer is green.
        """
        import pandas as pd

        rows = [row for layer in self.layers for row in _rows(layer, self.source)]
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
        numbers = ("line", "column")
        kinds = {name: "Int64" if name in numbers else "string" for name in COLUMNS}
        return frame.astype(kinds)

    def _repr_html_(self) -> str:
        from leafmesh_nb.compose.render import report_html

        return report_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __str__(self) -> str:
        from leafmesh_nb.compose.render import report_text

        return report_text(self)

    def __repr__(self) -> str:
        layers = ", ".join(f"{layer.name} {layer.colour}" for layer in self.layers)
        return f"<Report {self.mesh or self.source}: {layers}>"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _rows(layer: LayerReport, source: str) -> Iterable[tuple[Any, ...]]:
    head = (layer.name, layer.colour)
    for d in layer.diagnostics:
        place = (d.source, d.span.line, d.span.column)
        yield (*head, d.severity, d.code, d.message, d.hint, *place)
    for text in layer.unproven:
        yield (*head, "not proven", None, text, None, source, None, None)
    if layer.colour == "green":
        yield (*head, None, None, None, None, source, None, None)
