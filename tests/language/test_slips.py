"""Slips of typing are told where they are, in words that help, and once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from leafmesh_nb.language import Diagnostic, parse, render_text


def changed(refunds: str, old: str, new: str) -> tuple[Diagnostic, ...]:
    assert refunds.count(old) >= 1, old
    return parse(refunds.replace(old, new, 1), source="cell").diagnostics


def only(refunds: str, old: str, new: str, code: str) -> tuple[Diagnostic, str]:
    """The one diagnostic that there is, and the text under its caret."""
    text = refunds.replace(old, new, 1)
    (found,) = changed(refunds, old, new)
    assert found.code == code, str(found)
    span = found.span
    return found, text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


@pytest.fixture
def one(refunds: str) -> Callable[[str, str, str], tuple[Diagnostic, str]]:
    return lambda old, new, code: only(refunds, old, new, code)


One = Callable[[str, str, str], tuple[Diagnostic, str]]


class TestAColonWithoutItsSpace:
    @pytest.mark.parametrize(
        ("old", "new", "marked", "write"),
        [
            ("mesh: refunds", "mesh:refunds", "mesh:", "mesh: refunds"),
            ("    role: First-line", "    role:First-line", "role:", "role: First-line"),
            ("    at: tool", "    at:tool", "at:", "at: tool"),
            ("        capability: refund.pay", "        capability:refund.pay", "capability:",
             "capability: refund.pay"),
            ("    kind: python\n", "    kind:python\n", "kind:", "kind: python"),
            ("      - id: small", "      - id:small", "id:", "id: small"),
            ("  quick:   {", "  quick:{", "quick:", "quick: {provider"),
            ("{tier: small}", "{tier:small}", "tier:", "tier: small"),
            ("{ticket_id: string, t", "{ticket_id:string, t", "ticket_id:", "ticket_id: string"),
            ("{run: 0.50,", "{run:0.50,", "run:", "run: 0.50"),
            ("cost: 0.05}", "cost:0.05}", "cost:", "cost: 0.05"),
        ],
    )  # fmt: skip
    def test_it_is_told_at_the_colon(
        self, one: One, old: str, new: str, marked: str, write: str
    ) -> None:
        found, under = one(old, new, "LM101")
        assert under == marked
        assert found.message == "A space is missing after the colon."
        assert found.hint.startswith(f"Write `{write}")

    def test_what_is_wrong_besides_is_told_as_well(self, refunds: str) -> None:
        text = refunds.replace("    at: tool", "    at:tool").replace("deny\n", "dney\n", 1)
        assert [d.code for d in parse(text).diagnostics] == ["LM101", "LM206"]

    def test_an_address_and_a_vendors_model_have_colons(self) -> None:
        text = "mesh: m\ndescription: see https://x.org and openai:gpt-5\n"
        assert parse(text).diagnostics == ()


class TestAQuoteThatIsNotClosed:
    @pytest.mark.parametrize(
        ("old", "new", "line"),
        [
            ("role: First-line support analyst", 'role: "First-line support analyst',
             'role: "First-line support analyst"'),
            ("role: First-line support analyst", "role: 'First-line support analyst",
             "role: 'First-line support analyst'"),
            ('{text: "I was charged twice", o', '{text: "I was charged twice, o',
             '- {text: "I was charged twice", output: {category: refund}}'),
            ('python: "shop:pay_out"', 'python: "shop:pay_out', 'python: "shop:pay_out"'),
        ],
    )  # fmt: skip
    def test_it_is_told_where_it_opens(self, one: One, old: str, new: str, line: str) -> None:
        found, under = one(old, new, "LM101")
        assert under in ('"', "'")
        assert "not closed on its line" in found.message
        assert found.hint == f"Close it:\n    {line}"

    def test_a_text_over_several_lines_is_left_alone(self, refunds: str) -> None:
        text = refunds.replace(
            "Read the ticket and say what the customer wants.",
            '"Read the ticket, slowly: and say\n      what the customer wants."',
        ).replace("    at: tool", "    at:tool")
        (found,) = parse(text).diagnostics
        assert found.message == "A space is missing after the colon."


class TestCharactersThatLookLikeOthers:
    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("    role: First", "\u00a0\u00a0\u00a0\u00a0role: First", "NO-BREAK SPACE (U+00A0)"),
            ("    role: First", "    role:\u00a0First", "NO-BREAK SPACE (U+00A0)"),
            ("    role: First", "    role:\u3000First", "IDEOGRAPHIC SPACE"),
            ("    role: First", "\u200b    role: First", "ZERO WIDTH SPACE (U+200B)"),
            ("    role: First", "    role\uff1a First", "`:`: FULLWIDTH COLON"),
            ("{tier: small}", "{tier: small\uff5d", "`}`: FULLWIDTH RIGHT CURLY BRACKET"),
        ],
    )
    def test_they_are_named_where_yaml_stumbles(
        self, one: One, old: str, new: str, says: str
    ) -> None:
        found, under = one(old, new, "LM106")
        assert not under.isascii()
        assert says in found.message
        assert old.strip() in found.hint

    def test_in_an_expression(self, one: One) -> None:
        found, under = one('category == "refund"', 'category\u00a0== "refund"', "LM113")
        assert under == "\u00a0"
        assert "only looks like a space: NO-BREAK SPACE (U+00A0)" in found.hint

    @pytest.mark.parametrize(
        ("old", "new", "code", "says"),
        [
            ("agents:\n", "\u0430gents:\n", "LM201", "`\u0430` in it is CYRILLIC SMALL LETTER A"),
            ("tools: [pay_out]\n\n", "tools: [p\u0430y_out]\n\n", "LM304", "CYRILLIC SMALL"),
            ("agents:\n", "\u200bagents:\n", "LM201", "ZERO WIDTH SPACE (U+200B)"),
            ("    role: Senior", "    role\u200b: Senior", "LM201", "ZERO WIDTH SPACE"),
            ("complexity: routine", "complexity: r\u03bfutine", "LM206", "GREEK SMALL LETTER OMI"),
        ],
    )
    def test_in_a_name_that_is_nearly_right(
        self, one: One, old: str, new: str, code: str, says: str
    ) -> None:
        found, _ = one(old, new, code)
        assert found.hint.startswith("Did you mean `")
        assert says in found.hint

    def test_an_umlaut_is_no_riddle(self, one: One) -> None:
        found, _ = one("complexity: routine", "complexity: r\u00f6utine", "LM206")
        assert found.hint == "Did you mean `routine`?"

    def test_quotes_of_a_book(self, one: One) -> None:
        found, under = one(
            '{text: "I was charged twice"', "{text: \u201ccharged, twice\u201d", "LM125"
        )
        assert under == "\u201ccharged, twice\u201d"
        assert found.hint.endswith('- {text: "charged, twice", output: {category: refund}}')

    def test_in_a_text_they_are_fine(self) -> None:
        said = "\u201cCaf\u00e9\u201d \u2013 it\u2019s\u00a0fine, \u200bisn\u2019t it"
        assert parse(f"mesh: m\ndescription: {said}\n").diagnostics == ()


class TestValuesAsElsewhere:
    @pytest.mark.parametrize(
        ("old", "new", "hint"),
        [
            ("{run: 0.50,", "{run: $0.50,", "Write 0.50."),
            ("{run: 0.50,", "{run: 0.50 USD,", "Write 0.50."),
            ("proficiency: 0.8\n", "proficiency: 80%\n", "Write 0.8."),
            ("proficiency: 0.8\n", "proficiency: 0,8\n", "Write 0.8."),
            ("calls: 3", "calls: 1_000", "Write 1000."),
            ("calls: 3", 'calls: "3"', "Write it without quotes."),
            ("calls: 3", 'calls: "1,000"', "Write 1000."),
            ("calls: 3", "calls: three", ""),
            ("calls: 3", 'calls: "1,2,3"', ""),
            ("side_effect: true", "side_effect: yes", "Write true."),
            ("side_effect: true", "side_effect: Off", "Write false."),
            ("side_effect: true", 'side_effect: "true"', "Write it without quotes."),
            ("side_effect: true", 'side_effect: "yes"', "Write true."),
            ("side_effect: true", "side_effect: maybe", ""),
        ],
    )
    def test_the_hint_is_what_to_write(self, refunds: str, old: str, new: str, hint: str) -> None:
        found = [d for d in changed(refunds, old, new) if d.code != "LM603"]
        assert [(d.code, d.hint) for d in found] == [("LM204", hint)]

    def test_a_decimal_comma_within_braces(self, one: One) -> None:
        found, under = one("{run: 0.50,", "{run: 0,50,", "LM125")
        assert under == "0,50"
        assert found.hint == "Write a decimal point:\n    budgets: {run: 0.50, step: 0.20, day: 20}"

    @pytest.mark.parametrize("length", ["99999999999999999999d", "-5m", "0s", "3661d"])
    def test_a_duration_out_of_bounds_is_one(self, one: One, length: str) -> None:
        found, under = one("within: 30m", f"within: {length}", "LM208")
        assert under == length
        assert found.message == "`within` must be more than nothing and at most ten years."

    def test_a_wait_cannot_be_negative(self, refunds: str) -> None:
        text = refunds.replace("    steps:\n", "    steps:\n      pause: {wait: -5s}\n")
        (found,) = [d for d in parse(text).diagnostics if d.code != "LM203"]
        assert (found.code, found.hint) == ("LM208", "")


class TestTypesAsElsewhere:
    @pytest.mark.parametrize(
        ("written", "here"),
        [
            ("list[string]", "{list: string}"),
            ("List[int]", "{list: integer}"),
            ("string[]", "{list: string}"),
            ("dict[str, float]", "{map: number}"),
        ],
    )
    def test_a_type_with_brackets_within_braces(
        self, refunds: str, written: str, here: str
    ) -> None:
        found = changed(refunds, "{ticket_id: string, amount: money}\n    output",
                        f"{{ticket_id: {written}, amount: money}}\n    output")  # fmt: skip
        assert found[0].code == "LM401"
        assert found[0].message == f"`{written}` is not a type."
        assert found[0].hint.endswith(f"input:  {{ticket_id: {here}, amount: money}}")
        mended = changed(refunds, "{ticket_id: string, amount: money}\n    output",
                         f"{{ticket_id: {here}, amount: money}}\n    output")  # fmt: skip
        assert not [d for d in mended if d.code in ("LM101", "LM125", "LM401")]


@pytest.mark.parametrize(
    ("place", "new"),
    [
        ("Read the ticket and say what the customer wants.", '"Read {{ input.ticket }}"'),
        ("with: {ticket: input.ticket}", "with: {ticket: {{ input.ticket }}}"),
        ("with: {ticket: input.ticket}", "with: {ticket: {{input.ticket}} and, more}"),
    ],
)
def test_a_placeholder_with_a_dot_is_a_value_of_the_run(refunds: str, place: str, new: str) -> None:
    found = changed(refunds, place, new)[0]
    assert found.code == "LM124"
    assert "`${input.ticket}` within a text" in found.hint
    assert "`input.ticket` alone in `with`" in found.hint


def test_a_placeholder_with_a_name_is_the_notebooks(one: One) -> None:
    found, _ = one("Read the ticket and say what the customer wants.", '"Read {{ticket}}"', "LM124")
    assert "takes the Python variable of that name" in found.hint


@pytest.mark.parametrize(
    "hostile",
    [
        "a:b\n" * 8_000,
        'a: "b\n' * 8_000,
        "\u00a0a: b\n" * 8_000,
        "a: [" + "list[x], " * 4_000,
        "{" + "a:b, " * 8_000 + "}",
        "{a: 1" + ",1" * 16_000 + "}",
        "{a: \u201cx" + ", b" * 12_000 + "}",
        'a: {b: "' + "c, d: " * 6_000,
        "{a: 1, " + "b, " * 60_000 + "}",
    ],
)
def test_slips_without_end_take_no_time(hostile: str) -> None:
    start = time.process_time()
    render_text(parse(hostile).diagnostics)
    assert time.process_time() - start < 4
