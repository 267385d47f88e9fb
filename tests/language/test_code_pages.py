"""The pages of codes: each is there, has its form, and its examples do what it says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import leafmesh_nb
from leafmesh_nb.compose import Report
from leafmesh_nb.language import CODES, Diagnostic, loading, parse
from leafmesh_nb.language.build_steps import STEP
from leafmesh_nb.language.explain import (
    SECTIONS,
    Page,
    changed_lines,
    codes_by_hundred,
    codes_text,
    find_page,
    no_page,
    page_text,
    read_page,
)
from leafmesh_nb.mesh.checking import check_text

PACKAGE = Path(leafmesh_nb.__file__).parent
PAGES = PACKAGE / "docs" / "codes"
COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"

TOO_LONG: dict[str, Callable[[], str]] = {
    "LM102": lambda: f"mesh: desk\ndescription: {'order 7, ' * 230_000}\n",
    "LM104": lambda: f"mesh: desk\ndescription: [{'1, ' * 100_001}]\n",
    "LM199": lambda: "mesh: desk\nmemory:\n" + "".join(f"  field{n}: strin\n" for n in range(200)),
}
"""What is bad because there is so much of it: the page describes it, and it is made here."""

ANOTHER_NAME = {"LM212": "orders"}
"""The name that the mesh is given beside its text."""

FAULTS = {"LM198"}
"""What no text brings about as far as anybody knows: a fault is put in."""

FOR_RELEASE = {"LM450", "LM691"}
"""What only the check of a release says."""

STEP_KEYS = {
    "LM322": "workflow",
    "LM323": "workflow",
    "LM324": "race",
    "LM325": "consult",
    "LM326": "on_error",
    "LM607": "race",
}
"""Codes that are about one key of a step."""

ALSO = {
    "LM199": {"LM401"},  # the errors of which there are too many
    "LM330": {"LM203"},  # and every fallback
    "LM690": {"LM203"},  # this version refuses every vendor
    # and steps with these keys
    **{code: {"LM203"} for code, key in STEP_KEYS.items() if key in STEP.later},
}
"""Other codes that a bad example cannot do without."""

NOT_YET_GOOD = {"LM330": {"LM203"}}
"""Codes that even a good example cannot do without, until this version carries it out."""


def page_of(code: str) -> Page:
    page = find_page(code)
    assert page is not None
    return page


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[str]
) -> Callable[[Page, str], set[str]]:
    """The codes that the example of a section gives, executed as the page describes it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def run_example(page: Page, section: str) -> set[str]:
        monkeypatch.setenv(COLLECTOR, "http://localhost:4318")
        text = page.block(section, "yaml")
        if page.code in TOO_LONG and section == "Bad":
            text = TOO_LONG[page.code]()
        if page.code == "LM691":
            text = "mesh: desk"
            if "export" not in (page.block(section, "text") or ""):
                monkeypatch.delenv(COLLECTOR)
        if page.code in ANOTHER_NAME:
            return codes_in(parse(text or "", name=ANOTHER_NAME[page.code]).diagnostics)
        assert text is not None, f"{page.code} has no {section.lower()} example"
        if (code := page.block(section, "python")) is not None:
            monkeypatch.delitem(sys.modules, "shop", raising=False)
            (tmp_path / "shop.py").write_text(code + "\n", encoding="utf-8")
        if page.code in FAULTS and section == "Bad":
            monkeypatch.setattr(loading, "build", lambda *_: 1 // 0)
            found = codes_in(check_text(text).diagnostics)
            assert faults.pop() == "a fault of leafmesh_nb"
            return found
        samples = page.block(section, "json")
        report: Report = check_text(
            text,
            samples=None if samples is None else json.loads(samples),
            release=page.code in FOR_RELEASE,
        )
        return codes_in(report.diagnostics)

    return run_example


def codes_in(found: tuple[Diagnostic, ...]) -> set[str]:
    return {diagnostic.code for diagnostic in found}


def test_every_code_has_a_page_and_no_page_lacks_a_code() -> None:
    assert sorted(path.name for path in PAGES.iterdir()) == sorted(f"{code}.md" for code in CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_page_has_its_form(code: str) -> None:
    page = page_of(code)
    assert (page.code, page.title) == (code, CODES[code])
    assert page.sections[""], "what it means"
    assert tuple(name for name in page.sections if name) == SECTIONS
    assert all(page.sections.values())
    for name, parts in page.sections.items():
        languages = [part.language for part in parts if part.language]
        assert len(set(languages)) == len(languages), "one block of a language"
        assert set(languages) <= {"yaml", "python", "json", "text"}
        assert bool(languages) == (name in ("Bad", "Good"))
    for name in ("Bad", "Good"):
        file = page.block(name, "python")
        assert file is None or file.startswith("# shop.py\n")
    assert all(len(line) <= 100 for line in page.markdown.split("\n"))


@pytest.mark.parametrize("code", sorted(CODES))
def test_the_bad_example_is_told_so(code: str, run: Callable[[Page, str], set[str]]) -> None:
    assert run(page_of(code), "Bad") == {code} | ALSO.get(code, set())


@pytest.mark.parametrize("code", sorted(CODES))
def test_the_good_example_is_good(code: str, run: Callable[[Page, str], set[str]]) -> None:
    """Without errors, and without warnings too."""
    assert run(page_of(code), "Good") == NOT_YET_GOOD.get(code, set())


def test_every_code_is_said_somewhere_in_the_package() -> None:
    """A code that nothing says promises a check that is not made."""
    sources = (p for p in PACKAGE.rglob("*.py") if p.name not in ("codes.py", "finding.py"))
    texts = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert [code for code in CODES if f'"{code}"' not in texts] == []


def test_examples_differ_in_a_few_lines() -> None:
    for code in CODES:
        page = page_of(code)
        for section in ("Bad", "Good"):
            changed = changed_lines(page, section, "yaml")
            assert len(changed) <= 8, (code, section)


# -- finding and showing


@pytest.mark.parametrize("word", ["LM302", "lm302", " 302 "])
def test_a_code_as_people_type_it(word: str) -> None:
    assert page_of(word).code == "LM302"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("LM3O2", "Did you mean LM302?"),
        ("ML302", "Did you mean LM302?"),
        ("LM999", "lists all of them"),
        ("capability", "lists all of them"),
        ("LM302 LM303", "Did you mean LM302?"),
        ("../../secrets", "lists all of them"),
        ("３０２", "lists all of them"),
        ("x" * 5000, "lists all of them"),
        ("\x1b[2J", "'\\x1b[2J'"),
    ],
)
def test_what_is_no_code(word: str, says: str) -> None:
    assert find_page(word) is None
    message = no_page(word)
    assert says in message
    assert len(message) < 150


def test_the_text_marks_the_lines_that_differ() -> None:
    text = page_text(page_of("LM302"))
    assert text.startswith("LM302: an unknown capability\n\nA capability is named")
    assert "  -       read: {capability: mail.raed" in text
    assert "  +       read: {capability: mail.read" in text
    assert "    mesh: desk\n" in text
    assert "\x1b" not in text
    assert max(map(len, text.split("\n"))) <= 104
    assert "\x1b[31m  -       read: {capability: mail.raed" in page_text(page_of("LM302"), True)


def test_the_list_has_every_code_by_hundreds() -> None:
    groups = dict(codes_by_hundred())
    assert [code for codes in groups.values() for code, _ in codes] == sorted(CODES)
    assert ("LM302", "an unknown capability") in groups["references"]
    assert re.search(r"^references\n  LM301  an unknown model$", codes_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "starts with"),
        ("# LM1: short\n", "starts with"),
        ("# LM999: x\n\n## Else\n\ny\n", "the sections are"),
        ("# LM999: x\n\n## Bad\n\ny\n\n## Bad\n\ny\n", "each once"),
        ("# LM999: x\n\n## Bad\ny\n", "each once"),
        ("# LM999: x\n\n```\ny\n```\n", "names its language"),
        ("# LM999: x\n\n```yaml\ny\n", "is closed"),
    ],
)
def test_a_page_without_its_form(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_page(text)


def test_blocks_keep_every_character() -> None:
    page = read_page("# LM999: x\n\nA\nparagraph.\n```yaml\na:\n\n\tb\n# c\n```\nmore\n")
    assert [(part.text, part.language) for part in page.sections[""]] == [
        ("A paragraph.", ""),
        ("a:\n\n\tb\n# c", "yaml"),
        ("more", ""),
    ]
