"""Slips of typing that YAML notices somewhere else: where they are, and the line without them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from leafmesh_nb.language.lookalikes import odd_character, plain_for, why_odd
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.source import Source

__all__ = ["FirstError", "Slip", "find_slip"]

FirstError = Callable[[str], "tuple[int, int] | None"]
"""The (line, column) of the first YAML error of a text, or None."""

_REPAIRABLE = 50_000
_TRIES = 12
_BACK = 500
"""How many lines a quote that was never closed may reach."""

_GLUED = re.compile(r"(?P<before>\s*(?:- +)*)(?P<key>[A-Za-z_][\w.-]*):(?=[^\s:/=])")
_OPENS = re.compile(r"(?:^|[:,\[{-])\s*(?P<quote>[\"'])")
_NEXT_KEY = re.compile(r",\s*[\w.-]+:\s|[}\]]+\s*\Z")


_TYPE = re.compile(
    r"(?<=[:,])\s+(?P<type>(?:[Ll]ist|[Aa]rray|[Ss]et|[Dd]ict|[Mm]ap|Optional)\[[\w, ]{1,60}\]"
    r"|[A-Za-z]{1,20}\[\])(?=\s*[,}\]]|\s*\Z)"
)
_NAMES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "Decimal": "money",
}


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong, where, and what to write; ``text`` is the whole text without it."""

    code: str
    message: str
    span: Span
    hint: str
    text: str


def find_slip(source: Source, error: tuple[int, int], first_error: FirstError) -> Slip | None:
    """The slip that makes the error of the YAML parser at ``error`` go away when it is mended."""
    if len(source.text) > _REPAIRABLE:
        return None
    for slip, shift in islice(_slips(source, error[0]), _TRIES):
        still = first_error(slip.text)
        if still is None or still > (error[0], error[1] + shift):
            return slip
    return None


def _slips(source: Source, line: int) -> Iterator[tuple[Slip, int]]:
    """What may be wrong near a line, each with the columns that mending it moves an error there."""
    for typed in _TYPE.finditer(source.line(line)):
        yield _type(source, line, typed), 1
    near = [number for number in (line, *_before(source, line, 2)) if source.line(number).strip()]
    for number in near:
        if (odd := odd_character(source.line(number))) is not None:
            yield _odd(source, number, odd), 1
    for number in near:
        if (glued := _GLUED.match(source.line(number))) is not None:
            yield _glued(source, number, glued), int(number == line)
    for number in (line, *_before(source, line, _BACK)):
        yield from ((slip, int(number == line)) for slip in _unclosed(source, number, line))


def _type(source: Source, number: int, found: re.Match[str]) -> Slip:
    line = source.line(number)
    written = found["type"]
    mended = line[: found.start("type")] + _type_here(written) + line[found.end("type") :]
    return Slip(
        "LM401",
        f"`{_short(written)}` is not a type.",
        Span(number, found.start("type") + 1, number, found.end("type") + 1),
        f"Write it as a map:\n    {mended.strip()}",
        _with(source, number, mended),
    )


def _type_here(written: str) -> str:
    """``list[str]`` as it is written here."""
    outer, _, inner = written.removesuffix("]").partition("[")
    if not inner:
        return (
            f"{{list: {_type_here(outer)}}}" if written.endswith("[]") else _NAMES.get(outer, outer)
        )
    if outer.lower() == "optional":
        return f"{_type_here(inner)} or null"
    if outer.lower() in ("dict", "map"):
        return f"{{map: {_type_here(inner.rpartition(',')[2].strip())}}}"
    return f"{{list: {_type_here(inner)}}}"


def _before(source: Source, line: int, most: int) -> Iterator[int]:
    """The lines above that are not blank, the nearest first."""
    filled = (number for number in range(line - 1, 0, -1) if source.line(number).strip())
    return islice(filled, most)


def _odd(source: Source, number: int, found: re.Match[str]) -> Slip:
    """All the odd characters of a line in place of what was meant."""
    line = source.line(number)
    plain = [*line]
    at: re.Match[str] | None = found
    while at is not None:
        plain[at.start()] = plain_for(at[0])
        at = odd_character("".join(character or " " for character in plain))
    first = found.start() + 1
    mended = "".join(plain)
    return Slip(
        "LM106",
        why_odd(found[0]),
        Span(number, first, number, first + 1),
        f"Type it again:\n    {mended.strip()}",
        _with(source, number, mended),
    )


def _glued(source: Source, number: int, found: re.Match[str]) -> Slip:
    line = source.line(number)
    mended = f"{line[: found.end()]} {line[found.end() :]}"
    return Slip(
        "LM101",
        "A space is missing after the colon.",
        Span(number, found.start("key") + 1, number, found.end() + 1),
        f"Write `{_short(mended.strip().lstrip('- '))}`.",
        _with(source, number, mended),
    )


def _unclosed(source: Source, number: int, error: int) -> Iterator[Slip]:
    """A quote of a line that is closed by one that opens another text, lines below."""
    line = source.line(number)
    for opening in _OPENS.finditer(line):
        start, quote = opening.start("quote"), opening["quote"]
        rest = line[start + 1 :]
        if rest.replace("\\" + quote, "").replace(quote * 2, "").count(quote) % 2:
            continue  # it is closed on its line
        ends = [start + 1 + match.start() for match in _NEXT_KEY.finditer(rest)]
        for end in dict.fromkeys((*ends[:3], len(line.rstrip()))):
            mended = line[:end] + quote + line[end:]
            yield Slip(
                "LM101",
                f"The text that {quote} opens here is not closed on its line.",
                Span(number, start + 1, number, start + 2),
                f"Close it:\n    {mended.strip()}",
                _with(source, number, mended),
            )


def _with(source: Source, number: int, line: str) -> str:
    return "\n".join((*source.lines[: number - 1], line, *source.lines[number:]))


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
