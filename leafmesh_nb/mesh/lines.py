"""A run as JSON lines: an event a line, which anybody can hold against the chain's hashes.

A line has the columns of the event (``stream seq ts epoch kind path v prev hash``), its ``payload``
as text, and ``digest``. With LF and US as in the chain's format (``journal.chain``):

    hash = SHA-256( prev LF header LF digest )        header = stream US seq US … US v

So the order, and that nothing is missing, can be checked of every line, and ``prev`` of the first
is 64 zeros. Where nothing of the payload had to be masked the line has ``salt`` too, and the
payload itself can be checked:

    digest = SHA-256( salt + stored )

``stored`` is the payload, or ``{"blob":"D"}`` with its SHA-256 for D where the line says ``"blob":
true``. A masked payload says ``"masked": true`` and has no salt: with it a short secret could be
guessed from the digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from leafmesh_nb.journal.records import Record, records
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.masked import masked_body

__all__ = ["lines_of"]


def lines_of(journal: SqliteJournal, run: str, masker: Masker) -> Iterator[str]:
    """The lines of a run, in order, without line ends. Raises JournalError."""
    for record in records(journal, f"run:{run}"):
        yield _json(_line(record, masker))


def _line(record: Record, masker: Masker) -> dict[str, Any]:
    event = record.event
    line: dict[str, Any] = {
        "stream": event.stream,
        "seq": event.seq,
        "ts": record.ts,
        "epoch": event.epoch,
        "kind": event.kind,
        "path": event.path,
        "v": record.v,
    }
    plain = _json({f.name: getattr(event.body, f.name) for f in fields(event.body)})  # type: ignore[arg-type]  # every body is one
    masked = _json(masked_body(event, masker))
    if masked == plain:
        line |= {"payload": record.payload, "salt": record.salt}
        line |= {"blob": True} if record.blob else {}
    else:
        line |= {"payload": masked, "masked": True}
    return line | {"digest": record.digest, "prev": record.prev, "hash": event.hash}


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    # A lone surrogate is what UTF-8 cannot hold, and U+2028 what some take for a line's end.
    if not text.isascii() and any(
        c in "\u2028\u2029\x85" or "\ud800" <= c < "\ue000" for c in text
    ):
        return json.dumps(value, separators=(",", ":"), default=str)
    return text
