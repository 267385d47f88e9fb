"""The reference mesh, and a way to see what a changed text is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from leafmesh_nb.language import Diagnostic, Spec, build_steps, parse

FIXTURES = Path(__file__).parents[1] / "fixtures"
REFERENCE = FIXTURES / "refunds.yaml"


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


@pytest.fixture
def with_steps() -> Callable[..., Told]:
    """Parse a small mesh whose workflow ``w`` has the steps, each by its id the body of a flow
    map, and whatever other ``workflows`` are written."""
    head = (FIXTURES / "steps.yaml").read_text(encoding="utf-8")

    def parse_steps(
        steps: dict[str, str], output: str = "{}", *, workflows: str = "", save: str = "{}"
    ) -> Told:
        lines = "".join(f"      {name}: {{{body}}}\n" for name, body in steps.items())
        text = (
            f"{head}{workflows}  w:\n    input: {{n: integer, flag: boolean, some: any,"
            " texts: {list: string}, at: datetime, day: date, names: {map: integer}}\n"
            f"    save: {save}\n    steps:\n{lines}    output: {output}\n"
        )
        parsed = parse(text, source="cell")
        return Told(text, parsed.spec, parsed.diagnostics)

    return parse_steps


@pytest.fixture
def enforced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that enforces every key of a step: the names moved, and nothing else."""
    block = build_steps.STEP
    whole = replace(block, optional=(*block.optional, *block.later), later=())
    monkeypatch.setattr(build_steps, "STEP", whole)
    every = (*build_steps.COMPLEXITIES, *build_steps.LATER_COMPLEXITIES)
    monkeypatch.setattr(build_steps, "COMPLEXITIES", every)
    monkeypatch.setattr(build_steps, "LATER_COMPLEXITIES", ())
