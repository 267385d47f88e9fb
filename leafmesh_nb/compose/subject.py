"""What is checked: a text with what the language made of it, and what is bound to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from leafmesh_nb.agents.prices import ListPrices
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.ports import Prices
from leafmesh_nb.language import Diagnostic, Span, Spec, parse
from leafmesh_nb.language.diagnostics import Collector, TooManyErrors
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, SequenceNode
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source

__all__ = ["RunSample", "SampleRun", "Subject", "entries"]

_START = Span(1, 1, 1, 2)


@dataclass(frozen=True, slots=True)
class SampleRun:
    """A dry run of one workflow on one sample: offline models, a throwaway journal.

    ``status`` is ``done``; ``failed``, at ``step``, with ``error``; ``waiting`` where a person
    would be asked; ``stopped`` where a tool with a side effect would have been called; or ``not
    run``, where ``error`` says why. ``events`` are all that was recorded, ``output`` the
    workflow's output (JSON) once done.
    """

    workflow: str
    input: Mapping[str, Any]
    status: Literal["done", "failed", "waiting", "stopped", "not run"]
    output: Any = None
    error: str = ""
    step: str = ""
    events: tuple[Event, ...] = ()


RunSample = Callable[[str, Mapping[str, Any]], SampleRun]
"""Runs a workflow, named by its id, on one sample input. Never raises for what the mesh does."""


@dataclass(frozen=True)
class Subject:
    """What every layer is given.

    ``spec`` is None where the language found errors; ``found`` are the language's diagnostics.
    ``functions`` are those bound by ``agent:ID`` and ``tool:ID``, for their signatures: a layer
    never calls them. ``samples`` are workflow inputs; ``release`` is True for what is about to be
    deployed.
    """

    text: str
    source: str
    spec: Spec | None
    found: tuple[Diagnostic, ...] = ()
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    samples: Sequence[Mapping[str, Any]] | None = None
    run_sample: RunSample | None = None
    release: bool = False
    prices: Prices = field(default_factory=ListPrices)

    @classmethod
    def of_text(cls, text: str, source: str = "mesh", **more: Any) -> Subject:
        """A text as the language reads it; ``more`` are the other fields."""
        parsed = parse(text, source=source)
        return cls(text, source, parsed.spec, parsed.diagnostics, **more)

    @cached_property
    def origin(self) -> Source:
        """The text by lines and places."""
        return Source(self.text, self.source)

    @cached_property
    def tree(self) -> Node | None:
        """The tree of the text; None where it is no YAML, or too broken to go on reading."""
        try:
            return read(self.origin, Collector(self.origin))
        except TooManyErrors:
            return None

    def node(self, *path: str | int) -> Node | None:
        """The node of the text at ``path``; None where there is none."""
        node = self.tree
        for part in path:
            if isinstance(node, MappingNode):
                node = node.get(str(part))
            elif isinstance(node, SequenceNode) and isinstance(part, int):
                node = node.items[part] if part < len(node.items) else None
            else:
                return None
        return node

    def at_key(self, *path: str | int) -> Span:
        """The place of the key at ``path`` (``"policies", "payouts", "for"``), for a finding.

        An index is an item of a list. Where the text has less than that, the last part it has.
        """
        return self._places(path)[0]

    def at_value(self, *path: str | int) -> Span:
        """The place of the value at ``path``; as ``at_key`` where the text has less."""
        return self._places(path)[1]

    def _places(self, path: Sequence[str | int]) -> tuple[Span, Span]:
        node = self.tree
        key = value = _START if node is None else Span(*_first(node), *_first(node, 1))
        for part in path:
            if isinstance(node, MappingNode):
                entry = next((e for e in node if e.key.text == part), None)
                if entry is None:
                    break
                node, key, value = entry.value, entry.key.span, entry.value.span
            elif isinstance(node, SequenceNode) and isinstance(part, int):
                if part >= len(node.items):
                    break
                node = node.items[part]
                key = value = node.span
            else:
                break
        return key, value


def _first(node: Node, more: int = 0) -> tuple[int, int]:
    return node.span.line, node.span.column + more


def entries(node: Node | None) -> tuple[Entry, ...]:
    """The entries of a map; none of anything else."""
    return node.entries if isinstance(node, MappingNode) else ()
