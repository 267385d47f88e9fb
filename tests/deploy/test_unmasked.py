"""What somebody means who sends back a value of which they saw the masked copy."""

from __future__ import annotations

from typing import Any

import pytest

from leafmesh_nb.deploy.views import unmasked
from leafmesh_nb.memory.masking import Masker

ORIGINAL = {
    "first": "4111 1111",
    "second": "1111 1111",
    "pin": "12",
    "in": {"note": "it is hunter2", "list": ["hunter2"]},
    "amount": "620.00",
}


@pytest.fixture
def masker() -> Masker:
    """It hides all of it but the amount."""
    return Masker(["hunter2"], names=["pin"])


def test_what_was_left_masked_stays_as_it_was(masker: Masker) -> None:
    shown: dict[str, Any] = masker.value(ORIGINAL)
    assert shown["first"] != ORIGINAL["first"]
    assert unmasked(shown, ORIGINAL, masker) == ORIGINAL
    given = {**shown, "amount": "500.00"}
    assert unmasked(given, ORIGINAL, masker) == {**ORIGINAL, "amount": "500.00"}


def test_what_was_changed_counts(masker: Masker) -> None:
    given = {"first": "x", "in": {"note": "it is •••", "list": []}, "new": "•••"}
    assert unmasked(given, ORIGINAL, masker) == {
        "first": "x",
        "in": {"note": "it is hunter2", "list": []},
        "new": "•••",
    }
