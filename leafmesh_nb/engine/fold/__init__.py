"""``fold``: events in, state out. Pure, and the only place where a run's state changes.

``LEGAL`` is the table of what may happen to a step in which phase. An event that does not fit
raises IllegalEventError before anything has changed: each handler reads and checks all that it
needs first.
"""

from __future__ import annotations

from leafmesh_nb.engine.fold.checks import IllegalEventError
from leafmesh_nb.engine.fold.transitions import LEGAL, apply, begin, fold

__all__ = ["LEGAL", "IllegalEventError", "apply", "begin", "fold"]
