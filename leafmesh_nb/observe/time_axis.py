"""A time axis that shortens the stretches in which a run stood still.

A run of milliseconds that waits half an hour for a person would be two hairlines on a true axis.
Long idle stretches are drawn at a fixed share of the rest; the labels stay true.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["TimeAxis", "time_axis"]

# A shortened stretch is as wide as this share of all that is drawn at full length.
_SHARE = 0.35
# Events have microseconds; a finer step could round to none at all.
_SHORTEST = 1e-6
_CLOCK_STEPS = (30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Seconds since the start to places on the axis.

    ``knots`` are ``(seconds, place)`` with straight lines between them, ``last`` is the last moment
    that is known; ``shortened`` lists the stretches that are drawn shorter than they were.
    """

    knots: tuple[tuple[float, float], ...]
    last: float
    shortened: tuple[tuple[float, float], ...] = ()

    @property
    def end(self) -> float:
        """The place where the axis ends."""
        return self.knots[-1][1]

    def at(self, seconds: float) -> float:
        """The place of a moment."""
        times = [time for time, _ in self.knots]
        right = min(max(bisect_right(times, seconds), 1), len(times) - 1)
        (start, low), (stop, high) = self.knots[right - 1], self.knots[right]
        share = (seconds - start) / (stop - start) if stop > start else 0.0
        return low + (high - low) * min(max(share, 0.0), 1.0)

    def ticks(self, most: int = 9) -> list[float]:
        """Moments to label, far enough from each other to be read: ends of stretches first."""
        wanted = [0.0, self.last]
        for start, stop in self.shortened:
            wanted += [stop, start]
        edges = [0.0, *(time for stretch in self.shortened for time in stretch), self.last]
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            share = (self.at(stop) - self.at(start)) / self.end
            wanted += _round_times(start, stop, max(1, round(share * most)))
        nearest = self.end / most
        chosen: list[float] = []
        for time in wanted:
            if all(abs(self.at(time) - self.at(other)) >= nearest for other in chosen):
                chosen.append(time)
        return sorted(chosen)


def _round_times(start: float, stop: float, most: int) -> list[float]:
    """At most ``most`` (or one more) moments strictly between, at multiples of a round step."""
    least = (stop - start) / most
    if least < _SHORTEST:
        return []
    power = 10.0 ** math.floor(math.log10(least))
    decimal = (power * factor for factor in (1, 2, 5, 10))
    steps = decimal if least < 30 else iter(_CLOCK_STEPS)
    step = next((step for step in steps if step >= least), math.ceil(least / 86400) * 86400.0)
    first = math.floor(start / step) + 1
    return [n * step for n in range(first, math.ceil(stop / step))]


def time_axis(
    moments: Iterable[float],
    idle: Sequence[tuple[float, float]],
    busy: Sequence[tuple[float, float]] = (),
    last_open: bool = False,
) -> TimeAxis:
    """An axis over ``moments`` (seconds); ``idle`` stretches are shortened where nothing is busy.

    ``last_open`` adds a stretch at the end for what goes on still.
    """
    edges = [edge for stretch in (*idle, *busy) for edge in stretch]
    times = sorted({0.0, *moments, *edges})
    stretches: list[tuple[float, float, bool]] = []
    for start, stop in pairwise(times):
        still = _covers(idle, start, stop) and not _covers(busy, start, stop)
        if stretches and stretches[-1][2] and still:
            stretches[-1] = (stretches[-1][0], stop, True)
        else:
            stretches.append((start, stop, still))
    working = sum(stop - start for start, stop, still in stretches if not still)
    short = _SHARE * (working or times[-1]) or 1.0
    knots = [(times[0], 0.0)]
    shortened = []
    for start, stop, still in stretches:
        length = stop - start
        if still and length > short:
            shortened.append((start, stop))
            length = short
        knots.append((stop, knots[-1][1] + length))
    if last_open:
        width = max(short, 0.2 * knots[-1][1])
        knots.append((knots[-1][0] + width, knots[-1][1] + width))
    if len(knots) == 1:
        knots.append((1.0, 1.0))
    return TimeAxis(tuple(knots), times[-1], tuple(shortened))


def _covers(stretches: Sequence[tuple[float, float]], start: float, stop: float) -> bool:
    """Whether one of the stretches is under way between two neighbouring moments."""
    return any(begun < stop and ended > start for begun, ended in stretches)
