"""What is wrong with an expression, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from leafmesh_nb.language.nodes import ScalarNode, Span

__all__ = ["Finding", "Origin", "Problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning, under the characters that cause it.

    Codes: ``LM11x`` syntax, ``LM31x`` unknown names, ``LM41x`` types.
    """

    code: str
    message: str
    span: Span
    hint: str = ""
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of an expression's own text: offsets instead of a span."""

    code: str
    message: str
    start: int
    end: int
    hint: str = ""

    def at(self, origin: Origin) -> Finding:
        """The finding in the source that the text came from."""
        return Finding(self.code, self.message, origin.locate(self.start, self.end), self.hint)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an expression's text stands: in ``node.text`` from ``offset`` on."""

    node: ScalarNode
    text: str
    offset: int = 0

    def locate(self, start: int, end: int) -> Span:
        """The span of ``text[start:end]`` in the source."""
        return self.node.locate(self.offset + start, self.offset + end)
