"""From a text to a Spec: the entry to the language."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language.build import build
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Collector, Diagnostic, TooManyErrors
from leafmesh_nb.language.last_defence import fault
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.render import render_text
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.spec import Spec

__all__ = ["Parsed", "load", "parse", "stated_name"]

_NAME = re.compile(r"""^mesh[ ]*:[ ]+["']?([a-z][a-z0-9_]*)\b""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text gave: a Spec, or None where there is an error among the diagnostics."""

    spec: Spec | None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are errors."""
        return tuple(d for d in self.diagnostics if d.severity == "error")


def parse(text: str, *, source: str = "mesh", name: str | None = None) -> Parsed:
    """Read and check a mesh. Never raises for what a text contains.

    ``source`` names the text in diagnostics (``cell``, a file's name); ``name`` is a name that
    the mesh was given elsewhere, which must be its own.
    """
    origin = Source(text, source)
    collector = Collector(origin)
    spec = None
    try:
        node = read(origin, collector)
        if node is not None:
            spec = build(Context(origin.covered, collector), node, text, name)
    except TooManyErrors:
        spec = None
    except Exception as error:
        return Parsed(None, (*collector.finish(), fault(error, source)))
    return Parsed(None if collector.failed else spec, collector.finish())


def load(text: str, *, source: str = "mesh", name: str | None = None) -> Spec:
    """The Spec of a text. Raises MeshError with all diagnostics if there is an error."""
    parsed = parse(text, source=source, name=name)
    if parsed.spec is not None:
        return parsed.spec
    errors = parsed.errors
    first = errors[0]
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    place = f"{source}, line {first.span.line}, column {first.span.column}"
    raise MeshError(
        f"{count}; the first is at {place}\n\n{render_text(parsed.diagnostics)}",
        parsed.diagnostics,
    )


def stated_name(text: str) -> str:
    """The name that a text gives its mesh, whatever else is wrong with it; empty for none."""
    found = _NAME.search(Source(text).text)
    return found.group(1) if found else ""
