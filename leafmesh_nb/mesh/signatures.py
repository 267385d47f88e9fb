"""Under which keys a journal was checked, in words."""

from __future__ import annotations

from leafmesh_nb.engine.ports import Verification

__all__ = ["signed_by"]


def signed_by(found: Verification) -> str:
    """Who vouches for the ends of runs: one line for a person."""
    parts = [
        f"{count:,} checkpoint{'' if count == 1 else 's'} signed by {key}"
        + (" (the key of this machine)" if key == found.own_key else "")
        for key, count in found.keys.items()
    ]
    if found.unsigned:
        ends = "end of a run" if found.unsigned == 1 else "ends of runs"
        parts.append(f"{found.unsigned:,} {ends} that no key vouches for")
    if found.pruned:
        runs = "run was" if found.pruned == 1 else "runs were"
        parts.append(f"{found.pruned:,} {runs} deleted for good, under signed tombstones")
    return "; ".join(parts) or "nothing is signed: no run has ended"
