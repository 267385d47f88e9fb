"""``explain``: what a diagnostic's code means, with a bad and a good example."""

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
  leafmesh-nb explain              every code, a line each"""


def add_to(verbs: Verbs) -> None:
    """Add the verb."""
    explain = add_verb(
        verbs, "explain", _explain, "say what a diagnostic means, by its code", EXPLAIN
    )
    explain.add_argument("code", metavar="CODE", nargs="?", help="such as LM302")


def _explain(given: argparse.Namespace) -> int:
    from leafmesh_nb.language.explain import codes_text, find_page, no_page, page_text

    if given.code is None:
        print(codes_text())
        return 0
    page = find_page(given.code)
    if page is None:
        raise UnreadableError(no_page(given.code))
    print(page_text(page, colour=coloured()))
    return 0
