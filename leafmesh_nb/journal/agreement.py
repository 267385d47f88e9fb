"""Whether the table ``runs`` says of a run what the run's chain says.

The row is there for looking up; no hash covers it. What a run goes by is its ``run.started``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leafmesh_nb.journal.text import utf8

__all__ = ["STARTED", "differing"]

STARTED = ("mesh", "workflow", "spec_hash", "requester")
"""The columns of a run's row that repeat fields of its ``run.started``."""


def differing(row: Mapping[str, Any], started: Mapping[str, Any]) -> str:
    """The first column in which a run's row is not what ``run.started`` says; empty when none."""
    for name in STARTED:
        said = started.get(name)
        if not isinstance(said, str) or row.get(name) != utf8(said):
            return name
    return ""
