"""Take runs to where others look: spans and metrics over OTLP, JSON lines, or the console."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from leafmesh_nb.errors import JournalError, LeafmeshError
from leafmesh_nb.mesh import registry
from leafmesh_nb.mesh.run import Run
from leafmesh_nb.mesh.settings import journal_at

if TYPE_CHECKING:
    from leafmesh_nb.journal.sqlite import SqliteJournal
    from leafmesh_nb.observe.telemetry import Delivery

__all__ = ["FORMATS", "Exported", "export"]

FORMATS = ("otlp", "jsonl", "console")


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did; it shows itself as a sentence.

    ``runs`` had something to export: ``spans`` were taken and ``points`` of metrics, or ``lines``
    written, ``to`` there. ``already`` spans were taken by an earlier export; ``unfinished`` runs
    have open spans, which follow once they are finished. ``remarks`` are for people.
    """

    format: str
    to: str
    runs: int = 0
    spans: int = 0
    points: int = 0
    lines: int = 0
    already: int = 0
    unfinished: int = 0
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        what = f"{_count(self.spans, 'span')} of {_count(self.runs, 'run')}"
        if self.format == "jsonl":
            what = f"{_count(self.lines, 'event')} of {_count(self.runs, 'run')}"
        elif self.points:
            what += f" and {_count(self.points, 'point')} of metrics"
        said = [f"Exported {what} to {self.to}"]
        if self.already:
            said.append(f"{_count(self.already, 'span')} went before")
        if self.unfinished:
            one = self.unfinished == 1
            said.append(
                f"{_count(self.unfinished, 'run')} {'has' if one else 'have'} not ended: "
                "what is open there follows with a later export"
            )
        said += [remark[:1].upper() + remark[1:] for remark in self.remarks]
        return ". ".join(said) + "."


def export(
    run: Run | str | None = None,
    *,
    endpoint: str | None = None,
    format: str | None = None,
    to: str | os.PathLike[str] | TextIO | None = None,
    journal: str | os.PathLike[str] | None = None,
    content: bool | None = None,
    again: bool = False,
) -> Exported:
    """Export a run (a handle, an id, the beginning of one), or all runs of the journal.

    - ``format="otlp"`` sends spans and metrics over OTLP/HTTP to ``endpoint`` (such as
      ``http://127.0.0.1:4318``), else to where OTEL_EXPORTER_OTLP_ENDPOINT points; headers,
      certificates and the service's name come from the SDK's variables as well. It is the default
      where one of the two names a receiver, and needs the extra ``otlp``. What a receiver has taken
      is remembered in the journal and does not go again, unless ``again``.
    - ``format="console"``, else the default, writes the same to the console.
    - ``format="jsonl"`` writes each event as a line that the chain's hashes can be held against, to
      the file or stream ``to``, else to the console.

    Sensitive fields and card numbers are masked. What was said (prompts, results, reasons) goes to
    spans only with ``content=True``, or where OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT
    says so. Raises LeafmeshError when a receiver does not take it, RunError for a run that is not
    there, JournalError for one that cannot be read.
    """
    if format is not None and format not in FORMATS:
        raise LeafmeshError(f"no format {format!r}; there are {', '.join(FORMATS)}")
    if format in ("jsonl", "console") and endpoint is not None:
        raise LeafmeshError(f"format={format!r} goes to no endpoint; take away one of the two")
    if to is not None and format != "jsonl":
        raise LeafmeshError('to= names a file for lines; add format="jsonl"')
    ids: list[str] | None
    if isinstance(run, Run):
        opened, ids = journal_at(run.journal.location), [run.id]
    else:
        opened = journal_at(journal)
        ids = None if run is None else [registry.find(str(run), opened).id]
    if format == "jsonl":
        return _lines(opened, ids, to)
    return _telemetry(opened, ids, endpoint, format, content, again)


def _telemetry(
    journal: SqliteJournal,
    ids: Sequence[str] | None,
    endpoint: str | None,
    format: str | None,
    content: bool | None,
    again: bool,
) -> Exported:
    from leafmesh_nb.observe import telemetry

    where = None if format == "console" else telemetry.endpoints(endpoint)
    if where is None and format == "otlp":
        raise LeafmeshError(
            "nobody says where to export to: give endpoint=, such as http://127.0.0.1:4318, or set "
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        )
    says = telemetry.asked_for() if content is None else bool(content)
    if where is None:
        every = ids if ids is not None else [row.id for row in reversed(journal.runs())]
        done = telemetry.show(journal, telemetry.Console(), every, content=says)
        return _told(done, "console", "the console")
    receiver = telemetry.receiver_at(where)
    try:
        done = telemetry.deliver(journal, receiver, ids, content=says, again=again)
    finally:
        receiver.close()
    if ids is not None and done.unreadable:
        raise JournalError(next(iter(done.unreadable.values())))
    return _told(done, "otlp", receiver.name)


def _told(done: Delivery, format: str, to: str) -> Exported:
    unread = [f"run {run} was left out: {why}" for run, why in sorted(done.unreadable.items())]
    return Exported(
        format=format,
        to=to,
        runs=len(done.runs),
        spans=done.spans,
        points=done.points,
        already=done.already,
        unfinished=done.unfinished,
        remarks=(*done.remarks, *unread),
    )


def _lines(
    journal: SqliteJournal, ids: Sequence[str] | None, to: str | os.PathLike[str] | TextIO | None
) -> Exported:
    from leafmesh_nb.mesh.lines import lines_of

    every = ids if ids is not None else [row.id for row in reversed(journal.runs())]
    count, unfinished = 0, 0
    try:
        with _opened(to) as out:
            for id in every:
                run = registry.find(id, journal)
                unfinished += run.status in registry.OPEN
                for line in lines_of(journal, id, run.masker):
                    out.write(line + "\n")
                    count += 1
            out.flush()
    except OSError as error:
        raise LeafmeshError(
            f"{_name(to)} cannot be written: {error.strerror or error}; name another file"
        ) from None
    return Exported("jsonl", _name(to), len(every), lines=count, unfinished=unfinished)


def _opened(to: Any) -> Any:
    if to is None:
        return nullcontext(sys.stdout)
    if hasattr(to, "write"):
        return nullcontext(to)
    return open(to, "w", encoding="utf-8", newline="\n")


def _name(to: Any) -> str:
    if to is None or to is sys.stdout:
        return "the console"
    return str(getattr(to, "name", "a stream") if hasattr(to, "write") else os.fspath(to))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
