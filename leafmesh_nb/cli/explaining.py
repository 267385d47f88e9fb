"""``explain``: what a diagnostic's code means, with examples, or the page of a topic."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from leafmesh_nb.cli.files import UnreadableError
from leafmesh_nb.cli.tables import coloured
from leafmesh_nb.cli.verb import add_verb

if TYPE_CHECKING:
    from leafmesh_nb.cli.verb import Verbs

__all__ = ["add_to"]

EXPLAIN = """  leafmesh-nb explain LM302
  leafmesh-nb explain expressions
  leafmesh-nb explain              every topic and code, a line each"""


def add_to(verbs: Verbs) -> None:
    """Add the verb."""
    explain = add_verb(
        verbs, "explain", _explain, "say what a diagnostic means, or read about a topic", EXPLAIN
    )
    explain.add_argument(
        "word", metavar="CODE|TOPIC", nargs="?", help="such as LM302, or expressions"
    )


def _explain(given: argparse.Namespace) -> int:
    from leafmesh_nb.language.explain import codes_text, find_page, no_page, page_text
    from leafmesh_nb.language.topics import find_topic, topic_text, topics_text

    if given.word is None:
        print(f"{topics_text()}\n\n{codes_text()}")
    elif page := find_page(given.word):
        print(page_text(page, colour=coloured()))
    elif topic := find_topic(given.word):
        print(topic_text(topic, colour=coloured()))
    else:
        raise UnreadableError(no_page(given.word))
    return 0
