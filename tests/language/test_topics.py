"""Topics: pages for users, each a Markdown file of the package."""

from __future__ import annotations

import pytest

from leafmesh_nb.language.topics import (
    Topic,
    close_topic,
    find_topic,
    topic_text,
    topics,
    topics_text,
)


def test_every_topic_has_a_title_and_a_name_to_ask_for() -> None:
    found = topics()
    assert "expressions" in {topic.name for topic in found}
    for topic in found:
        assert find_topic(topic.name) == topic
        assert find_topic(f" {topic.name.title()} ") == topic
        assert topic.markdown.startswith(f"# {topic.title}\n\n")
        assert f"  {topic.name}  {topic.title}" in topics_text()


@pytest.mark.parametrize("word", ["", "codes", "../README", "expressions.md", "LM302", "x" * 9999])
def test_what_is_no_topic(word: str) -> None:
    assert find_topic(word) is None


def test_a_misspelt_topic() -> None:
    assert close_topic("Expresions") == "expressions"
    assert close_topic("weather") is None


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_a_topic_fits_a_terminal_with_every_word_of_it(topic: Topic) -> None:
    text = topic_text(topic)
    assert max(map(len, text.split("\n"))) <= 100
    assert "\x1b" not in text
    assert "\x1b[1m" in topic_text(topic, colour=True)
    for mark in ("```", "\n#", "|---", "\\|"):
        assert mark not in text
    shown = set(text.split())
    missing = {
        word
        for word in topic.markdown.replace("\\|", "\0").replace("|", " ").replace("\0", "|").split()
        if word not in shown and not word.startswith(("```", "#", "---"))
    }
    assert not missing


def test_the_blocks_of_a_page() -> None:
    markdown = "\n".join(
        [
            "# Title", "", "One", "paragraph.", "```yaml", "a:", "", "  b: 1", "```", "",
            "- one", "  more", "- two", "", "| a | b |", "|---|---|", "| `x \\|\\| y` | z |", "",
        ]
    )  # fmt: skip
    assert topic_text(Topic("t", "Title", markdown)).split("\n") == [
        "Title", "", "One paragraph.", "", "    a:", "", "      b: 1", "",
        "- one more", "- two", "", "  a         b", "  `x || y`  z",
    ]  # fmt: skip
