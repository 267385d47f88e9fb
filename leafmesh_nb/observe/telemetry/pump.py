"""Exports from time to time, for as long as a service runs."""

from __future__ import annotations

import logging
import os
import threading

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.journal import open_journal
from leafmesh_nb.journal.cursors import Cursors
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.observe.telemetry import content
from leafmesh_nb.observe.telemetry.delivery import Delivery, deliver
from leafmesh_nb.observe.telemetry.endpoints import endpoints
from leafmesh_nb.observe.telemetry.receiver import Receiver, receiver_at

__all__ = ["Pump", "pump"]

logger = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks at the journal: what the SDK's batches wait at most."""

_LONGEST = 60.0


class Pump:
    """Exports what is new, again and again, on a thread of its own.

    While the receiver is away it looks less and less often, at least once a minute; nothing is
    lost meanwhile. ``problem`` says what is wrong now, and is empty while all is well.
    """

    def __init__(self, journal: SqliteJournal, receiver: Receiver, *, every: float = EVERY) -> None:
        self.problem = ""
        self._journal = journal
        self._receiver = receiver
        self._every = every
        self._content = content.asked_for()
        self._mark = 0
        self._unreadable: set[str] = set()
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def to(self) -> str:
        """Where it exports to, without credentials."""
        return self._receiver.name

    def tick(self) -> Delivery:
        """Export what is new, now. Raises LeafmeshError; the next tick takes it up again."""
        with self._turn:
            touched, mark = Cursors(self._journal, self.to).touched(self._mark)
            # At first, and when the file was replaced, nobody knows which runs are behind.
            runs = touched if 0 < self._mark <= mark else None
            if runs == []:
                return Delivery()
            done = deliver(self._journal, self._receiver, runs, content=self._content)
            self._mark = mark
        for run, why in done.unreadable.items():
            if run not in self._unreadable:
                logger.warning("run %s is not exported: %s", run, why)
        self._unreadable |= done.unreadable.keys()
        for remark in done.remarks:
            logger.warning("%s: %s", self.to, remark)
        return done

    def start(self) -> Pump:
        """Begin; a second start changes nothing. Returns the pump."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._loop, name="leafmesh-telemetry", daemon=True
            )
            self._thread.start()
        return self

    def stop(self, timeout: float = 10.0) -> None:
        """Export once more, unless the receiver is away, and end; waits so many seconds at most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)
        self._receiver.close()

    def _loop(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            pause = self._every if self._try() else min(2 * pause, _LONGEST)
        if not self.problem:
            self._try()

    def _try(self) -> bool:
        try:
            self.tick()
        except LeafmeshError as error:
            known, self.problem = self.problem, str(error)
            if not known:
                logger.warning("telemetry waits: %s", error)
            return False
        except Exception as error:  # the service goes on, whether it is observed or not
            self.problem = f"{type(error).__name__}: {error}"
            logger.exception("telemetry failed")
            return False
        known, self.problem = self.problem, ""
        if known:
            logger.warning("telemetry goes on to %s", self.to)
        return True


def pump(
    journal: SqliteJournal | str | os.PathLike[str] | None, *, every: float = EVERY
) -> Pump | None:
    """A pump to the receiver that the environment names, not yet started; None when it names none.

    The environment is OTEL_EXPORTER_OTLP_ENDPOINT and the SDK's other variables (see
    ``endpoints``). ``every`` is in seconds. Raises LeafmeshError for an address that is none, and
    without the extra ``otlp``.
    """
    where = endpoints()
    if where is None:
        return None
    opened = journal if isinstance(journal, SqliteJournal) else open_journal(journal)
    return Pump(opened, receiver_at(where), every=every)
