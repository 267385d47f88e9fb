"""A run's input: from keywords to JSON, or a refusal that says what the workflow takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leafmesh_nb.errors import RunError
from leafmesh_nb.language.spec import Workflow
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.types import describe
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.masking import Masker

__all__ = ["accepted_input"]


def accepted_input(flow: Workflow, more: Any, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The input of ``flow`` in JSON form: its defaults, ``more`` (a mapping) and ``keywords``.

    Raises RunError naming the field and what is wrong with it.
    """
    if more is not None and not isinstance(more, Mapping):
        raise RunError(f"input= takes a dict of inputs, not {type(more).__name__}")
    given = dict(more or {})
    twice = sorted(name for name in keywords if name in given)
    if twice:
        raise RunError(f"input of {flow.id}: {', '.join(twice)} is given twice")
    try:
        accepted = accept(flow.input, {**flow.defaults, **given, **keywords}, lenient=True)
    except TypeMismatch as error:
        said = Masker().text(str(error))  # a cell shows it, and is saved
        stop = "" if said.endswith("?") else "."
        raise RunError(f"input of {flow.id}: {said}{stop} {_signature(flow)}") from None
    dumped = dump(flow.input, accepted)
    assert isinstance(dumped, dict), "a workflow's input is an object"
    return dumped


def _signature(flow: Workflow) -> str:
    fields = [f"{name}: {describe(type)}" for name, type in flow.input.fields]
    return f"{flow.id} takes {', '.join(fields)}" if fields else f"{flow.id} takes no input"
