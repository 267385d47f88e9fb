"""Who may write to a run: claims, leases and epochs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import timedelta

from leafmesh_nb.errors import JournalError, OwnershipError
from leafmesh_nb.journal import owner as owners
from leafmesh_nb.journal.text import from_stamp, now, stamp, utf8

__all__ = ["claim", "held_by", "release", "renew"]


def claim(conn: sqlite3.Connection, run: str, owner: str, seconds: float) -> int:
    """Take a run that nobody holds and return its new epoch, from which older ones are refused.

    Nobody holds it when it has no owner, when the lease has lapsed, and when the owner was a
    process of this host that is gone. Raises OwnershipError otherwise, whoever asks: one run has
    one runner. A ``due_at`` that has come is taken off, so that a message from now on sets it
    anew.
    """
    row = conn.execute(
        "SELECT epoch, owner, lease_until, status, ended FROM runs WHERE id = ?", (run,)
    ).fetchone()
    if row is None:
        raise JournalError(f"the journal has no run {run}")
    epoch, holder, until, status, ended = row
    if ended is not None:
        raise JournalError(f"run {run} has ended ({status}): there is nothing left to own")
    moment = now()
    lapsed = until is None or until <= stamp(moment)
    if holder and not lapsed and owners.is_alive(holder) is not False:
        raise OwnershipError(
            f"run {run} is owned by {held_by(holder, until)}; wait for it, or end that process"
        )
    conn.execute(
        "UPDATE runs SET epoch = epoch + 1, owner = ?1, lease_until = ?2, "
        "due_at = CASE WHEN due_at > ?3 THEN due_at END WHERE id = ?4",
        (utf8(owner), stamp(moment + timedelta(seconds=seconds)), stamp(moment), run),
    )
    return int(epoch) + 1


def renew(conn: sqlite3.Connection, runs: Mapping[str, int], seconds: float) -> None:
    """Extend leases. One that was lost is passed over: the next append at its epoch says so."""
    until = stamp(now() + timedelta(seconds=seconds))
    conn.executemany(
        "UPDATE runs SET lease_until = ? WHERE id = ? AND epoch = ? AND owner <> ''",
        [(until, run, epoch) for run, epoch in runs.items()],
    )


def release(conn: sqlite3.Connection, run: str, epoch: int) -> None:
    """Give up a lease; does nothing when another epoch holds the run."""
    conn.execute(
        "UPDATE runs SET owner = '', lease_until = NULL WHERE id = ? AND epoch = ?", (run, epoch)
    )


def held_by(holder: str, until: str | None) -> str:
    """An owner and the end of its lease, for people."""
    who = owners.describe(holder) if holder else "nobody"
    if until is None:
        return who
    return f"{who} until {from_stamp(until):%Y-%m-%d %H:%M:%S} UTC"
