"""What is new in the journal, handed to a receiver, and the cursors moved once it is there.

The cursor of a run is the ``seq`` of an event: every span that this event or an earlier one
finished has been taken. A span that began before the cursor and is finished after it is projected
again from the run's first event, with the same id, and goes then. So nothing is left out, and
what goes twice (the process died between a yes and the cursor's move) is the same span twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from leafmesh_nb.errors import ConflictError, JournalError, LeafmeshError
from leafmesh_nb.journal.cursors import Cursors, Position
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.observe.telemetry.reading import Reader
from leafmesh_nb.observe.telemetry.receiver import CHUNK, Console, NoMetricsError, Receiver
from leafmesh_nb.observe.telemetry.spans import Span
from leafmesh_nb.observe.telemetry.totals import Totals

__all__ = ["Delivery", "deliver", "show"]

_PATIENCE = 100
"""How often other exports may be quicker before this one gives up."""


@dataclass(slots=True)
class Delivery:
    """What an export did.

    ``runs`` had something new, ``spans`` that were taken now; ``points`` of metrics went with them;
    ``already`` spans were taken by earlier exports; ``unfinished`` runs have spans that are not
    finished and follow later. ``remarks`` are the receiver's; ``unreadable`` says of runs what is
    wrong with them.
    """

    runs: set[str] = field(default_factory=set)
    spans: int = 0
    points: int = 0
    already: int = 0
    unfinished: int = 0
    remarks: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def deliver(
    journal: SqliteJournal,
    receiver: Receiver,
    runs: Sequence[str] | None = None,
    *,
    content: bool = False,
    again: bool = False,
) -> Delivery:
    """Hand over what these runs (all of them: None) have that the receiver has not.

    ``content`` adds what was said; ``again`` begins each run anew. A run that cannot be read is
    named in the result, and the others go. Raises LeafmeshError when the receiver does not take
    something: what it took before stays counted. Raises JournalError when cursors cannot be kept.
    """
    done = Delivery()
    cursors = Cursors(journal, receiver.name)
    if not cursors.needed():
        return done
    for attempt in range(_PATIENCE):
        try:
            export = _Export(cursors, receiver, Reader(journal, content=content), done)
            positions = cursors.positions(runs)
            if attempt == 0:
                done.already = 0 if again else sum(p.spans for p in positions)
                done.unfinished = sum(not p.ended for p in positions)
            export.take(positions, again=again)
            export.measure(always=again)
            return done
        except ConflictError:
            # Another process exports too; what both sent is the same span, by its id.
            continue
    raise JournalError(
        f"other processes keep exporting the journal {journal.location} to {receiver.name}; "
        "let one of them do it"
    )


def show(
    journal: SqliteJournal, console: Console, runs: Sequence[str], *, content: bool = False
) -> Delivery:
    """Write all that these runs have to the console; no cursor is kept. Raises JournalError."""
    from leafmesh_nb.observe.telemetry import sdk

    done, totals, reader = Delivery(), Totals(), Reader(journal, content=content)
    resource = sdk.resource_of(totals)
    for run in runs:
        spans = reader.spans(run)
        console.take_spans(sdk.readable_spans(spans, resource))
        for span in spans:
            totals.add(span)
        done.spans += len(spans)
        done.runs.add(run)
    if totals.points:
        console.take_metrics(sdk.metrics_data(totals, resource))
    done.points = totals.points
    return done


class _Export:
    """One walk over the runs, from what is kept now to what will be kept."""

    def __init__(
        self, cursors: Cursors, receiver: Receiver, reader: Reader, done: Delivery
    ) -> None:
        from leafmesh_nb.observe.telemetry import sdk

        self._cursors = cursors
        self._receiver = receiver
        self._reader = reader
        self._done = done
        self._kept = cursors.open()
        self._totals = Totals.from_json(self._kept.totals) if self._kept.totals else Totals()
        self._sdk = sdk
        self._resource = sdk.resource_of(self._totals)
        self._batch: list[tuple[Span, bool]] = []  # and whether the totals have it already
        self._moves: dict[str, tuple[int, int]] = {}

    def take(self, positions: Sequence[Position], *, again: bool) -> None:
        """Hand over what stands behind each position. Raises ConflictError, LeafmeshError."""
        for position in positions:
            if again or position.head > position.seq:
                self._take(position, 0 if again else position.seq)
        self._flush()

    def measure(self, *, always: bool) -> None:
        """Hand over the points, unless the receiver has them. Raises LeafmeshError."""
        known = self._kept.told == self._kept.version
        if not self._totals.points or (known and not always):
            return
        try:
            data = self._sdk.metrics_data(self._totals, self._resource)
            self._remark(self._receiver.take_metrics(data))
            self._done.points = self._totals.points
        except NoMetricsError as error:
            self._remark(str(error))
        except LeafmeshError as error:
            raise LeafmeshError(f"the spans were taken, the metrics were not: {error}") from None
        self._cursors.tell(self._kept)

    def _take(self, position: Position, after: int) -> None:
        try:
            # What is written meanwhile is behind the cursor's next move, and waits for it.
            spans = self._reader.spans(position.run, position.head)
        except JournalError as error:
            self._done.unreadable[position.run] = str(error)
            return
        taken = 0
        for seq, group in groupby(spans, key=lambda span: span.closed_by):
            together = list(group)  # what one event finished is taken together or not at all
            taken += len(together)
            if seq > after:
                self._done.runs.add(position.run)
                self._batch += [(span, seq <= position.seq) for span in together]
                self._move(position, seq, taken)
            if len(self._batch) >= CHUNK:
                self._flush()
        self._move(position, position.head, taken)

    def _move(self, position: Position, seq: int, taken: int) -> None:
        if seq > position.seq:
            self._moves[position.run] = seq, taken

    def _flush(self) -> None:
        """Send, then count, then move the cursors: what comes later depends on what came before."""
        if self._batch:
            spans = [span for span, _ in self._batch]
            self._remark(self._receiver.take_spans(self._sdk.readable_spans(spans, self._resource)))
            for span, counted in self._batch:
                if not counted:
                    self._totals.add(span)
        if self._moves:
            totals = self._totals.to_json()
            self._kept = self._cursors.move(self._kept, self._moves, totals)
        self._done.spans += len(self._batch)
        self._batch, self._moves = [], {}

    def _remark(self, remark: str) -> None:
        if remark and remark not in self._done.remarks:
            self._done.remarks.append(remark)
