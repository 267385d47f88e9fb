"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

__all__ = ["distance", "suggest"]

_LONGEST = 80
_MOST = 500


def distance(left: str, right: str, limit: int) -> int:
    """The edits (insert, drop, replace, swap of neighbours) between two texts.

    Gives ``limit + 1`` as soon as more than ``limit`` are needed.
    """
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        current = [i]
        for j, b in enumerate(right, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return min(previous[-1], limit + 1)


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that somebody who wrote ``name`` most likely meant, or None."""
    if not name or len(name) > _LONGEST:
        return None
    wanted = _folded(name)
    allowed = max(1, len(wanted) // 3)
    best: tuple[int, str] | None = None
    for candidate in islice(candidates, _MOST):
        other = _folded(candidate)
        if other == wanted:
            return candidate
        edits = distance(wanted, other, allowed)
        if edits <= allowed and edits < min(len(wanted), len(other)):
            if best is None or edits < best[0]:
                best = (edits, candidate)
        elif (
            best is None
            and min(len(wanted), len(other)) >= 4
            and (wanted in other or other in wanted)
        ):
            best = (allowed + 1, candidate)
    return best[1] if best else None


def _folded(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
