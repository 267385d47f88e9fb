"""The graph of a run's steps: places for nodes and the lines between them, as the card draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leafmesh_nb.observe.card_html import ranks

__all__ = ["Graph", "Line", "Node", "graph_of"]

WIDTH, HEIGHT = 184, 52
GAP_X, GAP_Y = 44, 12

Card = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """A step at a place, in pixels."""

    step: Mapping[str, Any]
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Line:
    """The way from one step to the next: a path of SVG, and ``reached``, ``flowing`` or empty."""

    path: str
    tone: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes of ``node_width`` by ``node_height`` pixels on ``width`` by ``height``."""

    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    width: int
    height: int
    node_width: int = WIDTH
    node_height: int = HEIGHT


def graph_of(card: Card) -> Graph:
    """Columns by the distance from the start, each in the middle of the height."""
    columns = ranks(card)
    height = max((_tall(column) for column in columns), default=HEIGHT)
    places: dict[str, tuple[int, int]] = {}
    for rank, column in enumerate(columns):
        top = (height - _tall(column)) // 2
        for row, name in enumerate(column):
            places[name] = rank * (WIDTH + GAP_X), top + row * (HEIGHT + GAP_Y)
    steps = card["steps"]
    return Graph(
        tuple(Node(steps[name], *place) for name, place in places.items()),
        tuple(
            _line(places[before], places[name], steps[before], steps[name])
            for name in places
            for before in _nearest(steps, name)
        ),
        max(1, len(columns)) * (WIDTH + GAP_X) - GAP_X,
        height,
    )


def _tall(column: list[str]) -> int:
    return len(column) * (HEIGHT + GAP_Y) - GAP_Y


def _nearest(steps: Mapping[str, Any], name: str) -> list[str]:
    """The steps before one, without those that another of them waits for already."""
    before = steps[name]["after"]
    further: set[str] = set()
    todo = [other for step in before for other in steps[step]["after"]]
    while todo:
        step = todo.pop()
        if step not in further:
            further.add(step)
            todo += steps[step]["after"]
    return [step for step in before if step not in further]


def _line(start: tuple[int, int], end: tuple[int, int], before: Card, after: Card) -> Line:
    x1, y1 = start[0] + WIDTH, start[1] + HEIGHT // 2
    x2, y2 = end[0], end[1] + HEIGHT // 2
    # Past columns in between it keeps its height; the bend is in the last gap.
    last = x2 - GAP_X
    middle = last + GAP_X // 2
    path = f"M{x1} {y1}H{last}C{middle} {y1} {middle} {y2} {x2} {y2}"
    reached = before["status"] == "ok" and after["status"] not in ("idle", "skip")
    return Line(path, "flowing" if after["status"] == "run" else "reached" if reached else "")
