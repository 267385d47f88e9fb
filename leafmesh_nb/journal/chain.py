"""The hash chain of a stream. Pure; the format is public, so that anyone can write a verifier.

Every stream (``run:ID``, ``mesh:NAME``, ``journal``) is a chain of its own. An event is a row of
the table ``events`` with the columns

    stream, seq, ts, epoch, kind, path, v, payload, salt, prev, hash

and, as UTF-8 text throughout, with ``LF`` = U+000A and ``US`` = U+001F::

    digest = SHA-256( salt + payload )                        as 64 lower-case hex digits
    header = stream US seq US ts US epoch US kind US path US v
    hash   = SHA-256( prev LF header LF digest )              as 64 lower-case hex digits

- ``seq`` counts from 1 within a stream without gaps; integers are written in decimal.
- ``ts`` is the text of the column, ``2026-03-01T12:00:00.000000Z``: UTC, six digits. Times need
  not ascend: clocks are set back.
- ``payload`` is the text of the column as it stands, never parsed and written again.
- ``salt`` is 32 hex digits of 16 random bytes, drawn for each event. It keeps a short payload
  from being guessed once payload and salt are erased and only ``digest`` is kept. A verifier must
  require exactly 32 digits of ``0-9a-f``: nothing else says where the salt ends in what is hashed.
- ``prev`` is the ``hash`` of the event before, and 64 zeros for the first.
- No column of the header holds U+001F, so no two headers read the same.

A payload above 8,192 bytes stands in the table ``blobs (stream, digest, data)``; the column then
holds exactly ``{"blob":"D"}``, where D is the SHA-256 of the payload's UTF-8 text in hex, and the
chain runs over that reference. ``data`` is the text compressed as a zlib stream (RFC 1950).

When a run ends, an event ``run.head`` with the fields ``run``, ``seq``, ``hash`` and ``status``
is appended to the stream ``journal`` in the same transaction, and again for whatever is appended
to that run later. So a run that was deleted, cut or rewritten shows, as long as the stream
``journal`` itself is held to a head that was noted outside.

A run that was pruned has no events, blobs, messages and row any more. What stands for it is an
event ``run.pruned`` in the stream ``journal`` with the ``seq`` and ``hash`` of its last
``run.head``, and a checkpoint behind that; without one, whoever deleted the run could have written
the tombstone.

No hash covers the table ``runs``. Its columns mesh, workflow, spec_hash and requester must be those
of the run's first event, ``run.started``, and ``status`` that of its ``run.ended``, once there is
one; every run has both a row and a stream, and the file has neither triggers nor views.
"""

from __future__ import annotations

import hashlib

__all__ = ["GENESIS", "SEPARATOR", "header", "link", "payload_digest"]

GENESIS = "0" * 64
SEPARATOR = "\x1f"


def payload_digest(salt: str, payload: str) -> str:
    """SHA-256 of salt and payload, in hex."""
    return _sha256(salt + payload)


def header(stream: str, seq: int, ts: str, epoch: int, kind: str, path: str, v: int) -> str:
    """The columns that say where an event stands and what it is, as one text."""
    return SEPARATOR.join((stream, str(seq), ts, str(epoch), kind, path, str(v)))


def link(prev: str, head: str, digest: str) -> str:
    """The hash of an event, from that of the one before, its header and its payload's digest."""
    return _sha256(f"{prev}\n{head}\n{digest}")


def _sha256(text: str) -> str:
    # A verifier decodes with surrogateescape, so that bytes that are no UTF-8 (a file that
    # somebody edited) are hashed as they stand.
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
