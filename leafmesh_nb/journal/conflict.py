"""The error of a lost race for a stream's head."""

from __future__ import annotations

from leafmesh_nb.errors import JournalError

__all__ = ["ConflictError"]


class ConflictError(JournalError):
    """A batch believed in another head than its stream has: read the stream again and retry."""
