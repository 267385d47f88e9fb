"""The reference mesh, and a way to see what a changed text is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from leafmesh_nb.language import Diagnostic, Spec, parse

REFERENCE = Path(__file__).parents[1] / "fixtures" / "refunds.yaml"


@pytest.fixture(scope="session")
def refunds() -> str:
    """The reference mesh of the language's description, verbatim."""
    return REFERENCE.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Told:
    """A text and its diagnostics."""

    text: str
    spec: Spec | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def codes(self) -> list[str]:
        return [d.code for d in self.diagnostics]

    def only(self, code: str) -> Diagnostic:
        """The one diagnostic there is, which has this code."""
        assert self.codes == [code], [str(d) for d in self.diagnostics]
        return self.diagnostics[0]

    def marked(self, diagnostic: Diagnostic) -> str:
        """The source text over the caret."""
        span = diagnostic.span
        lines = self.text.split("\n")
        if span.line == span.end_line:
            return lines[span.line - 1][span.column - 1 : span.end_column - 1]
        return lines[span.line - 1][span.column - 1 :]


@pytest.fixture
def told() -> Callable[[str], Told]:
    """Parse a text."""

    def parse_text(text: str) -> Told:
        parsed = parse(text, source="cell")
        return Told(text, parsed.spec, parsed.diagnostics)

    return parse_text


@pytest.fixture
def changed(refunds: str) -> Callable[..., Told]:
    """Parse the reference mesh with one text in it replaced by another."""

    def parse_changed(old: str, new: str, count: int = 1) -> Told:
        assert old in refunds, f"the reference mesh has no {old!r}"
        text = refunds.replace(old, new, count)
        parsed = parse(text, source="cell")
        return Told(text, parsed.spec, parsed.diagnostics)

    return parse_changed
