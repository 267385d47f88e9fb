"""Sign-ins in the journal: what an answer goes by that is more than asserted."""

from __future__ import annotations

import threading

from leafmesh_nb.deploy.records import record
from leafmesh_nb.engine.events import PersonSignedIn
from leafmesh_nb.engine.ports import Journal

__all__ = ["CHANNEL", "SignIns"]

CHANNEL = "service"


class SignIns:
    """Sign-ins of this service. Calls may come from any thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._by_token: dict[str, int] = {}

    def record(self, person: str, operator: bool) -> int:
        """Record that somebody showed a token; returns the place of that in ``journal``."""
        return record(self._journal, PersonSignedIn(person, CHANNEL, operator)).seq

    def of_token(self, token: str, person: str, operator: bool) -> int:
        """The sign-in of a bearer token: its first use since this service started."""
        with self._lock:
            known = self._by_token.get(token)
            if known is None:
                known = self._by_token[token] = self.record(person, operator)
            return known
