"""What YAML offers and a mesh may not use: how each is refused, in words that help."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leafmesh_nb.language.diagnostics import Collector, Related
from leafmesh_nb.language.nodes import ScalarNode, Span
from leafmesh_nb.language.quoting import quoted_line
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.syntax import INDENT_WITH_SPACES, TABBED, fill_it

__all__ = ["Refusals"]

_PLACEHOLDER = re.compile(r"\{\{[^{}\n]{0,100}\}\}")
_QUOTE_IT = "If this is an expression or a text, quote it"
_PLAIN_KEY = "Write the key as a plain word."


@dataclass(frozen=True, slots=True)
class Refusals:
    """Reports to ``collector`` what the reader meets; nothing here decides what is read."""

    source: Source
    collector: Collector

    def too_many(self, most: int, span: Span) -> None:
        self.collector.error(
            "LM104",
            f"There are more than {most:,} values.",
            span,
            "Split the mesh, or keep data in files that agents read.",
        )

    def too_deep(self, most: int, span: Span) -> None:
        self.collector.error(
            "LM103",
            f"This is nested more than {most} levels deep.",
            span,
            "Check the brackets and the indentation.",
        )

    def empty(self) -> None:
        self.collector.error(
            "LM100",
            "The text is empty.",
            Span(1, 1, 1, 2),
            "A mesh starts with its name, such as `mesh: refunds`.",
        )

    def tab(self, line: int) -> None:
        """The first tab of a line that is indented with it."""
        at = self.source.line(line).index("\t") + 1
        self.collector.error("LM107", TABBED, Span(line, at, line, at + 1), INDENT_WITH_SPACES)

    def second_document(self, span: Span) -> None:
        self.collector.error(
            "LM105",
            "A second document starts here; a mesh is one document.",
            span,
            "Remove the `---`, or put the second mesh in a cell or file of its own.",
        )

    def directive(self, line: int) -> None:
        self.collector.error(
            "LM105",
            "A mesh has no YAML directives.",
            Span(line, 1, line, 2),
            "Remove the line that starts with `%`.",
        )

    # -- tags, anchors, aliases

    def tag(self, span: Span, start: int, meant: int) -> None:
        """A tag before a scalar; ``meant`` is where it ends if it is an expression."""
        self.collector.error(
            "LM109",
            "`!` at the start of a value is a YAML tag, which a mesh may not use.",
            span,
            "If this is an expression, quote it so that YAML leaves it whole:\n"
            + quoted_line(self.source, start, meant),
        )

    def anchor(self, sign: str, name: str, span: Span, start: int, meant: int) -> None:
        """An anchor (``&``) before a scalar, or an alias (``*``) in its place."""
        what = "an anchor" if sign == "&" else "an alias"
        self.collector.error(
            "LM120",
            f"`{sign}{name}` is {what} of YAML, which a mesh may not use.",
            span,
            f"Write the value where it is needed. {_QUOTE_IT}:\n"
            + quoted_line(self.source, start, meant),
        )

    def tagged_collection(self, span: Span) -> None:
        self.collector.error(
            "LM109", "A mesh may not use YAML tags.", span, "Remove the part with `!`."
        )

    def anchored_collection(self, name: str, span: Span) -> None:
        self.collector.error(
            "LM120",
            f"`&{name}` is an anchor of YAML, which a mesh may not use.",
            span,
            "Write the value where it is needed.",
        )

    def decorated_key(self, anchor: str | None, alias: bool, span: Span) -> None:
        """A tag, an anchor or an alias where a key is expected."""
        if anchor is None:
            self.collector.error("LM109", "A mesh may not use YAML tags.", span, _PLAIN_KEY)
            return
        sign, what = ("*", "an alias") if alias else ("&", "an anchor")
        self.collector.error(
            "LM120",
            f"`{sign}{anchor}` is {what} of YAML, which a mesh may not use.",
            span,
            _PLAIN_KEY,
        )

    # -- scalars

    def number(self, span: Span) -> None:
        self.collector.error(
            "LM123",
            "This number is not finite, or has more than 300 digits.",
            span,
            "Quote it if it is text.",
        )
        self.collector.close(span)

    def old_boolean(self, text: str, span: Span) -> None:
        self.collector.warning(
            "LM122",
            f"`{text}` is text here, though older YAML tools read it as a boolean.",
            span,
            f'Write "{text}" for the text, or true or false.',
        )

    def escape(self, span: Span) -> None:
        self.collector.error(
            "LM106",
            "This text has an escape for a character that is not allowed.",
            span,
            "NUL and single surrogates cannot be stored.",
        )
        self.collector.close(span)

    def placeholder_in(self, node: ScalarNode) -> None:
        """A placeholder that was not filled, if there is one in a text."""
        match = _PLACEHOLDER.search(node.text)
        if match:
            self._placeholder(match.group(), node.locate(*match.span()))
            self.collector.close(node.span)

    def placeholder_at(self, offset: int) -> None:
        """A placeholder that YAML reads as a map within a map."""
        match = _PLACEHOLDER.match(self.source.text, offset)
        written = match.group() if match else "{{"
        self._placeholder(written, self.source.span(offset, offset + len(written)))

    def _placeholder(self, written: str, span: Span) -> None:
        self.collector.error(
            "LM124", f"The placeholder `{written}` was not filled.", span, fill_it(written)
        )
        self.collector.close(span)

    # -- keys

    def key_not_text(self, span: Span) -> None:
        self.collector.error("LM121", "A key must be text.", span, _PLAIN_KEY)

    def no_key(self, span: Span) -> None:
        self.collector.error("LM121", "There is a `:` without a key.", span)

    def merge_key(self, span: Span) -> None:
        self.collector.error(
            "LM120", "`<<` is a merge key of YAML, which a mesh may not use.", span,
            "Write the keys out.",
        )  # fmt: skip

    def duplicate(self, node: ScalarNode, earlier: ScalarNode) -> None:
        shown = node.text if len(node.text) <= 80 else node.text[:79] + "…"
        self.collector.error(
            "LM108",
            f"The key `{shown}` is here twice.",
            node.span,
            "Remove one of them.",
            (Related("it is already here", earlier.span),),
        )
