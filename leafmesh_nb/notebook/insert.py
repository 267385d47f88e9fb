"""``{{name}}`` in a cell: a Python value in the text, before it is parsed and hashed.

It can never add structure. The cell is read as YAML with a word in place of each hole, which tells
in what the hole stands, and what is written there is a value and nothing else: a whole value is a
scalar, or a list or map of quoted scalars; inside a text it is text, and the text is quoted where
that is needed; where texts are expressions it is a literal of theirs, and in a template a ``${`` of
it is just two characters. A hole in a comment stays, for a comment is no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language.diagnostics import Collector, Diagnostic, TooManyErrors
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.scalars import resolve
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.notebook.code_state import CodeState
from leafmesh_nb.notebook.written import (
    Plain,
    Unwritable,
    as_code,
    as_text,
    as_yaml,
    plain,
    quoted,
)

__all__ = ["insert"]

Place = Literal["text", "template", "expression"]
Path = tuple[str | int, ...]

_HOLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_NOTHING_TO_YAML = re.compile(r"\w(?:[\w ./+-]*\w)?|\(?-?\d[\d.]*\)?")
"""What changes nothing in a plain text, wherever it stands in it: words and numbers."""
_EXPRESSIONS = ("when", "with", "save", "until", "let", "for_each", "repeat")
_CODE = "LM124"


@dataclass(frozen=True, slots=True)
class _Hole:
    start: int
    end: int
    name: str


def insert(
    text: str, names: Mapping[str, Any], *, source: str = "cell", at: Sequence[str] = ()
) -> str:
    """The text with every ``{{name}}`` replaced by the value of that Python variable.

    ``source`` names the text in diagnostics. ``at`` is where in a mesh the text belongs, as
    ``("policies", "payouts")``; empty for a whole mesh. Raises MeshError with all diagnostics.
    """
    if "{{" not in text:
        return text
    origin = Source(text, source)
    holes = [_Hole(*m.span(), m[1]) for m in _HOLE.finditer(origin.text)]
    if not holes:
        return text
    return _Filling(origin, holes, names).filled(tuple(at))


class _Filling:
    """One text being filled."""

    def __init__(self, origin: Source, holes: list[_Hole], names: Mapping[str, Any]) -> None:
        self.origin = origin
        self.holes = holes
        self.names = names
        self.collector = Collector(origin)
        # Two characters that the text does not have, in turn: neighbours stay two words.
        free = (chr(c) for c in range(0xE000, 0xF8FF) if chr(c) not in origin.text)
        self.marks = (next(free), next(free))
        self.run = re.compile(f"{self.marks[0]}+|{self.marks[1]}+")

    def filled(self, at: Path) -> str:
        marked = self._marked()
        root = self._read(marked)
        edits: list[tuple[int, int, str]] = []
        with suppress(TooManyErrors):
            for node, path, is_key in _scalars(root, at):
                runs = len(self.run.findall(node.text))
                if not runs:
                    continue
                start = marked.offset(node.span.line, node.span.column)
                end = marked.offset(node.span.end_line, node.span.end_column)
                # Those of a comment behind a block scalar's `|` come first, and are no part of it.
                inside = [hole for hole in self.holes if start <= hole.start < end][-runs:]
                if is_key:
                    self._no_key(inside[0])
                else:
                    edits += self._edits(node, inside, place_of(path), (start, end))
        if self.collector.failed:
            raise _refused(self.collector.finish())
        text = self.origin.text
        for start, end, written in sorted(edits, reverse=True):
            text = text[:start] + written + text[end:]
        return text

    def _marked(self) -> Source:
        """The text with a word of the same length in place of each hole."""
        text = self.origin.text
        for number, hole in enumerate(self.holes):
            word = self.marks[number % 2] * (hole.end - hole.start)
            text = text[: hole.start] + word + text[hole.end :]
        return Source(text, self.origin.name)

    def _read(self, marked: Source) -> Node:
        collector = Collector(marked)
        root = None
        with suppress(TooManyErrors):
            root = read(marked, collector)
        if root is None:
            raise _refused(tuple(self._unmarked(d) for d in collector.finish()))
        return root

    def _unmarked(self, diagnostic: Diagnostic) -> Diagnostic:
        lines = self.origin.lines[diagnostic.span.line - 1 :][: len(diagnostic.lines)]
        return replace(
            diagnostic,
            message=self.run.sub("{{…}}", diagnostic.message),
            hint=self.run.sub("{{…}}", diagnostic.hint),
            lines=lines,
        )

    # -- one scalar

    def _edits(
        self, node: ScalarNode, holes: list[_Hole], place: Place, range_: tuple[int, int]
    ) -> Iterator[tuple[int, int, str]]:
        """The edits that put the values of its holes into a scalar."""
        values = [self._value(hole) for hole in holes]
        if any(isinstance(value, _Missing) for value in values):
            return
        if node.style == "plain" and self.run.fullmatch(node.text):
            yield (*range_, self._said(holes[0], _whole, values[0], place))
            return
        parts = self.run.split(node.text)
        state = CodeState(inside=place == "expression", template=place != "text")
        inserted: list[str] = []
        for number, (hole, value) in enumerate(zip(holes, values, strict=True)):
            state.feed(parts[number])
            after = parts[number + 1]
            alone = number == len(holes) - 1 or bool(after)
            inserted.append(self._said(hole, _inside, value, state, after, alone))
            state.skip()
        if self.collector.failed:
            return
        whole = parts[0] + "".join(a + b for a, b in zip(inserted, parts[1:], strict=True))
        in_place = _in_place(node, values, inserted, whole)
        if in_place is None:
            yield (*range_, self._requoted(whole, node, range_))
            return
        for hole, written in zip(holes, in_place, strict=True):
            yield hole.start, hole.end, written

    def _requoted(self, text: str, node: ScalarNode, range_: tuple[int, int]) -> str:
        """A text in quotes on one line, and as many line breaks as it had: no line below moves."""
        breaks = self.origin.text.count("\n", *range_)
        if not breaks:
            return quoted(text)
        return quoted(text) + "\n" * breaks + " " * (node.span.end_column - 1)

    def _value(self, hole: _Hole) -> Plain | _Missing:
        if hole.name not in self.names:
            close = suggest(hole.name, (n for n in self.names if not n.startswith("_")))
            offer = f"Did you mean `{{{{{close}}}}}`? " if close else ""
            self._error(
                hole,
                f"There is no Python variable `{hole.name}`.",
                f"{offer}It must have its value before this cell runs.",
            )
            return _MISSING
        try:
            return plain(self.names[hole.name])
        except Unwritable as error:
            self._error(hole, f"`{hole.name}` {error}.", error.hint)
            return _MISSING

    def _said(self, hole: _Hole, write: Callable[..., str], *given: Any) -> str:
        try:
            return write(*given)
        except Unwritable as error:
            self._error(hole, f"`{hole.name}` {error}.", error.hint)
            return ""

    def _no_key(self, hole: _Hole) -> None:
        self._error(
            hole,
            f"A key cannot come from Python, and `{{{{{hole.name}}}}}` is one.",
            "Write the key out; a value can be inserted, also a whole dict.",
        )

    def _error(self, hole: _Hole, message: str, hint: str) -> None:
        span = self.origin.span(hole.start, hole.end)
        self.collector.error(_CODE, message, span, hint)


class _Missing:
    """A value that there is not, which has been reported."""


_MISSING = _Missing()


def _refused(diagnostics: tuple[Diagnostic, ...]) -> MeshError:
    first = diagnostics[0]
    return MeshError(f"line {first.span.line}: {first.message} {first.hint}".strip(), diagnostics)


def _scalars(root: Node, at: Path) -> Iterator[tuple[ScalarNode, Path, bool]]:
    """Every scalar with its path, and whether it is a key."""
    stack: list[tuple[Node, Path]] = [(root, at)]
    while stack:
        node, path = stack.pop()
        if isinstance(node, ScalarNode):
            yield node, path, False
        elif isinstance(node, SequenceNode):
            stack += [(item, (*path, number)) for number, item in enumerate(node.items)]
        elif isinstance(node, MappingNode):
            for entry in node:
                yield entry.key, path, True
                stack.append((entry.value, (*path, entry.key.text)))


def place_of(path: Path) -> Place:
    """What a text is at a place of a mesh."""
    match path:
        case ("agents", _, "instructions"):
            return "template"
        case ("policies", _, "rules", _, "reason"):
            return "template"
        case ("policies", _, "rules", _, "when", *_):
            return "expression"
        case ("workflows", _, "save" | "output", *_):
            return "expression"
        case ("workflows", _, "steps", _, key, *_) if key in _EXPRESSIONS:
            return "expression"
    return "text"


def _whole(value: Plain, place: Place) -> str:
    """A value that is all that a key has."""
    if place == "template" and isinstance(value, str):
        return quoted(value.replace("${", "$${"))
    return as_yaml(value, code=place == "expression")


def _inside(value: Plain, state: CodeState, after: str, alone: bool) -> str:
    """What a value becomes in the middle of a text: there, in code, or in a text of the code."""
    if not state.inside:
        text = as_text(value)
        if not state.template:
            return text
        if (text.startswith("{") and state.last == "$") or (
            text.endswith("$") and after.startswith("{")
        ):
            raise Unwritable("would make a ${…} together with what stands beside it")
        return text.replace("${", "$${")
    if not state.quote:
        if state.last.isalnum() or state.last in ("_", '"', "'") or not alone:
            raise Unwritable("needs a space before it, to be a value of its own")
        if after[:1].isalnum() or after[:1] in ("_", '"', "'"):
            raise Unwritable("needs a space after it, to be a value of its own")
        return as_code(value)
    text = as_text(value)
    if state.raw:
        if not text.isprintable() or '"' in text or "'" in text:
            raise Unwritable('has characters that cannot stand in an r"…" text')
        return text
    return as_code(text)[1:-1].replace("'", "\\'")


def _in_place(
    node: ScalarNode, values: Sequence[object], inserted: list[str], whole: str
) -> list[str] | None:
    """The pieces as they can stand in the scalar as it is written; None: it must be quoted anew."""
    if node.style == "plain":
        texts = any(isinstance(value, str) for value in values)
        stays = all(map(_NOTHING_TO_YAML.fullmatch, inserted))
        return inserted if stays and (not texts or isinstance(resolve(whole), str)) else None
    if any(not piece.isprintable() for piece in inserted):
        return None
    if node.style in ("literal", "folded"):
        edges = all(piece and piece == piece.strip() for piece in inserted)
        return inserted if edges else None
    if node.span.line != node.span.end_line:
        return None  # spaces at the ends of its lines would be folded
    if node.style == "single":
        return [piece.replace("'", "''") for piece in inserted]
    return [piece.replace("\\", "\\\\").replace('"', '\\"') for piece in inserted]
