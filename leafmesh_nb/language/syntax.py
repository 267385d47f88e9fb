"""What a YAML parser complains about, in words that help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from leafmesh_nb.language.diagnostics import Collector, Related
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.quoting import KEY_ERRORS, candidates, quote
from leafmesh_nb.language.slips import FirstError, find_slip
from leafmesh_nb.language.source import Source

if TYPE_CHECKING:
    from yaml import YAMLError

__all__ = ["INDENT_WITH_SPACES", "TABBED", "explain", "fill_it"]

TABBED = "A tab is used as indentation."
INDENT_WITH_SPACES = "Indent with spaces, two for each level."

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}\n]{0,100}?)\s*\}\}")


_REPAIRABLE = 50_000
_ROUNDS = 3
_TRIES = 6
_NEAR, _CUT_OFF = 20, 3
"""How far within brackets, and in how many lines there, a comment is tried as part of a text."""


def fill_it(written: str) -> str:
    """What to do about a placeholder that is left over; ``written`` starts with it."""
    found = _PLACEHOLDER.match(written)
    inner = found[1] if found else ""
    if not inner or inner.isidentifier():
        return (
            "In a notebook, {{name}} takes the Python variable of that name; in a file there is "
            "nothing to fill it."
        )
    return (
        "{{name}} takes one Python variable of a notebook. For a value of the run write "
        f"`${{{inner}}}` within a text such as `instructions`, and `{inner}` alone in `with` and "
        "other expressions."
    )


def explain(
    error: YAMLError, source: Source, collector: Collector, first_error: FirstError
) -> Source | None:
    """Add the diagnostic for an error of the YAML parser.

    ``first_error`` is used to try whether quoting an expression on that line repairs it. If so,
    the text with that line is given, so that the rest of it can be checked; its line is closed.
    An error that nothing repairs is not added where there has been a repair: it may follow from it.
    """
    problem = str(getattr(error, "problem", None) or "")
    context = str(getattr(error, "context", None) or "")
    at = _place(getattr(error, "problem_mark", None), source)
    opened = _place(getattr(error, "context_mark", None), source)
    line, column = at or opened or (len(source.lines), 1)

    text = source.line(line)
    indent = text[: len(text) - len(text.lstrip())]
    if "tab" in problem or "\t" in indent or (text[column - 1 : column] == "\t"):
        tab = text.find("\t") + 1
        collector.error(
            "LM107",
            TABBED,
            Span(line, max(tab, 1), line, max(tab, 1) + 1),
            INDENT_WITH_SPACES,
        )
        return None

    if "{{" in text:
        at_braces = text.index("{{") + 1
        collector.error(
            "LM124",
            "A placeholder that starts here was not filled.",
            Span(line, at_braces, line, at_braces + 2),
            fill_it(text[at_braces - 1 :]),
        )
        return None

    slip = find_slip(source, (line, column), first_error)
    if slip is not None:
        collector.withdraw(slip.span, KEY_ERRORS)
        collector.error(slip.code, slip.message, slip.span, slip.hint)
        collector.close(Span(slip.span.line, 1, slip.span.line + 1, 1))
        return Source(slip.text, source.name, repaired=True)

    message, span, hint, related = _describe(problem, context, (line, column), opened, source)
    lines = [line]
    if opened and "quoted scalar" in context:
        lines = [opened[0]]  # where it opens is what is wrong; the text's end tells nothing
    elif opened and opened[0] != line:
        within = range(opened[0] + 1, min(line, opened[0] + _NEAR))
        cut_off = [number for number in within if " #" in source.line(number)]
        lines += [opened[0], *cut_off[:_CUT_OFF]]
    repairable = message != _NO_KEY and "escape" not in problem
    repair = _repair(source, lines, (line, column), first_error) if repairable else None
    if repair is None:
        if not source.repaired:
            collector.error("LM101", message, span, hint, related)
        return None
    collector.withdraw(repair.span, KEY_ERRORS)
    advice = f"{hint} {_QUOTE_IT}" if message == _NO_ITEM else _QUOTE_IT
    collector.error("LM125", message, span, f"{advice}\n{repair.line}", related)
    for number in {line, repair.span.line}:
        collector.close(Span(number, 1, number + 1, 1))
    return Source(repair.text, source.name, repaired=True)


def _place(mark: Any, source: Source) -> tuple[int, int] | None:
    if mark is None:
        return None
    line, column = mark.line + 1, mark.column + 1
    while line > 1 and (line > len(source.lines) or not source.line(line).strip()):
        line -= 1
        column = len(source.line(line).rstrip()) + 1
    return line, column


_Description = tuple[str, Span, str, tuple[Related, ...]]


def _describe(
    problem: str,
    context: str,
    place: tuple[int, int],
    opened: tuple[int, int] | None,
    source: Source,
) -> _Description:
    line, column = place
    here = Span(line, column, line, column + 1)
    start = Span(*opened, opened[0], opened[1] + 1) if opened else here
    character = source.line(line)[column - 1 : column]

    if "quoted scalar" in context and "end of" in problem:
        mark = source.line(start.line)[start.column - 1 : start.column]
        return f"The quote {mark} that opens here is never closed.", start, "", ()
    if "escape" in problem:
        before = source.line(line)[: column + 1].rpartition("\\")[2][:1]
        return (
            "This is no escape sequence of YAML.",
            here,
            "Write the character itself, or its whole code as in \\U0001F600."
            if before in ("u", "U")
            else "Within double quotes write \\\\ for a backslash, or use single quotes.",
            (),
        )
    if "mapping values" in problem:
        if keyless := _line_without_key(source, line):
            return _NO_KEY, keyless, _WRITE_KEY, ()
        return (
            "A `:` is not expected here.",
            here,
            "Either this line is indented further than its block, or its text contains `: ` and "
            "must be quoted.",
            (),
        )
    if "expected ':'" in problem:
        return _NO_KEY, start, _WRITE_KEY, ()
    if "flow mapping" in context or "flow sequence" in context:
        bracket, closing = ("{", "}") if "mapping" in context else ("[", "]")
        return (
            f"A comma or `{closing}` is missing before here.",
            here,
            f"Close the `{bracket}` of line {start.line}, or separate its entries with commas.",
            (Related(f"`{bracket}` opens here", start),),
        )
    if character == ":" and not source.line(line)[: column - 1].strip():
        return "There is a `:` without a key.", here, _WRITE_KEY, ()
    if "mapping keys" in problem:
        return "`?` cannot start a value in YAML.", here, "Quote the value.", ()
    if "sequence entries" in problem:
        return (
            _NO_ITEM,
            here,
            "Put each `- item` on a line of its own, below its key and indented.",
            (),
        )
    if "directive" in context or "directive" in problem:
        return (
            "A line of a mesh cannot start with `%`.",
            start,
            "A cell magic such as %%mesh is the first line of the cell and no part of the text.",
            (),
        )
    if "document start" in problem:
        return "There is text after the end of the document.", here, "Remove `...` above it.", ()
    if "block scalar" in context:
        return (
            f"`{source.line(start.line)[start.column - 1 : start.column]}` starts a block of text "
            "in YAML, and nothing may follow it on its line.",
            start,
            "Quote the value if it is an expression.",
            (),
        )
    if "anchor" in context or "alias" in context:
        mark = source.line(start.line)[start.column - 1 : start.column]
        return f"`{mark}` cannot start a value in YAML.", start, "Quote the value.", ()
    if "cannot start any token" in problem:
        what = "A backtick" if character == "`" else f"`{character}`"
        return f"{what} cannot start a value in YAML.", here, "Quote the value.", ()
    if "tag" in context or "tag" in problem:
        return "`!` starts a YAML tag, which a mesh may not use.", here, "Quote the value.", ()
    if "block mapping" in context or "block collection" in context or "expected key" in problem:
        return (
            "This does not fit the block that it stands in.",
            here,
            "Keys of one block start in the same column; a value that goes on after a closing "
            "quote or bracket must be quoted as a whole.",
            (Related("the block starts here", start),) if start.line != line else (),
        )
    if "node content" in problem:
        if not source.line(line)[column - 1 :].strip():
            return "The text ends inside a value.", here, "A bracket or a quote is not closed.", ()
        return f"`{character}` is not expected here.", here, "Quote it, or remove it.", ()
    return f"This is not valid YAML: {problem or 'it cannot be read'}.", here, "", ()


_NO_ITEM = "A list item cannot start here."
_QUOTE_IT = "If this is an expression or a text, quote it so that YAML leaves it whole:"
_NO_KEY = "This line is neither `key: value` nor a list item."
_WRITE_KEY = "Write `key: value`, with a space after the colon."


def _line_without_key(source: Source, line: int) -> Span | None:
    """The line before, if it stands as deep as this one and has no key: YAML reads both as one
    text and complains of the second."""
    text = source.line(line)
    before = source.line(line - 1)
    indent = len(text) - len(text.lstrip())
    stripped = before.strip()
    if not stripped or len(before) - len(before.lstrip()) != indent:
        return None
    if ":" in stripped or stripped[0] in "-#\"'[{":
        return None
    return Span(line - 1, indent + 1, line - 1, indent + len(stripped) + 1)


@dataclass(frozen=True, slots=True)
class _Repair:
    """The line of a text that reads when it is quoted, as a hint shows it, what was quoted, and
    the text with that line."""

    line: str
    span: Span
    text: str


def _repair(
    source: Source, lines: list[int], error: tuple[int, int], first_error: FirstError
) -> _Repair | None:
    """The line, with values quoted, whose repair makes the error go away; None if none does."""
    if len(source.text) > _REPAIRABLE:
        return None
    for number in lines:
        line, reached = source.line(number), error
        low, high = len(line), 0
        for _ in range(_ROUNDS):
            step = _quote_one(source, number, line, reached, first_error)
            if step is None:
                break
            line, still, start, end = step
            low, high = min(low, start), max(high, end)
            if still is None or still[0] > max(reached[0], number):
                span = Span(number, low + 1, number, high + 1)
                return _Repair("    " + line.strip(), span, _with_line(source, number, line))
            reached = still
    return None


def _with_line(source: Source, number: int, line: str) -> str:
    return "\n".join((*source.lines[: number - 1], line, *source.lines[number:]))


def _quote_one(
    source: Source, number: int, line: str, error: tuple[int, int], first_error: FirstError
) -> tuple[str, tuple[int, int] | None, int, int] | None:
    """Quote the first part of ``line`` that moves the error on: the line then, where the error is
    then, and the part."""
    column = error[1] if error[0] == number else 1
    for start, end in islice(candidates(line, column), _TRIES):
        quoted = line[:start] + quote(line[start:end]) + line[end:]
        still = first_error(_with_line(source, number, quoted))
        if still is None or still > error:
            return quoted, still, start, end
    return None
