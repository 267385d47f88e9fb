"""Circles among things that name each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["find_cycle"]


def find_cycle(graph: Mapping[str, Iterable[str]]) -> list[str] | None:
    """The first circle as the path back to its start, such as ``[a, b, a]``; None without one.

    ``graph`` maps each name to those it leads to, of which some may not be in it.
    """
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        places: dict[str, int] = {}
        pending: list[tuple[str, bool]] = [(start, True)]
        while pending:
            name, entering = pending.pop()
            if not entering:
                path.pop()
                del places[name]
                done.add(name)
                continue
            if name in places:
                return [*path[places[name] :], name]
            if name in done:
                continue
            places[name] = len(path)
            path.append(name)
            pending.append((name, False))
            pending += [(other, True) for other in reversed(tuple(graph.get(name, ())))]
    return None
