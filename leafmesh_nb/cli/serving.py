"""``deploy``, ``token`` and ``worker``: the same mesh as a governed service."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from leafmesh_nb.cli.verb import add_verb
from leafmesh_nb.errors import LeafmeshError

if TYPE_CHECKING:
    from leafmesh_nb.cli.verb import Verbs

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    worker = add_verb(verbs, "worker", _worker, "join a deployment on more machines")
    worker.add_argument("--database", metavar="URL", required=True)


def _worker(given: argparse.Namespace) -> int:
    raise LeafmeshError(
        "worker is not available yet in this version: the journal is in SQLite, and the process "
        "of `leafmesh-nb deploy` drives its runs"
    )
