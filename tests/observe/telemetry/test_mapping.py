"""The names: none is a leaf and a prefix, the conventions' are theirs, and no other goes out."""

from __future__ import annotations

import inspect
import re

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from leafmesh_nb.engine.events import Event
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.telemetry import attributes, content, projection, sdk, totals
from leafmesh_nb.observe.telemetry.mapping import (
    SHAPES,
    Attribute,
    Happening,
    Metric,
    provider_name,
)
from leafmesh_nb.observe.telemetry.projection import project

ALL = [str(name) for names in (Attribute, Happening, Metric) for name in names]


def test_no_name_is_a_leaf_and_a_prefix() -> None:
    assert len(ALL) == len(set(ALL))
    names = set(ALL)
    for name in ALL:
        parts = name.split(".")
        above = {".".join(parts[:n]) for n in range(1, len(parts))}
        assert not above & names, name


def test_names_are_dotted_and_small() -> None:
    for name in ALL:
        assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", name)
        assert name.startswith(("gen_ai.", "leafmesh.", "error.type", "openinference.span.kind"))


def test_names_of_the_conventions_are_theirs() -> None:
    theirs = {v for n, v in vars(gen_ai_attributes).items() if n.startswith("GEN_AI_")}
    metrics = {v for n, v in vars(gen_ai_metrics).items() if isinstance(v, str)}
    ours = {name for name in ALL if name.startswith("gen_ai.")}
    assert ours - theirs - metrics == set()
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} <= ours & metrics


def test_operations_and_kinds() -> None:
    assert {shape.operation for shape in SHAPES.values() if shape.operation} == {
        "invoke_workflow",
        "invoke_agent",
        "chat",
        "execute_tool",
    }
    for shape in SHAPES.values():
        assert shape.word == (shape.operation or shape.word)
    assert SHAPES["model"].client


@pytest.mark.parametrize("name", ["approved", "edited", "waiting", "rejected", "skipped"])
def test_nothing_else_goes_out(runs: dict[str, list[Event]], spec: Spec, name: str) -> None:
    for span in project(runs[name], spec, Masker(), content=True):
        told = [span.attributes, *(h.attributes for h in span.happened)]
        told += [link.attributes for link in span.links]
        for some in told:
            assert all(isinstance(key, Attribute) for key in some)
            for value in some.values():
                assert isinstance(value, str | bool | int | float) or all(
                    isinstance(item, str) for item in value
                )
        assert all(isinstance(h.name, Happening) for h in span.happened)


def test_every_name_is_used() -> None:
    """A name that nothing emits would be a promise that nobody keeps."""
    used = "".join(map(inspect.getsource, (attributes, content, projection, sdk, totals)))
    for names in (Attribute, Happening, Metric):
        for name in names:
            assert re.search(rf"\b{names.__name__}\.{name.name}\b", used), name


def test_providers() -> None:
    assert provider_name("google") == "gcp.gemini"
    assert provider_name("openai") == "openai"
    assert provider_name("offline") == "offline"
