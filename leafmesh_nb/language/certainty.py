"""What is certain of the other steps when a step runs, and when a workflow has ended.

A failure that is not tolerated ends the run, so whatever is certain is so of the runs that go on.
A tolerated failure lets the steps go on that wait for all of their terms; ``any`` and ``count``
count what is done and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from leafmesh_nb.language.joins import in_order, with_handlers
from leafmesh_nb.language.spec import Join

__all__ = ["Certainty", "certainty", "ended_before", "unreachable"]

Joins = Mapping[str, Join | None]
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Certainty:
    """``always``: the steps that are done in every run that does not fail; ``before``: for each
    step, those that must be done when it runs."""

    always: frozenset[str]
    before: Mapping[str, frozenset[str]]


def certainty(
    joins: Joins,
    conditional: Collection[str] = (),
    tolerated: Collection[str] = (),
    handles: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Certainty:
    """What follows from the joins, where the ``conditional`` steps may be skipped and the
    ``tolerated`` ones may have failed. ``handles`` has the steps that ``on_error`` names, each
    with those whose failure leads to it. Together they have no cycle."""
    order = in_order(with_handlers(joins, handles))
    running = _never_skipped(order, joins, {*conditional, *handles}, tolerated)
    always = running - frozenset(tolerated)
    return Certainty(always, _done_before(order, joins, running, always, tolerated, handles))


def _never_skipped(
    order: Sequence[str], joins: Joins, conditional: Collection[str], tolerated: Collection[str]
) -> frozenset[str]:
    """The steps that run in every run that does not fail."""
    known: dict[str, bool] = {}

    def ready(join: Join) -> bool:
        if join.op == "all":
            return any(known.get(t, False) if isinstance(t, str) else ready(t) for t in join.terms)
        sure = sum(
            (known.get(t, False) and t not in tolerated) if isinstance(t, str) else ready(t)
            for t in join.terms
        )
        return sure >= _needed(join)

    for name in order:
        join = joins[name]
        known[name] = name not in conditional and (join is None or ready(join))
    return frozenset(name for name, sure in known.items() if sure)


def _done_before(
    order: Sequence[str],
    joins: Joins,
    running: frozenset[str],
    always: frozenset[str],
    tolerated: Collection[str],
    handles: Mapping[str, Sequence[str]],
) -> dict[str, frozenset[str]]:
    """For each step, what must be done when it runs: a single term, every term where all are
    counted, terms that are never skipped, and what those in turn must have seen done."""
    done: dict[str, frozenset[str]] = {}

    def counted(term: str | Join) -> frozenset[str]:
        return done.get(term, _NONE) | {term} if isinstance(term, str) else sure(term)

    def ended(term: str | Join) -> frozenset[str]:
        if isinstance(term, Join) or term not in tolerated:
            return counted(term)
        # It may have failed for want of its own terms: what it counts is done only if it ran.
        return done.get(term, _NONE) if _never_fails(joins.get(term)) else _NONE

    def sure(join: Join) -> frozenset[str]:
        if join.op != "all":
            every = _needed(join) == len(join.terms)
            return _NONE.union(*map(counted, join.terms)) if every else _NONE
        if len(join.terms) == 1:
            return ended(join.terms[0])
        found = _NONE
        for term in join.terms:
            if isinstance(term, str):
                found |= ended(term) if term in running else _NONE
            elif term.op == "all":
                # Several joins side by side: one may have been skipped as a whole, but what is
                # never skipped is done.
                found |= always.intersection(_waited_for(term))
        return found

    for name in order:
        join = joins[name]
        done[name] = sure(join) if join else _NONE
        if len(handled := handles.get(name, ())) == 1:
            done[name] |= ended(handled[0])
    return done


def _needed(join: Join) -> int:
    return join.count if join.op == "count" else 1


def _never_fails(join: Join | None) -> bool:
    """Whether a join cannot come out of reach by tolerated failures: it counts nothing."""
    return join is None or (
        join.op == "all" and all(isinstance(t, str) or _never_fails(t) for t in join.terms)
    )


def _waited_for(join: Join) -> set[str]:
    """The steps of a join of ``all`` that have ended once it is ready."""
    parts = (
        {term} if isinstance(term, str) else _waited_for(term) if term.op == "all" else set()
        for term in join.terms
    )
    return set[str]().union(*parts)


def ended_before(joins: Joins) -> dict[str, frozenset[str]]:
    """For each step, those that have surely ended when it starts: under ``any`` and ``count`` a
    step may start while others of its terms are still under way. ``joins`` has no cycle."""

    def waited(join: Join | None) -> frozenset[str]:
        if join is None or (join.op != "all" and _needed(join) < len(join.terms)):
            return _NONE
        return _NONE.union(*({t} if isinstance(t, str) else waited(t) for t in join.terms))

    found: dict[str, frozenset[str]] = {}
    for name in in_order(joins):
        direct = waited(joins[name])
        found[name] = direct.union(*(found.get(step, _NONE) for step in direct))
    return found


def unreachable(join: Join | None, handles: Mapping[str, Sequence[str]]) -> str | None:
    """Where a join counts more steps than can be done in one run: a step that is only done where
    another one of them is not. None where it can be.

    ``handles`` has, for each step that ``on_error`` names, the steps whose failure leads to it.
    """
    if join is None:
        return None
    steps = {term for term in join.terms if isinstance(term, str)}
    found = []
    for name, handled in handles.items():
        together = {name, *handled}
        if together <= steps:
            steps -= together
            found.append(name)
    if found and join.op == "count" and join.count > len(join.terms) - len(found):
        return found[0]
    inner = (unreachable(term, handles) for term in join.terms if isinstance(term, Join))
    return next(filter(None, inner), None)
