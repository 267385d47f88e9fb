"""What is known of the other steps when one runs: by hand, and against every run there can be."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product

import pytest

from leafmesh_nb.engine.plan import standing
from leafmesh_nb.language.certainty import certainty, ended_before, unreachable
from leafmesh_nb.language.joins import ancestors, in_order, with_handlers
from leafmesh_nb.language.spec import Join

Joins = dict[str, Join | None]


def every(*terms: str | Join) -> Join:
    return Join("all", terms)


def some(*terms: str | Join, count: int = 0) -> Join:
    return Join("count", terms, count) if count else Join("any", terms)


def test_what_is_done_before() -> None:
    joins: Joins = {
        "a": None,
        "b": None,
        "single": every("b"),
        "chain": every("single"),
        "both": every("a", "b"),
        "each": some("a", "b", count=2),
        "some": some("a", "b", count=1),
        "any": some("a", "b"),
        "lone": some("b"),
        "mixed": every("a", some("b", "single")),
    }
    found = certainty(joins, conditional=["b"])
    assert found.always == {"a", "both", "some", "any", "mixed"}
    assert found.before["single"] == {"b"}
    assert found.before["chain"] == {"single", "b"}
    assert found.before["both"] == {"a"}
    assert found.before["each"] == {"a", "b"}
    assert found.before["some"] == set()
    assert found.before["any"] == set()
    assert found.before["lone"] == {"b"}
    assert found.before["mixed"] == {"a"}
    assert ancestors(joins)["chain"] == {"single", "b"}


def test_what_may_have_failed_is_not_known_to_be_done() -> None:
    joins: Joins = {
        "a": None,
        "risky": every("a"),
        "next": every("risky"),
        "counted": some("risky"),
        "beside": every("a", "risky"),
        "rescue": None,
        "after_rescue": every("rescue"),
    }
    found = certainty(joins, tolerated=["risky"], handles={"rescue": ["risky"]})
    assert found.always == {"a", "next", "beside"}
    assert found.before["next"] == {"a"}
    assert found.before["counted"] == {"a", "risky"}
    assert found.before["beside"] == {"a"}
    assert found.before["rescue"] == {"a"}
    assert found.before["after_rescue"] == {"rescue", "a"}


def test_a_step_that_may_have_failed_for_want_of_its_terms_says_nothing_of_them() -> None:
    joins: Joins = {"a": None, "b": None, "c": some("a", "b", count=2), "d": every("c")}
    assert certainty(joins).before["d"] == {"a", "b", "c"}
    assert certainty(joins, tolerated=["a", "c"]).before["d"] == set()


def test_what_has_surely_ended() -> None:
    joins: Joins = {
        "a": None,
        "b": None,
        "first": some("a", "b"),
        "all": every("a", "b"),
        "lone": some("a"),
        "full": some("a", "b", count=2),
        "chain": every("all", some("first", "lone")),
    }
    found = ended_before(joins)
    assert found["first"] == set()
    assert found["all"] == found["full"] == {"a", "b"}
    assert found["lone"] == {"a"}
    assert found["chain"] == {"all", "a", "b"}


@pytest.mark.parametrize(
    ("join", "possible"),
    [
        (some("x", "h", count=2), False),
        (some("x", "h", "a", count=2), True),
        (some("x", "h", "a", count=3), False),
        (some("x", "h"), True),
        (every("x", "h"), True),
        (every("a", some("x", "h", count=2)), False),
        (some("x", "y", "g", count=3), False),
        (some("x", "g", count=2), True),
        (some(every("x", "h"), "h", count=2), True),
    ],
)
def test_more_than_can_be_done(join: Join, possible: bool) -> None:
    handles = {"h": ["x"], "g": ["x", "y"]}
    assert (unreachable(join, handles) is None) == possible


# -- against the engine: no run may show something else


def any_join(rng: random.Random, names: list[str], depth: int = 0) -> Join:
    chosen = rng.sample(names, rng.randint(1, min(3, len(names))))
    terms: list[str | Join] = list(chosen)
    if depth < 1 and rng.random() < 0.3:
        terms.append(any_join(rng, names, depth + 1))
    op = rng.choice(["all", "all", "any", "count"])
    if op == "count":
        return Join("count", tuple(terms), rng.randint(1, len(terms)))
    return Join("any" if op == "any" else "all", tuple(terms))


def end(
    joins: Joins, order: list[str], handles: Mapping[str, list[str]], tolerated: set[str],
    fates: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, set[str]]] | None:  # fmt: skip
    """How every step ends, with what was done when it ran; None if the run fails."""
    ends: dict[str, str] = {}
    seen: dict[str, set[str]] = {}
    for name in order:
        where = standing(joins[name], ends, frozenset(tolerated)).state
        assert where != "wait"
        handled = handles.get(name)
        if handled is not None and not any(ends[h] == "failed" for h in handled):
            where = "skip"
        if where == "ready":
            seen[name] = {n for n, status in ends.items() if status == "done"}
            ends[name] = fates[name]
        else:
            ends[name] = "skipped" if where == "skip" else "failed"
        if ends[name] == "failed" and name not in tolerated:
            return None
    return ends, seen


@pytest.mark.parametrize("seed", range(60))
def test_certainty_holds_in_every_run(seed: int) -> None:
    rng = random.Random(seed)
    names = [f"s{i}" for i in range(6)]
    joins: Joins = {}
    for index, name in enumerate(names):
        joins[name] = any_join(rng, names[:index]) if index and rng.random() < 0.8 else None
    conditional = {n for n in names if rng.random() < 0.3}
    tolerated = {n for n in names if rng.random() < 0.4}
    handles: dict[str, list[str]] = {}
    for name in names[1:]:
        below = [t for t in names[: names.index(name)] if t in tolerated]
        if below and rng.random() < 0.3:
            handles[name] = rng.sample(below, 1)
    found = certainty(joins, conditional, tolerated, handles)
    order = in_order(with_handlers(joins, handles))
    fates = [
        [
            "done",
            *(["skipped"] if n in conditional else []),
            *(["failed"] if n in tolerated else []),
        ]
        for n in names
    ]
    runs = 0
    for chosen in product(*fates):
        run = end(joins, order, handles, tolerated, dict(zip(names, chosen, strict=True)))
        if run is None:
            continue
        runs += 1
        ends, seen = run
        assert found.always <= {n for n, status in ends.items() if status == "done"}
        for name, done in seen.items():
            assert found.before[name] <= done, (name, joins, chosen)
    assert runs
