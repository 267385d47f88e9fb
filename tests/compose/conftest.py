"""The reference mesh, and a small one whose every part a test may change by a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.compose import LayerReport, Report, Subject, check

REFUNDS = (Path(__file__).parents[1] / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def refunds() -> str:
    """The text of the reference mesh."""
    return REFUNDS


class Look:
    """Checks a text: ``look(text)`` is the report, ``look.at(layer, text)`` one layer of it."""

    def __call__(self, text: str, **more: Any) -> Report:
        return check(Subject.of_text(text, "cell", **more))

    def at(self, layer: str, text: str, **more: Any) -> LayerReport:
        return self(text, **more).layer(layer)


@pytest.fixture(scope="session")
def look() -> Look:
    """The check of a text."""
    return Look()


@pytest.fixture(scope="session")
def changed() -> Callable[..., str]:
    """The reference mesh with one thing replaced, which must be there: ``changed(old, new)``."""

    def change(*pairs: str, text: str = REFUNDS) -> str:
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            assert old in text, f"{old!r} is not in the text"
            text = text.replace(old, new)
        return text

    return change
