"""The check of tombstones: is every run that is gone one that was pruned, by whoever holds a key?

Each check raises BrokenError at the first thing that does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leafmesh_nb.journal.broken import BrokenError

__all__ = ["Tombstone", "check_present", "check_signed", "tombstones"]

_STREAM = "journal"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A run's, event number ``place`` of the stream ``journal``: how long the run was, and the hash
    of its last event."""

    place: int
    seq: int
    hash: str


def tombstones(payloads: Mapping[int, str]) -> dict[str, Tombstone]:
    """By run, from the payloads of ``run.pruned`` by their place in the stream ``journal``."""
    found: dict[str, Tombstone] = {}
    for place, payload in payloads.items():
        try:
            said = json.loads(payload)
            run, seq, hash = said["run"], said["seq"], said["hash"]
        except (ValueError, KeyError, TypeError, RecursionError):
            run, seq, hash = None, None, None
        if not (isinstance(run, str) and isinstance(seq, int) and isinstance(hash, str)):
            raise BrokenError(
                f"{_STREAM} seq {place}", "it holds a tombstone that no journal wrote"
            )
        if run in found:
            raise BrokenError(f"{_STREAM} seq {place}", f"run {run} was pruned before")
        found[run] = Tombstone(place, seq, hash)
    return found


def check_present(
    found: Mapping[str, Tombstone],
    recorded: Mapping[str, tuple[int, str]],
    runs: Collection[str],
    streams: Collection[str],
) -> None:
    """A tombstone stands for the end that was recorded, of a run of which nothing is left.

    ``recorded`` has the number and the hash of each ended run's last event; ``runs`` are the ids of
    rows.
    """
    for run, tombstone in found.items():
        if recorded.get(run) != (tombstone.seq, tombstone.hash):
            raise BrokenError(
                f"{_STREAM} seq {tombstone.place}",
                f"the tombstone of run {run} is not that of the end that was recorded",
            )
        if run in runs:
            raise BrokenError(f"row of run {run}", "it was inserted: the run was pruned")
        if f"run:{run}" in streams:
            raise BrokenError(f"run:{run} seq 1", "the event was inserted: the run was pruned")


def check_signed(found: Mapping[str, Tombstone], upto: int, keys: Collection[str]) -> None:
    """A key vouches for each tombstone, by a checkpoint that reaches at least event ``upto``: who
    deletes a run without one could write the tombstone themselves."""
    for run, tombstone in found.items():
        if tombstone.place > upto:
            named = f"no key of {', '.join(sorted(keys))}" if keys else "no key"
            raise BrokenError(
                f"{_STREAM} seq {tombstone.place}", f"{named} signed the tombstone of run {run}"
            )
