"""Takes up runs that nobody drives: at the start of a service, and as long as it runs."""

from __future__ import annotations

import logging
import threading

from leafmesh_nb.deploy.context import ServiceContext
from leafmesh_nb.engine.ports import RunRow
from leafmesh_nb.engine.runner.host import host
from leafmesh_nb.errors import LeafmeshError, OwnershipError
from leafmesh_nb.mesh import registry
from leafmesh_nb.mesh.run import live_owner

__all__ = ["Keeper"]

EVERY = 2.0
"""Seconds between two looks."""

logger = logging.getLogger(__name__)


class Keeper:
    """Resumes every open run of the release whose owner is gone, and of releases before it.

    Of a notebook's runs only those of exactly this mesh: another text was never checked for a
    release. A run that somebody holds is left alone, and so is one that was paused: whoever paused
    it resumes it. Those that cannot be driven here (their functions are other ones) are named once.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._given_up: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="leafmesh-keeper", daemon=True)

    def start(self) -> None:
        """Begin, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Take up no more runs; returns when the last look is over."""
        self._stop.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except LeafmeshError as error:
                logger.warning("runs could not be looked at: %s", error)
            except Exception:  # one run that cannot be read must not keep the others waiting
                logger.exception("runs could not be looked at")
            self._stop.wait(EVERY)

    def look(self) -> None:
        """Take up what there is now, oldest first."""
        journal, mesh = self._context.journal, self._context.mesh
        rows = journal.runs(mesh=mesh.name, status=("running", "waiting"))
        for row in reversed(rows):
            if self._stop.is_set():
                return
            if row.id not in self._given_up and self._ours(row) and self._unowned(row):
                self._take_up(row.id)

    def _ours(self, row: RunRow) -> bool:
        """Whether a service started it, or its mesh is the released one to the letter."""
        return bool(row.min_release) or row.spec_hash == self._context.mesh.spec.hash

    def _unowned(self, row: RunRow) -> bool:
        here = host().execution(self._context.journal, row.id) is not None
        return not here and live_owner(row) is None

    def _take_up(self, id: str) -> None:
        context = self._context
        try:
            registry.resume(id, context.mesh, journal=context.journal.location)
            logger.info("run %s goes on here", id)
        except OwnershipError:
            return  # somebody was quicker
        except LeafmeshError as error:
            self._given_up.add(id)
            logger.warning("run %s is left alone: %s", id, error)
