"""Signed checkpoints: a key vouches for a stream up to a place.

A checkpoint is the event ``checkpoint.signed`` in the stream ``journal``, in the transaction that
ends a run and right behind its ``run.head``. Its signature is Ed25519 over the UTF-8 text ::

    leafmesh checkpoint 1 LF stream LF size LF head LF

where ``head`` is the hash of event number ``size`` of that stream (here: of the ``run.head``).
Through the chain, and the heads of runs in it, it covers every run that had ended by then. A second
one follows where the run's mesh has a stream of its own (shared memory, day budgets): over that.

A **note** is a checkpoint on a text file of its own, to be kept away from the journal: that text,
then the public key and the signature in hex, a line each.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leafmesh_nb.engine.events import CheckpointSigned, Draft
from leafmesh_nb.engine.ports import Append
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.append import append, seal
from leafmesh_nb.journal.broken import BrokenError
from leafmesh_nb.journal.heads import Heads
from leafmesh_nb.journal.signing import SigningKey, fingerprint, holds

__all__ = [
    "Checkpoint",
    "Signatures",
    "check",
    "check_note",
    "from_note",
    "sign",
    "to_note",
]

_STREAM = "journal"
_MESH = "mesh:"
_HEX = re.compile("[0-9a-f]+")
_SIZE = re.compile("[1-9][0-9]{0,17}")
_TITLE = "leafmesh checkpoint 1"


@dataclass(frozen=True)
class Checkpoint:
    """What was signed, and by which key."""

    stream: str
    size: int
    head: str
    public: str
    signature: str

    @property
    def text(self) -> str:
        """What the signature is over."""
        return f"{_TITLE}\n{self.stream}\n{self.size}\n{self.head}\n"

    @property
    def key(self) -> str:
        """The fingerprint of its key. Raises ValueError for what is no key."""
        return fingerprint(self.public)

    @property
    def holds(self) -> bool:
        """Whether the key made the signature, in the one spelling that a journal writes."""
        spelt = _HEX.fullmatch(self.public) and _HEX.fullmatch(self.signature)
        return spelt is not None and holds(self.public, self.signature, self.text)


def sign(
    conn: sqlite3.Connection, heads: Heads, key: SigningKey, epoch: int, mesh: str = ""
) -> None:
    """Append checkpoints over the stream ``journal`` as it stands in this transaction, and over the
    own stream of a mesh that is named, where that holds anything."""
    _sign(conn, heads, key, epoch, _STREAM)
    if mesh and heads.of(conn, _MESH + mesh)[0]:
        _sign(conn, heads, key, epoch, _MESH + mesh)


def _sign(conn: sqlite3.Connection, heads: Heads, key: SigningKey, epoch: int, stream: str) -> None:
    size, head = heads.of(conn, stream)
    text = Checkpoint(stream, size, head, key.public, "").text
    body = CheckpointSigned(stream, size, head, key.fingerprint, key.public, key.sign(text))
    sealed = seal(Append(_STREAM, (Draft(body),), 0))
    # Inside the transaction nobody else can move the head: take it as it is.
    append(conn, heads, sealed._replace(after=None), epoch)


def _from_payload(payload: str) -> Checkpoint | None:
    """The checkpoint of an event's payload; None for one that no journal wrote."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return _checkpoint(said) if isinstance(said, dict) else None


def _checkpoint(said: Mapping[str, Any]) -> Checkpoint | None:
    size = said.get("size")
    texts = [said.get(name) for name in ("stream", "head", "public_key", "signature", "key")]
    if not isinstance(size, int) or not all(isinstance(text, str) for text in texts):
        return None
    stream, head, public, signature, key = map(str, texts)
    found = Checkpoint(stream, size, head, public, signature)
    try:
        return found if found.key == key else None
    except ValueError:
        return None


def to_note(checkpoint: Checkpoint) -> str:
    """A checkpoint as the text of a note."""
    return f"{checkpoint.text}{checkpoint.public}\n{checkpoint.signature}\n"


def from_note(text: str) -> Checkpoint:
    """The checkpoint of a note. Raises JournalError for a text that is none, or was changed."""
    lines = text.strip().splitlines()  # mail adds empty lines
    if len(lines) != 6 or lines[0] != _TITLE or not _SIZE.fullmatch(lines[2]):
        raise JournalError(
            "this is no note of a checkpoint; write one with: leafmesh-nb verify --save FILE"
        )
    found = Checkpoint(lines[1], int(lines[2]), *lines[3:])
    if not found.holds:
        raise JournalError("the note was changed: its signature is not that of its key")
    return found


@dataclass(frozen=True)
class Signatures:
    """What the checkpoints of a journal say, once each of them holds."""

    keys: Mapping[str, int]
    """Fingerprints, and how many checkpoints each key signed."""
    covered: Mapping[str, int]
    """Fingerprints, and up to which event of the stream ``journal`` each key vouches."""
    note: str
    """The newest checkpoint as a note; empty without one."""


HashAt = Callable[[str, int], str | None]
"""The hash of an event by stream and number; None where there is no such event."""


def check(payloads: Mapping[int, str], hash_at: HashAt) -> Signatures:
    """Hold every checkpoint, given by its number in the stream ``journal``, against the chains.

    Raises BrokenError at the first that fails.
    """
    keys: Counter[str] = Counter()
    covered: dict[str, int] = {}
    last: Checkpoint | None = None
    for seq, payload in sorted(payloads.items()):
        here = f"{_STREAM} seq {seq}"
        found = _from_payload(payload)
        if found is None or not _stands(found, seq):
            raise BrokenError(here, "it holds a checkpoint that no journal wrote")
        if not found.holds:
            raise BrokenError(here, f"the signature is not that of key {found.key}")
        hash = hash_at(found.stream, found.size)
        if hash is None:
            raise BrokenError(
                f"{found.stream} seq {found.size}",
                f"the event was deleted: key {found.key} signed {found.size} events",
            )
        if hash != found.head:
            raise BrokenError(
                f"{found.stream} seq {found.size}",
                f"the journal was rewritten: key {found.key} signed another hash here",
            )
        keys[found.key] += 1
        if found.stream != _STREAM:
            continue
        covered[found.key] = max(found.size, covered.get(found.key, 0))
        last = found
    return Signatures(keys, covered, "" if last is None else to_note(last))


def _stands(found: Checkpoint, seq: int) -> bool:
    """Whether a journal writes such a checkpoint there: over itself, right behind what it signs."""
    if found.stream == _STREAM:
        return found.size == seq - 1
    return found.stream.startswith(_MESH) and found.size > 0


def check_note(note: Checkpoint, hash_at: HashAt, length: int) -> None:
    """Hold a journal of ``length`` events in the noted stream against a note kept elsewhere.

    Raises BrokenError.
    """
    if length < note.size:
        raise BrokenError(
            f"{note.stream} seq {length + 1}",
            f"the event was deleted: the note, signed by {note.key}, knows {note.size} events",
        )
    if hash_at(note.stream, note.size) != note.head:
        raise BrokenError(
            f"{note.stream} seq {note.size}",
            f"the journal was rewritten, or is not the one of the note: key {note.key} signed "
            "another hash here",
        )
