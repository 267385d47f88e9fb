"""The places of a run as text: made, parsed, and taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.engine import paths

NUMBERS = st.integers(0, 10**6)
IDS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@st.composite
def paths_of_any_depth(draw: st.DrawFn) -> str:
    path = ""
    for _ in range(draw(st.integers(1, 4))):
        path = paths.inner(path, draw(IDS))
        if draw(st.booleans()):
            path = paths.item(path, draw(NUMBERS))
        if draw(st.booleans()):
            path = paths.iteration(path, draw(NUMBERS))
        if draw(st.booleans()):
            path = paths.racer(path, draw(NUMBERS))
    return path


@given(path=paths_of_any_depth())
def test_a_path_is_the_place_that_it_names(path: str) -> None:
    place = paths.parse(path)
    assert str(place) == path
    assert paths.scope(path) == place.scope
    assert paths.steps_of(path).split("/")[-1] == place.step


@given(path=paths_of_any_depth())
def test_every_place_is_part_of_one_that_is_a_place_too(path: str) -> None:
    seen = [path]
    while paths.parent(seen[-1]):
        before = paths.parent(seen[-1])
        assert seen[-1].startswith(before)
        paths.parse(before)
        seen.append(before)
    assert len(seen) == paths.depth(path) + 1
    assert seen[-1] == paths.outermost(path)
    assert paths.steps_of(path).count("/") == path.count("/")


@given(path=paths_of_any_depth(), number=NUMBERS)
def test_what_is_added_is_taken_off(path: str, number: int) -> None:
    for made in (
        paths.item(path, number),
        paths.iteration(path, number),
        paths.racer(path, number),
        paths.inner(path, "then"),
    ):
        assert paths.parent(made) == path
        assert paths.outermost(made) == paths.outermost(path)


@pytest.mark.parametrize("text", ["", "a/", "a[x]", "a[1", "a#", "a@1#2", "a#1[2]", "a[1][2]"])
def test_a_text_that_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no path of a step"):
        paths.parse(text)
