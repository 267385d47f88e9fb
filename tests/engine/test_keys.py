"""Keys: the same for a retry after a crash, another for every deliberate repeat."""

from __future__ import annotations

import itertools

from leafmesh_nb.engine.keys import call_key, digest, question_id


def test_a_key_never_changes() -> None:
    """Golden values: a journal written today is resumed by tomorrow's version."""
    assert digest({"b": [1, "é"], "a": None}) == (
        "a44633ba036df25280e4fd9ef09da6f54dfe6d3611c755e31f993ab16f108f34"
    )
    assert call_key("r1", "pay", 0, 1, "d") == "c7459cd3a8b661e2084d41cfe4a62751"
    assert question_id("r1", "pay", "tool:1", 0) == "q17323a0bd9c"


def test_a_digest_is_about_the_value_not_its_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])
    assert digest({"a": "1"}) != digest({"a": 1})
    assert digest("\ud800") != digest("\ud801"), "half a character from an agent stops nothing"


def test_every_place_has_a_key_of_its_own() -> None:
    places = itertools.product(["r1", "r2"], ["a", "b"], [0, 1], [0, 1], ["d", "e"])
    keys = [call_key(*place) for place in places]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 32 for key in keys)
    ids = [question_id("r1", "a", action, n) for action in ("output", "tool:1") for n in (0, 1)]
    assert len(set(ids)) == 4
