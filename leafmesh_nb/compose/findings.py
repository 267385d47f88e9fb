"""Taking down what one layer finds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.language import Related, Span
from leafmesh_nb.language.diagnostics import Collector, TooManyErrors
from leafmesh_nb.language.secret_texts import mask

__all__ = ["Findings"]


class Findings:
    """Findings of one layer about one subject; ``report`` sorts, deduplicates and masks them."""

    def __init__(self, subject: Subject, layer: str) -> None:
        self._layer = layer
        self._collector = Collector(subject.origin)
        self._unproven: dict[str, None] = {}
        self.facts: dict[str, Any] = {}

    def error(
        self, code: str, message: str, span: Span, hint: str = "", related: Iterable[Related] = ()
    ) -> None:
        """Something that must not ship. Beyond the first 200, LM199 stands for the rest."""
        self._add("error", code, message, span, hint, related)

    def warning(
        self, code: str, message: str, span: Span, hint: str = "", related: Iterable[Related] = ()
    ) -> None:
        """Something that may be meant, and is rarely wise."""
        self._add("warning", code, message, span, hint, related)

    def unproven(self, text: str) -> None:
        """Something that could not be proven: what, and what would prove it."""
        self._unproven.setdefault(mask(text))

    def report(self) -> LayerReport:
        """All of it."""
        found = self._collector.finish()
        return LayerReport(self._layer, found, tuple(self._unproven), dict(self.facts))

    def _add(
        self,
        severity: Literal["error", "warning"],
        code: str,
        message: str,
        span: Span,
        hint: str,
        related: Iterable[Related],
    ) -> None:
        add = self._collector.error if severity == "error" else self._collector.warning
        try:
            add(code, message, span, hint, related)
        except TooManyErrors:
            return  # counted: finish() says that there are more
