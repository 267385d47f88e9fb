"""``%mesh explain``: a page, a topic, the list, and what is neither."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from IPython.utils.capture import capture_output

from leafmesh_nb.language import CODES
from leafmesh_nb.language.explain import find_page, page_text
from leafmesh_nb.language.topics import find_topic, topic_text
from leafmesh_nb.notebook.explaining import index_html, page_html


@pytest.fixture
def cells(cells: Any) -> Any:
    """As in the other tests; what a shell without a kernel displays first is printed, not kept."""
    cells.good("%mesh")
    return cells


def test_a_page_with_its_plain_twin(cells: Any) -> None:
    cells.good("%mesh explain LM302")
    page = find_page("LM302")
    assert page is not None
    assert cells.out.strip() == page_text(page).strip()
    assert cells.html == page_html(page)
    cells.good("%mesh explain lm302")
    assert cells.html == page_html(page)


def test_a_topic_is_markdown_with_its_plain_twin(cells: Any) -> None:
    topic = find_topic("expressions")
    assert topic is not None
    with capture_output() as captured:
        cells.shell.run_line_magic("mesh", "explain expressions")
    (shown,) = captured.outputs
    assert shown.data == {"text/markdown": topic.markdown, "text/plain": topic_text(topic)}


def test_without_a_word_every_topic_and_code(cells: Any) -> None:
    cells.good("%mesh explain")
    assert "expressions" in cells.html
    assert "  expressions  Expressions: " in cells.out
    for code, title in CODES.items():
        assert f"{code}  {title}" in cells.out
        assert code in cells.html


def test_what_is_no_code(cells: Any) -> None:
    cells.run("%mesh explain LM3O2")
    assert "there is no code 'LM3O2'. Did you mean LM302?" in cells.out
    assert "Traceback" not in cells.out
    cells.run("%mesh explain everything")
    assert "Without a word, `explain` lists all of them" in cells.out


class Tags(HTMLParser):
    """Checks that elements are closed in order, and collects what the reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert dict(attrs).keys() <= {"style"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_page_is_whole_html_that_shows_every_word(code: str) -> None:
    page = find_page(code)
    assert page is not None
    html = page_html(page)
    seen = Tags()
    seen.feed(html)
    seen.close()
    assert seen.open == []
    words = " ".join(seen.text.split())
    for heading, parts in page.sections.items():
        assert heading in words
        for part in parts:
            shown = part.text if part.language else part.text.replace("`", "")
            if not part.language and part.text.count("`") % 2:
                shown = part.text
            assert " ".join(shown.split()) in words
    assert "$" not in html.replace("<span>$</span>", "")  # a pair would be typeset as TeX


def test_the_lines_that_differ_are_tinted() -> None:
    page = find_page("LM302")
    assert page is not None
    html = page_html(page)
    assert html.count("background:rgba(217,80,61,.16)") == 1
    assert html.count("background:rgba(35,138,87,.16)") == 1
    assert "<table" in index_html()
