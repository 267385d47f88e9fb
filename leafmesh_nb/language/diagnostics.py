"""What is wrong with a text: diagnostics with a place, collected all at once."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from leafmesh_nb.language.codes import CODES
from leafmesh_nb.language.lookalikes import remark
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.render import render_html, render_text
from leafmesh_nb.language.secret_texts import mask
from leafmesh_nb.language.source import Source

__all__ = [
    "CODES",
    "Collector",
    "Diagnostic",
    "Related",
    "TooManyErrors",
    "render_html",
    "render_text",
]

Severity = Literal["error", "warning"]

_LONGEST_LINE = 2000
_LONGEST_NAME = 100
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"[^\W\d][\w-]*")
_UNKNOWN = ("LM310", "LM311")
MOST_ERRORS = 200
MOST_WARNINGS = 100


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that a diagnostic speaks of; ``line_text`` is the source line at its start."""

    message: str
    span: Span
    line_text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong, where, and what to do.

    ``source`` names the text (a cell, a file), ``lines`` are the source lines of ``span`` (at
    most the first four); secrets are masked in every one of these texts.
    """

    code: str
    severity: Severity
    message: str
    span: Span
    hint: str = ""
    source: str = "mesh"
    lines: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()

    @property
    def line_text(self) -> str:
        """The source line at the start of the span."""
        return self.lines[0] if self.lines else ""

    @property
    def title(self) -> str:
        """What this code is about, in a few words."""
        return CODES.get(self.code, "")

    def __str__(self) -> str:
        return f"{self.source}:{self.span.line}:{self.span.column}: {self.code} {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON: lines and columns from 1, the end exclusive."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "source": self.source,
            **_place(self.span),
            "line_text": self.line_text[:_LONGEST_LINE],
            "related": [
                {"message": r.message, **_place(r.span), "line_text": r.line_text[:_LONGEST_LINE]}
                for r in self.related
            ],
        }


def _place(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


class FindingLike(Protocol):
    """What the expression package reports."""

    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def span(self) -> Span: ...
    @property
    def hint(self) -> str: ...
    @property
    def severity(self) -> Severity: ...


class TooManyErrors(Exception):
    """There are so many errors that looking for more helps nobody; they have been collected."""


@dataclass(slots=True)
class Collector:
    """Takes every diagnostic of one text; ``finish`` sorts, deduplicates and masks them.

    One cause gives one message: after ``close(span)``, what is found inside that span is dropped,
    and so are unknown names that are ``misnamed``: ids that were refused where they are declared.
    Raises TooManyErrors after 200 errors, which bounds the work for any text.
    """

    source: Source
    errors: int = 0
    misnamed: set[str] = field(default_factory=set)
    _found: dict[tuple[object, ...], Diagnostic] = field(default_factory=dict)
    _closed: list[Span] = field(default_factory=list)
    _warnings: int = 0

    def error(
        self, code: str, message: str, span: Span, hint: str = "", related: Iterable[Related] = ()
    ) -> None:
        """Add an error."""
        self._add(Diagnostic(code, "error", message, span, hint, related=tuple(related)))

    def warning(
        self, code: str, message: str, span: Span, hint: str = "", related: Iterable[Related] = ()
    ) -> None:
        """Add a warning."""
        self._add(Diagnostic(code, "warning", message, span, hint, related=tuple(related)))

    def finding(self, finding: FindingLike, hint: str = "") -> None:
        """Add what the expression package found, with another hint if one is given."""
        if finding.code in _UNKNOWN and self.misnamed and self._is_misnamed(finding.span):
            return
        self._add(
            Diagnostic(
                finding.code,
                finding.severity,
                _sentence(finding.message, ".?!:"),
                finding.span,
                hint or _sentence(finding.hint),
            )
        )

    def close(self, span: Span) -> None:
        """Drop whatever is still found within ``span``: its cause has been told."""
        self._closed.append(span)

    def withdraw(self, span: Span, codes: Container[str]) -> None:
        """Take back what has these codes within ``span``: their cause turned out to be
        another."""
        for key, found in list(self._found.items()):
            if found.code in codes and _within(found.span, span):
                del self._found[key]
                if found.severity == "error":
                    self.errors -= 1
                else:
                    self._warnings -= 1

    @property
    def failed(self) -> bool:
        """Whether there is an error among what was found."""
        return self.errors > 0

    def finish(self) -> tuple[Diagnostic, ...]:
        """All that was found, by place, with the source lines, secrets masked."""
        found = sorted(self._found.values(), key=lambda d: (d.span, d.severity, d.code, d.message))
        if self.errors >= MOST_ERRORS:
            message = f"There are more than {MOST_ERRORS - 1} errors; the rest is not checked."
            found.append(Diagnostic("LM199", "error", message, found[-1].span))
        elif self._warnings > MOST_WARNINGS:
            message = f"{self._warnings - MOST_WARNINGS} more warnings are not shown."
            found.append(Diagnostic("LM199", "warning", message, found[-1].span))
        if not found:
            return ()
        lines = _writable(self.source.starred(self.source.covered.text)).split("\n")
        return tuple(self._shown(d, lines) for d in found)

    def _is_misnamed(self, span: Span) -> bool:
        """Whether a place is within a word that was refused as an id."""
        line = self.source.line(span.line)
        return any(
            word.start() < span.column <= word.end() and word.group() in self.misnamed
            for word in _WORD.finditer(line)
        )

    def _add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        if any(c.line <= span.line <= c.end_line and _within(span, c) for c in self._closed):
            return
        key = (diagnostic.severity, diagnostic.code, diagnostic.message, span)
        if key in self._found:
            return
        if diagnostic.severity == "warning":
            self._warnings += 1
            if self._warnings <= MOST_WARNINGS:
                self._found[key] = diagnostic
            return
        self._found[key] = diagnostic
        self.errors += 1
        if self.errors >= MOST_ERRORS:
            raise TooManyErrors

    def _shown(self, diagnostic: Diagnostic, lines: list[str]) -> Diagnostic:
        def masked(text: str) -> str:
            return _writable(mask(self.source.starred(text)))

        span = _inside(diagnostic.span, lines)
        last = min(span.end_line, span.line + 3, len(lines))
        written = lines[span.line - 1][span.column - 1 :]
        if span.end_line == span.line:
            written = written[: span.end_column - span.column]
        more = remark(diagnostic.code, written[:_LONGEST_NAME], diagnostic.hint)
        return replace(
            diagnostic,
            span=span,
            message=masked(diagnostic.message),
            hint=masked(_both(diagnostic.hint, more)),
            source=self.source.name,
            lines=tuple(lines[span.line - 1 : last]),
            related=tuple(
                replace(
                    r,
                    span=_inside(r.span, lines),
                    message=masked(r.message),
                    line_text=lines[r.span.line - 1] if r.span.line <= len(lines) else "",
                )
                for r in diagnostic.related
            ),
        )


def _both(hint: str, more: str) -> str:
    """Two hints as one; what follows source to copy is a line of its own."""
    return ("\n" if "\n" in hint else " ").join(filter(None, (hint, more)))


def _writable(text: str) -> str:
    """``text`` without single surrogates, which no file, socket or JSON reader takes."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _sentence(text: str, ends: str = ".?!:`") -> str:
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in ends else f"{text}."


def _inside(span: Span, lines: list[str]) -> Span:
    """``span`` within the text: in a line that was repaired a place may be further to the right."""
    end_column = min(span.end_column, len(lines[span.end_line - 1]) + 2)
    if (span.end_line, end_column) < span[:2]:
        return span._replace(column=end_column, end_column=end_column)
    return span._replace(end_column=end_column)


def _within(inner: Span, outer: Span) -> bool:
    return (
        (outer.line, outer.column)
        <= (inner.line, inner.column)
        < (
            outer.end_line,
            outer.end_column,
        )
    )
