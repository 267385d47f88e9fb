"""Whatever the bytes: diagnostics with places, soon, and never a traceback."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.language import parse, render_html, render_text

CHARACTERS = "{}[]()'\"`~!@#$%^&*-_=+|\\:;<>,.?/ \n\t\0é漢🙂\u2028\ud800\ufeffa0"
PIECES = [
    "{{x}}", "!x", "*a", "&a", "null", "~", "true", "- ", "? ", "<<: ", "[]", "{}", "${", "${x}",
    "1e9", "|", "> ", "''", '""', "steps.", "memory", "input", "money or null", "{enum: [a]}",
    "---\n", "...\n", "%YAML", "!!python/object:os.system", "any", "after: ", "{any: [pay]}",
    "{count: 2, of: [pay, propose]}", "\r", "{type: number, min: 2}", "default(", "${'", "1e999",
    "9" * 400, "(" * 40, "save: {tier: output}", "for_each: x\n", "with: [a]\n", "output.amount",
    "sk-" + "a1" * 20,
]  # fmt: skip


def mutate(text: str, chance: random.Random) -> str:
    """A text with one to eight slips: bytes flipped, lines moved, words swapped, cut off."""
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        if not text:
            return text
        at = chance.randrange(len(text))
        until = min(len(text), at + chance.randrange(1, 30))
        kind = chance.randrange(9)
        if kind == 0:
            text = text[:at] + chance.choice(CHARACTERS) + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + text[until:]
        elif kind == 2:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif kind == 3:
            text = text[:at] + chance.choice(CHARACTERS) + text[at:]
        elif kind == 4:
            text = text[:at]
        elif kind == 5:
            words = list(re.finditer(r"\w+", text))
            if words:
                one, other = chance.choice(words), chance.choice(words)
                text = text[: one.start()] + other.group() + text[one.end() :]
        else:
            lines = text.split("\n")
            one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
            if kind == 6:
                lines[one], lines[other] = lines[other], lines[one]
            elif kind == 7:
                del lines[one]
            else:
                lines[one] = " " * chance.randrange(3) + lines[one].removeprefix(" ")
            text = "\n".join(lines)
    return text


def check(text: str) -> float:
    """Parse and render; every promise of a diagnostic holds. Gives the CPU seconds it took."""
    start = time.process_time()
    parsed = parse(text, source="cell")
    render_text(parsed.diagnostics, colour=True)
    html = render_html(parsed.diagnostics)
    took = time.process_time() - start
    html.encode("utf-8")
    assert (parsed.spec is None) == any(d.severity == "error" for d in parsed.diagnostics)
    count = len(re.split("\r\n|\r|\n", text))
    for found in parsed.diagnostics:
        span = found.span
        assert 1 <= span.line <= count
        assert span.column >= 1
        assert (span.end_line, span.end_column) >= (span.line, span.column)
        assert re.fullmatch(r"LM[1-6]\d\d", found.code)
        assert found.message
        assert found.title
        assert "Traceback" not in found.message
    return took


@pytest.mark.parametrize("seed", range(8))
def test_mutations_of_the_reference_mesh(refunds: str, seed: int) -> None:
    """Four thousand in all; the slowest stays under a second."""
    chance = random.Random(seed)
    slowest = max(check(mutate(refunds, chance)) for _ in range(500))
    assert slowest < 1


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_text(text: str) -> None:
    check(text)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check(data.decode("utf-8", errors="surrogateescape"))


KEYS = ["mesh", "description", "currency", "models", "memory", "people", "tools", "agents",
        "policies", "budgets", "routing", "workflows", "steps", "input", "output", "capabilities",
        "rules", "when", "then", "with", "after", "save", "to", "at", "for", "type", "enum",
        "list", "role", "kind", "a", "provider", "tests", "given", "default", "model"]  # fmt: skip
values = st.recursive(
    st.sampled_from(
        ["string", "a", "offline", "tool", "ask", "'x'", "1", "0.5", "true", "~", "no", "[]", "{}",
         "steps.a.output", "input.a > 1", "$x", '"${input.a}"', "money or null", "30m", "python"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=4).map(
            lambda entries: "{" + ", ".join(f"{k}: {v}" for k, v in entries.items()) + "}"
        ),
    ),
    max_leaves=25,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=6))
def test_any_structure_of_the_words_of_the_language(entries: dict[str, str]) -> None:
    check("mesh: m\n" + "".join(f"{k}: {v}\n" for k, v in entries.items() if k != "mesh"))


SIZE = 200_000
HOSTILE = {
    "brackets": "a: " + "[" * SIZE,
    "braces": "{a: " * SIZE,
    "dashes": "- " * SIZE,
    "duplicates": "mesh: a\n" * (SIZE // 8),
    "unknown keys": "".join(f"k{i}: 1\n" for i in range(20_000)),
    "a long name": "mesh: " + "a" * SIZE,
    "a long quoted name": 'mesh: "' + "\\x41" * (SIZE // 4) + '"',
    "a folded text": "mesh: >\n" + "  foo\n\n" * (SIZE // 8),
    "a text over lines": 'mesh: "' + "a\n  " * (SIZE // 4) + '"',
    "tags": "mesh: [" + "!( x," * (SIZE // 5) + "]",
    "aliases": "mesh: [" + "*a," * (SIZE // 3) + "]",
    "placeholders": "mesh: [" + "{{x}}," * (SIZE // 6) + "]",
    "expressions cut by commas": "a: {" + ", ".join(f"{i}: (x" for i in range(15_000)) + "}",
    "values to quote": "a: {" + ", ".join(f'k{i}: (x["a"]' for i in range(3000)) + "}",
    "old booleans": "mesh: [" + "no," * (SIZE // 3) + "]",
    "tabs": "a:\n" + "\tb: 1\n" * (SIZE // 6),
    "quotes": "a: '" * (SIZE // 4),
    "control characters": "\x01" * SIZE,
    "line breaks": "\r" * SIZE,
    "numbers": "mesh: [" + "9" * 5000 + "," + "1e99999999999," * 10_000 + "]",
    "a long key": "x" * SIZE + ": 1",
    "many steps": "mesh: a\nworkflows: {w: {steps: {"
    + ", ".join(f"s{i}: {{capability: c}}" for i in range(10_000))
    + "}}}",
    "a long chain": "mesh: a\nagents: {a: {role: a, kind: python, capabilities: "
    "{c: {input: {}, output: {x: string}}}}}\nworkflows: {w: {steps: {s0: {capability: c}, "
    + ", ".join(
        f's{i}: {{capability: c, when: steps.s{i - 1}.output.x == ""}}' for i in range(1, 500)
    )
    + "}}}",
    "lines that YAML cannot read": "".join(f"k{i}: {{a: b, c: [1, 2]}}\n" for i in range(1700))
    + "".join(f'when{i}: "a" == b\n' for i in range(25)),
    "lines that nothing repairs": "".join(f"k{i}: {{a: b, c: [1, 2]}}\n" for i in range(1500))
    + "x: {\n"
    + "".join(f'  w{i}: [a > "1" ?, b @c #x, d %e, !f "g"],\n' for i in range(100)),
    "parentheses": "mesh: a\nworkflows: {w: {steps: {}, output: {"
    + ", ".join(f"a{i}: '{'(' * 1000}'" for i in range(150))
    + "}}}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_takes_long(name: str) -> None:
    # A second is the aim; coverage and slow machines are given room.
    assert check(HOSTILE[name]) < 4


def test_two_megabytes_are_read_and_more_refused() -> None:
    assert check("mesh: a\ndescription: '" + "x " * 999_000 + "'\n") < 4
    assert [d.code for d in parse("mesh: '" + "x" * 2_000_000 + "'").diagnostics] == ["LM102"]
