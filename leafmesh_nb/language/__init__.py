"""The mesh language: text to a Spec, or to diagnostics.

    parsed = parse(text, source="cell")      Parsed(spec, diagnostics)
    spec = load(text)                        the Spec, or MeshError

Names are imported when they are first used: the YAML reader and the expression grammar are loaded
with the first text, never with the package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leafmesh_nb.language.diagnostics import CODES as CODES
    from leafmesh_nb.language.diagnostics import Diagnostic as Diagnostic
    from leafmesh_nb.language.diagnostics import Related as Related
    from leafmesh_nb.language.diagnostics import render_html as render_html
    from leafmesh_nb.language.diagnostics import render_text as render_text
    from leafmesh_nb.language.fit import assignable as assignable
    from leafmesh_nb.language.loading import Parsed as Parsed
    from leafmesh_nb.language.loading import load as load
    from leafmesh_nb.language.loading import parse as parse
    from leafmesh_nb.language.nodes import Span as Span
    from leafmesh_nb.language.schema import json_schema as json_schema
    from leafmesh_nb.language.spec import Spec as Spec
    from leafmesh_nb.language.to_json import dump as dump
    from leafmesh_nb.language.to_json import dump_any as dump_any
    from leafmesh_nb.language.type_syntax import parse_type as parse_type
    from leafmesh_nb.language.types import Type as Type
    from leafmesh_nb.language.types import describe as describe
    from leafmesh_nb.language.values import TypeMismatch as TypeMismatch
    from leafmesh_nb.language.values import accept as accept

_HOMES = {
    "CODES": "codes",
    "Diagnostic": "diagnostics",
    "Parsed": "loading",
    "Related": "diagnostics",
    "Span": "nodes",
    "Spec": "spec",
    "Type": "types",
    "TypeMismatch": "values",
    "accept": "values",
    "assignable": "fit",
    "describe": "types",
    "dump": "to_json",
    "dump_any": "to_json",
    "json_schema": "schema",
    "load": "loading",
    "parse": "loading",
    "parse_type": "type_syntax",
    "render_html": "render",
    "render_text": "render",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
