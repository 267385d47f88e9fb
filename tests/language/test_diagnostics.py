"""Diagnostics: collected once, sorted, bounded, shown safely."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from leafmesh_nb.language import CODES, Diagnostic, parse, render_html, render_text
from leafmesh_nb.language.diagnostics import Collector, Related, TooManyErrors
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.suggest import distance, suggest


def collector(text: str = "first line\nsecond line\n") -> Collector:
    return Collector(Source(text, "cell"))


def test_sorted_by_place_and_told_once() -> None:
    told = collector()
    told.error("LM201", "later", Span(2, 1, 2, 3))
    told.warning("LM214", "earlier", Span(1, 7, 1, 9))
    told.error("LM201", "later", Span(2, 1, 2, 3))
    told.error("LM202", "first", Span(1, 1, 1, 2))
    assert [d.message for d in told.finish()] == ["first", "earlier", "later"]
    assert told.failed


def test_a_closed_place_says_nothing_more() -> None:
    told = collector()
    told.close(Span(1, 1, 1, 6))
    told.error("LM201", "inside", Span(1, 3, 1, 4))
    told.error("LM201", "after", Span(1, 6, 1, 7))
    assert [d.message for d in told.finish()] == ["after"]


def test_two_hundred_errors_are_enough() -> None:
    told = collector()
    for column in range(199):
        told.error("LM201", "wrong", Span(1, column + 1, 1, column + 2))
    with pytest.raises(TooManyErrors):
        told.error("LM201", "one too many", Span(2, 1, 2, 2))
    assert len(told.finish()) == 201


def test_warnings_alone_are_no_failure() -> None:
    told = collector()
    told.warning("LM214", "hm", Span(1, 1, 1, 2))
    assert not told.failed


def test_findings_become_sentences() -> None:
    told = collector()

    class Finding:
        code, severity, span = "LM111", "error", Span(1, 1, 1, 2)
        message, hint = "this text is never closed", "close it"

    told.finding(Finding())  # type: ignore[arg-type]
    (found,) = told.finish()
    assert (found.message, found.hint) == ("This text is never closed.", "Close it.")


def test_every_code_that_is_used_is_in_the_table() -> None:
    from pathlib import Path

    import leafmesh_nb.language as language

    folder = Path(str(language.__file__)).parent
    used = {
        code
        for path in folder.rglob("*.py")
        if path.name != "codes.py"
        for code in re.findall(r"\bLM\d{3}\b", path.read_text(encoding="utf-8"))
    }
    assert used - set(CODES) == set()
    assert all(re.fullmatch(r"LM[1-8]\d\d", code) and title for code, title in CODES.items())


def test_as_json(told: Callable[[str], Any]) -> None:
    (found,) = told("mesh: a\nb: 1\n").diagnostics
    assert json.loads(json.dumps(found.to_dict())) == {
        "code": "LM201",
        "severity": "error",
        "message": "A mesh has no key `b`.",
        "hint": found.hint,
        "source": "cell",
        "line": 2,
        "column": 1,
        "end_line": 2,
        "end_column": 2,
        "line_text": "b: 1",
        "related": [],
    }


# -- text


def test_the_caret_is_under_the_wrong_part(changed: Callable[..., Any]) -> None:
    told = changed("to: lead", "to: leed")
    lines = render_text(told.diagnostics).split("\n")
    assert lines == [
        "error LM306: `leed`: there is nobody of that name or role.",
        "  --> cell:82:13",
        "   |",
        "82 |         to: leed",
        "   |             ^^^^",
        "   = Did you mean `lead`?",
    ]


def test_wide_and_combining_characters_keep_the_caret_in_place() -> None:
    told = collector("漢字: wrong\ne\u0301e: wrong\n")
    told.error("LM201", "x", Span(1, 5, 1, 10))
    told.error("LM201", "y", Span(2, 6, 2, 11))
    text = render_text(told.finish())
    for line, caret in re.findall(r"\d \| (.*)\n +\| ( *\^+)", text):
        width = sum(
            0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
            for c in line[: line.index("wrong")]
        )
        assert caret == " " * width + "^^^^^"


def test_a_tab_takes_one_cell() -> None:
    told = collector("a:\t wrong\n")
    told.error("LM201", "x", Span(1, 5, 1, 10))
    assert "1 | a:  wrong\n  |     ^^^^^\n" in render_text(told.finish()) + "\n"


def test_in_html_the_text_itself_makes_room_where_letters_are_wide() -> None:
    told = collector("漢字: wrong\nplain: wrong\n")
    told.error("LM201", "x", Span(1, 5, 1, 10))
    told.error("LM201", "y", Span(2, 8, 2, 13))
    wide, narrow = re.findall(
        r"\| </span>((?:(?!<pre).)*?)<span style=[^>]*>\^", render_html(told.finish())
    )
    assert wide.endswith('<span style="opacity:0">漢字: </span>')
    assert narrow == " " * 7


def test_what_is_told_can_be_written_anywhere() -> None:
    (found, *_) = parse("mesh: a\nb\udce9: 1\n", source="cell").diagnostics
    json.dumps(found.to_dict(), ensure_ascii=False).encode("utf-8")
    assert found.line_text == "b\ufffd: 1"


@pytest.mark.parametrize("length", [500, 100_000])
def test_a_long_line_is_cut_around_a_caret_at_its_end(length: int) -> None:
    told = collector("x" * length + "wrong")
    told.error("LM201", "m", Span(1, length + 1, 1, length + 6))
    line, caret = re.findall(r"1 \| (.*)\n +\| ( *\^+)", render_text(told.finish()))[0]
    assert len(line) < 120
    assert line[caret.index("^") : len(caret)] == "wrong"


def test_a_long_line_is_cut_around_the_caret() -> None:
    told = collector("x" * 5000 + "wrong" + "y" * 5000)
    told.error("LM201", "m", Span(1, 5001, 1, 5006))
    text = render_text(told.finish())
    line, caret = re.findall(r"1 \| (.*)\n +\| ( *\^+)", text)[0]
    assert len(line) < 200
    assert line[caret.index("^") : len(caret)] == "wrong"


def test_a_span_over_lines_is_marked_to_the_end_of_its_first() -> None:
    told = collector()
    told.error("LM201", "m", Span(1, 7, 2, 3))
    assert "      ^^^^\n" in render_text(told.finish()) + "\n"


@pytest.mark.parametrize("sign", ["\x1b[31m", "\u202e", "\u200b", "\x07", "\r", "\ud800", "\x9b"])
def test_nothing_in_a_text_reaches_the_terminal_as_control(sign: str) -> None:
    diagnostics = parse(f"mesh: a{sign}b\nagnets{sign}: 1\n", source=f"cell{sign}").diagnostics
    assert diagnostics
    for shown in (render_text(diagnostics), render_html(diagnostics)):
        assert not set(sign) & set("\x1b\u202e\u200b\x07\r\ud800\x9b") & set(shown)
        shown.encode("utf-8")


def test_colour_is_on_demand(changed: Callable[..., Any]) -> None:
    told = changed("to: lead", "to: leed")
    assert "\x1b" not in render_text(told.diagnostics)
    coloured = render_text(told.diagnostics, colour=True)
    assert "\x1b[1;31merror LM306\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render_text(told.diagnostics)


def test_several_end_with_a_count(changed: Callable[..., Any]) -> None:
    told = changed("to: lead", "to: leed\n        whithin: 3m")
    assert render_text(told.diagnostics).endswith("2 errors")
    assert render_text(()) == ""


# -- HTML


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def tags(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;$x^2$"


@pytest.mark.parametrize(
    "text",
    [
        f"mesh: a\n'{HOSTILE.replace(chr(39), '')}': 1\n",
        f"mesh: {HOSTILE}\n",
        f"mesh: a\nmodels: {{q: {{provider: offline, tier: '{HOSTILE.replace(chr(39), '')}'}}}}\n",
        f"# {HOSTILE}\nmesh: [\n",
    ],
)
def test_html_is_inert_whatever_the_text_holds(text: str) -> None:
    diagnostics = parse(text, source=HOSTILE).diagnostics
    assert diagnostics
    page = tags(render_html(diagnostics))
    assert page.seen <= {"div", "span", "pre", "code", "table", "tr", "td"}
    assert page.attributes <= {"style"}
    assert "<script>alert(1)</script>" in page.text


def test_html_has_no_dollar_that_could_become_tex() -> None:
    html = render_html(parse("mesh: a\n$x$: 1\n", source="$s$").diagnostics)
    assert "$" in html
    assert re.sub(r"<span>\$</span>", "", html).count("$") == 0


def test_html_follows_the_theme(changed: Callable[..., Any]) -> None:
    html = render_html(changed("to: lead", "to: leed").diagnostics)
    assert "var(--jp-error-color1" in html
    assert "class=" not in html
    assert "LM306" in html
    assert "to: leed" in html
    assert render_html(()) == ""


def test_html_of_related_places(changed: Callable[..., Any]) -> None:
    told = changed("id: large", "id: small")
    text = tags(render_html(told.diagnostics)).text
    assert "Line 76: the other one" in text
    assert "- id: small" in text


def test_a_diagnostic_is_a_value() -> None:
    one = Diagnostic(
        "LM201", "error", "m", Span(1, 1, 1, 2), related=(Related("r", Span(1, 1, 1, 2)),)
    )
    assert one == Diagnostic(
        "LM201", "error", "m", Span(1, 1, 1, 2), related=(Related("r", Span(1, 1, 1, 2)),)
    )
    assert one.title == "an unknown key"
    assert str(one) == "mesh:1:1: LM201 m"
    assert one.line_text == ""


# -- did you mean


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("agnets", "agents"),
        ("Agents", "agents"),
        ("agent", "agents"),
        ("polices", "policies"),
        ("budget", "budgets"),
        ("work-flows", "workflows"),
        ("xyz", None),
        ("a", None),
        ("", None),
        ("a" * 500, None),
    ],
)
def test_suggestions(written: str, meant: str | None) -> None:
    keys = ["agents", "policies", "budgets", "workflows", "models", "memory", "mesh"]
    assert suggest(written, keys) == meant


def test_distance_counts_swaps_as_one_and_gives_up_early() -> None:
    assert distance("teh", "the", 3) == 1
    assert distance("abc", "abc", 3) == 0
    assert distance("abc", "xyz", 3) == 3
    assert distance("abcdef", "uvwxyz", 2) == 3
    assert distance("short", "very much longer", 2) == 3
