"""The mesh of the specification, and a cursor in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from leafmesh_nb.language import load
from leafmesh_nb.language.editing.draft import Draft
from leafmesh_nb.language.spec import Spec

CURSOR = "‸"
REFUNDS = Path(__file__).parents[2] / "fixtures" / "refunds.yaml"

Place = Callable[..., tuple[Draft, int]]


@pytest.fixture(scope="session")
def refunds() -> str:
    """The text of the mesh that most tests are about."""
    return REFUNDS.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def spec(refunds: str) -> Spec:
    """The same mesh, defined."""
    return load(refunds)


@pytest.fixture
def place(refunds: str) -> Place:
    """``place(old, new)``: the mesh with ``old`` replaced by ``new``, and where ``‸`` stands in it;
    ``place(text)``: a text with a cursor alone."""

    def find(old: str, new: str | None = None, **more: object) -> tuple[Draft, int]:
        text = old
        if new is not None:
            assert old in refunds, old
            text = refunds.replace(old, new, 1)
        before, _, after = text.partition(CURSOR)
        return Draft(before + after, **more), len(before)  # type: ignore[arg-type]

    return find
