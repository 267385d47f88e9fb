"""The pre-compose check of a mesh, and of a text that may be none: what ``compose`` is handed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from leafmesh_nb.compose import Report, SampleRun, Subject, check
from leafmesh_nb.errors import MeshError
from leafmesh_nb.language import Diagnostic, Spec, parse
from leafmesh_nb.mesh.dry_run import Parts, dry_run

__all__ = ["check_mesh", "check_text"]

Samples = Iterable[Mapping[str, Any]]


def check_mesh(
    spec: Spec,
    found: tuple[Diagnostic, ...],
    parts: Parts,
    *,
    samples: Samples | None = None,
    release: bool = False,
) -> Report:
    """Look at a mesh through all six layers; ``Mesh.check`` says what the arguments mean.

    ``found`` are the language's diagnostics. Raises MeshError for samples that are none.
    """
    given = None if samples is None else _accepted(samples)

    def run_sample(workflow: str, sample: Mapping[str, Any]) -> SampleRun:
        return dry_run(spec, parts, workflow, sample)

    return check(
        Subject(
            text=spec.text,
            source=spec.source,
            spec=spec,
            found=found,
            functions=MappingProxyType(dict(parts.functions)),
            samples=given,
            run_sample=run_sample,
            release=release,
            prices=parts.prices,
        )
    )


def check_text(
    text: str, source: str = "mesh", *, samples: Samples | None = None, release: bool = False
) -> Report:
    """The same for a text, which need not be a mesh at all: what is wrong with it is the report.

    Functions are those that it names as ``python: "module:function"``. Layers 1 to 5 read them
    without an import; the dry run of the output layer imports them, as every run does.
    """
    parsed = parse(text, source=source)
    if parsed.spec is None:
        return check(Subject(text, source, None, parsed.diagnostics, release=release))
    return check_mesh(parsed.spec, parsed.diagnostics, Parts(), samples=samples, release=release)


def _accepted(samples: Any) -> tuple[Mapping[str, Any], ...]:
    """Samples as a list of inputs. Raises MeshError, naming the first that is none."""
    shape = "samples= takes a list of workflow inputs, each a dict"
    if isinstance(samples, Mapping):
        raise MeshError(f"{shape}; this is one of them: samples=[…]")
    if isinstance(samples, str | bytes) or not isinstance(samples, Iterable):
        raise MeshError(f"{shape}, not {type(samples).__name__}")
    given = tuple(samples)
    for number, sample in enumerate(given, 1):
        if not isinstance(sample, Mapping):
            frame = type(samples).__name__ == "DataFrame"
            remedy = '; for a frame, frame.to_dict("records")' if frame else ""
            raise MeshError(f"{shape}; number {number} is a {type(sample).__name__}{remedy}")
    return given
