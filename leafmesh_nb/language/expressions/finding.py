"""What is wrong with an expression, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from leafmesh_nb.language.nodes import ScalarNode, Span

__all__ = ["CODES", "Finding", "Origin", "Problem"]

CODES: Mapping[str, str] = MappingProxyType(
    {
        "LM110": "an expression that cannot be read",
        "LM111": "a text that is never closed",
        "LM112": "brackets that do not match",
        "LM113": "an expression that is missing or ends too early",
        "LM114": "an operator or word of another language",
        "LM115": "a value written as in another language",
        "LM116": "a placeholder that is not filled in",
        "LM117": "a constant that is not valid",
        "LM118": "an expression that is too long or nested too deeply",
        "LM119": "a macro that is not used as one",
        "LM310": "an unknown name in an expression",
        "LM311": "an unknown field",
        "LM312": "an unknown function",
        "LM404": "a value that cannot be proved to be what is needed",
        "LM410": "operands of the wrong type",
        "LM411": "the wrong number of arguments",
        "LM412": "an argument of the wrong type",
        "LM413": "a comparison that can never be true",
        "LM414": "a comparison of unrelated types",
        "LM415": "a condition that is neither true nor false",
        "LM416": "a pattern that cannot be used",
        "LM417": "a field of something that has none",
        "LM419": "a value that may be null",
    }
)
"""What each code of a finding stands for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning, under the characters that cause it.

    ``whole`` is the whole expression as it should be, where that is known. Codes: ``LM11x`` syntax,
    ``LM31x`` unknown names, ``LM4xx`` types.
    """

    code: str
    message: str
    span: Span
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of an expression's own text: offsets instead of a span."""

    code: str
    message: str
    start: int
    end: int
    hint: str = ""
    whole: str = ""

    def at(self, origin: Origin) -> Finding:
        """The finding in the source that the text came from."""
        span = origin.locate(self.start, self.end)
        return Finding(self.code, self.message, span, self.hint, whole=self.whole)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an expression's text stands: in ``node.text`` from ``offset`` on."""

    node: ScalarNode
    text: str
    offset: int = 0

    def locate(self, start: int, end: int) -> Span:
        """The span of ``text[start:end]`` in the source."""
        return self.node.locate(self.offset + start, self.offset + end)
