"""Meshes with mistakes at random, and what must hold whatever they are told.

    python tests/fuzz/mutants.py [FIRST [COUNT]]      100,000 from 0, unless said otherwise
    python tests/fuzz/mutants.py --show NUMBER        one of them, with what it is told

Mutant NUMBER is made by a random generator of that seed from one of the meshes below, so that a
number that fails can be made again. What is checked is ``broken_promises``.
"""

from __future__ import annotations

import json
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType

from leafmesh_nb.compose import LayerReport, Report
from leafmesh_nb.language import Diagnostic, parse, render_html, render_text
from leafmesh_nb.language.source import Source

ALL = 100_000
LONGEST = 1.0
"""Seconds that reading a mutant may take, and showing what it is told."""

TESTS = Path(__file__).parents[1]
TEMPLATES = TESTS.parent / "leafmesh_nb" / "cli" / "templates"
QUICKSTART = TESTS.parent / "notebooks" / "quickstart.ipynb"

SECRETS = ("sk-" + "a1B2" * 10, "AKIA" + "Z9Y8X7W6V5U4T3S2", "ghp_" + "q7W8e9R0" * 5)
"""Put together here, so that no scanner takes this file for a leak."""
CHARACTERS = (
    "{}[]()'\"`~!@#$%^&*-_=+|\\:;<>,.?/ \n\t\r\0é漢🙂\u0301\u0085\u2028\u202e\ud800\ufeffa0"
)
PIECES = (
    *("{{x}}", "!x", "*a", "&a", "null", "~", "true", "no", "- ", "? ", "<<: ", "[]", "{}", "${"),
    *("${x}", "1e9", "1e999", "9" * 400, "|", "> ", "''", '""', "steps.", "memory", "input"),
    *("---\n", "...\n", "%YAML 1.1\n", "!!python/object:os.system", "any", "after: "),
    *("{any: [pay]}", "{count: 2, of: [pay, propose]}", "default(", "${'", "(" * 40, "[" * 60),
    *("for_each: x\n", "with: [a]\n", "money or null", "{enum: [a]}", "{type: number, min: 2}"),
    *(".inf", "0x", "30m", "then: approve", "? x : y", " #", ": ", ", ", "\\x00", "\\ud800", "'"),
    *SECRETS,
)  # fmt: skip
_KEY = re.compile(r"(?m)(?<=[{,\s-])[a-z_.]+(?=: |:$)")
_VALUE = re.compile(r"(?m)(?<=: )[^\s{\[,}\]][^\n,}\]]*")
_WORD = re.compile(r"\w+")

INTERNAL = re.compile(
    r"Traceback|pydantic|yaml\.\w|PyYAML|libyaml|lark|Unexpected(?:Token|Characters)|NoneType"
    r"|<class |object at|\w+Error\b|\w+Node\b|Decimal\(|validation error|Input should be"
    r"|Field required"
)
"""What no message may say: names from inside, and other tools' wording."""


@cache
def meshes() -> tuple[str, ...]:
    """The texts that mutants are made of."""
    notebook = json.loads(QUICKSTART.read_text(encoding="utf-8"))
    cells = ("".join(cell["source"]) for cell in notebook["cells"])
    (quickstart,) = (cell.partition("\n")[2] for cell in cells if cell.startswith("%%mesh"))
    files = (
        *(TESTS / "fixtures").glob("*.yaml"),
        *(TESTS / "fixtures").glob("*/mesh.yaml"),
        *TEMPLATES.glob("*/*.yaml"),
    )
    return (quickstart, *(path.read_text(encoding="utf-8") for path in sorted(files)))


Mutation = Callable[[str, random.Random], str]


def flip_byte(text: str, chance: random.Random) -> str:
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data.decode("utf-8", "surrogateescape")


def put_character(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice(CHARACTERS) + text[at + chance.randrange(2) :]


def put_piece(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice(PIECES) + text[at:]


def cut(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + text[at + chance.randrange(1, 40) :]


def end(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text))]


def move_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    line = lines.pop(chance.randrange(len(lines)))
    lines.insert(chance.randrange(len(lines) + 1), line)
    return "\n".join(lines)


def repeat_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    block = lines[at : at + chance.choice((1, 1, 2, 8))]
    where = chance.choice((at, chance.randrange(len(lines))))
    return "\n".join((*lines[:where], *block, *lines[where:]))


def drop_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def indent(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    for number in range(at, min(len(lines), at + chance.choice((1, 1, 4)))):
        bare = lines[number].lstrip(" ")
        deep = len(lines[number]) - len(bare) + chance.choice((-4, -2, -1, 1, 2, 4))
        lines[number] = chance.choice((" ", " ", " ", "\t")) * max(0, deep) + bare
    return "\n".join(lines)


def misspell(text: str, chance: random.Random) -> str:
    found = list(_KEY.finditer(text))
    if not found:
        return text
    key = chance.choice(found)
    letters = list(key.group())
    at = chance.randrange(len(letters))
    match chance.randrange(4):
        case 0:
            letters[at] = chance.choice("abcdefghijklmnopqrstuvwxyz_-A")
        case 1:
            del letters[at]
        case 2:
            letters.insert(at, chance.choice("aeiou"))
        case _:
            letters[at : at + 2] = reversed(letters[at : at + 2])
    return text[: key.start()] + "".join(letters) + text[key.end() :]


def swap(pattern: re.Pattern[str]) -> Mutation:
    """Put one match of a pattern in the place of another."""

    def put_other(text: str, chance: random.Random) -> str:
        found = list(pattern.finditer(text))
        if not found:
            return text
        one, other = chance.choice(found), chance.choice(found)
        return text[: one.start()] + other.group() + text[one.end() :]

    return put_other


def splice(text: str, chance: random.Random) -> str:
    """A block of another mesh, as deep as it stood there or as what is around it."""
    other = chance.choice(meshes()).split("\n")
    at = chance.randrange(len(other))
    deep = len(other[at]) - len(other[at].lstrip())
    until = at + 1
    while until < len(other) and len(other[until]) - len(other[until].lstrip()) > deep:
        until += 1
    lines = text.split("\n")
    where = chance.randrange(len(lines))
    around = len(lines[where]) - len(lines[where].lstrip())
    block = other[at:until]
    if chance.random() < 0.7:
        block = [" " * around + line[deep:] for line in block]
    return "\n".join((*lines[:where], *block, *lines[where:]))


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_byte, put_character, put_piece, cut, end, move_line, repeat_lines, drop_line, indent),
    *(misspell, misspell, swap(_KEY), swap(_VALUE), swap(_WORD), splice),
)


def mutant(number: int) -> str:
    """The text of one mutant: a mesh with one to six slips."""
    chance = random.Random(number)
    text = chance.choice(meshes())
    for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 3, 6))):
        text = chance.choice(MUTATIONS)(text, chance) or "x"
    return text


def broken_promises(text: str) -> Iterator[str]:
    """What is told of ``text`` and should not be, or not like this. Nothing may be raised."""
    began = time.process_time()
    parsed = parse(text, source="cell")
    told = parsed.diagnostics
    plain, painted = render_text(told), render_text(told, colour=True)
    html = render_html(told)
    took = time.process_time() - began
    if took > LONGEST:
        yield f"it took {took:.2f} s"
    if (parsed.spec is None) != any(d.severity == "error" for d in told):
        yield "there is a spec beside errors, or neither"
    report = Report("", "cell", (LayerReport("schema", told),))
    forms = [plain, painted, html, json.dumps([d.to_dict() for d in told], ensure_ascii=False)]
    forms += [json.dumps(report.to_sarif(), ensure_ascii=False), str(report), report._repr_html_()]
    # Within a longer word nobody can tell a secret from any other letters.
    secrets = [s for s in SECRETS if re.search(rf"(?<![\w-]){s}(?![\w-])", text)]
    for form in forms:
        form.encode("utf-8")
        yield from (f"the secret {secret[:6]}… is shown" for secret in secrets if secret in form)
    if re.sub(r"\x1b\[[\d;]*m", "", painted) != plain:
        yield "in colour it says something else"
    lines = Source(text).lines
    shown = told[:-1] if told and told[-1].code == "LM199" else told
    if list(shown) != sorted(shown, key=lambda d: d.span):
        yield "they are not in the order of the text"
    if len({(d.code, d.message, d.span) for d in told}) < len(told):
        yield "one is told twice"
    for found in told:
        yield from _wrong(found, lines)


def _wrong(found: Diagnostic, lines: tuple[str, ...]) -> Iterator[str]:
    for span in (found.span, *(related.span for related in found.related)):
        within = (
            1 <= span.line <= span.end_line <= len(lines)
            and 1 <= span.column <= len(lines[span.line - 1]) + 1
            and span.end_column <= len(lines[span.end_line - 1]) + 2
            and (span.line, span.column) <= (span.end_line, span.end_column)
        )
        if not within:
            yield f"{found.code} is at {tuple(span)}, outside the text"
    if not re.fullmatch(r"LM[1-6]\d\d", found.code) or not found.title:
        yield f"{found.code} is no code of the language"
    said = (found.message, found.hint, *(related.message for related in found.related))
    if not found.message or found.message[0].islower():
        yield f"{found.code} says {found.message!r}"
    # What is quoted from the text, in backticks or on a line of its own, is the user's.
    for text in said:
        ours = re.sub(r"`[^`]*`?|\n {4}.*|\"[^\"]*\"", "", text)
        if inside := INTERNAL.search(ours):
            yield f"{found.code} says {inside.group()!r}: {text!r}"


class _Hang(Exception):
    """A mutant took far too long."""


def _alarm(signal_number: int, frame: FrameType | None) -> None:
    raise _Hang


def main(arguments: list[str]) -> int:
    """Check a range of mutants; 1 if a promise was broken."""
    if arguments[:1] == ["--show"]:
        text = mutant(int(arguments[1]))
        told = parse(text, source="cell").diagnostics
        print(text, "-" * 80, render_text(told), sep="\n")
        return 0
    first, count = (*map(int, arguments), *(0, ALL)[len(arguments) :])
    signal.signal(signal.SIGALRM, _alarm)
    began, failed, slowest = time.monotonic(), 0, 0.0
    for number in range(first, first + count):
        signal.alarm(30)
        started = time.process_time()
        try:
            broken = list(broken_promises(mutant(number)))
        except Exception as error:
            broken = [f"{type(error).__name__}: {error}"]
        slowest = max(slowest, time.process_time() - started)
        signal.alarm(0)
        failed += bool(broken)
        for what in broken:
            print(f"mutant {number}: {what}", flush=True)
    print(
        f"{count:,} mutants from {first:,}: {failed} broke a promise, the slowest took "
        f"{slowest:.2f} s, {time.monotonic() - began:.0f} s in all"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
