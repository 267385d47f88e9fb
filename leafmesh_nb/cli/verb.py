"""What the verbs' parsers share: help with examples, the journal, the format."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add_format", "add_journal", "add_verb"]

Do = Callable[[argparse.Namespace], int]


def add_verb(
    verbs: Verbs, name: str, do: Do, help: str, examples: str = ""
) -> argparse.ArgumentParser:
    """A verb with a line of help and, below its flags, examples."""
    parser = verbs.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.",
        epilog=f"examples:\n{examples}" if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(verb=do, parser=parser)
    return parser


def add_journal(parser: argparse.ArgumentParser) -> None:
    """``--journal PATH``."""
    parser.add_argument(
        "--journal",
        metavar="PATH",
        help="the journal (default: LEAFMESH_JOURNAL, else .leafmesh/journal.db)",
    )


def add_format(parser: argparse.ArgumentParser, *others: str) -> None:
    """``--format text|json``, and others where a verb has them."""
    parser.add_argument(
        "--format", choices=("text", "json", *others), default="text", help="default: text"
    )
