"""Paths: the places of a run, as events name them.

``step[item]#iteration@racer`` is a step, or one item, iteration or racer of it, and ``/`` leads to
the steps of a sub-workflow: ``orders[3]/classify#2@1``. Items count from 0, as ``index`` does,
iterations and racers from 1. The place that a path is part of is the path without its last part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "Place",
    "depth",
    "inner",
    "item",
    "iteration",
    "outermost",
    "parent",
    "parse",
    "racer",
    "scope",
    "steps_of",
]

_PLACE = re.compile(
    r"(?P<step>[^\[\]#@/]+)(?:\[(?P<item>\d+)\])?(?:#(?P<iteration>\d+))?(?:@(?P<racer>\d+))?\Z",
    re.ASCII,
)
_PART = re.compile(r"\[\d+\]|[#@]\d+", re.ASCII)
_BEGINS_PART = re.compile(r"[\[#@/]")


@dataclass(frozen=True, slots=True)
class Place:
    """The last step of a path, and which part of it; ``scope`` is what stands before it."""

    scope: str
    step: str
    item: int | None = None
    iteration: int | None = None
    racer: int | None = None

    def __str__(self) -> str:
        path = inner(self.scope, self.step)
        if self.item is not None:
            path = item(path, self.item)
        if self.iteration is not None:
            path = iteration(path, self.iteration)
        return path if self.racer is None else racer(path, self.racer)


def parse(path: str) -> Place:
    """The place that a path names. Raises ValueError for a text that is no path."""
    before, _, last = path.rpartition("/")
    found = _PLACE.match(last)
    if found is None:
        raise ValueError(f"{path!r} is no path of a step")
    numbers = (found["item"], found["iteration"], found["racer"])
    return Place(before, found["step"], *(None if n is None else int(n) for n in numbers))


def scope(path: str) -> str:
    """The step whose sub-workflow a path is in; empty for the run's own workflow."""
    return path.rpartition("/")[0]


def parent(path: str) -> str:
    """The place that this one is part of; empty for a step of the run's own workflow."""
    return path[: max(0, *(path.rfind(mark) for mark in "[#@/"))]


def outermost(path: str) -> str:
    """The step of the run's own workflow that a path is part of."""
    found = _BEGINS_PART.search(path)
    return path[: found.start()] if found else path


def steps_of(path: str) -> str:
    """A path without its items, iterations and racers: equal for all parts of a step."""
    return _PART.sub("", path)


def depth(path: str) -> int:
    """How many places a path is part of."""
    return len(_BEGINS_PART.findall(path))


def inner(scope: str, step: str) -> str:
    """A step of the sub-workflow at ``scope``; of the run's own where that is empty."""
    return f"{scope}/{step}" if scope else step


def item(path: str, index: int) -> str:
    """One item of a ``for_each``, from 0."""
    return f"{path}[{index}]"


def iteration(path: str, number: int) -> str:
    """One time of a ``repeat``, from 1."""
    return f"{path}#{number}"


def racer(path: str, number: int) -> str:
    """One of those that race, from 1."""
    return f"{path}@{number}"
